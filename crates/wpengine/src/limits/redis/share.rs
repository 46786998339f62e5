//! What this process may send while Redis cannot be used: its part of each limit.

use std::{num::NonZeroU32, time::Duration};

use tokio::time::Instant;

use super::{line::Line, settings::Settings};

/// When the next request of these lines may leave, without Redis: `now` if at once.
pub(super) fn next(
    settings: &Settings,
    lines: [&Line; 2],
    parts: NonZeroU32,
    outage: Instant,
    now: Instant,
) -> Instant {
    // What the others can have taken since they were last heard of: less than the tightest window allows.
    let unheard = lines
        .iter()
        .flat_map(|line| &line.windows)
        .map(|window| window.limit)
        .min()
        .unwrap_or_default();
    let fresh = settings.beat() * 2 + settings.timeout;
    let parts = usize::try_from(parts.get()).unwrap_or(usize::MAX);
    let mut next = now;
    for line in lines {
        let state = line.state();
        for (index, window) in line.windows.iter().enumerate() {
            let part = window.limit / parts;
            let opens = outage + window.period + settings.margin;
            if now < opens {
                // Until what left before the outage is out of the window, there is only what was surely left of it.
                let taken = match &state.taken {
                    Some((taken, at)) if *at + fresh > outage => taken[index],
                    _ => window.limit,
                };
                let left = window.limit.saturating_sub(taken + unheard) / parts;
                if state.places.since(outage) >= left.min(part) {
                    next = next.max(opens);
                }
            } else if let (count, Some(first)) =
                state.places.count(window.period, settings.margin, now)
                && count >= part
            {
                next = next.max(first);
            } else if part == 0 {
                // Less than one request for each: Redis has to come back.
                next = next.max(now + Duration::from_secs(1));
            }
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Window, redis::settings::WhenDown};

    const SECOND: Duration = Duration::from_secs(1);

    fn settings() -> Settings {
        Settings {
            per_credentials: vec![Window::new(100, 60 * SECOND)],
            per_account: vec![Window::new(1_000, 3_600 * SECOND)],
            margin: SECOND,
            prefix: String::new(),
            timeout: SECOND,
            patience: SECOND,
            when_down: WhenDown::Stop,
            trust_empty: false,
        }
    }

    fn lines(settings: &Settings) -> [Line; 2] {
        [
            Line::new("a".to_owned(), settings.per_account.clone()),
            Line::new("c".to_owned(), settings.per_credentials.clone()),
        ]
    }

    /// How many may leave at one instant.
    fn leave(settings: &Settings, lines: &[Line; 2], outage: Instant, now: Instant) -> usize {
        let of = NonZeroU32::new(4).unwrap();
        for number in 0..2_000 {
            if next(settings, [&lines[0], &lines[1]], of, outage, now) > now {
                return number;
            }
            for line in lines {
                let id = format!("{now:?} {number}");
                line.state().places.hold(&id, now, false);
                line.state().places.arrived(&id, SECOND, now);
            }
        }
        2_000
    }

    #[test]
    fn a_window_is_closed_for_its_period_and_then_gives_its_part() {
        let (settings, now) = (settings(), Instant::now());
        let lines = lines(&settings);
        lines[0].taken(&[300], now);
        lines[1].taken(&[20], now);
        assert_eq!(leave(&settings, &lines, now, now), 0);
        assert_eq!(leave(&settings, &lines, now, now + 60 * SECOND), 0);
        assert_eq!(leave(&settings, &lines, now, now + 61 * SECOND), 25);
        assert_eq!(leave(&settings, &lines, now, now + 62 * SECOND), 0);
        assert_eq!(leave(&settings, &lines, now, now + 122 * SECOND), 25);
    }

    #[test]
    fn of_the_long_window_no_more_is_used_than_was_surely_left() {
        let (settings, now) = (settings(), Instant::now());
        let lines = lines(&settings);
        lines[0].taken(&[700], now);
        lines[1].taken(&[20], now);
        let of_the_hour: usize = (1..50)
            .map(|minutes| leave(&settings, &lines, now, now + minutes * 62 * SECOND))
            .sum();
        assert_eq!(of_the_hour, (1_000 - 700 - 100) / 4);
    }

    #[test]
    fn who_never_heard_of_a_window_waits_until_it_is_over() {
        let (settings, now) = (settings(), Instant::now());
        let lines = lines(&settings);
        assert_eq!(leave(&settings, &lines, now, now + 3_600 * SECOND), 0);
        assert_eq!(leave(&settings, &lines, now, now + 3_601 * SECOND), 25);
    }
}
