//! The current user.

use serde::Serialize;

use crate::call::{Answer, Call, Outcome};
use crate::error::Refusal;

pub(super) fn get_current_user(call: &mut Call<'_>) -> Outcome {
    #[derive(Serialize)]
    struct View<'a> {
        id: &'a str,
        first_name: &'a str,
        last_name: &'a str,
        email: &'a str,
        phone_number: Option<&'a str>,
    }
    let user = call
        .world
        .users
        .get(&call.caller)
        .ok_or_else(Refusal::not_found)?;
    let view = View {
        id: &user.id,
        first_name: &user.first_name,
        last_name: &user.last_name,
        email: &user.email,
        phone_number: user.phone_number.as_deref(),
    };
    Answer::json(200, &view)
}
