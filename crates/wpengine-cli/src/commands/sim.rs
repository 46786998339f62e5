//! A simulator in this program: `sim start` serves until it is stopped, `sim run` serves one command.

use super::run;
use crate::{
    command::{Leaf, leaf},
    flags,
};

pub(super) fn leaves() -> Vec<Leaf> {
    let world = || {
        [
            flags::value(
                "accounts",
                "N",
                "A fleet with this many accounts instead of the documentation's examples",
            )
            .value_parser(clap::value_parser!(u64).range(..=1_000)),
            flags::value("sites", "N", "Number of sites")
                .value_parser(clap::value_parser!(u64).range(..=100_000)),
            flags::value("installs", "N", "Number of installs; up to three of a site")
                .value_parser(clap::value_parser!(u64).range(..=100_000)),
            flags::switch("troubled", "A fleet with problems that checks can find"),
            flags::value("seed", "N", "Seed of all ids and figures")
                .value_parser(clap::value_parser!(u64)),
            flags::value(
                "speed",
                "N",
                "How many times faster than real time its time runs",
            )
            .value_parser(clap::value_parser!(u64).range(1..=1_000_000)),
            flags::switch("rate-limits", "Enforce the documented rate limits"),
            flags::switch(
                "gateway",
                "An SSH gateway too, for deploy, logs, wp and ssh; it needs sshd, rsync, git and PHP",
            ),
        ]
    };
    vec![
        leaf("sim start", "Run a simulator until it is stopped, and print its address and credentials", &[], run!(|c, a| imp::start(c, a).await))
            .args(world())
            .args([
                flags::value("port", "PORT", "Port to listen on; a free one by default").value_parser(clap::value_parser!(u64).range(0..=65_535)),
                flags::value("state", "FILE", "Keep the state in this file").value_hint(clap::ValueHint::FilePath),
            ])
            .local()
            .details("It prints variables for other programs, or JSON with -o json, and serves until Ctrl-C. What it does is that of the program wpengine-sim, which has more options.")
            .examples(&["wpengine sim start --troubled", "wpengine sim start --port 4010 --speed 60"]),
        leaf("sim run", "Run a command against a simulator of its own", &[], run!(|c, a| imp::serve(c, a).await))
            .args(world())
            .arg(clap::Arg::new("command").value_name("COMMAND").help("Command, behind --").num_args(1..).last(true).required(true))
            .local()
            .details("The command gets the address and the credentials of the simulator in its environment, this program first in its PATH, and folders of its own for settings, mirror and state: nothing of yours is used or changed. Its standard output is untouched and its exit code is the exit code. What it changed is said at the end.")
            .examples(&[
                "wpengine sim run -- wpengine install list",
                "wpengine sim run --troubled -- wpengine fleet health",
                "wpengine sim run --speed 600 -- ./deploy.sh",
                "wpengine sim run --gateway -- wpengine logs torquemag",
            ]),
    ]
}

#[cfg(feature = "sim")]
mod imp {
    use std::{
        net::{Ipv4Addr, SocketAddr},
        path::Path,
        process::Stdio,
    };

    use serde_json::json;
    use wpengine_sim::{ClockMode, RateLimits, Simulator, SimulatorBuilder};

    use crate::{
        context::Ctx,
        failure::{Failure, exit},
        flags::Args,
        output::{Answer, Reply, print},
    };

    fn builder(a: Args<'_>) -> SimulatorBuilder {
        let number = |name: &str| {
            a.number(name)
                .and_then(|number| usize::try_from(number).ok())
        };
        let mut builder = Simulator::builder().seed(a.number("seed").unwrap_or(0));
        let (accounts, sites, installs) = (number("accounts"), number("sites"), number("installs"));
        if accounts.is_some() || sites.is_some() || installs.is_some() {
            let installs = installs.unwrap_or(0);
            builder = builder.fleet(accounts.unwrap_or(1), sites.unwrap_or(installs), installs);
        } else if a.flag("troubled") {
            builder = builder.fleet(9, 60, 170);
        }
        if a.flag("troubled") {
            builder = builder.troubled();
        }
        if a.flag("rate-limits") {
            builder = builder.rate_limits(RateLimits::documented());
        }
        if let Some(speed) = a.number("speed") {
            builder = builder.clock(ClockMode::Accelerated(speed as f64));
        }
        if let Some(path) = a.text("state") {
            builder = builder.state_file(path);
        }
        builder
    }

    async fn started(builder: SimulatorBuilder) -> Result<Simulator, Failure> {
        let simulator = builder.start().await;
        simulator.map_err(|error| {
            Failure::new(
                exit::FAILED,
                "simulator",
                format!("the simulator cannot start: {error}"),
            )
        })
    }

    pub(super) async fn start(c: &Ctx, a: Args<'_>) -> Result<Reply, Failure> {
        let port = a
            .number("port")
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or(0);
        let simulator =
            started(builder(a).listen(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))).await?;
        let gateway = gateway(c, a, &simulator).await?;
        let text = if c.format.is_json() {
            let mut about = json!({ "base_url": simulator.base_url(), "user": simulator.user(), "password": simulator.password() });
            for (name, value) in &gateway.variables {
                about[name.to_lowercase()] = json!(value);
            }
            format!("{about}\n")
        } else {
            let mut text = format!(
                "export WPE_API_BASE_URL={}\nexport WPE_API_USER_ID={}\nexport WPE_API_PASSWORD={}\n",
                simulator.base_url(),
                simulator.user(),
                simulator.password(),
            );
            for (name, value) in &gateway.variables {
                text.push_str(&format!(
                    "export {name}={}\n",
                    crate::command::quoted(value)
                ));
            }
            text
        };
        print(text.as_bytes())?;
        c.terminal
            .say("the simulator runs until Ctrl-C; use these variables in another terminal");
        // Ctrl-C ends the whole program with 130; here that is the ordinary end.
        let _ = tokio::signal::ctrl_c().await;
        simulator.save_state().map_err(|error| {
            Failure::new(
                exit::FAILED,
                "simulator",
                format!("the state cannot be written: {error}"),
            )
        })?;
        Ok(Answer::Nothing.into())
    }

    pub(super) async fn serve(c: &Ctx, a: Args<'_>) -> Result<Reply, Failure> {
        let simulator = started(builder(a)).await?;
        let gateway = gateway(c, a, &simulator).await?;
        let failed = |error: std::io::Error| {
            Failure::new(
                exit::FAILED,
                "file",
                format!("cannot make a temporary folder: {error}"),
            )
        };
        let folder = tempfile::tempdir().map_err(failed)?;
        let words = a.all("command");
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| Failure::usage("give the command behind --"))?;
        // `install` is a program of most systems, too, and would do something else.
        let begins = |path: &[&str]| {
            path.len() > 1
                && words.len() >= path.len()
                && path.iter().zip(&words).all(|(one, word)| one == word)
        };
        if let Some(leaf) = crate::commands::all()
            .iter()
            .find(|leaf| begins(&leaf.path))
        {
            let path = leaf.path.join(" ");
            let text = format!("{path} is a command of this program: write wpengine before it");
            return Err(Failure::usage(text).next(format!("wpengine sim run -- wpengine {path}")));
        }
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .env("WPE_API_BASE_URL", simulator.base_url())
            .env("WPE_API_USER_ID", simulator.user())
            .env("WPE_API_PASSWORD", simulator.password())
            .env("PATH", path_with(folder.path()).map_err(failed)?)
            .env_remove("WPENGINE_PROFILE")
            .envs(gateway.variables.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::inherit());
        for (variable, name) in [
            ("WPENGINE_CONFIG_DIR", "config"),
            ("WPENGINE_CACHE_DIR", "cache"),
            ("WPENGINE_STATE_DIR", "state"),
        ] {
            command.env(variable, folder.path().join(name));
        }
        // Before there is a command that would be left behind.
        let mut told_to_end = std::pin::pin!(terminated());
        let mut child = command
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::usage(format!("cannot run {program}: {error}")))?;
        // Ctrl-C reaches the command as well; it decides how it ends.
        let status = loop {
            tokio::select! {
                // Whoever stops this program means the command too.
                () = &mut told_to_end => {
                    let _ = child.start_kill();
                    break child.wait().await;
                }
                status = child.wait() => break status,
                _ = tokio::signal::ctrl_c() => {}
            }
        };
        let status = status.map_err(|error| {
            Failure::new(
                exit::FAILED,
                "command",
                format!("cannot wait for {program}: {error}"),
            )
        })?;
        let changed: Vec<String> = simulator
            .operation_counts()
            .into_iter()
            .filter(|(_, count)| count.side_effects > 0)
            .map(|(operation, count)| format!("{} {operation}", count.side_effects))
            .collect();
        c.terminal.say(&match changed.is_empty() {
            true => "simulator: nothing was changed".to_owned(),
            false => format!("simulator: changed by {}", changed.join(", ")),
        });
        Ok(Reply::from(Answer::Nothing).exit(code_of(status)))
    }

    /// A gateway, and the variables that lead to it. It stops when this is dropped.
    #[derive(Default)]
    struct WithGateway {
        variables: Vec<(&'static str, String)>,
        #[cfg(unix)]
        _gateway: Option<wpengine_sim::Gateway>,
    }

    #[cfg(unix)]
    async fn gateway(c: &Ctx, a: Args<'_>, simulator: &Simulator) -> Result<WithGateway, Failure> {
        /// Each has a folder and a port.
        const MOST: usize = 100;

        if !a.flag("gateway") {
            return Ok(WithGateway::default());
        }
        let client = wpengine::Client::at(simulator.url())?;
        let installs = client.installs().list().take(MOST).collect().await?;
        if installs.len() == MOST {
            c.terminal
                .say(&format!("the gateway has the first {MOST} installs"));
        }
        let names = installs.into_iter().map(|install| install.name);
        let gateway = wpengine_sim::Gateway::builder()
            .installs(names)
            .start()
            .await;
        let gateway = gateway.map_err(|error| {
            Failure::new(
                exit::FAILED,
                "simulator",
                format!("the gateway cannot start: {error}"),
            )
        })?;
        let page = gateway.home_page("{install}");
        Ok(WithGateway {
            variables: vec![
                (
                    "WPENGINE_SSH_CONFIG",
                    gateway.config_file().display().to_string(),
                ),
                ("WPENGINE_SSH_HOST_KEY", gateway.fingerprint()),
                ("WPENGINE_GIT_HOST_KEY", gateway.fingerprint()),
                ("WPENGINE_SSH_USER", gateway.user().to_owned()),
                ("WPENGINE_CHECK_URL", page),
            ],
            _gateway: Some(gateway),
        })
    }

    #[cfg(not(unix))]
    async fn gateway(_: &Ctx, a: Args<'_>, _: &Simulator) -> Result<WithGateway, Failure> {
        match a.flag("gateway") {
            true => Err(Failure::usage("--gateway needs a Unix system")),
            false => Ok(WithGateway::default()),
        }
    }

    /// Completes when this program is told to end. It listens from the call on, not from the first poll.
    #[cfg(unix)]
    fn terminated() -> impl Future<Output = ()> {
        use tokio::signal::unix::{SignalKind, signal};

        let listening = signal(SignalKind::terminate());
        async move {
            match listening {
                Ok(mut listening) => {
                    listening.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        }
    }

    #[cfg(not(unix))]
    fn terminated() -> impl Future<Output = ()> {
        std::future::pending()
    }

    fn code_of(status: std::process::ExitStatus) -> u8 {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return u8::try_from(128 + signal).unwrap_or(exit::FAILED);
        }
        status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(exit::FAILED)
    }

    /// The PATH with a folder in front, in which this program has its name.
    fn path_with(folder: &Path) -> std::io::Result<std::ffi::OsString> {
        let this = std::env::current_exe()?;
        let bin = folder.join("bin");
        std::fs::create_dir(&bin)?;
        let name = bin.join(if cfg!(windows) {
            "wpengine.exe"
        } else {
            "wpengine"
        });
        #[cfg(unix)]
        std::os::unix::fs::symlink(&this, &name)?;
        #[cfg(not(unix))]
        std::fs::copy(&this, &name)?;
        let before = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(bin).chain(std::env::split_paths(&before));
        std::env::join_paths(paths).map_err(std::io::Error::other)
    }
}

#[cfg(not(feature = "sim"))]
mod imp {
    use crate::{context::Ctx, failure::Failure, flags::Args, output::Reply};

    const NONE: &str = "this program was built without the feature `sim`; the program wpengine-sim is the same simulator";

    pub(super) async fn start(_: &Ctx, _: Args<'_>) -> Result<Reply, Failure> {
        Err(Failure::usage(NONE))
    }

    pub(super) async fn serve(_: &Ctx, _: Args<'_>) -> Result<Reply, Failure> {
        Err(Failure::usage(NONE))
    }
}
