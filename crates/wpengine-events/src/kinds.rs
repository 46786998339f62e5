//! The kinds of objects: which fields of the API's answers they have, and what a change of them means.
//!
//! An object is a copy of the fields that are named here, in one spelling, and of nothing else: what the API adds tomorrow makes no
//! event, and what is secret is in none.

use serde_json::{Map, Value};
use wpengine::{jiff::Timestamp, types::Time};
use wpengine_fleet::Class;

/// The fields of an object, in the order of its kind.
pub(crate) type Object = Map<String, Value>;

/// The name of a field, and how it is read from a row.
type Field = (&'static str, fn(&Value) -> Value);

/// A kind of object.
#[derive(Debug)]
pub(crate) struct Kind {
    /// The first word of its events.
    pub(crate) name: &'static str,
    /// The listing that it is read from.
    pub(crate) class: Class,
    fields: &'static [Field],
    /// What a change means beside that something changed. Given are the object before, if there was one, the object after, and the
    /// other objects of the listing as they were.
    pub(crate) signals: fn(Option<&Object>, &Object, &[&Object]) -> Vec<Signal>,
    /// Whether it is about to change.
    pub(crate) is_in_flight: fn(&Object) -> bool,
    /// The path at which one of them is asked for, of its subject and the object. Without one, a second listing confirms that it is gone.
    pub(crate) by_id: Option<fn(&str, &Object) -> String>,
    /// Whether it comes and goes. What is the only one of its subject only changes.
    pub(crate) comes_and_goes: bool,
}

/// What a change means: the type of the event, and when it occurred, if the API says so.
pub(crate) type Signal = (&'static str, Option<Timestamp>);

impl Kind {
    /// The kind that a listing has.
    pub(crate) fn of(class: Class) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.class == class)
    }

    /// The id and the object of a row. `None` if it has no id: then the answer is not what the API documents.
    pub(crate) fn read(&self, subject: &str, row: &Value) -> Option<(String, Object)> {
        let id = match self.class {
            Class::People => text_of(&row["user_id"]),
            Class::Limits => Some(subject.to_owned()),
            Class::Certificates => text_of(&row["id"]).or_else(|| text_of(&row["serial_number"])),
            _ => text_of(&row["id"]),
        }?;
        row.as_object()?;
        let mut object = Object::new();
        object.insert("id".to_owned(), id.clone().into());
        for (name, read) in self.fields {
            object.insert((*name).to_owned(), read(row));
        }
        Some((id, object))
    }

    /// The name of an object among all objects. Its events are delivered in order.
    pub(crate) fn path(&self, subject: &str, id: &str) -> String {
        match self.class {
            Class::Accounts | Class::Sites | Class::Installs => {
                format!("{}/{id}", self.class.name())
            }
            Class::Limits => format!("accounts/{subject}/limits"),
            Class::Details => format!("installs/{subject}/wordpress"),
            Class::People => format!("accounts/{subject}/users/{id}"),
            Class::Transfers => format!("accounts/{subject}/transfers/{id}"),
            class => format!("installs/{subject}/{}/{id}", class.name()),
        }
    }
}

/// All kinds.
pub(crate) const KINDS: [Kind; 10] = [
    Kind {
        name: "account",
        class: Class::Accounts,
        fields: &[
            ("name", |row| text(&row["name"])),
            ("nickname", |row| text(&row["nickname"])),
        ],
        signals: |_, _, _| Vec::new(),
        is_in_flight: |_| false,
        by_id: Some(|_, object| format!("/accounts/{}", id_of(object))),
        comes_and_goes: true,
    },
    Kind {
        name: "site",
        class: Class::Sites,
        fields: &[
            ("account_id", |row| text(&row["account"]["id"])),
            ("name", |row| text(&row["name"])),
            ("group_name", |row| text(&row["group_name"])),
            ("tags", |row| texts(&row["tags"])),
            ("created_at", |row| time(&row["created_at"])),
        ],
        signals: |_, _, _| Vec::new(),
        is_in_flight: |_| false,
        by_id: Some(|_, object| format!("/sites/{}", id_of(object))),
        comes_and_goes: true,
    },
    Kind {
        name: "install",
        class: Class::Installs,
        fields: &[
            ("account_id", |row| text(&row["account"]["id"])),
            ("site_id", |row| text(&row["site"]["id"])),
            ("name", |row| text(&row["name"])),
            ("environment", |row| text(&row["environment"])),
            ("status", |row| text(&row["status"])),
            ("php_version", |row| text(&row["php_version"])),
            ("primary_domain", |row| text(&row["primary_domain"])),
            ("cname", |row| text(&row["cname"])),
            ("is_multisite", |row| flag(&row["is_multisite"])),
            ("stable_ips", |row| texts(&row["stable_ips"])),
            ("created_at", |row| time(&row["created_at"])),
        ],
        signals: |before, after, _| {
            becomes(before, after, "status", "active", "install.active", None)
        },
        is_in_flight: |object| object["status"] == "pending",
        by_id: Some(|_, object| format!("/installs/{}", id_of(object))),
        comes_and_goes: true,
    },
    Kind {
        name: "limits",
        class: Class::Limits,
        fields: &[
            ("visitors", |row| number(&row["visitors"])),
            ("storage", |row| number(&row["storage"])),
            ("bandwidth", |row| number(&row["bandwidth"])),
        ],
        signals: |_, _, _| Vec::new(),
        is_in_flight: |_| false,
        by_id: None,
        comes_and_goes: false,
    },
    Kind {
        name: "user",
        class: Class::People,
        fields: &[
            ("email", |row| lower(&row["email"])),
            ("first_name", |row| text(&row["first_name"])),
            ("last_name", |row| text(&row["last_name"])),
            ("roles", |row| roles(&row["roles"])),
            ("mfa_enabled", |row| flag(&row["mfa_enabled"])),
            ("invite_accepted", |row| flag(&row["invite_accepted"])),
            ("last_owner", |row| flag(&row["last_owner"])),
            ("install_ids", |row| ids(&row["installs"])),
        ],
        signals: |before, after, _| {
            let Some(before) = before else {
                return Vec::new();
            };
            let mut signals = Vec::new();
            if before
                .get("roles")
                .is_some_and(|roles| *roles != after["roles"])
            {
                signals.push(("user.role_changed", None));
            }
            if before.get("mfa_enabled") == Some(&true.into()) && after["mfa_enabled"] == false {
                signals.push(("user.mfa_disabled", None));
            }
            signals
        },
        is_in_flight: |_| false,
        by_id: Some(|account, object| {
            format!("/accounts/{account}/account_users/{}", id_of(object))
        }),
        comes_and_goes: true,
    },
    Kind {
        name: "transfer",
        class: Class::Transfers,
        fields: &[
            ("site", |row| text(&row["site"])),
            ("installs", |row| texts(&row["installs"])),
            ("origin_account", |row| text(&row["origin_account"])),
            ("destination_account", |row| {
                text(&row["destination_account"])
            }),
            ("status", |row| text(&row["status"])),
            ("scheduled_time", |row| time(&row["scheduled_time"])),
            ("created_at", |row| time(&row["created_at"])),
        ],
        signals: |before, after, _| {
            becomes(
                before,
                after,
                "status",
                "completed",
                "transfer.completed",
                None,
            )
        },
        is_in_flight: |object| object["status"] == "pending" || object["status"] == "in_progress",
        // Its path would need the id of the site, and it has the name.
        by_id: None,
        comes_and_goes: true,
    },
    Kind {
        name: "certificate",
        class: Class::Certificates,
        fields: &[
            ("domains", |row| texts(&row["domains"])),
            ("status", |row| text(&row["status"])),
            ("expires_time", |row| time(&row["expires_time"])),
            ("auto_renew", |row| flag(&row["auto_renew"])),
            ("ordered_time", |row| time(&row["ordered_time"])),
            ("wildcard", |row| flag(&row["wildcard"])),
        ],
        signals: renewed,
        is_in_flight: |object| object["status"] == "SUBMITTED",
        by_id: None,
        comes_and_goes: true,
    },
    Kind {
        name: "backup",
        class: Class::Backups,
        fields: &[
            ("description", |row| text(&row["description"])),
            ("status", |row| text(&row["status"])),
            ("create_time", |row| time(&row["create_time"])),
            ("complete_time", |row| time(&row["complete_time"])),
            ("wordpress_version", |row| text(&row["wordpress_version"])),
        ],
        signals: |before, after, _| {
            let at = timestamp(&after["complete_time"]);
            let mut signals = becomes(before, after, "status", "completed", "backup.completed", at);
            signals.extend(becomes(
                before,
                after,
                "status",
                "aborted",
                "backup.aborted",
                at,
            ));
            signals
        },
        is_in_flight: |object| {
            let status = object["status"].as_str();
            matches!(status, Some("requested" | "in_progress" | "initiated"))
        },
        by_id: Some(|install, object| format!("/installs/{install}/backups/{}", id_of(object))),
        comes_and_goes: true,
    },
    Kind {
        name: "domain",
        class: Class::Domains,
        fields: &[
            ("name", |row| lower(&row["name"])),
            ("primary", |row| flag(&row["primary"])),
            ("duplicate", |row| flag(&row["duplicate"])),
            ("ownership_status", |row| text(&row["ownership_status"])),
            ("txt_verified_time", |row| time(&row["txt_verified_time"])),
            ("network_type", |row| text(&row["network_type"])),
            ("secure_all_urls", |row| flag(&row["secure_all_urls"])),
            ("redirects_to", |row| lower(&redirect(row)["name"])),
        ],
        signals: |before, after, _| {
            let at = timestamp(&after["txt_verified_time"]);
            becomes(
                before,
                after,
                "ownership_status",
                "TXT_VERIFIED",
                "domain.ownership_verified",
                at,
            )
        },
        is_in_flight: |object| object["ownership_status"] == "TXT_VERIFICATION_PENDING",
        by_id: Some(|install, object| format!("/installs/{install}/domains/{}", id_of(object))),
        comes_and_goes: true,
    },
    Kind {
        name: "wordpress",
        class: Class::Details,
        fields: &[
            ("wp_version", |row| text(&row["wp_version"])),
            ("defer_wordpress_upgrades_until", |row| {
                time(&row["defer_wordpress_upgrades_until"])
            }),
        ],
        signals: |_, _, _| Vec::new(),
        is_in_flight: |_| false,
        by_id: None,
        comes_and_goes: false,
    },
];

/// Says that a field became a value, also if the object was that from the first time it was seen.
fn becomes(
    before: Option<&Object>,
    after: &Object,
    field: &str,
    value: &str,
    kind: &'static str,
    at: Option<Timestamp>,
) -> Vec<Signal> {
    let was = before.and_then(|before| before.get(field));
    if after[field] == value && was.is_none_or(|was| was != value) {
        vec![(kind, at)]
    } else {
        Vec::new()
    }
}

/// A certificate is renewed if it ends later than before, or if a new one ends later than another one of the same domains.
fn renewed(before: Option<&Object>, after: &Object, others: &[&Object]) -> Vec<Signal> {
    let end = |object: &Object| timestamp(object.get("expires_time")?);
    let is_later = |than: &Object| end(than).is_some_and(|than| end(after) > Some(than));
    let is_enabled = |object: &Object| {
        object
            .get("status")
            .is_some_and(|status| status == "ENABLED")
    };
    let is_renewed = match before {
        Some(before) if is_enabled(before) => is_later(before),
        // A new one: of the domains of another one.
        _ => others
            .iter()
            .any(|other| other.get("domains") == Some(&after["domains"]) && is_later(other)),
    };
    if is_renewed && is_enabled(after) {
        vec![("certificate.renewed", timestamp(&after["ordered_time"]))]
    } else {
        Vec::new()
    }
}

fn id_of(object: &Object) -> &str {
    object["id"].as_str().unwrap_or_default()
}

/// A time in an object.
pub(crate) fn timestamp(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Null and the absence of a field are the same.
fn text(value: &Value) -> Value {
    text_of(value).map_or(Value::Null, Value::String)
}

fn lower(value: &Value) -> Value {
    text_of(value).map_or(Value::Null, |text| text.to_lowercase().into())
}

fn flag(value: &Value) -> Value {
    value.as_bool().map_or(Value::Null, Value::Bool)
}

/// A number, which may be written as text.
fn number(value: &Value) -> Value {
    let number = text_of(value).and_then(|text| text.parse::<i64>().ok());
    number.map_or(Value::Null, Value::from)
}

/// A time, in one spelling. What is no time stays as it is.
fn time(value: &Value) -> Value {
    let Some(text) = value.as_str() else {
        return Value::Null;
    };
    match Time::from(text).timestamp() {
        Some(time) => time.to_string().into(),
        None => text.into(),
    }
}

/// Texts, in one order.
fn texts(value: &Value) -> Value {
    let Some(items) = value.as_array() else {
        return Value::Null;
    };
    sorted(items.iter().filter_map(text_of).collect())
}

fn ids(value: &Value) -> Value {
    let Some(items) = value.as_array() else {
        return Value::Null;
    };
    sorted(
        items
            .iter()
            .filter_map(|item| text_of(&item["id"]))
            .collect(),
    )
}

fn sorted(mut texts: Vec<String>) -> Value {
    texts.sort_unstable();
    texts.into()
}

/// Roles come as one text with commas.
fn roles(value: &Value) -> Value {
    let listed: Vec<String>;
    let text = match value {
        Value::Array(items) => {
            listed = items.iter().filter_map(text_of).collect();
            listed.join(",")
        }
        Value::String(text) => text.clone(),
        _ => return Value::Null,
    };
    let mut roles: Vec<&str> = text.split(',').map(str::trim).collect();
    roles.sort_unstable();
    roles.join(",").into()
}

/// The redirect of a domain: an object, an array of one, or nothing, in either of two fields.
fn redirect(row: &Value) -> &Value {
    let fields = ["redirects_to", "redirect_to"].map(|field| &row[field]);
    let targets = fields.map(|value| value.get(0).unwrap_or(value));
    let found = targets.into_iter().find(|target| target["id"].is_string());
    found.unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wpengine_fleet::Class;

    use super::{KINDS, Kind, Object};

    fn object(class: Class, row: serde_json::Value) -> Object {
        let kind = Kind::of(class).expect("a kind");
        kind.read("subject", &row).expect("an object").1
    }

    #[test]
    fn another_spelling_of_the_same_is_the_same_object() {
        let user = |roles, email| {
            object(
                Class::People,
                json!({"user_id": "u", "roles": roles, "email": email, "phone": "1"}),
            )
        };
        assert_eq!(
            user("owner, partial", "A@b.c"),
            user("partial,owner", "a@B.c")
        );
        let backup = |time| {
            object(
                Class::Backups,
                json!({"id": "b", "create_time": time, "later": "field"}),
            )
        };
        assert_eq!(
            backup("2026-06-01T14:00:00+02:00"),
            backup("2026-06-01T12:00:00.000Z")
        );
        let site = |row| object(Class::Sites, row);
        assert_eq!(
            site(json!({"id": "s", "group_name": null})),
            site(json!({"id": "s"}))
        );
        assert_eq!(
            site(json!({"id": 7, "tags": ["b", "a"]})),
            site(json!({"id": "7", "tags": ["a", "b"]}))
        );
    }

    #[test]
    fn nothing_secret_and_nothing_unknown_gets_into_an_object() {
        let row = json!({
            "id": "1", "user_id": "1", "name": "n", "key": "secret", "auth_file": "secret", "approver_email": "secret",
            "txt_verification_value": "secret", "txt_verification_key": "secret", "phone": "secret", "password": "secret",
        });
        for kind in &KINDS {
            let (_, object) = kind.read("s", &row).expect("an object");
            assert!(
                !serde_json::to_string(&object)
                    .expect("json")
                    .contains("secret"),
                "{}",
                kind.name
            );
        }
    }

    #[test]
    fn a_row_without_an_id_is_no_object() {
        for kind in KINDS.iter().filter(|kind| kind.class != Class::Limits) {
            assert!(
                kind.read("s", &json!({"name": "n", "id": null})).is_none(),
                "{}",
                kind.name
            );
        }
    }

    #[test]
    fn what_an_object_remembers_is_said_although_it_was_not_seen() {
        let kind = Kind::of(Class::Backups).expect("a kind");
        let done = object(
            Class::Backups,
            json!({"id": "b", "status": "completed", "complete_time": "2026-06-01T12:00:00Z"}),
        );
        let signals = (kind.signals)(None, &done, &[]);
        assert_eq!(
            signals,
            [("backup.completed", "2026-06-01T12:00:00Z".parse().ok())]
        );
        assert!((kind.signals)(Some(&done), &done, &[]).is_empty());
    }
}
