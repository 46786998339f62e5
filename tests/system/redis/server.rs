//! A separate `redis-server` for each test, on a free port. It is killed at the end of the test.

use std::{io::Write, net::TcpListener, process::Stdio};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// Whether the data survive a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Kept,
    Lost,
}

pub(super) struct RedisServer {
    port: u16,
    directory: TempDir,
    data: Data,
    child: Child,
}

impl RedisServer {
    /// Starts a server. Returns `None` if `redis-server` is not installed; then the test prints that it was skipped. If
    /// `WPENGINE_REQUIRE_REDIS` is set, a missing server is a failure.
    pub(super) async fn start(data: Data) -> Option<Self> {
        let directory = TempDir::new().expect("a directory");
        // Another process may take the port in the meantime. Then another port is tried.
        for _ in 0..5 {
            let port = free_port();
            match run(port, &directory, data).await {
                Started::Yes(child) => {
                    return Some(Self {
                        port,
                        directory,
                        data,
                        child,
                    });
                }
                Started::PortTaken => {}
                Started::NotThere => {
                    let is_required = std::env::var_os("WPENGINE_REQUIRE_REDIS").is_some();
                    assert!(!is_required, "redis-server is not installed");
                    let _ = writeln!(
                        std::io::stderr(),
                        "skipped: redis-server is not installed (Debian: apt-get install redis-server)"
                    );
                    return None;
                }
            }
        }
        panic!("redis-server does not start");
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills the server without a shutdown, like a power failure.
    pub(super) async fn kill(&mut self) {
        self.child.kill().await.expect("it is killed");
        self.child.wait().await.expect("it has ended");
    }

    /// Sends a signal that stops or continues the process.
    pub(super) async fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let status = Command::new("kill")
            .args(["-s", signal, &pid])
            .status()
            .await;
        assert!(status.expect("`kill`").success());
    }

    /// Starts the server again on the same port.
    pub(super) async fn start_again(&mut self) {
        match run(self.port, &self.directory, self.data).await {
            Started::Yes(child) => self.child = child,
            _ => panic!("redis-server does not start again"),
        }
    }

    /// Runs a command.
    pub(super) async fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(self.url()).expect("a URL");
        let mut connection = client
            .get_multiplexed_async_connection()
            .await
            .expect("a connection");
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command
            .query_async(&mut connection)
            .await
            .expect("an answer")
    }
}

enum Started {
    Yes(Child),
    PortTaken,
    NotThere,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

async fn run(port: u16, directory: &TempDir, data: Data) -> Started {
    let append = if data == Data::Kept { "yes" } else { "no" };
    let program = std::env::var_os("WPENGINE_REDIS_SERVER");
    let child = Command::new(program.unwrap_or_else(|| "redis-server".into()))
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args([
            "--save",
            "",
            "--appendonly",
            append,
            "--appendfsync",
            "always",
        ])
        .arg("--dir")
        .arg(directory.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let Ok(mut child) = child else {
        return Started::NotThere;
    };
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains("Ready to accept connections") {
            // The later output is read too, because a full pipe would block the server.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Started::Yes(child);
        }
    }
    Started::PortTaken
}
