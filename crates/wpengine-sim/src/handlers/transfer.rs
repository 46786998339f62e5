//! Moves a site with all its installs from one account to another.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call, Outcome};
use crate::error::Refusal;
use crate::state::{AccountName, Site, Time, Transfer, Work};

const SOONEST: SignedDuration = SignedDuration::from_hours(1);
const LATEST: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    site: &'a str,
    installs: &'a [String],
    origin_account: &'a str,
    destination_account: &'a str,
    status: &'static str,
    scheduled_time: Option<Time>,
    created_at: Time,
    updated_at: Time,
}

fn view(transfer: &Transfer, now: Timestamp) -> View<'_> {
    View {
        id: &transfer.id,
        site: &transfer.site_name,
        installs: &transfer.install_names,
        origin_account: &transfer.origin.name,
        destination_account: &transfer.destination.name,
        status: transfer.status(now),
        scheduled_time: transfer.scheduled_time.map(Time),
        created_at: Time(transfer.created_at),
        updated_at: Time(transfer.updated_at(now)),
    }
}

fn find<'a>(call: &'a Call<'_>) -> Result<&'a Transfer, Refusal> {
    let site = call.site()?;
    let transfer = call.world.transfers.get(call.path("transfer_id"));
    transfer
        .filter(|transfer| transfer.site_id == site.id)
        .ok_or_else(Refusal::not_found)
}

/// All transfers from or to the account.
pub(super) fn list_account_site_transfers(call: &mut Call<'_>) -> Outcome {
    let id = &call.account()?.id;
    let transfers = call.world.transfers.values();
    let transfers =
        transfers.filter(|transfer| transfer.origin.id == *id || transfer.destination.id == *id);
    call.page(transfers, |transfer| view(transfer, call.now))
}

pub(super) fn list_site_transfers(call: &mut Call<'_>) -> Outcome {
    let id = &call.site()?.id;
    let transfers = call
        .world
        .transfers
        .values()
        .filter(|transfer| transfer.site_id == *id);
    call.page(transfers, |transfer| view(transfer, call.now))
}

pub(super) fn get_site_transfer(call: &mut Call<'_>) -> Outcome {
    Answer::json(200, &view(find(call)?, call.now))
}

pub(super) fn create_site_transfer(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        destination_account_id: String,
        scheduled_time: Option<Timestamp>,
    }
    let body: Body = call.body()?;
    let site = call.site()?;
    require_transfers(call, &site.account_id)?;
    if body.destination_account_id == site.account_id {
        let message = "The destination must be another account";
        return Err(Refusal::unprocessable(
            "destination_account_id",
            "invalid",
            message,
        ));
    }
    require_transfers(call, &body.destination_account_id)?;
    check_time(call.now, body.scheduled_time)?;
    check_site(call, site)?;
    let name = |id: &str| AccountName {
        id: id.to_owned(),
        name: call
            .world
            .accounts
            .get(id)
            .map_or_else(String::new, |account| account.name.clone()),
    };
    let installs = site
        .installs
        .iter()
        .filter_map(|id| call.world.installs.get(id));
    let transfer = Transfer {
        id: String::new(),
        site_id: site.id.clone(),
        site_name: site.name.clone(),
        install_names: installs.map(|install| install.name.clone()).collect(),
        origin: name(&site.account_id),
        destination: name(&body.destination_account_id),
        scheduled_time: body.scheduled_time,
        created_at: call.now,
        cancelled_at: None,
        failed: false,
    };
    let transfer = Transfer {
        id: call.world.random.uuid(),
        ..transfer
    };
    let answer = Answer::json(202, &view(&transfer, call.now));
    let work = Work::Transfer {
        transfer_id: transfer.id.clone(),
    };
    call.world.agenda.add(transfer.ends_at(), work);
    call.world.transfers.insert(transfer.id.clone(), transfer);
    answer
}

pub(super) fn cancel_site_transfer(call: &mut Call<'_>) -> Outcome {
    let transfer = find(call)?;
    let id = transfer.id.clone();
    require_transfers(call, &call.site()?.account_id)?;
    if !matches!(transfer.status(call.now), "pending" | "scheduled") {
        return Err(Refusal::conflict(
            "Transfer has already started and cannot be cancelled",
        ));
    }
    call.world.transfers[&id].cancelled_at = Some(call.now);
    Answer::empty(204)
}

/// Owners can move sites, and full users with billing.
fn require_transfers(call: &Call<'_>, account_id: &str) -> Result<(), Refusal> {
    let member = call.world.member(&call.caller, account_id);
    member
        .filter(|member| member.roles.transfers())
        .map(|_| ())
        .ok_or_else(Refusal::forbidden)
}

fn check_time(now: Timestamp, scheduled: Option<Timestamp>) -> Result<(), Refusal> {
    let Some(ahead) = scheduled.map(|time| time.duration_since(now)) else {
        return Ok(());
    };
    if (SOONEST..=LATEST).contains(&ahead) {
        return Ok(());
    }
    let message = "The scheduled time must be between 1 hour and 7 days ahead";
    Err(Refusal::unprocessable(
        "scheduled_time",
        "inclusion",
        message,
    ))
}

/// Whether the site can be moved now.
fn check_site(call: &Call<'_>, site: &Site) -> Result<(), Refusal> {
    if site.sandbox {
        return Err(Refusal::unprocessable(
            "site_id",
            "invalid",
            "Sandbox sites cannot be transferred",
        ));
    }
    let mut transfers = call.world.transfers.values();
    if transfers.any(|transfer| transfer.site_id == site.id && transfer.is_open(call.now)) {
        return Err(Refusal::conflict(
            "A transfer of this site is already under way",
        ));
    }
    let mut installs = site
        .installs
        .iter()
        .filter_map(|id| call.world.installs.get(id));
    if installs.any(|install| !install.is_active(call.now)) {
        return Err(Refusal::conflict(
            "An install of this site is still being created",
        ));
    }
    Ok(())
}
