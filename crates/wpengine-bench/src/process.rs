//! Child processes: this program in another role, and the tools that it needs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::Failure;
use crate::server::{Population, Report, Started};

/// A tool, and the package that contains it.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
}

/// Counts instructions.
pub(crate) const VALGRIND: Tool = Tool {
    name: "valgrind",
    package: "the package `valgrind`",
};
/// Shares rate-limit windows between processes.
pub(crate) const REDIS: Tool = Tool {
    name: "redis-server",
    package: "the package `redis-server` (or Valkey, under that name)",
};
/// Counts crates and builds packages.
pub(crate) const CARGO: Tool = Tool {
    name: "cargo",
    package: "Rust, from rustup.rs",
};

/// Fails with the list of missing tools, if any.
pub(crate) fn require<'a>(tools: impl IntoIterator<Item = &'a Tool>) -> Result<(), Failure> {
    let missing: Vec<String> = tools
        .into_iter()
        .filter(|tool| !starts(tool.name))
        .map(|tool| format!("{} is needed: install {}", tool.name, tool.package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::msg(missing.join("\n")))
}

fn starts(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// This program in another role.
pub(crate) fn myself() -> Result<Command, Failure> {
    Ok(Command::new(std::env::current_exe()?))
}

/// Runs a command to its end and reads the JSON that it prints.
pub(crate) fn ask<T: DeserializeOwned>(command: &mut Command) -> Result<T, Failure> {
    Ok(serde_json::from_str(&read(command)?)?)
}

/// Runs a command to its end and returns what it prints.
pub(crate) fn read(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(failed(command, &output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn failed(command: &Command, output: &std::process::Output) -> Failure {
    let errors = String::from_utf8_lossy(&output.stderr);
    Failure::msg(format!(
        "{command:?} ended with {}:\n{}",
        output.status,
        errors.trim_end()
    ))
}

/// A [server](crate::server) in its own process. It is stopped on drop.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) base_url: String,
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a server with this number of installs, of five accounts, and this latency.
    pub(crate) fn start(installs: usize, delay: Duration) -> Result<Self, Failure> {
        let population = Population {
            accounts: 5,
            sites: installs * 2 / 5,
            installs,
        };
        Self::of(population, delay)
    }

    /// Starts a server with this fleet and this latency.
    pub(crate) fn of(population: Population, delay: Duration) -> Result<Self, Failure> {
        let mut process = myself()?
            .args(["serve", "--installs", &population.installs.to_string()])
            .args(["--accounts", &population.accounts.to_string()])
            .args(["--sites", &population.sites.to_string()])
            .args(["--delay-ms", &delay.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Failure::msg("the simulator has no pipes"));
        };
        let mut server = Self {
            base_url: String::new(),
            process,
            input: Some(input),
            output: BufReader::new(output),
        };
        server.base_url = server.line::<Started>()?.base_url;
        Ok(server)
    }

    /// When requests arrived since the start or since the last [`forget`](Self::forget).
    pub(crate) fn arrivals(&mut self) -> Result<Vec<Duration>, Failure> {
        self.tell("report")?;
        let report: Report = self.line()?;
        Ok(report
            .arrivals
            .into_iter()
            .map(Duration::from_micros)
            .collect())
    }

    /// Forgets the arrivals.
    pub(crate) fn forget(&mut self) -> Result<(), Failure> {
        self.tell("forget")?;
        // Waits until the server has processed the command, so that later requests are recorded after it.
        self.arrivals().map(drop)
    }

    fn tell(&mut self, what: &str) -> Result<(), Failure> {
        match &mut self.input {
            Some(input) => Ok(writeln!(input, "{what}")?),
            None => Err(Failure::msg("the simulator has ended")),
        }
    }

    fn line<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(Failure::msg("the simulator has ended"));
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server ends when its input is closed.
        self.input.take();
        let _ = self.process.wait();
    }
}

/// A Redis on a free port that stores nothing on disk. It is stopped on drop.
#[derive(Debug)]
pub(crate) struct Redis {
    port: u16,
    process: Child,
}

impl Redis {
    pub(crate) fn start() -> Result<Self, Failure> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let process = Command::new(REDIS.name)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let redis = Self { port, process };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if began.elapsed() > Duration::from_secs(10) {
                return Err(Failure::msg("redis-server does not listen"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(redis)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_tool_is_named_with_what_to_install() {
        let absent = |name, package| Tool { name, package };
        let tools = [
            absent("no-such-tool-a", "package a"),
            CARGO,
            absent("no-such-tool-b", "package b"),
        ];
        let message = require(&tools).unwrap_err().to_string();
        assert_eq!(
            message,
            "no-such-tool-a is needed: install package a\nno-such-tool-b is needed: install package b"
        );
        assert!(require([&CARGO]).is_ok());
    }
}
