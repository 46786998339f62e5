//! The whole fleet: what the mirror knows, read anew where it is too old.

use std::{io::Write as _, time::Duration};

use serde::Serialize;
use serde_json::{Value, json};
use wpengine::jiff::{SignedDuration, Timestamp, Zoned, civil::Date};
use wpengine_fleet::{Check, Class, Fleet, Observed, Thresholds, Verdict};

use super::run;
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::{Failure, exit},
    flags::{self, Args},
    output::{Answer, Reply},
    tables,
};

/// What is older than this is read again.
const FRESH: Duration = Duration::from_secs(10 * 60);

pub(super) fn leaves() -> Vec<Leaf> {
    let freshness = || {
        [
            flags::value(
                "max-age",
                "TIME",
                "Read again what is older; 10 minutes by default",
            )
            .value_parser(flags::duration),
            flags::switch("offline", "Read nothing: answer from the mirror as it is")
                .conflicts_with("max-age"),
        ]
    };
    let findings = || {
        [flags::switch(
            "exit-zero",
            "End with 0 although there are findings",
        )]
    };
    vec![
        leaf("fleet sync", "Read what is stale into the mirror", &[], run!(|c, a| {
            let mut classes = Vec::new();
            for name in a.all("only") {
                classes.push(class(&name)?);
            }
            let fleet = c.fleet()?;
            with_lists(c, fleet).await?;
            let make = || {
                let mut sync = fleet.sync();
                if !classes.is_empty() {
                    sync = sync.only(classes.clone());
                }
                if let Some(age) = a.time("max-age") {
                    sync = sync.max_age(age);
                }
                if let Some(most) = a.number("requests") {
                    sync = sync.requests(most);
                }
                if let Some(time) = a.time("within") {
                    sync = sync.within(time);
                }
                sync
            };
            let cost = make().plan().await?;
            c.terminal.step(&price(c, &cost));
            if a.flag("plan") {
                return Ok(Answer::One(json!({ "requests": cost.requests, "least_time_s": cost.least_time.as_secs() })).into());
            }
            let result = make().tell(|progress| {
                c.terminal.progress(&format!("{} of {} read, {} requests; {}", progress.done, progress.all, progress.requests, progress.last));
            }).run().await?;
            observed_one(c, &result)
        }))
        .args([
            flags::value("only", "CLASS", "Classes to read; may be repeated").action(clap::ArgAction::Append).value_delimiter(',').value_parser(clap::builder::PossibleValuesParser::new(Class::ALL.map(|class| class.name()))),
            flags::value("max-age", "TIME", "Read again what is older").value_parser(flags::duration),
            flags::value("requests", "N", "Send at most so many requests").value_parser(clap::value_parser!(u64)),
            flags::value("within", "TIME", "Stop after this time").value_parser(flags::duration),
            flags::switch("plan", "Only say what it would cost"),
        ])
        .details("It goes on where an earlier one stopped. Classes: accounts, sites, installs, people, limits, usage, transfers, domains, certificates, backups, details, offload.")
        .examples(&["wpengine fleet sync", "wpengine fleet sync --only domains,certificates --max-age 1d", "wpengine fleet sync --plan"]),
        leaf("fleet overview", "Count sites and installs of each account", &[], run!(|c, a| {
            let fleet = fresh(c, a, &[Class::Accounts, Class::Sites, Class::Installs]).await?;
            observed(c, &fleet.overview().await?, "/data")
        }))
        .args(freshness())
        .table(&tables::OVERVIEW)
        .examples(&["wpengine fleet overview"]),
        leaf("fleet usage", "Show what each account uses of its plan", &[], run!(|c, a| {
            let fleet = fresh(c, a, &[Class::Accounts, Class::Sites, Class::Installs, Class::Usage, Class::Limits]).await?;
            let result = fleet.overview().await?;
            let mut rows: Vec<Value> = Vec::new();
            for account in &result.data {
                for used in &account.usage {
                    let mut row = json!(used);
                    row["account"] = json!(account.account.name);
                    rows.push(row);
                }
            }
            rows.sort_by(|one, other| {
                let share = |row: &Value| row["percent"].as_f64().unwrap_or(-1.0);
                share(other).total_cmp(&share(one))
            });
            let mut document = json!(result);
            document["data"] = json!(rows);
            of_document(c, document, "/data")
        }))
        .args(freshness())
        .table(&tables::FLEET_USAGE)
        .details("The last 30 days, the fullest first.")
        .examples(&["wpengine fleet usage", "wpengine fleet usage --columns account,metric,share"]),
        leaf("fleet report", "Write a report of a month, with figures, forecasts and findings", &[], run!(|c, a| {
            let fleet = fresh(c, a, &wpengine_fleet::report_classes()).await?;
            let (first, last) = month(a.text("month").as_deref())?;
            let mut request = fleet.report(first, last);
            if !a.all("account").is_empty() {
                let mut ids = Vec::new();
                for name in a.all("account") {
                    ids.push(c.account_named(&name).await?.id);
                }
                request = request.accounts(ids);
            }
            let result = request.read().await?;
            say_failures(c, &json!(result));
            let to = a.text("to");
            if let Some(to) = &to {
                super::backup::refuse_existing(std::path::Path::new(to), a)?;
            }
            let ending = to.as_deref().and_then(|to| std::path::Path::new(to).extension()?.to_str().map(str::to_lowercase));
            let form = match (a.text("format"), ending.as_deref()) {
                (Some(form), _) => form,
                (None, Some(ending)) => ending.to_owned(),
                (None, None) if c.format.is_json() => return Ok(Reply::from(Answer::One(json!(result))).exit(if result.complete { exit::DONE } else { exit::PARTLY })),
                (None, None) => "markdown".to_owned(),
            };
            let text = match form.as_str() {
                "html" | "htm" => result.data.html(),
                "csv" => result.data.csv(),
                "md" | "markdown" | "txt" => result.data.markdown(),
                "json" => format!("{:#}\n", json!(result)),
                other => return Err(Failure::usage(format!("`{other}` is no form of a report; give --format markdown, html, csv or json"))),
            };
            let code = if result.complete { exit::DONE } else { exit::PARTLY };
            match to.as_deref() {
                None | Some("-") => Ok(Reply::from(Answer::Text(text)).exit(code)),
                Some(path) => {
                    let path = std::path::Path::new(path);
                    let folder = path.parent().filter(|folder| *folder != std::path::Path::new("")).unwrap_or(std::path::Path::new("."));
                    let failed = |error: std::io::Error| Failure::file(path, &error);
                    let mut builder = tempfile::Builder::new();
                    #[cfg(unix)]
                    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
                    let mut file = builder.tempfile_in(folder).map_err(failed)?;
                    file.write_all(text.as_bytes()).map_err(failed)?;
                    super::backup::keep(file, path, a.flag("force"))?;
                    if !c.format.is_json() {
                        c.terminal.say(&format!("written to {}", path.display()));
                        return Ok(Reply::from(Answer::Nothing).exit(code));
                    }
                    Ok(Reply::from(Answer::One(json!({ "file": path }))).exit(code))
                }
            }
        }))
        .args([
            flags::value("month", "MONTH", "Month, such as 2026-05; this one by default"),
            flags::account().action(clap::ArgAction::Append).help("Account to report on; may be repeated; all by default"),
            flags::value("format", "FORM", "Form: markdown, html, csv or json").value_parser(["markdown", "md", "html", "csv", "json"]),
            flags::value("to", "FILE", "File to write; its ending gives the form").value_hint(clap::ValueHint::FilePath),
        ])
        .args([
            super::backup::force(),
            flags::value("max-age", "TIME", "Read again what is older; 10 minutes by default").value_parser(flags::duration),
        ])
        .examples(&["wpengine fleet report", "wpengine fleet report --account acme --month 2026-05 --to acme.html"]),
        leaf("fleet certificates", "List the certificates of all installs", &[], run!(|c, a| {
            let fleet = fresh(c, a, &[Class::Installs, Class::Certificates, Class::Domains]).await?;
            let result = fleet.certificates().await?;
            let Some(within) = a.time("within") else { return observed(c, &result, "/data") };
            let end = Timestamp::now().checked_add(SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX);
            let mut document = json!(result);
            let rows = document["data"].as_array().cloned().unwrap_or_default();
            let ending: Vec<Value> = rows
                .into_iter()
                .filter(|row| {
                    let at = row.pointer("/expires_at").and_then(Value::as_str);
                    at.and_then(|at| at.parse::<Timestamp>().ok()).is_some_and(|at| at <= end)
                })
                .collect();
            let found = !ending.is_empty();
            document["data"] = json!(ending);
            judged(of_document(c, document, "/data")?, a, found)
        }))
        .arg(flags::value("within", "TIME", "Only those that expire within this time, such as 30d; ends with 6 if there are any").value_parser(flags::duration))
        .args(findings())
        .args(freshness())
        .table(&tables::FLEET_CERTIFICATES)
        .examples(&["wpengine fleet certificates --within 30d"]),
        leaf("fleet domains", "List the domains of all installs", &[], run!(|c, a| {
            let fleet = fresh(c, a, &[Class::Accounts, Class::Sites, Class::Installs, Class::Domains]).await?;
            observed(c, &fleet.domains().await?, "/data")
        }))
        .args(freshness())
        .table(&tables::FLEET_DOMAINS)
        .examples(&["wpengine fleet domains -o csv"]),
        leaf("fleet users", "List the people of all accounts, each once", &[], run!(|c, a| {
            let fleet = fresh(c, a, &[Class::Accounts, Class::People]).await?;
            let result = fleet.people().await?;
            let mut document = json!(result);
            for person in document["data"].as_array_mut().into_iter().flatten() {
                let memberships = person["accounts"].as_array().cloned().unwrap_or_default();
                let text = |membership: &Value| {
                    let name = membership.pointer("/account/name").and_then(Value::as_str).unwrap_or("?");
                    format!("{name} ({})", membership["roles"].as_str().unwrap_or("?"))
                };
                person["memberships"] = json!(memberships.iter().map(text).collect::<Vec<_>>());
            }
            of_document(c, document, "/data")
        }))
        .args(freshness())
        .table(&tables::PEOPLE)
        .examples(&["wpengine fleet users", "wpengine fleet users --jq '.data[] | select(.mfa_enabled == false) | .email'"]),
        leaf("fleet backups", "Show the last completed backup of each install", &[], run!(|c, a| {
            let fleet = fresh(c, a, &[Class::Installs, Class::Backups]).await?;
            let result = fleet.backups().await?;
            let Some(older) = a.time("older-than") else { return observed(c, &result, "/data") };
            let line = Timestamp::now().checked_sub(SignedDuration::try_from(older).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MIN);
            let mut document = json!(result);
            let rows = document["data"].as_array().cloned().unwrap_or_default();
            let old: Vec<Value> = rows
                .into_iter()
                .filter(|row| {
                    let at = row["completed_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
                    at.is_none_or(|at| at < line)
                })
                .collect();
            let found = !old.is_empty();
            document["data"] = json!(old);
            judged(of_document(c, document, "/data")?, a, found)
        }))
        .arg(flags::value("older-than", "TIME", "Only installs without one in this time, such as 7d; ends with 6 if there are any").value_parser(flags::duration))
        .args(findings())
        .args(freshness())
        .table(&tables::FLEET_BACKUPS)
        .examples(&["wpengine fleet backups --older-than 7d"]),
        leaf("fleet versions", "Show the PHP version of each install, and the WordPress version where it is known", &[], run!(|c, a| {
            let mut classes = vec![Class::Installs];
            if a.flag("wordpress") {
                classes.push(Class::Details);
            }
            let fleet = fresh(c, a, &classes).await?;
            #[cfg(all(unix, feature = "ssh"))]
            if a.flag("plugins") {
                let failed = super::remote::record_versions(c, a).await?;
                let reply = observed(c, &fleet.versions().await?, "/data")?;
                return Ok(if failed == 0 { reply } else { reply.exit(exit::PARTLY) });
            }
            observed(c, &fleet.versions().await?, "/data")
        }))
        .arg(flags::switch("wordpress", "Read the WordPress version of each install: one request each"))
        .args(super::versions_over_the_gateway())
        .args(freshness())
        .table(&tables::VERSIONS)
        .examples(&["wpengine fleet versions --sort php", "wpengine fleet versions --wordpress", "wpengine fleet versions --plugins -q '.data[] | {install: .install.name, plugins}'"]),
        leaf("fleet health", "Check everything, and list what is wrong", &[], run!(|c, a| {
            let mut only = Vec::new();
            for name in a.all("only") {
                only.push(check(&name)?);
            }
            let mut thresholds = Thresholds::default();
            if let Some(days) = a.number("backup-days") {
                thresholds.backup_days = i64::try_from(days).unwrap_or(i64::MAX);
            }
            if let Some(days) = a.number("certificate-days") {
                thresholds.certificate_days = i64::try_from(days).unwrap_or(i64::MAX);
            }
            let fleet = c.fleet()?;
            if !a.flag("offline") {
                with_lists(c, fleet).await?;
            }
            let make = || {
                let mut checks = fleet.check().thresholds(thresholds);
                if !only.is_empty() {
                    checks = checks.only(only.clone());
                }
                // Without an age the checks read the mirror alone.
                if !a.flag("offline") {
                    checks = checks.fresher_than(a.time("max-age").unwrap_or(FRESH));
                }
                checks
            };
            let cost = make().plan().await?;
            if a.flag("plan") {
                return Ok(Answer::One(json!({ "requests": cost.requests, "least_time_s": cost.least_time.as_secs() })).into());
            }
            if !a.flag("offline") {
                c.terminal.step(&price(c, &cost));
            }
            let result = make().tell(|progress| {
                c.terminal.progress(&format!("{} of {} read, {} requests; {}", progress.done, progress.all, progress.requests, progress.last));
            }).run().await?;
            let least = a.text("severity");
            let mut found = !matches!(result.data.verdict(), Verdict::Healthy);
            let mut document = json!(result);
            let account = match a.text("account") {
                Some(name) => Some(c.account_named(&name).await?.id),
                None => None,
            };
            let environment = a.text("environment");
            if least.is_some() || account.is_some() || environment.is_some() {
                let rank = |name: &str| ["info", "warning", "critical", "unknown"].iter().position(|known| *known == name).unwrap_or(0);
                let least = rank(least.as_deref().unwrap_or("info"));
                let fits = |row: &Value| {
                    rank(row["severity"].as_str().unwrap_or("info")) >= least
                        && account.as_deref().is_none_or(|id| row["account"]["id"].as_str() == Some(id))
                        && environment.as_deref().is_none_or(|environment| row["install"]["environment"].as_str() == Some(environment))
                };
                let rows = document["data"]["findings"].as_array().cloned().unwrap_or_default();
                let kept: Vec<Value> = rows.into_iter().filter(fits).collect();
                found = !kept.is_empty();
                document["data"]["findings"] = json!(kept);
            }
            let shown = document["data"]["findings"].as_array().cloned().unwrap_or_default();
            let mut codes: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
            for finding in &shown {
                *codes.entry(finding["code"].as_str().unwrap_or("?")).or_default() += 1;
            }
            let count = |severity: &str| shown.iter().filter(|finding| finding["severity"].as_str() == Some(severity)).count();
            let mut summary = format!(
                "{} critical, {} warnings, {} notes, {} that could not be known",
                count("critical"), count("warning"), count("info"), count("unknown"),
            );
            if !codes.is_empty() {
                let codes: Vec<String> = codes.iter().map(|(code, count)| format!("{count} {code}")).collect();
                summary.push_str(&format!("\n  {}", codes.join(", ")));
            }
            // Behind the table, where a person looks.
            c.at_the_end(summary);
            judged(of_document(c, document, "/data/findings")?, a, found)
        }))
        .args([
            flags::value("only", "CHECK", "Checks to do; may be repeated").action(clap::ArgAction::Append).value_delimiter(',').value_parser(clap::builder::PossibleValuesParser::new(Check::ALL.map(check_name))),
            flags::account(),
            flags::environment(),
            flags::switch("plan", "Only say what it would cost"),
            flags::value("severity", "LEAST", "Show this severity and worse: info, warning or critical").value_parser(["info", "warning", "critical"]),
            flags::value("backup-days", "N", "A backup is old after so many days").value_parser(clap::value_parser!(u64)),
            flags::value("certificate-days", "N", "A certificate ends soon within so many days").value_parser(clap::value_parser!(u64)),
        ])
        .args(findings())
        .args(freshness())
        .table(&tables::FINDINGS)
        .details("Ends with 6 if there is a finding. What could not be read is a finding too. Checks: status, php, staging, capacity, access, transfers, certificates, backups, domains.")
        .examples(&["wpengine fleet health", "wpengine fleet health --only certificates,backups --severity warning"]),
        leaf("fleet changes", "List what changed, as far as syncs saw it", &[], run!(|c, a| {
            let since = match a.instant("since") {
                Some(since) => since,
                None => Timestamp::now().checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN),
            };
            let changes = c.fleet()?.changes(since).await?;
            Ok(Answer::items(changes.iter().map(|change| json!(change)).collect()).into())
        }))
        .arg(flags::value("since", "TIME", "From when, such as 7d or 2026-05-01T00:00:00Z; the last day by default").value_parser(flags::past))
        .table(&tables::CHANGES)
        .examples(&["wpengine fleet changes --since 7d"]),
        leaf("fleet sql", "Ask the mirror in SQL, read-only", &[], run!(|c, a| {
            let query = match a.text("query").as_deref() {
                None | Some("-") => crate::context::read_input("-").await?,
                Some(query) => query.to_owned(),
            };
            let within = c.globals.timeout.unwrap_or(Duration::from_secs(10));
            let rows = c.fleet()?.sql_within(&query, within).await?;
            let mut names: Vec<String> = Vec::new();
            for name in &rows.columns {
                // Two columns of one name stay two.
                let again = names.iter().filter(|known| *known == name || known.starts_with(&format!("{name}_"))).count();
                let taken = names.contains(name);
                names.push(if taken { format!("{name}_{}", again + 1) } else { name.clone() });
            }
            let items = rows.rows.into_iter().map(|row| Value::Object(names.iter().cloned().zip(row).collect()));
            Ok(Answer::items(items.collect()).into())
        }))
        .arg(clap::Arg::new("query").value_name("QUERY").help("SQL query; - or nothing reads standard input"))
        .details("The tables: accounts, sites, installs, people, domains, certificates, backups, transfers, and `state.changes`. `SELECT name, sql FROM sqlite_schema` shows their columns.")
        .examples(&["wpengine fleet sql 'SELECT php_version, count(*) FROM installs GROUP BY 1'"]),
        leaf("fleet search", "Find everything whose name contains a text", &[], run!(|c, a| {
            let text = a.need("text");
            if text.chars().count() < 3 {
                return Err(Failure::usage("a text of three letters or more is needed"));
            }
            let fleet = fresh(c, a, &[Class::Accounts, Class::Sites, Class::Installs]).await?;
            let found = fleet.search(&text).await?;
            Ok(Answer::items(found.iter().map(|found| json!(found)).collect()).into())
        }))
        .arg(flags::one("text", "TEXT", "Part of a name, a domain, a tag, a group or an e-mail address"))
        .args(freshness())
        .table(&tables::FOUND)
        .examples(&["wpengine fleet search shop"]),
        leaf("whois", "Say whose a domain is: install, site, account", &[], run!(|c, a| {
            let fleet = c.fleet()?;
let wanted = host(&a.need("domain"));
                let mut result = fleet.whois(&wanted).await?;
                // What is said of its certificates is read now, of these installs alone.
                let mut installs = Vec::new();
                for record in result.data.iter().take(5) {
                    installs.push(fleet.resolve(&record.install.id).await?);
                }
                // The list of installs has their primary domains.
                if installs.is_empty() {
                    installs.extend(fleet.resolve_as(wpengine_fleet::Kind::Install, &wanted).await);
                }
                if !installs.is_empty() {
                    fleet.sync().only([Class::Domains, Class::Certificates]).of(&installs).run().await?;
                    result = fleet.whois(&wanted).await?;
                }
            if result.data.is_empty() {
                    // What was never read may have it: that is no verdict.
                    let sql = "SELECT count(*) FROM installs WHERE gone_at IS NULL AND id NOT IN
                        (SELECT subject FROM reads WHERE class = 'domains' AND read_at IS NOT NULL)";
                    let unread = fleet.sql(sql).await?.rows;
                    let unread = unread.first().and_then(|row| row.first()?.as_u64()).unwrap_or(1);
                    let known = fleet.sql("SELECT count(*) FROM installs").await?.rows;
                    let known = known.first().and_then(|row| row.first()?.as_u64()).unwrap_or(0);
                    return Err(match unread == 0 && known > 0 {
                        true => Failure::not_found(format!("nothing in the fleet has the domain {wanted}")),
                        false => Failure::new(exit::PARTLY, "incomplete", format!("nothing that was read has the domain {wanted}, and not all domains were read"))
                            .next("wpengine fleet sync --only domains"),
                    });
                }
            // What other installs have that were not read does not change whose it is.
                let code = if result.failures.is_empty() { exit::DONE } else { exit::PARTLY };
                Ok(observed(c, &result, "/data")?.exit(code))
        }))
        .arg(flags::one("domain", "DOMAIN", "Domain, or the URL of a page"))
        .table(&tables::WHOIS)
        .examples(&["wpengine whois torquemag.com"]),
    ]
}

/// What a reading costs. Where nothing limits the requests the least time means nothing.
fn price(c: &Ctx, cost: &wpengine_fleet::Cost) -> String {
    let is_limited = c
        .client()
        .is_ok_and(|client| !client.rate_limit_state(None).is_empty());
    match cost.least_time.as_secs().div_ceil(60) {
        _ if !is_limited => format!("{} requests", cost.requests),
        0 | 1 => format!("{} requests, within a minute", cost.requests),
        minutes => format!(
            "{} requests, {minutes} minutes at least by the rate limit",
            cost.requests
        ),
    }
}

/// The host of what somebody pasted.
fn host(text: &str) -> String {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = text.split(['/', '?', '#', ':']).next().unwrap_or_default();
    host.trim_end_matches('.').to_lowercase()
}

/// Without the lists of accounts, sites and installs nobody knows what the rest costs.
async fn with_lists(c: &Ctx, fleet: &Fleet) -> Result<(), Failure> {
    let known = fleet.sql("SELECT count(*) FROM installs").await?.rows;
    let known = known
        .first()
        .and_then(|row| row.first()?.as_u64())
        .unwrap_or(0);
    if known == 0 {
        c.terminal
            .progress("reading the lists of accounts, sites and installs");
        fleet
            .sync()
            .only([Class::Accounts, Class::Sites, Class::Installs])
            .run()
            .await?;
    }
    Ok(())
}

/// The fleet, after what is stale in these classes was read.
async fn fresh<'a>(c: &'a Ctx, a: Args<'_>, classes: &[Class]) -> Result<&'a Fleet, Failure> {
    let fleet = c.fleet()?;
    if a.flag("offline") {
        return Ok(fleet);
    }
    let sync = fleet
        .sync()
        .only(classes.iter().copied())
        .max_age(a.time("max-age").unwrap_or(FRESH));
    let cost = sync.plan().await?;
    if cost.least_time > Duration::from_secs(10) {
        c.terminal.step(&price(c, &cost));
    }
    sync.tell(|progress| {
        c.terminal.progress(&format!(
            "{} of {} read, {} requests; {}",
            progress.done, progress.all, progress.requests, progress.last
        ));
    })
    .run()
    .await?;
    c.terminal.clear();
    Ok(fleet)
}

/// A result, with what could not be read said and in the exit code.
pub(super) fn observed<T: Serialize>(
    c: &Ctx,
    result: &Observed<T>,
    rows: &'static str,
) -> Result<Reply, Failure> {
    of_document(c, json!(result), rows)
}

fn of_document(c: &Ctx, document: Value, rows: &'static str) -> Result<Reply, Failure> {
    say_failures(c, &document);
    let complete = document["complete"].as_bool() == Some(true);
    let code = if complete { exit::DONE } else { exit::PARTLY };
    Ok(Reply::from(Answer::Document(document, rows)).exit(code))
}

fn observed_one<T: Serialize>(c: &Ctx, result: &Observed<T>) -> Result<Reply, Failure> {
    let document = json!(result);
    say_failures(c, &document);
    let code = if result.complete {
        exit::DONE
    } else {
        exit::PARTLY
    };
    Ok(Reply::from(Answer::One(document)).exit(code))
}

/// What could not be read is never left out in silence.
fn say_failures(c: &Ctx, document: &Value) {
    let failures = document["failures"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    for failure in failures.iter().take(5) {
        let text = |name: &str| failure[name].as_str().unwrap_or("?");
        c.terminal.warn(&format!(
            "could not be read: {}: {}",
            text("subject"),
            text("message")
        ));
    }
    if failures.len() > 5 {
        c.terminal
            .warn(&format!("{} more could not be read", failures.len() - 5));
    }
    if document["complete"].as_bool() == Some(false) && failures.is_empty() {
        c.terminal
            .warn("this is not complete: some of it was never read; wpengine fleet sync reads it");
    }
}

/// A check that found something ends with 6. What could not be read weighs more.
pub(super) fn judged(reply: Reply, a: Args<'_>, found: bool) -> Result<Reply, Failure> {
    let code = match reply.exit {
        exit::DONE if found && !a.flag("exit-zero") => exit::FINDINGS,
        code => code,
    };
    Ok(reply.exit(code))
}

fn class(name: &str) -> Result<Class, Failure> {
    let found = Class::ALL.into_iter().find(|class| class.name() == name);
    found.ok_or_else(|| Failure::usage(format!("there is no class `{name}`")))
}

fn check(name: &str) -> Result<Check, Failure> {
    let found = Check::ALL
        .into_iter()
        .find(|check| check_name(*check) == name);
    found.ok_or_else(|| Failure::usage(format!("there is no check `{name}`")))
}

/// The name that a check has in JSON.
fn check_name(check: Check) -> String {
    json!(check).as_str().unwrap_or_default().to_owned()
}

/// The first and the last day of a month.
fn month(text: Option<&str>) -> Result<(Date, Date), Failure> {
    let first: Date = match text {
        None => Zoned::now().date().first_of_month(),
        Some(text) => format!("{text}-01").parse().map_err(|_| {
            Failure::usage(format!("`{text}` is no month; give one such as 2026-05"))
        })?,
    };
    Ok((first, first.last_of_month()))
}
