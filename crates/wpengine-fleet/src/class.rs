//! What can be read, and what it costs.

/// A class of listings: what one kind of request reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// All accounts.
    Accounts,
    /// All sites.
    Sites,
    /// All installs.
    Installs,
    /// The limits of the plan of each account.
    Limits,
    /// A summary of the usage of each account.
    Usage,
    /// The users of each account.
    People,
    /// The site transfers of each account.
    Transfers,
    /// The certificates of each install.
    Certificates,
    /// The backups of each install.
    Backups,
    /// The domains of each install.
    Domains,
    /// Each install by itself: unlike the list, this has the WordPress version.
    Details,
    /// The settings for offloading large files of each install.
    Offload,
}

/// What a class has one listing for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Per {
    Fleet,
    Account,
    Install,
}

impl Class {
    /// All classes, the cheapest first.
    pub const ALL: [Self; 12] = [
        Self::Accounts,
        Self::Sites,
        Self::Installs,
        Self::Limits,
        Self::Usage,
        Self::People,
        Self::Transfers,
        Self::Certificates,
        Self::Backups,
        Self::Domains,
        Self::Details,
        Self::Offload,
    ];

    /// Whether it is read only if it is asked for by name: no check needs it, and it takes a request for each install.
    #[must_use]
    pub const fn is_on_demand(self) -> bool {
        matches!(self, Self::Details | Self::Offload)
    }

    /// The name of the class, as in the table `reads` of the mirror.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Sites => "sites",
            Self::Installs => "installs",
            Self::Limits => "limits",
            Self::Usage => "usage",
            Self::People => "people",
            Self::Transfers => "transfers",
            Self::Certificates => "certificates",
            Self::Backups => "backups",
            Self::Domains => "domains",
            Self::Details => "details",
            Self::Offload => "offload",
        }
    }

    pub(crate) const fn per(self) -> Per {
        match self {
            Self::Accounts | Self::Sites | Self::Installs => Per::Fleet,
            Self::Limits | Self::Usage | Self::People | Self::Transfers => Per::Account,
            Self::Certificates | Self::Backups | Self::Domains | Self::Details | Self::Offload => {
                Per::Install
            }
        }
    }
}

/// The requests that read a listing of so many items: pages of 100 overlap by one item.
pub(crate) const fn pages(items: u64) -> u64 {
    let pages = items.saturating_sub(1).div_ceil(99);
    if pages == 0 { 1 } else { pages }
}
