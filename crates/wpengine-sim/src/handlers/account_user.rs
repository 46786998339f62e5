//! Users of an account. The last owner cannot be removed.

use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call, Outcome};
use crate::error::{ACCESS_ERROR, INVALID_VALUE, Refusal, VALUE_UNAVAILABLE};
use crate::state::{Account, AccountUser, Level, Roles, World};

const RESOURCE: &str = "AccountUser";

#[derive(Serialize)]
struct View<'a> {
    user_id: &'a str,
    account_id: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    email: &'a str,
    phone: Option<&'a str>,
    invite_accepted: bool,
    mfa_enabled: bool,
    roles: String,
    /// Only for owners.
    last_owner: Option<bool>,
    /// Only for partial users.
    installs: Option<Vec<InstallView<'a>>>,
}

#[derive(Serialize)]
struct InstallView<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Change<'a> {
    message: &'static str,
    account_user: View<'a>,
}

fn view<'a>(world: &'a World, account: &'a Account, user: &'a AccountUser) -> View<'a> {
    let installs = (user.roles.level == Level::Partial).then(|| {
        let found = user
            .install_ids
            .iter()
            .filter_map(|id| world.installs.get(id));
        found
            .map(|install| InstallView {
                id: &install.id,
                name: &install.name,
            })
            .collect()
    });
    View {
        user_id: &user.user_id,
        account_id: &account.id,
        first_name: &user.first_name,
        last_name: &user.last_name,
        email: &user.email,
        phone: user.phone.as_deref(),
        invite_accepted: user.invite_accepted,
        mfa_enabled: user.mfa_enabled,
        roles: user.roles.to_string(),
        last_owner: (user.roles.level == Level::Owner)
            .then(|| account.is_last_owner(&user.user_id)),
        installs,
    }
}

fn find<'a>(call: &'a Call<'_>) -> Result<(&'a Account, &'a AccountUser), Refusal> {
    let account = call.account()?;
    let user = account
        .users
        .get(call.path("user_id"))
        .ok_or_else(Refusal::not_found)?;
    Ok((account, user))
}

pub(super) fn list_account_users(call: &mut Call<'_>) -> Outcome {
    #[derive(Serialize)]
    struct List<'a> {
        results: Vec<View<'a>>,
    }
    let account = call.account()?;
    let results = account
        .users
        .values()
        .map(|user| view(call.world, account, user))
        .collect();
    Answer::json(200, &List { results })
}

pub(super) fn get_account_user(call: &mut Call<'_>) -> Outcome {
    let (account, user) = find(call)?;
    Answer::json(200, &view(call.world, account, user))
}

pub(super) fn create_account_user(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        user: NewUser,
    }
    #[derive(Deserialize)]
    struct NewUser {
        account_id: String,
        first_name: String,
        last_name: String,
        email: String,
        roles: String,
        #[serde(default)]
        install_ids: Vec<String>,
    }
    let account_id = call.account()?.id.clone();
    let Body { user } = call.body()?;
    if user.account_id != account_id {
        let message = "Account id must be the account of the address";
        return Err(Refusal::field(
            RESOURCE,
            "account_id",
            INVALID_VALUE,
            "mismatch",
            message,
        ));
    }
    for (field, title, value) in [
        ("first_name", "First name", &user.first_name),
        ("last_name", "Last name", &user.last_name),
    ] {
        if value.trim().is_empty() {
            return Err(Refusal::field(
                RESOURCE,
                field,
                INVALID_VALUE,
                "blank",
                &format!("{title} cannot be empty"),
            ));
        }
    }
    if !is_email(&user.email) {
        return Err(Refusal::field(
            RESOURCE,
            "email",
            INVALID_VALUE,
            "invalid",
            "Email is not an e-mail address",
        ));
    }
    let roles = allowed_roles(call, &account_id, &user.roles)?;
    let install_ids = reachable_installs(call.world, &account_id, roles, user.install_ids)?;
    let account = &call.world.accounts[&account_id];
    if account
        .users
        .values()
        .any(|other| other.email.eq_ignore_ascii_case(&user.email))
    {
        let message = "Email belongs to a user of this account already";
        return Err(Refusal::field(
            RESOURCE,
            "email",
            VALUE_UNAVAILABLE,
            "taken",
            message,
        ));
    }
    let user_id = known_user(call.world, &user.email);
    let user_id = user_id.unwrap_or_else(|| call.world.random.uuid());
    let user = AccountUser {
        user_id: user_id.clone(),
        first_name: user.first_name,
        last_name: user.last_name,
        email: user.email,
        phone: None,
        invite_accepted: false,
        mfa_enabled: false,
        roles,
        install_ids,
    };
    call.world.accounts[&account_id]
        .users
        .insert(user_id.clone(), user);
    changed(call, 201, &account_id, &user_id)
}

pub(super) fn update_account_user(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        roles: String,
        install_ids: Option<Vec<String>>,
    }
    let (account, user) = find(call)?;
    let (account_id, user) = (account.id.clone(), user.clone());
    let body: Body = call.body()?;
    let roles = allowed_roles(call, &account_id, &body.roles)?;
    require_owner_for_owners(call, &account_id, &user)?;
    let install_ids = body.install_ids.unwrap_or_else(|| user.install_ids.clone());
    let install_ids = reachable_installs(call.world, &account_id, roles, install_ids)?;
    let account = &mut call.world.accounts[&account_id];
    if roles.level != Level::Owner && account.is_last_owner(&user.user_id) {
        return Err(last_owner());
    }
    if let Some(user) = account.users.get_mut(&user.user_id) {
        user.roles = roles;
        user.install_ids = install_ids;
    }
    changed(call, 200, &account_id, &user.user_id)
}

pub(super) fn delete_account_user(call: &mut Call<'_>) -> Outcome {
    let (account, user) = find(call)?;
    let (account_id, user) = (account.id.clone(), user.clone());
    call.require_manager(&account_id)?;
    require_owner_for_owners(call, &account_id, &user)?;
    let account = &mut call.world.accounts[&account_id];
    if account.is_last_owner(&user.user_id) {
        return Err(last_owner());
    }
    account.users.shift_remove(&user.user_id);
    Answer::empty(204)
}

fn changed(call: &Call<'_>, status: u16, account_id: &str, user_id: &str) -> Outcome {
    let account = &call.world.accounts[account_id];
    let account_user = view(call.world, account, &account.users[user_id]);
    Answer::json(
        status,
        &Change {
            message: "Your change was successful.",
            account_user,
        },
    )
}

fn last_owner() -> Refusal {
    Refusal::field(
        RESOURCE,
        "roles",
        INVALID_VALUE,
        "last_owner",
        "An account must keep an owner",
    )
}

/// The roles of a body, if they are valid and the caller may assign them: only owners can make owners.
fn allowed_roles(call: &Call<'_>, account_id: &str, text: &str) -> Result<Roles, Refusal> {
    call.require_manager(account_id)?;
    let Some(roles) = Roles::parse(text) else {
        let message = "Roles must be one of owner; full; full,billing; partial; partial,billing";
        return Err(Refusal::field(
            RESOURCE,
            "roles",
            INVALID_VALUE,
            "inclusion",
            message,
        ));
    };
    let caller = call
        .world
        .member(&call.caller, account_id)
        .ok_or_else(Refusal::forbidden)?;
    if roles.level == Level::Owner && caller.roles.level != Level::Owner {
        return Err(Refusal::forbidden());
    }
    Ok(roles)
}

/// Only owners can change or remove owners.
fn require_owner_for_owners(
    call: &Call<'_>,
    account_id: &str,
    user: &AccountUser,
) -> Result<(), Refusal> {
    let caller = call
        .world
        .member(&call.caller, account_id)
        .ok_or_else(Refusal::forbidden)?;
    if user.roles.level == Level::Owner && caller.roles.level != Level::Owner {
        return Err(Refusal::forbidden());
    }
    Ok(())
}

/// The installs of a partial user, which must belong to the account. They are ignored for all other roles.
fn reachable_installs(
    world: &World,
    account_id: &str,
    roles: Roles,
    ids: Vec<String>,
) -> Result<Vec<String>, Refusal> {
    if roles.level != Level::Partial {
        return Ok(Vec::new());
    }
    let of_account = |id: &String| {
        world
            .installs
            .get(id)
            .is_some_and(|install| install.account_id == account_id)
    };
    if let Some(stranger) = ids.iter().find(|id| !of_account(id)) {
        let message =
            format!("Install ids holds '{stranger}', which is no install of this account");
        return Err(Refusal::field(
            RESOURCE,
            "install_ids",
            ACCESS_ERROR,
            "not_found",
            &message,
        ));
    }
    Ok(ids)
}

/// The id of a user with this e-mail address, if one exists. A user has the same id in every account.
fn known_user(world: &World, email: &str) -> Option<String> {
    let people = world.users.values().map(|user| (&user.id, &user.email));
    let members = world
        .accounts
        .values()
        .flat_map(|account| account.users.values());
    let mut all = people.chain(members.map(|user| (&user.user_id, &user.email)));
    all.find(|(_, other)| other.eq_ignore_ascii_case(email))
        .map(|(id, _)| id.clone())
}

fn is_email(text: &str) -> bool {
    let has_no_space = !text.contains(char::is_whitespace);
    text.rsplit_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && has_no_space)
}
