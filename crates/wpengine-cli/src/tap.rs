//! A layer around the HTTP client, which all requests of a command pass: those of a single call, of a plan and of a fleet. Here a
//! dry run stops every write, the audit log is written, and an interruption finds what was under way.

use std::{
    collections::BTreeMap,
    fmt,
    fs::OpenOptions,
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};
use wpengine::{
    bytes::Bytes,
    http::{Method, Request, Response},
    jiff::Timestamp,
    operation::Operation,
    transport::{HeadFuture, HttpClient, HttpError, ResponseFuture},
};

use crate::terminal::Terminal;

tokio::task_local! {
    /// The call that is being sent.
    pub(crate) static CALL: Arc<Call>;
}

/// What passed while one call was sent.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// The bodies of the successful responses.
    bodies: Mutex<Vec<Bytes>>,
    /// The write that a dry run did not send.
    planned: Mutex<Option<Value>>,
}

impl Call {
    /// The last body, with all its fields: also those that the models do not know.
    pub(crate) fn body(&self) -> Option<Value> {
        let bodies = lock(&self.bodies);
        serde_json::from_slice(bodies.last()?).ok()
    }

    /// All bodies, of the pages of a listing.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        let bodies = lock(&self.bodies);
        bodies
            .iter()
            .filter_map(|body| serde_json::from_slice(body).ok())
            .collect()
    }

    pub(crate) fn planned(&self) -> Option<Value> {
        lock(&self.planned).take()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the layer does and knows.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    pub(crate) dry_run: bool,
    pub(crate) audit: Option<PathBuf>,
    pub(crate) profile: String,
    /// Says each attempt on standard error.
    pub(crate) verbose: bool,
    pub(crate) terminal: Option<Arc<Terminal>>,
    pub(crate) passed: Passed,
}

/// What has passed so far.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    requests: AtomicU64,
    next: AtomicU64,
    /// Writes that were sent, and of which nobody knows whether they were done.
    unknown: Mutex<BTreeMap<u64, String>>,
    /// Writes that the service accepted.
    accepted: Mutex<Vec<String>>,
    /// How the last request ended.
    last: Mutex<String>,
}

impl Tap {
    /// How many requests were sent.
    pub(crate) fn requests(&self) -> u64 {
        self.passed.requests.load(Ordering::Relaxed)
    }

    /// The writes that were sent, and of which nobody knows whether they were done.
    pub(crate) fn unknown(&self) -> Vec<String> {
        lock(&self.passed.unknown).values().cloned().collect()
    }

    /// The writes that the service accepted.
    pub(crate) fn accepted(&self) -> Vec<String> {
        lock(&self.passed.accepted).clone()
    }

    /// How the last request ended: a status, `not sent` or `unknown`.
    pub(crate) fn last(&self) -> String {
        lock(&self.passed.last).clone()
    }

    /// Notes a work that is not a request, such as a deployment: until it ends nobody knows whether it was done.
    #[cfg(all(unix, feature = "ssh"))]
    pub(crate) fn work<'a>(&'a self, what: &'static str, target: &str) -> Work<'a> {
        let number = self.passed.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.passed.unknown).insert(number, format!("{what} {target}"));
        Work {
            tap: self,
            number,
            what,
            target: target.to_owned(),
            ended: false,
        }
    }

    fn say(&self, text: &str) {
        match &self.terminal {
            Some(terminal) => terminal.note(text),
            None => {
                let _ = writeln!(std::io::stderr(), "{text}");
            }
        }
    }

    /// Writes one line about a write. No body, and nothing of the query.
    fn record(&self, method: &Method, path: &str, outcome: &str, request_id: Option<&str>) {
        let name = operation(method, path).map(|operation| operation.id);
        self.write_down(name, &format!("{method} {path}"), outcome, request_id);
    }

    fn write_down(
        &self,
        operation: Option<&str>,
        target: &str,
        outcome: &str,
        request_id: Option<&str>,
    ) {
        let Some(file) = &self.audit else { return };
        let line = json!({
            "time": Timestamp::now().to_string(),
            "profile": self.profile,
            "operation": operation,
            "target": target,
            "outcome": outcome,
            "request_id": request_id,
        });
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = file
            .parent()
            .map_or(Ok(()), crate::profile::create_private)
            .and_then(|()| options.open(file))
            // One call of `write`, so that the lines of several processes do not mix.
            .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        if let Err(error) = written {
            // A log that cannot be written stops no work, and is said.
            self.say(&format!(
                "warning: the audit log {} cannot be written: {error}",
                file.display()
            ));
        }
    }
}

/// A work that is under way. If it is dropped before its end, it stays unknown.
#[cfg(all(unix, feature = "ssh"))]
pub(crate) struct Work<'a> {
    tap: &'a Tap,
    number: u64,
    what: &'static str,
    target: String,
    ended: bool,
}

#[cfg(all(unix, feature = "ssh"))]
impl Work<'_> {
    /// It ended: `done`, `not done` or `unknown`.
    pub(crate) fn end(mut self, outcome: &str) {
        self.ended = true;
        let passed = &self.tap.passed;
        if outcome != "unknown" {
            lock(&passed.unknown).remove(&self.number);
        }
        if outcome == "done" {
            lock(&passed.accepted).push(format!("{} {}", self.what, self.target));
        }
        self.tap
            .write_down(Some(self.what), &self.target, outcome, None);
    }
}

#[cfg(all(unix, feature = "ssh"))]
impl Drop for Work<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.tap
                .write_down(Some(self.what), &self.target, "unknown", None);
        }
    }
}

/// The operation behind a request, by its method and its path below the base URL.
pub(crate) fn operation(method: &Method, path: &str) -> Option<&'static Operation> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    wpengine::operations().iter().find(|operation| {
        let wanted: Vec<&str> = operation.path.trim_start_matches('/').split('/').collect();
        operation.method == *method
            && parts.len() == wanted.len()
            && parts
                .iter()
                .zip(&wanted)
                .all(|(part, wanted)| wanted.starts_with('{') || part == wanted)
    })
}

/// The layer itself.
pub(crate) struct Layer {
    pub(crate) inner: Arc<dyn HttpClient>,
    pub(crate) tap: Arc<Tap>,
    /// The path of the base URL, such as `/v1`.
    pub(crate) base: String,
}

impl Layer {
    /// The path of a request below the base URL.
    fn below<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(self.base.as_str()).unwrap_or(path)
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").finish_non_exhaustive()
    }
}

/// A write that is under way. If it is dropped before its end, it stays listed.
struct UnderWay<'a> {
    tap: &'a Tap,
    name: String,
    method: Method,
    path: String,
    ended: bool,
}

impl UnderWay<'_> {
    fn end(mut self, outcome: &str, request_id: Option<&str>, made: Option<String>) {
        self.ended = true;
        let passed = &self.tap.passed;
        // A gateway answers with 5xx although the service may have done it.
        let is_known =
            outcome == "not sent" || outcome.parse::<u16>().is_ok_and(|status| status < 500);
        if is_known {
            // A repetition that was answered tells of the first attempt as well.
            lock(&passed.unknown).retain(|_, name| *name != self.name);
        }
        if outcome.starts_with('2') {
            let made = made.map_or(String::new(), |id| format!(": {id}"));
            lock(&passed.accepted).push(format!("{}{made}", self.name));
        }
        self.tap
            .record(&self.method, &self.path, outcome, request_id);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.tap.record(&self.method, &self.path, "unknown", None);
        }
    }
}

impl HttpClient for Layer {
    fn send(&self, request: Request<Bytes>, max_size: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            let (method, path) = (
                request.method().clone(),
                self.below(request.uri().path()).to_owned(),
            );
            let is_write = !matches!(method, Method::GET | Method::HEAD);
            if is_write && self.tap.dry_run {
                let planned = planned(&request, &path);
                let _ = CALL.try_with(|call| *lock(&call.planned) = Some(planned));
                return Err(HttpError::Unsendable("this is a dry run".into()));
            }
            let passed = &self.tap.passed;
            passed.requests.fetch_add(1, Ordering::Relaxed);
            let write = is_write.then(|| {
                let number = passed.next.fetch_add(1, Ordering::Relaxed);
                let name = operation(&method, &path)
                    .map_or_else(|| method.to_string(), |operation| operation.id.to_owned());
                let name = format!("{name} ({method} {path})");
                lock(&passed.unknown).insert(number, name.clone());
                UnderWay {
                    tap: &self.tap,
                    name,
                    method: method.clone(),
                    path: path.clone(),
                    ended: false,
                }
            });
            let began = std::time::Instant::now();
            let result = self.inner.send(request, max_size).await;
            let (outcome, id) = match &result {
                Ok(response) => (response.status().as_u16().to_string(), request_id(response)),
                Err(
                    HttpError::Connect(_) | HttpError::ConnectTimeout(_) | HttpError::Unsendable(_),
                ) => ("not sent".to_owned(), None),
                Err(_) => ("unknown".to_owned(), None),
            };
            lock(&passed.last).clone_from(&outcome);
            if self.tap.verbose {
                let id = id
                    .as_deref()
                    .map(|id| format!(" (request id {id})"))
                    .unwrap_or_default();
                self.tap.say(&format!(
                    "{method} {path}: {outcome} in {} ms{id}",
                    began.elapsed().as_millis()
                ));
            }
            let is_trouble = outcome == "not sent"
                || outcome == "unknown"
                || outcome == "429"
                || outcome.starts_with('5');
            if let Some(terminal) = &self.tap.terminal
                && is_trouble
            {
                terminal.progress(&format!(
                    "{method} {path}: {outcome}; trying again for a while, if that is safe"
                ));
            }
            if let Some(write) = write {
                let made = result.as_ref().ok().and_then(made_id);
                write.end(&outcome, id.as_deref(), made);
            }
            if let Ok(response) = &result
                && response.status().is_success()
            {
                let _ = CALL.try_with(|call| lock(&call.bodies).push(response.body().clone()));
            }
            result
        })
    }

    fn open(&self, request: Request<Bytes>) -> HeadFuture<'_> {
        self.inner.open(request)
    }
}

fn request_id<T>(response: &Response<T>) -> Option<String> {
    let id = response.headers().get("x-amzn-requestid")?;
    id.to_str().ok().map(str::to_owned)
}

/// The id of what a write made.
fn made_id(response: &Response<Bytes>) -> Option<String> {
    let body: Value = serde_json::from_slice(response.body()).ok()?;
    Some(body.get("id")?.as_str()?.to_owned())
}

/// What a write would send. A body that may hold a secret shows its fields alone.
fn planned(request: &Request<Bytes>, path: &str) -> Value {
    let known = operation(request.method(), path);
    let mut body: Value = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
    if known.is_none_or(|operation| operation.secret) {
        match &mut body {
            Value::Object(fields) => fields
                .values_mut()
                .for_each(|value| *value = json!("(not shown)")),
            Value::Null => {}
            other => *other = json!("(not shown)"),
        }
    }
    let mut url = request.uri().to_string();
    if let Some(end) = url.find('?') {
        url.truncate(end);
    }
    json!({
        "dry_run": true,
        "operation": known.map(|operation| operation.id),
        "method": request.method().as_str(),
        "url": url,
        "body": body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_by_its_path() {
        for known in wpengine::operations() {
            let path: Vec<&str> = known
                .path
                .split('/')
                .map(|part| if part.starts_with('{') { "x-1" } else { part })
                .collect();
            let found = operation(&known.method, &path.join("/"));
            assert_eq!(found.map(|found| found.id), Some(known.id));
        }
        assert_eq!(operation(&Method::DELETE, "/accounts/x"), None);
        assert_eq!(operation(&Method::DELETE, "/./installs/x"), None);
        assert_eq!(operation(&Method::DELETE, "/v1/installs/x"), None);
    }
}
