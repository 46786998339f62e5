//! The virtual clock: what the simulator believes the time to be.
//!
//! Nothing in the simulator sleeps. Work that takes time remembers when it began, and how far it is follows from the
//! clock when somebody asks; so a test moves a manual clock instead of waiting.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// How the virtual time moves.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum ClockMode {
    /// With the time of the machine. Under tokio's paused time it follows tokio's clock.
    #[default]
    Real,
    /// So many times as fast as the time of the machine.
    Accelerated(f64),
    /// Only when it is advanced.
    Manual,
}

/// The instant a manual clock shows at first, so that two runs show the same times: 1 June 2026, noon UTC.
const MANUAL_START: i64 = 1_780_315_200;

/// The virtual clock of one simulator.
#[derive(Debug)]
pub struct Clock {
    mode: ClockMode,
    start: Option<Timestamp>,
    reading: Mutex<Reading>,
}

/// What the present time is computed from.
#[derive(Debug, Clone, Copy)]
struct Reading {
    started_at: Timestamp,
    started: Instant,
    advanced: SignedDuration,
}

impl Reading {
    fn fresh(mode: ClockMode, start: Option<Timestamp>) -> Self {
        let default = match mode {
            ClockMode::Manual => {
                Timestamp::from_second(MANUAL_START).unwrap_or(Timestamp::UNIX_EPOCH)
            }
            ClockMode::Real | ClockMode::Accelerated(_) => Timestamp::now(),
        };
        Self {
            started_at: start.unwrap_or(default),
            started: Instant::now(),
            advanced: SignedDuration::ZERO,
        }
    }
}

impl Clock {
    pub(crate) fn new(mode: ClockMode, start: Option<Timestamp>) -> Self {
        Self {
            mode,
            start,
            reading: Mutex::new(Reading::fresh(mode, start)),
        }
    }

    /// How this clock moves.
    #[must_use]
    pub fn mode(&self) -> ClockMode {
        self.mode
    }

    /// The present virtual time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let reading = *self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed =
            SignedDuration::try_from(reading.started.elapsed()).unwrap_or(SignedDuration::ZERO);
        let moved = match self.mode {
            ClockMode::Real => elapsed,
            ClockMode::Accelerated(factor) => {
                SignedDuration::try_from_secs_f64(elapsed.as_secs_f64() * factor)
                    .unwrap_or(SignedDuration::MAX)
            }
            ClockMode::Manual => SignedDuration::ZERO,
        };
        let moved = moved.saturating_add(reading.advanced);
        reading
            .started_at
            .checked_add(moved)
            .unwrap_or(Timestamp::MAX)
    }

    /// Moves the time forward, whatever the mode. It stops at the last instant that can be written.
    pub fn advance(&self, by: std::time::Duration) {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        reading.advanced = reading.advanced.saturating_add(by);
    }

    /// Back to where the clock began.
    pub(crate) fn reset(&self) {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) =
            Reading::fresh(self.mode, self.start);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_manual_clock_stands_until_it_is_advanced() {
        let clock = Clock::new(ClockMode::Manual, None);
        let before = clock.now();
        assert_eq!(before.to_string(), "2026-06-01T12:00:00Z");
        clock.advance(Duration::from_secs(90));
        assert_eq!(
            clock.now().duration_since(before),
            SignedDuration::from_secs(90)
        );
        clock.reset();
        assert_eq!(clock.now(), before);
    }

    #[tokio::test(start_paused = true)]
    async fn an_accelerated_clock_runs_ahead_of_tokio_time() {
        let clock = Clock::new(ClockMode::Accelerated(60.0), None);
        let before = clock.now();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(
            clock.now().duration_since(before),
            SignedDuration::from_secs(120)
        );
    }

    #[test]
    fn the_end_of_time_is_not_passed() {
        let clock = Clock::new(ClockMode::Manual, None);
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
