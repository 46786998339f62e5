//! One look: reading a listing, and making sure of what it does not have any more.

use std::collections::HashSet;

use rusqlite::Connection;
use serde_json::{Value, value::RawValue};
use wpengine::{Client, Error as ApiError, http::Method, jiff::Timestamp};
use wpengine_fleet::{Class, Fleet, Unread};

use crate::{
    Error, Events,
    commit::{Committed, Look, access, note_failure, read},
    kinds::{Kind, Object},
    store::{each_known, known},
};

/// What is needed to look.
#[derive(Clone, Debug)]
pub(crate) struct Eyes {
    pub(crate) client: Client,
    pub(crate) events: Events,
    pub(crate) mirror: Option<Fleet>,
    /// The only accounts of interest; all, if there are none.
    pub(crate) accounts: Vec<String>,
    pub(crate) is_initial_loud: bool,
}

/// How a look ended.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) requests: u64,
    pub(crate) result: Result<Committed, Failed>,
    /// Accounts that are lost now, and those that are there again.
    pub(crate) lost: Vec<String>,
    pub(crate) restored: Vec<String>,
    /// Accounts that are asked for, and were never shown; `None` if it was not looked for them.
    pub(crate) unknown: Option<Vec<String>>,
    /// Why the mirror could not be written.
    pub(crate) mirror: Option<String>,
}

/// Why a look showed nothing.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) text: String,
    /// How long to wait before the next request of any kind, if a limit was reached.
    pub(crate) limited: Option<Option<std::time::Duration>>,
    /// Whether what was asked for is not there, or not shown.
    pub(crate) is_refused: bool,
    /// Whether the service refuses everything: the credentials are wrong, or this is not the API.
    pub(crate) is_of_all: bool,
    /// Whether the file could not be written: then nothing can go on.
    pub(crate) is_of_file: bool,
}

impl Failed {
    fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            limited: None,
            is_refused: false,
            is_of_all: false,
            is_of_file: false,
        }
    }

    fn api(error: &ApiError) -> Self {
        Self {
            text: error.to_string(),
            limited: error.is_rate_limited().then(|| error.retry_after()),
            is_refused: is_refused(error),
            is_of_all: false,
            is_of_file: false,
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            is_of_file: true,
            ..Self::text(error.to_string())
        }
    }
}

impl From<Unread> for Failed {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Api(error) => Self::api(&error),
            other => Self::text(other.to_string()),
        }
    }
}

/// A read has no content that could be wrong: 400 says that its id leads nowhere.
fn is_refused(error: &ApiError) -> bool {
    error.is_not_found() || error.is_forbidden() || error.is_unauthorized() || error.is_rejected()
}

/// Some paths answer 400 with `Not Found` for what is not there.
fn is_not_there(error: &ApiError) -> bool {
    let message = error.api().and_then(|api| api.message.as_deref());
    let says_so = message.is_some_and(|message| message.to_lowercase().contains("not found"));
    error.is_not_found() || error.is_rejected() && says_so
}

/// How many missing objects a look asks for at most, one by one.
const ASKED: usize = 50;

/// A look under way.
struct Looking<'a> {
    eyes: &'a Eyes,
    class: Class,
    subject: &'a str,
    requests: u64,
    lost: Vec<String>,
    restored: Vec<String>,
    unknown: Option<Vec<String>>,
    mirror: Option<String>,
}

impl Eyes {
    /// Looks at a listing, and writes what changed.
    pub(crate) async fn look(&self, class: Class, subject: &str) -> Looked {
        let mut looking = Looking {
            eyes: self,
            class,
            subject,
            requests: 0,
            lost: Vec::new(),
            restored: Vec::new(),
            unknown: None,
            mirror: None,
        };
        let mut result = looking.run().await;
        if let Err(failed) = &result
            && !failed.is_of_file
            && failed.limited.is_none()
        {
            let text = failed.text.clone();
            let of = subject.to_owned();
            let noted = self
                .events
                .write(move |transaction| note_failure(transaction, class, &of, &text))
                .await;
            if let Err(error) = noted {
                result = Err(error.into());
            }
        }
        let Looking {
            requests,
            lost,
            restored,
            unknown,
            mirror,
            ..
        } = looking;
        Looked {
            requests,
            result,
            lost,
            restored,
            unknown,
            mirror,
        }
    }

    /// Asks how many there are. Returns that, and the requests that it took.
    pub(crate) async fn count(&self, class: Class) -> (Result<u64, Failed>, u64) {
        let list = self
            .client
            .request(Method::GET, &format!("/{}", class.name()))
            .list::<Box<RawValue>>();
        match list.count().await {
            Ok(count) => (Ok(count), 1),
            Err(error) => (Err(Failed::api(&error)), u64::from(error.attempts()).max(1)),
        }
    }
}

impl Looking<'_> {
    async fn run(&mut self) -> Result<Committed, Failed> {
        let (class, subject) = (self.class, self.subject);
        let began = self.now();
        let rows = match self.list(class, subject).await {
            Ok(rows) => rows,
            Err(failed) => {
                if failed.is_refused {
                    self.admitted().await?;
                    self.refused().await?;
                }
                return Err(failed);
            }
        };
        let (objects, is_in_flight) = self.objects(&rows)?;
        // Only the mirror wants them as they came.
        let rows = self.eyes.mirror.as_ref().map(|fleet| (fleet, rows));
        let gone = self.gone(&objects).await?;
        if class == Class::Accounts {
            self.judge_accounts(&objects).await?;
        }
        let look = Look {
            class,
            subject: subject.to_owned(),
            began,
            ended: self.now(),
            objects,
            is_in_flight,
            gone,
            is_initial_loud: self.eyes.is_initial_loud,
        };
        let mut committed = self
            .eyes
            .events
            .write(move |transaction| {
                let began = std::time::Instant::now();
                let committed = look.commit(transaction)?;
                Ok((committed, began))
            })
            .await
            .map(|(committed, began)| Committed {
                took: began.elapsed(),
                ..committed
            })?;
        if class == Class::Accounts {
            // Until all are shown again, it is looked at often.
            committed.is_in_flight |= !self.eyes.events.read(lost).await?.is_empty();
        }
        if committed.events > 0 {
            self.eyes.events.added.notify_waiters();
        }
        if let Some((fleet, rows)) = rows
            && let Err(error) = fleet.record(class, subject, rows, began).await
        {
            self.mirror = Some(error.to_string());
        }
        Ok(committed)
    }

    fn now(&self) -> Timestamp {
        self.eyes.events.clock.now()
    }

    async fn list(&mut self, class: Class, subject: &str) -> Result<Vec<Box<RawValue>>, Failed> {
        let listing = wpengine_fleet::listing(&self.eyes.client, class, subject).await;
        self.requests += listing.requests;
        listing.rows.map_err(Failed::from)
    }

    /// The objects of the rows by id, as JSON, which takes less memory, and whether one is about to change. One row without an id makes all of
    /// them doubtful.
    fn objects(&self, rows: &[Box<RawValue>]) -> Result<(Vec<(String, String)>, bool), Failed> {
        let unreadable =
            || Failed::text("a row has no id: the answer is not what the API documents");
        let (mut objects, mut is_in_flight) = (Vec::with_capacity(rows.len()), false);
        for row in rows {
            let row: Value = serde_json::from_str(row.get()).map_err(|_| unreadable())?;
            match Kind::of(self.class) {
                Some(kind) => {
                    let (id, object) = kind.read(self.subject, &row).ok_or_else(unreadable)?;
                    is_in_flight |= (kind.is_in_flight)(&object);
                    objects.push((id, Value::Object(object).to_string()));
                }
                None if row.is_object() => {
                    objects.push((self.subject.to_owned(), row.to_string()));
                }
                None => return Err(unreadable()),
            }
        }
        if self.class == Class::Accounts && !self.eyes.accounts.is_empty() {
            objects.retain(|(id, _)| self.eyes.accounts.contains(id));
        }
        // One id twice is one object, as it came last.
        let mut seen = HashSet::new();
        objects.reverse();
        objects.retain(|(id, _)| seen.insert(id.clone()));
        objects.reverse();
        Ok((objects, is_in_flight))
    }

    /// What is missing in the listing, is not known to the service, and is not of an account that is not shown.
    async fn gone(&mut self, objects: &[(String, String)]) -> Result<HashSet<String>, Failed> {
        let mut gone = HashSet::new();
        let Some(kind) = Kind::of(self.class)
            .filter(|kind| kind.comes_and_goes && self.class != Class::Accounts)
        else {
            return Ok(gone);
        };
        let (place, account) = Look::place(self.class, self.subject);
        let (class, place, account) = (self.class, place.to_owned(), account.map(str::to_owned));
        let seen: HashSet<String> = objects.iter().map(|(id, _)| id.clone()).collect();
        let (mut missing, mut lost): (Vec<(String, Object)>, _) = self
            .eyes
            .events
            .read(move |connection| {
                let mut missing = Vec::new();
                let account = account.as_deref();
                each_known(connection, class.name(), &place, account, |id, body| {
                    if !seen.contains(id) {
                        missing.push((id.to_owned(), read(body)));
                    }
                })?;
                Ok((missing, lost(connection)?))
            })
            .await?;
        missing
            .retain(|(_, object)| account_of(object).is_none_or(|account| !lost.contains(account)));
        // What is not shown any more looks as if it were gone. So what it belongs to has to be shown before and after: if it is shown only
        // now, the answers in between mean nothing.
        self.keep_shown(&mut missing, &mut lost).await?;
        if missing.is_empty() {
            return Ok(gone);
        }
        match kind.by_id {
            Some(path) => {
                // In another order each time: what is there all the same must not keep others from their turn.
                fastrand::shuffle(&mut missing);
                for (id, object) in missing.iter().take(ASKED) {
                    if self.is_unknown(&path(self.subject, object)).await? {
                        gone.insert(id.clone());
                    }
                }
            }
            None => {
                let again = self.list(class, self.subject).await?;
                let (again, _) = self.objects(&again)?;
                let is_missing = |id: &String| again.iter().all(|(other, _)| other != id);
                gone.extend(missing.iter().map(|(id, _)| id.clone()).filter(is_missing));
            }
        }
        missing.retain(|(id, _)| gone.contains(id));
        self.keep_shown(&mut missing, &mut lost).await?;
        Ok(missing.into_iter().map(|(id, _)| id).collect())
    }

    /// Keeps what belongs to something that is shown.
    async fn keep_shown(
        &mut self,
        missing: &mut Vec<(String, Object)>,
        lost: &mut HashSet<String>,
    ) -> Result<(), Failed> {
        if missing.is_empty() {
            return Ok(());
        }
        match self.class {
            Class::Sites | Class::Installs => {
                let accounts: HashSet<String> = missing
                    .iter()
                    .filter_map(|(_, object)| account_of(object).map(str::to_owned))
                    .collect();
                for account in accounts {
                    if !self.shows(&account).await? {
                        self.lose(&account).await?;
                        lost.insert(account);
                    }
                }
                missing.retain(|(_, object)| {
                    account_of(object).is_none_or(|account| !lost.contains(account))
                });
                // One whose account was never told may be of any.
                let is_of_any = |(_, object): &(String, Object)| account_of(object).is_none();
                if missing.iter().any(is_of_any) && (!lost.is_empty() || !self.shows_all().await?) {
                    missing.retain(|one| !is_of_any(one));
                }
            }
            Class::People | Class::Transfers => {
                if !self.shows(self.subject).await? {
                    self.lose(self.subject).await?;
                    missing.clear();
                }
            }
            _ => {
                if self
                    .is_unknown(&format!("/installs/{}", self.subject))
                    .await?
                {
                    return Err(Failed {
                        is_refused: true,
                        ..Failed::text("the install is not shown any more")
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether the service answers 404.
    async fn is_unknown(&mut self, path: &str) -> Result<bool, Failed> {
        match self.eyes.client.request(Method::GET, path).send().await {
            Ok(response) => {
                self.requests += u64::from(response.attempts());
                Ok(false)
            }
            Err(error) => {
                self.requests += u64::from(error.attempts()).max(1);
                match is_not_there(&error) {
                    true => Ok(true),
                    // It is there, and not for us: that is not gone.
                    false if error.is_forbidden() => Ok(false),
                    // That is no answer about the listing, which was shown.
                    false => Err(Failed {
                        is_refused: false,
                        ..Failed::api(&error)
                    }),
                }
            }
        }
    }

    /// Whether anything of an account is shown. With its API access switched off, lists are empty and what has an id is not found.
    async fn shows(&mut self, account: &str) -> Result<bool, Failed> {
        for class in [Class::People, Class::Installs] {
            match self.list(class, account).await {
                Ok(rows) if !rows.is_empty() => return Ok(true),
                Err(failed) if !failed.is_refused => return Err(failed),
                Err(_) => self.admitted().await?,
                Ok(_) => {}
            }
        }
        Ok(false)
    }

    /// What is refused may be of one account. Where the list of accounts is refused, too, nothing is lost: the credentials are wrong.
    async fn admitted(&mut self) -> Result<(), Failed> {
        let (count, requests) = self.eyes.count(Class::Accounts).await;
        self.requests += requests;
        match count {
            Ok(_) => Ok(()),
            Err(failed) if failed.is_refused => Err(Failed {
                text: format!("the API refuses the credentials: {}", failed.text),
                is_refused: false,
                is_of_all: true,
                ..failed
            }),
            Err(failed) => Err(failed),
        }
    }

    /// Whether something of each account is shown; an answer that does not come is none.
    async fn shows_all(&mut self) -> Result<bool, Failed> {
        let all = |connection: &Connection| known(connection, "accounts", "", None);
        for account in self.eyes.events.read(all).await?.into_keys() {
            match self.shows(&account).await {
                Ok(true) => {}
                Ok(false) => {
                    self.lose(&account).await?;
                    return Ok(false);
                }
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    async fn lose(&mut self, account: &str) -> Result<(), Failed> {
        let (id, now) = (account.to_owned(), self.now());
        if self
            .eyes
            .events
            .write(move |transaction| access(transaction, &id, true, now))
            .await?
        {
            self.lost.push(account.to_owned());
            self.eyes.events.added.notify_waiters();
        }
        Ok(())
    }

    /// A listing was refused: is its account still shown?
    async fn refused(&mut self) -> Result<(), Failed> {
        let (class, subject) = (self.class, self.subject.to_owned());
        let accounts: Vec<String> = match class {
            Class::Accounts | Class::Sites | Class::Installs if subject.is_empty() => self
                .eyes
                .events
                .read(|connection| known(connection, "accounts", "", None))
                .await?
                .into_keys()
                .collect(),
            Class::Accounts
            | Class::Sites
            | Class::Installs
            | Class::People
            | Class::Transfers
            | Class::Limits
            | Class::Usage => {
                vec![subject]
            }
            // What is refused of an install is seen in the list of installs.
            _ => Vec::new(),
        };
        let lost = self.eyes.events.read(lost).await?;
        for account in accounts.iter().filter(|account| !lost.contains(*account)) {
            if !self.shows(account).await? {
                self.lose(account).await?;
            }
        }
        Ok(())
    }

    /// Finds accounts that are not listed any more, and lost ones that are shown again.
    async fn judge_accounts(&mut self, objects: &[(String, String)]) -> Result<(), Failed> {
        let (before, lost) = self
            .eyes
            .events
            .read(|connection| Ok((known(connection, "accounts", "", None)?, lost(connection)?)))
            .await?;
        let only = &self.eyes.accounts;
        let is_ours = |id: &String| only.is_empty() || only.contains(id);
        let is_shown = |id: &String| objects.iter().any(|(other, _)| other == id);
        let is_unknown = |id: &&String| !is_shown(id) && !before.contains_key(*id);
        self.unknown = Some(only.iter().filter(is_unknown).cloned().collect());
        for id in before
            .keys()
            .filter(|id| is_ours(id) && !lost.contains(*id))
        {
            if !is_shown(id) && !self.shows(id).await? {
                self.lose(id).await?;
            }
        }
        for account in lost.iter().filter(|id| is_ours(id)) {
            if is_shown(account) && self.shows(account).await? {
                let (id, now) = (account.clone(), self.now());
                if self
                    .eyes
                    .events
                    .write(move |transaction| access(transaction, &id, false, now))
                    .await?
                {
                    self.restored.push(account.clone());
                    self.eyes.events.added.notify_waiters();
                }
            }
        }
        Ok(())
    }
}

fn account_of(object: &Object) -> Option<&str> {
    object.get("account_id")?.as_str()
}

/// The accounts that are not shown.
pub(crate) fn lost(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    let mut statement = connection.prepare_cached("SELECT account FROM lost")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}
