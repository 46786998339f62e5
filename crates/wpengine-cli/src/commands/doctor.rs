//! What may be wrong on this machine.

use std::time::Duration;

use serde_json::{Value, json};
use wpengine::{http::Method, jiff::Timestamp};

use super::run;
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::{Failure, exit},
    output::{Answer, Reply},
    profile::{self, Config, Origin, Stored, keyring},
    tables,
};

pub(super) fn leaves() -> Vec<Leaf> {
    vec![
        leaf(
            "doctor",
            "Look for what is wrong with the settings, the credentials and the connection",
            &[],
            run!(|c, _a| examine(c).await),
        )
        .local()
        .calls(&[
            "get_status",
            "get_current_user",
            "list_accounts",
            "get_swagger",
            "list_ssh_keys",
        ])
        .table(&tables::EXAMINED)
        .details("Ends with 6 if something is wrong.")
        .examples(&["wpengine doctor", "wpengine doctor -o json"]),
    ]
}

struct Findings(Vec<Value>);

impl Findings {
    fn add(&mut self, status: &str, point: &str, detail: impl Into<String>, next: &str) {
        self.0.push(json!({ "status": status, "point": point, "detail": detail.into(), "next": if next.is_empty() { Value::Null } else { json!(next) } }));
    }
}

async fn examine(c: &Ctx) -> Result<Reply, Failure> {
    let mut found = Findings(Vec::new());
    found.add(
        "pass",
        "program",
        format!(
            "{}, features: {}",
            env!("CARGO_PKG_VERSION"),
            features().join(", ")
        ),
        "",
    );
    let config = match c.folders.config_file() {
        Ok(path) => match Config::read(&path) {
            Ok(config) => {
                found.add(
                    "pass",
                    "configuration",
                    format!("{}, {} profiles", path.display(), config.profiles.len()),
                    "",
                );
                config
            }
            Err(failure) => {
                found.add(
                    "fail",
                    "configuration",
                    failure.message,
                    "wpengine config edit",
                );
                Config::default()
            }
        },
        Err(failure) => {
            found.add("warning", "configuration", failure.message, "");
            Config::default()
        }
    };
    if let Ok(path) = c.folders.secrets_file()
        && let Err(failure) = profile::private_document(&path)
    {
        found.add(
            "fail",
            "file of passwords",
            failure.message,
            failure.next.first().map_or("", String::as_str),
        );
    }
    for (what, folder) in [("mirror", &c.folders.cache), ("state", &c.folders.state)] {
        let usable = folder.as_ref().map(|folder| {
            profile::create_private(folder)
                .and_then(|()| tempfile::NamedTempFile::new_in(folder).map(drop))
        });
        match usable {
            Some(Ok(())) => {}
            Some(Err(error)) => found.add(
                "warning",
                what,
                format!(
                    "{} cannot be written: {error}",
                    folder
                        .as_ref()
                        .map_or_else(String::new, |folder| folder.display().to_string())
                ),
                "set WPENGINE_CACHE_DIR and WPENGINE_STATE_DIR",
            ),
            None => found.add(
                "warning",
                what,
                "this user has no home folder",
                "set WPENGINE_CACHE_DIR and WPENGINE_STATE_DIR",
            ),
        }
    }
    let origin = match config.origin(c.globals.profile.as_deref()) {
        Ok(origin) => origin,
        Err(failure) => {
            found.add("fail", "credentials", failure.message, "");
            Origin::None
        }
    };
    let settings = config.profile(&origin);
    let keyring_used =
        matches!(&settings.credentials, Some(Stored::Place(place)) if place == "keyring");
    if cfg!(feature = "keyring") {
        match keyring::read("wpengine doctor") {
            Ok(_) => found.add("pass", "keyring", "it answers", ""),
            Err(why) => found.add(
                if keyring_used { "fail" } else { "info" },
                "keyring",
                format!("not usable here: {why}"),
                if keyring_used {
                    "wpengine auth login --store file"
                } else {
                    ""
                },
            ),
        }
    }
    service(c, &mut found, &origin, &settings).await;
    #[cfg(all(unix, feature = "ssh"))]
    way_in::examine(c, &mut found, &origin, &settings).await;
    match std::env::var_os("SHELL") {
        Some(_) => found.add(
            "pass",
            "completion",
            "wpengine completion SHELL prints it for bash, zsh and fish",
            "",
        ),
        None => found.add("pass", "completion", "no shell", ""),
    }
    let bad = found
        .0
        .iter()
        .any(|finding| finding["status"] != "pass" && finding["status"] != "info");
    let document = json!({ "points": found.0 });
    let code = if bad { exit::FINDINGS } else { exit::DONE };
    Ok(Reply::from(Answer::Document(document, "/points")).exit(code))
}

/// The service: whether it is there, what it says of these credentials, and which version it has.
async fn service(c: &Ctx, found: &mut Findings, origin: &Origin, settings: &profile::Profile) {
    let url = profile::base_url(origin, settings);
    let builder = profile::anonymous(url.as_deref()).timeout(Duration::from_secs(20));
    let open = match c.finish(builder, url.as_deref()) {
        Ok(client) => client,
        Err(failure) => {
            found.add("fail", "connection", failure.message, "");
            return;
        }
    };
    let began = std::time::Instant::now();
    match open.request(Method::GET, "/status").send().await {
        Ok(response) => {
            found.add(
                "pass",
                "connection",
                format!(
                    "{} answers in {} ms",
                    open.base_url(),
                    began.elapsed().as_millis()
                ),
                "",
            );
            if let Some(gap) = clock_gap(
                response
                    .headers()
                    .get("date")
                    .and_then(|date| date.to_str().ok()),
            ) {
                match gap.unsigned_abs() {
                    0..=60 => {}
                    _ => found.add(
                        "warning",
                        "clock",
                        format!(
                            "the clock of this machine is {} s {} the service's",
                            gap.abs(),
                            if gap > 0 { "ahead of" } else { "behind" }
                        ),
                        "set the clock",
                    ),
                }
            }
        }
        Err(error) => {
            found.add(
                "fail",
                "connection",
                error.to_string(),
                "check the network, a proxy (HTTPS_PROXY) and the base URL",
            );
            return;
        }
    }
    if let Ok(document) = open.request(Method::GET, "/swagger").json::<Value>().await {
        let version = document["info"]["version"].as_str().unwrap_or("?");
        let known = wpengine::API_VERSION;
        match version == known {
            true => found.add("pass", "API", format!("version {version}"), ""),
            false => found.add(
                "warning",
                "API",
                format!("the service has version {version}, this program knows {known}"),
                "look for a newer version of this program",
            ),
        }
    }
    let builder = match profile::builder(&c.folders, origin, settings) {
        Ok(builder) => builder.timeout(Duration::from_secs(20)),
        Err(failure) => {
            found.add(
                "fail",
                "credentials",
                failure.message,
                failure.next.first().map_or("", String::as_str),
            );
            return;
        }
    };
    let client = match c.finish(builder, url.as_deref()) {
        Ok(client) => client,
        Err(failure) => {
            found.add("fail", "credentials", failure.message, "");
            return;
        }
    };
    match client.request(Method::GET, "/user").json::<Value>().await {
        Ok(user) => found.add(
            "pass",
            "credentials",
            format!("{}, from {origin}", user["email"].as_str().unwrap_or("?")),
            "",
        ),
        Err(error) => {
            found.add(
                "fail",
                "credentials",
                format!("from {origin}: {error}"),
                "wpengine auth login",
            );
            return;
        }
    }
    match client.accounts().list().count().await {
        Ok(0) => found.add(
            "warning",
            "accounts",
            "none: API access may be off for the account",
            "turn it on in the user portal under API Access",
        ),
        Ok(count) => found.add("pass", "accounts", format!("{count}"), ""),
        Err(error) => found.add("fail", "accounts", error.to_string(), ""),
    }
    let windows = client.rate_limit_state(None);
    for window in &windows {
        found.add(
            "pass",
            "rate limit",
            format!(
                "{} of {} requests left in {} s",
                window.left,
                window.window.limit(),
                window.window.period().as_secs()
            ),
            "",
        );
    }
}

/// How many seconds this clock is ahead.
fn clock_gap(date: Option<&str>) -> Option<i64> {
    let at = wpengine::jiff::fmt::rfc2822::parse(date?).ok()?.timestamp();
    Some(Timestamp::now().as_second() - at.as_second())
}

/// What this program was built with.
pub(super) fn features() -> Vec<&'static str> {
    let all = [
        ("jq", cfg!(feature = "jq")),
        ("keyring", cfg!(feature = "keyring")),
        ("redis", cfg!(feature = "redis")),
        ("sim", cfg!(feature = "sim")),
        ("ssh", cfg!(all(unix, feature = "ssh"))),
    ];
    all.into_iter()
        .filter(|(_, is)| *is)
        .map(|(name, _)| name)
        .collect()
}

/// The SSH gateway: whether there is an ssh, whose host key was accepted, and which keys the portal knows.
#[cfg(all(unix, feature = "ssh"))]
mod way_in {
    use std::process::Stdio;

    use serde_json::Value;
    use wpengine::http::Method;
    use wpengine_ssh::Gateway;

    use super::Findings;
    use crate::{
        context::Ctx,
        profile::{self, Origin, Profile},
    };

    pub(super) async fn examine(
        c: &Ctx,
        found: &mut Findings,
        origin: &Origin,
        settings: &Profile,
    ) {
        let Some(version) = said("ssh", &["-V"]).await else {
            found.add(
                "info",
                "ssh",
                "not installed: deploy, logs, wp and ssh need it",
                "",
            );
            return;
        };
        found.add("pass", "ssh", version.trim(), "");
        if said("rsync", &["--version"]).await.is_none() {
            found.add(
                "info",
                "rsync",
                "not installed: large deployments need it",
                "",
            );
        }
        let Some(gateway) = c
            .folders
            .state
            .as_ref()
            .and_then(|state| Gateway::new(state.join("ssh")).ok())
        else {
            return;
        };
        let gateway = match std::env::var("WPENGINE_SSH_CONFIG") {
            Ok(config) if !config.is_empty() => match gateway.config_file(&config) {
                Ok(gateway) => gateway,
                Err(error) => {
                    found.add("fail", "ssh", error.to_string(), "");
                    return;
                }
            },
            _ => gateway,
        };
        match gateway.accepted() {
            Ok(keys) if keys.is_empty() => found.add(
                "info",
                "host key",
                "none was accepted for the SSH gateway yet; the first command over it shows it",
                "",
            ),
            Ok(keys) => {
                for key in keys {
                    let word = if key.is_reported() {
                        "the one that users report"
                    } else {
                        "not the one that users report"
                    };
                    found.add("pass", "host key", format!("accepted: {key}, {word}"), "");
                }
            }
            Err(error) => found.add("fail", "host key", error.to_string(), ""),
        }
        keys(c, found, origin, settings, &gateway).await;
    }

    /// Which of the keys that ssh would offer the portal knows.
    async fn keys(
        c: &Ctx,
        found: &mut Findings,
        origin: &Origin,
        settings: &Profile,
        gateway: &Gateway,
    ) {
        let url = profile::base_url(origin, settings);
        let Ok(builder) = profile::builder(&c.folders, origin, settings) else {
            return;
        };
        let Ok(client) = c.finish(builder, url.as_deref()) else {
            return;
        };
        let list = client
            .request(Method::GET, "/ssh_keys")
            .list::<Value>()
            .collect()
            .await;
        let Ok(portal) = list else { return };
        let offered = offered(gateway).await;
        if offered.is_empty() {
            found.add(
                "info",
                "ssh key",
                "ssh has no key to offer",
                "ssh-keygen -t ed25519",
            );
            return;
        }
        let bare = |text: &str| text.trim_start_matches("MD5:").to_lowercase();
        let known: Vec<String> = offered
            .iter()
            .filter_map(|(name, fingerprint)| {
                let key = portal.iter().find(|key| {
                    key["fingerprint"]
                        .as_str()
                        .is_some_and(|print| bare(print) == bare(fingerprint))
                })?;
                Some(format!(
                    "{name} ({})",
                    key["comment"].as_str().unwrap_or("no comment")
                ))
            })
            .collect();
        let names: Vec<&str> = offered.iter().map(|(name, _)| name.as_str()).collect();
        match known.is_empty() {
            false => found.add(
                "pass",
                "ssh key",
                format!("the gateway takes {}", known.join(", ")),
                "",
            ),
            true => found.add(
                "info",
                "ssh key",
                format!(
                    "the portal knows none of the keys that ssh offers: {}",
                    names.join(", ")
                ),
                "wpengine ssh-key add FILE.pub",
            ),
        }
    }

    /// The keys of the agent and of the configuration: their names, and the fingerprints as the portal has them.
    async fn offered(gateway: &Gateway) -> Vec<(String, String)> {
        let mut keys = Vec::new();
        let mut add = |line: &str, name: Option<&str>| {
            // Bits, fingerprint, comment, kind.
            let words: Vec<&str> = line.split(' ').collect();
            if let [_, fingerprint, comment @ .., _] = words.as_slice()
                && fingerprint.starts_with("MD5:")
            {
                let name = name.map_or_else(|| comment.join(" "), str::to_owned);
                keys.push((name, (*fingerprint).to_owned()));
            }
        };
        let agent = said("ssh-add", &["-l", "-E", "md5"])
            .await
            .unwrap_or_default();
        agent.lines().for_each(|line| add(line, None));
        let Ok(config) = gateway.config_for("doctor") else {
            return keys;
        };
        let config = config.display().to_string();
        let settings = said("ssh", &["-F", &config, "-G", "doctor.ssh.wpengine.net"])
            .await
            .unwrap_or_default();
        for line in settings.lines() {
            let Some(file) = line.strip_prefix("identityfile ") else {
                continue;
            };
            let home = std::env::var("HOME").unwrap_or_default();
            let file = file.replacen('~', &home, 1);
            if let Some(line) = said(
                "ssh-keygen",
                &["-l", "-E", "md5", "-f", &format!("{file}.pub")],
            )
            .await
            {
                add(line.trim(), Some(&file));
            }
        }
        keys
    }

    /// What a program says, if it is there and succeeds.
    async fn said(program: &str, arguments: &[&str]) -> Option<String> {
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let run = tokio::time::timeout(std::time::Duration::from_secs(10), command.output()).await;
        let output = run.ok()?.ok().filter(|output| output.status.success())?;
        let text = [output.stdout, output.stderr].concat();
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}
