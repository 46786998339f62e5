//! The virtual clock.
//!
//! Nothing in the simulator sleeps. Asynchronous work stores when it began, and its state is computed from the clock
//! when it is read. So a test advances a manual clock instead of waiting.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How the virtual time moves.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum ClockMode {
    /// Follows the machine's time. If tokio's time is paused, it follows tokio's clock.
    #[default]
    Real,
    /// Runs faster than the machine's time by this factor.
    Accelerated(f64),
    /// Moves only when it is advanced.
    Manual,
}

/// The first time of a manual clock, the same in every run: 1 June 2026, noon UTC.
const MANUAL_START: i64 = 1_780_315_200;

/// The virtual clock of one simulator.
#[derive(Debug)]
pub struct Clock {
    initial: (ClockMode, Option<Timestamp>),
    reading: Mutex<Reading>,
    /// Notifies the tasks that wait for a time when the clock is changed.
    changed: Notify,
}

/// The values from which the present time is computed.
#[derive(Debug, Clone, Copy)]
struct Reading {
    mode: ClockMode,
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
            mode,
            started_at: start.unwrap_or(default),
            started: Instant::now(),
            advanced: SignedDuration::ZERO,
        }
    }

    fn now(&self) -> Timestamp {
        let elapsed =
            SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::ZERO);
        let moved = match self.mode {
            ClockMode::Real => elapsed,
            ClockMode::Accelerated(factor) => {
                SignedDuration::try_from_secs_f64(elapsed.as_secs_f64() * factor)
                    .unwrap_or(SignedDuration::MAX)
            }
            ClockMode::Manual => SignedDuration::ZERO,
        };
        let moved = moved.saturating_add(self.advanced);
        self.started_at.checked_add(moved).unwrap_or(Timestamp::MAX)
    }
}

impl Clock {
    pub(crate) fn new(mode: ClockMode, start: Option<Timestamp>) -> Self {
        Self {
            initial: (mode, start),
            reading: Mutex::new(Reading::fresh(mode, start)),
            changed: Notify::new(),
        }
    }

    /// How this clock moves.
    #[must_use]
    pub fn mode(&self) -> ClockMode {
        self.read().mode
    }

    /// The present virtual time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.read().now()
    }

    /// Advances the time, in every mode. It stops at the largest time that can be formatted.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.change(|reading| reading.advanced = reading.advanced.saturating_add(by));
    }

    /// Changes how the time moves. It continues from the present virtual time.
    pub fn set_mode(&self, mode: ClockMode) {
        self.change(|reading| {
            let now = reading.now();
            *reading = Reading::fresh(mode, Some(now));
        });
    }

    /// Sets the clock to a time, forward or back.
    pub(crate) fn set(&self, now: Timestamp) {
        self.change(|reading| *reading = Reading::fresh(reading.mode, Some(now)));
    }

    /// Resets the clock to its first time and mode.
    pub(crate) fn reset(&self) {
        let (mode, start) = self.initial;
        self.change(|reading| *reading = Reading::fresh(mode, start));
    }

    /// Waits until the clock reaches the time. A manual clock reaches it only when it is advanced.
    pub(crate) async fn wait_until(&self, instant: Timestamp) {
        loop {
            // Registered before the clock is read, so that no change in between is missed.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let reading = self.read();
            let left = instant.duration_since(reading.now());
            if left <= SignedDuration::ZERO {
                return;
            }
            let left = Duration::try_from(left).unwrap_or(Duration::MAX);
            match reading.mode {
                ClockMode::Manual => changed.await,
                ClockMode::Real => {
                    let _ = tokio::time::timeout(left, changed).await;
                }
                ClockMode::Accelerated(factor) => {
                    let left = Duration::try_from_secs_f64(left.as_secs_f64() / factor);
                    let _ = tokio::time::timeout(left.unwrap_or(Duration::MAX), changed).await;
                }
            }
        }
    }

    fn read(&self) -> Reading {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Reading)) {
        change(&mut self.reading.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
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

    #[tokio::test]
    async fn a_manual_clock_is_waited_for_until_it_was_advanced_far_enough() {
        let clock = Clock::new(ClockMode::Manual, None);
        let instant = clock.now() + SignedDuration::from_secs(60);
        let mut waiting = std::pin::pin!(clock.wait_until(instant));
        for _ in 0..2 {
            let still = std::future::poll_fn(|context| {
                std::task::Poll::Ready(waiting.as_mut().poll(context).is_pending())
            });
            assert!(still.await);
            clock.advance(Duration::from_secs(30));
        }
        waiting.await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_accelerated_clock_is_waited_for_a_shorter_time() {
        let clock = Clock::new(ClockMode::Accelerated(60.0), None);
        let begin = Instant::now();
        clock
            .wait_until(clock.now() + SignedDuration::from_secs(120))
            .await;
        let waited = begin.elapsed();
        assert!(waited >= Duration::from_secs(2), "{waited:?}");
        assert!(waited < Duration::from_secs(3), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn another_mode_goes_on_from_the_same_instant() {
        let clock = Clock::new(ClockMode::Manual, None);
        let before = clock.now();
        clock.set_mode(ClockMode::Accelerated(10.0));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(
            clock.now().duration_since(before),
            SignedDuration::from_secs(60)
        );
        clock.reset();
        assert_eq!((clock.mode(), clock.now()), (ClockMode::Manual, before));
    }
}
