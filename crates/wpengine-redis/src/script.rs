//! The Lua script that runs in Redis, and its arguments.

use std::time::Duration;

use redis::{RedisResult, Script, ScriptInvocation, aio::MultiplexedConnection};
use wpengine::limits::{LimitKey, Window};

use crate::settings::Settings;

/// The pause after a 429 without a `Retry-After`, if no window is full enough to explain it.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(60);

/// A command for Redis.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Reserves a place for a request.
    Ask {
        member: String,
        within: Duration,
        horizon: Duration,
        leave_free: u8,
    },
    /// Pauses all requests.
    Pause { time: Option<Duration> },
    /// Gives a place back.
    GiveBack { member: String },
}

/// The queues of a request: the two keys and the windows of each.
#[derive(Clone, Debug)]
pub(crate) struct Lines(Vec<(String, String, String)>);

impl Lines {
    pub(crate) fn new(settings: &Settings, key: &LimitKey) -> Self {
        // The braces put all keys of a request into the same slot of a Redis cluster.
        let line = |name: String, windows: &[Window]| {
            let base = format!("{{{}}}:{name}", settings.prefix);
            let windows: Vec<String> = windows
                .iter()
                .map(|window| {
                    let period = window.period().saturating_add(settings.margin);
                    format!("{}/{}", window.limit(), millis(period).max(1))
                })
                .collect();
            (
                format!("{base}:requests"),
                format!("{base}:pause"),
                windows.join(" "),
            )
        };
        let mut lines = Vec::with_capacity(2);
        if let Some(account) = &key.account {
            lines.push(line(format!("account:{account}"), &settings.per_account));
        }
        let user = format!("user:{:016x}", key.credentials);
        lines.push(line(user, &settings.per_credentials));
        Self(lines)
    }
}

/// The reply of the script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The time until the request may be sent.
    pub(crate) wait: Duration,
    /// Whether a place is reserved for that time.
    pub(crate) is_reserved: bool,
    /// The number of requests that may be sent now, for each window.
    pub(crate) left: Vec<usize>,
}

impl Command {
    pub(crate) async fn run(
        &self,
        script: &Script,
        lines: &Lines,
        connection: &mut MultiplexedConnection,
    ) -> RedisResult<Answer> {
        let mut call = script.prepare_invoke();
        for (requests, pause, _) in &lines.0 {
            call.key(requests).key(pause);
        }
        match self {
            Self::Ask {
                member,
                within,
                horizon,
                leave_free,
            } => {
                call.arg("ask").arg(7).arg(member);
                call.arg(millis(*within)).arg(millis(*horizon));
                call.arg(*leave_free);
            }
            Self::Pause { time } => {
                call.arg("pause").arg(5);
                match time {
                    Some(time) => call.arg(millis(*time)),
                    None => call.arg(-1),
                };
                call.arg(millis(UNKNOWN_PAUSE));
            }
            Self::GiveBack { member } => {
                let mut pipe = redis::pipe();
                for (requests, _, _) in &lines.0 {
                    pipe.zrem(requests, member).ignore();
                }
                return pipe
                    .query_async(connection)
                    .await
                    .map(|()| Answer::default());
            }
        }
        run_script(call, lines, connection).await
    }
}

async fn run_script(
    mut call: ScriptInvocation<'_>,
    lines: &Lines,
    connection: &mut MultiplexedConnection,
) -> RedisResult<Answer> {
    for (_, _, windows) in &lines.0 {
        call.arg(windows);
    }
    let (wait, reserved, left): (u64, u8, Vec<usize>) = call.invoke_async(connection).await?;
    Ok(Answer {
        wait: Duration::from_millis(wait),
        is_reserved: reserved == 1,
        left,
    })
}

fn millis(duration: Duration) -> u64 {
    // Lua uses doubles, which represent larger integers inexactly.
    u64::try_from(duration.as_millis()).map_or(1 << 50, |millis| millis.min(1 << 50))
}
