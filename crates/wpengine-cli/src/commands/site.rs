//! Sites and their transfers.

use serde_json::Value;

use super::{one, run};
use crate::{
    command::{Leaf, leaf},
    flags, tables,
    target::{Kind, Target, unique},
};

pub(super) fn leaves() -> Vec<Leaf> {
    let site = || flags::one("site", "SITE", "Site: id or name");
    let transfer = || flags::one("transfer", "TRANSFER", "Id of the transfer");
    vec![
        leaf("site list", "List the sites", &["list_sites"], run!(|c, a| {
            let account = c.account_if_given(a).await?;
            let query: Vec<_> = account.into_iter().map(|account| ("account_id", account.id)).collect();
            Ok(c.list("list_sites", &[], &query)?.into())
        }))
        .arg(flags::account())
        .table(&tables::SITES)
        .examples(&["wpengine site list", "wpengine site list --account acme -o csv"]),
        leaf("site get", "Show one site", &["get_site"], run!(|c, a| {
            let site = c.site_named(&a.need("site")).await?;
            Ok(one(c.read("get_site", &[&site.id], &[]).await?))
        }))
        .arg(site())
        .table(&tables::SITES)
        .examples(&["wpengine site get 'Torque Magazine'"]),
        leaf("site create", "Create a site", &["create_site"], run!(|c, a| {
            let account = c.account(a).await?;
            let name = a.need("name");
            let target = Target::new(Kind::Site, "", &name);
            c.confirm("create_site", &format!("in {}, create", account.title()), std::slice::from_ref(&target), vec!["a site counts against the plan".to_owned()]).await?;
            let request = c.client()?.sites().create(&name, account.id.as_str());
            Ok(one(c.write("create_site", &target, request.send()).await?))
        }))
        .args([flags::one("name", "NAME", "Name of the new site"), flags::account()])
        .table(&tables::SITES)
        .examples(&["wpengine site create 'Acme Shop' --account acme --yes"]),
        leaf("site rename", "Rename a site", &["update_site"], run!(|c, a| {
            let site = c.site_named(&a.need("site")).await?;
            let request = c.client()?.site(site.id.as_str()).update().name(a.need("name"));
            Ok(one(c.write("update_site", &site, request.send()).await?))
        }))
        .args([site(), flags::one("name", "NAME", "New name")])
        .calls(&["get_site"])
        .table(&tables::SITES)
        .examples(&["wpengine site rename 'Acme Shop' 'Acme Store'"]),
        leaf("site delete", "Delete sites with all their installs", &["delete_site"], run!(|c, a| {
            let mut sites = Vec::new();
            for name in a.all("site") {
                sites.push(c.site_named(&name).await?);
            }
            let sites = unique(sites);
            let mut notes: Vec<String> = sites.iter().map(|site| format!("{}: {}", site.title(), installs_of(&site.value))).collect();
            notes.push("their installs, content and backups go with them; nothing brings them back".to_owned());
            c.confirm("delete_site", "delete", &sites, notes).await?;
            c.each(&sites, |site| async move {
                let request = c.client()?.site(site.id.as_str()).delete();
                c.write("delete_site", site, request.send()).await
            })
            .await
        }))
        .arg(flags::many("site", "SITE", "Sites: ids or names").required(true))
        .calls(&["get_site"])
        .examples(&["wpengine site delete 'Acme Shop' --dry-run", "wpengine site delete 'Acme Shop' --confirm 'Acme Shop'"]),
        leaf("transfer list", "List the transfers of an account or of a site", &["list_account_site_transfers", "list_site_transfers"], run!(|c, a| {
            if let Some(site) = a.text("site") {
                let site = c.site_named(&site).await?;
                return Ok(c.list("list_site_transfers", &[&site.id], &[])?.into());
            }
            let account = c.account(a).await?;
            Ok(c.list("list_account_site_transfers", &[&account.id], &[])?.into())
        }))
        .args([flags::account(), flags::site().conflicts_with("account")])
        .table(&tables::TRANSFERS)
        .examples(&["wpengine transfer list --account acme"]),
        leaf("transfer get", "Show one transfer", &["get_site_transfer"], run!(|c, a| {
            let site = c.site_named(&a.need("site")).await?;
            Ok(one(c.read("get_site_transfer", &[&site.id, &a.need("transfer")], &[]).await?))
        }))
        .args([transfer(), flags::site().required(true)])
        .table(&tables::TRANSFERS)
        .examples(&["wpengine transfer get 7c3e1a2b-4f5d-4e6c-b7a8-d9e0f1a2b3c4 --site 'Torque Magazine'"]),
        leaf("transfer wait", "Wait until a transfer has ended", &[], run!(|c, a| {
            let site = c.site_named(&a.need("site")).await?;
            let id = a.need("transfer");
            let target = Target::new(Kind::Other("transfer"), &id, &id);
            let wait = c.client()?.site(site.id.as_str()).site_transfer(id.as_str()).wait();
            Ok(one(c.wait(&target, "the transfer", wait, a.time("for")).await?))
        }))
        .args([transfer(), flags::site().required(true), flags::value("for", "TIME", "Longest wait").value_parser(flags::duration)])
        .calls(&["get_site_transfer"])
        .table(&tables::TRANSFERS)
        .examples(&["wpengine transfer wait 7c3e1a2b-4f5d-4e6c-b7a8-d9e0f1a2b3c4 --site 'Torque Magazine' --for 2h"]),
        leaf("transfer create", "Move a site to another account", &["create_site_transfer"], run!(|c, a| {
            let site = c.site_named(&a.need("site")).await?;
            let to = c.account_named(&a.need("to")).await?;
            let from = site.account.clone().unwrap_or_default();
            c.confirm("create_site_transfer", &format!("from the account {from} to {}, move", to.title()), std::slice::from_ref(&site), vec![
                format!("these installs move with it: {}", installs_of(&site.value)),
                "the account that it leaves loses access to it".to_owned(),
            ]).await?;
            let transfers = c.client()?.site(site.id.as_str()).site_transfers();
            let mut request = transfers.create(to.id.as_str());
            if let Some(at) = a.instant("at") {
                request = request.scheduled_time(at);
            }
            if a.flag("maintenance-mode") {
                request = request.maintenance_mode(true);
            }
            let sent = c.write("create_site_transfer", &site, request.send()).await?;
            match a.wait() {
                Some(limit) if !super::is_planned(&sent) => {
                    c.goes_on_with(format!("wpengine transfer wait {} --site {}", super::id_of(&sent), site.id));
                    let wait = c.client()?.site(site.id.as_str()).site_transfer(super::id_of(&sent)).wait();
                    Ok(one(c.wait(&site, "the transfer", wait, limit).await?))
                }
                _ => Ok(one(sent)),
            }
        }))
        .args([
            flags::site().required(true),
            flags::value("to", "ACCOUNT", "Account that gets the site: id or name").required(true),
            flags::value("at", "TIME", "When, such as 2026-05-01T02:00:00Z or 8h; now by default").value_parser(flags::instant),
            flags::switch("maintenance-mode", "Show a maintenance page meanwhile"),
            flags::wait(),
        ])
        .calls(&["get_site", "get_site_transfer"])
        .table(&tables::TRANSFERS)
        .examples(&["wpengine transfer create --site 'Torque Events' --to 'New Owner Inc' --at 8h --confirm 'Torque Events'"]),
        leaf("transfer cancel", "Cancel a transfer that has not begun", &["cancel_site_transfer"], run!(|c, a| {
            let site = c.site_named(&a.need("site")).await?;
            let transfer = c.child(Kind::Other("transfer"), "list_site_transfers", &[&site.id], &a.need("transfer"), &[]).await?;
            c.confirm("cancel_site_transfer", &format!("of {}, cancel", site.title()), std::slice::from_ref(&transfer), Vec::new()).await?;
            let request = c.client()?.site(site.id.as_str()).site_transfer(transfer.id.as_str()).cancel();
            Ok(one(c.write("cancel_site_transfer", &transfer, request.send()).await?))
        }))
        .args([transfer(), flags::site().required(true)])
        .calls(&["get_site", "list_site_transfers"])
        .examples(&["wpengine transfer cancel 7c3e1a2b-4f5d-4e6c-b7a8-d9e0f1a2b3c4 --site 'Torque Magazine' --yes"]),
    ]
}

/// The installs of a site, for people.
fn installs_of(site: &Value) -> String {
    let installs = site["installs"].as_array().map_or(&[][..], Vec::as_slice);
    let names: Vec<String> = installs
        .iter()
        .map(|install| {
            let text = |name: &str| install[name].as_str().unwrap_or("?");
            format!("{} ({})", text("name"), text("environment"))
        })
        .collect();
    if names.is_empty() {
        "no install".to_owned()
    } else {
        names.join(", ")
    }
}
