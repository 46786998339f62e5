//! The things of the world as tables, newest first.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::state::{Install, Source, World};

/// How many rows are shown.
const ROWS: usize = 50;

/// Something that there are many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Accounts,
    People,
    Sites,
    Installs,
    Domains,
    Backups,
    Archives,
    Certificates,
    Transfers,
    Keys,
    Events,
}

/// One table.
#[derive(Serialize)]
pub(super) struct List {
    kind: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
    /// Whether there are more than are shown.
    more: bool,
}

impl Kind {
    pub(super) const ALL: [Self; 11] = [
        Self::Accounts,
        Self::People,
        Self::Sites,
        Self::Installs,
        Self::Domains,
        Self::Backups,
        Self::Archives,
        Self::Certificates,
        Self::Transfers,
        Self::Keys,
        Self::Events,
    ];

    /// How the page's address names it.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::People => "account_users",
            Self::Sites => "sites",
            Self::Installs => "installs",
            Self::Domains => "domains",
            Self::Backups => "backups",
            Self::Archives => "archives",
            Self::Certificates => "certificates",
            Self::Transfers => "transfers",
            Self::Keys => "ssh_keys",
            Self::Events => "events",
        }
    }

    pub(super) fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }

    /// What a reader calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accounts => "Accounts",
            Self::People => "Account users",
            Self::Sites => "Sites",
            Self::Installs => "Installs",
            Self::Domains => "Domains",
            Self::Backups => "Backups",
            Self::Archives => "Archives",
            Self::Certificates => "Certificates",
            Self::Transfers => "Transfers",
            Self::Keys => "SSH keys",
            Self::Events => "Events",
        }
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Accounts => &["Name", "API access", "Users", "Id"],
            Self::People => &["Name", "Email", "Roles", "Account", "Id"],
            Self::Sites => &["Name", "Account", "Installs", "Tags", "Id"],
            Self::Installs => &[
                "Name",
                "Status",
                "Environment",
                "Primary domain",
                "PHP",
                "WordPress",
                "Id",
            ],
            Self::Domains => &[
                "Name",
                "Install",
                "Primary",
                "Ownership",
                "Redirects to",
                "Id",
            ],
            Self::Backups => &["Description", "Install", "Status", "Requested", "Id"],
            Self::Archives => &["Install", "Status", "Requested", "Backup", "Id"],
            Self::Certificates => &["Domains", "Install", "Status", "Issuer", "Expires", "Id"],
            Self::Transfers => &["Site", "Status", "From", "To", "Created", "Id"],
            Self::Keys => &["Comment", "Person", "Fingerprint", "Id"],
            Self::Events => &["Event", "Install", "At", "Details"],
        }
    }

    pub(super) fn count(self, world: &World) -> usize {
        let of_installs = |count: fn(&Install) -> usize| world.installs.values().map(count).sum();
        match self {
            Self::Accounts => world.accounts.len(),
            Self::People => world.accounts.values().map(|it| it.users.len()).sum(),
            Self::Sites => world.sites.len(),
            Self::Installs => world.installs.len(),
            Self::Domains => of_installs(|install| install.domains.len()),
            Self::Backups => of_installs(|install| install.backups.len()),
            Self::Archives => of_installs(|install| install.archives.len()),
            Self::Certificates => of_installs(|install| install.certificates.len()),
            Self::Transfers => world.transfers.len(),
            Self::Keys => world.users.values().map(|it| it.ssh_keys.len()).sum(),
            Self::Events => of_installs(|install| install.events.len()),
        }
    }

    /// The newest rows in which the text occurs.
    pub(super) fn list(self, world: &World, now: Timestamp, find: &str) -> List {
        let found = |row: &Vec<String>| {
            find.is_empty() || row.iter().any(|cell| cell.to_lowercase().contains(find))
        };
        let mut rows: Vec<_> = self.rows(world, now).filter(found).take(ROWS + 1).collect();
        let more = rows.len() > ROWS;
        rows.truncate(ROWS);
        List {
            kind: self.id(),
            columns: self.columns(),
            rows,
            more,
        }
    }

    fn rows<'a>(
        self,
        world: &'a World,
        now: Timestamp,
    ) -> Box<dyn Iterator<Item = Vec<String>> + 'a> {
        match self {
            Self::Accounts => Box::new(world.accounts.values().rev().map(|account| {
                vec![
                    account.name.clone(),
                    if account.api_access { "on" } else { "off" }.to_owned(),
                    account.users.len().to_string(),
                    account.id.clone(),
                ]
            })),
            Self::People => Box::new(world.accounts.values().rev().flat_map(|account| {
                account.users.values().rev().map(|user| {
                    vec![
                        format!("{} {}", user.first_name, user.last_name),
                        user.email.clone(),
                        user.roles.to_string(),
                        account.name.clone(),
                        user.user_id.clone(),
                    ]
                })
            })),
            Self::Sites => Box::new(world.sites.values().rev().map(|site| {
                let installs = site.installs.iter().filter_map(|id| world.installs.get(id));
                let names: Vec<_> = installs.map(|install| install.name.as_str()).collect();
                vec![
                    site.name.clone(),
                    account_name(world, &site.account_id),
                    names.join(", "),
                    site.tags.join(", "),
                    site.id.clone(),
                ]
            })),
            Self::Installs => Box::new(world.installs.values().rev().map(move |install| {
                let is_active = install.is_active(now);
                vec![
                    install.name.clone(),
                    if is_active { "active" } else { "pending" }.to_owned(),
                    environment(install),
                    install.primary_domain().unwrap_or_default().to_owned(),
                    install.php_version.clone(),
                    install.content.wp_version.clone(),
                    install.id.clone(),
                ]
            })),
            Self::Domains => Box::new(each(world, |it| it.domains.values().rev()).map(
                move |(install, domain)| {
                    let target = domain.redirect_to.as_ref();
                    let target = target.and_then(|id| install.domains.get(id));
                    let is_verified = domain.verified_at(now).is_some();
                    vec![
                        domain.name.clone(),
                        install.name.clone(),
                        if domain.primary { "primary" } else { "" }.to_owned(),
                        if is_verified { "verified" } else { "pending" }.to_owned(),
                        target.map(|it| it.name.clone()).unwrap_or_default(),
                        domain.id.clone(),
                    ]
                },
            )),
            Self::Backups => {
                let mut all: Vec<_> = each(world, |it| it.backups.values()).collect();
                all.sort_by_key(|(_, backup)| std::cmp::Reverse(backup.requested_at));
                Box::new(all.into_iter().map(move |(install, backup)| {
                    vec![
                        backup.description.clone(),
                        install.name.clone(),
                        backup.status(now).to_owned(),
                        time(backup.requested_at),
                        backup.id.clone(),
                    ]
                }))
            }
            Self::Archives => Box::new(each(world, |it| it.archives.values().rev()).map(
                move |(install, archive)| {
                    vec![
                        install.name.clone(),
                        archive.state(now).to_owned(),
                        time(archive.requested_at),
                        archive.backup_id.clone(),
                        archive.id.clone(),
                    ]
                },
            )),
            Self::Certificates => Box::new(each(world, |it| it.certificates.iter().rev()).map(
                move |(install, certificate)| {
                    let (issuer, domain) = match &certificate.source {
                        Source::LetsEncrypt { domain_id } => {
                            ("Let's Encrypt", install.domains.get(domain_id))
                        }
                        Source::ThirdParty { .. } => ("third party", None),
                    };
                    vec![
                        certificate.domains.join(", "),
                        install.name.clone(),
                        certificate.status(now, domain).to_lowercase(),
                        issuer.to_owned(),
                        time(certificate.expires_at(now)),
                        certificate.id.to_string(),
                    ]
                },
            )),
            Self::Transfers => Box::new(world.transfers.values().rev().map(move |transfer| {
                vec![
                    transfer.site_name.clone(),
                    transfer.status(now).to_owned(),
                    transfer.origin.name.clone(),
                    transfer.destination.name.clone(),
                    time(transfer.created_at),
                    transfer.id.clone(),
                ]
            })),
            Self::Keys => Box::new(world.users.values().rev().flat_map(|user| {
                user.ssh_keys.values().rev().map(|key| {
                    vec![
                        key.comment.clone(),
                        user.email.clone(),
                        key.fingerprint.clone(),
                        key.uuid.clone(),
                    ]
                })
            })),
            Self::Events => {
                let mut all: Vec<_> = each(world, |it| it.events.iter()).collect();
                all.sort_by_key(|(_, event)| std::cmp::Reverse(event.at));
                Box::new(all.into_iter().map(|(install, event)| {
                    vec![
                        event.kind.replace('_', " "),
                        install.name.clone(),
                        time(event.at),
                        event.details.to_string(),
                    ]
                }))
            }
        }
    }
}

/// What belongs to installs, with the install, those of the newest one first.
fn each<'a, T: 'a, I: Iterator<Item = T> + 'a>(
    world: &'a World,
    of: impl Fn(&'a Install) -> I + 'a,
) -> impl Iterator<Item = (&'a Install, T)> + 'a {
    let installs = world.installs.values().rev();
    installs.flat_map(move |install| of(install).map(move |thing| (install, thing)))
}

fn environment(install: &Install) -> String {
    let name = |environment| format!("{environment:?}").to_lowercase();
    install.environment.map(name).unwrap_or_default()
}

fn account_name(world: &World, id: &str) -> String {
    let account = world.accounts.get(id);
    account.map_or_else(|| id.to_owned(), |account| account.name.clone())
}

fn time(at: Timestamp) -> String {
    let zoned = at.to_zoned(TimeZone::UTC);
    zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
