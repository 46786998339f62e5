//! The socket: HTTP in, [`dispatch`](crate::dispatch), HTTP out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::dispatch;
use crate::gateway::MAX_BODY;
use crate::shared::Shared;

/// A task that listens, until this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on the address; port 0 takes a free one.
    pub(crate) async fn start(shared: Arc<Shared>, listen: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        // Small answers go out at once instead of waiting for more to send.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        // One fallback and no routes: the document has the routes.
        let router = Router::new().fallback(answer).with_state(shared);
        let task = tokio::spawn(async move {
            // It ends only with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // One byte more than is allowed, so that dispatching sees that it is too much and refuses it.
    let body = match to_bytes(body, MAX_BODY).await {
        Ok(body) => body,
        Err(_) => Bytes::from(vec![0; MAX_BODY + 1]),
    };
    dispatch::answer(&shared, &Request::from_parts(parts, body)).map(Body::from)
}
