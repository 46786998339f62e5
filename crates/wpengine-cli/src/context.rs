//! What a command works with: its options, the profile, the client, the mirror and the terminal.

use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use wpengine::{
    Client, ClientBuilder, Error, Response,
    http::Method,
    jiff::{SignedDuration, Zoned},
    operation::Operation,
};
use wpengine_fleet::{Class, Fleet};

use crate::{
    command::Leaf,
    failure::{Failure, exit},
    flags::Globals,
    limits::{is_this_machine, window},
    output::{Answer, Cell, Column, Format, Names, Reply, Times},
    profile::{self, Config, Folders, Origin, Profile},
    tap::{CALL, Call, Layer, Passed, Tap},
    target::Target,
    terminal::Terminal,
};

/// What a command works with.
pub(crate) struct Ctx {
    pub(crate) leaf: &'static Leaf,
    pub(crate) globals: Globals,
    pub(crate) format: Format,
    pub(crate) times: Times,
    pub(crate) terminal: Arc<Terminal>,
    pub(crate) folders: Folders,
    pub(crate) config: Config,
    pub(crate) origin: Origin,
    pub(crate) profile: Profile,
    pub(crate) tap: Arc<Tap>,
    client: OnceLock<Client>,
    fleet: OnceLock<Fleet>,
    /// What is said behind the answer.
    end: Mutex<Option<String>>,
    /// How to go on with what runs at the service, if this is interrupted.
    go_on: Mutex<Vec<String>>,
    /// Names that the mirror knows, if they were read already.
    known: OnceLock<Names>,
    /// Where the mirror is if the user has no folder for it.
    temporary: OnceLock<tempfile::TempDir>,
    forgets: AtomicBool,
}

impl Ctx {
    pub(crate) fn new(
        leaf: &'static Leaf,
        globals: Globals,
        terminal: Arc<Terminal>,
    ) -> Result<Self, Failure> {
        let folders = Folders::of_this_user();
        let own = matches!(leaf.path.as_slice(), ["config" | "auth" | "doctor", ..]);
        let config = match folders.config.as_deref() {
            Some(folder) => Config::read(&folder.join("config.toml")),
            None => Ok(Config::default()),
        };
        // What repairs the configuration must run with a broken one, and what needs none of it.
        let (config, broken) = match config {
            Ok(config) => (config, None),
            Err(failure) if !leaf.is_api => (Config::default(), Some(failure)),
            Err(failure) => return Err(failure),
        };
        let named = globals.profile.as_deref().filter(|_| !own);
        let origin = match config.origin(globals.profile.as_deref()) {
            Ok(origin) => origin,
            // A name that was given means something, also where no credentials are needed.
            Err(_) if named.is_none() && !leaf.is_api => Origin::None,
            Err(failure) => return Err(failure),
        };
        if let Some(failure) = broken
            && own
        {
            terminal.warn(&failure.to_string());
        }
        let profile = config.profile(&origin);
        let wanted = globals.output.clone().or_else(|| profile.output.clone());
        let format = match wanted {
            _ if globals.jq.is_some() => Format::Json,
            None => Format::Table,
            Some(name) => match Format::of(&name) {
                Some(format) => format,
                // What repairs the setting must run.
                None if own => Format::Table,
                None => {
                    return Err(Failure::usage(format!(
                        "there is no output format `{name}`; there are {}",
                        Format::NAMES.join(", ")
                    )));
                }
            },
        };
        let times = match globals.time.as_deref() {
            Some("utc") => Times::Utc,
            Some("local") => Times::Local,
            Some(_) => Times::Relative,
            None if terminal.is_stdout => Times::Relative,
            None => Times::Utc,
        };
        let name = match &origin {
            Origin::Profile(name) => name.clone(),
            _ => String::new(),
        };
        let tap = Tap {
            dry_run: globals.dry_run,
            audit: (!globals.no_audit)
                .then(|| Some(folders.state.as_ref()?.join("audit.jsonl")))
                .flatten(),
            profile: name,
            verbose: globals.verbose > 0,
            terminal: Some(Arc::clone(&terminal)),
            passed: Passed::default(),
        };
        if let Origin::Environment(variable) = &origin
            && leaf.is_api
            && let Some(default) = &config.default_profile
            && terminal.can_ask()
        {
            terminal.say(&format!(
                "using the credentials of {variable} instead of the profile {default}"
            ));
        }
        Ok(Self {
            leaf,
            globals,
            format,
            times,
            terminal,
            folders,
            config,
            origin,
            profile,
            tap: Arc::new(tap),
            client: OnceLock::new(),
            fleet: OnceLock::new(),
            end: Mutex::default(),
            go_on: Mutex::default(),
            known: OnceLock::new(),
            temporary: OnceLock::new(),
            forgets: AtomicBool::new(false),
        })
    }

    /// The client. It is built when it is first needed, and with it the credentials are read.
    pub(crate) fn client(&self) -> Result<&Client, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let builder = profile::builder(&self.folders, &self.origin, &self.profile)?;
        let base_url = profile::base_url(&self.origin, &self.profile);
        let client = self.finish(builder, base_url.as_deref())?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Adds what every client of this program has. This machine is not limited, because it is a simulator.
    pub(crate) fn finish(
        &self,
        builder: ClientBuilder,
        base_url: Option<&str>,
    ) -> Result<Client, Failure> {
        let tap = Arc::clone(&self.tap);
        let base = base_path(base_url.unwrap_or(profile::SERVICE));
        let mut builder = builder
            .user_agent_suffix(concat!("wpengine-cli/", env!("CARGO_PKG_VERSION")))
            .rate_limit_wait(self.globals.rate_limit_wait)
            .wrap(move |inner| Layer { inner, tap, base });
        if let Some(timeout) = self.globals.timeout {
            builder = builder.timeout(timeout);
        }
        if self.globals.read_only || self.profile.read_only {
            builder = builder.read_only();
        }
        let setting = std::env::var("WPENGINE_RATE_LIMITS")
            .ok()
            .filter(|setting| !setting.is_empty())
            .or_else(|| self.profile.rate_limits.clone());
        builder = match setting.as_deref() {
            Some("off") => builder.no_rate_limiter(),
            Some(text) => self.limited(builder, Some(window(text)?))?,
            None if base_url.is_some_and(is_this_machine) => builder,
            None => self.limited(builder, None)?,
        };
        Ok(builder.build()?)
    }

    /// The fleet, with its mirror. Where the mirror cannot be opened, it is in a folder that is deleted at the end.
    pub(crate) fn fleet(&self) -> Result<&Fleet, Failure> {
        if let Some(fleet) = self.fleet.get() {
            return Ok(fleet);
        }
        let client = self.client()?;
        let opened = match (&self.folders.cache, &self.folders.state) {
            (Some(cache), Some(state)) if !self.globals.no_mirror => {
                Fleet::below(client, cache, state)
            }
            // Plans outlive the process all the same.
            (_, Some(state)) if self.globals.no_mirror => self
                .temporary_cache()
                .and_then(|cache| Fleet::below(client, cache, state)),
            _ => self.in_temporary(client),
        };
        let fleet = match opened {
            Ok(fleet) => fleet,
            Err(error) => {
                self.terminal.warn(&format!(
                    "{error}; going on without it, so names are looked up at the service"
                ));
                self.in_temporary(client)?
            }
        };
        Ok(self.fleet.get_or_init(|| fleet))
    }

    /// A folder that is deleted at the end.
    fn temporary_cache(&self) -> Result<PathBuf, wpengine_fleet::Error> {
        let folder = tempfile::tempdir().map_err(|error| wpengine_fleet::Error::File {
            path: std::env::temp_dir(),
            source: error.into(),
        })?;
        Ok(self.temporary.get_or_init(|| folder).path().to_owned())
    }

    fn in_temporary(&self, client: &Client) -> Result<Fleet, wpengine_fleet::Error> {
        self.forgets.store(true, Ordering::Relaxed);
        let folder = self.temporary_cache()?;
        Fleet::open(client, folder.join("cache"), folder.join("state"))
    }

    /// Whether plans outlive this process.
    pub(crate) fn keeps_state(&self) -> bool {
        !self.forgets.load(Ordering::Relaxed)
    }

    /// The names that were read already.
    pub(crate) fn known_names(&self) -> Option<&Names> {
        self.known.get()
    }

    /// Reads the names that the mirror knows.
    pub(crate) async fn prepare_names(&self) {
        if let Ok(fleet) = self.fleet() {
            let _ = self.known.set(known_names(fleet).await);
        }
    }

    /// Names of the accounts and sites that the columns show. What the mirror does not know is read, if it is little.
    pub(crate) async fn names(&self, columns: &[&Column], items: &[Value]) -> Names {
        let mut wanted: Vec<(Class, Vec<&str>)> = Vec::new();
        for column in columns {
            let class = match column.cell {
                Cell::Account => Class::Accounts,
                Cell::Site => Class::Sites,
                _ => continue,
            };
            let ids = items
                .iter()
                .filter_map(|item| item.pointer(column.at)?.as_str());
            wanted.push((class, ids.collect()));
        }
        if wanted.iter().all(|(_, ids)| ids.is_empty()) {
            return Names::new();
        }
        let Ok(fleet) = self.fleet() else {
            return Names::new();
        };
        let mut names = match self.known.get() {
            Some(names) => names.clone(),
            None => known_names(fleet).await,
        };
        let missing: Vec<Class> = wanted
            .into_iter()
            .filter(|(class, ids)| {
                ids.iter().any(|id| !names.contains_key(*id))
                    && (*class == Class::Accounts || items.len() <= 1_000)
            })
            .map(|(class, _)| class)
            .collect();
        if !missing.is_empty() && fleet.sync().only(missing).run().await.is_ok() {
            names = known_names(fleet).await;
        }
        names
    }

    /// Sends one write and returns what the service answered, or what a dry run would have sent.
    pub(crate) async fn write<T>(
        &self,
        operation: &str,
        target: &Target,
        request: impl Future<Output = Result<Response<T>, Error>>,
    ) -> Result<Value, Failure> {
        let call = Arc::new(Call::default());
        let known = operation_of(operation);
        self.terminal
            .progress(&format!("{}: {}", target.name, known.summary));
        let sent = CALL.scope(Arc::clone(&call), request).await;
        if let Some(planned) = call.planned() {
            return Ok(planned);
        }
        sent.map_err(|error| Failure::from(error).about(target.title()))?;
        #[cfg(feature = "events")]
        crate::commands::events::touched(self, target).await;
        Ok(match call.body() {
            Some(Value::Object(fields)) if !fields.is_empty() && !known.secret => {
                Value::Object(fields)
            }
            Some(Value::Array(items)) if !known.secret => Value::Array(items),
            _ => done(known, target),
        })
    }

    /// Reads one thing, with all its fields.
    pub(crate) async fn read(
        &self,
        operation: &str,
        ids: &[&str],
        query: &[(&str, String)],
    ) -> Result<Value, Failure> {
        let mut request = self.client()?.request(Method::GET, &path(operation, ids));
        for (name, value) in query {
            request = request.query(*name, value);
        }
        Ok(request.json().await?)
    }

    /// Lists by offset, with all fields, as the items come.
    pub(crate) fn list(
        &self,
        operation: &str,
        ids: &[&str],
        query: &[(&str, String)],
    ) -> Result<Answer, Failure> {
        let mut request = self.client()?.request(Method::GET, &path(operation, ids));
        for (name, value) in query {
            request = request.query(*name, value);
        }
        let mut list = request.list::<Box<RawValue>>().concurrency(8);
        if let Some(limit) = self.globals.limit
            && self.globals.sort.is_none()
        {
            list = list.take(limit);
        }
        // Reading the items takes longer than sending requests: it is done elsewhere while the next pages are awaited.
        let pages = list.pages().map(|page| async move {
            let items = page?.items;
            let read =
                tokio::task::spawn_blocking(move || -> Result<Vec<Value>, serde_json::Error> {
                    items
                        .iter()
                        .map(|item| serde_json::from_str(item.get()))
                        .collect()
                });
            let read = read.await.map_err(|panic| panic.to_string());
            let read = read.and_then(|read| read.map_err(|error| error.to_string()));
            read.map_err(|why| Failure::new(exit::FAILED, "decode", why))
        });
        let items = pages.buffered(16).flat_map(|page| {
            let (items, failure) = match page {
                Ok(items) => (items, None),
                Err(failure) => (Vec::new(), Some(Err(failure))),
            };
            stream::iter(items.into_iter().map(Ok).chain(failure))
        });
        Ok(Answer::List(items.boxed()))
    }

    /// Does the same with each target, several at once, and tells about each. One target is one thing; several are results.
    pub(crate) async fn each<'a, F, Fut>(
        &'a self,
        targets: &'a [Target],
        work: F,
    ) -> Result<Reply, Failure>
    where
        F: Fn(&'a Target) -> Fut,
        Fut: Future<Output = Result<Value, Failure>> + 'a,
    {
        if let [target] = targets {
            return Ok(Answer::One(work(target).await?).into());
        }
        let jobs = self.globals.jobs.max(1);
        // In the order of the targets, whichever ends first.
        let mut results = stream::iter(targets.iter().map(|target| {
            let work = work(target);
            async move { (target, work.await) }
        }))
        .buffered(jobs);
        let (mut rows, mut failed, mut codes) = (Vec::new(), 0, Vec::new());
        while let Some((target, result)) = results.next().await {
            self.terminal
                .progress(&format!("{} of {} done", rows.len() + 1, targets.len()));
            rows.push(match result {
                Ok(value) => json!({ "target": target.short(), "ok": true, "result": value }),
                Err(failure) => {
                    failed += 1;
                    codes.push(failure.exit);
                    self.terminal.error(&failure);
                    json!({ "target": target.short(), "ok": false, "error": failure.json()["error"] })
                }
            });
        }
        self.terminal.clear();
        let done = rows.len() - failed;
        let document = json!({ "results": rows, "done": done, "failed": failed });
        let code = code_of(done, &codes);
        Ok(Reply::from(Answer::Document(document, "/results"))
            .table(if self.globals.dry_run {
                &crate::tables::PLANNED
            } else {
                &crate::tables::RESULTS
            })
            .exit(code))
    }

    /// Says something behind the answer.
    pub(crate) fn at_the_end(&self, text: String) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    pub(crate) fn end(&self) -> Option<String> {
        self.end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Says how to go on with what is waited for, if the wait ends before.
    pub(crate) fn goes_on_with(&self, command: String) {
        self.go_on
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(command);
    }

    pub(crate) fn go_on(&self) -> Vec<String> {
        std::mem::take(&mut *self.go_on.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A wait that failed, with the command that goes on.
    fn stopped(&self, target: &Target, error: Error) -> Failure {
        let failure = Failure::from(error).about(target.title());
        match failure.exit {
            exit::RUNNING => self.go_on().into_iter().fold(failure, Failure::next),
            _ => failure,
        }
    }

    /// Waits for a piece of work and tells how it goes.
    pub(crate) async fn wait<T: Serialize + Send + 'static>(
        &self,
        target: &Target,
        what: &str,
        wait: wpengine::requests::Wait<T>,
        limit: Option<Duration>,
    ) -> Result<Value, Failure> {
        let wait = match limit {
            Some(limit) => wait.deadline(limit),
            None => wait,
        };
        let until = limit
            .map(clock_after)
            .map_or(String::new(), |until| format!(", until {until} at most"));
        let began = std::time::Instant::now();
        let call = Arc::new(Call::default());
        let polls = async {
            let mut progress = wait.progress();
            let mut last = None;
            while let Some(state) = progress.next().await {
                let state = state?;
                let value = serde_json::to_value(&state).unwrap_or(Value::Null);
                let status = ["status", "state"]
                    .iter()
                    .find_map(|name| value.get(*name)?.as_str());
                self.terminal.step(&format!(
                    "{}: waiting for {what}, {} after {} s{until}",
                    target.name,
                    status.unwrap_or("under way"),
                    began.elapsed().as_secs(),
                ));
                last = Some(value);
            }
            Ok::<_, Error>(last)
        };
        let last = CALL
            .scope(Arc::clone(&call), polls)
            .await
            .map_err(|error| self.stopped(target, error))?;
        self.terminal.clear();
        let is_secret = self
            .leaf
            .operations
            .iter()
            .any(|id| operation_of(id).secret);
        let body = if is_secret { None } else { call.body() };
        Ok(body.or(last).unwrap_or(Value::Null))
    }
}

impl Ctx {
    /// Waits for something whose state is not the answer.
    pub(crate) async fn wait_quietly<T: Send + 'static>(
        &self,
        target: &Target,
        what: &str,
        wait: wpengine::requests::Wait<T>,
        limit: Option<Duration>,
    ) -> Result<(), Failure> {
        self.terminal
            .step(&format!("{}: waiting for {what}", target.name));
        let wait = match limit {
            Some(limit) => wait.deadline(limit),
            None => wait,
        };
        wait.await.map_err(|error| self.stopped(target, error))?;
        Ok(())
    }
}

/// A time of day after a while, for people.
pub(crate) fn clock_after(wait: Duration) -> String {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    let then = Zoned::now().checked_add(wait);
    then.map_or_else(
        |_| "?".to_owned(),
        |then| then.strftime("%H:%M:%S").to_string(),
    )
}

async fn known_names(fleet: &Fleet) -> Names {
    let rows = fleet
        .sql("SELECT id, coalesce(nickname, name) FROM accounts UNION ALL SELECT id, name FROM sites")
        .await;
    let rows = rows.map(|rows| rows.rows).unwrap_or_default();
    rows.into_iter()
        .filter_map(|row| {
            Some((
                row.first()?.as_str()?.to_owned(),
                row.get(1)?.as_str()?.to_owned(),
            ))
        })
        .collect()
}

/// The exit code of several targets: what nobody knows weighs most, and where nothing was done one reason is the reason.
pub(crate) fn code_of(done: usize, codes: &[u8]) -> u8 {
    match codes {
        [] => exit::DONE,
        codes if codes.contains(&exit::UNKNOWN) => exit::UNKNOWN,
        [first, rest @ ..] if done == 0 && rest.iter().all(|code| code == first) => *first,
        _ => exit::PARTLY,
    }
}

/// What is said of a write whose response has no body.
fn done(operation: &Operation, target: &Target) -> Value {
    let what = if operation.method == Method::DELETE {
        "deleted"
    } else {
        "accepted"
    };
    json!({ "operation": operation.id, "target": target.short(), what: true })
}

pub(crate) fn operation_of(id: &str) -> &'static Operation {
    wpengine::operations()
        .iter()
        .find(|operation| operation.id == id)
        .unwrap_or_else(|| unreachable!("a command names the operation {id}, which does not exist"))
}

/// The path of an operation with ids in it.
pub(crate) fn path(operation: &str, ids: &[&str]) -> String {
    let mut ids = ids.iter();
    let parts = operation_of(operation)
        .path
        .split('/')
        .map(|part| match part.starts_with('{') {
            true => encoded(ids.next().copied().unwrap_or_default()),
            false => part.to_owned(),
        });
    parts.collect::<Vec<_>>().join("/")
}

/// An id as a part of a path.
fn encoded(id: &str) -> String {
    let mut text = String::new();
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                text.push(char::from(byte))
            }
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// The path of a base URL, without the slash at its end.
fn base_path(url: &str) -> String {
    let uri: Option<wpengine::http::Uri> = url.parse().ok();
    let path = uri.as_ref().map_or("", |uri| uri.path());
    path.trim_end_matches('/').to_owned()
}

/// What a file has that the user named; `-` is standard input.
pub(crate) async fn read_input(path: &str) -> Result<String, Failure> {
    if path == "-" {
        // Elsewhere than on this thread, so that Ctrl-C ends it.
        let read = tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin())).await;
        let read = read.unwrap_or_else(|panic| Err(std::io::Error::other(panic)));
        return read.map_err(|error| {
            Failure::new(
                exit::FAILED,
                "file",
                format!("cannot read standard input: {error}"),
            )
        });
    }
    std::fs::read_to_string(path).map_err(|error| Failure::file(&PathBuf::from(path), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_place_in_the_path() {
        assert_eq!(
            path("get_install", &["../sites/x?a=b"]),
            "/installs/%2E%2E%2Fsites%2Fx%3Fa%3Db"
        );
        assert_eq!(path("get_backup", &["i", "b"]), "/installs/i/backups/b");
    }
}
