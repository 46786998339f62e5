//! Plans for everything that takes more than one change: steps with complete arguments, a digest over all of them, and a journal
//! that survives a crash at any point.
//!
//! A step is written to the journal before and after it is done. A plan that was interrupted goes on with
//! [`Fleet::run`]. What was started and has no result is looked up: a backup by its description, an install by its name, a person by
//! the e-mail address. A copy and a restore cannot be looked up. The plan then stops as [`Unknown`](State::Unknown), and goes on
//! only after a [`decision`](Fleet::decide).

mod build;
mod impact;
mod journal;
mod people;
mod perform;
mod run;

use serde::{Deserialize, Serialize};
use wpengine::jiff::Timestamp;

pub use build::{DeleteInstall, Guard, Promote, Restore, SetUp};
pub use impact::{Impact, impact};
pub use people::People;
pub use run::{Decision, Outcome, State, StepEvent, StepState};

/// Steps that change the fleet. Made by [`Fleet::promote`](crate::Fleet::promote) and the like, and run by
/// [`Fleet::run`](crate::Fleet::run).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The version of the serialized form.
    pub schema_version: u32,
    /// The id, by which the journal knows the plan.
    pub id: String,
    /// What it is for: `promote`, `restore` and so on.
    pub kind: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The installs that it changes or reads, as they were seen.
    pub targets: Vec<Target>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Whether each step stands for itself, as in plans for a person: then one that fails does not stop the others.
    pub is_independent: bool,
    /// What will be lost, and what cannot be known afterwards, in sentences.
    pub notes: Vec<String>,
    /// How many requests it takes if none fails and each wait asks once.
    pub requests: u64,
    /// SHA-256 over everything else, as hexadecimal digits.
    pub digest: String,
}

/// An install that a plan is about, as it was seen. The plan refuses to begin if it is another one by then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Target {
    /// The id of the install.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The id of its account.
    pub account_id: Option<String>,
    /// The id of its site.
    pub site_id: Option<String>,
    /// Its environment.
    pub environment: Option<String>,
    /// Its status.
    pub status: Option<String>,
}

impl Target {
    /// What is different from how it was seen before, in words.
    fn change(&self, before: &Self) -> Option<String> {
        let of = |field, now: &Option<String>, before: &Option<String>| {
            let say = |value: &Option<String>| value.clone().unwrap_or("none".to_owned());
            (now != before).then(|| format!("{field} {}, before {}", say(now), say(before)))
        };
        let (now, then) = (Some(self.name.clone()), Some(before.name.clone()));
        let changes = [
            of("name", &now, &then),
            of("status", &self.status, &before.status),
            of("environment", &self.environment, &before.environment),
            of("site", &self.site_id, &before.site_id),
            of("account", &self.account_id, &before.account_id),
        ];
        let changes: Vec<String> = changes.into_iter().flatten().collect();
        (!changes.is_empty()).then(|| changes.join("; "))
    }
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// What it does, with names, as a sentence.
    pub title: String,
    /// How much it can do.
    pub impact: Impact,
    /// What is done, with ids.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Creates a backup. Its description is unique, so that it can be looked up.
    CreateBackup {
        /// The install.
        install_id: String,
        /// The description.
        description: String,
        /// Who gets a mail.
        emails: Vec<String>,
    },
    /// Waits until the backup of an earlier step is completed.
    WaitForBackup {
        /// The install.
        install_id: String,
        /// The step that created the backup.
        step: usize,
    },
    /// Copies an install over another one.
    CopyInstall {
        /// The install that is copied.
        from: String,
        /// The install that is overwritten.
        to: String,
        /// Whether the database is copied.
        database: bool,
        /// The tables, if it is not the whole database.
        tables: Vec<String>,
        /// Who gets a mail at the end.
        emails: Vec<String>,
    },
    /// Creates an install in a site. The name is unique on the platform, so that it can be looked up.
    CreateInstall {
        /// The name.
        name: String,
        /// The account.
        account_id: String,
        /// The site.
        site_id: String,
        /// The environment of the site.
        environment: String,
    },
    /// Waits until the install of an earlier step is active.
    WaitForInstall {
        /// The step that created the install.
        step: usize,
    },
    /// Copies an install over the one that an earlier step created.
    CopyToNew {
        /// The install that is copied.
        from: String,
        /// The step that created the other one.
        step: usize,
        /// Whether the database is copied.
        database: bool,
        /// Who gets a mail at the end.
        emails: Vec<String>,
    },
    /// Puts a backup back.
    RestoreBackup {
        /// The install.
        install_id: String,
        /// The backup.
        backup_id: String,
        /// Whether the database is restored.
        database: bool,
        /// Who gets a mail at the end.
        emails: Vec<String>,
    },
    /// Purges caches of an install.
    PurgeCaches {
        /// The install.
        install_id: String,
        /// Which of them: `all`, `page`, `object`, `cdn` and so on, as the API writes them.
        cache: String,
    },
    /// Deletes an install.
    DeleteInstall {
        /// The install.
        install_id: String,
    },
    /// Invites a person to an account.
    AddPerson {
        /// The account.
        account_id: String,
        /// The e-mail address.
        email: String,
        /// The first and the last name.
        name: (String, String),
        /// The roles.
        roles: String,
        /// The installs of the account that a partial role is for.
        installs: Vec<String>,
    },
    /// Removes a person from an account.
    RemovePerson {
        /// The account.
        account_id: String,
        /// The e-mail address.
        email: String,
    },
    /// Changes the roles of a person in an account.
    SetRoles {
        /// The account.
        account_id: String,
        /// The e-mail address.
        email: String,
        /// The new roles.
        roles: String,
        /// The installs of the account that a partial role is for.
        installs: Vec<String>,
    },
    /// The work of the caller. The plan pauses until the caller says that it is done.
    YourWork,
}

impl Action {
    /// The earlier step whose result it needs.
    fn needs(&self) -> Option<usize> {
        match self {
            Self::WaitForBackup { step, .. }
            | Self::WaitForInstall { step }
            | Self::CopyToNew { step, .. } => Some(*step),
            _ => None,
        }
    }

    /// Whether nobody can look up whether it was done.
    fn is_blind(&self) -> bool {
        matches!(
            self,
            Self::CopyInstall { .. } | Self::CopyToNew { .. } | Self::RestoreBackup { .. }
        )
    }

    /// Whether it overwrites or deletes something.
    fn is_final(&self) -> bool {
        matches!(
            self,
            Self::CopyInstall { .. } | Self::RestoreBackup { .. } | Self::DeleteInstall { .. }
        )
    }
}

impl Plan {
    /// Whether the digest fits the rest.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.digest == self.computed()
    }

    fn computed(&self) -> String {
        use sha2::{Digest as _, Sha256};
        let bare = Self {
            digest: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_string(&bare).unwrap_or_default();
        let bytes = Sha256::digest(text);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Seals a plan with its digest.
    fn sealed(mut self) -> Self {
        self.digest = self.computed();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_target_says_what_changed_and_nothing_else() {
        let before = Target {
            id: "1".to_owned(),
            name: "shop".to_owned(),
            account_id: Some("a".to_owned()),
            site_id: None,
            environment: Some("staging".to_owned()),
            status: Some("active".to_owned()),
        };
        assert_eq!(before.change(&before), None);
        let now = Target {
            status: Some("pending".to_owned()),
            site_id: Some("s".to_owned()),
            ..before.clone()
        };
        let change = now.change(&before);
        assert_eq!(
            change.as_deref(),
            Some("status pending, before active; site s, before none")
        );
    }
}
