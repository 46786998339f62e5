//! The simulator as a program: one line of JSON on standard output says where it listens, then it serves until it is
//! told to stop.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use wpengine_sim::{ClockMode, RateLimits, Simulator, SimulatorBuilder};

const AFTER_HELP: &str = "\
On start one line of JSON goes to standard output:
  {\"base_url\":\"http://127.0.0.1:PORT/v1\",\"user\":\"...\",\"password\":\"...\"}

Examples:
  Try it:             wpengine-sim --port 4010 --user me --password secret
                      curl -u me:secret http://127.0.0.1:4010/v1/sites
  A minute a second:  wpengine-sim --speed 60
  Time stands still:  wpengine-sim --manual-clock
                      curl -X POST http://127.0.0.1:PORT/_sim/clock/advance -d '{\"seconds\":180}'
  A large fleet:      wpengine-sim --seed 7 --accounts 5 --sites 4000 --installs 10000

  A fleet in trouble: wpengine-sim --troubled
  Kept for next time: wpengine-sim --state fleet.json --sites 40 --installs 100
  A lost answer:      curl http://127.0.0.1:PORT/_sim/faults \\
                        -d '{\"operation\":\"create_backup\",\"kind\":\"reset\",\"phase\":\"after\"}'
  Limits, small ones: wpengine-sim --rate-limits --requests-per-minute 10 --rate-limit-headers

In a browser, http://127.0.0.1:PORT/explorer lets you try every operation, and /explorer/state shows what there is.
The controls are described at http://127.0.0.1:PORT/_sim/openapi.json.
It ends on Ctrl-C and on SIGTERM. Nothing is kept without --state.";

/// A simulator of the WP Engine Customer API.
#[derive(Parser)]
#[command(version, about, after_help = AFTER_HELP)]
struct Arguments {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Address to listen on. With any other than a loopback address, everybody who can reach it can try to sign in.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// How many times as fast as real time the simulated time goes.
    #[arg(long, value_name = "N", conflicts_with = "manual_clock", value_parser = speed)]
    speed: Option<f64>,
    /// Let time stand still until it is advanced through /_sim.
    #[arg(long)]
    manual_clock: bool,
    /// Seed of all ids and figures.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// API user id to accept; generated without.
    #[arg(long, requires = "password")]
    user: Option<String>,
    /// Password to accept; generated without.
    #[arg(long, requires = "user")]
    password: Option<String>,
    /// Start with a fleet of that many accounts, instead of the documentation's examples.
    #[arg(long, value_name = "A")]
    accounts: Option<usize>,
    /// How many sites the fleet has.
    #[arg(long, value_name = "S")]
    sites: Option<usize>,
    /// How many installs the fleet has; a site takes up to three.
    #[arg(long, value_name = "I")]
    installs: Option<usize>,
    /// Give the fleet something of everything that a check could find. Without numbers it has 9 accounts, 60 sites and 170
    /// installs.
    #[arg(long)]
    troubled: bool,
    /// Keep the state in this file: read at the start if it is there, written within a second after each change and at
    /// the end. What is in it goes before the fleet.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Switch the documented rate limits on: 100 requests a minute by address, 1000 an hour by account, one object
    /// cache purge a minute and one domain status check in 5 seconds by install.
    #[arg(long)]
    rate_limits: bool,
    /// Another number than 100 a minute by address.
    #[arg(long, value_name = "N", requires = "rate_limits")]
    requests_per_minute: Option<u32>,
    /// Another number than 1000 an hour by account.
    #[arg(long, value_name = "N", requires = "rate_limits")]
    requests_per_hour: Option<u32>,
    /// Tell with X-RateLimit-* headers what is left.
    #[arg(long, requires = "rate_limits")]
    rate_limit_headers: bool,
}

impl Arguments {
    fn builder(self) -> SimulatorBuilder {
        let limits = self.limits();
        let clock = match self.speed {
            _ if self.manual_clock => ClockMode::Manual,
            Some(speed) => ClockMode::Accelerated(speed),
            None => ClockMode::Real,
        };
        let mut builder = Simulator::builder().clock(clock).seed(self.seed);
        builder = builder.listen(SocketAddr::new(self.listen, self.port));
        if let (Some(user), Some(password)) = (self.user, self.password) {
            builder = builder.credentials(user, password);
        }
        if self.accounts.is_some() || self.sites.is_some() || self.installs.is_some() {
            let sites = self.sites.or(self.installs).unwrap_or(0);
            builder = builder.fleet(
                self.accounts.unwrap_or(1),
                sites,
                self.installs.unwrap_or(0),
            );
        } else if self.troubled {
            builder = builder.fleet(9, 60, 170);
        }
        if self.troubled {
            builder = builder.troubled();
        }
        if let Some(limits) = limits {
            builder = builder.rate_limits(limits);
        }
        if let Some(path) = self.state {
            builder = builder.state_file(path);
        }
        builder
    }

    fn limits(&self) -> Option<RateLimits> {
        let mut limits = self.rate_limits.then(RateLimits::documented)?;
        if let Some(requests) = self.requests_per_minute {
            limits = limits.by_address(requests);
        }
        if let Some(requests) = self.requests_per_hour {
            limits = limits.by_account(requests);
        }
        limits.headers = self.rate_limit_headers;
        Some(limits)
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        _ => Err("a number greater than 0 is needed".to_owned()),
    }
}

// One thread: the world has one lock, and a second thread would mostly wait for it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "wpengine-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> std::io::Result<()> {
    // Before the line is printed: who reads it may end the program at once.
    let stopped = stop_signals()?;
    let address = SocketAddr::new(arguments.listen, arguments.port);
    let simulator = arguments
        .builder()
        .start()
        .await
        .map_err(|error| explain(error, address))?;
    if !address.ip().is_loopback() {
        let warning = "not a loopback address: everybody who reaches it can try to sign in, and passwords travel in the open";
        writeln!(
            std::io::stderr(),
            "wpengine-sim: {} is {warning}",
            address.ip()
        )?;
    }
    let line = serde_json::json!({
        "base_url": simulator.base_url(),
        "user": simulator.user(),
        "password": simulator.password(),
    });
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    let failures = async {
        loop {
            let error = simulator.state_failure().await;
            let _ = writeln!(
                std::io::stderr(),
                "wpengine-sim: the state cannot be written: {error}; it is tried again after the next change"
            );
        }
    };
    tokio::select! {
        () = stopped => {}
        () = failures => {}
    }
    simulator.save_state()
}

/// Says what can be done about a simulator that does not start.
fn explain(error: std::io::Error, address: SocketAddr) -> std::io::Error {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable | ErrorKind::PermissionDenied
            if error.get_ref().is_none() =>
        {
            let message = format!("cannot listen on {address}: {error}; try another --port");
            std::io::Error::new(error.kind(), message)
        }
        ErrorKind::InvalidData => {
            let message = format!("{error}; the file stays as it is: mend it, or take it away");
            std::io::Error::new(error.kind(), message)
        }
        _ => error,
    }
}

/// Ends when the program is told to stop; listens from when it is called.
#[cfg(unix)]
fn stop_signals() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ends when the program is told to stop.
#[cfg(not(unix))]
fn stop_signals() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a way to be told, it runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
