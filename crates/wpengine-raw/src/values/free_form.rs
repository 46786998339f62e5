//! JSON without a documented schema.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// JSON whose content the API does not describe.
///
/// ```
/// use wpengine_raw::values::FreeForm;
///
/// let header: FreeForm = serde_json::from_str(r#"{"Name": "example.com.", "Ttl": 300}"#)?;
/// assert_eq!(header.text("Name"), Some("example.com."));
/// assert_eq!(header.to_json(), r#"{"Name":"example.com.","Ttl":300}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FreeForm(Value);

impl FreeForm {
    /// Returns the JSON as compact text.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.0.to_string()
    }

    /// Returns the text in a field of the object; none if there is no such field, or if it is not text.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field)?.as_str()
    }
}

impl fmt::Debug for FreeForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FreeForm({})", self.0)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for FreeForm {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FreeForm".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"description": "JSON whose content the API does not describe."})
    }
}
