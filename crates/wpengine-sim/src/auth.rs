//! Authentication: HTTP Basic with an API user's name and password, or a bearer token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

use crate::document::Operation;
use crate::state::{LoginSecret, World};

/// The id of the user with these credentials, or `None` if they are missing, wrong or of the wrong kind.
pub(crate) fn caller(world: &World, operation: &Operation, headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let secret = if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        let (name, password) = pair.split_once(':')?;
        LoginSecret::Basic {
            name: name.to_owned(),
            password: password.to_owned(),
        }
    } else if scheme.eq_ignore_ascii_case("bearer") && operation.bearer {
        LoginSecret::Bearer(rest.trim().to_owned())
    } else {
        return None;
    };
    world
        .logins
        .iter()
        .find(|login| login.secret == secret)
        .map(|login| login.user_id.clone())
}
