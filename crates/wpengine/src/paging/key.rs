//! How an item of a listing is recognised if it was seen before.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
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

    /// The key of an item without a model: its `id` or `uuid`, if it has one.
    pub(crate) fn of_item(item: &RawValue) -> Self {
        #[derive(Deserialize)]
        struct Ids {
            id: Option<Value>,
            uuid: Option<Value>,
        }
        let ids = serde_json::from_str::<Ids>(item.get()).ok();
        let mut ids = ids.into_iter().flat_map(|ids| [ids.id, ids.uuid]);
        let id = ids.find_map(|id| match id? {
            Value::String(id) => Some(id),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        });
        match id {
            Some(id) => Self::of_id(&id),
            None => Self::Whole(item.get().into()),
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

#[cfg(test)]
mod tests {
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
        for (item, key) in [
            (r#"{"id": "a"}"#, Key::Id("a".into())),
            (r#"{"uuid": "b"}"#, Key::Id("b".into())),
            (r#"{"id": null, "uuid": "b"}"#, Key::Id("b".into())),
            (r#"{"id": 5}"#, Key::Id("5".into())),
            (r#"{"x": 1}"#, Key::Whole(r#"{"x": 1}"#.into())),
            (r#""text""#, Key::Whole(r#""text""#.into())),
        ] {
            let item: &RawValue = serde_json::from_str(item).expect(item);
            assert_eq!(Key::of_item(item), key);
        }
    }
}
