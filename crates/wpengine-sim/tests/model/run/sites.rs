//! Sites and their transfers.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Outcome, Reasons, id_of, pages};
use crate::api::Api;
use crate::model::{Model, Site, Transfer, pick, pick_pair};
use crate::step::Step;

const SOONEST: i64 = 60;
const LATEST: i64 = 7 * 24 * 60;

pub(super) fn step(model: &mut Model, api: &Api, step: &Step) -> Outcome {
    let mut reasons = Reasons::default();
    match step {
        Step::CreateSite { account, name } => {
            let (account, name) = (pick(&model.accounts, *account), format!("Site {name}"));
            reasons.add(403, !model.accounts.contains(&account));
            let body = json!({ "name": name, "account_id": account });
            let answer = api.post("/sites", body);
            let done = reasons.settle(201, &answer)?;
            if done {
                let id = id_of(&answer.1, "id");
                model.ever.sites.push(id.clone());
                model.sites.insert(id, Site { name, account });
            }
            Ok(done)
        }
        Step::RenameSite { site, name } => {
            let (id, name) = (pick(&model.ever.sites, *site), format!("Site {name}"));
            reasons.add(404, !model.sites.contains_key(&id));
            let answer = api.patch(&format!("/sites/{id}"), json!({ "name": name }));
            let done = reasons.settle(200, &answer)?;
            if done {
                model.sites.get_mut(&id).unwrap().name = name;
            }
            Ok(done)
        }
        Step::DeleteSite { site } => {
            let id = pick(&model.ever.sites, *site);
            reasons.add(404, !model.sites.contains_key(&id));
            let done = reasons.settle(204, &api.delete(&format!("/sites/{id}")))?;
            if done {
                for install in model.installs_of_site(&id) {
                    model.remove_install(&install);
                }
                model.sites.remove(&id);
            }
            Ok(done)
        }
        Step::ListSites { account, limit } => {
            let account = account.map(|account| pick(&model.accounts, account));
            let of_account = |site: &Site| account.as_ref().is_none_or(|it| site.account == *it);
            let found = model.sites.iter().filter(|(_, site)| of_account(site));
            let ids = found.map(|(id, _)| id.clone()).collect();
            let filter = account.iter().map(|id| format!("&account_id={id}"));
            pages(api, "/sites", &filter.collect::<String>(), *limit, ids)
        }
        Step::Transfer {
            site,
            account,
            in_minutes,
        } => {
            let site = pick(&model.ever.sites, *site);
            let account = pick(&model.accounts, *account);
            transfer(model, api, site, account, *in_minutes)
        }
        Step::CancelTransfer { transfer } => {
            let (site, id) = pick_pair(&model.ever.transfers, *transfer);
            let status = model.transfers.get(&id).map(|it| it.status(model.now));
            reasons.add(404, status.is_none() || !model.sites.contains_key(&site));
            let is_open = matches!(status, None | Some("pending" | "scheduled"));
            reasons.add(409, !is_open);
            let answer = api.delete(&format!("/sites/{site}/site_transfers/{id}"));
            let done = reasons.settle(204, &answer)?;
            if done {
                model.transfers.get_mut(&id).unwrap().is_cancelled = true;
            }
            Ok(done)
        }
        _ => unreachable!("another module handles {step:?}"),
    }
}

fn transfer(
    model: &mut Model,
    api: &Api,
    site: String,
    destination: String,
    in_minutes: Option<i64>,
) -> Outcome {
    let mut reasons = Reasons::default();
    let origin = model.sites.get(&site).map(|it| it.account.clone());
    reasons.add(404, origin.is_none());
    reasons.add(403, !model.accounts.contains(&destination));
    reasons.add(422, origin.as_ref() == Some(&destination));
    let in_range = in_minutes.is_none_or(|ahead| (SOONEST..=LATEST).contains(&ahead));
    reasons.add(422, !in_range);
    let open = ["pending", "scheduled", "in_progress"];
    let mut others = model.transfers.values().filter(|it| it.site == site);
    reasons.add(409, others.any(|it| open.contains(&it.status(model.now))));
    let installs = model.installs_of_site(&site);
    let mut installs = installs.iter().map(|id| &model.installs[id]);
    reasons.add(409, installs.any(|install| !model.is_active(install)));

    let mut body = json!({ "destination_account_id": destination });
    if let Some(minutes) = in_minutes {
        let now: Timestamp = api.simulator.clock().now();
        let time = now + SignedDuration::from_mins(minutes);
        body["scheduled_time"] = json!(time.to_string());
    }
    let answer = api.post(&format!("/sites/{site}/site_transfers"), body);
    let done = reasons.settle(202, &answer)?;
    if done {
        let id = id_of(&answer.1, "id");
        model.ever.transfers.push((site.clone(), id.clone()));
        let transfer = Transfer {
            site,
            origin: origin.unwrap(),
            destination,
            created: model.now,
            scheduled: in_minutes.map(|minutes| model.now + minutes * 60),
            is_cancelled: false,
            is_finished: false,
            has_failed: false,
        };
        model.transfers.insert(id, transfer);
    }
    Ok(done)
}
