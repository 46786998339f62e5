//! Installs, and their caches.

use wpengine::types::{CacheType, Environment};

use super::{notified, one, parsed, run};
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::Failure,
    flags, tables,
    target::{Kind, Target},
};

pub(super) fn leaves() -> Vec<Leaf> {
    let install = || {
        flags::one(
            "install",
            "INSTALL",
            "Install: id, name, SITE/ENVIRONMENT or domain",
        )
    };
    let installs = || {
        flags::many(
            "install",
            "INSTALL",
            "Installs: ids, names or SITE/ENVIRONMENT; - reads them from standard input",
        )
    };
    let limit = || flags::value("for", "TIME", "Longest wait").value_parser(flags::duration);
    vec![
        leaf("install list", "List the installs", &["list_installs"], run!(|c, a| {
            let account = c.account_if_given(a).await?;
            let query: Vec<_> = account.into_iter().map(|account| ("account_id", account.id)).collect();
            let fits = c.selection(a).await?;
            Ok(c.list("list_installs", &[], &query)?.only(fits).into())
        }))
        .args(flags::selectors().into_iter().filter(|arg| arg.get_id() != "all"))
        .table(&tables::INSTALLS)
        .examples(&[
            "wpengine install list",
            "wpengine install list --environment staging --php 7.4",
            "wpengine install list --columns +created --sort created",
            "wpengine install list --jq '.[] | select(.php_version < \"8\") | .name'",
        ]),
        leaf("install get", "Show one install", &["get_install"], run!(|c, a| {
            let install = c.install(a).await?;
            Ok(one(c.read("get_install", &[&install.id], &[]).await?))
        }))
        .arg(install())
        .table(&tables::INSTALLS)
        .examples(&["wpengine install get torquemag", "wpengine install get 'Torque Magazine/production'"]),
        leaf("install create", "Create an install", &["create_install"], run!(|c, a| {
            let name = a.need("name");
            let account = c.account(a).await?;
            let mut request = c.client()?.installs().create(&name, account.id.as_str());
            if let Some(site) = a.text("site") {
                request = request.site(c.site_named(&site).await?.id);
            }
            if let Some(environment) = a.text("environment") {
                request = request.environment(parsed::<Environment>(&environment)?);
            }
            let target = Target::new(Kind::Install, "", &name).into_environment(a.text("environment"));
            c.confirm("create_install", &format!("in {}, create", account.title()), std::slice::from_ref(&target), vec!["an install counts against the plan".to_owned()]).await?;
            let sent = c.write("create_install", &target, request.send()).await?;
            match a.wait() {
                Some(limit) if !super::is_planned(&sent) => {
                    c.goes_on_with(format!("wpengine install wait {}", super::id_of(&sent)));
                    let wait = c.client()?.install(super::id_of(&sent)).wait();
                    Ok(one(c.wait(&target, "the install", wait, limit).await?))
                }
                _ => Ok(one(sent)),
            }
        }))
        .args([
            flags::one("name", "NAME", "Name: 3 to 14 lower-case letters and digits, a letter first"),
            flags::account(),
            flags::site(),
            flags::environment(),
            flags::wait(),
        ])
        .calls(&["get_install", "get_site"])
        .table(&tables::INSTALLS)
        .examples(&["wpengine install create acmestg --account acme --site 'Acme Shop' --environment staging --wait --yes"]),
        leaf("install update", "Move an install to another site or environment", &["update_install"], run!(|c, a| {
            let install = c.install(a).await?;
            let mut request = c.client()?.install(install.id.as_str()).update();
            let mut words = Vec::new();
            if let Some(site) = a.text("to-site") {
                let site = c.site_named(&site).await?;
                words.push(format!("to {}", site.title()));
                request = request.site(site.id);
            }
            if let Some(environment) = a.text("environment") {
                words.push(format!("to the environment {environment}"));
                request = request.environment(parsed::<Environment>(&environment)?);
            }
            if a.flag("clear-environment") {
                words.push("out of its environment".to_owned());
                request = request.clear_environment();
            }
            if words.is_empty() {
                return Err(Failure::usage("nothing to change: give --to-site, --environment or --clear-environment"));
            }
            let install = install.into_environment(a.text("environment"));
            c.confirm("update_install", &format!("{}, move", words.join(", ")), std::slice::from_ref(&install), Vec::new()).await?;
            Ok(one(c.write("update_install", &install, request.send()).await?))
        }))
        .args([
            install(),
            flags::value("to-site", "SITE", "Site that gets the install: id or name"),
            flags::environment(),
            flags::switch("clear-environment", "Leave it in no environment").conflicts_with("environment"),
        ])
        .calls(&["get_install", "get_site"])
        .table(&tables::INSTALLS)
        .examples(&["wpengine install update torqueeventstg --environment development --yes"]),
        leaf("install wait", "Wait until an install is active", &[], run!(|c, a| {
            let install = c.install(a).await?;
            let wait = c.client()?.install(install.id.as_str()).wait();
            Ok(one(c.wait(&install, "the install", wait, a.time("for")).await?))
        }))
        .args([install(), limit()])
        .calls(&["get_install"])
        .table(&tables::INSTALLS)
        .examples(&["wpengine install wait acmestg --for 10m"]),
        leaf("install delete", "Delete installs", &["delete_install"], run!(|c, a| {
            let targets = c.installs_by_name(a).await?;
            let mut notes = last_backup(c, &targets).await;
            notes.push("its content and its backups go with it; nothing brings them back".to_owned());
            c.confirm("delete_install", "delete", &targets, notes).await?;
            c.each(&targets, |install| async move {
                let request = c.client()?.install(install.id.as_str()).delete();
                c.write("delete_install", install, request.send()).await
            })
            .await
        }))
        .arg(installs())
        .args(flags::selectors())
        .calls(&["get_install", "list_backups", "list_installs"])
        .examples(&["wpengine install delete acmestg --dry-run", "wpengine install delete acmestg --confirm acmestg"]),
        leaf("install copy", "Copy an install over another one", &["copy_install"], run!(|c, a| {
            let (from, to) = (c.install_named(&a.need("from")).await?, c.install_named(&a.need("to")).await?);
            if from.id == to.id {
                return Err(Failure::usage("--from and --to are the same install"));
            }
            let mut request = c.client()?.install(from.id.as_str()).copy_to(to.id.as_str());
            let emails = super::notified_if_given(c, a);
            if !emails.is_empty() {
                request = request.notification_emails(emails);
            }
            if a.flag("no-files") {
                request = request.include_files(false);
            }
            if a.flag("no-database") {
                request = request.include_database(false);
            }
            if !a.all("table").is_empty() {
                request = request.tables(a.all("table"));
            }
            let mut notes = last_backup(c, std::slice::from_ref(&to)).await;
            notes.push(match (a.flag("no-files"), a.flag("no-database"), a.all("table").len()) {
                (false, false, 0) => "the files and the whole database are copied".to_owned(),
                (false, false, tables) => format!("the files and {tables} tables of the database are copied"),
                (false, true, _) => "the files are copied, the database stays".to_owned(),
                (true, false, 0) => "the whole database is copied, the files stay".to_owned(),
                (true, false, tables) => format!("{tables} tables of the database are copied, the files stay"),
                (true, true, _) => "neither files nor database are copied".to_owned(),
            });
            notes.push("`wpengine install promote` takes a backup first".to_owned());
            c.confirm("copy_install", &format!("with a copy of {}, overwrite", from.title()), std::slice::from_ref(&to), notes).await?;
            let sent = c.write("copy_install", &to, request.send()).await?;
            if !super::is_planned(&sent) {
                c.terminal.say("the copy was accepted; the API does not say when it ends, only the e-mail does");
            }
            Ok(one(sent))
        }))
        .args([
            flags::named_install("from", "Install that is copied"),
            flags::named_install("to", "Install that is overwritten"),
            flags::switch("no-files", "Leave the files as they are"),
            flags::switch("no-database", "Leave the database as it is"),
            flags::value("table", "TABLE", "Copy these tables only; may be repeated").action(clap::ArgAction::Append).conflicts_with("no-database"),
            flags::notify(),
        ])
        .calls(&["get_install", "list_backups"])
        .details("The files and the whole database are copied, unless --no-files, --no-database or --table says otherwise. The API does not say when a copy ends, only the e-mail does.")
        .examples(&["wpengine install copy --from torqueevents --to torqueeventstg --notify ops@example.com --confirm torqueeventstg"]),
        leaf("cache purge", "Purge caches", &["purge_cache"], run!(|c, a| {
            let targets = c.installs(a).await?;
            let kind: CacheType = parsed(&a.text("type").unwrap_or_else(|| "page".to_owned()))?;
            c.each(&targets, |install| {
                let kind = kind.clone();
                async move {
                    let request = c.client()?.install(install.id.as_str()).purge_cache(kind);
                    c.write("purge_cache", install, request.send()).await
                }
            })
            .await
        }))
        .arg(installs())
        .args(flags::selectors())
        .arg(flags::value("type", "TYPE", "Cache: object, page, cdn or all; page by default").value_parser(["object", "page", "cdn", "all"]))
        .calls(&["get_install", "list_installs"])
        .details("The service purges the object cache of an install once a minute; a second time waits for it.")
        .examples(&["wpengine cache purge torquemag", "wpengine cache purge --environment staging --type all"]),
        leaf("backup create", "Create backups", &["create_backup"], run!(|c, a| {
            let targets = c.installs(a).await?;
            let (text, emails) = (a.need("message"), notified(c, a)?);
            let wait = a.wait();
            c.each(&targets, |install| {
                let (text, emails) = (text.clone(), emails.clone());
                async move {
                    let backups = c.client()?.install(install.id.as_str()).backups();
                    let sent = c.write("create_backup", install, backups.create(text, emails).send()).await?;
                    match wait {
                        Some(limit) if !super::is_planned(&sent) => {
                            c.goes_on_with(format!("wpengine backup wait {} -i {}", super::id_of(&sent), install.name));
                            let wait = c.client()?.install(install.id.as_str()).backup(super::id_of(&sent)).wait();
                            c.wait(install, "the backup", wait, limit).await
                        }
                        _ => Ok(sent),
                    }
                }
            })
            .await
        }))
        .arg(installs())
        .args([
            flags::value("message", "TEXT", "Description of the backup").short('m').required(true),
            flags::notify(),
            flags::wait(),
        ])
        .args(flags::selectors())
        .calls(&["get_backup", "get_install", "list_installs"])
        .table(&tables::BACKUPS)
        .examples(&[
            "wpengine backup create torquemag -m 'before the update' --notify ops@example.com --wait",
            "wpengine backup create --environment production --account acme -m nightly --notify ops@example.com",
        ]),
    ]
}

/// How old the last backup of each production install is. What cannot be read is said.
pub(super) async fn last_backup(c: &Ctx, targets: &[Target]) -> Vec<String> {
    let mut notes = Vec::new();
    for target in targets
        .iter()
        .filter(|target| target.is_production())
        .take(10)
    {
        let read = c.all("list_backups", &[&target.id]).await;
        notes.push(match read {
            Ok(backups) => {
                let completed = backups
                    .iter()
                    .filter(|backup| backup["status"].as_str() == Some("completed"));
                match completed
                    .filter_map(|backup| backup["complete_time"].as_str())
                    .max()
                {
                    Some(at) => format!(
                        "last completed backup of {}: {}",
                        target.name,
                        crate::output::time(at, crate::output::Times::Relative)
                    ),
                    None => format!("{} has no completed backup", target.name),
                }
            }
            Err(_) => format!("the backups of {} cannot be read", target.name),
        });
    }
    notes
}
