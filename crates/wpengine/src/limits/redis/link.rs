//! The connection to Redis, and the scripts that run there.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ErrorKind, Script, ScriptInvocation, Value,
    aio::MultiplexedConnection,
};
use tokio::time::timeout;

/// The scripts: each is one atomic step.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) acquire: Script,
    pub(super) publish: Script,
    pub(super) refuse: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let script = |body: &str| Script::new(&format!("{}\n{body}", include_str!("prelude.lua")));
        Self {
            acquire: script(include_str!("acquire.lua")),
            publish: script(include_str!("publish.lua")),
            refuse: script(include_str!("refuse.lua")),
        }
    }
}

/// Why Redis was not of use.
#[derive(Clone, Debug)]
pub(super) struct Trouble(String);

impl Trouble {
    pub(super) fn new(error: &dyn fmt::Display) -> Self {
        let said = error.to_string();
        // Which line of a script of ours failed is of use to nobody.
        let said = said.split(" script: ").next().unwrap_or_default();
        let lower = said.to_lowercase();
        let hint = if lower.contains("noauth") || lower.contains("unauthenticated") {
            "; it wants a password, which belongs into the URL"
        } else if lower.contains("readonly") {
            "; that is a replica, and the limits need the primary"
        } else if lower.contains("maxmemory") {
            "; it needs more memory, or fewer other keys"
        } else {
            ""
        };
        Self(format!("{said}{hint}"))
    }

    /// A server that does not know a command repeats it, with what stands in it.
    fn without(mut self, secrets: [Option<&str>; 2]) -> Self {
        for secret in secrets
            .into_iter()
            .flatten()
            .filter(|secret| !secret.is_empty())
        {
            self.0 = self.0.replace(secret, "[redacted]");
        }
        self
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One connection, shared by all tasks of the process and made again when it breaks.
pub(super) struct Link {
    client: Client,
    timeout: Duration,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Link {
    pub(super) fn new(client: Client, timeout: Duration) -> Self {
        Self {
            client,
            timeout,
            connection: Mutex::default(),
        }
    }

    /// Where Redis is, without what it is asked in with.
    pub(super) fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    /// Runs a script. Each may run twice: a connection that has broken since it was last used shows it only then.
    pub(super) async fn run(&self, script: &ScriptInvocation<'_>) -> Result<Vec<Value>, Trouble> {
        let known = self.stored().clone();
        let reused = known.is_some();
        match self.run_on(known, script).await {
            Err((_, true)) if reused => self.run_on(None, script).await,
            done => done,
        }
        .map_err(|(why, _)| {
            let settings = self.client.get_connection_info().redis_settings();
            why.without([settings.password(), settings.username()])
        })
    }

    /// Gives with a failure whether a new connection may help.
    async fn run_on(
        &self,
        connection: Option<MultiplexedConnection>,
        script: &ScriptInvocation<'_>,
    ) -> Result<Vec<Value>, (Trouble, bool)> {
        let late = || {
            let seconds = self.timeout.as_secs_f64();
            Trouble(format!("no answer within {seconds} s"))
        };
        let mut connection = match connection {
            Some(connection) => connection,
            None => {
                // Times are measured here, the whole step at once.
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(None)
                    .set_response_timeout(None);
                let connecting = self
                    .client
                    .get_multiplexed_async_connection_with_config(&config);
                let made = timeout(self.timeout, connecting)
                    .await
                    .map_err(|_| (late(), false))?
                    .map_err(|error| (Trouble::new(&error), false))?;
                *self.stored() = Some(made.clone());
                made
            }
        };
        match timeout(self.timeout, script.invoke_async(&mut connection)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                *self.stored() = None;
                Err((Trouble::new(&error), error.kind() == ErrorKind::Io))
            }
            Err(_) => {
                *self.stored() = None;
                Err((late(), false))
            }
        }
    }

    fn stored(&self) -> std::sync::MutexGuard<'_, Option<MultiplexedConnection>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}
