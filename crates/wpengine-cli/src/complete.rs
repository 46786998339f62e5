//! Completion: from the mirror on this machine, and never from the network.

use std::ffi::OsStr;

use clap_complete::engine::CompletionCandidate;
use wpengine_fleet::Fleet;

use crate::{
    command::LEAVES,
    profile::{self, Config, Folders},
};

/// The most names that are offered.
const MOST: usize = 200;

pub(crate) fn accounts(current: &OsStr) -> Vec<CompletionCandidate> {
    query(current, |prefix| {
        format!(
            "SELECT coalesce(nickname, name), '' FROM accounts WHERE gone_at IS NULL AND coalesce(nickname, name) LIKE '{prefix}%' ESCAPE '\\' ORDER BY 1 LIMIT {MOST}"
        )
    })
}

pub(crate) fn sites(current: &OsStr) -> Vec<CompletionCandidate> {
    query(current, |prefix| {
        format!("SELECT sites.name, accounts.name FROM sites LEFT JOIN accounts ON accounts.id = sites.account_id
            WHERE sites.gone_at IS NULL AND sites.name LIKE '{prefix}%' ESCAPE '\\' ORDER BY 1 LIMIT {MOST}")
    })
}

pub(crate) fn installs(current: &OsStr) -> Vec<CompletionCandidate> {
    query(current, |prefix| {
        format!("SELECT installs.name, concat_ws(' · ', sites.name, installs.environment, accounts.name) FROM installs
            LEFT JOIN sites ON sites.id = installs.site_id LEFT JOIN accounts ON accounts.id = installs.account_id
            WHERE installs.gone_at IS NULL AND installs.name LIKE '{prefix}%' ESCAPE '\\' ORDER BY 1 LIMIT {MOST}")
    })
}

pub(crate) fn domains(current: &OsStr) -> Vec<CompletionCandidate> {
    query(current, |prefix| {
        format!("SELECT domains.name, installs.name FROM domains JOIN installs ON installs.id = domains.install_id
            WHERE domains.gone_at IS NULL AND domains.name LIKE '{prefix}%' ESCAPE '\\' ORDER BY 1 LIMIT {MOST}")
    })
}

pub(crate) fn profiles(current: &OsStr) -> Vec<CompletionCandidate> {
    let config = Folders::of_this_user()
        .config_file()
        .ok()
        .and_then(|path| Config::read(&path).ok());
    let names = config.unwrap_or_default().profiles.into_keys();
    names
        .filter(|name| name.starts_with(&*current.to_string_lossy()))
        .map(CompletionCandidate::new)
        .collect()
}

/// The columns of the command on the line.
pub(crate) fn columns(current: &OsStr) -> Vec<CompletionCandidate> {
    let words: Vec<String> = crate::command::words()
        .into_iter()
        .skip_while(|word| word != "--")
        .skip(2)
        .collect();
    let leaf = LEAVES
        .iter()
        .filter(|leaf| {
            words.len() >= leaf.path.len()
                && leaf
                    .path
                    .iter()
                    .zip(&words)
                    .all(|(one, other)| one == other)
        })
        .max_by_key(|leaf| leaf.path.len());
    let current = current.to_string_lossy();
    let before = current.rfind([',', '+']).map_or("", |end| &current[..=end]);
    let columns = leaf
        .and_then(|leaf| leaf.table)
        .map_or(&[][..], |table| table.columns);
    let candidates = columns
        .iter()
        .map(|column| format!("{before}{}", column.id));
    candidates
        .filter(|candidate| candidate.starts_with(&*current))
        .map(CompletionCandidate::new)
        .collect()
}

fn query(current: &OsStr, sql: impl Fn(&str) -> String) -> Vec<CompletionCandidate> {
    let prefix = current
        .to_string_lossy()
        .replace('\'', "''")
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    rows(&sql(&prefix))
        .unwrap_or_default()
        .into_iter()
        .map(|(name, help)| {
            CompletionCandidate::new(name).help((!help.is_empty()).then(|| help.into()))
        })
        .collect()
}

fn rows(sql: &str) -> Option<Vec<(String, String)>> {
    let folders = Folders::of_this_user();
    let config = Config::read(&folders.config_file().ok()?).ok()?;
    let words = crate::command::words();
    let mut given = words
        .iter()
        .zip(words.iter().skip(1))
        .filter_map(|(flag, value)| match flag.split_once('=') {
            Some(("--profile", name)) => Some(name),
            _ if flag == "--profile" => Some(value.as_str()),
            _ => None,
        });
    let given = given.next_back();
    let origin = config.origin(given).ok()?;
    let client = profile::identity(&origin, &config.profile(&origin))?;
    let (cache, state) = (folders.cache?, folders.state?);
    if !Fleet::is_below(&client, &cache) {
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .ok()?;
    let fleet = Fleet::below(&client, cache, state).ok()?;
    let found = runtime.block_on(fleet.sql(sql)).ok()?;
    let text = |row: &[serde_json::Value], column: usize| {
        row.get(column)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    Some(
        found
            .rows
            .iter()
            .map(|row| (text(row, 0), text(row, 1)))
            .collect(),
    )
}
