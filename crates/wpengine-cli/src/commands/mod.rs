//! The commands, by noun.

mod account;
mod api;
mod auth;
mod backup;
mod certificate;
mod config;
#[cfg(all(unix, feature = "ssh"))]
mod deploy;
mod doctor;
mod domain;
#[cfg(feature = "events")]
pub(crate) mod events;
mod fleet;
mod install;
#[cfg(all(unix, feature = "ssh"))]
mod logs;
mod meta;
mod offload;
mod plan;
#[cfg(all(unix, feature = "ssh"))]
mod remote;
mod report;
mod sim;
mod site;
mod ssh_key;
mod usage;
mod user;
mod workflow;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    command::Leaf,
    context::Ctx,
    failure::Failure,
    flags::Args,
    output::{Answer, Reply},
    profile::Origin,
};

/// All commands.
pub(crate) fn all() -> Vec<Leaf> {
    [
        account::leaves(),
        user::leaves(),
        usage::leaves(),
        site::leaves(),
        install::leaves(),
        workflow::leaves(),
        backup::leaves(),
        domain::leaves(),
        certificate::leaves(),
        offload::leaves(),
        ssh_key::leaves(),
        report::leaves(),
        fleet::leaves(),
        plan::leaves(),
        #[cfg(feature = "events")]
        events::leaves(),
        #[cfg(all(unix, feature = "ssh"))]
        deploy::leaves(),
        #[cfg(all(unix, feature = "ssh"))]
        logs::leaves(),
        #[cfg(all(unix, feature = "ssh"))]
        remote::leaves(),
        api::leaves(),
        auth::leaves(),
        config::leaves(),
        doctor::leaves(),
        sim::leaves(),
        meta::leaves(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The options by which the versions of plugins are read.
fn versions_over_the_gateway() -> Vec<clap::Arg> {
    #[cfg(all(unix, feature = "ssh"))]
    {
        let plugins = crate::flags::switch(
            "plugins",
            "Read WordPress and the plugins over the SSH gateway, 4 installs at a time, and keep them in the mirror",
        );
        std::iter::once(plugins)
            .chain(crate::gateway::options())
            .collect()
    }
    #[cfg(not(all(unix, feature = "ssh")))]
    Vec::new()
}

/// A closure as the body of a command.
macro_rules! run {
    (|$c:ident, $a:ident| $body:expr) => {
        |$c, $a| Box::pin(async move { $body })
    };
}

use run;

/// One of the values that the API knows. A value that this version does not know is sent as it is.
fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_value(json!(text))
        .map_err(|error| Failure::usage(format!("`{text}`: {error}")))
}

/// A list of things that the API returns at once.
async fn unpaged(
    c: &Ctx,
    operation: &str,
    ids: &[&str],
    query: &[(&str, String)],
) -> Result<Reply, Failure> {
    let value = c.read(operation, ids, query).await?;
    Ok(Answer::items(crate::target::items_of(value)).into())
}

/// The addresses that are told: of the command, of the environment, or of the profile.
fn notified(c: &Ctx, a: Args<'_>) -> Result<Vec<String>, Failure> {
    let emails = notified_if_given(c, a);
    if emails.is_empty() {
        let next = match c.origin {
            Origin::Environment(_) => "export WPENGINE_NOTIFY=ops@example.com",
            _ => "wpengine config set notify ops@example.com",
        };
        return Err(Failure::usage(
            "--notify is needed: the API tells somebody by e-mail when this ends. Give it, or set it for good:",
        )
        .next(next));
    }
    Ok(emails)
}

fn notified_if_given(c: &Ctx, a: Args<'_>) -> Vec<String> {
    let given = a.all("notify");
    if !given.is_empty() {
        return given;
    }
    let set = std::env::var("WPENGINE_NOTIFY").unwrap_or_default();
    let set: Vec<String> = set
        .split(',')
        .map(str::trim)
        .filter(|email| !email.is_empty())
        .map(str::to_owned)
        .collect();
    if set.is_empty() {
        c.profile.notify.clone()
    } else {
        set
    }
}

/// Whether an answer is what a dry run would have sent.
fn is_planned(value: &Value) -> bool {
    value.get("dry_run").is_some()
}

/// One answer about one target.
fn one(value: Value) -> Reply {
    Answer::One(value).into()
}

/// The id in what the service answered.
fn id_of(value: &Value) -> String {
    value["id"].as_str().unwrap_or_default().to_owned()
}
