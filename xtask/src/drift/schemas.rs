//! Compares two schemas at all depths.
//!
//! Both schemas are walked together, one level at a time. Schemas can be recursive: if a pair of places occurs again
//! below itself, it is not compared again, because that comparison is already in progress.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use crate::description::{Description, Node, Property, Shape};

use super::difference::{Aspect, Found};

/// The direction of a value. For requests, `required` and limits are compared, because the service checks them. For
/// answers they are not, because real answers do not keep to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Direction {
    Request,
    Answer,
}

/// Real descriptions are less deep. Beyond this depth the comparison fails instead of overflowing the stack.
const DEEPEST: usize = 100;
/// Real descriptions have fewer pairs. The limit bounds the time for a hostile description.
const MOST_PAIRS: usize = 200_000;

type Pair = (Direction, Vec<usize>, Vec<usize>);

/// Compares the schemas of two descriptions.
pub(super) struct Schemas<'d> {
    here: &'d Description,
    there: &'d Description,
    /// The pairs above the current one.
    above: Vec<Pair>,
    /// Pairs of equal schemas whose comparison did not depend on a pair in `above`. They are not compared again.
    same: HashSet<Pair>,
    pairs: usize,
}

impl<'d> Schemas<'d> {
    pub(super) fn new(here: &'d Description, there: &'d Description) -> Self {
        Self {
            here,
            there,
            above: Vec::new(),
            same: HashSet::new(),
            pairs: 0,
        }
    }

    pub(super) fn in_words_here(&self, node: &Node<'_>) -> String {
        in_words(self.here, node)
    }

    pub(super) fn in_words_there(&self, node: &Node<'_>) -> String {
        in_words(self.there, node)
    }

    /// Adds the differences between two schemas. Their places begin with `place`.
    pub(super) fn compare(
        &mut self,
        found: &mut Found,
        direction: Direction,
        place: &str,
        here: &Node<'_>,
        there: &Node<'_>,
    ) -> Result<(), String> {
        let at = At {
            place,
            path: String::new(),
        };
        self.pair(found, direction, &at, here, there).map(|_| ())
    }

    /// Returns whether the result depends on a pair above this one. Such a result cannot be cached in `same`.
    fn pair(
        &mut self,
        found: &mut Found,
        direction: Direction,
        at: &At<'_>,
        here: &Node<'_>,
        there: &Node<'_>,
    ) -> Result<bool, String> {
        let pair = (direction, here.identity(), there.identity());
        if self.same.contains(&pair) {
            return Ok(false);
        }
        if self.above.contains(&pair) {
            return Ok(true);
        }
        self.pairs += 1;
        if self.above.len() == DEEPEST || self.pairs > MOST_PAIRS {
            return Err(format!(
                "its schemas nest too deep to be compared, at {}",
                at.name()
            ));
        }
        let before = found.differences.len();
        let (shape_here, shape_there) = (self.here.shape(here), self.there.shape(there));
        level(found, direction, at, &shape_here, &shape_there);

        self.above.push(pair.clone());
        let leaned = self.below(found, direction, at, &shape_here, &shape_there);
        self.above.pop();
        let leaned = leaned?;
        if !leaned && found.differences.len() == before {
            self.same.insert(pair);
        }
        Ok(leaned)
    }

    /// Compares everything one level further down.
    fn below(
        &mut self,
        found: &mut Found,
        direction: Direction,
        at: &At<'_>,
        here: &Shape<'_>,
        there: &Shape<'_>,
    ) -> Result<bool, String> {
        let mut leaned = false;
        if here.is("object") == there.is("object") {
            leaned |= self.properties(found, direction, at, here, there)?;
            if let (Some(here), Some(there)) = (&here.others, &there.others) {
                leaned |= self.pair(found, direction, &at.member("*"), here, there)?;
            }
        }
        if let (Some(here), Some(there)) = (&here.items, &there.items) {
            leaned |= self.pair(found, direction, &at.item(), here, there)?;
        }
        for (index, (here, there)) in here.choices.iter().zip(&there.choices).enumerate() {
            leaned |= self.pair(found, direction, &at.choice(index), here, there)?;
        }
        Ok(leaned)
    }

    fn properties(
        &mut self,
        found: &mut Found,
        direction: Direction,
        at: &At<'_>,
        here: &Shape<'_>,
        there: &Shape<'_>,
    ) -> Result<bool, String> {
        let mut leaned = false;
        for property in &here.properties {
            let at = at.member(property.name);
            let Some(other) = there
                .properties
                .iter()
                .find(|other| other.name == property.name)
            else {
                let words = field_in_words(self.here, direction, property);
                found.add(Aspect::Field, at.name(), None, Some(words));
                continue;
            };
            if direction == Direction::Request {
                found.required(&at.name(), other.required, property.required);
            }
            leaned |= self.pair(found, direction, &at, &property.node, &other.node)?;
        }
        for other in &there.properties {
            if !here
                .properties
                .iter()
                .any(|property| property.name == other.name)
            {
                let words = field_in_words(self.there, direction, other);
                found.add(
                    Aspect::Field,
                    at.member(other.name).name(),
                    Some(words),
                    None,
                );
            }
        }
        Ok(leaned)
    }
}

/// Compares the values themselves, without their members.
fn level(
    found: &mut Found,
    direction: Direction,
    at: &At<'_>,
    here: &Shape<'_>,
    there: &Shape<'_>,
) {
    let place = at.name();
    if here.types != there.types {
        found.changed(Aspect::Type, &place, there.type_name(), here.type_name());
    }
    if here.nullable != there.nullable {
        let word = |nullable| if nullable { "nullable" } else { "not nullable" };
        found.changed(
            Aspect::Nullable,
            &place,
            word(there.nullable),
            word(here.nullable),
        );
    }
    if here.choices.len() != there.choices.len() {
        let words = |shape: &Shape<'_>| match shape.choices.len() {
            0 => "no choices".to_owned(),
            count => format!("{count} choices"),
        };
        found.changed(Aspect::Type, &place, words(there), words(here));
    }
    if here.others.is_some() != there.others.is_some() {
        let word = |shape: &Shape<'_>| match shape.others {
            Some(_) => "further members of one type",
            None => "no type for further members",
        };
        found.changed(Aspect::Type, &place, word(there), word(here));
    }
    values(found, &place, here, there);
    if direction == Direction::Request {
        limits(found, &place, here, there);
    }
}

fn values(found: &mut Found, place: &str, here: &Shape<'_>, there: &Shape<'_>) {
    let words = |shape: &Shape<'_>| -> Option<BTreeSet<String>> {
        shape
            .values
            .as_ref()
            .map(|values| values.iter().copied().map(value_in_words).collect())
    };
    let one_of = |values: &BTreeSet<String>| {
        format!(
            "one of {}",
            values
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    const ANY: &str = "any value";
    match (words(here), words(there)) {
        (Some(here), Some(there)) => {
            for value in there.difference(&here) {
                found.add(Aspect::Value, place, Some(format!("value {value}")), None);
            }
            for value in here.difference(&there) {
                found.add(Aspect::Value, place, None, Some(format!("value {value}")));
            }
        }
        (Some(here), None) => found.changed(Aspect::Value, place, ANY, one_of(&here)),
        (None, Some(there)) => found.changed(Aspect::Value, place, one_of(&there), ANY),
        (None, None) => {}
    }
}

fn limits(found: &mut Found, place: &str, here: &Shape<'_>, there: &Shape<'_>) {
    let names: BTreeSet<_> = here
        .limits
        .keys()
        .chain(there.limits.keys())
        .copied()
        .collect();
    for name in names {
        let words = |shape: &Shape<'_>| {
            shape
                .limits
                .get(name)
                .cloned()
                .unwrap_or_else(|| format!("no {name}"))
        };
        if words(there) != words(here) {
            found.changed(Aspect::Limit, place, words(there), words(here));
        }
    }
}

/// A short text for a type: `array of string`, `object or null`.
fn in_words(description: &Description, node: &Node<'_>) -> String {
    // Describes at most two levels of nested arrays.
    fn nested(description: &Description, node: &Node<'_>, levels: usize) -> String {
        let shape = description.shape(node);
        let name = match &shape.items {
            Some(items) if levels > 0 && shape.is("array") => {
                format!("array of {}", nested(description, items, levels - 1))
            }
            _ => shape.type_name(),
        };
        if shape.nullable {
            format!("{name} or null")
        } else {
            name
        }
    }
    nested(description, node, 2)
}

fn field_in_words(
    description: &Description,
    direction: Direction,
    property: &Property<'_>,
) -> String {
    let words = in_words(description, &property.node);
    match direction {
        Direction::Request if property.required => format!("{words}, required"),
        _ => words,
    }
}

fn value_in_words(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A place in a body.
struct At<'a> {
    /// `body`, `200`, or a parameter.
    place: &'a str,
    path: String,
}

impl At<'_> {
    fn name(&self) -> String {
        if self.path.is_empty() {
            self.place.to_owned()
        } else {
            format!("{} {}", self.place, self.path)
        }
    }

    fn member(&self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self {
            path: format!("{}{dot}{name}", self.path),
            ..*self
        }
    }

    fn item(&self) -> Self {
        Self {
            path: format!("{}[]", self.path),
            ..*self
        }
    }

    fn choice(&self, index: usize) -> Self {
        Self {
            path: format!("{}({})", self.path, index + 1),
            ..*self
        }
    }
}
