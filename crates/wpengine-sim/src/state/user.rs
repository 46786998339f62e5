//! People, and how they sign in.

use std::fmt;

use indexmap::IndexMap;

use super::SshKey;

/// A person with access to the API.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) phone_number: Option<String>,
    pub(crate) ssh_keys: IndexMap<String, SshKey>,
}

/// Credentials of a person.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) secret: LoginSecret,
    pub(crate) user_id: String,
}

/// What is compared with the `Authorization` header.
#[derive(Clone, PartialEq, Eq)]
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
