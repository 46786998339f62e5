//! Users and their credentials.

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize, Serializer};

use super::SshKey;

/// A user with access to the API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) phone_number: Option<String>,
    pub(crate) ssh_keys: IndexMap<String, SshKey>,
}

/// Id of the main user, in every world: the id of `GET /user` in the documentation.
pub(crate) const MAIN_USER: &str = "fd8e24a5-1f16-4b80-af5f-d748bcc9e64d";

/// Credentials of a user.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) secret: LoginSecret,
    pub(crate) user_id: String,
}

/// The value that is compared with the `Authorization` header.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoginSecret {
    Basic { name: String, password: String },
    Bearer(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.secret {
            LoginSecret::Basic { .. } => "Basic",
            LoginSecret::Bearer(_) => "Bearer",
        };
        write!(formatter, "Login({kind} of {})", self.user_id)
    }
}

/// Serializes the logins without those of the main user, because the simulator that restores the snapshot has its own.
pub(super) fn without_main<S: Serializer>(
    logins: &[Login],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(logins.iter().filter(|login| login.user_id != MAIN_USER))
}
