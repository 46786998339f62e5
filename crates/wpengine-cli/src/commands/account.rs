//! Accounts, and who one is.

use super::{one, run};
use crate::{
    command::{Leaf, leaf},
    flags,
    output::Answer,
    tables,
};

pub(super) fn leaves() -> Vec<Leaf> {
    vec![
        leaf(
            "status",
            "Ask whether the API is up",
            &["get_status"],
            run!(|c, _a| {
                // It needs no credentials, so it is asked without.
                let url = crate::profile::base_url(&c.origin, &c.profile);
                let builder = crate::profile::anonymous(url.as_deref());
                let client = c.finish(builder, url.as_deref())?;
                Ok(one(client
                    .request(wpengine::http::Method::GET, "/status")
                    .json()
                    .await?))
            }),
        )
        .local()
        .examples(&["wpengine status"]),
        leaf(
            "whoami",
            "Show the user of these credentials",
            &["get_current_user"],
            run!(|c, _a| Ok(one(c.read("get_current_user", &[], &[]).await?))),
        )
        .examples(&["wpengine whoami", "wpengine whoami --jq .email"]),
        leaf(
            "account list",
            "List the accounts",
            &["list_accounts"],
            run!(|c, _a| Ok(c.list("list_accounts", &[], &[])?.into())),
        )
        .table(&tables::ACCOUNTS)
        .examples(&["wpengine account list", "wpengine account list -o name"]),
        leaf(
            "account get",
            "Show one account",
            &["get_account"],
            run!(|c, a| {
                let account = c.account_named(&a.need("account")).await?;
                Ok(one(c.read("get_account", &[&account.id], &[]).await?))
            }),
        )
        .arg(flags::one("account", "ACCOUNT", "Account: id or name"))
        .table(&tables::ACCOUNTS)
        .examples(&["wpengine account get acme"]),
        leaf(
            "account limits",
            "Show what the plan of an account allows",
            &["get_account_limits"],
            run!(|c, a| {
                let account = c.account_named(&a.need("account")).await?;
                Ok(Answer::One(c.read("get_account_limits", &[&account.id], &[]).await?).into())
            }),
        )
        .arg(flags::one("account", "ACCOUNT", "Account: id or name"))
        .table(&tables::LIMITS)
        .details("Storage and bandwidth are in GB of 2³⁰ bytes.")
        .examples(&["wpengine account limits acme"]),
    ]
}
