//! The response to adding several domains at once.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use crate::types::DomainOrRedirect;

/// The domains that one request added.
///
/// The API documents a single object, although a request adds up to twenty domains. Responses have been reported as an
/// array, as `{"domains": [...]}` and as `{"results": [...]}`. All these forms are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BulkDomains(Vec<DomainOrRedirect>);

impl BulkDomains {
    /// Returns the domains that the response contains.
    #[must_use]
    pub fn domains(&self) -> &[DomainOrRedirect] {
        &self.0
    }
}

impl IntoIterator for BulkDomains {
    type Item = DomainOrRedirect;
    type IntoIter = std::vec::IntoIter<DomainOrRedirect>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Serialize for BulkDomains {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BulkDomains {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = BulkDomains;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a domain, an array of domains, or an object that holds such an array")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(
                self,
                mut items: A,
            ) -> Result<BulkDomains, A::Error> {
                let mut domains = Vec::new();
                while let Some(domain) = items.next_element()? {
                    domains.push(domain);
                }
                Ok(BulkDomains(domains))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<BulkDomains, A::Error> {
                let mut list = None;
                let mut single = Map::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "domains" || key == "results" {
                        list = Some(map.next_value::<Vec<DomainOrRedirect>>()?);
                    } else {
                        single.insert(key, map.next_value::<Value>()?);
                    }
                }
                match list {
                    Some(domains) => Ok(BulkDomains(domains)),
                    None => one_domain(single).map(|domain| BulkDomains(vec![domain])),
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// Decodes a single domain from its fields. Whether the response contains a list is known only after the last field, so
/// the path of an error must be determined again.
fn one_domain<E: de::Error>(fields: Map<String, Value>) -> Result<DomainOrRedirect, E> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let place = error.path().to_string();
        let problem = error.into_inner();
        if place == "." {
            E::custom(problem)
        } else {
            E::custom(format_args!("at `{place}`: {problem}"))
        }
    })
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for BulkDomains {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BulkDomains".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let domain = generator.subschema_for::<DomainOrRedirect>();
        schemars::json_schema!({
            "description": "The domains that one request added.",
            "anyOf": [
                {"type": "array", "items": domain},
                {"type": "object", "required": ["domains"], "properties": {"domains": {"type": "array", "items": domain}}},
                {"type": "object", "required": ["results"], "properties": {"results": {"type": "array", "items": domain}}},
                domain,
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: &str = r#"{"id":"d","name":"example.com"}"#;

    #[test]
    fn all_four_shapes_are_read() {
        for body in [
            DOMAIN.to_owned(),
            format!("[{DOMAIN}]"),
            format!(r#"{{"domains":[{DOMAIN}]}}"#),
            format!(r#"{{"results":[{DOMAIN}]}}"#),
        ] {
            let read: BulkDomains = serde_json::from_str(&body).unwrap();
            assert_eq!(read.domains().len(), 1, "{body}");
            assert_eq!(read.domains()[0].name, "example.com", "{body}");
        }
    }

    #[test]
    fn an_error_in_a_single_domain_says_where_it_is() {
        let body = r#"{"id":"d","name":7}"#;
        let error = serde_json::from_str::<BulkDomains>(body).unwrap_err();
        assert!(error.to_string().starts_with("at `name`: "), "{error}");
    }

    #[test]
    fn what_holds_no_domain_is_an_error() {
        for body in [
            "{}",
            r#"{"domains":null}"#,
            r#"{"results":{}}"#,
            "null",
            "\"ok\"",
        ] {
            assert!(serde_json::from_str::<BulkDomains>(body).is_err(), "{body}");
        }
    }
}
