//! One step: what it sends, and how to find out whether it was done.

use wpengine::types::{BackupStatus, CacheType, Environment, Roles};

use super::{
    Action,
    people::{find, is_so, people, protected},
};
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
    /// Does the step. `made` is what the step made that it [needs](Self::needs).
    pub(super) async fn perform(
        &self,
        fleet: &Fleet,
        made: Option<&str>,
        waits: &mut (dyn FnMut(&str) + Send),
    ) -> Ended {
        match self.attempt(fleet, made, waits).await {
            Ok(ended) | Err(ended) => ended,
        }
    }

    async fn attempt(
        &self,
        fleet: &Fleet,
        made: Option<&str>,
        waits: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Ended, Ended> {
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
                let backup = made.ok_or_else(nothing_made)?;
                let mut seen = client.install(install_id).backup(backup).wait().progress();
                let mut last = None;
                while let Some(backup) = seen.next().await {
                    let backup = backup?;
                    waits(&backup.status.to_string());
                    last = Some(backup);
                }
                let backup = last.ok_or_else(nothing_made)?;
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
            Self::CreateInstall {
                name,
                account_id,
                site_id,
                environment,
            } => {
                let install = client.installs().create(name, account_id.as_str());
                let environment = Environment::from(environment.as_str());
                let install = install.site(site_id.as_str()).environment(environment);
                Ok(Ended::Done(Some(install.await?.id.to_string())))
            }
            Self::WaitForInstall { .. } => {
                let made = made.ok_or_else(nothing_made)?;
                let mut seen = client.install(made).wait().progress();
                while let Some(install) = seen.next().await {
                    waits(
                        &install?
                            .status
                            .map_or(String::new(), |status| status.to_string()),
                    );
                }
                Ok(Ended::Done(Some(made.to_owned())))
            }
            Self::CopyToNew {
                from,
                database,
                emails,
                ..
            } => {
                let to = made.ok_or_else(nothing_made)?;
                let copy = client.install(from).copy_to(to).include_database(*database);
                copy.notification_emails(emails).await?;
                Ok(Ended::Done(Some(to.to_owned())))
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
            Self::PurgeCaches { install_id, cache } => {
                let cache = CacheType::from(cache.as_str());
                client.install(install_id).purge_cache(cache).await?;
                Ok(Ended::Done(None))
            }
            Self::DeleteInstall { install_id } => {
                gone(client.install(install_id).delete().await)?;
                Ok(Ended::Done(None))
            }
            Self::AddPerson {
                account_id,
                email,
                name,
                roles,
                installs,
            } => {
                if let Some(person) = find(&people(fleet, account_id).await?, email) {
                    return Ok(match is_so(&person, roles, installs) {
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
                let invited = if installs.is_empty() {
                    invited
                } else {
                    invited.installs(installs.iter().map(String::as_str))
                };
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
                let user = client.account(account_id).user(&person.user_id);
                gone(user.delete().await)?;
                Ok(Ended::Done(None))
            }
            Self::SetRoles {
                account_id,
                email,
                roles,
                installs,
            } => {
                let people = people(fleet, account_id).await?;
                let Some(person) = find(&people, email) else {
                    return Ok(Ended::Refused(format!("{email} is not in the account")));
                };
                if is_so(&person, roles, installs) {
                    return Ok(Ended::Done(None));
                }
                if let Some(why) = protected(fleet, &people, &person).await? {
                    return Ok(Ended::Refused(why));
                }
                let user = client.account(account_id).user(&person.user_id);
                let update = user.update(Roles::from(roles.as_str()));
                let update = if installs.is_empty() {
                    update
                } else {
                    update.installs(installs.iter().map(String::as_str))
                };
                update.await?;
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
            Self::CreateInstall {
                name,
                site_id,
                environment,
                ..
            } => {
                let install = match fleet.client().installs().by_name(name).await {
                    Err(error) if error.is_not_found() => return Ok(Looked::NotDone),
                    found => found?,
                };
                let site = install.site.and_then(|site| site.id);
                let is_there = site.is_some_and(|site| site.as_str() == site_id)
                    && install
                        .environment
                        .is_some_and(|of| of.as_str() == environment);
                match is_there {
                    true => Looked::Done(Some(install.id.to_string())),
                    false => Looked::NotDone,
                }
            }
            Self::DeleteInstall { install_id } => {
                match fleet.client().install(install_id).get().await {
                    Err(error) if error.is_not_found() => Looked::Done(None),
                    found => {
                        found?;
                        Looked::NotDone
                    }
                }
            }
            Self::CopyInstall { .. } | Self::CopyToNew { .. } | Self::RestoreBackup { .. } => {
                Looked::Unknown
            }
            // These look by themselves before they change anything, or can be done twice.
            Self::WaitForBackup { .. }
            | Self::WaitForInstall { .. }
            | Self::PurgeCaches { .. }
            | Self::AddPerson { .. }
            | Self::RemovePerson { .. }
            | Self::SetRoles { .. } => Looked::NotDone,
            Self::YourWork => Looked::Done(None),
        })
    }
}

fn nothing_made() -> Ended {
    Ended::Refused("the step before made nothing".to_owned())
}

/// What is gone already is what was wanted.
fn gone<T>(deleted: Result<T, wpengine::Error>) -> Result<(), wpengine::Error> {
    match deleted {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}
