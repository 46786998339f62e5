//! The list of controls.

use http::Method;

use super::exchange::Control;
use super::{people, things};

/// Method, path below `/_sim`, and handler.
pub(super) const ROUTES: &[(Method, &str, Control)] = &[
    (Method::GET, "/openapi.json", things::document),
    (Method::POST, "/reset", things::reset),
    (Method::POST, "/seed", things::seed),
    (Method::GET, "/snapshot", things::snapshot),
    (Method::PUT, "/snapshot", things::restore),
    (Method::GET, "/clock", things::clock),
    (Method::PUT, "/clock/mode", things::set_clock),
    (Method::POST, "/clock/advance", things::advance),
    (Method::GET, "/faults", things::faults),
    (Method::POST, "/faults", things::add_fault),
    (Method::DELETE, "/faults", things::clear_faults),
    (Method::DELETE, "/faults/{fault_id}", things::remove_fault),
    (Method::GET, "/limits", things::limits),
    (Method::PATCH, "/limits", things::set_limits),
    (Method::GET, "/requests", things::requests),
    (Method::DELETE, "/requests", things::clear_requests),
    (Method::GET, "/violations", things::violations),
    (Method::GET, "/users", people::users),
    (Method::POST, "/users", people::add_user),
    (Method::DELETE, "/users/{user}", people::remove_user),
    (Method::PUT, "/bearer_token", people::set_bearer_token),
    (Method::DELETE, "/bearer_token", people::clear_bearer_token),
    (Method::PATCH, "/accounts/{account_id}", people::set_account),
    (Method::GET, "/installs/{install_id}", things::install),
    (
        Method::POST,
        "/installs/{install_id}/archives/{archive_id}/abort",
        things::abort_archive,
    ),
    (
        Method::POST,
        "/installs/{install_id}/backups/{backup_id}/abort",
        things::abort_backup,
    ),
];

/// The control for a method and a path, with the parameters of the path.
pub(super) fn find(method: &Method, path: &str) -> Option<(Control, Vec<String>)> {
    let mut routes = ROUTES.iter().filter(|(known, ..)| known == method);
    routes.find_map(|(_, template, control)| Some((*control, parameters(template, path)?)))
}

/// The methods of a path; empty if there is no such path.
pub(super) fn methods(path: &str) -> Vec<&'static str> {
    let routes = ROUTES
        .iter()
        .filter(|(_, template, _)| parameters(template, path).is_some());
    routes.map(|(method, ..)| method.as_str()).collect()
}

/// The parameters of a path, if it matches the template.
fn parameters(template: &str, path: &str) -> Option<Vec<String>> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let mut found = Vec::new();
    for expected in template.split('/').filter(|part| !part.is_empty()) {
        let part = parts.next()?;
        if expected.starts_with('{') {
            let text = percent_encoding::percent_decode_str(part).decode_utf8_lossy();
            found.push(text.into_owned());
        } else if part != expected {
            return None;
        }
    }
    parts.next().is_none().then_some(found)
}
