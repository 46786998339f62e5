//! How an item of a listing is recognised if it was seen before.

use std::borrow::Cow;

use serde_json::Value;
use wpengine_raw::types::{
    Account, Archive, Backup, Domain, Installation, Site, SiteTransfer, SshKey,
};

/// The identity of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// An id that is a UUID, as most ids are. A number takes a third of the memory of the text.
    Uuid(u128),
    Id(Box<str>),
    /// An item without an id, as text. It is compared with its neighbours only.
    Whole(Box<str>),
}

impl Key {
    pub(crate) fn of_id(id: &str) -> Self {
        match uuid(id) {
            Some(uuid) => Self::Uuid(uuid),
            None => Self::Id(id.into()),
        }
    }

    pub(super) fn is_id(&self) -> bool {
        !matches!(self, Self::Whole(_))
    }
}

/// Parses a UUID in lower-case letters. Any other form is kept as text, because equal numbers must mean equal texts.
fn uuid(text: &str) -> Option<u128> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let hyphens = [8, 13, 18, 23];
    if hyphens.iter().any(|at| bytes[*at] != b'-') {
        return None;
    }
    // Every id of every page comes through here, and `u128` is slow: two halves are put together at the end.
    let high = hex(
        hex(hex(Some(0), &bytes[..8]), &bytes[9..13]),
        &bytes[14..18],
    )?;
    let low = hex(hex(Some(0), &bytes[19..23]), &bytes[24..])?;
    Some(u128::from(high) << 64 | u128::from(low))
}

/// Appends hexadecimal digits to a number.
fn hex(number: Option<u64>, digits: &[u8]) -> Option<u64> {
    let mut all = 0;
    let number = digits.iter().fold(number?, |number, digit| {
        let value = VALUES[usize::from(*digit)];
        all |= value;
        number << 4 | u64::from(value & 0xf)
    });
    (all < NO_DIGIT).then_some(number)
}

const NO_DIGIT: u8 = 0x10;

/// The value of each digit.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    values
};

/// An item of a listing by offset.
pub(crate) trait Keyed {
    fn key(&self) -> Key;
}

macro_rules! keyed {
    ($($item:ty: $field:ident),* $(,)?) => {
        $(impl Keyed for $item {
            fn key(&self) -> Key {
                Key::of_id(self.$field.as_str())
            }
        })*
    };
}

keyed! {
    Account: id,
    Archive: id,
    Backup: id,
    Domain: id,
    Installation: id,
    Site: id,
    SiteTransfer: id,
    SshKey: uuid,
}

/// An item without a model is recognised by its `id` or `uuid`, if it has one.
impl Keyed for Value {
    fn key(&self) -> Key {
        let id = ["id", "uuid"].iter().find_map(|name| match &self[*name] {
            Value::String(id) => Some(Cow::Borrowed(id.as_str())),
            Value::Number(id) => Some(Cow::Owned(id.to_string())),
            _ => None,
        });
        match id {
            Some(id) => Key::of_id(&id),
            None => Key::Whole(self.to_string().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_usual_form_of_a_uuid_is_one() {
        let id = "294deacc-d8b8-4005-82c4-0727ba8ddde0";
        assert_eq!(
            Key::of_id(id),
            Key::Uuid(0x294d_eacc_d8b8_4005_82c4_0727_ba8d_dde0)
        );
        for other in [
            "294DEACC-d8b8-4005-82c4-0727ba8ddde0",
            "294deaccd8b8400582c40727ba8ddde0",
            "294deacc-d8b8-4005-82c4_0727ba8ddde0",
            "294deacc0d8b8-4005-82c4-0727ba8ddde0",
            "site-1",
            "",
        ] {
            assert_eq!(Key::of_id(other), Key::Id(other.into()), "{other}");
        }
    }

    #[test]
    fn an_unknown_item_is_recognised_by_its_id_or_as_it_is() {
        assert_eq!(json!({"id": "a"}).key(), Key::Id("a".into()));
        assert_eq!(json!({"uuid": "b"}).key(), Key::Id("b".into()));
        assert_eq!(json!({"id": 5}).key(), Key::Id("5".into()));
        assert_eq!(json!({"x": 1}).key(), Key::Whole(r#"{"x":1}"#.into()));
    }
}
