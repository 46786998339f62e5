//! One window: so many requests in any stretch of so much time, as the service counts them.
//!
//! Pure bookkeeping, without a clock of its own: whoever asks brings the time.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// No window, and no other time here, is longer: no clock overflows.
pub(crate) const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// So many requests in any period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub(crate) limit: usize,
    pub(crate) period: Duration,
}

impl Window {
    /// At most `limit` requests in any `period`. A limit of 0 counts as 1.
    #[must_use]
    pub const fn new(limit: usize, period: Duration) -> Self {
        Self {
            limit: if limit == 0 { 1 } else { limit },
            period: if period.as_secs() < LONGEST.as_secs() {
                period
            } else {
                LONGEST
            },
        }
    }

    /// How many requests it allows.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// In how much time.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }
}

/// The requests of one window.
///
/// A request left here at one instant and arrives there at a later one that nobody knows; it has arrived when its answer is
/// there. So its place is free again a period after the later of two instants: its start and the margin for the way, and
/// the end of its answer. Then no window of the service, fixed or sliding, holds more than the limit.
#[derive(Debug)]
pub(crate) struct Log {
    window: Window,
    margin: Duration,
    /// The instants from which places count as taken, in order of the grants.
    places: VecDeque<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    number: u64,
    /// When the request has arrived at the latest; none while its answer is awaited.
    arrived: Option<Instant>,
    granted: Instant,
}

impl Log {
    pub(crate) fn new(window: Window, margin: Duration) -> Self {
        Self {
            window,
            margin,
            places: VecDeque::new(),
        }
    }

    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// When a place is free again, if that is known.
    fn free_at(&self, place: &Place) -> Option<Instant> {
        let sent = place.granted + self.margin;
        place
            .arrived
            .map(|arrived| arrived.max(sent) + self.window.period)
    }

    fn forget(&mut self, now: Instant) {
        let (window, margin) = (self.window, self.margin);
        self.places.retain(|place| {
            place
                .arrived
                .is_none_or(|arrived| arrived.max(place.granted + margin) + window.period > now)
        });
    }

    /// How many requests may leave now.
    pub(crate) fn left(&mut self, now: Instant) -> usize {
        self.forget(now);
        self.window.limit.saturating_sub(self.places.len())
    }

    /// When the next place is free: `now` if one is. None if that depends on an answer that is awaited.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Instant> {
        // Looking through the log is worth it only when it is full.
        if self.places.len() < self.window.limit || self.left(now) > 0 {
            return Some(now);
        }
        self.places
            .iter()
            .filter_map(|place| self.free_at(place))
            .min()
    }

    /// How many answers are awaited.
    pub(crate) fn under_way(&self) -> usize {
        self.places
            .iter()
            .filter(|place| place.arrived.is_none())
            .count()
    }

    /// Takes a place.
    pub(crate) fn take(&mut self, number: u64, now: Instant) {
        self.places.push_back(Place {
            number,
            arrived: None,
            granted: now,
        });
    }

    /// The answer is there, or will never be.
    pub(crate) fn arrived(&mut self, number: u64, now: Instant) {
        // From the end: what ends has mostly begun not long ago.
        if let Some(place) = self.places.iter_mut().rfind(|place| place.number == number) {
            place.arrived = Some(now);
        }
    }

    /// Nothing was sent: the place was not needed.
    pub(crate) fn give_back(&mut self, number: u64) {
        self.places.retain(|place| place.number != number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn log(limit: usize) -> Log {
        Log::new(Window::new(limit, 60 * SECOND), SECOND)
    }

    #[test]
    fn a_place_is_free_again_a_period_after_the_request_can_have_arrived() {
        let start = Instant::now();
        let mut log = log(1);
        log.take(1, start);
        assert_eq!(log.next(start), None, "its answer is awaited");
        log.arrived(1, start + SECOND / 10);
        assert_eq!(log.next(start + SECOND), Some(start + 61 * SECOND));
        assert_eq!(log.left(start + 61 * SECOND), 1);
    }

    #[test]
    fn a_slow_answer_holds_its_place_longer() {
        let start = Instant::now();
        let mut log = log(1);
        log.take(1, start);
        log.arrived(1, start + 20 * SECOND);
        assert_eq!(log.next(start + 20 * SECOND), Some(start + 80 * SECOND));
    }

    #[test]
    fn what_was_not_sent_gives_its_place_back() {
        let start = Instant::now();
        let mut log = log(1);
        log.take(1, start);
        assert_eq!(log.left(start), 0);
        log.give_back(1);
        assert_eq!(log.left(start), 1);
    }

    #[test]
    fn all_places_can_be_taken_at_once() {
        let start = Instant::now();
        let mut log = log(100);
        for number in 0..100 {
            assert_eq!(log.next(start), Some(start));
            log.take(number, start);
            log.arrived(number, start);
        }
        assert_eq!(log.next(start), Some(start + 61 * SECOND));
    }
}
