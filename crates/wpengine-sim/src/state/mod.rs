//! What the simulated platform holds.
//!
//! Things refer to each other by id. What must stay in step (a site and its installs, a name and its owner) is changed
//! only through the methods of [`World`].

mod account;
mod backup;
mod install;
mod roles;
mod site;
mod time;
mod user;

use std::collections::HashMap;

use indexmap::IndexMap;
use jiff::Timestamp;

use crate::random::Random;

pub(crate) use account::{Account, AccountUser, Limits};
pub(crate) use backup::Backup;
pub(crate) use install::{Content, Environment, Install, Network};
pub(crate) use roles::{Level, Roles};
pub(crate) use site::Site;
pub(crate) use time::Time;
pub(crate) use user::{Login, LoginSecret, User};

/// Everything there is.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) logins: Vec<Login>,
    pub(crate) users: IndexMap<String, User>,
    pub(crate) accounts: IndexMap<String, Account>,
    pub(crate) sites: IndexMap<String, Site>,
    pub(crate) installs: IndexMap<String, Install>,
    /// Who has which install name; names are unique over the whole platform.
    install_names: HashMap<String, String>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            logins: Vec::new(),
            users: IndexMap::new(),
            accounts: IndexMap::new(),
            sites: IndexMap::new(),
            installs: IndexMap::new(),
            install_names: HashMap::new(),
        }
    }

    /// Does what has become due: called before each request, so that handlers see a world that is up to date.
    pub(crate) fn settle(&mut self, _now: Timestamp) {}

    /// What a user is in an account, if the account can be reached through the API.
    pub(crate) fn member(&self, user_id: &str, account_id: &str) -> Option<&AccountUser> {
        self.accounts.get(account_id).filter(|account| account.api_access)?.users.get(user_id)
    }

    /// An account, if the user can see it.
    pub(crate) fn account(&self, user_id: &str, id: &str) -> Option<&Account> {
        self.member(user_id, id)?;
        self.accounts.get(id)
    }

    /// An install, if the user can see it.
    pub(crate) fn install(&self, user_id: &str, id: &str) -> Option<&Install> {
        self.installs.get(id).filter(|install| self.sees_install(user_id, install))
    }

    /// A site, if the user can see it.
    pub(crate) fn site(&self, user_id: &str, id: &str) -> Option<&Site> {
        self.sites.get(id).filter(|site| self.sees_site(user_id, site))
    }

    pub(crate) fn sees_install(&self, user_id: &str, install: &Install) -> bool {
        self.member(user_id, &install.account_id).is_some_and(|member| member.reaches(&install.id))
    }

    /// A partial user sees a site when it can reach an install of it.
    pub(crate) fn sees_site(&self, user_id: &str, site: &Site) -> bool {
        self.member(user_id, &site.account_id).is_some_and(|member| {
            member.roles.level != Level::Partial || site.installs.iter().any(|install| member.reaches(install))
        })
    }

    pub(crate) fn is_install_name_free(&self, name: &str) -> bool {
        !self.install_names.contains_key(name)
    }

    pub(crate) fn add_install(&mut self, install: Install) {
        if let Some(site) = install.site_id.as_ref().and_then(|id| self.sites.get_mut(id)) {
            site.installs.push(install.id.clone());
        }
        self.install_names.insert(install.name.clone(), install.id.clone());
        self.installs.insert(install.id.clone(), install);
    }

    pub(crate) fn remove_install(&mut self, id: &str) {
        let Some(install) = self.installs.shift_remove(id) else { return };
        self.install_names.remove(&install.name);
        if let Some(site) = install.site_id.as_ref().and_then(|id| self.sites.get_mut(id)) {
            site.installs.retain(|other| other != id);
        }
        if let Some(account) = self.accounts.get_mut(&install.account_id) {
            for user in account.users.values_mut() {
                user.install_ids.retain(|other| other != id);
            }
        }
    }

    /// Moves an install to another site of its account.
    pub(crate) fn move_install(&mut self, id: &str, site_id: &str) {
        let Some(install) = self.installs.get_mut(id) else { return };
        let old = install.site_id.replace(site_id.to_owned());
        if let Some(site) = old.and_then(|id| self.sites.get_mut(&id)) {
            site.installs.retain(|other| other != id);
        }
        if let Some(site) = self.sites.get_mut(site_id) {
            site.installs.push(id.to_owned());
        }
    }

    /// Removes a site and every install in it.
    pub(crate) fn remove_site(&mut self, id: &str) {
        let Some(site) = self.sites.get(id) else { return };
        for install in site.installs.clone() {
            self.remove_install(&install);
        }
        self.sites.shift_remove(id);
    }
}
