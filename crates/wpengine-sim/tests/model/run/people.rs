//! The users of an account, and the caller's SSH keys.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Outcome, Reasons, id_of};
use crate::api::Api;
use crate::model::{Id, Member, Model, pick};
use crate::step::{Pick, Step};

/// The five valid roles, and one invalid role.
const ROLES: [&str; 6] = [
    "owner",
    "full",
    "full,billing",
    "partial",
    "partial,billing",
    "admin",
];

pub(super) fn step(model: &mut Model, api: &Api, step: &Step) -> Outcome {
    let mut reasons = Reasons::default();
    match step {
        Step::AddUser {
            account,
            email,
            role,
            installs,
        } => {
            let account = pick(&model.accounts, *account);
            let installs = installs_of(model, installs);
            let role = ROLES[usize::from(*role)];
            add(
                model,
                api,
                account,
                format!("p{email}@example.com"),
                role,
                installs,
            )
        }
        Step::UpdateUser {
            account,
            user,
            role,
            installs,
        } => {
            let account = pick(&model.accounts, *account);
            let user = pick(&model.ever.users, *user);
            let installs = installs.as_ref().map(|it| installs_of(model, it));
            update(
                model,
                api,
                account,
                user,
                ROLES[usize::from(*role)],
                installs,
            )
        }
        Step::RemoveUser { account, user } => {
            let account = pick(&model.accounts, *account);
            let user = pick(&model.ever.users, *user);
            if is_way_out(model, &account, &user) {
                return Ok(false);
            }
            let key = (account.clone(), user.clone());
            reasons.add(404, !model.people.contains_key(&key));
            reasons.add(400, model.is_last_owner(&account, &user));
            let answer = api.delete(&format!("/accounts/{account}/account_users/{user}"));
            let done = reasons.settle(204, &answer)?;
            if done {
                model.people.remove(&key);
            }
            Ok(done)
        }
        Step::AddKey { key } => {
            reasons.add(400, model.keys.values().any(|other| other == key));
            let text = format!("ssh-ed25519 {} me", STANDARD.encode([*key; 32]));
            let answer = api.post("/ssh_keys", json!({ "public_key": text }));
            let done = reasons.settle(201, &answer)?;
            if done {
                let id = id_of(&answer.1, "uuid");
                model.ever.keys.push(id.clone());
                model.keys.insert(id, *key);
            }
            Ok(done)
        }
        Step::RemoveKey { key } => {
            let id = pick(&model.ever.keys, *key);
            // The operation does not document a 404.
            reasons.add(403, !model.keys.contains_key(&id));
            let done = reasons.settle(204, &api.delete(&format!("/ssh_keys/{id}")))?;
            if done {
                model.keys.remove(&id);
            }
            Ok(done)
        }
        _ => unreachable!("another module handles {step:?}"),
    }
}

fn installs_of(model: &Model, picks: &[Pick]) -> BTreeSet<Id> {
    let ids = picks.iter().map(|it| pick(&model.ever.installs, *it));
    ids.collect()
}

/// Returns whether the operation would remove the caller's access, which all other steps need. It is only tried for the
/// last owner, because the simulator refuses it.
fn is_way_out(model: &Model, account: &str, user: &str) -> bool {
    user == model.me && !model.is_last_owner(account, user)
}

/// Checks the installs of a partial user: they must belong to the account. For the other roles they are ignored.
fn check_installs(
    reasons: &mut Reasons,
    model: &Model,
    account: &str,
    role: &str,
    ids: &BTreeSet<Id>,
) {
    let stranger = |id: &Id| {
        model
            .installs
            .get(id)
            .is_none_or(|it| it.account != account)
    };
    let counts = role.starts_with("partial");
    reasons.add(400, counts && ids.iter().any(stranger));
}

fn kept(role: &str, installs: BTreeSet<Id>) -> BTreeSet<Id> {
    match role.starts_with("partial") {
        true => installs,
        false => BTreeSet::new(),
    }
}

fn add(
    model: &mut Model,
    api: &Api,
    account: Id,
    email: String,
    role: &'static str,
    installs: BTreeSet<Id>,
) -> Outcome {
    let mut reasons = Reasons::default();
    // The operation does not document a 404.
    reasons.add(403, !model.accounts.contains(&account));
    reasons.add(400, role == "admin");
    let mut people = model.people.iter();
    reasons.add(
        400,
        people.any(|((of, _), it)| *of == account && it.email == email),
    );
    check_installs(&mut reasons, model, &account, role, &installs);
    let user = json!({
        "account_id": account, "first_name": "A", "last_name": "B", "email": email, "roles": role,
        "install_ids": installs,
    });
    let path = format!("/accounts/{account}/account_users");
    let answer = api.post(&path, json!({ "user": user }));
    let done = reasons.settle(201, &answer)?;
    if done {
        let id = id_of(&answer.1["account_user"], "user_id");
        // A person has the same user id in every account.
        let known = model.people.iter().find(|(_, it)| it.email == email);
        if known.is_some_and(|((_, user), _)| *user != id) {
            return Err(format!("{email} is two people"));
        }
        if !model.ever.users.contains(&id) {
            model.ever.users.push(id.clone());
        }
        let member = Member {
            email,
            roles: role,
            installs: kept(role, installs),
        };
        model.people.insert((account, id), member);
    }
    Ok(done)
}

fn update(
    model: &mut Model,
    api: &Api,
    account: Id,
    user: Id,
    role: &'static str,
    installs: Option<BTreeSet<Id>>,
) -> Outcome {
    let mut reasons = Reasons::default();
    if is_way_out(model, &account, &user) {
        return Ok(false);
    }
    let key = (account.clone(), user.clone());
    let member = model.people.get(&key);
    reasons.add(404, member.is_none());
    reasons.add(400, role == "admin");
    reasons.add(400, role != "owner" && model.is_last_owner(&account, &user));
    if let Some(member) = member {
        let wanted = installs.as_ref().unwrap_or(&member.installs);
        check_installs(&mut reasons, model, &account, role, wanted);
    }
    let mut body = json!({ "roles": role });
    if let Some(installs) = &installs {
        body["install_ids"] = json!(installs);
    }
    let path = format!("/accounts/{account}/account_users/{user}");
    let done = reasons.settle(200, &api.patch(&path, body))?;
    if done {
        let member = model.people.get_mut(&key).unwrap();
        member.roles = role;
        let wanted = installs.unwrap_or(std::mem::take(&mut member.installs));
        member.installs = kept(role, wanted);
    }
    Ok(done)
}
