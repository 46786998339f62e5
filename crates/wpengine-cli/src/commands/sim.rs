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
        let text = if c.format.is_json() {
            format!(
                "{}\n",
                json!({ "base_url": simulator.base_url(), "user": simulator.user(), "password": simulator.password() })
            )
        } else {
            format!(
                "export WPE_API_BASE_URL={}\nexport WPE_API_USER_ID={}\nexport WPE_API_PASSWORD={}\n",
                simulator.base_url(),
                simulator.user(),
                simulator.password(),
            )
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
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .env("WPE_API_BASE_URL", simulator.base_url())
            .env("WPE_API_USER_ID", simulator.user())
            .env("WPE_API_PASSWORD", simulator.password())
            .env("PATH", path_with(folder.path()).map_err(failed)?)
            .env_remove("WPENGINE_PROFILE")
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
