//! The seam: every request of the generated client goes through one [`Exec`], whoever implements it.

use std::{fmt::Debug, future::Future, pin::Pin, sync::Arc};

use progenitor_client::{ClientHooks, OperationInfo};

use crate::Client;

/// The answer to a request that is on its way.
pub type ExecFuture<'a> =
    Pin<Box<dyn Future<Output = reqwest::Result<reqwest::Response>> + Send + 'a>>;

/// Sends the requests of the generated client.
pub trait Exec: Debug + Send + Sync {
    /// Sends one request of the operation with the given id.
    fn exec<'a>(
        &'a self,
        client: &'a reqwest::Client,
        request: reqwest::Request,
        operation_id: &'static str,
    ) -> ExecFuture<'a>;
}

/// What a [`Client`] holds to send its requests with.
pub type Transport = Arc<dyn Exec>;

/// Sends requests as they are, without credentials, retries or limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Exec for Plain {
    fn exec<'a>(
        &'a self,
        client: &'a reqwest::Client,
        request: reqwest::Request,
        _operation_id: &'static str,
    ) -> ExecFuture<'a> {
        Box::pin(client.execute(request))
    }
}

impl ClientHooks<Transport> for Client {
    async fn exec(
        &self,
        mut request: reqwest::Request,
        info: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        // Progenitor adds a header that the service never asked for.
        request.headers_mut().remove("api-version");
        self.inner
            .exec(&self.client, request, info.operation_id)
            .await
    }
}
