//! The schedule against a model of a fleet, for tests and measurements.

use crate::schedule::{Next, Rate, Schedule};

/// What the schedule achieved against a model.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Modelled {
    /// The mean delay from a change until it was seen, in seconds, without the time of the look itself.
    pub mean: f64,
    /// The least that the rates and the limit allow: (Σ√(qw))² / (2R Σw).
    pub best: f64,
    /// The longest interval that the formula gives, in seconds.
    pub cold: f64,
    /// The most requests in any hour, for one account.
    pub busiest_hour: f64,
    /// The requests that the schedule may send in an hour.
    pub limit: f64,
}

/// Runs the schedule for a fleet of one account whose changes come at random: a tenth of the installs has nine tenths of them. A listing of
/// the other installs changes about once in ten of the intervals that the formula gives it. The schedule knows none of these rates. The
/// first twenty of the longest intervals are not measured.
#[must_use]
pub fn model(installs: usize, seed: u64) -> Modelled {
    /// The share of the documented 1,000 requests an hour.
    const LIMIT: f64 = 800.0;

    let mut random = fastrand::Rng::with_seed(seed);
    let pages = |rows: usize| rows.saturating_sub(1).div_ceil(99).max(1) as f64;
    // Price, changes an hour, class: of the four listings of each install, and of the lists of the account.
    let hot = (installs / 10).max(1);
    let ratio = 9.0 * (installs - hot) as f64 / hot as f64;
    let fleet = |changes: f64| {
        let all = changes * installs as f64;
        let mut things: Vec<(f64, f64, usize)> = vec![
            (pages(installs), all, 0),
            (pages(installs / 3), all, 1),
            (1.0, all, 2),
            (1.0, all, 3),
        ];
        for install in 0..installs {
            let changes = if install < hot {
                changes * ratio
            } else {
                changes
            };
            things.extend((4..8).map(|class| (1.0, changes, class)));
        }
        let roots: f64 = things
            .iter()
            .map(|(price, changes, _)| (price * changes).sqrt())
            .sum();
        (things, roots)
    };
    // The intervals do not depend on how fast all of it changes.
    let cold = fleet(1.0).1 / LIMIT * 3_600.0;
    let (things, roots) = fleet(0.1 * 3_600.0 / cold);
    let weights: f64 = things.iter().map(|(_, changes, _)| changes).sum();

    let mut schedule = Schedule::new(LIMIT, 4_800.0, &[86_400.0; 8], 0.0, seed);
    let account = schedule.account(0.0);
    for (at, (price, _, class)) in things.iter().enumerate() {
        let account = if *class < 2 { 0 } else { account };
        schedule.add(at, account, *class, *price, Rate::default(), None, 0.0);
    }
    let (begin, end) = (20.0 * cold, 30.0 * cold);
    let mut looked = vec![0.0_f64; things.len()];
    let (mut now, mut balanced) = (0.0_f64, f64::NEG_INFINITY);
    let (mut delays, mut seen) = (0.0, 0.0);
    let (mut hour, mut of_hour, mut busiest) = (0.0, 0.0, 0.0_f64);
    while now < end {
        if now - balanced >= 600.0 {
            schedule.balance(now);
            balanced = now;
        }
        let at = match schedule.next(now) {
            Next::Wait(wait) => {
                now += wait;
                continue;
            }
            Next::Look(at) => at,
        };
        let (price, changes, class) = things[at];
        if now - hour >= 3_600.0 {
            (hour, of_hour) = (now, 0.0);
        }
        of_hour += price;
        busiest = busiest.max(of_hour);
        let since = std::mem::replace(&mut looked[at], now);
        // The changes since the last look, at random times.
        let mut time = since - random.f64().ln() / changes * 3_600.0;
        let mut count = 0_u32;
        while time < now {
            count += 1;
            if now >= begin {
                delays += now - time;
                seen += 1.0;
            }
            time -= random.f64().ln() / changes * 3_600.0;
        }
        // A list shows each row that changed; of one install a look shows that it changed, and not how often.
        let shown = if class < 4 { count } else { count.min(1) };
        schedule.done(at, price as u64, shown, false, now);
    }
    Modelled {
        mean: delays / f64::max(seen, 1.0),
        best: roots * roots / (2.0 * LIMIT * weights) * 3_600.0,
        cold,
        busiest_hour: busiest,
        limit: LIMIT,
    }
}

#[cfg(test)]
mod tests {
    use super::model;

    #[test]
    fn the_mean_delay_is_near_the_least_possible_and_the_limit_is_kept() {
        for installs in [50, 500] {
            let found = model(installs, 7);
            assert!(found.mean <= 1.15 * found.best, "{installs}: {found:?}");
            assert!(
                found.busiest_hour <= found.limit + 50.0,
                "{installs}: {found:?}"
            );
        }
    }
}
