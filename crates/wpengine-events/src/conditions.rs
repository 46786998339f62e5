//! What follows from the clock and from what is known already, without a request.

use std::collections::BTreeMap;

use rusqlite::Transaction;
use serde_json::{Value, json};
use wpengine::jiff::{SignedDuration, Timestamp};

use crate::{
    commit::read,
    event,
    kinds::{Object, timestamp},
    look::lost,
    store::{Draft, fire, insert, time},
};

/// When something is said.
#[derive(Clone, Debug)]
pub(crate) struct Conditions {
    pub(crate) backup_days: u32,
    pub(crate) certificate_days: Vec<u32>,
    pub(crate) usage_percent: Vec<u32>,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            backup_days: 2,
            certificate_days: vec![30, 14, 7, 3, 1],
            usage_percent: vec![80, 95, 100],
        }
    }
}

/// An install, or an object of one or of an account.
struct Row {
    subject: String,
    account: Option<String>,
    object: Object,
}

impl Row {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            subject: row.get("subject")?,
            account: row.get("account")?,
            object: read(&row.get::<_, String>("body")?),
        })
    }

    /// The id of an install.
    fn id(&self) -> &str {
        self.field("id").as_str().unwrap_or_default()
    }

    /// A field; null if an earlier version of this crate did not know it.
    fn field(&self, name: &str) -> &Value {
        self.object.get(name).unwrap_or(&Value::Null)
    }
}

/// Says what has come about. Each thing is said once. Returns how many events that made.
pub(crate) fn check(
    transaction: &Transaction<'_>,
    conditions: &Conditions,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let lost = lost(transaction)?;
    let is_shown = |row: &Row| {
        row.account
            .as_ref()
            .is_none_or(|account| !lost.contains(account))
    };
    let mut drafts = Vec::new();
    let each =
        |class: &str, check: &mut dyn FnMut(Row) -> rusqlite::Result<()>| -> rusqlite::Result<()> {
            let mut statement = transaction
                .prepare_cached("SELECT subject, account, body FROM objects WHERE class = ?1")?;
            let mut rows = statement.query([class])?;
            while let Some(row) = rows.next()? {
                let row = Row::read(row)?;
                if is_shown(&row) {
                    check(row)?;
                }
            }
            Ok(())
        };
    // One install after the other, so that no more than one is in memory.
    each("installs", &mut |install| {
        certificates(transaction, conditions, now, &install, &mut drafts)?;
        backups(transaction, conditions, now, &install, &mut drafts)
    })?;
    each("limits", &mut |limits| {
        usage(transaction, conditions, now, limits, &mut drafts)
    })?;
    insert(transaction, drafts)
}

/// What is known of one class of an install.
fn of(transaction: &Transaction<'_>, class: &str, install: &Row) -> rusqlite::Result<Vec<Row>> {
    transaction
        .prepare_cached(
            "SELECT subject, account, body FROM objects WHERE class = ?1 AND subject = ?2",
        )?
        .query_map([class, install.id()], Row::read)?
        .collect()
}

fn draft(kind: &str, id: String, now: Timestamp, install: Option<&Row>, mut data: Value) -> Draft {
    if let Some(row) = install {
        data["account_id"] = row.account.clone().into();
        data["install_id"] = row.field("id").clone();
        data["install"] = row.field("name").clone();
    }
    data["observed_at"] = now.to_string().into();
    let data = match data {
        Value::Object(data) => data,
        _ => Object::new(),
    };
    Draft {
        id,
        kind: kind.to_owned(),
        at: now,
        data,
    }
}

/// Whether something is said for the first time.
fn is_first(
    transaction: &Transaction<'_>,
    parts: &[&str],
    now: Timestamp,
) -> rusqlite::Result<Option<String>> {
    let id = event::id(parts);
    Ok((fire(transaction, &id, now)? == 0).then_some(id))
}

/// What was seen so long ago says nothing of today.
const OLD: SignedDuration = SignedDuration::from_hours(72);

fn certificates(
    transaction: &Transaction<'_>,
    conditions: &Conditions,
    now: Timestamp,
    install: &Row,
    drafts: &mut Vec<Draft>,
) -> rusqlite::Result<()> {
    let seen_at = transaction
        .prepare_cached("SELECT began FROM looks WHERE class = 'certificates' AND subject = ?1")?
        .query_row([install.id()], |row| time(row, 0))
        .ok()
        .flatten();
    // After a long stop a certificate may have been renewed, and nobody has looked yet.
    if seen_at.is_none_or(|seen_at| now.duration_since(seen_at) > OLD) {
        return Ok(());
    }
    let rows = of(transaction, "certificates", install)?;
    // The last end of what covers the same domains: what ends before was replaced.
    let mut last: BTreeMap<String, &Row> = BTreeMap::new();
    let end = |row: &Row| timestamp(row.field("expires_time"));
    for row in rows.iter().filter(|row| row.field("status") == "ENABLED") {
        let domains = row.field("domains").to_string();
        if end(row) > last.get(&domains).and_then(|other| end(other)) {
            last.insert(domains, row);
        }
    }
    for row in last.into_values() {
        let Some(end) = end(row).filter(|end| *end > now) else {
            continue;
        };
        let left = end.duration_since(now);
        let mut days = conditions.certificate_days.clone();
        days.sort_unstable();
        let id = row.field("id").as_str().unwrap_or_default();
        let mut is_said = false;
        // Only the nearest threshold is said; those before it are taken for said.
        for days in days
            .into_iter()
            .filter(|days| left <= SignedDuration::from_hours(24 * i64::from(*days)))
        {
            let parts = [
                "certificate.expiring",
                &row.subject,
                id,
                &end.to_string(),
                &days.to_string(),
            ];
            if let Some(event) = is_first(transaction, &parts, now)?
                && !is_said
            {
                let data = json!({
                    "subject": format!("installs/{}/certificates/{id}", row.subject),
                    "object": row.object,
                    "days_left": left.as_hours() / 24,
                });
                drafts.push(draft(
                    "certificate.expiring",
                    event,
                    now,
                    Some(install),
                    data,
                ));
            }
            is_said = true;
        }
    }
    Ok(())
}

fn backups(
    transaction: &Transaction<'_>,
    conditions: &Conditions,
    now: Timestamp,
    install: &Row,
    drafts: &mut Vec<Draft>,
) -> rusqlite::Result<()> {
    if install.field("status") == "pending" {
        return Ok(());
    }
    let id = install.id();
    // What was not looked at since may be there: after a long stop, what is known is old.
    let seen_at = transaction
        .prepare_cached("SELECT began FROM looks WHERE class = 'backups' AND subject = ?1 AND began IS NOT NULL")?
        .query_row([id], |row| time(row, 0));
    let Ok(Some(seen_at)) = seen_at else {
        return Ok(());
    };
    let ended = |row: &Row| {
        timestamp(row.field("complete_time")).or_else(|| timestamp(row.field("create_time")))
    };
    let rows = of(transaction, "backups", install)?;
    let found = rows
        .iter()
        .filter(|row| row.field("status") == "completed")
        .filter_map(|row| Some((ended(row)?, row)))
        .max_by_key(|(at, _)| *at);
    // An install without any backup is overdue from its beginning on.
    let since = match found {
        Some((at, _)) => Some(at),
        None => timestamp(install.field("created_at")),
    };
    let limit = SignedDuration::from_hours(24 * i64::from(conditions.backup_days));
    if since.is_some_and(|since| seen_at.duration_since(since) <= limit) {
        return Ok(());
    }
    let key = found.map_or_else(|| "none".to_owned(), |(at, _)| at.to_string());
    if let Some(event) = is_first(transaction, &["backup.overdue", id, &key], now)? {
        let data = json!({
            "subject": format!("installs/{id}"),
            "object": found.map(|(_, row)| &row.object),
            "last_completed": found.map(|(at, _)| at.to_string()),
            "environment": install.field("environment"),
        });
        drafts.push(draft("backup.overdue", event, now, Some(install), data));
    }
    Ok(())
}

/// How many percent below a threshold a figure has to be before that threshold counts again.
const AGAIN: f64 = 5.0;

fn usage(
    transaction: &Transaction<'_>,
    conditions: &Conditions,
    now: Timestamp,
    row: Row,
    drafts: &mut Vec<Draft>,
) -> rusqlite::Result<()> {
    let figure = transaction
        .prepare_cached("SELECT figure FROM looks WHERE class = 'usage' AND subject = ?1 AND figure IS NOT NULL")?
        .query_row([&row.subject], |row| row.get::<_, String>(0));
    let Ok(figure) = figure else {
        return Ok(());
    };
    let figure = Value::Object(read(&figure));
    let limits = Value::Object(row.object);
    for used in wpengine_fleet::against_plan(Some(&limits), Some(&figure)) {
        let Some(percent) = used.percent else {
            continue;
        };
        let mut thresholds = conditions.usage_percent.clone();
        thresholds.sort_unstable_by(|one, other| other.cmp(one));
        let mut is_said = false;
        for threshold in thresholds {
            let limit = threshold.to_string();
            let parts = ["usage.limit_near", &row.subject, &used.metric, &limit];
            if percent < f64::from(threshold) {
                // Well below, it may be said again.
                if percent < f64::from(threshold) - AGAIN {
                    transaction.execute(
                        "DELETE FROM fired WHERE id = ?1",
                        [event::id(&parts).as_bytes()],
                    )?;
                }
                continue;
            }
            if let Some(event) = is_first(transaction, &parts, now)?
                && !is_said
            {
                let event = event::id(&[&event, &now.to_string()]);
                let data = json!({
                    "subject": format!("accounts/{}", row.subject),
                    "account_id": row.subject,
                    "object": { "metric": used.metric, "unit": used.unit, "used": used.used, "allowed": used.allowed, "percent": percent },
                    "threshold": threshold,
                });
                drafts.push(draft("usage.limit_near", event, now, None, data));
            }
            is_said = true;
        }
    }
    Ok(())
}
