//! The last step: one HTTP request and its answer, whole. reqwest in life; in tests anything else.

use std::{fmt::Debug, future::Future, pin::Pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::{TryStreamExt as _, stream};
use http::{Request, Response};
use url::Url;

use crate::error::Source;

/// The answer to a request that is on its way.
pub type WireFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, WireError>> + Send + 'a>>;

/// The body of an answer, piece by piece.
pub type WireBody = Pin<Box<dyn Stream<Item = Result<Bytes, WireError>> + Send>>;

/// The head of an answer that is on its way, with its body to be read.
pub type WireHead<'a> =
    Pin<Box<dyn Future<Output = Result<Response<WireBody>, WireError>> + Send + 'a>>;

/// Sends one request and reads its whole answer.
pub trait Wire: Debug + Send + Sync {
    /// Sends a request. An answer whose body is longer than `most` bytes is an error.
    fn send(&self, request: Request<Bytes>, most: usize) -> WireFuture<'_>;

    /// Sends a request whose answer may have any length, for its head. By default the body comes in one piece.
    fn open(&self, request: Request<Bytes>) -> WireHead<'_> {
        Box::pin(async move {
            let answer = self.send(request, usize::MAX).await?;
            Ok(answer.map(|body| Box::pin(stream::iter([Ok(body)])) as WireBody))
        })
    }
}

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum WireError {
    /// No connection: nothing was sent.
    Connect(Source),
    /// No connection within its time limit: nothing was sent.
    ConnectTimeout(Source),
    /// The request could not be made into one: nothing was sent, and trying again will not help.
    Unsendable(Source),
    /// Something broke after the request may have left.
    Broken(Source),
    /// The body of the answer is longer than allowed.
    TooLong,
}

/// The address of a request, where it is known in the form that reqwest wants: reading it once more costs more than the
/// rest of a conversion.
#[derive(Clone, Debug)]
pub(crate) struct Parsed(pub(crate) Arc<Url>);

fn outgoing(mut request: Request<Bytes>) -> reqwest::Result<reqwest::Request> {
    let Some(Parsed(url)) = request.extensions_mut().remove() else {
        return reqwest::Request::try_from(request);
    };
    let (parts, body) = request.into_parts();
    let mut request = reqwest::Request::new(parts.method, Url::clone(&url));
    *request.headers_mut() = parts.headers;
    *request.body_mut() = Some(body.into());
    Ok(request)
}

/// reqwest as the wire.
#[derive(Debug)]
pub(crate) struct Http(pub(crate) reqwest::Client);

impl Wire for Http {
    fn send(&self, request: Request<Bytes>, most: usize) -> WireFuture<'_> {
        Box::pin(async move {
            let request = outgoing(request).map_err(classify)?;
            let mut answer = self.0.execute(request).await.map_err(classify)?;
            let mut whole = Response::new(Bytes::new());
            *whole.status_mut() = answer.status();
            *whole.headers_mut() = std::mem::take(answer.headers_mut());
            let announced = answer
                .content_length()
                .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
            if announced.is_some_and(|length| length > most) {
                return Err(WireError::TooLong);
            }
            // What comes in one piece is taken as it is; only more than one is put together.
            let mut body = answer.chunk().await.map_err(classify)?.unwrap_or_default();
            if body.len() > most {
                return Err(WireError::TooLong);
            }
            if let Some(second) = answer.chunk().await.map_err(classify)? {
                let mut all = BytesMut::with_capacity(announced.unwrap_or(2 * body.len()));
                all.extend_from_slice(&body);
                let mut next = Some(second);
                while let Some(chunk) = next {
                    if all.len() + chunk.len() > most {
                        return Err(WireError::TooLong);
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

    fn open(&self, request: Request<Bytes>) -> WireHead<'_> {
        Box::pin(async move {
            let request = outgoing(request).map_err(classify)?;
            let mut answer = self.0.execute(request).await.map_err(classify)?;
            let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
            let body: WireBody = Box::pin(answer.bytes_stream().map_err(classify));
            let mut response = Response::new(body);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        })
    }
}

/// The URL is taken out of the cause: the error says what was asked, and says it without the query.
fn classify(error: reqwest::Error) -> WireError {
    let error = error.without_url();
    if error.is_connect() && error.is_timeout() {
        WireError::ConnectTimeout(error.into())
    } else if error.is_connect() {
        WireError::Connect(error.into())
    } else if error.is_builder() {
        WireError::Unsendable(error.into())
    } else {
        WireError::Broken(error.into())
    }
}
