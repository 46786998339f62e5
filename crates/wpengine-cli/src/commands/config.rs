//! Settings of profiles.

use serde_json::{Value, json};
use toml_edit::{Array, Item, value};

use super::{auth, one, run};
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::{Failure, exit},
    flags,
    output::{Answer, Format},
    profile::{self, Config, KEYS, Origin},
    tables,
};

pub(super) fn leaves() -> Vec<Leaf> {
    let key =
        || flags::one("key", "KEY", "Name of the setting").value_parser(KEYS.map(|(key, _)| key));
    let details = "The settings of a profile: user_id, credentials, base_url, account, notify, output, read_only, protect, redis, rate_limits. `wpengine help environment` says what each is.";
    vec![
        leaf("config list", "List the settings of a profile, with the file that they are in", &[], run!(|c, _a| {
            let name = name_of(c);
            if c.globals.profile.is_some() && !c.config.profiles.contains_key(&name) {
                return Err(Failure::not_found(format!("there is no profile {name}")).candidates(c.config.profiles.keys().cloned()));
            }
            let document = profile::document(&c.folders.config_file()?)?;
            let entry = document.get("profiles").and_then(|profiles| profiles.get(&name));
            let path = c.folders.config_file()?;
            let rows = KEYS.iter().filter_map(|(key, _)| {
                let found = entry.and_then(|entry| entry.get(key))?;
                Some(json!({ "key": key, "value": masked(key, plain(found)), "origin": format!("{} [{name}]", path.display()) }))
            });
            Ok(Answer::items(rows.collect()).into())
        }))
        .local()
        .table(&tables::SETTINGS)
        .examples(&["wpengine config list"]),
        leaf("config get", "Show one setting", &[], run!(|c, a| {
            let (name, key) = (name_of(c), a.need("key"));
            let document = profile::document(&c.folders.config_file()?)?;
            let found = document.get("profiles").and_then(|profiles| profiles.get(&name)?.get(&key)).map(|found| masked(&key, plain(found)));
            let found = found.ok_or_else(|| Failure::not_found(format!("the profile {name} has no setting {key}")).next(format!("wpengine config set {key} VALUE")))?;
            match c.format.is_json() {
                true => Ok(one(json!({ "key": key, "value": found }))),
                false => Ok(Answer::Text(format!("{}\n", found.as_str().map_or_else(|| found.to_string(), str::to_owned))).into()),
            }
        }))
        .arg(key())
        .local()
        .examples(&["wpengine config get account"]),
        leaf("config set", "Change one setting", &[], run!(|c, a| {
            let (name, key, text) = (name_of(c), a.need("key"), a.all("value"));
            let path = c.folders.config_file()?;
            let mut document = profile::document(&path)?;
            let new = new_value(&key, &text)?;
            let entry = auth::table(&mut document, &name)?;
            match entry.get_mut(&key).and_then(Item::as_value_mut) {
                // With the comment behind it.
                Some(old) => {
                    let decor = old.decor().clone();
                    *old = new;
                    *old.decor_mut() = decor;
                }
                None => {
                    entry.insert(&key, Item::Value(new));
                }
            }
            if document.get("default_profile").is_none() {
                document["default_profile"] = value(&name);
            }
            // What cannot be read again is not written.
            toml_edit::de::from_str::<Config>(&document.to_string()).map_err(|error| Failure::usage(format!("{key}: {error}")))?;
            profile::write_private(&path, &document.to_string())?;
            if let Ok(Origin::Environment(variable)) = c.config.origin(c.globals.profile.as_deref()) {
                c.terminal.warn(&format!("{variable} is set: its credentials do not use the settings of the profile {name}"));
            }
            Ok(one(json!({ "profile": name, "key": key, "value": text })))
        }))
        .args([key(), flags::many("value", "VALUE", "Value; several for a list").required(true).allow_hyphen_values(true)])
        .local()
        .details(details)
        .examples(&["wpengine config set account acme", "wpengine config set notify ops@example.com", "wpengine config set protect production"]),
        leaf("config unset", "Remove one setting", &[], run!(|c, a| {
            let (name, key) = (name_of(c), a.need("key"));
            let path = c.folders.config_file()?;
            let mut document = profile::document(&path)?;
            let entry = document.get_mut("profiles").and_then(|profiles| profiles.get_mut(&name)?.as_table_like_mut());
            let entry = entry.ok_or_else(|| Failure::not_found(format!("there is no profile {name}")))?;
            entry.remove(&key);
            profile::write_private(&path, &document.to_string())?;
            Ok(one(json!({ "profile": name, "key": key, "value": Value::Null })))
        }))
        .arg(key())
        .local()
        .examples(&["wpengine config unset account"]),
        leaf("config path", "Show where the files of this program are", &[], run!(|c, _a| {
            let path = |path: Option<std::path::PathBuf>| path.map(|path| path.display().to_string());
            Ok(one(json!({
                "config": path(c.folders.config_file().ok()),
                "passwords": path(c.folders.secrets_file().ok()),
                "mirror": path(c.folders.cache.clone()),
                "state": path(c.folders.state.clone()),
                "audit": path(c.folders.state.as_ref().map(|folder| folder.join("audit.jsonl"))),
            })))
        }))
        .local()
        .examples(&["wpengine config path"]),
        leaf("config edit", "Open the configuration file in $EDITOR", &[], run!(|c, _a| {
            let path = c.folders.config_file()?;
            let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|editor| !editor.is_empty()));
            let editor = editor.ok_or_else(|| Failure::usage(format!("set EDITOR, or edit {} yourself", path.display())))?;
            if !path.exists() {
                profile::write_private(&path, "")?;
            }
            let mut words = editor.split_whitespace();
            let status = tokio::process::Command::new(words.next().unwrap_or_default()).args(words).arg(&path).status().await;
            match status {
                Ok(status) if status.success() => {
                    Config::read(&path)?;
                    Ok(one(json!({ "file": path })))
                }
                Ok(status) => Err(Failure::new(exit::FAILED, "editor", format!("{editor} ended with {status}"))),
                Err(error) => Err(Failure::usage(format!("cannot run {editor}: {error}"))),
            }
        }))
        .local()
        .examples(&["wpengine config edit"]),
    ]
}

/// A setting that means something.
fn new_value(key: &str, texts: &[String]) -> Result<toml_edit::Value, Failure> {
    let text = texts.concat();
    let list = || -> Array {
        let bare = text
            .trim_start_matches('[')
            .trim_end_matches(']')
            .replace('"', "");
        let words: Vec<String> = match texts.len() {
            1 => bare.split(',').map(|word| word.trim().to_owned()).collect(),
            _ => texts
                .iter()
                .flat_map(|text| text.split(','))
                .map(|word| word.trim().to_owned())
                .collect(),
        };
        words.into_iter().filter(|word| !word.is_empty()).collect()
    };
    let known = |words: &[&str]| match words.contains(&text.as_str()) {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "{key} is {}, not `{text}`",
            words.join(", ")
        ))),
    };
    if key != "notify" && key != "protect" && key != "credentials" && texts.len() > 1 {
        return Err(Failure::usage(format!("{key} has one value")));
    }
    Ok(match key {
        "notify" => list().into(),
        "protect" => {
            let list = list();
            for word in list.iter().filter_map(toml_edit::Value::as_str) {
                if !flags::ENVIRONMENTS.contains(&word) {
                    return Err(Failure::usage(format!(
                        "`{word}` is no environment; there are {}",
                        flags::ENVIRONMENTS.join(", ")
                    )));
                }
            }
            list.into()
        }
        "credentials" if texts.len() > 1 => texts.iter().collect::<Array>().into(),
        "credentials" if text.starts_with('[') => list().into(),
        "credentials" => {
            known(&["keyring", "file"])?;
            text.into()
        }
        "read_only" => {
            known(&["true", "false"])?;
            (text == "true").into()
        }
        "output" => {
            known(&Format::NAMES)?;
            text.into()
        }
        "rate_limits" => {
            if text != "off" {
                crate::limits::window(&text)?;
            }
            text.into()
        }
        _ => text.into(),
    })
}

/// The profile whose settings are meant.
pub(super) fn name_of(c: &Ctx) -> String {
    let name = c.globals.profile.clone().or_else(|| {
        std::env::var("WPENGINE_PROFILE")
            .ok()
            .filter(|name| !name.is_empty())
    });
    name.or_else(|| c.config.default_profile.clone())
        .unwrap_or_else(|| "default".to_owned())
}

fn plain(item: &Item) -> Value {
    if let Some(list) = item.as_array() {
        return json!(
            list.iter()
                .filter_map(|value| value.as_str())
                .collect::<Vec<_>>()
        );
    }
    match (item.as_str(), item.as_bool()) {
        (Some(text), _) => json!(text),
        (_, Some(is)) => json!(is),
        _ => json!(item.to_string().trim()),
    }
}

/// A URL without its password.
fn masked(key: &str, value: Value) -> Value {
    match (key, &value) {
        ("redis" | "base_url", Value::String(url)) => match (url.find("://"), url.rfind('@')) {
            (Some(start), Some(end)) if start < end => {
                json!(format!("{}://...{}", &url[..start], &url[end..]))
            }
            _ => value,
        },
        _ => value,
    }
}
