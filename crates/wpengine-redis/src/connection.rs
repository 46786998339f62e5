//! The connection to Redis. It has its own thread, so that it works even if the runtime of the program is blocked or
//! idle.

use std::{
    fmt,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::{Either, FutureExt as _, select};
use redis::{AsyncConnectionConfig, RedisResult, Script, aio::MultiplexedConnection};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::{
    script::{Answer, Command, Lines},
    settings::Settings,
};

/// The longest wait for a reply of Redis.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pause between two attempts to connect to Redis.
const RETRY: Duration = Duration::from_millis(500);

type Job = (Command, Lines, Option<oneshot::Sender<Answer>>);

pub(crate) struct Connection {
    /// `None` if the thread could not be started.
    jobs: Option<mpsc::UnboundedSender<Job>>,
    status: Arc<Status>,
}

/// Whether Redis is available. It counts as available until it does not reply.
struct Status {
    address: String,
    is_down: AtomicBool,
    /// Notifies the thread that Redis was found to be down.
    fell: Notify,
}

/// The error if Redis does not reply.
#[derive(Debug)]
pub(crate) struct Down(String);

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Redis at {} does not answer, and the limiter is strict",
            self.0
        )
    }
}

impl std::error::Error for Down {}

impl Status {
    fn down(&self, why: &dyn fmt::Display) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            self.fell.notify_one();
            tracing::warn!(
                address = self.address,
                why = %why,
                "Redis does not answer: this process keeps to its share of the rate limits"
            );
        }
    }

    fn up(&self) {
        if self.is_down.swap(false, Ordering::Relaxed) {
            tracing::info!(
                address = self.address,
                "Redis answers again: the rate limits are shared"
            );
        }
    }
}

impl Connection {
    pub(crate) fn open(settings: &Settings) -> Self {
        let status = Arc::new(Status {
            address: settings.client.get_connection_info().addr().to_string(),
            is_down: AtomicBool::new(false),
            fell: Notify::new(),
        });
        let (jobs, waiting) = mpsc::unbounded_channel();
        let (client, of_thread) = (settings.client.clone(), Arc::clone(&status));
        let thread = std::thread::Builder::new()
            .name("wpengine-redis".to_owned())
            .spawn(move || serve(&client, &of_thread, waiting));
        let jobs = thread
            .map_err(|error| status.down(&error))
            .map(|_| jobs)
            .ok();
        Self { jobs, status }
    }

    pub(crate) fn is_down(&self) -> bool {
        self.status.is_down.load(Ordering::Relaxed)
    }

    /// Runs a command. Returns at once while Redis is known to be down.
    pub(crate) async fn run(&self, command: Command, lines: Lines) -> Result<Answer, Down> {
        let (sender, answer) = oneshot::channel();
        if !self.is_down() && self.post(command, lines, Some(sender)) {
            match tokio::time::timeout(PATIENCE, answer).await {
                Ok(Ok(answer)) => return Ok(answer),
                // The thread has already logged the reason.
                Ok(Err(_)) => {}
                Err(_) => self.status.down(&"no answer within 1 s"),
            }
        }
        Err(Down(self.status.address.clone()))
    }

    /// Runs a command without waiting for its result.
    pub(crate) fn send(&self, command: Command, lines: Lines) {
        if !self.is_down() {
            self.post(command, lines, None);
        }
    }

    fn post(
        &self,
        command: Command,
        lines: Lines,
        answer: Option<oneshot::Sender<Answer>>,
    ) -> bool {
        let jobs = self.jobs.as_ref();
        jobs.is_some_and(|jobs| jobs.send((command, lines, answer)).is_ok())
    }
}

/// The main function of the thread. It connects, runs commands until Redis does not reply, and connects again. It ends
/// when the limiter is dropped.
fn serve(client: &redis::Client, status: &Arc<Status>, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return status.down(&error),
    };
    runtime.block_on(async {
        let script = Arc::new(Script::new(include_str!("windows.lua")));
        let mut has_warned = false;
        loop {
            match connect(client, &mut has_warned).await {
                Ok(connection) => {
                    status.up();
                    if run(connection, &script, status, &mut jobs).await.is_none() {
                        return;
                    }
                }
                Err(error) => status.down(&told(client, &error)),
            }
            // Drops the commands that are still queued: their callers wait at most 1 s and have given up, or will do so
            // soon.
            while jobs.try_recv().is_ok() {}
            if jobs.is_closed() {
                return;
            }
            tokio::time::sleep(RETRY).await;
        }
    });
}

async fn connect(
    client: &redis::Client,
    has_warned: &mut bool,
) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await?;
    let () = redis::cmd("PING").query_async(&mut connection).await?;
    if !*has_warned
        && let Ok(memory) = redis::cmd("INFO")
            .arg("memory")
            .query_async::<String>(&mut connection)
            .await
        && evicts(&memory)
    {
        *has_warned = true;
        tracing::warn!(
            "this Redis evicts keys when its memory is full, and with them what was counted: set `maxmemory-policy noeviction`, or use one that holds nothing else"
        );
    }
    Ok(connection)
}

/// Whether `INFO memory` shows that Redis may evict keys.
fn evicts(info: &str) -> bool {
    let value = |name: &str| {
        let lines = info.lines();
        lines
            .filter_map(|line| line.trim().split_once(':'))
            .find(|(key, _)| *key == name)
    };
    let has_limit = value("maxmemory").is_some_and(|(_, bytes)| bytes != "0");
    has_limit && value("maxmemory_policy").is_some_and(|(_, policy)| policy != "noeviction")
}

/// Runs commands until Redis does not reply. Returns none if the limiter was dropped.
async fn run(
    connection: MultiplexedConnection,
    script: &Arc<Script>,
    status: &Arc<Status>,
    jobs: &mut mpsc::UnboundedReceiver<Job>,
) -> Option<()> {
    // Removes a notification from before this connection.
    let _ = status.fell.notified().now_or_never();
    loop {
        let job = {
            let (job, fell) = (pin!(jobs.recv()), pin!(status.fell.notified()));
            match select(job, fell).await {
                Either::Left((job, _)) => job?,
                Either::Right(_) => return Some(()),
            }
        };
        let (mut connection, script, status) =
            (connection.clone(), Arc::clone(script), Arc::clone(status));
        tokio::spawn(async move {
            let (command, lines, sender) = job;
            match command.run(&script, &lines, &mut connection).await {
                Ok(answer) => drop(sender.map(|sender| sender.send(answer))),
                Err(error) => status.down(&shown(&error)),
            }
        });
    }
}

/// Formats an error of Redis as one line, without the command that was sent.
fn shown(error: &redis::RedisError) -> String {
    let text = error.to_string();
    // Removes the line number in the script, which does not help the user.
    text.split(" script: ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Formats an error of connecting, with a hint. Removes the user name and the password, which some servers repeat.
fn told(client: &redis::Client, error: &redis::RedisError) -> String {
    let settings = client.get_connection_info().redis_settings();
    let mut text = shown(error);
    for secret in [settings.password(), settings.username()]
        .into_iter()
        .flatten()
    {
        if !secret.is_empty() {
            text = text.replace(secret, "(redacted)");
        }
    }
    let lower = text.to_lowercase();
    if lower.contains("noauth") || lower.contains("authentication") {
        text.push_str("; it wants a password, which belongs into the URL");
    } else if lower.contains("readonly") {
        text.push_str("; it is a replica, and the limits need the primary");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::evicts;

    #[test]
    fn a_redis_that_loses_keys_is_recognised() {
        for (memory, policy, expected) in [
            ("0", "allkeys-lru", false),
            ("1048576", "noeviction", false),
            ("1048576", "volatile-ttl", true),
            ("1048576", "allkeys-lru", true),
        ] {
            let info = format!(
                "# Memory\r\nused_memory:1\r\nmaxmemory:{memory}\r\nmaxmemory_policy:{policy}\r\n"
            );
            assert_eq!(evicts(&info), expected, "{memory} {policy}");
        }
    }
}
