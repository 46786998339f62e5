//! Who can sign in: additional users, the bearer token, and the accounts that the API can access.

use std::fmt;
use std::sync::PoisonError;

use serde::Serialize;

use crate::role::Role;
use crate::shared::Shared;
use crate::simulator::Simulator;
use crate::state::{Login, LoginSecret, MAIN_USER};
use crate::world::FurtherUser;

/// A user or a token that can sign in. It does not contain the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SignIn {
    /// The API user id; `None` if this is the bearer token.
    pub user: Option<String>,
    /// The id of the user.
    pub user_id: String,
    /// Its access to each account.
    pub memberships: Vec<Membership>,
}

/// The access of a user to one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Membership {
    /// The account.
    pub account_id: String,
    /// Whether the API can access the account.
    pub api_access: bool,
    /// `owner`, `full` or `partial`, with `,billing` added if the user has it.
    pub role: String,
    /// The installs of a partial user.
    pub installs: Vec<String>,
}

/// Why a user could not be added.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserError {
    /// Another user has that name.
    NameTaken,
    /// HTTP Basic cannot carry the name: it is empty or contains a colon.
    BadName,
    /// There is no such account.
    NoAccount,
    /// There is no such install in the account.
    NoInstall(String),
}

impl fmt::Display for UserError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTaken => formatter.write_str("somebody signs in with that name already"),
            Self::BadName => formatter.write_str("a user's name is not empty and has no colon"),
            Self::NoAccount => formatter.write_str("there is no such account"),
            Self::NoInstall(id) => write!(formatter, "the account has no install {id:?}"),
        }
    }
}

impl std::error::Error for UserError {}

impl Simulator {
    /// Who can sign in.
    #[must_use]
    pub fn users(&self) -> Vec<SignIn> {
        self.shared.sign_ins()
    }

    /// Adds a user who can sign in, like [`SimulatorBuilder::user`](crate::SimulatorBuilder::user).
    ///
    /// # Errors
    ///
    /// If the name is taken or invalid, or if there is no such account or install.
    pub fn add_user(
        &self,
        user: impl Into<String>,
        password: impl Into<String>,
        account_id: impl Into<String>,
        role: Role,
    ) -> Result<(), UserError> {
        let (user, password) = (user.into(), password.into());
        self.shared
            .add_sign_in(user, password, account_id.into(), role)
    }

    /// Removes an additional user. Returns false if there is none with that name. The main user cannot be removed.
    pub fn remove_user(&self, user: &str) -> bool {
        self.shared.remove_sign_in(user)
    }

    /// Sets the bearer token of the main user, or removes it.
    pub fn set_bearer_token(&self, token: Option<String>) {
        self.shared.set_bearer_token(token);
    }

    /// Enables or disables API access for an account. Returns false if there is no such account.
    pub fn set_api_access(&self, account_id: &str, on: bool) -> bool {
        self.shared.set_api_access(account_id, on)
    }
}

impl Shared {
    pub(crate) fn sign_ins(&self) -> Vec<SignIn> {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let memberships = |user_id: &str| {
            let accounts = world.accounts.values();
            let each = accounts.filter_map(|account| {
                let member = account.users.get(user_id)?;
                Some(Membership {
                    account_id: account.id.clone(),
                    api_access: account.api_access,
                    role: member.roles.to_string(),
                    installs: member.install_ids.clone(),
                })
            });
            each.collect()
        };
        let logins = world.logins.iter().map(|login| SignIn {
            user: name(login).map(str::to_owned),
            user_id: login.user_id.clone(),
            memberships: memberships(&login.user_id),
        });
        logins.collect()
    }

    pub(crate) fn add_sign_in(
        &self,
        user: String,
        password: String,
        account_id: String,
        role: Role,
    ) -> Result<(), UserError> {
        if user.is_empty() || user.contains(':') {
            return Err(UserError::BadName);
        }
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        if world
            .logins
            .iter()
            .any(|login| name(login) == Some(user.as_str()))
        {
            return Err(UserError::NameTaken);
        }
        if !world.accounts.contains_key(&account_id) {
            return Err(UserError::NoAccount);
        }
        for id in role.install_ids() {
            let install = world.installs.get(&id);
            if install.is_none_or(|install| install.account_id != account_id) {
                return Err(UserError::NoInstall(id));
            }
        }
        let further = FurtherUser {
            user,
            password,
            account_id,
            role,
        };
        further.add(&mut world);
        self.changed.notify_one();
        Ok(())
    }

    pub(crate) fn remove_sign_in(&self, user: &str) -> bool {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |login: &Login| name(login) == Some(user) && login.user_id != MAIN_USER;
        let Some(index) = world.logins.iter().position(is_it) else {
            return false;
        };
        let id = world.logins.remove(index).user_id;
        world.users.shift_remove(&id);
        for account in world.accounts.values_mut() {
            account.users.shift_remove(&id);
        }
        self.changed.notify_one();
        true
    }

    pub(crate) fn set_bearer_token(&self, token: Option<String>) {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world
            .logins
            .retain(|login| !matches!(login.secret, LoginSecret::Bearer(_)));
        world.logins.extend(token.map(|token| Login {
            secret: LoginSecret::Bearer(token),
            user_id: MAIN_USER.to_owned(),
        }));
    }

    pub(crate) fn set_api_access(&self, account_id: &str, on: bool) -> bool {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(account) = world.accounts.get_mut(account_id) else {
            return false;
        };
        account.api_access = on;
        self.changed.notify_one();
        true
    }
}

/// The name with which a login signs in.
fn name(login: &Login) -> Option<&str> {
    match &login.secret {
        LoginSecret::Basic { name, .. } => Some(name),
        LoginSecret::Bearer(_) => None,
    }
}
