//! The redirect of a domain, in all forms that responses use.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::types::{Domain, DomainOrRedirect, DomainReference};

/// The target of a domain's redirect.
///
/// Responses contain it as an object, an array of objects, an empty object or an empty array. The field is named
/// `redirect_to` or `redirects_to`, and a response may contain both. [`Domain::redirect`] and
/// [`DomainOrRedirect::redirect`] read both fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirect(Vec<DomainReference>);

impl Redirect {
    /// Returns the target domain; none if there is no redirect.
    #[must_use]
    pub fn target(&self) -> Option<&DomainReference> {
        self.0.first()
    }

    /// Returns all targets. One documented form is an array, but more than one target has not been seen.
    #[must_use]
    pub fn targets(&self) -> &[DomainReference] {
        &self.0
    }

    fn push(&mut self, target: DomainReference) {
        if target.id.is_some() || target.name.is_some() {
            self.0.push(target);
        }
    }
}

impl Domain {
    /// Returns the domain that this one redirects to, from either field; none if there is no redirect.
    #[must_use]
    pub fn redirect(&self) -> Option<&DomainReference> {
        either(self.redirect_to.as_ref(), self.redirects_to.as_ref())
    }
}

impl DomainOrRedirect {
    /// Returns the domain that this one redirects to, from either field; none if there is no redirect.
    #[must_use]
    pub fn redirect(&self) -> Option<&DomainReference> {
        either(self.redirect_to.as_ref(), self.redirects_to.as_ref())
    }
}

fn either<'a>(
    first: Option<&'a Redirect>,
    second: Option<&'a Redirect>,
) -> Option<&'a DomainReference> {
    [first, second]
        .into_iter()
        .flatten()
        .find_map(Redirect::target)
}

impl Serialize for Redirect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Redirect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Redirect;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a redirect: an object with `id` and `name`, or an array of such objects",
                )
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Redirect, A::Error> {
                let mut redirect = Redirect::default();
                redirect.push(DomainReference::deserialize(
                    de::value::MapAccessDeserializer::new(map),
                )?);
                Ok(redirect)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Redirect, A::Error> {
                let mut redirect = Redirect::default();
                while let Some(target) = items.next_element::<Option<DomainReference>>()? {
                    target.into_iter().for_each(|target| redirect.push(target));
                }
                Ok(redirect)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Redirect {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Redirect".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let target = generator.subschema_for::<DomainReference>();
        schemars::json_schema!({
            "description": "Where the domain redirects to, if it does.",
            "anyOf": [target, {"type": "array", "items": target}],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(domain: &str) -> Option<String> {
        let domain = format!(r#"{{"id":"d","name":"example.com",{domain}}}"#);
        let read: Domain = serde_json::from_str(&domain).unwrap();
        let other: DomainOrRedirect = serde_json::from_str(&domain).unwrap();
        assert_eq!(read.redirect(), other.redirect(), "{domain}");
        read.redirect().and_then(|target| target.name.clone())
    }

    #[test]
    fn every_shape_of_both_fields_is_read() {
        let target = r#"{"id":"t","name":"target.com"}"#;
        for field in ["redirect_to", "redirects_to"] {
            for (shape, found) in [
                (target.to_owned(), true),
                (format!("[{target}]"), true),
                ("{}".to_owned(), false),
                ("[]".to_owned(), false),
                ("[{}]".to_owned(), false),
                ("[null]".to_owned(), false),
                ("null".to_owned(), false),
            ] {
                let expected = found.then(|| "target.com".to_owned());
                assert_eq!(
                    name_of(&format!(r#""{field}":{shape}"#)),
                    expected,
                    "{field}: {shape}"
                );
            }
        }
    }

    #[test]
    fn both_fields_at_once_are_read_and_the_one_that_says_something_counts() {
        let target = r#"{"id":"t","name":"target.com"}"#;
        for domain in [
            format!(r#""redirect_to":{{}},"redirects_to":[{target}]"#),
            format!(r#""redirect_to":{target},"redirects_to":[]"#),
            format!(r#""redirect_to":{target},"redirects_to":[{target}]"#),
        ] {
            assert_eq!(name_of(&domain).as_deref(), Some("target.com"), "{domain}");
        }
    }
}
