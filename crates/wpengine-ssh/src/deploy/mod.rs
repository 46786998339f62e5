//! Deployments: files are sent beside the site, then moved in by one script, and can be taken back.
//!
//! What a hosting platform like this cannot give is said here once: many files are not replaced at one instant, each one is; and a
//! database is never touched.

mod check;
mod compare;
mod gates;
mod git;
mod record;
mod rsync;
mod rules;
mod script;
mod talk;
mod tree;

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use self::{script::Answer, talk::Talk};

pub use self::{
    check::Page,
    gates::Gates,
    git::{Push, Pushed},
    record::{Held, Lock, Record, Releases},
    tree::Tree,
};
use crate::{
    connection::Connection,
    error::{Error, ErrorKind},
    gateway::Gateway,
};

/// How long a script on the gateway may take: it saves and moves files, and a busy install is slow.
const SCRIPT: Duration = Duration::from_secs(600);
const QUESTION: Duration = Duration::from_secs(120);

/// What a release is made of, beside its files.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Why it is made, for the log.
    pub note: Option<String>,
    /// Who makes it, for the log and for whoever meets its lock.
    pub by: String,
    /// The commit that it is made from, for the log.
    pub commit: Option<String>,
    /// Whether PHP files that changed are read by the install's PHP before they are moved in; so by default.
    pub lint: bool,
    /// Files of others that it takes over, such as a plugin in `mu-plugins` that an earlier way of deploying brought.
    pub adopt: Vec<String>,
    /// How long its lock holds without a sign of life; 15 minutes by default.
    pub lock_for: Duration,
    /// How many releases can be rolled back; 5 by default.
    pub keep: u32,
    /// How long sending may take; an hour by default.
    pub send_within: Duration,
    /// Up to so many bytes are sent with the script that moves them in, which is quick; more goes by rsync, which sends only the rest
    /// if the connection is lost. 4 MiB by default.
    pub at_once: u64,
    /// The plan that was agreed to. If another release came in between, nothing is done.
    pub agreed: Option<Plan>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            note: None,
            by: String::new(),
            commit: None,
            lint: true,
            adopt: Vec::new(),
            lock_for: Duration::from_secs(900),
            keep: 5,
            send_within: Duration::from_secs(3_600),
            at_once: 4 * 1024 * 1024,
            agreed: None,
        }
    }
}

/// A path of the site that a plan is about, as text. Bytes that are no text are shown as near as can be.
fn text(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// A file that a release does not touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Protected {
    /// Where it is, from the root of the site.
    pub path: String,
    /// Why it is not touched.
    pub why: &'static str,
}

/// What a release would change. Paths begin at the root of the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The folder of the site that is deployed to; empty for its root.
    pub target: String,
    /// Files that are not there yet.
    pub created: Vec<String>,
    /// Files with another content.
    pub changed: Vec<String>,
    /// Files that an earlier release brought and this one has not.
    pub deleted: Vec<String>,
    /// Files of the folder that are not sent, and files of an earlier release that are not deleted.
    pub protected: Vec<Protected>,
    /// How many files are the same.
    pub unchanged: usize,
    /// The release that was the last one when this was made; empty if there was none.
    pub after: String,
    /// Somebody who deploys to this install now.
    pub lock: Option<Lock>,
}

impl Plan {
    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.created.is_empty() && self.changed.is_empty() && self.deleted.is_empty()
    }
}

/// What a release changed. Paths begin at the root of the site.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Released {
    /// Its id, which begins with its time.
    pub id: String,
    /// Files that were not there before.
    pub created: Vec<String>,
    /// Files that were replaced.
    pub changed: Vec<String>,
    /// Files that were deleted.
    pub deleted: Vec<String>,
    /// Files that were not touched.
    pub protected: Vec<Protected>,
    /// Of a release that was taken back: files that somebody had changed since, which are kept below `_wpeprivate/wpengine/aside`.
    pub kept_aside: Vec<String>,
    /// Seconds from the open connection until all files were in place; nothing of a release that was interrupted.
    pub seconds: Option<f64>,
}

/// The site of an install, to deploy to. Its connection is opened when it is needed, and again if it was lost.
///
/// ```no_run
/// # async fn example() -> Result<(), wpengine_ssh::Error> {
/// use std::path::Path;
/// use wpengine_ssh::{Gateway, deploy::{Options, Tree}};
///
/// let gateway = Gateway::new("/home/me/.local/state/wpengine/ssh")?;
/// let mut site = gateway.site("torquemag");
/// let tree = Tree::read(Path::new("theme"), "wp-content/themes/torque")?;
/// let plan = site.plan(&tree, &[]).await?;
/// println!("{} new, {} changed, {} deleted", plan.created.len(), plan.changed.len(), plan.deleted.len());
/// let released = site.release(&tree, &Options::default()).await?;
/// println!("{} can be rolled back", released.id);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Site {
    gateway: Gateway,
    install: String,
    connection: Option<Connection>,
}

impl Gateway {
    /// Returns the site of an install. Nothing is sent yet.
    #[must_use]
    pub fn site(&self, install: &str) -> Site {
        Site {
            gateway: self.clone(),
            install: install.to_owned(),
            connection: None,
        }
    }
}

impl Site {
    /// Returns the name of the install.
    #[must_use]
    pub fn install(&self) -> &str {
        &self.install
    }

    /// Opens the connection, if it is not open.
    ///
    /// # Errors
    ///
    /// As [`Gateway::connect`].
    pub async fn connect(&mut self) -> Result<&Connection, Error> {
        self.gateway
            .reopened(&self.install, &mut self.connection)
            .await
    }

    /// Closes the connection.
    pub async fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }

    fn say(&self, text: &str) {
        self.gateway.say(&format!("{}: {text}", self.install));
    }

    async fn ask(
        &mut self,
        variables: &script::Variables<'_>,
        function: &str,
        input: &[u8],
        within: Duration,
    ) -> Result<Answer, Error> {
        let script = variables.script(function, !input.is_empty());
        let connection = self.connect().await?;
        let done = connection.script(&script, input, within).await?;
        Answer::of(done, connection.install())
    }

    /// The same for a question that changes nothing, so it is asked again if the connection is lost.
    async fn ask_again(
        &mut self,
        variables: &script::Variables<'_>,
        function: &str,
        within: Duration,
    ) -> Result<Answer, Error> {
        // Where there is no way in, there is nothing to ask again.
        self.connect().await?;
        let mut pause = Duration::from_millis(200);
        loop {
            match self.ask(variables, function, b"", within).await {
                Err(error)
                    if matches!(error.kind(), ErrorKind::Lost | ErrorKind::Unavailable)
                        && pause < Duration::from_secs(10) =>
                {
                    self.say("the connection was lost; asking again");
                    sleep(pause).await;
                    pause *= 3;
                }
                result => return result,
            }
        }
    }

    /// Says what a release of these files would change. Nothing is changed.
    ///
    /// # Errors
    ///
    /// Those of [`Gateway::connect`], [`ErrorKind::NotReady`] if the install has no site, [`ErrorKind::Local`] if a file cannot be
    /// read.
    pub async fn plan(&mut self, tree: &Tree, adopt: &[String]) -> Result<Plan, Error> {
        let install = self.install.clone();
        let variables = script::Variables::new(&install).target(&tree.target);
        let mut tries = 0;
        loop {
            self.say("comparing");
            let connection = self.connect().await?;
            let result = Talk::begin(connection, &variables, tree).await;
            match result {
                // The script ends when the session does.
                Ok((_, compared)) => return Ok(compared.plan(tree, adopt)),
                Err(error) if error.kind() == ErrorKind::Lost && tries < 3 => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Deploys: sends what changed beside the site, moves it in, deletes what only an earlier release brought, and writes it down.
    ///
    /// If the connection or the script is lost it goes on over another one. When the error is not [`ErrorKind::Unknown`], the site is
    /// as it was before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Locked`], [`ErrorKind::Refused`] if PHP does not take a file or a place cannot be written,
    /// [`ErrorKind::Transfer`], and those of [`Gateway::connect`]; [`ErrorKind::Unknown`] if a part may be in place:
    /// [`resume`](Self::resume) goes on.
    pub async fn release(&mut self, tree: &Tree, options: &Options) -> Result<Released, Error> {
        let id = record::new_id();
        self.release_as(&id, tree, options).await
    }

    async fn release_as(
        &mut self,
        id: &str,
        tree: &Tree,
        options: &Options,
    ) -> Result<Released, Error> {
        self.connect().await?;
        let began = Instant::now();
        let install = self.install.clone();
        let about = record::about(tree, options);
        let variables = script::Variables::new(&install)
            .target(&tree.target)
            .id(id)
            .owner(&options.by)
            .about(&about)
            .lock_for(options.lock_for)
            .lint(options.lint)
            .keep(options.keep)
            .expected(options.agreed.as_ref().map(|plan| plan.after.as_str()));
        let mut tries = 0;
        loop {
            let mut asked = false;
            let error = match self.attempt(&variables, tree, options, &mut asked).await {
                Ok((answer, protected)) => {
                    let mut done = released(id, &answer);
                    done.protected = protected;
                    done.seconds = Some(began.elapsed().as_secs_f64());
                    return Ok(done);
                }
                Err(error) => error,
            };
            // A script that ended in a way that it does not know says nothing of the site either.
            let may_pass = match error.kind() {
                ErrorKind::Lost | ErrorKind::TimedOut => true,
                ErrorKind::Unavailable | ErrorKind::Remote => asked,
                _ => false,
            };
            if !may_pass {
                return Err(error);
            }
            if !asked && tries >= 3 {
                return Err(error);
            }
            tries += 1;
            self.say("the connection or the script was lost; going on");
            sleep(Duration::from_millis(200)).await;
            if asked {
                // Whether anything has begun is known by the server alone.
                match self.state(&variables, tries).await?.as_str() {
                    "" | "uploading" if tries < 4 => {}
                    "" | "uploading" => return Err(self.take_back(&variables, error).await),
                    _ => {
                        let answer = self.apply(&variables, true).await?;
                        return Ok(released(id, &answer));
                    }
                }
            }
        }
    }

    /// One attempt, until the connection is lost. `asked` says whether the server was asked to change something.
    async fn attempt(
        &mut self,
        variables: &script::Variables<'_>,
        tree: &Tree,
        options: &Options,
        asked: &mut bool,
    ) -> Result<(Answer, Vec<Protected>), Error> {
        self.say("comparing");
        let connection = self.connect().await?;
        let (talk, compared) = Talk::begin(connection, variables, tree).await?;
        let changes = compared.changes(tree, &options.adopt);
        let manifest = record::packed(compared.listed(tree, &options.adopt));
        let protected = changes.protected;
        if changes.size <= options.at_once {
            let archive = tree.archive(&changes.files)?;
            *asked = true;
            connection.say(&format!(
                "sending and moving in {} files",
                changes.files.len()
            ));
            let answer = talk.release(&manifest, &archive).await?;
            return Ok((answer, protected));
        }
        *asked = true;
        talk.release(&manifest, b"").await?;
        let sent = self
            .send(tree, &changes.files, compared.is_there, variables, options)
            .await;
        match sent {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Lost => return Err(error),
            Err(error) => return Err(self.take_back(variables, error).await),
        }
        self.say("moving files in");
        Ok((self.apply(variables, false).await?, protected))
    }

    /// How far a release is.
    async fn state(
        &mut self,
        variables: &script::Variables<'_>,
        tries: u32,
    ) -> Result<String, Error> {
        let asked = self.ask_again(variables, "status", SCRIPT).await;
        let install = &self.install;
        asked.map(|answer| answer.text("state")).map_err(|error| {
            error
                .means(ErrorKind::Unknown, |message| {
                    format!(
                        "{message}; a part of the release {} may be in place (after {tries} attempts)",
                        variables.id
                    )
                })
                .hint(format!("go on with: wpengine deploy resume {install}\nor back: wpengine deploy rollback {install}"))
        })
    }

    async fn send(
        &mut self,
        tree: &Tree,
        files: &[Vec<u8>],
        is_there: bool,
        variables: &script::Variables<'_>,
        options: &Options,
    ) -> Result<(), Error> {
        let (to, live) = (variables.staging(), variables.live_from_staging());
        let mut tries = 0;
        loop {
            let renew = variables.script("renew", false);
            let lock_for = options.lock_for;
            let connection = self.connect().await?;
            let basis = is_there.then_some(live.as_str());
            let send = rsync::send(connection, tree, files, &to, basis, options.send_within);
            let keep_alive = async {
                loop {
                    sleep((lock_for / 3).max(Duration::from_secs(1))).await;
                    let renewed = connection.script(&renew, b"", QUESTION).await?;
                    // If the lock is gone, somebody else works there.
                    Answer::of(renewed, connection.install())?;
                }
            };
            let sent = tokio::select! {
                sent = send => sent,
                lost = keep_alive => lost,
            };
            match sent {
                Err(error) if error.kind() == ErrorKind::Lost && tries < 2 => {
                    tries += 1;
                    self.say("the connection was lost; sending the rest");
                }
                result => return result,
            }
        }
    }

    /// Nothing of the site was changed: the lock and what was sent go.
    async fn take_back(&mut self, variables: &script::Variables<'_>, error: Error) -> Error {
        let install = self.install.clone();
        match self.ask_again(variables, "undo", QUESTION).await {
            Ok(_) => {
                let kind = error.kind();
                error.means(kind, |message| {
                    format!("{message}; the site was not changed")
                })
            }
            // Somebody else has the lock by now, so there is nothing of this release any more.
            Err(other) if other.kind() == ErrorKind::Refused => error,
            Err(_) => {
                let kind = match error.kind() {
                    ErrorKind::Lost => ErrorKind::Unavailable,
                    kind => kind,
                };
                error.means(kind, |message| {
                    format!("{message}; the site was not changed, but its lock may still be there: it goes after a while, or by: wpengine deploy unlock {install}")
                })
            }
        }
    }

    /// Moves in what was sent. It can be killed anywhere and asked again. `was_asked` says whether it may run already.
    async fn apply(
        &mut self,
        variables: &script::Variables<'_>,
        was_asked: bool,
    ) -> Result<Answer, Error> {
        let variables = variables.clone().complete();
        let hint = format!(
            "go on with: wpengine deploy resume {0}\nor back: wpengine deploy rollback {0}",
            self.install
        );
        self.finish(&variables, "apply", &["applied"], was_asked, hint)
            .await
    }

    async fn undo(&mut self, variables: &script::Variables<'_>) -> Result<Answer, Error> {
        let hint = format!("go on with: wpengine deploy rollback {}", self.install);
        self.finish(variables, "undo", &["undone", "discarded"], false, hint)
            .await
    }

    /// Runs a script until it has ended in one of these states. While one that was cut off still runs, it is waited for.
    async fn finish(
        &mut self,
        variables: &script::Variables<'_>,
        function: &str,
        ends: &[&str],
        was_asked: bool,
        hint: String,
    ) -> Result<Answer, Error> {
        let (mut tries, mut was_asked) = (0, was_asked);
        loop {
            let asked = self.ask(variables, function, b"", SCRIPT).await;
            let error = match asked {
                Ok(answer) if ends.contains(&answer.text("state").as_str()) => return Ok(answer),
                Ok(answer) => Error::new(
                    ErrorKind::Unknown,
                    format!(
                        "the script on the gateway was stopped while it was {}",
                        answer.text("state")
                    ),
                ),
                // Only the first answer says that nothing has begun.
                Err(error) if !was_asked && !is_passing(&error) => return Err(error),
                Err(error) if error.kind() == ErrorKind::Refused => return Err(error),
                Err(error) => error,
            };
            was_asked = true;
            if tries == 4 || error.kind() == ErrorKind::Unknown && tries > 0 {
                return Err(error
                    .means(ErrorKind::Unknown, |message| {
                        format!(
                            "{message}; nobody knows how far the release {} is",
                            variables.id
                        )
                    })
                    .hint(hint));
            }
            self.say("the connection or the script was lost; going on");
            sleep(Duration::from_millis(200) * 3_u32.pow(tries)).await;
            tries += 1;
        }
    }

    /// Goes on with a release that was interrupted. If its files were not all sent yet, the folder is needed to send the rest.
    /// Returns nothing if there is none.
    ///
    /// # Errors
    ///
    /// As [`release`](Self::release); [`ErrorKind::Input`] if the folder is needed.
    pub async fn resume(
        &mut self,
        tree: Option<&Tree>,
        options: &Options,
    ) -> Result<Option<Released>, Error> {
        let releases = self.releases().await?;
        let Some(lock) = releases.lock else {
            return Ok(None);
        };
        let held = releases.held.iter().find(|held| held.id == lock.release);
        let install = self.install.clone();
        let target = held.map(|held| held.target.clone()).unwrap_or_default();
        let variables = script::Variables::new(&install)
            .id(&lock.release)
            .target(&target)
            .owner(&options.by)
            .lint(options.lint)
            .keep(options.keep)
            .lock_for(options.lock_for);
        match lock.state.as_str() {
            "undoing" | "undone" => {
                let answer = self.undo(&variables).await?;
                Ok(Some(released(&lock.release, &answer)))
            }
            "" | "uploading" => match tree {
                Some(tree) => {
                    if held.is_some_and(|held| !lock.state.is_empty() && held.target != tree.target)
                    {
                        return Err(Error::input(format!(
                            "the interrupted release goes to {target:?}, not to {:?}: give the same folders as before",
                            tree.target
                        )));
                    }
                    Ok(Some(self.release_as(&lock.release, tree, options).await?))
                }
                None => Err(Error::input(format!(
                    "the files of the release {} were not all sent: give the folder again, or take it back with: wpengine deploy rollback {install}",
                    lock.release
                ))),
            },
            _ => {
                let answer = self.apply(&variables, true).await?;
                Ok(Some(released(&lock.release, &answer)))
            }
        }
    }

    /// Takes the last release back: what it replaced and deleted is there again, and what it brought is gone. An interrupted release
    /// is taken back first. With an id, all releases down to that one, and that one too, are taken back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] if there is no such release, [`ErrorKind::Refused`] if what it replaced is not kept any more,
    /// [`ErrorKind::Locked`], [`ErrorKind::Unknown`], and those of [`Gateway::connect`].
    pub async fn rollback(
        &mut self,
        down_to: Option<&str>,
        options: &Options,
    ) -> Result<Vec<Released>, Error> {
        let mut done = Vec::new();
        loop {
            let releases = self.releases().await?;
            let next = releases.next_to_take_back(&self.install, down_to, done.is_empty())?;
            let (id, target) = (next.id.clone(), next.target.clone());
            let install = self.install.clone();
            let variables = script::Variables::new(&install)
                .id(&id)
                .target(&target)
                .owner(&options.by)
                .lock_for(options.lock_for);
            self.say(&format!("taking {id} back"));
            let was_last = down_to.is_none_or(|wanted| wanted == id);
            let answer = self.undo(&variables).await?;
            done.push(released(&id, &answer));
            if was_last {
                return Ok(done);
            }
        }
    }

    /// Takes one release back, which must be the last one. It is for a release that was just made: an earlier or later one is not
    /// touched.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] if another one came after it, and those of [`rollback`](Self::rollback).
    pub async fn take_back_release(
        &mut self,
        released: &Released,
        tree: &Tree,
        options: &Options,
    ) -> Result<(), Error> {
        let install = self.install.clone();
        let variables = script::Variables::new(&install)
            .id(&released.id)
            .target(&tree.target)
            .owner(&options.by)
            .lock_for(options.lock_for);
        self.say(&format!("taking {} back", released.id));
        self.undo(&variables).await.map(drop)
    }

    /// Returns the releases of the site, its log and its lock.
    ///
    /// # Errors
    ///
    /// Those of [`Gateway::connect`].
    pub async fn releases(&mut self) -> Result<Releases, Error> {
        let install = self.install.clone();
        let variables = script::Variables::new(&install);
        let answer = self.ask_again(&variables, "releases", QUESTION).await?;
        Ok(Releases::of(&answer))
    }

    /// Removes the lock of a release that has not begun to change the site. Returns false if there is none. Without `force` the lock
    /// must have expired.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Locked`] if it has not expired, or if the release changed something already.
    pub async fn unlock(&mut self, force: bool) -> Result<bool, Error> {
        let install = self.install.clone();
        let variables = script::Variables::new(&install).force(force);
        let answer = self.ask(&variables, "remove_lock", b"", QUESTION).await?;
        Ok(answer.text("state") == "unlocked")
    }
}

fn released(id: &str, answer: &Answer) -> Released {
    let paths = |name: &str| -> Vec<String> { answer.all(name).map(text).collect() };
    Released {
        id: id.to_owned(),
        created: paths("created"),
        changed: paths("changed"),
        deleted: paths("deleted"),
        protected: Vec::new(),
        kept_aside: paths("aside"),
        seconds: None,
    }
}

/// Whether it may go by itself, or says nothing of how far the script was.
fn is_passing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Lost | ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::Remote
    )
}
