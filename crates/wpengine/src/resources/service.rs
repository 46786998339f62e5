//! The service itself, and the user who asks.

use crate::{
    Client,
    docs::example,
    requests::Request,
    types::{FreeForm, Status, User},
};

impl Client {
    /// Asks whether the API is up. Needs no credentials, and sends none.
    ///
    /// Operation `get_status`.
    ///
    #[doc = example!("let status = client.status().await?;
assert!(status.success);")]
    pub fn status(&self) -> Request<Status> {
        Request::new(self, "get_status", Ok(()), |raw| async move {
            raw.get_status().await
        })
    }

    /// Asks for the service's own description of itself, a Swagger 2.0 document. Needs no credentials, and sends none.
    ///
    /// Operation `get_swagger`.
    ///
    #[doc = example!("let description = client.swagger().await?;
println!(\"{} bytes\", description.to_json().len());")]
    pub fn swagger(&self) -> Request<FreeForm> {
        Request::new(self, "get_swagger", Ok(()), |raw| async move {
            raw.get_swagger().await
        })
    }

    /// Asks for the user to whom the credentials belong.
    ///
    /// Operation `get_current_user`.
    ///
    #[doc = example!("let user = client.current_user().await?;
println!(\"{}\", user.email);")]
    pub fn current_user(&self) -> Request<User> {
        Request::new(self, "get_current_user", Ok(()), |raw| async move {
            raw.get_current_user().await
        })
    }
}
