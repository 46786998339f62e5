//! Installs: one WordPress environment each, with its resources.

use std::borrow::Cow;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Archive, Backup, Certificate, Domain, Report, StorageRefreshes, World};

/// How long a new install is `pending`. The real API takes 3 to 5 minutes.
const PROVISIONING: SignedDuration = SignedDuration::from_mins(4);

/// The versions of a new install.
const NEW_WP_VERSION: &str = "6.8.1";
const NEW_PHP_VERSION: &str = "8.3";

/// The environment of its site that an install fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Environment {
    Production,
    Staging,
    Development,
}

impl Environment {
    pub(crate) const ALL: [Self; 3] = [Self::Production, Self::Staging, Self::Development];
}

/// The network of an install, which its domains inherit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Network {
    Advanced,
    /// The network on which Let's Encrypt certificates are ordered for each domain.
    Legacy,
}

/// The content of an install: enough to see the effect of a backup, a restore or a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) wp_version: String,
    /// Represents the files. The text changes if the files change.
    pub(crate) files: String,
    /// Represents the database.
    pub(crate) database: String,
}

/// An install.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Install {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) account_id: String,
    pub(crate) site_id: Option<String>,
    pub(crate) environment: Option<Environment>,
    pub(crate) php_version: String,
    pub(crate) is_multisite: bool,
    pub(crate) stable_ips: Option<Vec<String>>,
    pub(crate) defer_wordpress_upgrades_until: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) network: Network,
    pub(crate) content: Content,
    pub(crate) backups: IndexMap<String, Backup>,
    pub(crate) archives: IndexMap<String, Archive>,
    pub(crate) domains: IndexMap<String, Domain>,
    pub(crate) reports: IndexMap<String, Report>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) storage: StorageRefreshes,
    pub(crate) largefs_file: LargeFsFile,
    /// The `largefs_settings` in effect.
    pub(crate) offload_settings: Map<String, Value>,
    /// Whether it stays `pending`.
    #[serde(default)]
    pub(crate) is_stuck: bool,
    /// Whether its disk usage is measured only on request.
    #[serde(default)]
    pub(crate) is_unmeasured: bool,
    /// Effects that the API does not show, for the simulator's controls.
    pub(crate) events: Vec<Event>,
}

/// The file with which the service verifies that the user owns a bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LargeFsFile {
    pub(crate) name: String,
    pub(crate) content: String,
}

/// Something that was done to an install: a purge, a copy, a restore.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) kind: Cow<'static, str>,
    pub(crate) at: Timestamp,
    pub(crate) details: Value,
}

impl Install {
    /// A new install without a site.
    pub(crate) fn new(
        world: &mut World,
        id: String,
        name: String,
        account_id: String,
        now: Timestamp,
    ) -> Self {
        let content = Content {
            wp_version: NEW_WP_VERSION.to_owned(),
            files: world.random.hex(16),
            database: world.random.hex(16),
        };
        let platform_name = format!("{name}.wpengine.com");
        let txt_value = world.random.hex(32);
        let platform_domain = Domain::new(
            world.random.uuid(),
            platform_name,
            Network::Advanced,
            txt_value,
            now,
        );
        let platform_domain = Domain {
            primary: true,
            ..platform_domain.verified_since(now)
        };
        Self {
            id,
            name,
            account_id,
            site_id: None,
            environment: None,
            php_version: NEW_PHP_VERSION.to_owned(),
            is_multisite: false,
            stable_ips: None,
            defer_wordpress_upgrades_until: None,
            created_at: now,
            network: Network::Advanced,
            content,
            backups: IndexMap::new(),
            archives: IndexMap::new(),
            domains: IndexMap::from([(platform_domain.id.clone(), platform_domain)]),
            reports: IndexMap::new(),
            certificates: Vec::new(),
            storage: StorageRefreshes::default(),
            largefs_file: LargeFsFile {
                name: format!("{}.largefs", world.random.hex(8)),
                content: world.random.hex(16),
            },
            offload_settings: Map::new(),
            is_stuck: false,
            is_unmeasured: false,
            events: Vec::new(),
        }
    }

    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        !self.is_stuck && now.duration_since(self.created_at) >= PROVISIONING
    }

    /// The domain that the platform gives every install.
    pub(crate) fn cname(&self) -> String {
        [&self.name, ".wpengine.com"].concat()
    }

    /// The domain that visitors see.
    pub(crate) fn primary_domain(&self) -> Option<&str> {
        self.domains
            .values()
            .find(|domain| domain.primary)
            .map(|domain| domain.name.as_str())
    }

    pub(crate) fn record(&mut self, kind: &'static str, at: Timestamp, details: Value) {
        let kind = Cow::Borrowed(kind);
        self.events.push(Event { kind, at, details });
    }

    /// When an event of this kind last happened.
    pub(crate) fn last(&self, kind: &str) -> Option<Timestamp> {
        self.events
            .iter()
            .rev()
            .find(|event| event.kind == kind)
            .map(|event| event.at)
    }
}

impl Content {
    /// Replaces parts of the content. The WordPress version belongs to the files.
    pub(crate) fn overwrite(&mut self, other: Self, files: bool, database: bool) {
        if files {
            self.wp_version = other.wp_version;
            self.files = other.files;
        }
        if database {
            self.database = other.database;
        }
    }
}
