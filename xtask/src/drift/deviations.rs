//! The intended differences from the service's own description: `openapi/deviations.yaml`.
//!
//! An entry must match the output of `drift` exactly. So it can be written by copying a line, and it covers only this
//! difference and no other one at the same place.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::difference::Difference;

/// One intended difference, at one or more operations.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deviation {
    /// `GET /installs/{install_id}`, one or more; or only `*` for all operations.
    pub(crate) operations: Vec<String>,
    /// The place. `*` matches any characters.
    #[serde(rename = "where")]
    pub(crate) place: String,
    /// What the service says.
    pub(crate) there: String,
    /// What our document says.
    pub(crate) here: String,
    /// The reason.
    pub(crate) reason: String,
}

/// An entry that matches no difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Stale {
    pub(crate) operation: String,
    #[serde(rename = "where")]
    pub(crate) place: String,
    pub(crate) there: String,
    pub(crate) here: String,
    pub(crate) reason: String,
}

/// The differences without the intended ones.
#[derive(Debug)]
pub(crate) struct Sifted {
    pub(crate) differences: Vec<Difference>,
    /// The number of intended differences.
    pub(crate) meant: usize,
    pub(crate) stale: Vec<Stale>,
}

pub(crate) fn parse(text: &str) -> Result<Vec<Deviation>, String> {
    let deviations: Vec<Deviation> = serde_saphyr::from_str(text).map_err(|error| {
        // The lines after the first show the source text.
        let error = error.to_string();
        error
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned()
    })?;
    for deviation in &deviations {
        let place = &deviation.place;
        if deviation.reason.trim().is_empty() {
            return Err(format!("the entry for `{place}` has no reason"));
        }
        if deviation.operations.is_empty() {
            return Err(format!("the entry for `{place}` names no operation"));
        }
    }
    Ok(deviations)
}

/// Removes the intended differences. `in_both` are the operations that both descriptions have. An entry for another
/// operation is not reported as stale.
pub(crate) fn sift(
    found: Vec<Difference>,
    deviations: &[Deviation],
    in_both: &BTreeSet<String>,
) -> Sifted {
    let total = found.len();
    let mut used: BTreeSet<(usize, String)> = BTreeSet::new();
    let mut differences = Vec::new();
    for difference in found {
        let mut matched = false;
        for (index, deviation) in deviations.iter().enumerate() {
            for operation in &deviation.operations {
                if deviation.matches(operation, &difference) {
                    matched = true;
                    used.insert((index, operation.clone()));
                }
            }
        }
        if !matched {
            differences.push(difference);
        }
    }
    let stale = deviations
        .iter()
        .enumerate()
        .flat_map(|(index, deviation)| {
            deviation
                .operations
                .iter()
                .map(move |operation| (index, deviation, operation))
        })
        .filter(|(_, _, operation)| *operation == "*" || in_both.contains(*operation))
        .filter(|(index, _, operation)| !used.contains(&(*index, (*operation).clone())))
        .map(|(_, deviation, operation)| deviation.stale(operation))
        .collect();
    let meant = total - differences.len();
    Sifted {
        differences,
        meant,
        stale,
    }
}

impl Deviation {
    fn matches(&self, operation: &str, difference: &Difference) -> bool {
        (operation == "*" || operation == difference.operation)
            && self.there == difference.there()
            && self.here == difference.here()
            && covers(&self.place, &difference.place)
    }

    fn stale(&self, operation: &str) -> Stale {
        Stale {
            operation: operation.to_owned(),
            place: self.place.clone(),
            there: self.there.clone(),
            here: self.here.clone(),
            reason: self.reason.clone(),
        }
    }
}

/// Whether a pattern matches a text. `*` matches any characters; everything else matches itself.
fn covers(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    text.strip_prefix(head).is_some_and(|tail| {
        (0..=tail.len())
            .filter(|start| tail.is_char_boundary(*start))
            .any(|start| covers(rest, &tail[start..]))
    })
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        assert!(covers("200 *redirect_to", "200 results[].redirect_to"));
        assert!(covers("200 *redirect_to", "200 redirect_to"));
        assert!(covers("*", ""));
        assert!(!covers("200 *redirect_to", "200 redirect_to.id"));
        assert!(!covers("200 redirect_to", "200 results[].redirect_to"));
    }
}
