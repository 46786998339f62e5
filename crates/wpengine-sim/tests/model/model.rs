//! The expected state, in plain maps, and how it changes over time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::api::Api;
use crate::step::{Environment, Pick};

pub(crate) type Id = String;

/// An id that no resource has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

const PROVISIONING: i64 = 240;
const BACKUP_WAITS: i64 = 5;
const BACKUP_TAKES: i64 = 180;
const DNS_TAKES: i64 = 120;
const RESTORE_TAKES: i64 = 300;
const TRANSFER_WAITS: i64 = 30;
const TRANSFER_TAKES: i64 = 300;

#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) name: String,
    pub(crate) account: Id,
}

#[derive(Debug)]
pub(crate) struct Install {
    pub(crate) name: String,
    pub(crate) account: Id,
    pub(crate) site: Option<Id>,
    pub(crate) environment: Option<Environment>,
    pub(crate) created: i64,
    pub(crate) content: Content,
}

/// Stands for the files and the database of an install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) files: String,
    pub(crate) database: String,
}

#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) install: Id,
    pub(crate) name: String,
    pub(crate) primary: bool,
    pub(crate) redirect: Option<Id>,
    pub(crate) secure: bool,
    pub(crate) created: i64,
    pub(crate) verification_asked: Option<i64>,
    /// Whether this is the domain that the platform creates with the install. It is always verified and cannot be
    /// removed.
    pub(crate) is_platforms: bool,
}

#[derive(Debug)]
pub(crate) struct Backup {
    pub(crate) install: Id,
    pub(crate) created: i64,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) struct Restore {
    pub(crate) install: Id,
    pub(crate) end: i64,
    pub(crate) content: Content,
    pub(crate) database: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) email: String,
    pub(crate) roles: &'static str,
    pub(crate) installs: BTreeSet<Id>,
}

#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) site: Id,
    pub(crate) origin: Id,
    pub(crate) destination: Id,
    pub(crate) created: i64,
    pub(crate) scheduled: Option<i64>,
    pub(crate) is_cancelled: bool,
    pub(crate) is_finished: bool,
    pub(crate) has_failed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Seconds since the start.
    pub(crate) now: i64,
    /// The user who sends the requests, an owner of every account.
    pub(crate) me: Id,
    pub(crate) accounts: Vec<Id>,
    pub(crate) people: BTreeMap<(Id, Id), Member>,
    pub(crate) sites: BTreeMap<Id, Site>,
    pub(crate) installs: BTreeMap<Id, Install>,
    pub(crate) domains: BTreeMap<Id, Domain>,
    pub(crate) backups: BTreeMap<Id, Backup>,
    pub(crate) restores: Vec<Restore>,
    pub(crate) keys: BTreeMap<Id, u8>,
    pub(crate) transfers: BTreeMap<Id, Transfer>,
    /// The ids of all resources that were ever created, in the order of creation. Domains and backups have the id of
    /// their install too.
    pub(crate) ever: Ever,
}

#[derive(Debug, Default)]
pub(crate) struct Ever {
    pub(crate) sites: Vec<Id>,
    pub(crate) installs: Vec<Id>,
    pub(crate) domains: Vec<(Id, Id)>,
    pub(crate) backups: Vec<(Id, Id)>,
    pub(crate) users: Vec<Id>,
    pub(crate) keys: Vec<Id>,
    pub(crate) transfers: Vec<(Id, Id)>,
}

/// Picks one of the ids, or sometimes an id that never existed.
pub(crate) fn pick(ids: &[Id], pick: Pick) -> Id {
    let index = pick % (ids.len() + 1);
    ids.get(index).cloned().unwrap_or_else(|| NOBODY.to_owned())
}

/// Does the same for resources that belong to another resource.
pub(crate) fn pick_pair(ids: &[(Id, Id)], pick: Pick) -> (Id, Id) {
    let index = pick % (ids.len() + 1);
    let nobody = || (NOBODY.to_owned(), NOBODY.to_owned());
    ids.get(index).cloned().unwrap_or_else(nobody)
}

impl Model {
    /// Creates a model of the accounts and users that the simulator starts with. There are no other resources.
    pub(crate) fn new(api: &Api) -> Self {
        let mut model = Self::default();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        model.me = text(&api.get("/user").1["id"]);
        for account in api.get("/accounts").1["results"].as_array().unwrap() {
            let id = text(&account["id"]);
            let people = api.get(&format!("/accounts/{id}/account_users")).1;
            for person in people["results"].as_array().unwrap() {
                let roles = [
                    "owner",
                    "full",
                    "full,billing",
                    "partial",
                    "partial,billing",
                ];
                let member = Member {
                    email: text(&person["email"]),
                    roles: roles.into_iter().find(|it| person["roles"] == *it).unwrap(),
                    installs: BTreeSet::new(),
                };
                let user = text(&person["user_id"]);
                model.ever.users.push(user.clone());
                model.people.insert((id.clone(), user), member);
            }
            model.accounts.push(id);
        }
        model
    }

    /// Advances the time and completes the work that ends by then, in the order of the end times.
    pub(crate) fn advance(&mut self, seconds: i64) {
        self.now += seconds;
        self.restores.sort_by_key(|restore| restore.end);
        while self.restores.first().is_some_and(|it| it.end <= self.now) {
            let restore = self.restores.remove(0);
            if let Some(install) = self.installs.get_mut(&restore.install) {
                install.content.files = restore.content.files;
                if restore.database {
                    install.content.database = restore.content.database;
                }
            }
        }
        // A site has only one transfer at a time, so the order of transfers does not matter.
        let ended = self.transfers.values_mut().filter(|transfer| {
            !transfer.is_cancelled && !transfer.is_finished && transfer.ends() <= self.now
        });
        let mut moves = Vec::new();
        for transfer in ended {
            transfer.is_finished = true;
            transfer.has_failed = !self.sites.contains_key(&transfer.site);
            moves.push((transfer.site.clone(), transfer.destination.clone()));
        }
        for (site, destination) in moves {
            self.move_site(&site, destination);
        }
    }

    fn move_site(&mut self, id: &str, destination: Id) {
        let Some(site) = self.sites.get_mut(id) else {
            return;
        };
        let origin = std::mem::replace(&mut site.account, destination.clone());
        for (install_id, install) in &mut self.installs {
            if install.site.as_deref() == Some(id) {
                install.account.clone_from(&destination);
                let people = self.people.iter_mut();
                for (_, member) in people.filter(|((account, _), _)| *account == origin) {
                    member.installs.remove(install_id);
                }
            }
        }
    }

    pub(crate) fn remove_install(&mut self, id: &str) {
        self.installs.remove(id);
        self.domains.retain(|_, domain| domain.install != id);
        self.backups.retain(|_, backup| backup.install != id);
        for member in self.people.values_mut() {
            member.installs.remove(id);
        }
    }

    pub(crate) fn installs_of_site(&self, site: &str) -> BTreeSet<Id> {
        let of_site = |install: &Install| install.site.as_deref() == Some(site);
        let found = self.installs.iter().filter(|(_, it)| of_site(it));
        found.map(|(id, _)| id.clone()).collect()
    }

    /// Returns the environments of a site that are already in use.
    pub(crate) fn slots(&self, site: &str) -> BTreeSet<Environment> {
        let installs = self.installs_of_site(site);
        let environments = installs.iter().map(|id| self.installs[id].environment);
        environments.flatten().collect()
    }

    pub(crate) fn is_active(&self, install: &Install) -> bool {
        self.now - install.created >= PROVISIONING
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.installs.values().any(|install| install.name == name)
    }

    pub(crate) fn primary_of(&self, install: &str) -> Option<&Domain> {
        let mut domains = self.domains.values();
        domains.find(|domain| domain.install == install && domain.primary)
    }

    /// Returns the number of installs that have a domain.
    pub(crate) fn installs_with(&self, name: &str) -> usize {
        let domains = self.domains.values();
        domains.filter(|domain| domain.name == name).count()
    }

    pub(crate) fn is_verified(&self, domain: &Domain) -> bool {
        let visible = domain.created + DNS_TAKES;
        domain.is_platforms
            || domain
                .verification_asked
                .is_some_and(|asked| asked.max(visible) <= self.now)
    }

    pub(crate) fn backup_status(&self, backup: &Backup) -> &'static str {
        match self.now - backup.created {
            age if age < BACKUP_WAITS => "requested",
            age if age < BACKUP_TAKES => "in_progress",
            _ => "completed",
        }
    }

    pub(crate) fn restore(&mut self, install: Id, content: Content, database: bool) {
        let end = self.now + RESTORE_TAKES;
        self.restores.push(Restore {
            install,
            end,
            content,
            database,
        });
    }

    pub(crate) fn is_last_owner(&self, account: &str, user: &str) -> bool {
        let people = self.people.iter();
        let mut owners = people.filter(|((of, _), it)| of == account && it.roles == "owner");
        owners.next().is_some_and(|((_, id), _)| id == user) && owners.next().is_none()
    }
}

impl Transfer {
    fn starts(&self) -> i64 {
        self.scheduled.unwrap_or(self.created + TRANSFER_WAITS)
    }

    fn ends(&self) -> i64 {
        self.starts() + TRANSFER_TAKES
    }

    pub(crate) fn status(&self, now: i64) -> &'static str {
        match () {
            () if self.is_cancelled => "cancelled",
            () if now < self.starts() && self.scheduled.is_some() => "scheduled",
            () if now < self.starts() => "pending",
            () if now < self.ends() => "in_progress",
            () if self.has_failed => "failed",
            () => "completed",
        }
    }
}
