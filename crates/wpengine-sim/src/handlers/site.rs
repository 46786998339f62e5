//! Sites. Deleting a site deletes all its installs.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call, Outcome};
use crate::error::{INVALID_VALUE, Refusal};
use crate::state::{Environment, Site, Time, World};

#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    name: &'a str,
    account: Reference<'a>,
    group_name: Option<&'a str>,
    tags: &'a [String],
    created_at: Time,
    sandbox: bool,
    transferable: bool,
    installs: Vec<InstallView<'a>>,
}

#[derive(Serialize)]
struct Reference<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct InstallView<'a> {
    id: &'a str,
    name: &'a str,
    environment: Option<Environment>,
    cname: String,
    php_version: &'a str,
    is_multisite: bool,
}

/// A site as this user sees it: with the installs that the user can access.
fn view<'a>(world: &'a World, user_id: &str, site: &'a Site) -> View<'a> {
    let installs = site
        .installs
        .iter()
        .filter_map(|id| world.install(user_id, id));
    let installs = installs.map(|install| InstallView {
        id: &install.id,
        name: &install.name,
        environment: install.environment,
        cname: install.cname(),
        php_version: &install.php_version,
        is_multisite: install.is_multisite,
    });
    View {
        id: &site.id,
        name: &site.name,
        account: Reference {
            id: &site.account_id,
        },
        group_name: site.group_name.as_deref(),
        tags: &site.tags,
        created_at: Time(site.created_at),
        sandbox: site.sandbox,
        transferable: site.transferable,
        installs: installs.collect(),
    }
}

pub(super) fn list_sites(call: &mut Call<'_>) -> Outcome {
    let (world, caller, account) = (&*call.world, &call.caller, call.query("account_id"));
    if account.is_none() && world.sees_everything(caller) {
        let page = call
            .page_request()
            .of_all(world.sites.values(), |site| view(world, caller, site));
        return Answer::page(&page);
    }
    let visible = world.sites.values().filter(|site| {
        account.is_none_or(|account| site.account_id == account) && world.sees_site(caller, site)
    });
    call.page(visible, |site| view(world, caller, site))
}

pub(super) fn get_site(call: &mut Call<'_>) -> Outcome {
    Answer::json(200, &view(call.world, &call.caller, call.site()?))
}

pub(super) fn create_site(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        name: String,
        account_id: String,
    }
    let Body { name, account_id } = call.body()?;
    check_name(&name)?;
    call.require_manager(&account_id)?;
    let site = Site {
        id: call.world.random.uuid(),
        name,
        account_id,
        group_name: None,
        tags: Vec::new(),
        created_at: call.now,
        sandbox: false,
        transferable: false,
        installs: Vec::new(),
        schedules: IndexMap::new(),
        reports: Vec::new(),
    };
    let answer = Answer::json(201, &view(call.world, &call.caller, &site));
    call.world.sites.insert(site.id.clone(), site);
    answer
}

pub(super) fn update_site(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        name: Option<String>,
    }
    let site = call.site()?;
    let id = site.id.clone();
    call.require_manager(&site.account_id)?;
    let body: Body = call.body()?;
    if let Some(name) = body.name {
        check_name(&name)?;
        call.world.sites[&id].name = name;
    }
    Answer::json(200, &view(call.world, &call.caller, &call.world.sites[&id]))
}

pub(super) fn delete_site(call: &mut Call<'_>) -> Outcome {
    let site = call.site()?;
    let id = site.id.clone();
    call.require_manager(&site.account_id)?;
    call.world.remove_site(&id);
    Answer::empty(204)
}

/// The document checks the length. A name of only spaces is refused as empty too.
fn check_name(name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return Err(Refusal::field(
            "Site",
            "name",
            INVALID_VALUE,
            "blank",
            "Name cannot be empty",
        ));
    }
    Ok(())
}
