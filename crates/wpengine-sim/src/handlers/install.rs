//! Installs. Their names are unique on the whole platform, and an install fills at most one environment of a site.

use serde::{Deserialize, Deserializer, Serialize};

use crate::call::{Answer, Call, Outcome};
use crate::error::{ACCESS_ERROR, Refusal, VALUE_UNAVAILABLE};
use crate::state::{Environment, Install, Time};

const RESOURCE: &str = "Install";

#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    name: &'a str,
    account: Reference<'a>,
    /// Null while the install is pending.
    php_version: Option<&'a str>,
    status: &'static str,
    site: Option<Reference<'a>>,
    cname: String,
    stable_ips: Option<&'a [String]>,
    environment: Option<Environment>,
    primary_domain: Option<&'a str>,
    is_multisite: bool,
    created_at: Time,
    /// Only the answer for a single install has this field and the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    wp_version: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    defer_wordpress_upgrades_until: Option<Option<Time>>,
}

#[derive(Serialize)]
struct Reference<'a> {
    id: &'a str,
}

fn view<'a>(call: &Call<'_>, install: &'a Install) -> View<'a> {
    let is_active = install.is_active(call.now);
    View {
        id: &install.id,
        name: &install.name,
        account: Reference {
            id: &install.account_id,
        },
        php_version: is_active.then_some(install.php_version.as_str()),
        status: if is_active { "active" } else { "pending" },
        site: install.site_id.as_deref().map(|id| Reference { id }),
        cname: install.cname(),
        stable_ips: install.stable_ips.as_deref(),
        environment: install.environment,
        primary_domain: install.primary_domain(),
        is_multisite: install.is_multisite,
        created_at: Time(install.created_at),
        wp_version: None,
        defer_wordpress_upgrades_until: None,
    }
}

pub(super) fn list_installs(call: &mut Call<'_>) -> Outcome {
    let (world, account) = (&*call.world, call.query("account_id"));
    if account.is_none() && world.sees_everything(&call.caller) {
        let page = call
            .page_request()
            .of_all(world.installs.values(), |install| view(call, install));
        return Answer::page(&page);
    }
    let visible = world.installs.values().filter(|install| {
        account.is_none_or(|account| install.account_id == account)
            && world.sees_install(&call.caller, install)
    });
    call.page(visible, |install| view(call, install))
}

pub(super) fn get_install(call: &mut Call<'_>) -> Outcome {
    let install = call.install()?;
    // The values are unknown while the install is pending.
    let is_active = install.is_active(call.now);
    let view = View {
        wp_version: Some(is_active.then_some(install.content.wp_version.as_str())),
        defer_wordpress_upgrades_until: Some(install.defer_wordpress_upgrades_until.map(Time)),
        ..view(call, install)
    };
    Answer::json(200, &view)
}

pub(super) fn create_install(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        name: String,
        account_id: String,
        site_id: Option<String>,
        environment: Option<Environment>,
    }
    let body: Body = call.body()?;
    call.require_manager(&body.account_id)?;
    if !call.world.is_install_name_free(&body.name) {
        return Err(Refusal::field(
            RESOURCE,
            "name",
            VALUE_UNAVAILABLE,
            "taken",
            "Name is already taken",
        ));
    }
    let environment = match &body.site_id {
        Some(site_id) => Some(free_slot(
            call,
            &body.account_id,
            site_id,
            body.environment,
        )?),
        None => body.environment,
    };
    let id = call.world.random.uuid();
    let install = Install::new(call.world, id.clone(), body.name, body.account_id, call.now);
    let install = Install {
        site_id: body.site_id,
        environment,
        ..install
    };
    call.world.add_install(install);
    Answer::json(201, &view(call, &call.world.installs[&id]))
}

pub(super) fn update_install(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        site_id: Option<String>,
        /// Absent keeps the environment, null clears it.
        #[serde(default, deserialize_with = "present")]
        environment: Option<Option<Environment>>,
    }
    let install = call.install()?;
    let (id, account_id) = (install.id.clone(), install.account_id.clone());
    let (old_site, old_environment) = (install.site_id.clone(), install.environment);
    call.require_manager(&account_id)?;
    let body: Body = call.body()?;
    let environment = body.environment.unwrap_or(old_environment);
    let site_id = body.site_id.or_else(|| old_site.clone());
    if let Some(site_id) = &site_id {
        let stays = old_site.as_ref() == Some(site_id) && environment == old_environment;
        if !stays && environment.is_some() {
            free_slot(call, &account_id, site_id, environment)?;
        } else {
            site_of_account(call, &account_id, site_id)?;
        }
        if old_site.as_ref() != Some(site_id) {
            call.world.move_install(&id, site_id);
        }
    }
    call.world.installs[&id].environment = environment;
    Answer::json(200, &view(call, &call.world.installs[&id]))
}

pub(super) fn delete_install(call: &mut Call<'_>) -> Outcome {
    let install = call.install()?;
    let id = install.id.clone();
    call.require_manager(&install.account_id)?;
    call.world.remove_install(&id);
    Answer::empty(204)
}

fn site_of_account(call: &Call<'_>, account_id: &str, site_id: &str) -> Result<(), Refusal> {
    if call
        .world
        .sites
        .get(site_id)
        .is_some_and(|site| site.account_id == account_id)
    {
        return Ok(());
    }
    let message = "Site id is no site of this account";
    Err(Refusal::field(
        RESOURCE,
        "site_id",
        ACCESS_ERROR,
        "not_found",
        message,
    ))
}

/// The requested environment of a site, or its first free one. An environment holds one install.
fn free_slot(
    call: &Call<'_>,
    account_id: &str,
    site_id: &str,
    wanted: Option<Environment>,
) -> Result<Environment, Refusal> {
    site_of_account(call, account_id, site_id)?;
    let installs = call.world.sites[site_id].installs.iter();
    let taken: Vec<_> = installs
        .filter_map(|id| call.world.installs.get(id)?.environment)
        .collect();
    let mut free = Environment::ALL
        .into_iter()
        .filter(|slot| !taken.contains(slot));
    free.find(|slot| wanted.is_none_or(|wanted| *slot == wanted))
        .ok_or_else(|| {
            let message = "Environment is already taken on this site";
            Refusal::field(RESOURCE, "environment", VALUE_UNAVAILABLE, "taken", message)
        })
}

/// Distinguishes a present field, which may be null, from an absent one.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
