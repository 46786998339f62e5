//! What happened, in the two forms in which it is sent.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use wpengine::jiff::Timestamp;

/// All types of events, with what they mean.
pub const TYPES: [(&str, &str); 42] = [
    (
        "account.access_lost",
        "The API shows nothing of an account any more: it was removed, or its API access or the user's access ended.",
    ),
    ("account.access_restored", "The API shows an account again."),
    (
        "account.created",
        "An account can be seen for the first time.",
    ),
    ("account.updated", "The name of an account changed."),
    ("backup.aborted", "A backup was aborted."),
    ("backup.completed", "A backup was completed."),
    ("backup.created", "A backup was requested."),
    ("backup.gone", "A backup is not kept any more."),
    (
        "backup.overdue",
        "The last completed backup of an install is too old, or there is none.",
    ),
    ("backup.updated", "The status of a backup changed."),
    (
        "certificate.created",
        "A certificate was ordered or imported.",
    ),
    (
        "certificate.expiring",
        "A certificate ends soon, and no other one of the same domains ends later.",
    ),
    ("certificate.gone", "A certificate is not listed any more."),
    (
        "certificate.renewed",
        "A certificate ends later than the one before it.",
    ),
    ("certificate.updated", "A certificate changed."),
    (
        "deploy.finished",
        "A deployment by `wpengine deploy` ended.",
    ),
    ("domain.created", "A domain was added to an install."),
    ("domain.gone", "A domain was removed from an install."),
    (
        "domain.ownership_verified",
        "The ownership of a domain is proven, so it serves traffic.",
    ),
    ("domain.updated", "A domain changed."),
    (
        "endpoint.disabled",
        "An endpoint is not delivered to any more.",
    ),
    ("install.active", "An install can be used."),
    ("install.created", "An install was created."),
    (
        "install.gone",
        "An install was deleted; what belonged to it went with it, without events of its own.",
    ),
    ("install.updated", "An install changed."),
    (
        "limits.updated",
        "The limits of the plan of an account changed.",
    ),
    ("ping", "A test of an endpoint: nothing happened."),
    (
        "poller.lagging",
        "Some changes are seen later than promised.",
    ),
    ("site.created", "A site was created."),
    ("site.gone", "A site was deleted."),
    ("site.updated", "A site changed."),
    ("transfer.completed", "A transfer of a site was completed."),
    ("transfer.created", "A transfer of a site was requested."),
    (
        "transfer.gone",
        "A transfer of a site is not listed any more.",
    ),
    ("transfer.updated", "A transfer of a site changed."),
    (
        "usage.limit_near",
        "The usage of an account is near a limit of its plan.",
    ),
    ("user.created", "A user got access to an account."),
    ("user.gone", "A user lost the access to an account."),
    (
        "user.mfa_disabled",
        "A user does not need a second factor any more.",
    ),
    ("user.role_changed", "The roles of a user changed."),
    ("user.updated", "A user of an account changed."),
    (
        "wordpress.updated",
        "The WordPress of an install has another version, or its update was put off.",
    ),
];

/// Something that happened.
///
/// In its serialized form it is the body of a webhook: `type`, `timestamp` and `data`, with the `id` beside it in a header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// Its id: the same change has the same id, however often it is seen or delivered.
    #[serde(skip)]
    pub id: String,
    /// Its type, such as `install.created`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was observed.
    pub timestamp: Timestamp,
    /// What it is about: `subject`, `account_id`, `install_id`, `object`, `previous_attributes`, `not_before`, `observed_at`,
    /// `occurred_at`, where there are such.
    pub data: Map<String, Value>,
}

/// The most bytes of a body, as the standard asks for.
const MOST: usize = 20_000;

impl Event {
    /// The name of the object among all, such as `installs/294deacc-d8b8-4005-82c4-0727ba8ddde0`.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.text("subject")
    }

    /// Whether it was made by [`Events::trigger`](crate::Events::trigger), to try receivers: nothing has happened.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.data.get("test") == Some(&Value::Bool(true))
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.data
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The event, without its least important parts if it is too long, and then it says so.
    pub(crate) fn fitted(&self) -> Self {
        let mut event = self.clone();
        for part in ["previous_attributes", "object"] {
            if event.body().len() <= MOST {
                break;
            }
            event.data.shift_remove(part);
            event.data.insert("truncated".to_owned(), true.into());
        }
        event
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The event as a CloudEvent 1.0 in its JSON form.
    #[must_use]
    pub fn cloud_event(&self) -> Value {
        let account = match self.text("account_id") {
            "" => String::new(),
            id => format!("/accounts/{id}"),
        };
        json!({
            "specversion": "1.0",
            "id": self.id,
            "source": format!("/wpengine{account}"),
            "type": format!("wpengine.{}", self.kind),
            "subject": self.subject(),
            "time": self.timestamp,
            "datacontenttype": "application/json",
            "data": self.data,
        })
    }

    /// One line of JSON with all there is, its id too.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "id": self.id, "type": self.kind, "timestamp": self.timestamp, "data": self.data })
    }
}

/// The data of the example of a type, as the document has it.
pub(crate) fn example(kind: &str) -> Option<Map<String, Value>> {
    let mut all: Map<String, Value> = serde_json::from_str(include_str!("examples.json")).ok()?;
    match all.remove(kind)? {
        Value::Object(data) => Some(data),
        _ => None,
    }
}

/// An id of what happened, from what makes it different from everything else.
pub(crate) fn id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hash = hash.finalize();
    let hex: String = hash
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("evt_{hex}")
}
