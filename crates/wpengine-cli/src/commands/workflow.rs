//! Work of several steps on one install.

use std::process::Stdio;

use wpengine::types::{CacheType, Environment};
use wpengine_fleet::{Class, Decision, PointStatus, State, Verdict};

use super::{fleet, notified, parsed, plan, run};
use crate::{
    command::{Leaf, leaf},
    failure::{Failure, exit},
    flags,
    gate::Gate,
    tables,
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
    let findings = || flags::switch("exit-zero", "End with 0 although there are findings");
    vec![
        leaf("install promote", "Copy an install over another one, after a backup of that one", &[], run!(|c, a| {
            let (from, to) = (c.install_named(&a.need("from")).await?, c.install_named(&a.need("to")).await?);
            if from.id == to.id {
                return Err(Failure::usage("--from and --to are the same install"));
            }
            let library = c.fleet()?;
            let mut made = library.promote(&from.candidate(c).await?, &to.candidate(c).await?).emails(notified(c, a)?);
            if a.flag("database") {
                made = made.database();
            }
            if !a.all("table").is_empty() {
                made = made.tables(a.all("table"));
            }
            let made = made.plan().await?;
            plan::carry_out(c, &made, std::slice::from_ref(&to), &format!("with {}, overwrite", from.title())).await
        }))
        .args([
            flags::named_install("from", "Install that is copied"),
            flags::named_install("to", "Install that is overwritten"),
            flags::switch("database", "Copy the database too"),
            flags::value("table", "TABLE", "Copy these tables of the database only; may be repeated").action(clap::ArgAction::Append),
            flags::notify(),
        ])
        .changes()
        .calls(&["get_install", "create_backup", "list_backups", "get_backup", "copy_install", "purge_cache"])
        .table(&tables::STEPS)
        .details("The files are copied; the database only with --database or --table. The copy begins when the backup is completed. The API does not say when a copy ends, only the e-mail does.")
        .examples(&["wpengine install promote --from torqueeventstg --to torqueevents --notify ops@example.com --dry-run"]),
        leaf("install stage", "Create another environment of a site, with a copy of an install", &[], run!(|c, a| {
            let from = c.install_named(&a.need("from")).await?;
            let environment: Environment = parsed(&a.text("environment").unwrap_or_else(|| "staging".to_owned()))?;
            let mut made = c.fleet()?.set_up(&from.candidate(c).await?, a.need("name")).environment(environment).emails(notified(c, a)?);
            if a.flag("no-database") {
                made = made.without_database();
            }
            let made = made.plan().await?;
            // What is overwritten is the new install, and nothing that is there now.
            let mut target = Target::new(Kind::Install, "", a.need("name"));
            target.environment = Some(a.text("environment").unwrap_or_else(|| "staging".to_owned()));
            plan::carry_out(c, &made, std::slice::from_ref(&target), &format!("with a copy of {}, create", from.title())).await
        }))
        .args([
            flags::named_install("from", "Install that is copied"),
            flags::value("name", "NAME", "Name of the new install").required(true),
            flags::environment(),
            flags::switch("no-database", "Copy the files only"),
            flags::notify(),
        ])
        .changes()
        .gated(Gate::Moderate)
        .calls(&["get_install", "create_install", "copy_install"])
        .table(&tables::STEPS)
        .examples(&["wpengine install stage --from torquemag --name torquemagstg --notify ops@example.com --yes"]),
        leaf("install guard", "Back an install up, run a command, purge the caches", &[], run!(|c, a| {
            let install = c.install(a).await?;
            let command = a.all("command");
            let (program, arguments) = command.split_first().ok_or_else(|| Failure::usage("give the command behind --"))?;
            if !can_run(program) {
                return Err(Failure::usage(format!("there is no program `{program}` to run; nothing was sent")));
            }
            let kind: CacheType = parsed(&a.text("purge").unwrap_or_else(|| "all".to_owned()))?;
            let made = c.fleet()?.guard(&install.candidate(c).await?).emails(notified(c, a)?).purge(kind).plan().await?;
            if c.globals.dry_run {
                return plan::carry_out(c, &made, std::slice::from_ref(&install), "back up").await;
            }
            // A backup and a purge need no confirmation.
            plan::refuse_read_only(c)?;
            let outcome = plan::perform(c, &made).await?;
            let State::YourTurn { step } = outcome.state else { return plan::finish(c, &made, outcome) };
            c.terminal.say(&format!("the backup is completed; running {program}"));
            let status = tokio::process::Command::new(program)
                .args(arguments)
                .stdin(Stdio::inherit())
                .kill_on_drop(true)
                .status()
                .await
                .map_err(|error| Failure::usage(format!("cannot run {program}: {error}")))?;
            if !status.success() {
                let mut failure = Failure::new(exit::FAILED, "command_failed", format!("{program} ended with {status}; the caches were not purged"));
                if let Some(backup) = outcome.steps.iter().find_map(|step| step.made.clone()) {
                    failure = failure.next(format!("wpengine backup restore {backup} -i {}", install.name));
                }
                return Err(failure
                    .next(format!("wpengine plan resume {} --done {}", made.id, step + 1))
                    .next(format!("wpengine plan abandon {}", made.id)));
            }
            c.fleet()?.decide(&made, step, Decision::Done).await?;
            let outcome = plan::perform(c, &made).await?;
            plan::finish(c, &made, outcome)
        }))
        .arg(install())
        .args([
            flags::notify(),
            flags::value("purge", "TYPE", "Cache to purge afterwards: object, page, cdn or all; all by default").value_parser(["object", "page", "cdn", "all"]),
            clap::Arg::new("command").value_name("COMMAND").help("Command to run when the backup is completed").num_args(1..).last(true).required(true),
        ])
        .changes()
        .calls(&["get_install", "create_backup", "list_backups", "get_backup", "purge_cache"])
        .table(&tables::STEPS)
        .examples(&["wpengine install guard torquemag --notify ops@example.com -- ./deploy.sh"]),
        leaf("install check", "Check whether an install is ready to go live", &[], run!(|c, a| {
            let install = c.install(a).await?;
            c.terminal.step("checking domains, DNS, certificates and backups; this takes about a minute");
            let result = c.fleet()?.go_live(&install.candidate(c).await?).await?;
            let found = !result.data.ready || result.data.points.iter().any(|point| point.status != PointStatus::Pass);
            fleet::judged(fleet::observed(c, &result, "/data/points")?, a, found)
        }))
        .args([install(), findings()])
        .calls(&["get_install", "list_domains", "check_domain_status", "get_domain_report", "list_certificates", "list_backups", "get_account_limits", "get_account_usage"])
        .table(&tables::POINTS)
        .details("Ends with 6 if a point did not pass.")
        .examples(&["wpengine install check torquemag"]),
        leaf("install diff", "Compare two installs", &[], run!(|c, a| {
            let (one, other) = (c.install_named(&a.need("first")).await?, c.install_named(&a.need("second")).await?);
            let pair = [one.candidate(c).await?, other.candidate(c).await?];
            c.fleet()?.sync().only(Class::ALL).of(&pair).run().await?;
            let result = c.fleet()?.difference(&pair[0], &pair[1]).await?;
            let found = !result.data.is_empty();
            fleet::judged(fleet::observed(c, &result, "/data")?, a, found)
        }))
        .args([flags::one("first", "INSTALL", "One install"), flags::one("second", "INSTALL", "The other"), findings()])
        .table(&tables::DIFFERENCES)
        .details("Ends with 6 if they differ.")
        .examples(&["wpengine install diff torqueevents torqueeventstg"]),
        leaf("install diagnose", "Look for what is wrong with an install", &[], run!(|c, a| {
            let install = c.install(a).await?;
            let result = c.fleet()?.diagnose(&install.candidate(c).await?).await?;
            let found = !matches!(result.data.verdict, Verdict::Healthy);
            if !found {
                c.terminal.say(&format!("{} is healthy", install.name));
            }
            fleet::judged(fleet::observed(c, &result, "/data/findings")?, a, found)
        }))
        .args([install(), findings()])
        .table(&tables::FINDINGS)
        .details("It reads the install, its backups, certificates and domains, and what is known of its account. Ends with 6 if there is a finding.")
        .examples(&["wpengine install diagnose torquemag", "wpengine install diagnose torquemag -o json"]),
    ]
}

/// Whether a program can be found, before anything is done for it.
fn can_run(program: &str) -> bool {
    if program.contains('/') {
        return std::path::Path::new(program).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}
