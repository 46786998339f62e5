//! Redirects of domains in any shape: both fields and all models read them alike.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use wpengine::types::{BulkDomains, Domain, DomainOrRedirect, DomainReference, Redirect};

use super::{
    model::{ask, assert_stable},
    tape::Tape,
};

/// Where the value is. Real answers have had both fields at once.
const FIELDS: [&[&str]; 4] = [
    &[],
    &["redirect_to"],
    &["redirects_to"],
    &["redirect_to", "redirects_to"],
];

/// A redirect. The input is the fields that have a value (none: the value alone) and their values, separated by lines
/// of `%%`.
pub fn redirect(input: &[u8]) {
    let mut tape = Tape::new(input);
    let fields = tape.pick(&FIELDS);
    let values = tape.parts(fields.len().max(1));
    let targets: Vec<_> = values.iter().map(|value| targets(value)).collect();
    if fields.is_empty() {
        let read = stable::<Redirect>(values[0]);
        let expected = targets.into_iter().next().flatten();
        assert_eq!(read.as_ref().map(|read| names(read.targets())), expected);
        if let Some(read) = read {
            assert_eq!(read.target(), read.targets().first());
        }
        return;
    }
    let mut body = br#"{"id":"d","name":"example.com""#.to_vec();
    for (field, value) in fields.iter().zip(&values) {
        body.extend(format!(r#","{field}":"#).bytes());
        body.extend(*value);
    }
    body.push(b'}');

    let domain = stable::<Domain>(&body);
    let added = stable::<DomainOrRedirect>(&body);
    let bulk = stable::<BulkDomains>(&body);
    let target = domain.as_ref().map(|domain| domain.redirect().cloned());
    let same = added.as_ref().map(|domain| domain.redirect().cloned());
    assert_eq!(target, same, "both models read a redirect alike");
    // The answer to adding one domain is that domain, but an input can turn it into a list.
    if let Some(bulk) = &bulk
        && let [one] = bulk.domains()
        && added.is_some()
        && !body
            .windows(9)
            .any(|part| matches!(part, b"\"domains\"" | b"\"results\""))
    {
        assert_eq!(Some(one.redirect().cloned()), same);
    }
    // The domain's redirect must be the one that the fields give separately. This applies only if each value is
    // complete JSON.
    let sound = values
        .iter()
        .all(|value| serde_json::from_slice::<Value>(value).is_ok());
    if sound {
        let nulls = values.iter().map(|value| value.trim_ascii() == b"null");
        let said: Option<Vec<_>> = targets
            .into_iter()
            .zip(nulls)
            .map(|(targets, is_null)| if is_null { Some(Vec::new()) } else { targets })
            .collect();
        let first = said.map(|said| said.into_iter().flatten().next());
        let target = target.map(|target| target.as_ref().map(name));
        assert_eq!(target, first, "the first field that says something counts");
    }
}

/// Reads a body, and reads again what is written from it.
fn stable<T: DeserializeOwned + Serialize + std::fmt::Debug>(body: &[u8]) -> Option<T> {
    let read = ask(body).ok()?;
    assert_stable(&read);
    Some(read)
}

/// The id and the name.
type Name = (Option<String>, Option<String>);

fn name(target: &DomainReference) -> Name {
    (
        target.id.as_ref().map(ToString::to_string),
        target.name.clone(),
    )
}

fn names(targets: &[DomainReference]) -> Vec<Name> {
    targets.iter().map(name).collect()
}

/// The targets in a value, parsed without the SDK's type; `None` if it is not a redirect.
fn targets(value: &[u8]) -> Option<Vec<Name>> {
    let targets: Vec<Option<DomainReference>> = match value.trim_ascii_start().first()? {
        b'[' => serde_json::from_slice(value).ok()?,
        b'{' => vec![Some(serde_json::from_slice(value).ok()?)],
        _ => return None,
    };
    let names = targets.iter().flatten().map(name);
    Some(
        names
            .filter(|(id, name)| id.is_some() || name.is_some())
            .collect(),
    )
}
