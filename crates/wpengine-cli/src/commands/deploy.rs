//! Deployments over the gateway, or by `git push`.

use std::{path::PathBuf, process::Stdio, time::Duration};

use serde_json::{Value, json};
use wpengine_ssh::{
    Gateway,
    deploy::{Gates, Options, Page, Plan, Push, Released, Site, Tree},
};

use super::{notified, one, run};
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::{Failure, exit},
    flags::{self, Args},
    gate::{self, Gate, Intent},
    gateway,
    output::{Answer, Reply},
    tables,
    target::Target,
};

pub(super) fn leaves() -> Vec<Leaf> {
    let install = || {
        flags::one(
            "install",
            "INSTALL",
            "Install: id, name, SITE/ENVIRONMENT or domain",
        )
    };
    let path = || {
        clap::Arg::new("path")
            .value_name("PATH")
            .help("Folder whose files are deployed; this one by default")
            .value_hint(clap::ValueHint::DirPath)
    };
    let what = || {
        [
            flags::value("to", "FOLDER", "Folder of the site, from its root, such as wp-content/themes/acme; the root by default"),
            flags::value("adopt", "PATH", "Take over this file or folder of the site, which no release brought; may be repeated").action(clap::ArgAction::Append),
        ]
    };
    let how = || {
        [
            flags::value("note", "TEXT", "Why, for the log").short('m'),
            flags::switch(
                "no-lint",
                "Do not let the install's PHP read the files that changed",
            ),
            flags::switch("no-purge", "Do not purge the caches"),
            flags::switch("no-check", "Do not ask for the home page before and after"),
            flags::value(
                "check-url",
                "URL",
                "Page that must work, instead of the home page; {install} stands for the name",
            ),
            flags::value(
                "check-after",
                "TIME",
                "Wait until the page is asked for: files show after some seconds; 6s by default",
            )
            .value_parser(flags::duration),
        ]
    };
    vec![
        leaf("deploy run", "Deploy a folder to an install", &[], run!(|c, a| deploy(c, a).await))
            .args([install(), path()])
            .args(what())
            .args(how())
            .args([
                flags::switch("backup", "Create a backup before, and wait until it is completed"),
                flags::value("backup-within", "TIME", "Refuse if there is no completed backup of the last, such as 24h").value_parser(flags::duration),
                flags::notify(),
                flags::value("via", "WAY", "Way: ssh, or git for a push of a commit; ssh by default").value_parser(["ssh", "git"]),
                flags::value("branch", "NAME", "With --via git: branch to push to; main by default"),
                flags::value("git-host-key", "FINGERPRINT", "With --via git: accept the host key of git.wpengine.com, if it is this one"),
                flags::value("revision", "COMMIT", "With --via git: what to push; HEAD by default"),
                clap::Arg::new("command").value_name("COMMAND").help("Command that must succeed after the deployment, behind --").num_args(1..).last(true),
            ])
            .args(gateway::options())
            .changes()
            .gated(Gate::Severe)
            .calls(&["get_install", "list_backups", "create_backup", "get_backup", "purge_cache"])
            .table(&tables::RELEASED)
            .details("Files whose content is the same are not written. What changed is sent beside the site, read by the install's PHP, and moved in by one script; what it replaces is kept. Files of the platform, uploads, and what others put into mu-plugins or as drop-ins are never sent or deleted; only what an earlier deployment brought is deleted. Files get the mode 664, folders 775. .deployignore and .gitignore exclude files.\n\nIf the home page, --check-url or COMMAND does not work afterwards, the release is taken back and the exit code is 6. Many files are not replaced at one instant, and the database is never touched.")
            .examples(&[
                "wpengine deploy run torquemag ./theme --to wp-content/themes/torque --dry-run",
                "wpengine deploy run torquemag ./theme --to wp-content/themes/torque --confirm torquemag -m 'new header'",
                "wpengine deploy run torquemagstg --via git --confirm torquemagstg",
            ]),
        leaf("deploy plan", "Show what a deployment would change", &[], run!(|c, a| {
            let install = c.install(a).await?;
            let tree = tree(a).await?;
            let gateway = c.gateway(a)?;
            c.trust(&gateway, a, &install.name).await?;
            let mut site = gateway.site(&install.name);
            let plan = site.plan(&tree, &a.all("adopt")).await?;
            site.close().await;
            Ok(planned(c, &install, &plan))
        }))
        .args([install(), path()])
        .args(what())
        .args(gateway::options())
        .table(&tables::PLANNED_FILES)
        .examples(&["wpengine deploy plan torquemag ./theme --to wp-content/themes/torque"]),
        leaf("deploy resume", "Go on with a deployment that was interrupted", &[], run!(|c, a| {
            let install = c.install(a).await?;
            super::plan::refuse_read_only(c)?;
            let tree = match a.text("path") {
                Some(_) => Some(tree(a).await?),
                None => None,
            };
            let mut site = site(c, a, &install).await?;
            let releases = site.releases().await?;
            let Some(lock) = releases.lock else {
                c.terminal.say(&format!("no deployment to {} was interrupted", install.name));
                return Ok(one(json!({ "install": install.name, "last": releases.last, "resumed": false })));
            };
            if c.globals.dry_run {
                return Ok(one(json!({ "dry_run": true, "install": install.name, "release": lock.release, "state": lock.state })));
            }
            let work = c.tap.work("deploy resume", &install.name);
            let resumed = site.resume(tree.as_ref(), &options(a, None)).await;
            work.end(outcome(&resumed));
            site.close().await;
            let Some(released) = resumed? else {
                return Ok(one(json!({ "install": install.name, "resumed": false })));
            };
            purge(c, a, &install).await;
            finished(c, &install, &released.id, "released").await;
            c.terminal.say(&format!("look whether {} works: this did not ask for its pages", install.name));
            Ok(one(release_of(c, &install, &released)))
        }))
        .args([install(), path()])
        .args(what())
        .args([
            flags::switch("no-lint", "Do not let the install's PHP read the files that changed"),
            flags::switch("no-purge", "Do not purge the caches"),
        ])
        .args(gateway::options())
        .changes()
        .gated(Gate::Open)
        .calls(&["get_install", "purge_cache"])
        .table(&tables::RELEASED)
        .details("If not all files were sent, the folder is needed, with the same --to. To take it back instead: wpengine deploy rollback INSTALL.")
        .examples(&["wpengine deploy resume torquemag", "wpengine deploy resume torquemag ./theme --to wp-content/themes/torque"]),
        leaf("deploy log", "List the deployments to an install", &[], run!(|c, a| {
            let install = c.install(a).await?;
            let mut site = site(c, a, &install).await?;
            let releases = site.releases().await?;
            site.close().await;
            if let Some(lock) = &releases.lock {
                let has_begun = matches!(lock.state.as_str(), "moving" | "undoing" | "applied" | "undone");
                let then = match (has_begun, lock.expires_in > 0) {
                    (true, _) => "if it was interrupted, go on: wpengine deploy resume, or back: wpengine deploy rollback",
                    (false, true) => "the site is as it was before; if it was interrupted: wpengine deploy resume, or wpengine deploy unlock --force",
                    (false, false) => "it was interrupted, and the site is as it was before; the next deployment takes its place",
                };
                let state = if lock.state.is_empty() { "begun" } else { &lock.state };
                c.terminal.say(&format!("{} deploys now, release {}, {state}: {then}", lock.by, lock.release));
            }
            let mut rows = Vec::new();
            for record in &releases.log {
                let mut row = record.0.clone();
                let id = row["id"].as_str().unwrap_or_default().to_owned();
                row["current"] = json!(id == releases.last && row["result"] == "released");
                row["kept"] = json!(releases.held.iter().any(|held| held.id == id && held.state == "applied"));
                rows.push(row);
            }
            rows.reverse();
            Ok(Answer::Document(json!({ "log": rows, "last": releases.last, "lock": releases.lock }), "/log").into())
        }))
        .arg(install())
        .args(gateway::options())
        .table(&tables::RELEASES)
        .details("The newest is the first. `kept` says whether it can be taken back.")
        .examples(&["wpengine deploy log torquemag"]),
        leaf("deploy rollback", "Take the last deployment back", &[], run!(|c, a| {
            let install = c.install(a).await?;
            let mut site = site(c, a, &install).await?;
            let releases = site.releases().await?;
            let down_to = a.text("release");
            let first = releases.lock.as_ref().map_or(releases.last.clone(), |lock| lock.release.clone());
            let what = match &down_to {
                Some(id) => format!("take back all deployments down to {id}, and overwrite files of"),
                None if first.is_empty() => return Err(Failure::not_found(format!("nothing was deployed to {} that could be taken back", install.name))),
                None => format!("take back the deployment {first}, and overwrite files of"),
            };
            let notes = vec!["what it replaced and deleted comes back; the database stays as it is".to_owned()];
            gate::pass(c, Intent { gate: Gate::Severe, what, targets: std::slice::from_ref(&install), notes }).await?;
            super::plan::refuse_read_only(c)?;
            if c.globals.dry_run {
                return Ok(one(json!({ "dry_run": true, "install": install.name, "release": first, "down_to": down_to })));
            }
            let work = c.tap.work("deploy rollback", &install.name);
            c.goes_on_with(format!("wpengine deploy log {}", install.name));
            let taken = site.rollback(down_to.as_deref(), &options(a, None)).await;
            work.end(outcome(&taken));
            site.close().await;
            let taken = taken?;
            purge(c, a, &install).await;
            let last = taken.last();
            for release in taken.iter().filter(|release| !release.kept_aside.is_empty()) {
                c.terminal.warn(&format!(
                    "{} files had been changed since the release {}; they are kept below _wpeprivate/wpengine/aside/{}: {}",
                    release.kept_aside.len(), release.id, release.id, release.kept_aside.iter().take(5).cloned().collect::<Vec<_>>().join(", ")
                ));
            }
            for release in &taken {
                finished(c, &install, &release.id, "rolled_back").await;
            }
            let rows: Vec<Value> = taken.iter().map(|release| release_of(c, &install, release)).collect();
            c.terminal.say(&format!("{} is as it was before {}", install.name, last.map_or("", |release| release.id.as_str())));
            Ok(Answer::Document(json!({ "taken_back": rows }), "/taken_back").into())
        }))
        .arg(install())
        .args([
            flags::value("release", "ID", "Take back all releases down to this one, and this one too"),
            flags::switch("no-purge", "Do not purge the caches"),
        ])
        .args(gateway::options())
        .changes()
        .gated(Gate::Severe)
        .calls(&["get_install", "purge_cache"])
        .table(&tables::RELEASED)
        .details("What the deployment replaced and deleted comes back, and what it brought goes. Files that somebody changed since are kept beside the site. The database stays as it is. A deployment with --via git is taken back by another push.")
        .examples(&["wpengine deploy rollback torquemag --confirm torquemag"]),
        leaf("deploy unlock", "Remove the lock of a deployment that was killed", &[], run!(|c, a| {
            let install = c.install(a).await?;
            let mut site = site(c, a, &install).await?;
            let releases = site.releases().await?;
            let Some(lock) = releases.lock else {
                return Ok(one(json!({ "install": install.name, "unlocked": false })));
            };
            let notes = vec![format!("release {} of {}: {}", lock.release, lock.by, lock.state)];
            gate::pass(c, Intent { gate: Gate::Moderate, what: "remove the lock of".to_owned(), targets: std::slice::from_ref(&install), notes }).await?;
            super::plan::refuse_read_only(c)?;
            if c.globals.dry_run {
                return Ok(one(json!({ "dry_run": true, "install": install.name, "lock": lock })));
            }
            let unlocked = site.unlock(a.flag("force")).await?;
            site.close().await;
            Ok(one(json!({ "install": install.name, "unlocked": unlocked })))
        }))
        .arg(install())
        .arg(flags::switch("force", "Although it has not expired"))
        .args(gateway::options())
        .changes()
        .gated(Gate::Moderate)
        .details("A lock goes by itself 15 minutes after the last sign of life. One whose release has begun to change the site goes with it: deploy resume or deploy rollback.")
        .examples(&["wpengine deploy unlock torquemag --force --yes"]),
    ]
}

/// The site of an install, whose gateway is trusted.
async fn site(c: &Ctx, a: Args<'_>, install: &Target) -> Result<Site, Failure> {
    let gateway = c.gateway(a)?;
    c.trust(&gateway, a, &install.name).await?;
    Ok(gateway.site(&install.name))
}

async fn tree(a: Args<'_>) -> Result<Tree, Failure> {
    let path = PathBuf::from(a.text("path").unwrap_or_else(|| ".".to_owned()));
    let target = a.text("to").unwrap_or_default();
    // A large folder takes a while, and Ctrl-C works meanwhile.
    let read = tokio::task::spawn_blocking(move || Tree::read(&path, &target)).await;
    Ok(read.map_err(|panic| Failure::new(exit::FAILED, "file", panic.to_string()))??)
}

fn options(a: Args<'_>, agreed: Option<Plan>) -> Options {
    let name = |variables: [&str; 2]| {
        variables
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    };
    let user = name(["USER", "LOGNAME"]).unwrap_or_else(|| "somebody".to_owned());
    let host = name(["HOSTNAME", "HOST"]).or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let mut options = Options::default();
    options.by = match host {
        Some(host) => format!("{user} on {}", host.trim()),
        None => user,
    };
    options.note = a.text("note");
    options.lint = !a.flag("no-lint");
    options.adopt = a.all("adopt");
    options.agreed = agreed;
    options
}

/// What the audit log says of a work's end.
fn outcome<T>(result: &Result<T, wpengine_ssh::Error>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(error) if error.kind() == wpengine_ssh::ErrorKind::Unknown => "unknown",
        Err(_) => "not done",
    }
}

fn counts(plan: &Plan) -> String {
    format!(
        "{} new, {} changed, {} deleted",
        plan.created.len(),
        plan.changed.len(),
        plan.deleted.len()
    )
}

fn planned(c: &Ctx, install: &Target, plan: &Plan) -> Reply {
    let mut rows: Vec<Value> = Vec::new();
    for (change, paths) in [
        ("create", &plan.created),
        ("change", &plan.changed),
        ("delete", &plan.deleted),
    ] {
        rows.extend(
            paths
                .iter()
                .map(|path| json!({ "change": change, "path": path })),
        );
    }
    rows.extend(
        plan.protected
            .iter()
            .map(|file| json!({ "change": "protected", "path": file.path, "why": file.why })),
    );
    c.terminal.say(&format!(
        "{}: {}, {} the same, {} protected",
        install.name,
        counts(plan),
        plan.unchanged,
        plan.protected.len()
    ));
    if let Some(lock) = &plan.lock {
        c.terminal.warn(&format!(
            "{} deploys to {} now: release {}, {}",
            lock.by, install.name, lock.release, lock.state
        ));
    }
    Reply::from(Answer::Document(
        json!({ "install": install.name, "target": plan.target, "files": rows, "unchanged": plan.unchanged, "after": plan.after, "lock": plan.lock }),
        "/files",
    ))
    .table(&tables::PLANNED_FILES)
}

fn release_of(c: &Ctx, install: &Target, released: &Released) -> Value {
    let mut value = json!({
        "release": released.id,
        "install": install.name,
        "seconds": released.seconds,
        "counts": { "created": released.created.len(), "changed": released.changed.len(), "deleted": released.deleted.len() },
    });
    // A person has seen them in the plan; there can be thousands.
    if c.format.is_json() {
        value["created"] = json!(released.created);
        value["changed"] = json!(released.changed);
        value["deleted"] = json!(released.deleted);
        value["protected"] = json!(released.protected);
    }
    value
}

async fn deploy(c: &Ctx, a: Args<'_>) -> Result<Reply, Failure> {
    if !c.globals.dry_run {
        super::plan::refuse_read_only(c)?;
    }
    let install = c.install(a).await?;
    let page = match a.flag("no-check") {
        true => None,
        false => Some(page(a, &install)?),
    };
    if a.text("via").as_deref() == Some("git") {
        return push(c, a, &install, page).await;
    }
    for (flag, given) in [
        ("--branch", a.text("branch")),
        ("--revision", a.text("revision")),
    ] {
        if given.is_some() {
            return Err(Failure::usage(format!("{flag} goes with --via git")));
        }
    }
    let tree = tree(a).await?;
    let gateway = c.gateway(a)?;
    c.trust(&gateway, a, &install.name).await?;
    let mut site = gateway.site(&install.name);
    let plan = site.plan(&tree, &a.all("adopt")).await?;
    if c.globals.dry_run {
        confirm(c, &install, &plan).await?;
        site.close().await;
        return Ok(planned(c, &install, &plan));
    }
    if plan.is_empty() {
        site.close().await;
        if plan.unchanged == 0 {
            let mut failure = Failure::new(
                exit::FINDINGS,
                "refused",
                format!(
                    "none of the {} files may be sent to {}; nothing was done",
                    plan.protected.len(),
                    install.name
                ),
            );
            for file in plan.protected.iter().take(10) {
                failure
                    .candidates
                    .push(format!("{} {}", file.path, file.why));
            }
            return Err(failure);
        }
        c.terminal.say(&format!(
            "nothing to deploy: all {} files are there already",
            plan.unchanged
        ));
        return Ok(one(
            json!({ "install": install.name, "release": null, "counts": { "created": 0, "changed": 0, "deleted": 0 } }),
        ));
    }
    confirm(c, &install, &plan).await?;
    super::plan::refuse_read_only(c)?;
    before(c, a, &install, page.as_ref()).await?;
    let mut options = options(a, Some(plan));
    options.commit = commit(a).await;
    // It says how far it is, and how to go on.
    c.goes_on_with(format!("wpengine deploy log {}", install.name));
    let work = c.tap.work("deploy run", &install.name);
    let released = site.release(&tree, &options).await;
    work.end(outcome(&released));
    let released = released?;
    purge(c, a, &install).await;
    if let Err(why) = after(c, a, page.as_ref()).await {
        return Err(taken_back(
            c,
            a,
            &install,
            &mut site,
            &options,
            (&released, &tree),
            &why,
        )
        .await);
    }
    site.close().await;
    finished(c, &install, &released.id, "released").await;
    let mut value = release_of(c, &install, &released);
    if let Some(page) = &page {
        value["checked"] = json!(page.url());
    }
    c.terminal.say(&format!(
        "released {} in {:.1} s; take it back with: wpengine deploy rollback {}",
        released.id,
        released.seconds.unwrap_or_default(),
        install.name
    ));
    Ok(one(value))
}

async fn confirm(c: &Ctx, install: &Target, plan: &Plan) -> Result<(), Failure> {
    let place = match plan.target.as_str() {
        "" => "the root".to_owned(),
        target => target.to_owned(),
    };
    let mut notes: Vec<String> = Vec::new();
    for (word, paths) in [
        ("new", &plan.created),
        ("change", &plan.changed),
        ("delete", &plan.deleted),
    ] {
        notes.extend(paths.iter().take(5).map(|path| format!("{word} {path}")));
        if paths.len() > 5 {
            notes.push(format!("{word} {} more", paths.len() - 5));
        }
    }
    if !plan.protected.is_empty() {
        notes.push(format!(
            "{} files are not touched: wpengine deploy plan names them",
            plan.protected.len()
        ));
    }
    let what = format!("deploy {} to {place}, and overwrite files of", counts(plan));
    gate::pass(
        c,
        Intent {
            gate: Gate::Severe,
            what,
            targets: std::slice::from_ref(install),
            notes,
        },
    )
    .await
}

/// The page that must work.
fn page(a: Args<'_>, install: &Target) -> Result<Page, Failure> {
    let given = a.text_or("check-url", "WPENGINE_CHECK_URL");
    let url = given.unwrap_or_else(|| {
        let domain = ["primary_domain", "cname"]
            .iter()
            .find_map(|name| install.value[*name].as_str());
        format!(
            "https://{}/",
            domain.map_or_else(|| format!("{}.wpengine.com", install.name), str::to_owned)
        )
    });
    Ok(Page::new(&url.replace("{install}", &install.name))?)
}

/// What must be so before a deployment.
async fn before(
    c: &Ctx,
    a: Args<'_>,
    install: &Target,
    page: Option<&Page>,
) -> Result<(), Failure> {
    c.terminal
        .progress(&format!("{}: asking the API", install.name));
    if a.flag("backup") {
        let emails = notified(c, a)?;
        let backups = c.client()?.install(install.id.as_str()).backups();
        let sent = c
            .write(
                "create_backup",
                install,
                backups.create("before a deployment", emails).send(),
            )
            .await?;
        let wait = c
            .client()?
            .install(install.id.as_str())
            .backup(super::id_of(&sent))
            .wait();
        c.wait(install, "the backup", wait, None).await?;
    }
    let mut gates = Gates::new(c.client()?, &install.id);
    if let Some(age) = a.time("backup-within") {
        gates = gates.backup_within(age);
    }
    gates
        .pass()
        .await
        .map_err(|error| Failure::from(error).about(install.title()))?;
    if let Some(page) = page {
        page.works().await.map_err(|error| {
            Failure::new(
                exit::FINDINGS,
                "refused",
                format!("{error}. It must work before a deployment, else nobody can say whether that broke it; nothing was sent. Deploy without this with --no-check, or name another page with --check-url"),
            )
        })?;
    }
    Ok(())
}

async fn purge(c: &Ctx, a: Args<'_>, install: &Target) {
    if a.flag("no-purge") {
        return;
    }
    c.terminal
        .progress(&format!("{}: purging the caches", install.name));
    let purged = match c.client() {
        Ok(client) => Gates::new(client, &install.id)
            .purge()
            .await
            .map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = purged {
        c.terminal.warn(&format!("the caches were not purged, so visitors may see the old pages for a while: {failure}\nNext: wpengine cache purge {}", install.name));
    }
}

/// Whether the site works. The reason if it does not.
async fn after(c: &Ctx, a: Args<'_>, page: Option<&Page>) -> Result<(), String> {
    if let Some(page) = page {
        let wait = a.time("check-after").unwrap_or(Duration::from_secs(6));
        c.terminal.progress(&format!(
            "asking for {} in {} s",
            page.url(),
            wait.as_secs()
        ));
        tokio::time::sleep(wait).await;
        page.works().await.map_err(|error| error.to_string())?;
    }
    let command = a.all("command");
    if let Some((program, arguments)) = command.split_first() {
        c.terminal.say(&format!("running {program}"));
        let status = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await;
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(format!("{program} ended with {status}")),
            Err(error) => return Err(format!("{program} cannot be run: {error}")),
        }
    }
    Ok(())
}

/// Tells those who watch the fleet how a release ended.
async fn finished(c: &Ctx, install: &Target, release: &str, result: &str) {
    #[cfg(feature = "events")]
    super::events::deployed(c, install, release, result).await;
    #[cfg(not(feature = "events"))]
    let _ = (c, install, release, result);
}

/// A release whose check failed is taken back.
async fn taken_back(
    c: &Ctx,
    a: Args<'_>,
    install: &Target,
    site: &mut Site,
    options: &Options,
    (released, tree): (&Released, &Tree),
    why: &str,
) -> Failure {
    let release = &released.id;
    c.terminal
        .say(&format!("the check failed: {why}; taking the release back"));
    let work = c.tap.work("deploy rollback", &install.name);
    let taken = site.take_back_release(released, tree, options).await;
    work.end(outcome(&taken));
    let result = if taken.is_ok() {
        "rolled_back"
    } else {
        "unknown"
    };
    finished(c, install, release, result).await;
    match taken {
        Ok(_) => {
            purge(c, a, install).await;
            Failure::new(
                exit::FINDINGS,
                "rolled_back",
                format!("the site did not work after the release {release}, so it was taken back: {} is as it was before\n  {why}", install.name),
            )
        }
        Err(error) => Failure::new(
            exit::UNKNOWN,
            "unknown",
            format!("the site did not work after the release {release}, and it could not be taken back\n  {why}\n  {error}"),
        )
        .next(format!("wpengine deploy rollback {}", install.name)),
    }
}

/// The commit that is checked out in the folder, if it is a repository.
async fn commit(a: Args<'_>) -> Option<String> {
    let path = a.text("path").unwrap_or_else(|| ".".to_owned());
    let mut git = tokio::process::Command::new("git");
    git.args(["-C", &path, "rev-parse", "HEAD"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = git
        .output()
        .await
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

async fn push(
    c: &Ctx,
    a: Args<'_>,
    install: &Target,
    page: Option<Page>,
) -> Result<Reply, Failure> {
    if a.text("to")
        .is_some_and(|to| !to.trim_matches(['/', '.']).is_empty())
    {
        return Err(Failure::usage(
            "--via git deploys a whole repository to the root of the site: --to does not go with it",
        ));
    }
    let gateway = c.gateway(a)?;
    let repository = a.text("path").unwrap_or_else(|| ".".to_owned());
    let mut push = Push::new(repository, &install.name);
    if let Some(branch) = a.text("branch") {
        push = push.branch(&branch);
    }
    if let Some(revision) = a.text("revision") {
        push = push.revision(&revision);
    }
    if a.flag("no-lint") || !a.all("adopt").is_empty() {
        return Err(Failure::usage(
            "--no-lint and --adopt do not go with --via git: the service has rules of its own",
        ));
    }
    let commit = push.check().await?;
    if push.is_dirty().await? {
        c.terminal
            .warn("there are changes that are not committed; they are not deployed");
    }
    c.trust_git(&gateway, a).await?;
    let previous = gateway.pushed(&push).await?;
    let what = format!("push the commit {commit} to the root, and overwrite files of");
    let notes = vec![match &previous {
        Some(previous) => format!("the commit before it is {previous}"),
        None => {
            "nothing was pushed to this branch before: it cannot be taken back by a push".to_owned()
        }
    }];
    gate::pass(
        c,
        Intent {
            gate: Gate::Severe,
            what,
            targets: std::slice::from_ref(install),
            notes,
        },
    )
    .await?;
    super::plan::refuse_read_only(c)?;
    if c.globals.dry_run {
        return Ok(one(
            json!({ "dry_run": true, "install": install.name, "commit": commit, "previous": previous }),
        ));
    }
    before(c, a, install, page.as_ref()).await?;
    let pushed = pushed(c, &gateway, &push, install).await?;
    purge(c, a, install).await;
    if let Err(why) = after(c, a, page.as_ref()).await {
        let message = format!("the site does not work after the push of {commit}\n  {why}");
        let Some(previous) = previous.filter(|previous| *previous != commit) else {
            return Err(Failure::new(
                exit::FINDINGS,
                "check_failed",
                format!(
                    "{message}\nNothing was pushed to this branch before, so there is nothing to push back to: the push is in place. Mend it and push again, or restore a backup"
                ),
            ));
        };
        c.terminal.say(&format!(
            "the check failed: {why}; pushing {previous} again"
        ));
        let back = push.clone().back_to(&previous, &pushed.commit);
        let back = self::pushed(c, &gateway, &back, install).await;
        purge(c, a, install).await;
        return Err(match back {
            Ok(_) => Failure::new(
                exit::FINDINGS,
                "rolled_back",
                format!("{message}\nThe commit {previous} was pushed again"),
            ),
            Err(failure) => Failure::new(
                exit::UNKNOWN,
                "unknown",
                format!("{message}\nThe commit {previous} could not be pushed again: {failure}"),
            ),
        });
    }
    Ok(one(
        json!({ "install": install.name, "commit": pushed.commit, "previous": previous, "was_there": pushed.was_there, "stages": pushed.stages }),
    ))
}

async fn pushed(
    c: &Ctx,
    gateway: &Gateway,
    push: &Push,
    install: &Target,
) -> Result<wpengine_ssh::deploy::Pushed, Failure> {
    let work = c.tap.work("deploy run", &install.name);
    let pushed = gateway.push(push).await;
    work.end(outcome(&pushed));
    Ok(pushed?)
}
