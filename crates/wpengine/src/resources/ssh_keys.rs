//! Public keys of the user, for the SSH gateway.

use wpengine_raw::types::CreateSshKeyRequest;

use crate::{
    Client, check,
    paging::{List, by_offset},
    request::operation,
    requests::Request,
    types::{SshKey, SshKeyId},
};

/// The SSH keys of the user to whom the credentials belong.
#[derive(Clone, Debug)]
pub struct SshKeys {
    client: Client,
}

impl SshKeys {
    pub(crate) fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
        }
    }

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
        by_offset(
            &self.client,
            "list_ssh_keys",
            Ok(()),
            |raw, limit, offset| async move { raw.list_ssh_keys(limit, offset).await },
        )
    }

    /// Adds a public key, in the form of one line of an `authorized_keys` file.
    ///
    /// Operation `create_ssh_key`. A private key is refused before anything is sent.
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

/// One SSH key of the user.
#[derive(Clone, Debug)]
pub struct SshKeyHandle {
    client: Client,
    id: SshKeyId,
}

impl SshKeyHandle {
    pub(crate) fn new(client: &Client, id: SshKeyId) -> Self {
        Self {
            client: client.clone(),
            id,
        }
    }

    /// The id of this handle.
    #[must_use]
    pub fn id(&self) -> &SshKeyId {
        &self.id
    }

    /// Removes the key: it opens the gateway no longer.
    ///
    /// Operation `delete_ssh_key`. If its answer is lost and the repetition is refused, the keys are listed: one that is not
    /// among them is removed.
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
        let (id, look) = (self.id.clone(), self.clone());
        operation!(
            &self.client,
            check::id("SSH key", &self.id),
            delete_ssh_key(&id)
        )
        .recover(|error| async move {
            // For this operation the API documents no 404: a key that a lost attempt has removed is forbidden.
            if error.is_forbidden() && error.may_have_happened() && look.is_gone().await {
                return Ok(error.into_response());
            }
            Err(error)
        })
    }

    /// Whether the key is certainly not there.
    async fn is_gone(&self) -> bool {
        let mut keys = self.client.ssh_keys().list().items();
        loop {
            match keys.try_next().await {
                Ok(Some(key)) if key.uuid == self.id => return false,
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }
}
