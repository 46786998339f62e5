//! Sending one HTTP request and reading its response: with reqwest by default, or with another HTTP client.

use std::{fmt::Debug, future::Future, pin::Pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::{TryStreamExt as _, stream};
use http::{Request, Response, Uri};
use url::Url;

use crate::error::Source;

/// The future of a response with its whole body.
pub type ResponseFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

/// The body of a response, in chunks.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, HttpError>> + Send>>;

/// A future that returns the status and the headers of a response, and its body as a stream.
pub type HeadFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response<BodyStream>, HttpError>> + Send + 'a>>;

/// Sends HTTP requests.
///
/// The client calls it for every attempt, after authentication and the rate limit. Retries and timeouts are handled
/// outside: an implementation sends the request once and only waits for its response. The request has all its headers;
/// `Authorization` is marked as [sensitive](http::HeaderValue::is_sensitive).
///
/// [`ClientBuilder::http_client`](crate::ClientBuilder::http_client) replaces the built-in HTTP client, and
/// [`ClientBuilder::wrap`](crate::ClientBuilder::wrap) adds a layer around it. The layer in this example adds a header
/// and records the requests:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use wpengine::{bytes::Bytes, http, transport::{HeadFuture, HttpClient, ResponseFuture}};
///
/// #[derive(Debug)]
/// struct Recorder {
///     inner: Arc<dyn HttpClient>,
///     seen: Arc<Mutex<Vec<String>>>,
/// }
///
/// impl HttpClient for Recorder {
///     fn send(&self, mut request: http::Request<Bytes>, max_size: usize) -> ResponseFuture<'_> {
///         request.headers_mut().insert("x-team", http::HeaderValue::from_static("fleet"));
///         self.seen.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
///         self.inner.send(request, max_size)
///     }
///
///     // Without this, downloads would be read into memory. They go to other hosts, so they get no header.
///     fn open(&self, request: http::Request<Bytes>) -> HeadFuture<'_> {
///         self.inner.open(request)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = wpengine_sim::Simulator::builder().start().await?;
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let record = Arc::clone(&seen);
/// let client = wpengine::Client::builder()
///     .base_url(simulator.url())
///     .wrap(|inner| Recorder { inner, seen: record })
///     .build()?;
/// client.current_user().await?;
/// assert_eq!(*seen.lock().unwrap(), ["GET /v1/user"]);
/// # Ok(())
/// # }
/// ```
pub trait HttpClient: Debug + Send + Sync {
    /// Sends a request and reads its whole response. Returns [`HttpError::TooLong`] if the body is longer than
    /// `max_size` bytes.
    fn send(&self, request: Request<Bytes>, max_size: usize) -> ResponseFuture<'_>;

    /// Sends a request for a download and reads the head of its response; the body may have any length. The default
    /// implementation reads the whole body into memory with [`send`](Self::send). A layer around another HTTP client
    /// should forward this method too.
    fn open(&self, request: Request<Bytes>) -> HeadFuture<'_> {
        Box::pin(async move {
            let answer = self.send(request, usize::MAX).await?;
            Ok(answer.map(|body| Box::pin(stream::iter([Ok(body)])) as BodyStream))
        })
    }
}

impl<C: HttpClient + ?Sized> HttpClient for Arc<C> {
    fn send(&self, request: Request<Bytes>, max_size: usize) -> ResponseFuture<'_> {
        (**self).send(request, max_size)
    }

    fn open(&self, request: Request<Bytes>) -> HeadFuture<'_> {
        (**self).open(request)
    }
}

/// Why there is no response. The variant decides whether the request may be sent again.
#[derive(Debug)]
#[non_exhaustive]
pub enum HttpError {
    /// No connection could be opened. No request was sent.
    Connect(Source),
    /// No connection could be opened in time. No request was sent.
    ConnectTimeout(Source),
    /// The request is not valid HTTP. No request was sent, and a retry would fail in the same way.
    Unsendable(Source),
    /// The connection broke after the request may have been sent.
    Broken(Source),
    /// The body of the response is longer than allowed.
    TooLong,
}

/// The URL of a request as reqwest needs it. Parsing the URL again would cost more than the rest of the conversion.
#[derive(Clone, Debug)]
pub(crate) struct Parsed(pub(crate) Arc<Url>);

fn outgoing(mut request: Request<Bytes>) -> reqwest::Result<reqwest::Request> {
    let parsed = request.extensions_mut().remove();
    let Some(Parsed(url)) = parsed.filter(|Parsed(url)| is_same(url, request.uri())) else {
        return reqwest::Request::try_from(request);
    };
    let (parts, body) = request.into_parts();
    let mut request = reqwest::Request::new(parts.method, Url::clone(&url));
    *request.headers_mut() = parts.headers;
    *request.body_mut() = Some(body.into());
    Ok(request)
}

/// Whether the URL is still the same: a layer may have changed the target of the request.
fn is_same(url: &Url, uri: &Uri) -> bool {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    uri.scheme_str() == Some(url.scheme())
        && uri.authority().map(|authority| authority.as_str()) == Some(url.authority())
        && &url[url::Position::BeforePath..] == target
}

/// The built-in HTTP client.
#[derive(Debug)]
pub(crate) struct Reqwest(pub(crate) reqwest::Client);

/// The maximum buffer size that is reserved from `Content-Length`, because a server can announce any length.
const MOST_RESERVED: usize = 1024 * 1024;

impl HttpClient for Reqwest {
    fn send(&self, request: Request<Bytes>, max_size: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            let request = outgoing(request).map_err(classify)?;
            let mut answer = self.0.execute(request).await.map_err(classify)?;
            let mut whole = Response::new(Bytes::new());
            *whole.status_mut() = answer.status();
            *whole.headers_mut() = std::mem::take(answer.headers_mut());
            let announced = answer
                .content_length()
                .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
            if announced.is_some_and(|length| length > max_size) {
                return Err(HttpError::TooLong);
            }
            // Most bodies have one chunk, which is not copied.
            let mut body = answer.chunk().await.map_err(classify)?.unwrap_or_default();
            if body.len() > max_size {
                return Err(HttpError::TooLong);
            }
            if let Some(second) = answer.chunk().await.map_err(classify)? {
                let expected = announced.unwrap_or(2 * body.len());
                let mut all = BytesMut::with_capacity(expected.min(MOST_RESERVED));
                all.extend_from_slice(&body);
                let mut next = Some(second);
                while let Some(chunk) = next {
                    if all.len() + chunk.len() > max_size {
                        return Err(HttpError::TooLong);
                    }
                    all.extend_from_slice(&chunk);
                    next = answer.chunk().await.map_err(classify)?;
                }
                body = all.freeze();
            }
            *whole.body_mut() = body;
            Ok(whole)
        })
    }

    fn open(&self, request: Request<Bytes>) -> HeadFuture<'_> {
        Box::pin(async move {
            let request = outgoing(request).map_err(classify)?;
            let mut answer = self.0.execute(request).await.map_err(classify)?;
            let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
            let body: BodyStream = Box::pin(answer.bytes_stream().map_err(classify));
            let mut response = Response::new(body);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        })
    }
}

/// Classifies an error of reqwest. The cause keeps no URL: the error names the request itself, without its query.
fn classify(error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    if error.is_connect() && error.is_timeout() {
        HttpError::ConnectTimeout(error.into())
    } else if error.is_connect() {
        HttpError::Connect(error.into())
    } else if error.is_builder() {
        HttpError::Unsendable(error.into())
    } else {
        HttpError::Broken(error.into())
    }
}
