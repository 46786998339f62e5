//! Accounts and the limits of their plans.

use serde::Serialize;

use crate::call::{Answer, Call, Outcome};
use crate::state::Account;

#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    name: &'a str,
    nickname: &'a str,
}

impl<'a> From<&'a Account> for View<'a> {
    fn from(account: &'a Account) -> Self {
        Self {
            id: &account.id,
            name: &account.name,
            nickname: &account.nickname,
        }
    }
}

pub(super) fn list_accounts(call: &mut Call<'_>) -> Outcome {
    let world = &*call.world;
    let visible = world
        .accounts
        .values()
        .filter(|account| world.account(&call.caller, &account.id).is_some());
    call.page(visible, View::from)
}

pub(super) fn get_account(call: &mut Call<'_>) -> Outcome {
    Answer::json(200, &View::from(call.account()?))
}

pub(super) fn get_account_limits(call: &mut Call<'_>) -> Outcome {
    #[derive(Serialize)]
    struct Limits {
        visitors: u64,
        storage: u64,
        bandwidth: u64,
    }
    let limits = call.account()?.limits;
    let (storage, bandwidth) = (limits.storage_gb, limits.bandwidth_gb);
    Answer::json(
        200,
        &Limits {
            visitors: limits.visitors,
            storage,
            bandwidth,
        },
    )
}
