//! Installs and their backups.

use serde_json::json;

use super::{Outcome, Reasons, id_of, pages};
use crate::api::Api;
use crate::model::{Backup, Content, Domain, Install, Model, pick, pick_pair};
use crate::step::{Environment, Step};

const ALL: [Environment; 3] = [
    Environment::Production,
    Environment::Staging,
    Environment::Development,
];

pub(crate) fn name_of(environment: Environment) -> &'static str {
    match environment {
        Environment::Production => "production",
        Environment::Staging => "staging",
        Environment::Development => "development",
    }
}

pub(super) fn step(model: &mut Model, api: &Api, step: &Step) -> Outcome {
    let mut reasons = Reasons::default();
    match step {
        Step::CreateInstall {
            account,
            site,
            environment,
            name,
        } => {
            let account = pick(&model.accounts, *account);
            let site = site.map(|site| pick(&model.ever.sites, site));
            create(
                model,
                api,
                account,
                site,
                *environment,
                format!("inst{name}"),
            )
        }
        Step::UpdateInstall {
            install,
            site,
            environment,
        } => {
            let id = pick(&model.ever.installs, *install);
            let site = site.map(|site| pick(&model.ever.sites, site));
            update(model, api, &id, site, *environment)
        }
        Step::DeleteInstall { install } => {
            let id = pick(&model.ever.installs, *install);
            reasons.add(404, !model.installs.contains_key(&id));
            let done = reasons.settle(204, &api.delete(&format!("/installs/{id}")))?;
            if done {
                model.remove_install(&id);
            }
            Ok(done)
        }
        Step::ListInstalls { account, limit } => {
            let account = account.map(|account| pick(&model.accounts, account));
            let of_account = |it: &Install| account.as_ref().is_none_or(|id| it.account == *id);
            let found = model.installs.iter().filter(|(_, it)| of_account(it));
            let ids = found.map(|(id, _)| id.clone()).collect();
            let filter = account.iter().map(|id| format!("&account_id={id}"));
            pages(api, "/installs", &filter.collect::<String>(), *limit, ids)
        }
        Step::CreateBackup { install } => {
            let id = pick(&model.ever.installs, *install);
            reasons.add(404, !model.installs.contains_key(&id));
            let body = json!({ "description": "b", "notification_emails": ["a@example.com"] });
            let answer = api.post(&format!("/installs/{id}/backups"), body);
            let done = reasons.settle(202, &answer)?;
            if done {
                add_backup(model, &id, id_of(&answer.1, "id"));
            }
            Ok(done)
        }
        Step::RestoreBackup {
            backup,
            database,
            checkpoint,
        } => {
            let (install, backup) = pick_pair(&model.ever.backups, *backup);
            restore(model, api, install, &backup, *database, *checkpoint)
        }
        _ => unreachable!("another module handles {step:?}"),
    }
}

/// Returns whether an environment of a site cannot be used: the site is not in the account, or the environment is in
/// use.
fn no_slot(model: &Model, account: &str, site: &str, wanted: Option<Environment>) -> bool {
    let taken = model.slots(site);
    let is_full = match wanted {
        Some(wanted) => taken.contains(&wanted),
        None => taken.len() == ALL.len(),
    };
    model.sites.get(site).is_none_or(|it| it.account != account) || is_full
}

fn create(
    model: &mut Model,
    api: &Api,
    account: String,
    site: Option<String>,
    environment: Option<Environment>,
    name: String,
) -> Outcome {
    let mut reasons = Reasons::default();
    reasons.add(403, !model.accounts.contains(&account));
    reasons.add(400, model.has_name(&name));
    if let Some(site) = &site {
        reasons.add(400, no_slot(model, &account, site, environment));
    }
    let mut body = json!({ "name": name, "account_id": account });
    if let Some(site) = &site {
        body["site_id"] = json!(site);
    }
    if let Some(environment) = environment {
        body["environment"] = json!(name_of(environment));
    }
    let answer = api.post("/installs", body);
    let done = reasons.settle(201, &answer)?;
    if done {
        let id = id_of(&answer.1, "id");
        // Without a requested environment, the first free one is used.
        let slot = site.as_ref().and_then(|site| {
            let taken = model.slots(site);
            ALL.into_iter().find(|slot| !taken.contains(slot))
        });
        let content = api.simulator.install_content(&id).unwrap();
        let platforms = Domain {
            install: id.clone(),
            name: format!("{name}.wpengine.com"),
            primary: true,
            redirect: None,
            secure: false,
            created: model.now,
            verification_asked: None,
            is_platforms: true,
        };
        let install = Install {
            name,
            account,
            site,
            environment: environment.or(slot),
            created: model.now,
            content: Content {
                files: content.files,
                database: content.database,
            },
        };
        model.ever.installs.push(id.clone());
        model.installs.insert(id.clone(), install);
        let domains = api.get(&format!("/installs/{id}/domains")).1;
        let domain_id = id_of(&domains["results"][0], "id");
        model.ever.domains.push((id, domain_id.clone()));
        model.domains.insert(domain_id, platforms);
    }
    Ok(done)
}

fn update(
    model: &mut Model,
    api: &Api,
    id: &str,
    site: Option<String>,
    environment: Option<Option<Environment>>,
) -> Outcome {
    let mut reasons = Reasons::default();
    let install = model.installs.get(id);
    // The operation does not document a 404.
    reasons.add(403, install.is_none());
    if let Some(install) = install {
        let new_site = site.as_ref().or(install.site.as_ref());
        let new_environment = environment.unwrap_or(install.environment);
        let stays = new_site == install.site.as_ref() && new_environment == install.environment;
        if let Some(new_site) = new_site.filter(|_| !stays) {
            let of_account = model
                .sites
                .get(new_site)
                .is_some_and(|it| it.account == install.account);
            reasons.add(400, !of_account);
            if new_environment.is_some() {
                reasons.add(
                    400,
                    no_slot(model, &install.account, new_site, new_environment),
                );
            }
        }
    }
    let mut body = json!({});
    if let Some(site) = &site {
        body["site_id"] = json!(site);
    }
    if let Some(environment) = environment {
        body["environment"] = json!(environment.map(name_of));
    }
    let done = reasons.settle(200, &api.patch(&format!("/installs/{id}"), body))?;
    if done {
        let install = model.installs.get_mut(id).unwrap();
        install.environment = environment.unwrap_or(install.environment);
        install.site = site.or(install.site.take());
    }
    Ok(done)
}

fn add_backup(model: &mut Model, install: &str, id: String) {
    let content = model.installs[install].content.clone();
    model.ever.backups.push((install.to_owned(), id.clone()));
    let backup = Backup {
        install: install.to_owned(),
        created: model.now,
        content,
    };
    model.backups.insert(id, backup);
}

fn restore(
    model: &mut Model,
    api: &Api,
    install: String,
    backup_id: &str,
    database: Option<bool>,
    checkpoint: Option<bool>,
) -> Outcome {
    let mut reasons = Reasons::default();
    let backup = model.backups.get(backup_id);
    reasons.add(404, backup.is_none());
    let is_ready = backup.is_none_or(|backup| model.backup_status(backup) == "completed");
    reasons.add(400, !is_ready);
    let mut body = json!({ "notification_emails": ["a@example.com"] });
    if let Some(database) = database {
        body["restore_database"] = json!(database);
    }
    if let Some(checkpoint) = checkpoint {
        body["create_checkpoint"] = json!(checkpoint);
    }
    let path = format!("/installs/{install}/backups");
    let answer = api.post(&format!("{path}/{backup_id}/restore"), body);
    let done = reasons.settle(202, &answer)?;
    if done {
        let content = model.backups[backup_id].content.clone();
        if checkpoint.unwrap_or(true) {
            // The response does not contain the id of the checkpoint. It is the only backup that did not exist before.
            let list = api.get(&path).1;
            let ids = list["results"].as_array().unwrap().iter();
            let mut new = ids
                .map(|it| id_of(it, "id"))
                .filter(|id| !model.backups.contains_key(id));
            let id = new.next().ok_or("there is no checkpoint")?;
            drop(new);
            add_backup(model, &install, id);
        }
        model.restore(install, content, database.unwrap_or(true));
    }
    Ok(done)
}
