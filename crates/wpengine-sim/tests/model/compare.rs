//! Compares everything that the API returns with the model.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::api::Api;
use crate::model::{Content, Id, Model};
use crate::run::name_of;

type Things = BTreeMap<Id, Value>;

/// Compares all resources. The error describes the differences.
pub(crate) fn everything(model: &Model, api: &Api) -> Result<(), String> {
    sites(model, api)?;
    installs(model, api)?;
    people(model, api)?;
    transfers(model, api)?;
    let keys = model.keys.keys().map(|id| (id.clone(), json!({})));
    same("ssh keys", list(api, "/ssh_keys", "uuid")?, keys.collect())
}

/// Returns all items of a list. The model never creates more than one page.
fn list(api: &Api, path: &str, id: &str) -> Result<Things, String> {
    let (status, body) = api.get(path);
    let results = body["results"].as_array();
    let Some(results) = results.filter(|_| status == 200) else {
        return Err(format!("GET {path}: {status} {body}"));
    };
    let things = results
        .iter()
        .map(|item| (item[id].as_str().unwrap().to_owned(), item.clone()));
    let things: Things = things.collect();
    if things.len() == results.len() {
        Ok(things)
    } else {
        Err(format!("GET {path}: something is there twice: {body}"))
    }
}

/// Checks that both sides have the same ids and agree on every field that the model has.
fn same(what: &str, actual: Things, expected: Things) -> Result<(), String> {
    let (there, wanted): (BTreeSet<_>, BTreeSet<_>) =
        (actual.keys().collect(), expected.keys().collect());
    if there != wanted {
        return Err(format!("{what}: {there:?} instead of {wanted:?}"));
    }
    for (id, expected) in &expected {
        for (field, value) in expected.as_object().unwrap() {
            if actual[id][field] != *value {
                return Err(format!(
                    "{what} {id}: {field} is {}, not {value}",
                    actual[id][field]
                ));
            }
        }
    }
    Ok(())
}

fn sites(model: &Model, api: &Api) -> Result<(), String> {
    let mut actual = list(api, "/sites", "id")?;
    for site in actual.values_mut() {
        let installs = site["installs"].as_array().unwrap().iter();
        let ids: BTreeSet<_> = installs.map(|it| it["id"].as_str().unwrap()).collect();
        site["installs"] = json!(ids);
    }
    let expected = model.sites.iter().map(|(id, site)| {
        let installs = model.installs_of_site(id);
        let site =
            json!({ "name": site.name, "account": { "id": site.account }, "installs": installs });
        (id.clone(), site)
    });
    same("site", actual, expected.collect())
}

fn installs(model: &Model, api: &Api) -> Result<(), String> {
    let expected = model.installs.iter().map(|(id, install)| {
        let is_active = model.is_active(install);
        let value = json!({
            "name": install.name,
            "account": { "id": install.account },
            "site": install.site.as_ref().map(|id| json!({ "id": id })),
            "environment": install.environment.map(name_of),
            "status": if is_active { "active" } else { "pending" },
            "primary_domain": model.primary_of(id).map(|it| &it.name),
            "cname": format!("{}.wpengine.com", install.name),
        });
        (id.clone(), value)
    });
    same("install", list(api, "/installs", "id")?, expected.collect())?;
    for (id, install) in &model.installs {
        domains(model, api, id)?;
        let backups = model.backups.iter().filter(|(_, it)| it.install == *id);
        let backups =
            backups.map(|(id, it)| (id.clone(), json!({ "status": model.backup_status(it) })));
        let actual = list(api, &format!("/installs/{id}/backups"), "id")?;
        same("backup", actual, backups.collect())?;
        let content = api.simulator.install_content(id).ok_or("no content")?;
        let content = Content {
            files: content.files,
            database: content.database,
        };
        if content != install.content {
            return Err(format!(
                "install {id}: {content:?} instead of {:?}",
                install.content
            ));
        }
    }
    Ok(())
}

fn domains(model: &Model, api: &Api, install: &str) -> Result<(), String> {
    let all = model.domains.iter().filter(|(_, it)| it.install == install);
    let expected = all.map(|(id, domain)| {
        let target = domain.redirect.as_ref();
        let target = target.map(|id| json!({ "id": id, "name": model.domains[id].name }));
        let value = json!({
            "name": domain.name,
            "primary": domain.primary,
            "duplicate": model.installs_with(&domain.name) > 1,
            "secure_all_urls": domain.secure,
            "redirect_to": target.clone().unwrap_or(json!({})),
            "redirects_to": target.into_iter().collect::<Vec<_>>(),
            "ownership_status": if model.is_verified(domain) { "TXT_VERIFIED" } else { "TXT_VERIFICATION_PENDING" },
        });
        (id.clone(), value)
    });
    let actual = list(api, &format!("/installs/{install}/domains"), "id")?;
    same("domain", actual, expected.collect())
}

fn people(model: &Model, api: &Api) -> Result<(), String> {
    for account in &model.accounts {
        let mut actual = list(
            api,
            &format!("/accounts/{account}/account_users"),
            "user_id",
        )?;
        for person in actual.values_mut() {
            let installs = person["installs"].as_array().into_iter().flatten();
            let ids: BTreeSet<_> = installs.map(|it| it["id"].as_str().unwrap()).collect();
            person["installs"] = json!(ids);
        }
        let members = model.people.iter().filter(|((of, _), _)| of == account);
        let expected = members.map(|((_, user), it)| {
            let is_owner = it.roles == "owner";
            let value = json!({
                "email": it.email,
                "roles": it.roles,
                "installs": it.installs,
                "last_owner": is_owner.then(|| model.is_last_owner(account, user)),
            });
            (user.clone(), value)
        });
        same("account user", actual, expected.collect())?;
    }
    Ok(())
}

fn transfers(model: &Model, api: &Api) -> Result<(), String> {
    for account in &model.accounts {
        let of_account = model.transfers.iter();
        let of_account =
            of_account.filter(|(_, it)| it.origin == *account || it.destination == *account);
        let expected =
            of_account.map(|(id, it)| (id.clone(), json!({ "status": it.status(model.now) })));
        let path = format!("/accounts/{account}/site_transfers");
        same("transfer", list(api, &path, "id")?, expected.collect())?;
    }
    Ok(())
}
