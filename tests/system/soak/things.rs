//! Resources that calls of the soak test have created and that no other call uses, so they can be deleted, moved or
//! cancelled.
//!
//! The name of every created resource contains the number of its call. So the simulator's state at the end shows which
//! calls were done, and whether one was done twice.

use std::collections::BTreeMap;

use serde_json::Value;

/// A resource that a call has created, with the number of the call.
pub(super) struct Thing {
    pub(super) number: u64,
    pub(super) id: String,
    /// The site, if the resource is a transfer.
    pub(super) site: String,
}

/// The operations that use a resource, each with the operation that creates it.
const MAKERS: [(&str, &str); 8] = [
    ("delete_site_report_schedule", "create_site_report_schedule"),
    ("delete_site", "create_site"),
    ("delete_install", "create_install"),
    ("delete_domain", "create_domain"),
    ("delete_ssh_key", "create_ssh_key"),
    ("delete_account_user", "create_account_user"),
    ("create_site_transfer", "create_site"),
    ("cancel_site_transfer", "create_site_transfer"),
];

/// The resources that are available, by the operation that created them.
#[derive(Default)]
pub(super) struct Things(BTreeMap<&'static str, Vec<Thing>>);

impl Things {
    /// Returns the operation and its resource if one is available. Otherwise returns the operation that creates one.
    pub(super) fn take(&mut self, operation: &'static str) -> (&'static str, Option<Thing>) {
        let Some((_, maker)) = MAKERS.iter().find(|(taker, _)| *taker == operation) else {
            return (operation, None);
        };
        match self.0.get_mut(maker).and_then(Vec::pop) {
            Some(thing) => (operation, Some(thing)),
            None => self.take(maker),
        }
    }

    pub(super) fn put(&mut self, maker: &'static str, thing: Thing) {
        self.0.entry(maker).or_default().push(thing);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Returns the name of the resource that a call creates. The name is valid for every kind of resource.
pub(super) fn name(number: u64) -> String {
    format!("soak{number:07}")
}

/// Counts each call's name in a snapshot of the simulator, in sites, installs, domains, backups, users of an account,
/// SSH keys and report schedules.
pub(super) fn count(snapshot: &str) -> BTreeMap<u64, u32> {
    let written: Value = serde_json::from_str(snapshot).expect("a snapshot is JSON");
    let world = &written["world"];
    let each = |things: &Value, field: &str| -> Vec<String> {
        let things = things.as_object().into_iter().flatten();
        things
            .filter_map(|(_, thing)| Some(thing[field].as_str()?.to_owned()))
            .collect()
    };
    let mut names = each(&world["sites"], "name");
    names.extend(each(&world["installs"], "name"));
    for (outer, inner, field) in [
        ("installs", "domains", "name"),
        ("installs", "backups", "description"),
        ("accounts", "users", "email"),
        ("users", "ssh_keys", "comment"),
        ("sites", "schedules", "title"),
    ] {
        for (_, thing) in world[outer].as_object().into_iter().flatten() {
            names.extend(each(&thing[inner], field));
        }
    }
    let mut counts = BTreeMap::new();
    for number in names.iter().filter_map(|name| number(name)) {
        *counts.entry(number).or_default() += 1;
    }
    counts
}

/// Returns the number of the call that created the resource with this name. The platform's own domain of an install
/// contains the install's name and is not counted.
fn number(name: &str) -> Option<u64> {
    let rest = name.strip_prefix("soak")?;
    let (digits, rest) = rest.split_at_checked(7)?;
    (!rest.starts_with(".wpengine")).then(|| digits.parse().ok())?
}
