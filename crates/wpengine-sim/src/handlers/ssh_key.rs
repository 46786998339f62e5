//! SSH keys of the caller.

use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call, Outcome};
use crate::error::{INVALID_VALUE, Refusal, VALUE_UNAVAILABLE};
use crate::state::{SshKey, Time, User, ssh_key};

const RESOURCE: &str = "SSHKey";

#[derive(Serialize)]
struct View<'a> {
    comment: &'a str,
    created_at: Time,
    fingerprint: &'a str,
    uuid: &'a str,
}

impl<'a> From<&'a SshKey> for View<'a> {
    fn from(key: &'a SshKey) -> Self {
        Self {
            comment: &key.comment,
            created_at: Time(key.created_at),
            fingerprint: &key.fingerprint,
            uuid: &key.uuid,
        }
    }
}

fn user<'a>(call: &'a mut Call<'_>) -> Result<&'a mut User, Refusal> {
    call.world
        .users
        .get_mut(&call.caller)
        .ok_or_else(Refusal::forbidden)
}

pub(super) fn list_ssh_keys(call: &mut Call<'_>) -> Outcome {
    let user = call
        .world
        .users
        .get(&call.caller)
        .ok_or_else(Refusal::forbidden)?;
    call.page(user.ssh_keys.values(), View::from)
}

pub(super) fn create_ssh_key(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        public_key: String,
    }
    let Body { public_key } = call.body()?;
    let Some((fingerprint, comment)) = ssh_key::read(&public_key) else {
        let message = "Public key is not a public SSH key";
        return Err(Refusal::field(
            RESOURCE,
            "public_key",
            INVALID_VALUE,
            "invalid",
            message,
        ));
    };
    let key = SshKey {
        uuid: call.world.random.uuid(),
        comment,
        fingerprint,
        created_at: call.now,
    };
    let keys = &mut user(call)?.ssh_keys;
    if keys
        .values()
        .any(|other| other.fingerprint == key.fingerprint)
    {
        let message = "Public key is already there";
        return Err(Refusal::field(
            RESOURCE,
            "public_key",
            VALUE_UNAVAILABLE,
            "taken",
            message,
        ));
    }
    let answer = Answer::json(201, &View::from(&key));
    keys.insert(key.uuid.clone(), key);
    answer
}

pub(super) fn delete_ssh_key(call: &mut Call<'_>) -> Outcome {
    let id = call.path("ssh_key_id").to_owned();
    user(call)?
        .ssh_keys
        .shift_remove(&id)
        .ok_or_else(Refusal::not_found)?;
    Answer::empty(204)
}
