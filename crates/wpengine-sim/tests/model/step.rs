//! The operations of the test, and how often each one occurs.
//!
//! A resource is picked by a number among all that ever existed, so that operations also meet ids that were deleted or
//! never existed. There are only a few names, so that they collide.

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;

/// The number of a resource among all that ever existed; see [`crate::model::pick`].
pub(crate) type Pick = usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Environment {
    Production,
    Staging,
    Development,
}

/// The change of a domain's redirect.
#[derive(Debug, Clone)]
pub(crate) enum Redirect {
    Keep,
    Remove,
    To(Pick),
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    CreateSite {
        account: Pick,
        name: u8,
    },
    RenameSite {
        site: Pick,
        name: u8,
    },
    DeleteSite {
        site: Pick,
    },
    CreateInstall {
        account: Pick,
        site: Option<Pick>,
        environment: Option<Environment>,
        name: u8,
    },
    UpdateInstall {
        install: Pick,
        site: Option<Pick>,
        environment: Option<Option<Environment>>,
    },
    DeleteInstall {
        install: Pick,
    },
    CreateDomain {
        install: Pick,
        name: u8,
        primary: bool,
        redirect: Option<Pick>,
    },
    CreateDomains {
        install: Pick,
        names: Vec<(u8, Option<u8>)>,
    },
    UpdateDomain {
        domain: Pick,
        primary: Option<bool>,
        redirect: Redirect,
        secure: Option<bool>,
    },
    DeleteDomain {
        domain: Pick,
    },
    VerifyDomain {
        domain: Pick,
    },
    CreateBackup {
        install: Pick,
    },
    RestoreBackup {
        backup: Pick,
        database: Option<bool>,
        checkpoint: Option<bool>,
    },
    AddUser {
        account: Pick,
        email: u8,
        role: u8,
        installs: Vec<Pick>,
    },
    UpdateUser {
        account: Pick,
        user: Pick,
        role: u8,
        installs: Option<Vec<Pick>>,
    },
    RemoveUser {
        account: Pick,
        user: Pick,
    },
    AddKey {
        key: u8,
    },
    RemoveKey {
        key: Pick,
    },
    Transfer {
        site: Pick,
        account: Pick,
        in_minutes: Option<i64>,
    },
    CancelTransfer {
        transfer: Pick,
    },
    Advance {
        seconds: u64,
    },
    ListSites {
        account: Option<Pick>,
        limit: usize,
    },
    ListInstalls {
        account: Option<Pick>,
        limit: usize,
    },
}

/// Picks are small numbers, so that a shortened sequence is readable.
fn picks() -> impl Strategy<Value = Pick> {
    0..1_000_usize
}

fn environment() -> impl Strategy<Value = Environment> {
    use Environment::{Development, Production, Staging};
    prop_oneof![Just(Production), Just(Staging), Just(Development)]
}

fn redirect() -> impl Strategy<Value = Redirect> {
    prop_oneof![
        3 => Just(Redirect::Keep),
        1 => Just(Redirect::Remove),
        3 => picks().prop_map(Redirect::To),
    ]
}

fn sites() -> impl Strategy<Value = Step> {
    use Step::{CreateSite, DeleteSite, ListSites, RenameSite};
    prop_oneof![
        6 => (picks(), 0..4_u8).prop_map(|(account, name)| CreateSite { account, name }),
        1 => (picks(), 0..4_u8).prop_map(|(site, name)| RenameSite { site, name }),
        1 => picks().prop_map(|site| DeleteSite { site }),
        1 => (of(picks()), 1..5_usize).prop_map(|(account, limit)| ListSites { account, limit }),
    ]
}

fn installs() -> impl Strategy<Value = Step> {
    use Step::{CreateInstall, DeleteInstall, ListInstalls, UpdateInstall};
    prop_oneof![
        8 => (picks(), weighted(0.8, picks()), of(environment()), 0..24_u8).prop_map(
            |(account, site, environment, name)| CreateInstall { account, site, environment, name },
        ),
        3 => (picks(), of(picks()), of(of(environment()))).prop_map(
            |(install, site, environment)| UpdateInstall { install, site, environment },
        ),
        1 => picks().prop_map(|install| DeleteInstall { install }),
        1 => (of(picks()), 1..5_usize).prop_map(|(account, limit)| ListInstalls { account, limit }),
    ]
}

fn domains() -> impl Strategy<Value = Step> {
    use Step::{CreateDomain, CreateDomains, DeleteDomain, UpdateDomain, VerifyDomain};
    let name = || 0..8_u8;
    prop_oneof![
        5 => (picks(), name(), weighted(0.2, picks()), any::<bool>()).prop_map(
            |(install, name, redirect, primary)| CreateDomain { install, name, primary, redirect },
        ),
        2 => (picks(), vec((name(), weighted(0.3, name())), 1..4))
            .prop_map(|(install, names)| CreateDomains { install, names }),
        4 => (picks(), of(any::<bool>()), redirect(), of(any::<bool>())).prop_map(
            |(domain, primary, redirect, secure)| UpdateDomain { domain, primary, redirect, secure },
        ),
        1 => picks().prop_map(|domain| DeleteDomain { domain }),
        1 => picks().prop_map(|domain| VerifyDomain { domain }),
    ]
}

fn backups() -> impl Strategy<Value = Step> {
    use Step::{CreateBackup, RestoreBackup};
    prop_oneof![
        2 => picks().prop_map(|install| CreateBackup { install }),
        1 => (picks(), of(any::<bool>()), of(any::<bool>())).prop_map(
            |(backup, database, checkpoint)| RestoreBackup { backup, database, checkpoint },
        ),
    ]
}

fn people() -> impl Strategy<Value = Step> {
    use Step::{AddKey, AddUser, RemoveKey, RemoveUser, UpdateUser};
    let (role, installs) = (|| 0..6_u8, || vec(picks(), 0..3));
    prop_oneof![
        4 => (picks(), 0..5_u8, role(), installs()).prop_map(
            |(account, email, role, installs)| AddUser { account, email, role, installs },
        ),
        3 => (picks(), picks(), role(), of(installs())).prop_map(
            |(account, user, role, installs)| UpdateUser { account, user, role, installs },
        ),
        2 => (picks(), picks()).prop_map(|(account, user)| RemoveUser { account, user }),
        2 => (0..4_u8).prop_map(|key| AddKey { key }),
        1 => picks().prop_map(|key| RemoveKey { key }),
    ]
}

fn transfers() -> impl Strategy<Value = Step> {
    use Step::{CancelTransfer, Transfer};
    let in_minutes = prop_oneof![
        3 => Just(None),
        2 => prop::sample::select(vec![59, 60, 61, 10_080, 10_081]).prop_map(Some),
    ];
    prop_oneof![
        3 => (picks(), picks(), in_minutes).prop_map(
            |(site, account, in_minutes)| Transfer { site, account, in_minutes },
        ),
        1 => picks().prop_map(|transfer| CancelTransfer { transfer }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let seconds = prop::sample::select(vec![1, 4, 5, 60, 120, 180, 240, 300, 3_600, 90_000]);
    prop_oneof![
        6 => sites(),
        8 => installs(),
        9 => domains(),
        4 => backups(),
        5 => people(),
        3 => transfers(),
        5 => seconds.prop_map(|seconds| Step::Advance { seconds }),
    ]
}

/// Creates sequences of these steps.
pub(crate) fn sequences() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 80..140)
}
