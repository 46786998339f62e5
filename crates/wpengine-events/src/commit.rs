//! Writing a look: what changed against what was seen before, as events, in one transaction.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension as _, Transaction, params};
use serde_json::Value;
use wpengine::jiff::Timestamp;
use wpengine_fleet::Class;

use crate::{
    event,
    kinds::{Kind, Object},
    schedule::Rate,
    store::{Draft, each_known, fire, insert, known, time},
};

/// How long two looks at one listing can overlap.
const OVERLAP: wpengine::jiff::SignedDuration = wpengine::jiff::SignedDuration::from_mins(30);

/// A listing that was read whole.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) class: Class,
    pub(crate) subject: String,
    pub(crate) began: Timestamp,
    pub(crate) ended: Timestamp,
    /// By id, as JSON.
    pub(crate) objects: Vec<(String, String)>,
    /// Whether one of them is about to change.
    pub(crate) is_in_flight: bool,
    /// What the listing does not have any more, and the service does not know, either.
    pub(crate) gone: HashSet<String>,
    /// Whether what the first look shows makes events, too.
    pub(crate) is_initial_loud: bool,
}

/// What a look showed.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    pub(crate) changes: u32,
    pub(crate) events: usize,
    /// The seconds from the middle of the time in which each change happened until it was seen.
    pub(crate) delays: Vec<f64>,
    pub(crate) is_in_flight: bool,
    /// Whether the listing was read for the first time.
    pub(crate) is_first: bool,
    /// How long it took to write.
    pub(crate) took: std::time::Duration,
    pub(crate) added: Vec<Subject>,
    /// Ids of accounts or installs.
    pub(crate) removed: Vec<String>,
    pub(crate) changed: Vec<String>,
}

/// Something that has listings of its own: an account or an install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) is_install: bool,
    pub(crate) id: String,
    pub(crate) account: String,
}

impl Look {
    /// Where the objects of the listing are kept: those of sites and installs together, also if they are asked for account by account.
    pub(crate) fn place(class: Class, subject: &str) -> (&str, Option<&str>) {
        match class {
            Class::Accounts | Class::Sites | Class::Installs => {
                ("", (!subject.is_empty()).then_some(subject))
            }
            _ => (subject, None),
        }
    }

    /// Writes it. Whoever comes second with the same look finds nothing new.
    pub(crate) fn commit(self, transaction: &Transaction<'_>) -> rusqlite::Result<Committed> {
        let mut committed = Committed::default();
        let Some(kind) = Kind::of(self.class) else {
            // Figures are kept for what is near a limit.
            self.note(transaction, 0, None)?;
            return Ok(committed);
        };
        let (place, account) = Self::place(self.class, &self.subject);
        let class = self.class.name();
        let is_global = place.is_empty();
        let row = transaction
            .prepare_cached("SELECT began, loud FROM looks WHERE class = ?1 AND subject = ?2")?
            .query_row(params![class, self.subject], |row| {
                Ok((time(row, 0)?, row.get::<_, bool>(1)?))
            })
            .optional()?;
        if row.is_none() && !is_global {
            // What it belongs to is gone since the look began.
            return Ok(committed);
        }
        let (not_before, is_loud) = row.unwrap_or((None, false));
        // Another look that began later was written before this one. A clock that was set back by more is another thing.
        let older = not_before.map(|before| before.duration_since(self.began));
        if older.is_some_and(|older| older.is_positive() && older < OVERLAP) {
            return Ok(committed);
        }
        committed.is_first = not_before.is_none();
        let is_silent = not_before.is_none() && !is_loud && !self.is_initial_loud;
        let objects = self.objects.iter();
        let mut differing: HashMap<&str, &str> =
            objects.map(|(id, body)| (&**id, &**body)).collect();
        // What is as it was takes no memory: a listing may be long, and little of it changes.
        let mut before = HashMap::new();
        each_known(transaction, class, place, account, |id, body| {
            if differing.get(id) == Some(&body) {
                differing.remove(id);
            } else {
                before.insert(id.to_owned(), body.to_owned());
            }
        })?;
        let parents = Parents::of(transaction, self.class, &self.subject)?;
        let mut drafts = Vec::new();
        let mut upsert = transaction.prepare_cached(
            "INSERT INTO objects (class, subject, id, account, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (class, subject, id) DO UPDATE SET account = ?4, body = ?5",
        )?;
        let others: Vec<Object> = match self.class {
            Class::Certificates => known(transaction, class, place, account)?
                .values()
                .map(|body| read(body))
                .collect(),
            _ => Vec::new(),
        };
        let others: Vec<&Object> = others.iter().collect();
        let asked = account.map_or(Value::Null, Value::from);
        let about = |id: &str, object: &Object| About {
            kind,
            path: kind.path(&self.subject, id),
            account: parents.account_of(self.class, id, object),
            install: parents.install_of(self.class, id, object),
            not_before,
            observed_at: self.began,
        };
        committed.is_in_flight = self.is_in_flight;
        for (id, body) in &self.objects {
            if !differing.contains_key(id.as_str()) {
                continue;
            }
            let earlier = before.remove(id);
            let earlier = earlier.as_deref().map(read);
            let mut object = read(body);
            if let Some(account) = object.get_mut("account_id").filter(|id| id.is_null()) {
                // Each is of an account. One that is not told is the one that was.
                let was = earlier.as_ref().and_then(|was| was.get("account_id"));
                *account = was.cloned().unwrap_or_else(|| asked.clone());
            }
            if earlier.as_ref() == Some(&object) {
                continue;
            }
            let about = about(id, &object);
            let body = serde_json::to_string(&object).unwrap_or_default();
            upsert.execute(params![class, place, id, about.account, body])?;
            let object = &object;
            match earlier {
                None => {
                    if self.class == Class::Accounts || self.class == Class::Installs {
                        let subject = Subject {
                            is_install: self.class == Class::Installs,
                            id: id.clone(),
                            account: about.account.clone().unwrap_or_default(),
                        };
                        subject.note(transaction, !is_silent)?;
                        committed.added.push(subject);
                    }
                    if is_silent || !kind.comes_and_goes {
                        continue;
                    }
                    about.push(transaction, &mut drafts, "created", None, Some(object))?;
                    about.signal(
                        transaction,
                        &mut drafts,
                        (kind.signals)(None, object, &others),
                        None,
                        object,
                    )?;
                }
                Some(earlier) => {
                    if self.class == Class::Installs
                        && earlier.get("account_id") != Some(&object["account_id"])
                    {
                        let subject = Subject {
                            is_install: true,
                            id: id.clone(),
                            account: about.account.clone().unwrap_or_default(),
                        };
                        subject.moved(transaction)?;
                        committed.removed.push(id.clone());
                        committed.added.push(subject);
                    }
                    // A field that an earlier version of this crate did not know is no change.
                    let is_changed = |(name, value): (&String, &Value)| {
                        earlier.get(name).is_some_and(|earlier| earlier != value)
                    };
                    if !object.iter().any(is_changed) {
                        continue;
                    }
                    about.push(
                        transaction,
                        &mut drafts,
                        "updated",
                        Some(&earlier),
                        Some(object),
                    )?;
                    about.signal(
                        transaction,
                        &mut drafts,
                        (kind.signals)(Some(&earlier), object, &others),
                        Some(&earlier),
                        object,
                    )?;
                }
            }
            committed.changed.push(id.clone());
        }
        for (id, body) in before {
            if !self.gone.contains(&id) {
                continue;
            }
            let object = read(&body);
            about(&id, &object).push(transaction, &mut drafts, "gone", Some(&object), None)?;
            transaction.execute(
                "DELETE FROM objects WHERE class = ?1 AND subject = ?2 AND id = ?3",
                params![class, place, id],
            )?;
            if self.class == Class::Installs {
                transaction.execute("DELETE FROM objects WHERE subject = ?1", [&id])?;
                transaction.execute("DELETE FROM looks WHERE subject = ?1", [&id])?;
                committed.removed.push(id.clone());
            }
            committed.changed.push(id);
        }
        committed.changes = u32::try_from(committed.changed.len()).unwrap_or(u32::MAX);
        if let Some(not_before) = not_before {
            let seconds = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64();
            let delay = seconds(not_before, self.began) / 2.0 + seconds(self.began, self.ended);
            committed.delays = vec![delay; committed.changed.len()];
        }
        committed.events = insert(transaction, drafts)?;
        self.note(transaction, committed.changes, not_before)?;
        Ok(committed)
    }

    /// Notes that it was read.
    fn note(
        &self,
        transaction: &Transaction<'_>,
        changes: u32,
        not_before: Option<Timestamp>,
    ) -> rusqlite::Result<()> {
        let hours =
            not_before.map(|before| self.began.duration_since(before).as_secs_f64() / 3_600.0);
        let (class, subject) = (self.class.name(), &self.subject);
        let mut rate = Rate::default();
        let earlier = transaction
            .prepare_cached("SELECT changes, hours FROM looks WHERE class = ?1 AND subject = ?2")?
            .query_row(params![class, subject], |row| {
                Ok(Rate {
                    changes: row.get(0)?,
                    hours: row.get(1)?,
                })
            })
            .optional()?;
        if let (Some(earlier), Some(hours)) = (earlier, hours) {
            rate = earlier;
            rate.observe(changes, hours);
        }
        let figure = self
            .objects
            .first()
            .filter(|_| self.class == Class::Usage)
            .map(|(_, figure)| figure.clone());
        transaction
            .prepare_cached(
                "INSERT INTO looks (class, subject, began, changes, hours, figure) SELECT ?1, ?2, ?3, ?4, ?5, ?6
                   WHERE ?7 OR EXISTS (SELECT 1 FROM looks WHERE class = ?1 AND subject = ?2)
                 ON CONFLICT (class, subject) DO UPDATE SET began = ?3, changes = ?4, hours = ?5, figure = ?6, failures = 0, failure = NULL",
            )?
            .execute(params![class, subject, self.began.as_millisecond(), rate.changes, rate.hours, figure, Self::place(self.class, subject).0.is_empty()])?;
        Ok(())
    }
}

impl Subject {
    /// It belongs to another account now.
    fn moved(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        for sql in [
            "UPDATE looks SET account = ?2 WHERE subject = ?1 AND account IS NOT NULL",
            "UPDATE objects SET account = ?2 WHERE subject = ?1",
        ] {
            transaction.execute(sql, params![self.id, self.account])?;
        }
        Ok(())
    }

    /// The classes of its listings.
    pub(crate) fn classes(&self) -> &'static [Class] {
        match self.is_install {
            true => &[
                Class::Certificates,
                Class::Backups,
                Class::Domains,
                Class::Details,
            ],
            false => &[Class::People, Class::Transfers, Class::Limits, Class::Usage],
        }
    }

    /// Notes the listings that it has. What is loud makes events of its first look, because it was not there before.
    fn note(&self, transaction: &Transaction<'_>, is_loud: bool) -> rusqlite::Result<()> {
        let mut statement = transaction.prepare_cached(
            "INSERT INTO looks (class, subject, account, loud) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (class, subject) DO UPDATE SET account = excluded.account WHERE account = ''",
        )?;
        for class in self.classes() {
            statement.execute(params![class.name(), self.id, self.account, is_loud])?;
        }
        Ok(())
    }
}

/// An object, and when it was looked at.
struct About<'a> {
    kind: &'a Kind,
    path: String,
    account: Option<String>,
    install: Option<(String, String)>,
    not_before: Option<Timestamp>,
    observed_at: Timestamp,
}

impl About<'_> {
    fn draft(&self, id: String, kind: String, object: &Object) -> Draft {
        let mut data = Object::new();
        data.insert("subject".to_owned(), self.path.clone().into());
        if let Some(account) = &self.account {
            data.insert("account_id".to_owned(), account.clone().into());
        }
        if let Some((id, name)) = &self.install {
            data.insert("install_id".to_owned(), id.clone().into());
            data.insert("install".to_owned(), name.clone().into());
        }
        data.insert("object".to_owned(), object.clone().into());
        if let Some(not_before) = self.not_before {
            data.insert("not_before".to_owned(), not_before.to_string().into());
        }
        data.insert(
            "observed_at".to_owned(),
            self.observed_at.to_string().into(),
        );
        Draft {
            id,
            kind,
            at: self.observed_at,
            data,
        }
    }

    /// `created`, `updated` or `gone`.
    fn push(
        &self,
        transaction: &Transaction<'_>,
        drafts: &mut Vec<Draft>,
        what: &str,
        before: Option<&Object>,
        after: Option<&Object>,
    ) -> rusqlite::Result<()> {
        let kind = format!("{}.{what}", self.kind.name);
        let id = self.id(transaction, &kind, before, after)?;
        let Some(object) = after.or(before) else {
            return Ok(());
        };
        let mut draft = self.draft(id, kind, object);
        if let (Some(before), Some(after)) = (before, after) {
            let previous: Object = before
                .iter()
                .filter(|(name, value)| after.get(*name).is_some_and(|after| after != *value))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            draft
                .data
                .insert("previous_attributes".to_owned(), previous.into());
        }
        if what == "created" {
            let at = ["created_at", "create_time", "ordered_time"]
                .iter()
                .find_map(|field| object.get(*field)?.as_str());
            if let Some(at) = at {
                draft.data.insert("occurred_at".to_owned(), at.into());
            }
        }
        drafts.push(draft);
        Ok(())
    }

    /// What a change means.
    fn signal(
        &self,
        transaction: &Transaction<'_>,
        drafts: &mut Vec<Draft>,
        signals: Vec<(&'static str, Option<Timestamp>)>,
        before: Option<&Object>,
        after: &Object,
    ) -> rusqlite::Result<()> {
        for (kind, at) in signals {
            let id = self.id(transaction, kind, before, Some(after))?;
            let mut draft = self.draft(id, kind.to_owned(), after);
            if let Some(at) = at {
                draft
                    .data
                    .insert("occurred_at".to_owned(), at.to_string().into());
            }
            drafts.push(draft);
        }
        Ok(())
    }

    /// The same change of the same object has the same id, and one that happens again has another.
    fn id(
        &self,
        transaction: &Transaction<'_>,
        kind: &str,
        before: Option<&Object>,
        after: Option<&Object>,
    ) -> rusqlite::Result<String> {
        let text = |object: Option<&Object>| {
            object
                .map(|object| Value::Object(object.clone()).to_string())
                .unwrap_or_default()
        };
        let change = event::id(&[kind, &self.path, &text(before), &text(after)]);
        let times = fire(transaction, &change, self.observed_at)?;
        Ok(event::id(&[&change, &times.to_string()]))
    }
}

/// Whose the objects of a listing are.
struct Parents {
    /// Names of sites' installs are not needed, so this is of one install, or of none.
    install: Option<(String, String, Option<String>)>,
    subject: String,
}

impl Parents {
    fn of(transaction: &Transaction<'_>, class: Class, subject: &str) -> rusqlite::Result<Self> {
        let is_of_install = matches!(
            class,
            Class::Certificates | Class::Backups | Class::Domains | Class::Details
        );
        let install = match is_of_install {
            false => None,
            true => {
                let row = transaction
                    .prepare_cached("SELECT body, account FROM objects WHERE class = 'installs' AND subject = '' AND id = ?1")?
                    .query_row([subject], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
                    .optional()?;
                let (body, account) = row.unwrap_or_default();
                Some((subject.to_owned(), name_of(&read(&body)), account))
            }
        };
        Ok(Self {
            install,
            subject: subject.to_owned(),
        })
    }

    fn account_of(&self, class: Class, id: &str, object: &Object) -> Option<String> {
        match class {
            Class::Accounts => Some(id.to_owned()),
            Class::Sites | Class::Installs => object["account_id"].as_str().map(str::to_owned),
            Class::People | Class::Transfers | Class::Limits | Class::Usage => {
                Some(self.subject.clone())
            }
            _ => self.install.as_ref()?.2.clone(),
        }
    }

    fn install_of(&self, class: Class, id: &str, object: &Object) -> Option<(String, String)> {
        if class == Class::Installs {
            return Some((id.to_owned(), name_of(object)));
        }
        let (id, name, _) = self.install.as_ref()?;
        Some((id.clone(), name.clone()))
    }
}

pub(crate) fn read(body: &str) -> Object {
    serde_json::from_str(body).unwrap_or_default()
}

fn name_of(object: &Object) -> String {
    object
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Notes that a look failed.
pub(crate) fn note_failure(
    transaction: &Transaction<'_>,
    class: Class,
    subject: &str,
    failure: &str,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE looks SET failures = failures + 1, failure = ?3 WHERE class = ?1 AND subject = ?2",
        )?
        .execute(params![class.name(), subject, failure])?;
    Ok(())
}

/// Says that an account is lost, or is there again. Its objects stay as they were seen. Returns whether that is new.
pub(crate) fn access(
    transaction: &Transaction<'_>,
    account: &str,
    is_lost: bool,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let is_new = match is_lost {
        true => transaction.execute(
            "INSERT OR IGNORE INTO lost (account, since) VALUES (?1, ?2)",
            params![account, now.as_millisecond()],
        )?,
        false => transaction.execute("DELETE FROM lost WHERE account = ?1", [account])?,
    };
    if is_new == 0 {
        return Ok(false);
    }
    let kind = if is_lost {
        "account.access_lost"
    } else {
        "account.access_restored"
    };
    let body: Option<String> = transaction
        .query_row(
            "SELECT body FROM objects WHERE class = 'accounts' AND id = ?1",
            [account],
            |row| row.get(0),
        )
        .optional()?;
    let change = event::id(&[kind, account]);
    let times = fire(transaction, &change, now)?;
    let mut data = Object::new();
    data.insert("subject".to_owned(), format!("accounts/{account}").into());
    data.insert("account_id".to_owned(), account.into());
    data.insert(
        "object".to_owned(),
        body.map_or(Value::Null, |body| read(&body).into()),
    );
    data.insert("observed_at".to_owned(), now.to_string().into());
    let id = event::id(&[&change, &times.to_string()]);
    insert(
        transaction,
        vec![Draft {
            id,
            kind: kind.to_owned(),
            at: now,
            data,
        }],
    )?;
    Ok(true)
}

/// What there is to look at, with how it was looked at before.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) class: String,
    pub(crate) subject: String,
    pub(crate) account: Option<String>,
    pub(crate) began: Option<Timestamp>,
    pub(crate) rate: Rate,
    pub(crate) objects: u64,
}

pub(crate) fn listed(connection: &rusqlite::Connection) -> rusqlite::Result<Vec<Listed>> {
    let mut counts: HashMap<(String, String), u64> = HashMap::new();
    let mut statement =
        connection.prepare("SELECT class, subject, count(*) FROM objects GROUP BY 1, 2")?;
    let rows = statement.query_map([], |row| {
        Ok(((row.get(0)?, row.get(1)?), row.get::<_, i64>(2)?))
    })?;
    for row in rows {
        let (key, count) = row?;
        counts.insert(key, u64::try_from(count).unwrap_or(0));
    }
    let mut statement =
        connection.prepare("SELECT class, subject, account, began, changes, hours FROM looks")?;
    let rows = statement.query_map([], |row| {
        let (class, subject): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(Listed {
            objects: counts
                .get(&(class.clone(), subject.clone()))
                .copied()
                .unwrap_or(0),
            class,
            subject,
            account: row.get(2)?,
            began: time(row, 3)?,
            rate: Rate {
                changes: row.get(4)?,
                hours: row.get(5)?,
            },
        })
    })?;
    rows.collect()
}
