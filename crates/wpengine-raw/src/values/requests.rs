//! Request bodies that cannot be generated: bodies in which keeping and clearing a field differ, and a body with a
//! secret that must not be printed.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Change, PrivateKey};
use crate::types::{DomainId, Environment, SiteId};

/// The changes to an install.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateInstallRequest {
    /// The new site of the install; none keeps the current one.
    pub site_id: Option<SiteId>,
    /// The environment of the install in its site. Clearing it sends null.
    pub environment: Change<Environment>,
}

impl Serialize for UpdateInstallRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = usize::from(self.site_id.is_some()) + usize::from(!self.environment.is_keep());
        let mut body = serializer.serialize_struct("UpdateInstallRequest", fields)?;
        if let Some(site_id) = &self.site_id {
            body.serialize_field("site_id", site_id)?;
        }
        match &self.environment {
            Change::Keep => {}
            Change::Set(environment) => body.serialize_field("environment", environment)?,
            Change::Clear => body.serialize_field("environment", &None::<Environment>)?,
        }
        body.end()
    }
}

/// The changes to a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateDomainRequest {
    /// Whether the domain is the primary one of its install.
    pub primary: Option<bool>,
    /// The domain to redirect to. Clearing it sends the text `nil`.
    pub redirect_to: Change<DomainId>,
    /// Whether all requests are redirected to HTTPS.
    pub secure_all_urls: Option<bool>,
}

impl Serialize for UpdateDomainRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = usize::from(self.primary.is_some())
            + usize::from(!self.redirect_to.is_keep())
            + usize::from(self.secure_all_urls.is_some());
        let mut body = serializer.serialize_struct("UpdateDomainRequest", fields)?;
        if let Some(primary) = self.primary {
            body.serialize_field("primary", &primary)?;
        }
        match &self.redirect_to {
            Change::Keep => {}
            Change::Set(domain) => body.serialize_field("redirect_to", domain)?,
            Change::Clear => body.serialize_field("redirect_to", "nil")?,
        }
        if let Some(secure) = self.secure_all_urls {
            body.serialize_field("secure_all_urls", &secure)?;
        }
        body.end()
    }
}

/// A third-party certificate with its private key. Its `Serialize` writes the key, because this body is what is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportThirdPartyCertificateRequest {
    /// The full certificate chain: the whole PEM text in base64.
    pub certificate: String,
    /// The private key: the whole PEM text in base64.
    pub private_key: PrivateKey,
}

impl Serialize for ImportThirdPartyCertificateRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("ImportThirdPartyCertificateRequest", 2)?;
        body.serialize_field("certificate", &self.certificate)?;
        body.serialize_field("private_key", self.private_key.expose_secret())?;
        body.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn keeping_setting_and_clearing_an_environment_are_three_things() {
        let body = |environment| {
            to_value(UpdateInstallRequest {
                site_id: None,
                environment,
            })
            .unwrap()
        };
        assert_eq!(body(Change::Keep), json!({}));
        assert_eq!(
            body(Change::Set(Environment::Staging)),
            json!({"environment": "staging"})
        );
        assert_eq!(body(Change::Clear), json!({"environment": null}));
    }

    #[test]
    fn keeping_setting_and_clearing_a_redirect_are_three_things() {
        let body = |redirect_to| {
            to_value(UpdateDomainRequest {
                redirect_to,
                ..UpdateDomainRequest::default()
            })
            .unwrap()
        };
        assert_eq!(body(Change::Keep), json!({}));
        assert_eq!(body(Change::Set("d".into())), json!({"redirect_to": "d"}));
        assert_eq!(body(Change::Clear), json!({"redirect_to": "nil"}));
    }

    #[test]
    fn a_private_key_is_sent_but_not_shown() {
        let request = ImportThirdPartyCertificateRequest {
            certificate: "aGVsbG8K".to_owned(),
            private_key: PrivateKey::new("d29ybGQK"),
        };
        assert_eq!(to_value(&request).unwrap()["private_key"], "d29ybGQK");
        assert!(!format!("{request:?}").contains("d29ybGQK"));
    }
}
