//! Runs each step on the simulator and on the model. The simulator must refuse a step exactly if the model has a reason
//! to refuse it.

mod domains;
mod installs;
mod people;
mod sites;

use serde_json::Value;

pub(crate) use self::installs::name_of;

use crate::api::Api;
use crate::model::{Id, Model};
use crate::step::Step;

/// Whether the operation was done. The error describes a difference between the simulator and the model.
pub(crate) type Outcome = Result<bool, String>;

pub(crate) fn step(model: &mut Model, api: &Api, step: &Step) -> Outcome {
    match step {
        Step::Advance { seconds } => {
            api.advance(*seconds);
            model.advance(i64::try_from(*seconds).unwrap());
            Ok(true)
        }
        Step::CreateSite { .. }
        | Step::RenameSite { .. }
        | Step::DeleteSite { .. }
        | Step::ListSites { .. }
        | Step::Transfer { .. }
        | Step::CancelTransfer { .. } => sites::step(model, api, step),
        Step::CreateInstall { .. }
        | Step::UpdateInstall { .. }
        | Step::DeleteInstall { .. }
        | Step::ListInstalls { .. }
        | Step::CreateBackup { .. }
        | Step::RestoreBackup { .. } => installs::step(model, api, step),
        Step::CreateDomain { .. }
        | Step::CreateDomains { .. }
        | Step::UpdateDomain { .. }
        | Step::DeleteDomain { .. }
        | Step::VerifyDomain { .. } => domains::step(model, api, step),
        Step::AddUser { .. }
        | Step::UpdateUser { .. }
        | Step::RemoveUser { .. }
        | Step::AddKey { .. }
        | Step::RemoveKey { .. } => people::step(model, api, step),
    }
}

/// The reasons to refuse an operation: the statuses that the response may have.
#[derive(Debug, Default)]
struct Reasons(Vec<u16>);

impl Reasons {
    fn add(&mut self, status: u16, when: bool) {
        if when {
            self.0.push(status);
        }
    }

    /// Returns whether the operation was done. If there are several reasons to refuse it, the simulator may use any of
    /// them.
    fn settle(&self, done: u16, (status, body): &(u16, Value)) -> Outcome {
        let expected = if self.0.is_empty() {
            *status == done
        } else {
            self.0.contains(status)
        };
        if expected {
            return Ok(*status == done);
        }
        let reasons = &self.0;
        Err(format!(
            "expected {done}, or one of {reasons:?}, but it is {status} {body}"
        ))
    }
}

fn id_of(body: &Value, field: &str) -> Id {
    let id = body[field].as_str();
    id.unwrap_or_else(|| panic!("no {field} in {body}"))
        .to_owned()
}

/// Reads all pages of a list. Together they must contain each of the ids once.
fn pages(api: &Api, path: &str, filter: &str, limit: usize, mut ids: Vec<Id>) -> Outcome {
    let mut found = Vec::new();
    loop {
        let offset = found.len();
        let (status, page) = api.get(&format!("{path}?limit={limit}&offset={offset}{filter}"));
        if status != 200 || page["count"] != ids.len() {
            return Err(format!(
                "{} are expected at {offset}: {status} {page}",
                ids.len()
            ));
        }
        let results = page["results"].as_array().unwrap();
        found.extend(results.iter().map(|item| id_of(item, "id")));
        if page["next"].is_null() {
            break;
        }
        if results.len() != limit {
            return Err(format!("a page of {} has a next one", results.len()));
        }
    }
    found.sort();
    ids.sort();
    if found == ids {
        Ok(true)
    } else {
        Err(format!("the pages hold {found:?} instead of {ids:?}"))
    }
}
