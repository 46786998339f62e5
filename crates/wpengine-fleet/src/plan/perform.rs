//! One step: what it sends, and how to find out whether it was done.

use wpengine::types::{AccountUser, BackupStatus, CacheType, Roles};

use super::Action;
use crate::Fleet;

/// How a step ended.
pub(super) enum Ended {
    /// It is done, with the id of what it made.
    Done(Option<String>),
    /// It failed.
    Failed(wpengine::Error),
    /// It must not be done, for this reason.
    Refused(String),
}

impl From<wpengine::Error> for Ended {
    fn from(error: wpengine::Error) -> Self {
        Self::Failed(error)
    }
}

/// What is known of a step that was started.
pub(super) enum Looked {
    /// It was done.
    Done(Option<String>),
    /// It was not done, or doing it again changes nothing.
    NotDone,
    /// Nobody can say.
    Unknown,
}

impl Action {
    /// Does the step. `made` is what the step with the backup made.
    pub(super) async fn perform(&self, fleet: &Fleet, made: Option<&str>) -> Ended {
        match self.attempt(fleet, made).await {
            Ok(ended) | Err(ended) => ended,
        }
    }

    async fn attempt(&self, fleet: &Fleet, made: Option<&str>) -> Result<Ended, Ended> {
        let client = fleet.client();
        match self {
            Self::CreateBackup {
                install_id,
                description,
                emails,
            } => {
                let backups = client.install(install_id).backups();
                let backup = backups.create(description, emails).await?;
                Ok(Ended::Done(Some(backup.id.to_string())))
            }
            Self::WaitForBackup { install_id, .. } => {
                let Some(backup) = made else {
                    return Ok(Ended::Refused("the step before made no backup".to_owned()));
                };
                let backup = client.install(install_id).backup(backup).wait().await?;
                if backup.status == BackupStatus::Completed {
                    return Ok(Ended::Done(Some(backup.id.to_string())));
                }
                Ok(Ended::Refused(format!(
                    "the backup ended as {}",
                    backup.status
                )))
            }
            Self::CopyInstall {
                from,
                to,
                database,
                tables,
                emails,
            } => {
                let copy = client.install(from).copy_to(to.as_str());
                let copy = copy.include_database(*database).notification_emails(emails);
                let copy = if tables.is_empty() {
                    copy
                } else {
                    copy.tables(tables)
                };
                copy.await?;
                Ok(Ended::Done(None))
            }
            Self::RestoreBackup {
                install_id,
                backup_id,
                database,
                emails,
            } => {
                let backup = client.install(install_id).backup(backup_id);
                backup.restore(emails).restore_database(*database).await?;
                Ok(Ended::Done(None))
            }
            Self::PurgeCaches { install_id } => {
                client
                    .install(install_id)
                    .purge_cache(CacheType::All)
                    .await?;
                Ok(Ended::Done(None))
            }
            Self::DeleteInstall { install_id } => {
                client.install(install_id).delete().await?;
                Ok(Ended::Done(None))
            }
            Self::AddPerson {
                account_id,
                email,
                name,
                roles,
            } => {
                if let Some(person) = find(&people(fleet, account_id).await?, email) {
                    return Ok(match person.roles.to_string() == *roles {
                        true => Ended::Done(Some(person.user_id.to_string())),
                        false => Ended::Refused(format!(
                            "{email} is there already, with the roles {}",
                            person.roles
                        )),
                    });
                }
                let users = client.account(account_id).users();
                let invited = users
                    .create(email, Roles::from(roles.as_str()))
                    .name(&name.0, &name.1);
                let user = invited.await?.account_user;
                Ok(Ended::Done(user.map(|user| user.user_id.to_string())))
            }
            Self::RemovePerson { account_id, email } => {
                // Read just before: others may have changed it since the plan was made.
                let people = people(fleet, account_id).await?;
                let Some(person) = find(&people, email) else {
                    return Ok(Ended::Done(None));
                };
                if let Some(why) = protected(fleet, &people, &person).await? {
                    return Ok(Ended::Refused(why));
                }
                client
                    .account(account_id)
                    .user(&person.user_id)
                    .delete()
                    .await?;
                Ok(Ended::Done(None))
            }
            Self::SetRoles {
                account_id,
                email,
                roles,
            } => {
                let people = people(fleet, account_id).await?;
                let Some(person) = find(&people, email) else {
                    return Ok(Ended::Refused(format!("{email} is not in the account")));
                };
                if person.roles.to_string() == *roles {
                    return Ok(Ended::Done(None));
                }
                if let Some(why) = protected(fleet, &people, &person).await? {
                    return Ok(Ended::Refused(why));
                }
                let user = client.account(account_id).user(&person.user_id);
                user.update(Roles::from(roles.as_str())).await?;
                Ok(Ended::Done(None))
            }
            Self::YourWork => Ok(Ended::Done(None)),
        }
    }

    /// Finds out whether a step that was started was done.
    pub(super) async fn look(&self, fleet: &Fleet) -> Result<Looked, wpengine::Error> {
        Ok(match self {
            Self::CreateBackup {
                install_id,
                description,
                ..
            } => {
                let mut backups = fleet.client().install(install_id).backups().list().items();
                loop {
                    match backups.try_next().await? {
                        Some(backup) if backup.description.as_deref() == Some(description) => {
                            break Looked::Done(Some(backup.id.to_string()));
                        }
                        Some(_) => {}
                        None => break Looked::NotDone,
                    }
                }
            }
            Self::CopyInstall { .. } | Self::RestoreBackup { .. } => Looked::Unknown,
            // These look by themselves before they change anything, or can be done twice.
            Self::WaitForBackup { .. }
            | Self::PurgeCaches { .. }
            | Self::DeleteInstall { .. }
            | Self::AddPerson { .. }
            | Self::RemovePerson { .. }
            | Self::SetRoles { .. } => Looked::NotDone,
            Self::YourWork => Looked::Done(None),
        })
    }
}

async fn people(fleet: &Fleet, account: &str) -> Result<Vec<AccountUser>, wpengine::Error> {
    fleet
        .client()
        .account(account)
        .users()
        .list()
        .collect()
        .await
}

fn find(people: &[AccountUser], email: &str) -> Option<AccountUser> {
    let email = email.to_lowercase();
    let mut people = people.iter();
    people
        .find(|person| person.email.to_lowercase() == email)
        .cloned()
}

/// Why a person must keep the roles, if so: the last owner, and the user of the credentials.
async fn protected(
    fleet: &Fleet,
    people: &[AccountUser],
    person: &AccountUser,
) -> Result<Option<String>, wpengine::Error> {
    let is_owner = |person: &AccountUser| person.roles.contains(&wpengine::types::Role::Owner);
    let owners = people.iter().filter(|person| is_owner(person)).count();
    if person.last_owner == Some(true) || is_owner(person) && owners < 2 {
        return Ok(Some(format!(
            "{} is the last owner of the account",
            person.email
        )));
    }
    let own = fleet.client().current_user().await?;
    if own.email.to_lowercase() == person.email.to_lowercase() {
        return Ok(Some(format!(
            "{} is the user of these credentials",
            person.email
        )));
    }
    Ok(None)
}
