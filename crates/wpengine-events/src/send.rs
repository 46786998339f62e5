//! Delivering: what is due, in order, again and again until it is done or given up.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, task::JoinSet};
use wpengine::{jiff::Timestamp, transport::HttpClient};

use crate::{
    Endpoint, Error, Event, Events, Stored,
    address::{Guard, Lookup, is_literal_allowed, system},
    clock::{later, until},
    endpoint::Target,
    event, sign,
    store::{Draft, Receiver, enqueue, insert, release_all, stored, time},
};

/// How long after the try before each try is made: ten tries in 75 hours, as the standard proposes.
const WAITS: [u64; 10] = [
    0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
];

/// How much longer or shorter a wait may be, so that many deliveries do not come at once again.
const JITTER: f64 = 0.2;

/// The longest that a receiver may ask to wait.
const LONGEST: Duration = Duration::from_secs(86_400);

/// After so long without a success an endpoint is disabled.
const PATIENCE: Duration = Duration::from_secs(5 * 86_400);

/// The variables that a client reads a password of the API from.
const PASSWORDS: [&str; 4] = [
    "WPE_API_PASSWORD",
    "WPE_PASSWORD",
    "WP_ENGINE_API_PASSWORD",
    "WPENGINE_PASSWORD",
];

/// How much of an answer is read.
const ANSWER: usize = 4_096;

/// How often another process may have added something, and how often it is looked otherwise.
const ASK: Duration = Duration::from_secs(5);
const ALONE: Duration = Duration::from_secs(600);

/// Delivers events to endpoints. Cheap to clone.
///
/// A delivery that fails is tried ten times in 75 hours, then it is dead; [`Events::resend`] tries it again. An endpoint that
/// answers 410, or fails for five days, is disabled until [`Events::enable`]. Events of one object come in order, at least once, always with
/// the same id.
///
/// ```no_run
/// # async fn run(secret: wpengine_events::Secret) -> Result<(), wpengine_events::Error> {
/// use wpengine_events::{Endpoint, Events, Sender};
///
/// let events = Events::open("events.db")?;
/// let sender = Sender::new(&events);
/// sender.endpoints([Endpoint::webhook("ops", "https://hooks.example.com/wpengine", [secret])?]).await?;
/// sender.run(std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sender {
    events: Events,
    outlets: Arc<Mutex<Vec<Outlet>>>,
    client: Option<Arc<dyn HttpClient>>,
    lookup: Arc<Looker>,
}

/// An endpoint, and the client for it.
#[derive(Clone, Debug)]
struct Outlet {
    endpoint: Arc<Endpoint>,
    client: Option<reqwest::Client>,
}

/// How names are looked up.
struct Looker(Lookup);

impl std::fmt::Debug for Looker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Looker")
    }
}

/// How a try ended.
#[derive(Clone, Debug)]
enum Outcome {
    Delivered,
    Failed {
        why: String,
        wait: Option<Duration>,
    },
    /// The receiver wants nothing any more, and why that is known.
    Refused(&'static str),
}

impl Outcome {
    fn failed(why: impl Into<String>) -> Self {
        Self::Failed {
            why: why.into(),
            wait: None,
        }
    }
}

/// A try that ended.
struct Tried {
    endpoint: String,
    seq: i64,
    outcome: Outcome,
}

impl Sender {
    /// A sender of these events, without endpoints.
    #[must_use]
    pub fn new(events: &Events) -> Self {
        Self {
            events: events.clone(),
            outlets: Arc::default(),
            client: None,
            lookup: Arc::new(Looker(system())),
        }
    }

    /// Sends all webhooks by this client instead of one with checks of addresses, for tests.
    #[must_use]
    pub fn http_client(mut self, client: impl HttpClient + 'static) -> Self {
        self.client = Some(Arc::new(client));
        self
    }

    /// Looks the names of receivers up in another way than by the operating system. The addresses are checked all the same.
    #[must_use]
    pub fn lookup<F>(mut self, lookup: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = std::io::Result<Vec<std::net::SocketAddr>>> + Send + 'static,
    {
        self.lookup = Arc::new(Looker(Arc::new(move |name| {
            let found = lookup(name);
            Box::pin(async move { Ok(Box::new(found.await?.into_iter()) as reqwest::dns::Addrs) })
        })));
        self
    }

    /// Sets all endpoints, also while it runs. What is still to be delivered to one that is not there any more waits until it is there
    /// again, as long as events are kept. A new webhook gets a `ping`.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if two have one name, or TLS cannot be used; [`Error::File`].
    pub async fn endpoints(
        &self,
        endpoints: impl IntoIterator<Item = Endpoint>,
    ) -> Result<(), Error> {
        let mut outlets: Vec<Outlet> = Vec::new();
        for endpoint in endpoints {
            if outlets
                .iter()
                .any(|other| other.endpoint.name == endpoint.name)
            {
                return Err(Error::settings(format!(
                    "two endpoints have the name `{}`",
                    endpoint.name
                )));
            }
            let client = match endpoint.target {
                Target::Url(_) if self.client.is_none() => Some(self.guarded(&endpoint)?),
                _ => None,
            };
            outlets.push(Outlet {
                endpoint: Arc::new(endpoint),
                client,
            });
        }
        let (kept, now) = (outlets.clone(), self.events.clock.now());
        let is_first = self.outlets().is_empty();
        self.events
            .write(move |transaction| synchronize(transaction, &kept, is_first, now))
            .await?;
        *self.outlets.lock().unwrap_or_else(PoisonError::into_inner) = outlets;
        self.events.added.notify_waiters();
        Ok(())
    }

    /// A client that connects to allowed addresses alone, whatever a name leads to and whatever the environment says of proxies.
    fn guarded(&self, endpoint: &Endpoint) -> Result<reqwest::Client, Error> {
        let named_only = matches!(&endpoint.target, Target::Url(url) if url.scheme() == "http");
        let guard = Guard {
            private: endpoint.private.clone(),
            named_only,
            lookup: Arc::clone(&self.lookup.0),
        };
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(guard))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("wpengine-events/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(endpoint.timeout.min(Duration::from_secs(10)))
            .timeout(endpoint.timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .build();
        client.map_err(|error| Error::settings(format!("no client for webhooks: {error}")))
    }

    /// Delivers one event once and now, beside what is kept: to a receiver that somebody tries out.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] with why it was not accepted.
    pub async fn try_out(&self, endpoint: &Endpoint, event: &Event) -> Result<(), Error> {
        let client = match endpoint.target {
            Target::Url(_) if self.client.is_none() => Some(self.guarded(endpoint)?),
            _ => None,
        };
        let outlet = Outlet {
            endpoint: Arc::new(endpoint.clone()),
            client,
        };
        match self.attempt(&outlet, event).await {
            Outcome::Delivered => Ok(()),
            Outcome::Refused(why) => Err(Error::settings(why)),
            Outcome::Failed { why, .. } => Err(Error::settings(why)),
        }
    }

    pub(crate) fn events(&self) -> &Events {
        &self.events
    }

    fn outlets(&self) -> Vec<Outlet> {
        self.outlets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Delivers until `stop` is ready, and lets the tries that are under way end. One process at a time may run it.
    ///
    /// # Errors
    ///
    /// [`Error::Taken`] if another process runs these events; [`Error::File`].
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let lock = self.events.lock()?;
        let run = self.run_locked(stop).await;
        drop(lock);
        run
    }

    pub(crate) async fn run_locked(&self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let mut stop = std::pin::pin!(stop);
        let mut tries: JoinSet<Tried> = JoinSet::new();
        let mut busy: HashMap<String, HashSet<i64>> = HashMap::new();
        loop {
            // Before anything is read, so that nothing is missed that is added meanwhile.
            let added = self.events.added.clone();
            let mut added = std::pin::pin!(added.notified());
            added.as_mut().enable();
            let wait = self.start(&mut tries, &mut busy).await?;
            tokio::select! {
                () = &mut stop => break,
                Some(tried) = tries.join_next() => self.finish(tried, &mut tries, &mut busy).await?,
                () = added => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        while let Some(tried) = tries.join_next().await {
            self.finish(tried, &mut tries, &mut busy).await?;
        }
        Ok(())
    }

    /// Starts what is due. Returns how long it is until there is more.
    async fn start(
        &self,
        tries: &mut JoinSet<Tried>,
        busy: &mut HashMap<String, HashSet<i64>>,
    ) -> Result<Duration, Error> {
        let mut wait = match self.events.path().as_os_str().is_empty() {
            true => ALONE,
            false => ASK,
        };
        for outlet in self.outlets() {
            let endpoint = Arc::clone(&outlet.endpoint);
            let taken = busy.entry(endpoint.name.clone()).or_default();
            let (free, most) = (
                endpoint.concurrency.saturating_sub(taken.len()),
                endpoint.concurrency + taken.len(),
            );
            if free == 0 {
                continue;
            }
            let (name, now) = (endpoint.name.clone(), self.events.clock.now());
            let (found, next) = self
                .events
                .read(move |connection| due(connection, &name, now, most))
                .await?;
            if let Some(next) = next {
                wait = wait.min(until(now, next));
            }
            let found: Vec<Stored> = found
                .into_iter()
                .filter(|found| !taken.contains(&found.seq))
                .take(free)
                .collect();
            for Stored { seq, event } in found {
                taken.insert(seq);
                let (this, outlet) = (self.clone(), outlet.clone());
                tries.spawn(async move {
                    let outcome = this.attempt(&outlet, &event).await;
                    Tried {
                        endpoint: outlet.endpoint.name.clone(),
                        seq,
                        outcome,
                    }
                });
            }
        }
        Ok(wait)
    }

    /// Writes how tries ended: all that have, in one transaction.
    async fn finish(
        &self,
        first: Result<Tried, tokio::task::JoinError>,
        tries: &mut JoinSet<Tried>,
        busy: &mut HashMap<String, HashSet<i64>>,
    ) -> Result<(), Error> {
        let mut done = vec![first];
        while let Some(tried) = tries.try_join_next() {
            done.push(tried);
        }
        let panicked = |panic| {
            Error::settings(format!(
                "a delivery ended in a way that it should not: {panic}"
            ))
        };
        let done: Vec<Tried> = done
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(panicked)?;
        for tried in &done {
            if let Some(busy) = busy.get_mut(&tried.endpoint) {
                busy.remove(&tried.seq);
            }
        }
        let now = self.events.clock.now();
        self.events
            .write(move |transaction| {
                done.iter()
                    .try_for_each(|tried| note(transaction, tried, now))
            })
            .await
    }

    async fn attempt(&self, outlet: &Outlet, event: &Event) -> Outcome {
        let endpoint = &outlet.endpoint;
        match &endpoint.target {
            Target::Url(url) => {
                if !is_literal_allowed(url, &endpoint.private) {
                    return Outcome::failed(
                        "the address is private, and the endpoint does not name it",
                    );
                }
                let request = self.signed(endpoint, url, event);
                match (&self.client, &outlet.client) {
                    (Some(client), _) => {
                        by_transport(client.as_ref(), request, endpoint.timeout).await
                    }
                    (None, Some(client)) => by_http(client, request).await,
                    (None, None) => Outcome::failed("there is no client for it"),
                }
            }
            Target::Command(words) => by_command(words, endpoint, event).await,
            Target::Stdout => {
                let (endpoint, event) = (Arc::clone(endpoint), event.clone());
                // Whoever reads it may be slow.
                let written = tokio::task::spawn_blocking(move || by_stdout(&endpoint, &event));
                written
                    .await
                    .unwrap_or_else(|panic| Outcome::failed(panic.to_string()))
            }
        }
    }

    fn signed(&self, endpoint: &Endpoint, url: &url::Url, event: &Event) -> Request<Bytes> {
        let (body, media_type) = endpoint.written(event);
        let now = self.events.clock.now();
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = url.as_str().parse().unwrap_or_default();
        let signature = sign::header(&endpoint.secrets, &event.id, now, request.body());
        let texts = [
            ("content-type", media_type.to_owned()),
            ("webhook-id", event.id.clone()),
            ("webhook-timestamp", now.as_second().to_string()),
            ("webhook-signature", signature),
        ];
        for (name, text) in texts {
            if let Ok(value) = header::HeaderValue::from_str(&text) {
                request.headers_mut().insert(name, value);
            }
        }
        request
    }
}

fn judge(status: StatusCode, retry_after: Option<&header::HeaderValue>) -> Outcome {
    if status.is_success() {
        return Outcome::Delivered;
    }
    if status == StatusCode::GONE {
        return Outcome::Refused("it answered 410 Gone");
    }
    let why = match status.is_redirection() {
        true => format!("{status}: redirects are not followed"),
        false => status.to_string(),
    };
    let text = retry_after.and_then(|value| value.to_str().ok());
    let wait = text.and_then(|text| {
        let seconds = text.trim().parse().ok().map(Duration::from_secs);
        // A date is taken against the clock of this machine, as it is for every other client.
        let date = || {
            wpengine::jiff::fmt::rfc2822::parse(text)
                .ok()
                .map(|date| until(Timestamp::now(), date.timestamp()))
        };
        seconds.or_else(date)
    });
    Outcome::Failed {
        why,
        wait: wait.map(|wait| wait.min(LONGEST)),
    }
}

async fn by_transport(
    client: &dyn HttpClient,
    request: Request<Bytes>,
    within: Duration,
) -> Outcome {
    match tokio::time::timeout(within, client.send(request, ANSWER)).await {
        Ok(Ok(response)) => judge(
            response.status(),
            response.headers().get(header::RETRY_AFTER),
        ),
        Ok(Err(error)) => Outcome::failed(format!("{error:?}")),
        Err(_) => Outcome::failed(format!("no answer within {} s", within.as_secs())),
    }
}

async fn by_http(client: &reqwest::Client, request: Request<Bytes>) -> Outcome {
    let request = match reqwest::Request::try_from(request) {
        Ok(request) => request,
        Err(error) => return Outcome::failed(reason(error)),
    };
    match client.execute(request).await {
        Ok(mut response) => {
            // Read a little, so that the connection can be used again; a long answer is not waited for.
            let mut read = 0;
            while let Ok(Some(part)) = response.chunk().await {
                read += part.len();
                if read > ANSWER {
                    break;
                }
            }
            judge(
                response.status(),
                response.headers().get(header::RETRY_AFTER),
            )
        }
        Err(error) => Outcome::failed(reason(error)),
    }
}

/// The innermost reason, without the address, whose query may be secret.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    if error.is_timeout() {
        text = "no answer in time".to_owned();
    }
    text
}

async fn by_command(words: &[String], endpoint: &Endpoint, event: &Event) -> Outcome {
    let Some((program, arguments)) = words.split_first() else {
        return Outcome::failed("there is no command");
    };
    let (mut body, _) = endpoint.written(event);
    body.push(b'\n');
    let mut command = tokio::process::Command::new(program);
    // The credentials are for this program alone.
    for name in PASSWORDS {
        command.env_remove(name);
    }
    let child = command
        .args(arguments)
        .env("WPENGINE_EVENT_ID", &event.id)
        .env("WPENGINE_EVENT_TYPE", &event.kind)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return Outcome::failed(format!("{program} cannot be run: {error}")),
    };
    let run = async {
        if let Some(mut input) = child.stdin.take() {
            // A command that does not read it may still succeed.
            let _ = input.write_all(&body).await;
        }
        child.wait().await
    };
    match tokio::time::timeout(endpoint.timeout, run).await {
        Ok(Ok(status)) if status.success() => Outcome::Delivered,
        Ok(Ok(status)) => Outcome::failed(format!("{program} ended with {status}")),
        Ok(Err(error)) => Outcome::failed(error.to_string()),
        Err(_) => Outcome::failed(format!(
            "{program} did not end within {} s",
            endpoint.timeout.as_secs()
        )),
    }
}

fn by_stdout(endpoint: &Endpoint, event: &Event) -> Outcome {
    use std::io::Write as _;

    let (mut line, _) = endpoint.written(event);
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    match out.write_all(&line).and_then(|()| out.flush()) {
        Ok(()) => Outcome::Delivered,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Outcome::Refused("nobody reads the standard output any more")
        }
        Err(error) => Outcome::failed(error.to_string()),
    }
}

/// The deliveries that are due, and when the next one is.
fn due(
    connection: &rusqlite::Connection,
    endpoint: &str,
    now: Timestamp,
    most: usize,
) -> rusqlite::Result<(Vec<Stored>, Option<Timestamp>)> {
    let is_enabled = connection
        .prepare_cached("SELECT disabled_at IS NULL FROM endpoints WHERE name = ?1")?
        .query_row([endpoint], |row| row.get(0))
        .optional()?;
    if is_enabled != Some(true) {
        return Ok((Vec::new(), None));
    }
    let mut statement = connection.prepare_cached(
        "SELECT events.seq, id, type, at, data FROM deliveries JOIN events ON events.seq = deliveries.seq
         WHERE endpoint = ?1 AND state = 'pending' AND next_at <= ?2 ORDER BY next_at, deliveries.seq LIMIT ?3",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let found = statement
        .query_map(params![endpoint, now.as_millisecond(), most], stored)?
        .collect::<Result<_, _>>()?;
    let next = connection
        .prepare_cached("SELECT min(next_at) FROM deliveries WHERE endpoint = ?1 AND state = 'pending' AND next_at > ?2")?
        .query_row(params![endpoint, now.as_millisecond()], |row| time(row, 0))?;
    Ok((found, next))
}

/// Writes how a try ended.
fn note(transaction: &Transaction<'_>, tried: &Tried, now: Timestamp) -> rusqlite::Result<()> {
    let Tried {
        endpoint,
        seq,
        outcome,
    } = tried;
    let row = transaction
        .prepare_cached("SELECT tries, subject FROM deliveries WHERE endpoint = ?1 AND seq = ?2 AND state = 'pending'")?
        .query_row(params![endpoint, seq], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    // It may have been sent again, or deleted, meanwhile.
    let Some((tries, subject)) = row else {
        return Ok(());
    };
    let tries = tries + 1;
    let end = |state: &str, error: Option<&str>| -> rusqlite::Result<()> {
        transaction
            .prepare_cached(
                "UPDATE deliveries SET state = ?3, tries = ?4, error = ?5, done_at = ?6, next_at = NULL WHERE endpoint = ?1 AND seq = ?2",
            )?
            .execute(params![endpoint, seq, state, tries, error, now.as_millisecond()])?;
        release(transaction, endpoint, &subject, now)
    };
    match outcome {
        Outcome::Delivered => {
            end("delivered", None)?;
            transaction
                .prepare_cached("UPDATE endpoints SET failing_since = NULL WHERE name = ?1 AND failing_since IS NOT NULL")?
                .execute([endpoint])?;
        }
        Outcome::Refused(why) => disable(transaction, endpoint, why, now)?,
        Outcome::Failed { why, wait } => {
            match WAITS.get(tries as usize) {
                None => {
                    end("dead", Some(why))?;
                    // If nothing else has failed, the next one begins anew: silence is no failure.
                    transaction
                        .prepare_cached(
                            "UPDATE endpoints SET failing_since = NULL WHERE name = ?1 AND disabled_at IS NULL AND NOT EXISTS (
                               SELECT 1 FROM deliveries WHERE endpoint = ?1 AND state = 'pending' AND tries > 0)",
                        )?
                        .execute([endpoint])?;
                    return Ok(());
                }
                Some(seconds) => {
                    let jitter = 1.0 + JITTER * (fastrand::f64() * 2.0 - 1.0);
                    let pause = Duration::from_secs_f64(*seconds as f64 * jitter)
                        .max(wait.unwrap_or_default());
                    transaction
                        .prepare_cached("UPDATE deliveries SET tries = ?3, error = ?4, next_at = ?5 WHERE endpoint = ?1 AND seq = ?2")?
                        .execute(params![endpoint, seq, tries, why, later(now, pause).as_millisecond()])?;
                }
            }
            transaction
                .prepare_cached("UPDATE endpoints SET failing_since = ?2 WHERE name = ?1 AND failing_since IS NULL")?
                .execute(params![endpoint, now.as_millisecond()])?;
            let since = transaction
                .prepare_cached(
                    "SELECT failing_since FROM endpoints WHERE name = ?1 AND disabled_at IS NULL",
                )?
                .query_row([endpoint], |row| time(row, 0))
                .optional()?
                .flatten();
            if since.is_some_and(|since| until(since, now) >= PATIENCE) {
                disable(
                    transaction,
                    endpoint,
                    &format!("every delivery failed for 5 days; the last: {why}"),
                    now,
                )?;
            }
        }
    }
    Ok(())
}

/// Lets the next event of an object go.
fn release(
    transaction: &Transaction<'_>,
    endpoint: &str,
    subject: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE deliveries SET next_at = ?3 WHERE endpoint = ?1 AND next_at IS NULL AND state = 'pending' AND seq =
               (SELECT min(seq) FROM deliveries WHERE endpoint = ?1 AND subject = ?2 AND state = 'pending')",
        )?
        .execute(params![endpoint, subject, now.as_millisecond()])?;
    Ok(())
}

fn disable(
    transaction: &Transaction<'_>,
    endpoint: &str,
    why: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let changed = transaction.execute(
        "UPDATE endpoints SET disabled_at = ?2, reason = ?3 WHERE name = ?1 AND disabled_at IS NULL",
        params![endpoint, now.as_millisecond(), why],
    )?;
    if changed == 0 {
        return Ok(());
    }
    let data = json!({
        "subject": format!("endpoints/{endpoint}"),
        "object": { "name": endpoint, "reason": why },
        "observed_at": now.to_string(),
    });
    let id = event::id(&["endpoint.disabled", endpoint, &now.to_string()]);
    let data = data.as_object().cloned().unwrap_or_default();
    insert(
        transaction,
        vec![Draft {
            id,
            kind: "endpoint.disabled".to_owned(),
            at: now,
            data,
        }],
    )
    .map(drop)
}

/// Writes which endpoints there are.
fn synchronize(
    transaction: &Transaction<'_>,
    outlets: &[Outlet],
    is_first: bool,
    now: Timestamp,
) -> rusqlite::Result<()> {
    transaction.execute("UPDATE endpoints SET active = 0", [])?;
    for Outlet { endpoint, .. } in outlets {
        let known: Option<String> = transaction
            .query_row(
                "SELECT place FROM endpoints WHERE name = ?1",
                [&endpoint.name],
                |row| row.get(0),
            )
            .optional()?;
        let target = endpoint.place();
        let place = endpoint.identity();
        let filter = serde_json::to_string(&endpoint.filter).unwrap_or_default();
        transaction.execute(
            "INSERT INTO endpoints (name, target, filter, ordered, active, place) VALUES (?1, ?2, ?3, ?4, 1, ?5)
             ON CONFLICT (name) DO UPDATE SET target = ?2, filter = ?3, ordered = ?4, active = 1, place = ?5",
            params![endpoint.name, target, filter, endpoint.ordered, place],
        )?;
        let is_new = known.as_ref() != Some(&place);
        if is_new || is_first && endpoint.target == Target::Stdout {
            // Another place has not failed yet, and each process has another output.
            transaction.execute(
                "UPDATE endpoints SET failing_since = NULL, disabled_at = NULL, reason = NULL WHERE name = ?1",
                [&endpoint.name],
            )?;
        }
        if is_new && matches!(endpoint.target, Target::Url(_)) {
            ping(transaction, endpoint, now)?;
        }
    }
    release_all(transaction, now.as_millisecond())
}

/// A test of one endpoint, for it alone.
fn ping(
    transaction: &Transaction<'_>,
    endpoint: &Endpoint,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let id = event::id(&[
        "ping",
        &endpoint.name,
        &now.to_string(),
        &fastrand::u64(..).to_string(),
    ]);
    let subject = format!("endpoints/{}", endpoint.name);
    let data = json!({ "subject": subject, "object": { "name": endpoint.name }, "observed_at": now.to_string() });
    let event = Event {
        id,
        kind: "ping".to_owned(),
        timestamp: now,
        data: data.as_object().cloned().unwrap_or_default(),
    };
    transaction.execute(
        "INSERT INTO events (id, type, subject, at, data) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            event.id,
            event.kind,
            subject,
            now.as_millisecond(),
            data.to_string()
        ],
    )?;
    let seq = transaction.last_insert_rowid();
    enqueue(
        transaction,
        &Receiver::of(endpoint),
        seq,
        &event,
        now.as_millisecond(),
    )
}
