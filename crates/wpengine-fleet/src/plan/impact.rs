//! How much a change can do.

use serde::{Deserialize, Serialize};
use wpengine::operation::Effect;

/// How much a change can do, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Impact {
    /// Nothing that matters: it reads, adds, or can be done again.
    Routine,
    /// People or costs are affected, or visitors of an environment that is not production.
    Notable,
    /// Visitors or content of production, or who may do what.
    Serious,
    /// Something is gone afterwards.
    Destructive,
}

/// Returns the impact of an operation with these effects on an install of this environment. Without an environment, the worst is
/// assumed.
///
/// ```
/// use wpengine::operation::Effect;
/// use wpengine_fleet::{Impact, impact};
///
/// assert_eq!(impact(&[Effect::Overwrite], Some("staging")), Impact::Notable);
/// assert_eq!(impact(&[Effect::Overwrite], Some("production")), Impact::Serious);
/// assert_eq!(impact(&[Effect::Loss], Some("staging")), Impact::Destructive);
/// assert_eq!(impact(&[], None), Impact::Routine);
/// ```
#[must_use]
pub fn impact(effects: &[Effect], environment: Option<&str>) -> Impact {
    let is_production = environment.is_none_or(|environment| environment == "production");
    let of = |effect: &Effect| match effect {
        Effect::Loss => Impact::Destructive,
        Effect::Access => Impact::Serious,
        Effect::Overwrite | Effect::Traffic if is_production => Impact::Serious,
        _ => Impact::Notable,
    };
    effects.iter().map(of).max().unwrap_or(Impact::Routine)
}
