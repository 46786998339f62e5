//! Credentials: stored, shown by their origin, and removed.

use std::io::Write as _;

use serde_json::{Value, json};
use toml_edit::{Array, DocumentMut, Item, Table as TomlTable, TableLike, value};
use wpengine::{Client, Credentials, http::Method};

use super::{one, run};
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::{Failure, exit},
    flags::{self, Args},
    output::Answer,
    profile::{self, Origin, Stored, keyring},
    tables,
    terminal::modes,
};

pub(super) fn leaves() -> Vec<Leaf> {
    vec![
        leaf("auth login", "Store credentials in a profile, after trying them", &[], run!(|c, a| login(c, a).await))
            .args([
                flags::value("user-id", "ID", "API user id; asked for if it is not given"),
                flags::switch("password-stdin", "Read the password from standard input"),
                flags::value("store", "PLACE", "Where the password is stored: keyring or file").value_parser(["keyring", "file"]),
                flags::value("command", "WORD", "Store no password, but a command that prints it; once for each of its words")
                    .action(clap::ArgAction::Append)
                    .allow_hyphen_values(true)
                    .conflicts_with_all(["store", "password-stdin"]),
                flags::value("base-url", "URL", "Base URL, for a simulator"),
                flags::switch("no-check", "Store them without trying them"),
            ])
            .local()
            .calls(&["get_current_user", "list_accounts"])
            .details("Generate an API user id and a password in the user portal under API Access. The password is never an argument. The profile is `default`, or that of --profile.")
            .examples(&[
                "wpengine auth login",
                "pass show wpengine | wpengine auth login --user-id 12ab --password-stdin --store file",
                "wpengine auth login --user-id 12ab --command op --command read --command op://ops/wpengine/password",
            ]),
        leaf("auth logout", "Remove a profile and its password", &[], run!(|c, _a| logout(c).await))
            .local()
            .examples(&["wpengine auth logout --profile acme"]),
        leaf("auth status", "Say which credentials are used, and whether they work", &[], run!(|c, a| status(c, a).await))
            .arg(flags::switch("no-check", "Send nothing"))
            .local()
            .calls(&["get_current_user"])
            .examples(&["wpengine auth status"]),
        leaf("auth list", "List the profiles", &[], run!(|c, _a| {
            let rows = c.config.profiles.iter().map(|(name, profile)| json!({
                "name": name,
                "user_id": profile.user_id,
                "credentials": stored(profile.credentials.as_ref()),
                "default": c.config.default_profile.as_deref() == Some(name),
                "base_url": profile.base_url,
            }));
            Ok(Answer::items(rows.collect()).into())
        }))
        .local()
        .table(&tables::PROFILES)
        .examples(&["wpengine auth list"]),
        leaf("auth switch", "Make a profile the default one", &[], run!(|c, a| {
            let name = a.need("name");
            c.config.origin(Some(&name))?;
            let path = c.folders.config_file()?;
            let mut document = profile::document(&path)?;
            document["default_profile"] = value(&name);
            profile::write_private(&path, &document.to_string())?;
            Ok(one(json!({ "default_profile": name })))
        }))
        .arg(flags::one("name", "PROFILE", "Name of the profile").add(clap_complete::engine::ArgValueCompleter::new(crate::complete::profiles)))
        .local()
        .examples(&["wpengine auth switch acme"]),
        leaf("auth env", "Print the credentials as variables, for other programs", &[], run!(|c, a| {
            if !a.flag("show-secret") {
                return Err(Failure::new(exit::UNCONFIRMED, "confirmation_required", "this prints the password; give --show-secret if that is what you want"));
            }
            let Origin::Profile(name) = &c.origin else {
                return Err(Failure::usage(format!("the credentials are from {}, not from a profile", c.origin)));
            };
            let (user, password) = profile::pair(&c.folders, name, &c.profile)?;
            if c.format.is_json() {
                return Ok(one(json!({ "WPE_API_USER_ID": user, "WPE_API_PASSWORD": password, "WPE_API_BASE_URL": c.profile.base_url })));
            }
            let mut text = format!(
                "export WPE_API_USER_ID={}\nexport WPE_API_PASSWORD={}\n", crate::command::quoted(&user), crate::command::quoted(&password));
            if let Some(url) = &c.profile.base_url {
                text.push_str(&format!("export WPE_API_BASE_URL={}\n", crate::command::quoted(url)));
            }
            Ok(Answer::Text(text).into())
        }))
        .arg(flags::switch("show-secret", "Print the password"))
        .local()
        .examples(&["eval \"$(wpengine auth env --profile acme --show-secret)\""]),
    ]
}

fn stored(stored: Option<&Stored>) -> Value {
    match stored {
        Some(Stored::Place(place)) => json!(place),
        Some(Stored::Command(command)) => json!(format!(
            "command {}",
            command.first().map_or("", String::as_str)
        )),
        None => Value::Null,
    }
}

async fn login(c: &Ctx, a: Args<'_>) -> Result<crate::output::Reply, Failure> {
    let name = c
        .globals
        .profile
        .clone()
        .unwrap_or_else(|| "default".to_owned());
    if name.is_empty()
        || !name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
    {
        return Err(Failure::usage(format!(
            "`{name}` is no name of a profile: letters, digits, - and _"
        )));
    }
    let can_ask = c.terminal.can_ask() && !c.globals.no_input;
    let user = match a.text("user-id") {
        Some(user) => user,
        None if can_ask && !a.flag("password-stdin") => ask(c, "API user id:").await?,
        None => return Err(Failure::usage("give --user-id: nobody can be asked here")),
    };
    let command = a.all("command");
    let password = if !command.is_empty() {
        String::new()
    } else if a.flag("password-stdin") {
        let text = crate::context::read_input("-").await?;
        text.lines().next().unwrap_or_default().to_owned()
    } else if can_ask {
        hidden().await?
    } else {
        return Err(Failure::usage(
            "give --password-stdin and the password on standard input: nobody can be asked here",
        ));
    };
    if user.trim().is_empty() || (password.is_empty() && command.is_empty()) {
        return Err(Failure::usage(
            "both the API user id and the password are needed",
        ));
    }
    let path = c.folders.config_file()?;
    let mut document = profile::document(&path)?;
    let base_url = a
        .text("base-url")
        .or_else(|| c.config.profiles.get(&name)?.base_url.clone());
    let mut settings = profile::Profile {
        user_id: Some(user.clone()),
        base_url: base_url.clone(),
        ..c.config.profiles.get(&name).cloned().unwrap_or_default()
    };
    let tried = if command.is_empty() {
        password.clone()
    } else {
        settings.credentials = Some(Stored::Command(command.clone()));
        profile::pair(&c.folders, &name, &settings)?.1
    };
    let mut email = Value::Null;
    if !a.flag("no-check") {
        let mut builder = Client::builder().credentials(Credentials::basic(&user, &tried));
        if let Some(url) = &base_url {
            builder = builder.base_url(url);
        }
        let client = c.finish(builder, base_url.as_deref())?;
        let found: Value = client
            .request(Method::GET, "/user")
            .json()
            .await
            .map_err(|error| {
                let mut failure = Failure::from(error);
                failure.message.push_str("\nnothing was stored");
                failure
            })?;
        email = found["email"].clone();
        if client.accounts().list().count().await? == 0 {
            c.terminal.warn("these credentials work, but they see no account: API access may be off for it, in the user portal under API Access");
        }
    }
    // An odd file is found before anything is stored.
    table(&mut document, &name)?;
    let place = store(c, a, &name, &user, &password, &command)?;
    let before = c.config.profiles.get(&name).cloned().unwrap_or_default();
    forget(c, &name, &before, &place)?;
    let entry = table(&mut document, &name)?;
    entry.insert("user_id", value(&user));
    let stored = match command.is_empty() {
        true => value(&place),
        false => value(command.iter().collect::<Array>()),
    };
    entry.insert("credentials", stored);
    if let Some(url) = &base_url {
        entry.insert("base_url", value(url));
    }
    if document.get("default_profile").is_none() {
        document["default_profile"] = value(&name);
    }
    profile::write_private(&path, &document.to_string())?;
    if let Ok(Origin::Environment(variable)) = c.config.origin(None) {
        c.terminal.warn(&format!("{variable} is set, and the environment goes before the default profile; give --profile {name}, or unset it"));
    }
    let is_default = document.get("default_profile").and_then(Item::as_str) == Some(&name);
    let flag = if is_default {
        String::new()
    } else {
        format!(" --profile {name}")
    };
    c.terminal.say(&format!(
        "stored in the profile {name}; next: wpengine install list{flag}"
    ));
    Ok(one(
        json!({ "profile": name, "user_id": user, "email": email, "credentials": place }),
    ))
}

/// Stores the password where it was asked for. It is not stored in a file unless that was said.
fn store(
    c: &Ctx,
    a: Args<'_>,
    name: &str,
    user: &str,
    password: &str,
    command: &[String],
) -> Result<String, Failure> {
    if !command.is_empty() {
        return Ok("command".to_owned());
    }
    if a.text("store").as_deref() != Some("file") {
        return match keyring::write(&profile::account_of(name, user), password) {
            Ok(()) => Ok("keyring".to_owned()),
            Err(why) => Err(Failure::new(exit::CREDENTIALS, "keyring", format!("the keyring cannot be used: {why}\nnothing was stored; a file that only you can read, or a command, does the same"))
                .next(format!("{} --store file", c.leaf.line()))
            .next("wpengine auth login --command pass --command show --command wpengine")),
        };
    }
    let path = c.folders.secrets_file()?;
    let mut document = profile::private_document(&path)?;
    let mut entry = TomlTable::new();
    entry.insert("password", value(password));
    document.insert(name, Item::Table(entry));
    profile::write_private(&path, &document.to_string())?;
    Ok("file".to_owned())
}

/// The table of a profile, which is created if it is not there.
pub(super) fn table<'a>(
    document: &'a mut DocumentMut,
    name: &str,
) -> Result<&'a mut dyn TableLike, Failure> {
    let profiles = document.entry("profiles").or_insert_with(|| {
        let mut table = TomlTable::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let odd = || {
        Failure::usage(
            "config.toml has no table [profiles.NAME] where one is expected; mend it with wpengine config edit",
        )
    };
    let profiles = profiles.as_table_like_mut().ok_or_else(odd)?;
    if profiles.get(name).is_none() {
        profiles.insert(name, Item::Table(TomlTable::new()));
    }
    profiles
        .get_mut(name)
        .and_then(Item::as_table_like_mut)
        .ok_or_else(odd)
}

/// Removes a password from the places where it is not meant to be any more.
fn forget(c: &Ctx, name: &str, before: &profile::Profile, kept: &str) -> Result<(), Failure> {
    let path = c.folders.secrets_file()?;
    if kept != "file" && path.exists() {
        let mut document = profile::document(&path)?;
        if document.remove(name).is_some() {
            profile::write_private(&path, &document.to_string())?;
        }
    }
    if let (Some(Stored::Place(place)), Some(user)) = (&before.credentials, &before.user_id)
        && place == "keyring"
        && kept != "keyring"
        && let Err(why) = keyring::delete(&profile::account_of(name, user))
    {
        c.terminal.warn(&format!(
            "the old password is still in the keyring, which cannot be used: {why}"
        ));
    }
    Ok(())
}

async fn logout(c: &Ctx) -> Result<crate::output::Reply, Failure> {
    let name = super::config::name_of(c);
    c.config.origin(Some(&name))?;
    let profile = c.config.profiles.get(&name).cloned().unwrap_or_default();
    forget(c, &name, &profile, "nowhere")?;
    let path = c.folders.config_file()?;
    let mut document = profile::document(&path)?;
    if let Some(profiles) = document
        .get_mut("profiles")
        .and_then(Item::as_table_like_mut)
    {
        profiles.remove(&name);
    }
    if document.get("default_profile").and_then(Item::as_str) == Some(&name) {
        document.remove("default_profile");
    }
    profile::write_private(&path, &document.to_string())?;
    Ok(one(json!({ "profile": name, "removed": true })))
}

async fn status(c: &Ctx, a: Args<'_>) -> Result<crate::output::Reply, Failure> {
    // Of its own, because an unknown profile is no reason to say nothing.
    let origin = c.config.origin(c.globals.profile.as_deref())?;
    let profile = c.config.profile(&origin);
    let user = match &origin {
        Origin::Environment(variable) => std::env::var(variable).ok(),
        Origin::Profile(_) => profile.user_id.clone(),
        Origin::None => None,
    };
    let url = profile::base_url(&origin, &profile);
    let mut answer = json!({
        "source": origin.to_string(),
        "user_id": user,
        "password": match &origin {
            Origin::Environment(_) => json!("environment"),
            _ => stored(profile.credentials.as_ref()),
        },
        "base_url": url.clone().unwrap_or_else(|| profile::SERVICE.to_owned()),
        "read_only": profile.read_only || c.globals.read_only,
    });
    let builder = profile::builder(&c.folders, &origin, &profile)?;
    if !a.flag("no-check") {
        let client = c.finish(builder, url.as_deref())?;
        let found: Value = client.request(Method::GET, "/user").json().await?;
        answer["email"] = found["email"].clone();
    }
    Ok(one(answer))
}

async fn ask(c: &Ctx, question: &'static str) -> Result<String, Failure> {
    let terminal = std::sync::Arc::clone(&c.terminal);
    let asked = tokio::task::spawn_blocking(move || terminal.ask(question)).await;
    let answer = asked
        .map_err(|error| error.to_string())
        .and_then(|answer| answer.map_err(|error| error.to_string()));
    let answer = answer.map_err(|error| {
        Failure::new(
            exit::FAILED,
            "input",
            format!("cannot read the answer: {error}"),
        )
    })?;
    Ok(answer.unwrap_or_default().trim().to_owned())
}

/// Asks for the password without showing it.
async fn hidden() -> Result<String, Failure> {
    modes::save();
    let asked = tokio::task::spawn_blocking(|| {
        let _ = write!(std::io::stderr(), "Password (not shown): ");
        let _ = std::io::stderr().flush();
        rpassword::read_password()
    });
    let answer = asked
        .await
        .unwrap_or_else(|panic| Err(std::io::Error::other(panic)));
    answer.map_err(|error| match error.kind() {
        // Ctrl-C: the reader may see it before the rest of the program does.
        std::io::ErrorKind::Interrupted => {
            modes::restore();
            Failure::new(
                exit::INTERRUPTED,
                "interrupted",
                "interrupted; nothing was stored",
            )
        }
        _ => Failure::new(
            exit::FAILED,
            "input",
            format!("cannot read the password: {error}"),
        ),
    })
}
