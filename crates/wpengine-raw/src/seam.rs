//! The interface between the generated client and the network: every request goes through an [`Exec`].

use std::{fmt::Debug, future::Future, pin::Pin, sync::Arc};

use progenitor_client::{ClientHooks, OperationInfo};

use crate::Client;

/// The future of a response.
pub type ExecFuture<'a> =
    Pin<Box<dyn Future<Output = reqwest::Result<reqwest::Response>> + Send + 'a>>;

/// Sends the requests of the generated client.
pub trait Exec: Debug + Send + Sync {
    /// Sends one request of the operation with this id.
    fn exec<'a>(
        &'a self,
        client: &'a reqwest::Client,
        request: reqwest::Request,
        operation_id: &'static str,
    ) -> ExecFuture<'a>;
}

/// The transport of a [`Client`].
pub type Transport = Arc<dyn Exec>;

/// Sends requests unchanged, without credentials, retries or rate limits.
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
        // Progenitor adds this header, but the API does not define it.
        request.headers_mut().remove("api-version");
        self.inner
            .exec(&self.client, request, info.operation_id)
            .await
    }
}
