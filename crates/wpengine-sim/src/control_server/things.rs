//! Controls of world, time, faults, limits and log.

use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::DOCUMENT;
use super::exchange::{Exchange, Reply, bad, done, json as reply, missing, nothing, ok};
use crate::clock::ClockMode;
use crate::faults::{Fault, FaultForm, Faults};
use crate::guard::Refused;
use crate::limits::RateLimits;
use crate::snapshot::Snapshot;
use crate::world::Population;

type Result = std::result::Result<Reply, Refused>;

pub(super) fn document(_: &Exchange<'_>) -> Result {
    Ok((StatusCode::OK, Bytes::from_static(DOCUMENT.as_bytes())))
}

pub(super) fn reset(exchange: &Exchange<'_>) -> Result {
    exchange.shared.reset();
    nothing()
}

pub(super) fn seed(exchange: &Exchange<'_>) -> Result {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        seed: u64,
        #[serde(default)]
        world: World,
        accounts: Option<usize>,
        sites: Option<usize>,
        installs: Option<usize>,
        #[serde(default)]
        troubled: bool,
    }
    #[derive(Deserialize, Default, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum World {
        #[default]
        Documentation,
        Empty,
        Fleet,
    }
    /// A larger number is probably a typing error, and the world would take long to create.
    const MOST: usize = 1_000_000;
    let body: Body = exchange.body()?;
    let numbers = [body.accounts, body.sites, body.installs];
    if numbers.iter().flatten().any(|number| *number > MOST) {
        return Err(bad(format!("a world has at most {MOST} of a kind")));
    }
    let is_of_fleet = body.troubled || numbers.iter().any(Option::is_some);
    if body.world != World::Fleet && is_of_fleet {
        return Err(bad(
            "accounts, sites, installs and troubled belong to the world \"fleet\"",
        ));
    }
    let population = match body.world {
        World::Documentation => Population::Documentation,
        World::Empty => Population::Empty,
        World::Fleet => Population::Fleet {
            accounts: body.accounts.unwrap_or(1),
            sites: body.sites.or(body.installs).unwrap_or(0),
            installs: body.installs.unwrap_or(0),
            troubled: body.troubled,
        },
    };
    exchange.shared.rebuild(body.seed, population);
    nothing()
}

pub(super) fn snapshot(exchange: &Exchange<'_>) -> Result {
    let snapshot = exchange.shared.snapshot();
    Ok((StatusCode::OK, Bytes::from(snapshot.into_json())))
}

pub(super) fn restore(exchange: &Exchange<'_>) -> Result {
    let text = std::str::from_utf8(exchange.request.body()).map_err(bad)?;
    let snapshot = Snapshot::from_json(text).map_err(bad)?;
    exchange.shared.restore(&snapshot).map_err(bad)?;
    nothing()
}

pub(super) fn clock(exchange: &Exchange<'_>) -> Result {
    ok(&exchange.shared.clock_reading())
}

pub(super) fn set_clock(exchange: &Exchange<'_>) -> Result {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        mode: Mode,
        factor: Option<f64>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Real,
        Accelerated,
        Manual,
    }
    let Body { mode, factor } = exchange.body()?;
    let mode = match mode {
        Mode::Real => ClockMode::Real,
        Mode::Manual => ClockMode::Manual,
        Mode::Accelerated => match factor {
            Some(factor) if factor.is_finite() && factor > 0.0 => ClockMode::Accelerated(factor),
            _ => return Err(bad("an accelerated clock needs a factor greater than 0")),
        },
    };
    exchange.shared.clock.set_mode(mode);
    ok(&exchange.shared.clock_reading())
}

pub(super) fn advance(exchange: &Exchange<'_>) -> Result {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        seconds: f64,
    }
    let Body { seconds } = exchange.body()?;
    let by = Duration::try_from_secs_f64(seconds).map_err(bad)?;
    exchange.shared.clock.advance(by);
    exchange.shared.changed.notify_one();
    ok(&exchange.shared.clock_reading())
}

pub(super) fn faults(exchange: &Exchange<'_>) -> Result {
    ok(&Faults::new(&exchange.shared.faults).list())
}

pub(super) fn add_fault(exchange: &Exchange<'_>) -> Result {
    let form: FaultForm = exchange.body()?;
    let faults = Faults::new(&exchange.shared.faults);
    let id = Fault::try_from(form)
        .and_then(|fault| faults.add(fault))
        .map_err(bad)?;
    let added = faults.list().into_iter().find(|fault| fault.id == id);
    reply(StatusCode::CREATED, &added)
}

pub(super) fn clear_faults(exchange: &Exchange<'_>) -> Result {
    Faults::new(&exchange.shared.faults).clear();
    nothing()
}

pub(super) fn remove_fault(exchange: &Exchange<'_>) -> Result {
    let id = exchange.parameter(0).parse();
    done(
        id.is_ok_and(|id| Faults::new(&exchange.shared.faults).remove(id)),
        "fault",
    )
}

pub(super) fn limits(exchange: &Exchange<'_>) -> Result {
    ok(&exchange.shared.rate_limits())
}

/// A limit that is left out does not change.
pub(super) fn set_limits(exchange: &Exchange<'_>) -> Result {
    let changes: Map<String, Value> = exchange.body()?;
    let mut limits = serde_json::to_value(exchange.shared.rate_limits()).map_err(bad)?;
    for (name, value) in changes {
        limits[name] = value;
    }
    let limits: RateLimits = serde_json::from_value(limits).map_err(bad)?;
    exchange.shared.set_rate_limits(limits);
    ok(&limits)
}

pub(super) fn requests(exchange: &Exchange<'_>) -> Result {
    let log = exchange.shared.log.lock();
    let log = log.unwrap_or_else(PoisonError::into_inner);
    ok(&json!({
        "total": log.total(),
        "side_effects": log.side_effects(),
        "operations": log.operations(),
        "requests": log.requests(),
    }))
}

pub(super) fn clear_requests(exchange: &Exchange<'_>) -> Result {
    exchange.shared.clear_requests();
    nothing()
}

pub(super) fn violations(exchange: &Exchange<'_>) -> Result {
    let violations = exchange.shared.violations.lock();
    ok(&*violations.unwrap_or_else(PoisonError::into_inner))
}

pub(super) fn install(exchange: &Exchange<'_>) -> Result {
    let content = exchange.shared.install_content(exchange.parameter(0));
    ok(&content.ok_or_else(|| missing("install"))?)
}

pub(super) fn abort_archive(exchange: &Exchange<'_>) -> Result {
    let (install, archive) = (exchange.parameter(0), exchange.parameter(1));
    done(
        exchange.shared.abort_archive(install, archive),
        "archive that is not completed",
    )
}

pub(super) fn abort_backup(exchange: &Exchange<'_>) -> Result {
    let (install, backup) = (exchange.parameter(0), exchange.parameter(1));
    done(
        exchange.shared.abort_backup(install, backup),
        "backup that is not completed",
    )
}
