//! WP-CLI and shells on the gateway.

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use wpengine_ssh::Gateway;

use super::{plan, run};
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::{Failure, exit},
    flags::{self, Args},
    gateway,
    output::{Answer, Reply},
    tables,
    target::Target,
};

/// What a command ends with that never ran.
const NEVER_RAN: u8 = 255;

pub(super) fn leaves() -> Vec<Leaf> {
    vec![
        leaf("wp", "Run WP-CLI on installs", &[], run!(|c, a| {
            plan::refuse_read_only(c)?;
            let targets = targets(c, a).await?;
            let words = a.all("words");
            let gateway = c.gateway(a)?;
            match targets.as_slice() {
                [install] if !c.format.is_json() => {
                    never_ran(c.trust(&gateway, a, &install.name).await)?;
                    let connection = never_ran(gateway.connect(&install.name).await)?;
                    c.terminal.clear();
                    let code = never_ran(connection.wp_here(&words).await)?;
                    connection.close().await;
                    Ok(Reply::from(Answer::Nothing).exit(u8::try_from(code).unwrap_or(NEVER_RAN)))
                }
                all => on_each(c, a, &gateway, all, &words).await,
            }
        }))
        .arg(flags::many("install", "INSTALL", "Installs: ids, names, SITE/ENVIRONMENT or domains"))
        .arg(clap::Arg::new("words").value_name("ARGS").help("Arguments of WP-CLI, behind --").num_args(1..).last(true).required(true))
        .args(flags::selectors())
        .args(gateway::options())
        .calls(&["list_installs"])
        .table(&tables::WP)
        .details("Standard input is passed on. The exit code is that of WP-CLI, or 255 if it never ran; of several installs it is 7 if one of them failed. What it does is not known here, so nothing is asked: --read-only refuses it.")
        .examples(&[
            "wpengine wp torquemag -- plugin list --status=active",
            "wpengine wp --environment staging -- core version",
            "wpengine wp torquemag -- db import - < dump.sql",
        ]),
        leaf("ssh", "Open a shell on the gateway, or run a command there", &[], run!(|c, a| {
            plan::refuse_read_only(c)?;
            let install = c.install(a).await?;
            let gateway = c.gateway(a)?;
            never_ran(c.trust(&gateway, a, &install.name).await)?;
            let words = a.all("words");
            let code = match words.is_empty() {
                true => never_ran(gateway.shell(&install.name).await)?,
                false => {
                    let connection = never_ran(gateway.connect(&install.name).await)?;
                    c.terminal.clear();
                    let code = never_ran(connection.run_here(&words).await)?;
                    connection.close().await;
                    code
                }
            };
            Ok(Reply::from(Answer::Nothing).exit(u8::try_from(code).unwrap_or(NEVER_RAN)))
        }))
        .arg(flags::one("install", "INSTALL", "Install: id, name, SITE/ENVIRONMENT or domain"))
        .arg(clap::Arg::new("words").value_name("COMMAND").help("Command to run in the folder of the site, behind --").num_args(1..).last(true))
        .args(gateway::options())
        .details("A shell is the ssh of the system with `-t` and a configuration that includes yours. The exit code is that of the command, or 255 if it never ran.")
        .examples(&["wpengine ssh torquemag", "wpengine ssh torquemag -- du -sh wp-content"]),
    ]
}

/// Errors of the gateway end with the code that ssh has for them.
fn never_ran<T>(result: Result<T, impl Into<Failure>>) -> Result<T, Failure> {
    result.map_err(|error| {
        let mut failure = error.into();
        failure.exit = NEVER_RAN;
        failure
    })
}

/// The installs that names or selectors mean.
async fn targets(c: &Ctx, a: Args<'_>) -> Result<Vec<Target>, Failure> {
    c.installs(a).await
}

async fn on_each(
    c: &Ctx,
    a: Args<'_>,
    gateway: &Gateway,
    targets: &[Target],
    words: &[String],
) -> Result<Reply, Failure> {
    if let Some(first) = targets.first() {
        c.trust(gateway, a, &first.name).await?;
    }
    let mut results = stream::iter(targets.iter().map(|target| async move {
        let work = async {
            let connection = gateway.connect(&target.name).await?;
            let done = connection.wp(words).await;
            connection.close().await;
            done
        };
        (target, work.await)
    }))
    // The gateway takes no more connections of one user.
    .buffered(c.globals.jobs.clamp(1, 4));
    let (mut rows, mut failed) = (Vec::new(), 0);
    while let Some((target, result)) = results.next().await {
        c.terminal
            .progress(&format!("{} of {} done", rows.len() + 1, targets.len()));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        rows.push(match result {
            Ok(done) => {
                failed += usize::from(done.code != 0);
                json!({ "install": target.name, "ok": done.code == 0, "code": done.code, "stdout": text(&done.stdout), "stderr": text(&done.stderr) })
            }
            Err(error) => {
                failed += 1;
                let failure = Failure::from(error);
                json!({ "install": target.name, "ok": false, "code": NEVER_RAN, "error": failure.json()["error"] })
            }
        });
    }
    c.terminal.clear();
    let code = if failed == 0 {
        exit::DONE
    } else {
        exit::PARTLY
    };
    if c.globals.output.is_none() && c.globals.jq.is_none() && !c.format.is_json() {
        return Ok(Reply::from(Answer::Text(text_of(&rows))).exit(code));
    }
    let document = json!({ "results": rows, "done": targets.len() - failed, "failed": failed });
    Ok(Reply::from(Answer::Document(document, "/results")).exit(code))
}

/// What each install said, one after the other, for people.
fn text_of(rows: &[Value]) -> String {
    let mut text = String::new();
    for row in rows {
        let name = row["install"].as_str().unwrap_or_default();
        match row["code"].as_i64() {
            Some(0) => text.push_str(&format!("== {name}\n")),
            Some(code) => text.push_str(&format!("== {name}: ended with {code}\n")),
            None => {}
        }
        for part in [&row["stdout"], &row["stderr"], &row["error"]["message"]] {
            let part = part.as_str().unwrap_or_default();
            text.push_str(part);
            if !part.is_empty() && !part.ends_with('\n') {
                text.push('\n');
            }
        }
    }
    text
}

/// Asks WordPress on each install for its version and its plugins, and gives them to the mirror.
///
/// Returns how many could not be asked.
pub(super) async fn record_versions(c: &Ctx, a: Args<'_>) -> Result<usize, Failure> {
    let gateway = c.gateway(a)?;
    let fleet = c.fleet()?;
    let rows = fleet
        .sql("SELECT id, name FROM installs WHERE gone_at IS NULL AND coalesce(status, 'active') = 'active' ORDER BY name")
        .await?;
    let installs: Vec<(String, String)> = rows
        .rows
        .iter()
        .filter_map(|row| {
            Some((
                row.first()?.as_str()?.to_owned(),
                row.get(1)?.as_str()?.to_owned(),
            ))
        })
        .collect();
    let Some((_, first)) = installs.first() else {
        return Ok(0);
    };
    c.trust(&gateway, a, first).await?;
    let mut results = stream::iter(installs.iter().map(|(id, name)| {
        let gateway = &gateway;
        async move { (name, versions_of(c, gateway, id, name).await) }
    }))
    .buffer_unordered(4);
    let (mut asked, mut failed) = (0, 0);
    while let Some((name, result)) = results.next().await {
        asked += 1;
        c.terminal
            .progress(&format!("{asked} of {} installs asked", installs.len()));
        if let Err(failure) = result {
            failed += 1;
            c.terminal.warn(&format!("{name}: {failure}"));
        }
    }
    c.terminal.clear();
    if failed == asked {
        return Err(Failure::new(
            exit::TEMPORARY,
            "gateway",
            "no install could be asked; the lines above say why",
        ));
    }
    Ok(failed)
}

async fn versions_of(c: &Ctx, gateway: &Gateway, id: &str, name: &str) -> Result<(), Failure> {
    let connection = gateway.connect(name).await?;
    // Plugins and themes are not loaded: a broken one does not keep the answer away.
    let version = connection
        .wp(&["core", "version", "--skip-plugins", "--skip-themes"])
        .await?;
    let plugins = connection
        .wp(&[
            "plugin",
            "list",
            "--format=json",
            "--fields=name,status,version,update",
            "--skip-plugins",
            "--skip-themes",
        ])
        .await?;
    connection.close().await;
    for done in [&version, &plugins] {
        if done.code != 0 {
            let said = String::from_utf8_lossy(&done.stderr);
            return Err(Failure::new(
                exit::FAILED,
                "remote",
                format!("WP-CLI ended with {}: {}", done.code, said.trim()),
            ));
        }
    }
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let plugins: Value = serde_json::from_slice(&plugins.stdout).map_err(|error| {
        Failure::new(
            exit::FAILED,
            "remote",
            format!("WP-CLI did not print JSON: {error}"),
        )
    })?;
    let fleet = c.fleet()?;
    let candidate = fleet.resolve(id).await?;
    Ok(fleet
        .record_versions(&candidate, Some(&version), &plugins)
        .await?)
}
