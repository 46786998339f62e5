//! Making plans.

use std::time::{SystemTime, UNIX_EPOCH};

use wpengine::{
    jiff::Timestamp,
    operation::Effect,
    types::{CacheType, Environment},
};

use super::{Action, Impact, Plan, Step, Target, impact};
use crate::{Candidate, Error, Fleet, SCHEMA_VERSION};

/// Makes a plan that copies an install over another one, after a backup of the latter. Made by [`Fleet::promote`].
#[derive(Clone, Debug)]
#[must_use = "it makes no plan until `plan` is called"]
pub struct Promote<'a> {
    fleet: &'a Fleet,
    from: String,
    to: String,
    emails: Vec<String>,
    database: bool,
    tables: Option<Vec<String>>,
}

/// Makes a plan that takes a backup, lets the caller work, and purges the caches. Made by [`Fleet::guard`].
#[derive(Clone, Debug)]
#[must_use = "it makes no plan until `plan` is called"]
pub struct Guard<'a> {
    fleet: &'a Fleet,
    install: String,
    emails: Vec<String>,
    cache: CacheType,
}

/// Makes a plan that puts a backup back. Made by [`Fleet::restore`].
#[derive(Clone, Debug)]
#[must_use = "it makes no plan until `plan` is called"]
pub struct Restore<'a> {
    fleet: &'a Fleet,
    install: String,
    backup: String,
    emails: Vec<String>,
    database: bool,
}

/// Makes a plan that deletes an install after a backup. Made by [`Fleet::delete`].
#[derive(Clone, Debug)]
#[must_use = "it makes no plan until `plan` is called"]
pub struct DeleteInstall<'a> {
    fleet: &'a Fleet,
    install: String,
    emails: Vec<String>,
}

/// Makes a plan that creates another environment of a site, with what an install has. Made by [`Fleet::set_up`].
#[derive(Clone, Debug)]
#[must_use = "it makes no plan until `plan` is called"]
pub struct SetUp<'a> {
    fleet: &'a Fleet,
    from: String,
    name: String,
    environment: Environment,
    emails: Vec<String>,
    database: bool,
}

impl Fleet {
    /// Plans to copy one install over another one: a backup of the target, the wait until it is **completed**, then the copy of
    /// the files. The database is copied only if it is asked for.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = wpengine_sim::ClockMode::Accelerated(600.0);
    /// # let simulator = wpengine_sim::Simulator::builder().fleet(1, 1, 2).clock(clock).start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// # let folder = tempfile::tempdir()?;
    /// # let fleet = wpengine_fleet::Fleet::open(&client, folder.path(), folder.path())?;
    /// # let names = client.installs().list().collect().await?;
    /// # let name = |environment: &str| names.iter().find(|one| one.environment.as_ref().is_some_and(|of| of.as_str() == environment)).map(|one| one.name.clone());
    /// # let (staging, production) = (name("staging").ok_or("none")?, name("production").ok_or("none")?);
    /// use wpengine_fleet::State;
    ///
    /// let (from, to) = (fleet.resolve(&staging).await?, fleet.resolve(&production).await?);
    /// let plan = fleet.promote(&from, &to).emails(["ops@example.com"]).plan().await?;
    /// for step in &plan.steps {
    ///     println!("{:?} {}", step.impact, step.title);
    /// }
    /// let outcome = fleet.run(&plan).await?;
    /// assert_eq!(outcome.state, State::Done);
    /// # Ok(())
    /// # }
    /// ```
    pub fn promote(&self, from: &Candidate, to: &Candidate) -> Promote<'_> {
        Promote {
            fleet: self,
            from: from.id.clone(),
            to: to.id.clone(),
            emails: Vec::new(),
            database: false,
            tables: None,
        }
    }

    /// Plans to take a backup, to let the caller work once it is completed, and to purge the caches afterwards.
    ///
    /// The plan pauses with [`State::YourTurn`](crate::State::YourTurn), however often it is run, until you say with
    /// [`decide`](Self::decide) that the work is done.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = wpengine_sim::ClockMode::Accelerated(600.0);
    /// # let simulator = wpengine_sim::Simulator::builder().clock(clock).start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// # let folder = tempfile::tempdir()?;
    /// # let fleet = wpengine_fleet::Fleet::open(&client, folder.path(), folder.path())?;
    /// # async fn deploy() {}
    /// use wpengine_fleet::{Decision, State};
    ///
    /// let install = fleet.resolve("torquemag").await?;
    /// let plan = fleet.guard(&install).emails(["ops@example.com"]).plan().await?;
    /// if let State::YourTurn { step } = fleet.run(&plan).await?.state {
    ///     deploy().await;
    ///     fleet.decide(&plan, step, Decision::Done).await?;
    ///     assert_eq!(fleet.run(&plan).await?.state, State::Done);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn guard(&self, install: &Candidate) -> Guard<'_> {
        Guard {
            fleet: self,
            install: install.id.clone(),
            emails: Vec::new(),
            cache: CacheType::All,
        }
    }

    /// Plans to put a backup back. The database is restored only if it is asked for.
    pub fn restore(&self, install: &Candidate, backup: impl Into<String>) -> Restore<'_> {
        Restore {
            fleet: self,
            install: install.id.clone(),
            backup: backup.into(),
            emails: Vec::new(),
            database: false,
        }
    }

    /// Plans to delete an install after a backup.
    pub fn delete(&self, install: &Candidate) -> DeleteInstall<'_> {
        DeleteInstall {
            fleet: self,
            install: install.id.clone(),
            emails: Vec::new(),
        }
    }

    /// Plans to create an install with a new name in the site of another one, as its staging environment, and to copy the other
    /// one into it, with the database.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = wpengine_sim::ClockMode::Accelerated(600.0);
    /// # let simulator = wpengine_sim::Simulator::builder().fleet(1, 1, 1).clock(clock).start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// # let folder = tempfile::tempdir()?;
    /// # let fleet = wpengine_fleet::Fleet::open(&client, folder.path(), folder.path())?;
    /// # let name = client.installs().list().collect().await?.remove(0).name;
    /// let production = fleet.resolve(&name).await?;
    /// let plan = fleet.set_up(&production, "newstaging").emails(["ops@example.com"]).plan().await?;
    /// let outcome = fleet.run(&plan).await?;
    /// println!("{:?}: {:?}", outcome.state, outcome.steps[0].made);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_up(&self, from: &Candidate, name: impl Into<String>) -> SetUp<'_> {
        SetUp {
            fleet: self,
            from: from.id.clone(),
            name: name.into(),
            environment: Environment::Staging,
            emails: Vec::new(),
            database: true,
        }
    }

    /// Reads an install, as a plan has it.
    pub(super) async fn target(&self, id: &str) -> Result<Target, Error> {
        let install = self.client().install(id).get().await?;
        Ok(Target {
            id: install.id.to_string(),
            name: install.name,
            account_id: install.account.id.map(|id| id.to_string()),
            site_id: install
                .site
                .and_then(|site| site.id)
                .map(|id| id.to_string()),
            environment: install
                .environment
                .map(|environment| environment.to_string()),
            status: install.status.map(|status| status.to_string()),
        })
    }
}

/// The setter that all plans with mails have.
macro_rules! emails {
    ($($name:ident),*) => {
        $(impl $name<'_> {
            /// Who gets the mails of the service. Required: it refuses work that it may tell nobody about.
            pub fn emails<I>(mut self, emails: I) -> Self
            where
                I: IntoIterator,
                I::Item: Into<String>,
            {
                self.emails = emails.into_iter().map(Into::into).collect();
                self
            }
        })*
    };
}

emails!(Promote, Guard, Restore, DeleteInstall, SetUp);

impl Promote<'_> {
    /// Copies the whole database too. Orders, users and comments of the target are replaced.
    pub fn database(mut self) -> Self {
        self.database = true;
        self
    }

    /// Copies these tables of the database.
    pub fn tables<I>(mut self, tables: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.tables = Some(tables.into_iter().map(Into::into).collect());
        self
    }

    /// Makes the plan. It reads both installs and sends nothing that changes anything.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if there are no e-mail addresses, if the list of tables is empty, if both are one install, if they are not
    /// of one site, or if one is not active.
    pub async fn plan(self) -> Result<Plan, Error> {
        need_emails(&self.emails)?;
        if self.tables.as_ref().is_some_and(Vec::is_empty) {
            return Err(refused(
                "the list of tables is empty, and that does not mean the whole database: name the tables, or ask for the database",
            ));
        }
        let database = self.database || self.tables.is_some();
        let tables = self.tables.unwrap_or_default();
        if self.from == self.to {
            return Err(refused("an install cannot be copied over itself"));
        }
        let (from, to) = (
            self.fleet.target(&self.from).await?,
            self.fleet.target(&self.to).await?,
        );
        if from.account_id != to.account_id {
            return Err(refused(format!(
                "{} and {} are not of one account",
                from.name, to.name
            )));
        }
        if from.site_id.is_none() || from.site_id != to.site_id {
            return Err(refused(format!(
                "{} and {} are not of one site",
                from.name, to.name
            )));
        }
        need_active(&from)?;
        need_active(&to)?;
        let id = new_id();
        let mut steps = backup(&to, &self.emails, &id, "before promote");
        let what = match (database, tables.is_empty()) {
            (false, _) => "the files".to_owned(),
            (true, true) => "the files and the whole database".to_owned(),
            (true, false) => format!("the files and the tables {}", tables.join(", ")),
        };
        steps.push(Step {
            title: format!("copy {what} of {} over {}", from.name, to.name),
            impact: impact(&[Effect::Overwrite], to.environment.as_deref()),
            action: Action::CopyInstall {
                from: from.id.clone(),
                to: to.id.clone(),
                database,
                tables,
                emails: self.emails,
            },
        });
        let mut notes = vec![format!(
            "{what} of {} are overwritten; the backup of the first step can be restored",
            to.name
        )];
        if to.environment.as_deref() != Some("production") {
            notes.push(format!("{} is not a production environment", to.name));
        }
        notes.push(
            "the service does not say when the copy ends: a mail does. Purge the caches after that"
                .to_owned(),
        );
        Ok(finished(id, "promote", vec![from, to], steps, notes))
    }
}

impl Guard<'_> {
    /// Purges this cache afterwards, in place of all of them.
    pub fn purge(mut self, cache: CacheType) -> Self {
        self.cache = cache;
        self
    }

    /// Makes the plan.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if there are no e-mail addresses, or if the install is not active.
    pub async fn plan(self) -> Result<Plan, Error> {
        need_emails(&self.emails)?;
        let target = self.fleet.target(&self.install).await?;
        need_active(&target)?;
        let id = new_id();
        let mut steps = backup(&target, &self.emails, &id, "before deploy");
        steps.push(Step {
            title: "your work".to_owned(),
            impact: Impact::Routine,
            action: Action::YourWork,
        });
        steps.push(Step {
            title: match self.cache {
                CacheType::All => format!("purge all caches of {}", target.name),
                ref cache => format!("purge the cache {cache} of {}", target.name),
            },
            impact: impact(&[Effect::Traffic], target.environment.as_deref()),
            action: Action::PurgeCaches {
                install_id: target.id.clone(),
                cache: self.cache.to_string(),
            },
        });
        Ok(finished(id, "guard", vec![target], steps, Vec::new()))
    }
}

impl Restore<'_> {
    /// Restores the database too.
    pub fn database(mut self) -> Self {
        self.database = true;
        self
    }

    /// Makes the plan.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if there are no e-mail addresses, if the install is not active, or if the backup is not completed.
    pub async fn plan(self) -> Result<Plan, Error> {
        need_emails(&self.emails)?;
        let target = self.fleet.target(&self.install).await?;
        need_active(&target)?;
        let found = self
            .fleet
            .client()
            .install(&self.install)
            .backup(&self.backup)
            .get()
            .await?;
        if found.status != wpengine::types::BackupStatus::Completed {
            return Err(refused(format!(
                "the backup {} is {}, and only a completed one can be restored",
                self.backup, found.status
            )));
        }
        let id = new_id();
        let when = found
            .create_time
            .map_or("an unknown time".to_owned(), |time| time.to_string());
        let what = if self.database {
            "the files and the database"
        } else {
            "the files"
        };
        let steps = vec![Step {
            title: format!("restore {what} of {} as of {when}", target.name),
            impact: impact(&[Effect::Overwrite], target.environment.as_deref()),
            action: Action::RestoreBackup {
                install_id: target.id.clone(),
                backup_id: self.backup,
                database: self.database,
                emails: self.emails,
            },
        }];
        let notes = vec![
            format!(
                "everything that changed in {what} of {} since {when} is lost",
                target.name
            ),
            "the service does not say when the restore ends: a mail does".to_owned(),
        ];
        Ok(finished(id, "restore", vec![target], steps, notes))
    }
}

impl DeleteInstall<'_> {
    /// Makes the plan.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if there are no e-mail addresses.
    pub async fn plan(self) -> Result<Plan, Error> {
        need_emails(&self.emails)?;
        let target = self.fleet.target(&self.install).await?;
        let id = new_id();
        let mut steps = backup(&target, &self.emails, &id, "before deletion");
        steps.push(Step {
            title: format!("delete the install {}", target.name),
            impact: impact(&[Effect::Loss], target.environment.as_deref()),
            action: Action::DeleteInstall {
                install_id: target.id.clone(),
            },
        });
        let notes = vec![format!(
            "{} and everything in it is gone afterwards, its backups too: keep an archive elsewhere if it is needed",
            target.name
        )];
        Ok(finished(id, "delete", vec![target], steps, notes))
    }
}

impl SetUp<'_> {
    /// Sets the environment; staging by default.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Copies the files, and not the database.
    pub fn without_database(mut self) -> Self {
        self.database = false;
        self
    }

    /// Makes the plan. It reads the install and its site.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if there are no e-mail addresses, if the name cannot be one or is taken, if the install is not active or
    /// belongs to no site, or if the site has such an environment already.
    pub async fn plan(self) -> Result<Plan, Error> {
        need_emails(&self.emails)?;
        need_name(&self.name)?;
        if self
            .fleet
            .facts(&[])
            .await?
            .installs
            .iter()
            .any(|one| one.name == self.name)
        {
            return Err(refused(format!(
                "an install is called {} already",
                self.name
            )));
        }
        let from = self.fleet.target(&self.from).await?;
        need_active(&from)?;
        let (Some(account_id), Some(site_id)) = (from.account_id.clone(), from.site_id.clone())
        else {
            return Err(refused(format!("{} belongs to no site", from.name)));
        };
        let site = self.fleet.client().site(site_id.as_str()).get().await?;
        let of_site: Vec<_> = site.installs.into_iter().flatten().collect();
        if of_site
            .iter()
            .any(|one| one.name.as_ref() == Some(&self.name))
        {
            return Err(refused(format!(
                "an install is called {} already",
                self.name
            )));
        }
        let mut taken = of_site
            .into_iter()
            .filter(|one| one.environment.as_ref() == Some(&self.environment));
        if let Some(taken) = taken.next() {
            return Err(refused(format!(
                "the site {} has a {} environment already: {}",
                site.name,
                self.environment,
                taken.name.unwrap_or_default()
            )));
        }
        let (name, environment) = (self.name, self.environment.to_string());
        let what = if self.database {
            "the files and the database"
        } else {
            "the files"
        };
        let step = |title: String, effects: &[Effect], action| Step {
            title,
            impact: impact(effects, Some(&environment)),
            action,
        };
        let steps = vec![
            step(
                format!(
                    "create the install {name} as {environment} of {}",
                    site.name
                ),
                &[Effect::Billable],
                Action::CreateInstall {
                    name: name.clone(),
                    account_id,
                    site_id,
                    environment: environment.clone(),
                },
            ),
            step(
                format!("wait until {name} is active"),
                &[],
                Action::WaitForInstall { step: 0 },
            ),
            step(
                format!("copy {what} of {} to {name}", from.name),
                &[Effect::Overwrite],
                Action::CopyToNew {
                    from: from.id.clone(),
                    step: 0,
                    database: self.database,
                    emails: self.emails,
                },
            ),
        ];
        let notes = vec![
            "a new install counts against the plan of the account".to_owned(),
            "the service does not say when the copy ends: a mail does".to_owned(),
        ];
        Ok(finished(new_id(), "set-up", vec![from], steps, notes))
    }
}

/// The two steps that no overwriting plan goes without.
fn backup(target: &Target, emails: &[String], plan: &str, why: &str) -> Vec<Step> {
    vec![
        Step {
            title: format!("create a backup of {}", target.name),
            impact: Impact::Routine,
            action: Action::CreateBackup {
                install_id: target.id.clone(),
                description: format!("{why} (plan {plan})"),
                emails: emails.to_vec(),
            },
        },
        Step {
            title: "wait until the backup is completed".to_owned(),
            impact: Impact::Routine,
            action: Action::WaitForBackup {
                install_id: target.id.clone(),
                step: 0,
            },
        },
    ]
}

pub(super) fn finished(
    id: String,
    kind: &str,
    targets: Vec<Target>,
    steps: Vec<Step>,
    notes: Vec<String>,
) -> Plan {
    let readings = 1 + steps
        .iter()
        .skip(1)
        .filter(|step| step.action.is_final())
        .count();
    let requests = targets.len() * readings + steps.iter().map(requests).sum::<usize>();
    let plan = Plan {
        schema_version: SCHEMA_VERSION,
        id,
        kind: kind.to_owned(),
        created_at: Timestamp::now(),
        is_independent: targets.is_empty(),
        targets,
        steps,
        notes,
        requests: u64::try_from(requests).unwrap_or(u64::MAX),
        digest: String::new(),
    };
    plan.sealed()
}

/// The requests of a step.
fn requests(step: &Step) -> usize {
    match step.action {
        Action::YourWork => 0,
        Action::AddPerson { .. } => 2,
        Action::RemovePerson { .. } | Action::SetRoles { .. } => 3,
        _ => 1,
    }
}

fn need_emails(emails: &[String]) -> Result<(), Error> {
    if emails.is_empty() {
        return Err(refused(
            "at least one e-mail address is needed: the service mails the end of the work",
        ));
    }
    // A later step needs them: a mistake must not stop the plan half-way.
    let is_address = |email: &&String| {
        let parts = email.split_once('@');
        let has_both = parts.is_some_and(|(who, at)| !who.is_empty() && at.contains('.'));
        has_both && !email.contains(char::is_whitespace)
    };
    if let Some(other) = emails.iter().find(|email| !is_address(email)) {
        return Err(refused(format!(
            "`{other}` is no e-mail address: give one such as ops@example.com"
        )));
    }
    Ok(())
}

/// As the API takes it.
fn need_name(name: &str) -> Result<(), Error> {
    let is_fine = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let begins = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    if begins && name.chars().all(is_fine) && (3..=14).contains(&name.len()) {
        return Ok(());
    }
    Err(refused(format!(
        "`{name}` is no name for an install: it has 3 to 14 lower-case letters and digits, and begins with a letter"
    )))
}

fn need_active(target: &Target) -> Result<(), Error> {
    match target.status.as_deref() {
        Some("active") => Ok(()),
        status => Err(refused(format!(
            "the install {} is {}, not active",
            target.name,
            status.unwrap_or("of unknown status")
        ))),
    }
}

pub(super) fn refused(why: impl Into<String>) -> Error {
    Error::Plan(why.into())
}

/// Unique enough to be found again: the time in nanoseconds, and the process.
pub(super) fn new_id() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("{:x}{:04x}", now.as_nanos(), std::process::id() & 0xffff)
}
