//! The status of the service, its description, and the current user.

use crate::{
    Client,
    request::operation,
    requests::Request,
    types::{FreeForm, Status, User},
};

impl Client {
    /// Fetches the status of the API. It needs and sends no credentials.
    ///
    /// Operation `get_status`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let status = client.status().await?;
    /// assert!(status.success);
    /// # Ok(())
    /// # }
    /// ```
    pub fn status(&self) -> Request<Status> {
        operation!(self, Ok(()), get_status())
    }

    /// Fetches the service's own description of the API, a Swagger 2.0 document. It needs and sends no credentials.
    ///
    /// Operation `get_swagger`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let description = client.swagger().await?;
    /// println!("{} bytes", description.to_json().len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn swagger(&self) -> Request<FreeForm> {
        operation!(self, Ok(()), get_swagger())
    }

    /// Fetches the user of the credentials.
    ///
    /// Operation `get_current_user`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let user = client.current_user().await?;
    /// println!("{}", user.email);
    /// # Ok(())
    /// # }
    /// ```
    pub fn current_user(&self) -> Request<User> {
        operation!(self, Ok(()), get_current_user())
    }
}
