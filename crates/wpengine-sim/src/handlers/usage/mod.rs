//! Visits, traffic and storage.

mod range;
mod views;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use self::range::{range, range_within_31_days};
use self::views::{Breakdowns, DayView, Rollup};
use super::page_of_tokens;
use crate::call::{Answer, Call, Outcome};
use crate::error::Refusal;
use crate::state::{Account, Install, Time};
use crate::usage::{self, Day};
use crate::validate::integer;

#[derive(Serialize)]
struct Series<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    environment_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    install_name: Option<&'a str>,
    metrics: Vec<DayView>,
    metrics_rollup: Rollup,
    storage_refresh_expected_time: Option<Time>,
}

impl Series<'_> {
    fn new(call: &Call<'_>, account: &Account, install: &Install, days: &[Day]) -> Self {
        let expected = install
            .storage
            .expected_at(call.now)
            .max(account.storage.expected_at(call.now));
        Self {
            environment_name: None,
            install_name: None,
            metrics: days.iter().map(DayView::new).collect(),
            metrics_rollup: Rollup::new(&[days]),
            storage_refresh_expected_time: expected.map(Time),
        }
    }
}

/// The installs of the account that the caller can see.
fn installs<'a>(call: &'a Call<'_>, account: &Account) -> Vec<&'a Install> {
    let world = &*call.world;
    let of_account = world
        .installs
        .values()
        .filter(|install| install.account_id == account.id);
    of_account
        .filter(|install| world.sees_install(&call.caller, install))
        .collect()
}

fn days(call: &Call<'_>, account: &Account, install: &Install, range: range::Range) -> Vec<Day> {
    usage::days(call.world.seed, install, &account.storage, range, call.now)
}

pub(super) fn get_account_usage(call: &mut Call<'_>) -> Outcome {
    #[derive(Serialize)]
    struct View<'a> {
        environment_metrics: Vec<Series<'a>>,
        total_size: usize,
        next_page_token: Option<String>,
        all_environments_included: bool,
        last_account_storage_refresh_time: Option<Time>,
        account_storage_refresh_expected_time: Option<Time>,
    }
    let account = call.account()?;
    let range = range(call)?;
    let limit = call.query("limit").and_then(integer).unwrap_or(0);
    let limit =
        usize::try_from(limit).map_err(|_| Refusal::invalid("limit must not be negative"))?;
    // A limit of 0 means the default, as if it were left out.
    let limit = if limit == 0 { 100 } else { limit };
    let offset = call.query("offset").map_or(Some(0), read_token);
    let offset =
        offset.ok_or_else(|| Refusal::invalid("offset is no token that this list has given"))?;
    let visible = installs(call, account);
    let (page, next) = page_of_tokens(&visible, limit, offset);
    let series = page.iter().map(|install| Series {
        environment_name: Some(&install.name),
        ..Series::new(call, account, install, &days(call, account, install, range))
    });
    let all = call
        .world
        .installs
        .values()
        .filter(|install| install.account_id == account.id)
        .count();
    let view = View {
        environment_metrics: series.collect(),
        total_size: visible.len(),
        next_page_token: next.map(|next| STANDARD.encode(next.to_string())),
        all_environments_included: visible.len() == all,
        last_account_storage_refresh_time: account.storage.finished(call.now).next().map(Time),
        account_storage_refresh_expected_time: account.storage.expected_at(call.now).map(Time),
    };
    Answer::json(200, &view)
}

fn read_token(token: &str) -> Option<usize> {
    String::from_utf8(STANDARD.decode(token).ok()?)
        .ok()?
        .parse()
        .ok()
}

pub(super) fn get_install_usage(call: &mut Call<'_>) -> Outcome {
    let install = call.install()?;
    let account = call
        .world
        .accounts
        .get(&install.account_id)
        .ok_or_else(Refusal::not_found)?;
    let days = days(call, account, install, range(call)?);
    let series = Series::new(call, account, install, &days);
    Answer::json(
        200,
        &Series {
            install_name: Some(&install.name),
            ..series
        },
    )
}

pub(super) fn get_account_usage_summary(call: &mut Call<'_>) -> Outcome {
    let account = call.account()?;
    let range = range_within_31_days(call)?;
    let all: Vec<Vec<Day>> = installs(call, account)
        .into_iter()
        .map(|install| days(call, account, install, range))
        .collect();
    let all: Vec<&[Day]> = all.iter().map(Vec::as_slice).collect();
    Answer::json(200, &Rollup::new(&all))
}

pub(super) fn get_account_usage_insights(call: &mut Call<'_>) -> Outcome {
    let account = call.account()?;
    let range = range_within_31_days(call)?;
    let mut breakdowns = Breakdowns::default();
    for install in installs(call, account) {
        let site = install
            .site_id
            .as_ref()
            .and_then(|id| call.world.sites.get(id));
        breakdowns.add(&days(call, account, install, range), install, site);
    }
    Answer::json(200, &breakdowns)
}

pub(super) fn refresh_account_disk_usage(call: &mut Call<'_>) -> Outcome {
    let id = call.account()?.id.clone();
    call.require_manager(&id)?;
    call.world.accounts[&id].storage.ask(call.now);
    null()
}

pub(super) fn refresh_install_disk_usage(call: &mut Call<'_>) -> Outcome {
    let now = call.now;
    call.install_mut()?.storage.ask(now);
    null()
}

/// The body of both refreshes is the literal null.
fn null() -> Outcome {
    Ok(Answer {
        status: 200,
        body: b"null".to_vec(),
    })
}
