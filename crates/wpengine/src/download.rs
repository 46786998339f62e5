//! Downloads of archives and reports, from any host that the service links to.
//!
//! Everyone who has the link can download the file. Therefore the link is never printed. It may lead to any host, but
//! only over `https://`, and the credentials of the client are not sent to that host.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Request, Response, StatusCode, header};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::{
    Client,
    config::is_loopback,
    error::{Error, ErrorKind},
    response::retry_after,
    transport::{BodyStream, HttpError, seconds},
    types::SecretLink,
};

/// The maximum number of redirects.
const REDIRECTS: usize = 5;

/// A download in progress: a stream of chunks of bytes.
///
/// The stream ends with an error if the connection breaks, or if fewer bytes arrive than the response announced. A
/// truncated file is therefore never reported as complete. The time limit for the next chunk is the
/// `attempt_timeout` of the client, 45 s by default. There is no time limit for the whole download.
#[must_use = "a stream does nothing until it is polled"]
pub struct Download {
    host: String,
    length: Option<u64>,
    chunks: Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>,
}

impl Download {
    /// Returns the length of the whole file in bytes, if the response contains it.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Returns the next bytes, or none at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        self.chunks.next().await
    }

    /// Returns the next bytes, or none at the end.
    ///
    /// # Errors
    ///
    /// [`Transport`](ErrorKind::Transport) if the connection breaks, and [`Timeout`](ErrorKind::Timeout) if no more
    /// bytes arrive in time.
    pub async fn try_next(&mut self) -> Result<Option<Bytes>, Error> {
        self.next().await.transpose()
    }
}

impl Stream for Download {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.as_mut().poll_next(context)
    }
}

debug_fields!(Download as this: host = this.host, length = this.length);

/// The body of a download, and how much of it was read.
struct Reading {
    host: String,
    length: Option<u64>,
    read: u64,
    body: BodyStream,
    /// The maximum wait for the next chunk.
    patience: Duration,
}

impl Reading {
    /// Returns the next chunk, and itself if there may be a further one.
    async fn advance(mut self) -> Option<(Result<Bytes, Error>, Option<Self>)> {
        let mut cause = None;
        let (kind, what) = match timeout(self.patience, self.body.next()).await {
            Ok(Some(Ok(bytes))) => {
                self.read += bytes.len() as u64;
                return Some((Ok(bytes), Some(self)));
            }
            Ok(None) if self.length.is_none_or(|length| length == self.read) => return None,
            Ok(None) => (ErrorKind::Transport, "the download ended".to_owned()),
            Ok(Some(Err(error))) => {
                if let HttpError::Broken(source) = error {
                    cause = Some(source);
                }
                (ErrorKind::Transport, "the connection broke".to_owned())
            }
            Err(_) => {
                let what = format!("nothing came for {}", seconds(self.patience));
                (ErrorKind::Timeout, what)
            }
        };
        let of = self
            .length
            .map_or(String::new(), |length| format!(" of {length}"));
        let error = Error::new(kind, format!("{what} after {}{of} bytes", self.read))
            .with_hint("download it again")
            .with(|inner| inner.source = cause);
        Some((Err(named(&self.host, error)), None))
    }
}

impl Client {
    /// Starts to download the file behind a link in a response: a report, or an archive, whose link
    /// [`ArchiveHandle::download`](crate::resources::ArchiveHandle::download) finds.
    ///
    /// The request does not contain the credentials of the client. The link must be an `https://` URL, or a URL of this
    /// machine. An attempt that fails before the download starts is retried with the policy of the client. The rate
    /// limit does not apply, because the file is not served by the API.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d");
    /// for report in site.reports().list().collect().await? {
    ///     let Some(link) = &report.download_url else { continue };
    ///     let mut download = client.download(link).await?;
    ///     let mut pdf = Vec::new();
    ///     while let Some(bytes) = download.try_next().await? {
    ///         pdf.extend_from_slice(&bytes);
    ///     }
    ///     assert!(pdf.starts_with(b"%PDF-"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](ErrorKind::InvalidRequest) if the link is not a URL, or is an `http://` URL of another
    /// machine. [`Api`](ErrorKind::Api), with the status, if the host refuses the request.
    /// [`Connect`](ErrorKind::Connect), [`Timeout`](ErrorKind::Timeout) or [`Transport`](ErrorKind::Transport) if the
    /// connection fails.
    pub async fn download(&self, link: &SecretLink) -> Result<Download, Error> {
        let url = checked(link.expose_secret())?;
        let (first, total) = (host(&url).to_owned(), self.core().config.timeout);
        match timeout(total, self.follow(url)).await {
            Ok(begun) => begun,
            Err(_) => {
                let text = format!("the download has not begun within {}", seconds(total));
                let error = Error::new(ErrorKind::Timeout, text)
                    .with_hint("try again, or set a longer limit with `timeout`");
                Err(named(&first, error))
            }
        }
    }

    async fn follow(&self, mut url: Url) -> Result<Download, Error> {
        for _ in 0..=REDIRECTS {
            let (answer, attempts) = self.open(&url).await?;
            if !answer.status().is_redirection() {
                return self.begun(&url, answer, attempts);
            }
            let next = answer.headers().get(header::LOCATION);
            let next = next.and_then(|next| url.join(next.to_str().ok()?).ok());
            // A redirect from another host must not lead to a service on this machine.
            let is_safe = |next: &Url| {
                next.scheme() == "https"
                    || (next.scheme() == "http" && is_loopback(next) && is_loopback(&url))
            };
            url = next.filter(is_safe).ok_or_else(|| {
                let status = answer.status();
                let text = format!("{status}, but the redirect leads to no `https://` URL");
                let error = Error::new(ErrorKind::Transport, text)
                    .with_hint("take a new link from the service; if it leads there too, ask WP Engine's support")
                    .with(|inner| inner.status = Some(status));
                named(host(&url), error)
            })?;
        }
        let text = format!("more than {REDIRECTS} redirects, one after the other");
        let error =
            Error::new(ErrorKind::Transport, text).with_hint("take a new link from the service");
        Err(named(host(&url), error))
    }

    /// Sends the request until there is a response or no further attempt. Also returns the number of attempts.
    async fn open(&self, url: &Url) -> Result<(Response<BodyStream>, u32), Error> {
        let core = self.core();
        let (mut attempts, limit) = (0, core.config.attempt_timeout);
        let (policy, started) = (core.config.retry, Instant::now());
        loop {
            attempts += 1;
            let request = Request::get(url.as_str())
                .header(header::USER_AGENT, core.user_agent.clone())
                .body(Bytes::new())
                .map_err(|_| nowhere())?;
            let outcome = match timeout(limit, core.http_client.open(request)).await {
                Ok(Ok(answer)) if answer.status().is_server_error() => Ok(answer),
                Ok(Ok(answer)) => {
                    core.budget.earn(attempts > 1);
                    return Ok((answer, attempts));
                }
                Ok(Err(error @ HttpError::Unsendable(_))) => return Err(self.broken(url, error)),
                Ok(Err(error)) => Err(self.broken(url, error)),
                Err(_) => {
                    let text = format!("no answer within {}", seconds(limit));
                    let error = Error::new(ErrorKind::Timeout, text)
                        .with_hint("try again, or set a longer limit with `attempt_timeout`");
                    Err(named(host(url), error))
                }
            };
            let asked = outcome
                .as_ref()
                .ok()
                .and_then(|answer| retry_after(answer.headers()));
            let wait = asked.unwrap_or_else(|| policy.back_off(attempts, fastrand::f64()));
            let is_late = started.elapsed().saturating_add(wait) > policy.time_limit;
            if attempts >= policy.max_attempts || is_late || !core.budget.spend() {
                return outcome
                    .map(|answer| (answer, attempts))
                    .map_err(|error| error.with(|inner| inner.attempts = attempts));
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn begun(
        &self,
        url: &Url,
        answer: Response<BodyStream>,
        attempts: u32,
    ) -> Result<Download, Error> {
        if answer.status() != StatusCode::OK {
            let asked = retry_after(answer.headers());
            return Err(refused(url, answer.status()).with(|inner| {
                inner.attempts = attempts;
                inner.retry_after = asked;
            }));
        }
        let (host, length) = (host(url).to_owned(), length(answer.headers()));
        let reading = Reading {
            host: host.clone(),
            length,
            read: 0,
            body: answer.into_body(),
            patience: self.core().config.attempt_timeout,
        };
        let chunks = stream::unfold(
            Some(reading),
            |reading| async move { reading?.advance().await },
        );
        Ok(Download {
            host,
            length,
            chunks: Box::pin(chunks.fuse()),
        })
    }
}

/// Returns the announced length; none for a compressed body, because more bytes arrive than were announced.
fn length(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return None;
    }
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// Parses a link and checks that it may be opened.
fn checked(link: &str) -> Result<Url, Error> {
    let url = Url::parse(link).map_err(|_| nowhere())?;
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let host = url.host_str().ok_or_else(nowhere)?;
    if is_safe {
        return Ok(url);
    }
    let text = format!("the link leads to {host} over `{}://`", url.scheme());
    Err(Error::invalid(text).with_hint("nothing was sent; only `https://` is opened"))
}

fn nowhere() -> Error {
    Error::invalid("the link is not a URL")
        .with_hint("nothing was sent; take the link from an answer of the service")
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// Sets the request of an error: the host alone, because the link is a secret.
fn named(host: &str, error: Error) -> Error {
    error.with(|inner| inner.request = Some(format!("download from {host}")))
}

fn refused(url: &Url, status: StatusCode) -> Error {
    let reason = status.canonical_reason().unwrap_or("unknown status");
    let hint = if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
        "links expire: get a new one from the service"
    } else {
        "the host cannot serve the file now: try again later"
    };
    let error = Error::new(ErrorKind::Api, format!("{} {reason}", status.as_u16()))
        .with_hint(hint)
        .with(|inner| inner.status = Some(status));
    named(host(url), error)
}

impl Client {
    fn broken(&self, url: &Url, error: HttpError) -> Error {
        let (kind, text, source) = match error {
            HttpError::Connect(source) | HttpError::ConnectTimeout(source) => {
                (ErrorKind::Connect, "cannot connect", Some(source))
            }
            HttpError::Unsendable(source) => {
                let text = "the link cannot be opened";
                (ErrorKind::InvalidRequest, text, Some(source))
            }
            HttpError::Broken(source) => {
                (ErrorKind::Transport, "the connection broke", Some(source))
            }
            HttpError::TooLong => (ErrorKind::Transport, "the answer is too long", None),
        };
        let is_of_this_machine = is_loopback(&self.core().base) && !is_loopback(url);
        let hint = match kind {
            ErrorKind::Connect if is_of_this_machine => {
                "nothing was sent; a client whose base URL is on this machine has no certificates and no proxy for other hosts: use one with the service's base URL"
            }
            ErrorKind::Connect => "nothing was sent; check the network and the proxy",
            ErrorKind::InvalidRequest => "nothing was sent; take a new link from the service",
            _ => "download it again",
        };
        let error = Error::new(kind, text).with_hint(hint);
        named(host(url), error.with(|inner| inner.source = source))
    }
}
