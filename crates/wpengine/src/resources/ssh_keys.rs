//! Public keys of the user, for the SSH gateway.

use wpengine_raw::types::CreateSshKeyRequest;

use super::{collection, handle};
use crate::{
    check,
    paging::{List, offset_list},
    request::operation,
    requests::Request,
    types::{SshKey, SshKeyId},
};

collection! {
    /// The SSH keys of the user of the credentials.
    SshKeys
}

impl SshKeys {
    /// Lists the keys.
    ///
    /// Operation `list_ssh_keys`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let keys = client.ssh_keys().list().collect().await?;
    /// # let _ = keys;
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<SshKey> {
        offset_list!(self, list_ssh_keys())
    }

    /// Adds a public key, in the format of a line of an `authorized_keys` file.
    ///
    /// Operation `create_ssh_key`. A private key is refused and not sent.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let key = client
    ///     .ssh_keys()
    ///     .create("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 joe@example.com")
    ///     .await?;
    /// client.ssh_key(key.uuid).delete().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, public_key: impl Into<String>) -> Request<SshKey> {
        let body = CreateSshKeyRequest {
            public_key: public_key.into(),
        };
        let check = check::text("public key", &body.public_key)
            .and_then(|()| check::public_key(&body.public_key));
        operation!(&self.client, check, create_ssh_key(&body))
    }
}

handle! {
    /// A handle to one SSH key of the user.
    SshKeyHandle of id: SshKeyId
}

impl SshKeyHandle {
    /// Deletes the key. The SSH gateway does not accept it any more.
    ///
    /// Operation `delete_ssh_key`. If the response is lost and the retry is refused with a 403, the client lists the
    /// keys. The call succeeds if the key is not in the list.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let mut keys = client.ssh_keys().list().items();
    /// while let Some(key) = keys.try_next().await? {
    ///     if key.comment.as_deref() == Some("old-laptop") {
    ///         client.ssh_key(key.uuid).delete().await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete(&self) -> Request<()> {
        let look = self.clone();
        operation!(self, delete_ssh_key(id)).recover(|error| async move {
            // The API documents no 404 for this operation: a retry for a deleted key gets a 403.
            if error.is_forbidden() && error.may_have_happened() {
                // Only a complete list of the keys shows that this one is gone.
                let keys = look.client.ssh_keys().list();
                if let Ok(None) = keys.find(|key| key.uuid == look.id).await {
                    return Ok(error.into_response());
                }
            }
            Err(error)
        })
    }
}
