//! The socket: HTTP in, [`dispatch`](crate::dispatch), HTTP out.
//!
//! Connections use hyper directly, because faults need more than a web framework offers: they leave a request
//! unanswered and reset the TCP connection.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Either, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::control_server;
use crate::delivery::{Delivery, Trouble, first_part};
use crate::dispatch;
use crate::gateway::{self, MAX_BODY};
use crate::shared::Shared;

/// The pause after a connection could not be accepted, for example because there are no file descriptors left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The timeout for the head of a request, and for its body.
const HALF_A_REQUEST: Duration = Duration::from_secs(30);

/// A task that listens. Dropping it stops the task and its connections.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on the address. Port 0 takes a free port.
    pub(crate) async fn start(shared: Arc<Shared>, listen: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let is_exposed = !address.ip().is_loopback();
        shared.is_exposed.store(is_exposed, Ordering::Relaxed);
        let task = tokio::spawn(accept(listener, shared));
        Ok(Self { address, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                connections.spawn(serve(stream, peer, Arc::clone(&shared)));
            }
            Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    // Small answers are sent at once instead of waiting for more data.
    let _ = stream.set_nodelay(true);
    if let Some(stream) = talk(stream, peer, shared).await {
        // Makes the kernel close the connection with a reset.
        let _ = stream.set_zero_linger();
    }
}

/// Answers the requests of one connection. Returns the stream if it is to be reset.
async fn talk<S>(stream: S, peer: SocketAddr, shared: Arc<Shared>) -> Option<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let broken = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request| {
        let (shared, broken) = (Arc::clone(&shared), Arc::clone(&broken));
        async move { answer(shared, request, peer, broken).await }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HALF_A_REQUEST)
        .serve_connection(TokioIo::new(stream), service);
    // An error comes from the client or from a fault, so it is ignored.
    let _ = (&mut connection).await;
    let is_broken = broken.load(Ordering::Relaxed);
    is_broken.then(|| connection.into_parts().io.into_inner())
}

/// The error that makes hyper drop the connection, so that it is reset.
type Reset = io::Error;

fn reset(broken: &AtomicBool) -> Reset {
    broken.store(true, Ordering::Relaxed);
    io::ErrorKind::ConnectionReset.into()
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
    peer: SocketAddr,
    broken: Arc<AtomicBool>,
) -> Result<Response<Either<Full<Bytes>, Halves>>, Reset> {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(peer.ip());
    let limit = control_server::body_limit(&parts).unwrap_or(MAX_BODY);
    // A body that is too long becomes one byte longer than the limit, so that dispatching refuses it.
    let body = match timeout(HALF_A_REQUEST, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Bytes::from(vec![0; limit + 1]),
        Ok(Err(_)) => return Ok(refused(StatusCode::BAD_REQUEST, "Bad Request")),
        Err(_) => return Ok(refused(StatusCode::REQUEST_TIMEOUT, "Request Timeout")),
    };
    match dispatch::answer(&shared, &Request::from_parts(parts, body)).await {
        Delivery::Whole(response) => Ok(response.map(|body| Either::Left(Full::new(body)))),
        Delivery::Reset => Err(reset(&broken)),
        Delivery::Broken(response, trouble) => Ok(response.map(|body| {
            let first = first_part(&body);
            let second = body.slice(first.len()..);
            Either::Right(Halves {
                first: Some(first),
                then: Some(Box::pin(between(trouble, second, broken, shared))),
            })
        })),
    }
}

/// The answer to an invalid request.
fn refused(status: StatusCode, message: &str) -> Response<Either<Full<Bytes>, Halves>> {
    let mut response = gateway::error(status, message);
    // The rest of the request may still arrive, so the connection cannot be reused.
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response.map(|body| Either::Left(Full::new(body)))
}

/// The second half of a body, after the problem.
async fn between(
    trouble: Trouble,
    second: Bytes,
    broken: Arc<AtomicBool>,
    shared: Arc<Shared>,
) -> Result<Bytes, Reset> {
    match trouble {
        Trouble::Pause(pause) => {
            pause.wait(&shared.clock).await;
            Ok(second)
        }
        Trouble::Hang => std::future::pending().await,
        Trouble::Reset => {
            // Yields once, so that the first half is sent before the reset.
            tokio::task::yield_now().await;
            Err(reset(&broken))
        }
    }
}

type Second = Pin<Box<dyn Future<Output = Result<Bytes, Reset>> + Send>>;

/// A body with a problem in the middle.
struct Halves {
    first: Option<Bytes>,
    then: Option<Second>,
}

impl Body for Halves {
    type Data = Bytes;
    type Error = Reset;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Reset>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let Some(then) = &mut self.then else {
            return Poll::Ready(None);
        };
        let second = std::task::ready!(then.as_mut().poll(context));
        self.then = None;
        Poll::Ready(Some(second.map(Frame::data)))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::Instant;

    use super::*;
    use crate::clock::{Clock, ClockMode};
    use crate::limits::RateLimits;
    use crate::world::{Plan, Population};

    #[tokio::test(start_paused = true)]
    async fn half_a_request_is_not_waited_for_without_end() {
        let plan = Plan {
            population: Population::Documentation,
            user: "u".to_owned(),
            password: "p".to_owned(),
            users: Vec::new(),
            bearer_token: None,
            closed_accounts: Vec::new(),
            limits: RateLimits::none(),
        };
        let clock = Clock::new(ClockMode::Manual, None);
        let shared = Arc::new(Shared::new(0, clock, plan, true));
        for (half, end) in [
            ("POST /v1/si", ""),
            (
                "POST /v1/sites HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
                "HTTP/1.1 408",
            ),
        ] {
            let (mut client, server) = duplex(1_024);
            let peer = SocketAddr::from(([127, 0, 0, 1], 1));
            let talking = tokio::spawn(talk(server, peer, Arc::clone(&shared)));
            client.write_all(half.as_bytes()).await.unwrap();
            let started = Instant::now();
            let mut answer = String::new();
            let read = timeout(2 * HALF_A_REQUEST, client.read_to_string(&mut answer)).await;
            read.expect("the connection ends").unwrap();
            assert!(answer.starts_with(end), "{answer}");
            assert!(started.elapsed() >= HALF_A_REQUEST);
            assert!(talking.await.unwrap().is_none());
        }
    }
}
