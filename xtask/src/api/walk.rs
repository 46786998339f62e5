//! Walking rustdoc's JSON from the roots of a crate to every type and trait that its public items mention.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Failure;

/// From the name of each crate that is mentioned to the items that mention it. With `roots`, only what stands below
/// modules and items of those names counts.
pub(super) fn mentioned(
    document: &Value,
    roots: Option<&[&str]>,
) -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
    let mut walk = Walk {
        document,
        seen: BTreeSet::new(),
        found: BTreeMap::new(),
    };
    match roots {
        None => walk.item(&document["root"].to_string(), "the crate"),
        Some(roots) => {
            for (id, known) in document["paths"].as_object().into_iter().flatten() {
                let below_a_root = known["path"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|part| part.as_str().is_some_and(|part| roots.contains(&part)));
                if known["crate_id"] == 0 && below_a_root {
                    walk.item(id, "the crate");
                }
            }
        }
    }
    if walk.found.len() < 3 {
        return Err(Failure::new(
            "rustdoc's JSON mentions next to nothing: its format has changed, and xtask/src/api has to follow",
        ));
    }
    Ok(walk.found)
}

struct Walk<'a> {
    document: &'a Value,
    seen: BTreeSet<String>,
    found: BTreeMap<String, BTreeSet<String>>,
}

impl Walk<'_> {
    fn item(&mut self, id: &str, parent: &str) {
        let item = &self.document["index"][id];
        if item.is_null() || !self.seen.insert(id.to_owned()) {
            return;
        }
        let place = match item["name"].as_str() {
            Some(name) => format!("{parent}::{name}"),
            None => parent.to_owned(),
        };
        if let Some(inner) = item["inner"].as_object() {
            for (kind, content) in inner {
                // What the compiler implements by itself, or somebody else for everything, is not ours.
                let is_given = kind == "impl"
                    && (content["is_synthetic"] == true || !content["blanket_impl"].is_null());
                if !is_given {
                    self.content(content, &place);
                }
            }
        }
    }

    fn content(&mut self, content: &Value, place: &str) {
        match content {
            Value::Object(map) => {
                if let (Some(id), true) = (
                    map.get("id").filter(|id| id.is_number()),
                    map.contains_key("path") || map.contains_key("source"),
                ) {
                    self.mention(&id.to_string(), place);
                }
                for (key, value) in map {
                    let children = matches!(
                        key.as_str(),
                        "items" | "fields" | "variants" | "impls" | "tuple"
                    );
                    match value {
                        Value::Array(ids) if children && ids.iter().all(is_id) => {
                            for id in ids.iter().filter(|id| id.is_number()) {
                                self.item(&id.to_string(), place);
                            }
                        }
                        _ => self.content(value, place),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.content(item, place)),
            _ => {}
        }
    }

    fn mention(&mut self, id: &str, place: &str) {
        let known = &self.document["paths"][id];
        let krate = known["crate_id"].to_string();
        if let Some(name) = self.document["external_crates"][&krate]["name"].as_str() {
            self.found
                .entry(name.to_owned())
                .or_default()
                .insert(place.to_owned());
        } else {
            // One of our own that is reached by its mention: a private module's public type, a re-export.
            self.item(id, place);
        }
    }
}

fn is_id(value: &Value) -> bool {
    value.is_number() || value.is_null()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A crate with a function that takes a type of `reqwest`, a struct with a field of `jiff`, a re-export of
    /// `secrecy`, and blanket implementations that do not count.
    fn document() -> Value {
        json!({
            "root": 0,
            "index": {
                "0": {"name": "ours", "inner": {"module": {"items": [1, 2, 6]}}},
                "1": {"name": "send", "inner": {"function": {"sig": {"inputs": [["request", {"resolved_path": {"path": "Request", "id": 10, "args": null}}]]}}}},
                "2": {"name": "Thing", "inner": {"struct": {"kind": {"plain": {"fields": [3]}}, "impls": [4, 5]}}},
                "3": {"name": "when", "inner": {"struct_field": {"resolved_path": {"path": "Timestamp", "id": 11, "args": null}}}},
                "4": {"name": null, "inner": {"impl": {"blanket_impl": {"generic": "T"}, "is_synthetic": false, "trait": {"path": "Instrument", "id": 12}, "items": []}}},
                "5": {"name": null, "inner": {"impl": {"blanket_impl": null, "is_synthetic": true, "trait": {"path": "Send", "id": 13}, "items": []}}},
                "6": {"name": null, "inner": {"use": {"source": "secrecy::SecretString", "id": 14, "is_glob": false}}},
            },
            "paths": {
                "10": {"crate_id": 1, "path": ["reqwest", "Request"]},
                "11": {"crate_id": 2, "path": ["jiff", "Timestamp"]},
                "12": {"crate_id": 3, "path": ["tracing", "Instrument"]},
                "13": {"crate_id": 3, "path": ["tracing", "Send"]},
                "14": {"crate_id": 4, "path": ["secrecy", "SecretString"]},
            },
            "external_crates": {"1": {"name": "reqwest"}, "2": {"name": "jiff"}, "3": {"name": "tracing"}, "4": {"name": "secrecy"}},
        })
    }

    #[test]
    fn arguments_fields_and_re_exports_count_and_blanket_implementations_do_not() {
        let found = mentioned(&document(), None).expect("it is walked");
        let names: Vec<_> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["jiff", "reqwest", "secrecy"]);
        assert!(
            found["reqwest"].contains("the crate::ours::send"),
            "{found:?}"
        );
        assert!(
            found["jiff"].contains("the crate::ours::Thing::when"),
            "{found:?}"
        );
    }

    #[test]
    fn a_format_that_is_not_understood_is_an_error_and_not_a_pass() {
        assert!(mentioned(&json!({"root": 0, "index": {}}), None).is_err());
    }
}
