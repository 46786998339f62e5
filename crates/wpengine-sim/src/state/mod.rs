//! The state of the simulated platform.
//!
//! Resources refer to each other by id. Redundant data (a site and its installs, a name and its owner) is changed only
//! through the methods of [`World`], which keep it consistent.

mod account;
mod archive;
mod backup;
mod certificate;
mod domain;
mod due;
mod install;
mod report;
mod roles;
mod site;
mod site_report;
pub(crate) mod ssh_key;
mod storage;
mod time;
mod transfer;
mod user;

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::random::Random;

pub(crate) use account::{Account, AccountUser, Limits};
pub(crate) use archive::Archive;
pub(crate) use backup::Backup;
pub(crate) use certificate::{Certificate, PrivateKey, Source};
pub(crate) use domain::{Domain, TXT_KEY, is_domain_name};
pub(crate) use due::{Agenda, Work};
pub(crate) use install::{Content, Environment, Install, Network};
pub(crate) use report::Report;
pub(crate) use roles::{Level, Roles};
pub(crate) use site::Site;
pub(crate) use site_report::{Frequency, Recipient, Schedule, SiteReport};
pub(crate) use ssh_key::SshKey;
pub(crate) use storage::StorageRefreshes;
pub(crate) use time::Time;
pub(crate) use transfer::{AccountName, Transfer};
pub(crate) use user::{Login, LoginSecret, MAIN_USER, User};

/// The whole state.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) random: Random,
    #[serde(serialize_with = "user::without_main")]
    pub(crate) logins: Vec<Login>,
    pub(crate) users: IndexMap<String, User>,
    pub(crate) accounts: IndexMap<String, Account>,
    pub(crate) sites: IndexMap<String, Site>,
    pub(crate) installs: IndexMap<String, Install>,
    /// The names of all installs, which are unique on the whole platform.
    #[serde(skip)]
    install_names: HashSet<String>,
    /// The number of installs that have a domain of this name.
    #[serde(skip)]
    domain_names: HashMap<String, usize>,
    pub(crate) transfers: IndexMap<String, Transfer>,
    pub(crate) agenda: Agenda,
    /// Whether the two rate limits by install are enabled.
    #[serde(skip)]
    pub(crate) install_limits: bool,
    next_certificate: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            random: Random::new(seed),
            logins: Vec::new(),
            users: IndexMap::new(),
            accounts: IndexMap::new(),
            sites: IndexMap::new(),
            installs: IndexMap::new(),
            install_names: HashSet::new(),
            domain_names: HashMap::new(),
            transfers: IndexMap::new(),
            agenda: Agenda::default(),
            install_limits: false,
            next_certificate: 123_455,
        }
    }

    /// The user's membership of an account, if the API can access the account.
    pub(crate) fn member(&self, user_id: &str, account_id: &str) -> Option<&AccountUser> {
        self.accounts
            .get(account_id)
            .filter(|account| account.api_access)?
            .users
            .get(user_id)
    }

    /// An account, if the user can see it.
    pub(crate) fn account(&self, user_id: &str, id: &str) -> Option<&Account> {
        self.member(user_id, id)?;
        self.accounts.get(id)
    }

    /// An install, if the user can see it.
    pub(crate) fn install(&self, user_id: &str, id: &str) -> Option<&Install> {
        self.installs
            .get(id)
            .filter(|install| self.sees_install(user_id, install))
    }

    /// A site, if the user can see it.
    pub(crate) fn site(&self, user_id: &str, id: &str) -> Option<&Site> {
        self.sites
            .get(id)
            .filter(|site| self.sees_site(user_id, site))
    }

    pub(crate) fn sees_install(&self, user_id: &str, install: &Install) -> bool {
        self.member(user_id, &install.account_id)
            .is_some_and(|member| member.reaches(&install.id))
    }

    /// Whether the user can access everything. Long lists are faster then, because not every item is checked.
    pub(crate) fn sees_everything(&self, user_id: &str) -> bool {
        self.accounts.values().all(|account| {
            let member = account.users.get(user_id).filter(|_| account.api_access);
            member.is_some_and(|member| member.roles.level != Level::Partial)
        })
    }

    /// A partial user sees a site if it can access at least one of its installs.
    pub(crate) fn sees_site(&self, user_id: &str, site: &Site) -> bool {
        self.member(user_id, &site.account_id)
            .is_some_and(|member| {
                member.roles.level != Level::Partial
                    || site.installs.iter().any(|install| member.reaches(install))
            })
    }

    /// Fills in the fields that a snapshot does not contain, because they are computed from the others.
    pub(crate) fn index_names(&mut self) {
        self.install_names.clear();
        self.domain_names.clear();
        for install in self.installs.values() {
            self.install_names.insert(install.name.clone());
            for domain in install.domains.values() {
                *self.domain_names.entry(domain.name.clone()).or_default() += 1;
            }
        }
    }

    pub(crate) fn is_install_name_free(&self, name: &str) -> bool {
        !self.install_names.contains(name)
    }

    pub(crate) fn add_install(&mut self, install: Install) {
        if let Some(site) = install
            .site_id
            .as_ref()
            .and_then(|id| self.sites.get_mut(id))
        {
            site.installs.push(install.id.clone());
        }
        self.install_names.insert(install.name.clone());
        for domain in install.domains.values() {
            *self.domain_names.entry(domain.name.clone()).or_default() += 1;
        }
        self.installs.insert(install.id.clone(), install);
    }

    pub(crate) fn remove_install(&mut self, id: &str) {
        let Some(install) = self.installs.shift_remove(id) else {
            return;
        };
        self.install_names.remove(&install.name);
        for domain in install.domains.values() {
            self.forget_domain_name(&domain.name);
        }
        if let Some(site) = install
            .site_id
            .as_ref()
            .and_then(|id| self.sites.get_mut(id))
        {
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
        let Some(install) = self.installs.get_mut(id) else {
            return;
        };
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
        let Some(site) = self.sites.get(id) else {
            return;
        };
        for install in site.installs.clone() {
            self.remove_install(&install);
        }
        self.sites.shift_remove(id);
    }

    /// Moves a site with its installs to another account. Partial users of the old account lose access to it.
    pub(crate) fn move_site(&mut self, id: &str, account_id: &str) {
        let Some(site) = self.sites.get_mut(id) else {
            return;
        };
        let old = std::mem::replace(&mut site.account_id, account_id.to_owned());
        for install_id in &site.installs {
            if let Some(install) = self.installs.get_mut(install_id) {
                account_id.clone_into(&mut install.account_id);
            }
        }
        if let Some(account) = self.accounts.get_mut(&old) {
            for user in account.users.values_mut() {
                user.install_ids
                    .retain(|install| !site.installs.contains(install));
            }
        }
    }

    pub(crate) fn add_domain(&mut self, install_id: &str, domain: Domain) {
        let Some(install) = self.installs.get_mut(install_id) else {
            return;
        };
        if domain.primary {
            install
                .domains
                .values_mut()
                .for_each(|other| other.primary = false);
        }
        *self.domain_names.entry(domain.name.clone()).or_default() += 1;
        install.domains.insert(domain.id.clone(), domain);
    }

    /// Removes a domain and the redirects to it.
    pub(crate) fn remove_domain(&mut self, install_id: &str, domain_id: &str) {
        let Some(install) = self.installs.get_mut(install_id) else {
            return;
        };
        let Some(domain) = install.domains.shift_remove(domain_id) else {
            return;
        };
        for other in install.domains.values_mut() {
            other.redirect_to = other
                .redirect_to
                .take()
                .filter(|target| target != domain_id);
        }
        self.forget_domain_name(&domain.name);
    }

    fn forget_domain_name(&mut self, name: &str) {
        if let Some(count) = self.domain_names.get_mut(name) {
            *count -= 1;
            if *count == 0 {
                self.domain_names.remove(name);
            }
        }
    }

    /// The number of installs that have this domain.
    pub(crate) fn installs_with_domain(&self, name: &str) -> usize {
        self.domain_names.get(name).copied().unwrap_or(0)
    }

    /// The id of the next certificate. Unlike other ids it is a number.
    pub(crate) fn next_certificate(&mut self) -> u64 {
        self.next_certificate += 1;
        self.next_certificate
    }
}
