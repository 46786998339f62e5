//! Controls of users and of API access.

use http::StatusCode;
use serde::Deserialize;

use super::exchange::{Exchange, Reply, bad, done, json as reply, nothing, ok};
use crate::guard::Refused;
use crate::role::Role;

type Result = std::result::Result<Reply, Refused>;

pub(super) fn users(exchange: &Exchange<'_>) -> Result {
    ok(&exchange.shared.sign_ins())
}

pub(super) fn add_user(exchange: &Exchange<'_>) -> Result {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        user: String,
        password: String,
        account_id: String,
        role: String,
        #[serde(default)]
        installs: Vec<String>,
    }
    let body: Body = exchange.body()?;
    let role = match body.role.as_str() {
        "partial" => Role::Partial(body.installs),
        "partial,billing" => Role::PartialBilling(body.installs),
        _ if !body.installs.is_empty() => {
            return Err(bad("only partial users have installs of their own"));
        }
        "owner" => Role::Owner,
        "full" => Role::Full,
        "full,billing" => Role::FullBilling,
        role => {
            let known = "owner, full, partial, full,billing and partial,billing";
            return Err(bad(format!("{role:?} is none of the roles {known}")));
        }
    };
    let user = body.user.clone();
    exchange
        .shared
        .add_sign_in(body.user, body.password, body.account_id, role)
        .map_err(bad)?;
    let mut sign_ins = exchange.shared.sign_ins().into_iter();
    let added = sign_ins.find(|sign_in| sign_in.user.as_ref() == Some(&user));
    reply(StatusCode::CREATED, &added)
}

pub(super) fn remove_user(exchange: &Exchange<'_>) -> Result {
    done(
        exchange.shared.remove_sign_in(exchange.parameter(0)),
        "further user",
    )
}

pub(super) fn set_bearer_token(exchange: &Exchange<'_>) -> Result {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        token: String,
    }
    let Body { token } = exchange.body()?;
    if token.is_empty() {
        return Err(bad("a token is not empty"));
    }
    exchange.shared.set_bearer_token(Some(token));
    nothing()
}

pub(super) fn clear_bearer_token(exchange: &Exchange<'_>) -> Result {
    exchange.shared.set_bearer_token(None);
    nothing()
}

pub(super) fn set_account(exchange: &Exchange<'_>) -> Result {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        api_access: bool,
    }
    let Body { api_access } = exchange.body()?;
    done(
        exchange
            .shared
            .set_api_access(exchange.parameter(0), api_access),
        "account",
    )
}
