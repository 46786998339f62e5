//! The places that this process holds in one line.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// One request, as this process knows it. It has arrived at the service when its answer is there.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) id: String,
    /// When Redis was asked: it was granted no earlier.
    pub(super) asked: Instant,
    arrived: Option<Instant>,
    /// Whether Redis does not know yet what is known here.
    news: bool,
}

impl Place {
    /// When the request has arrived at the latest, as far as is known now.
    fn arrived(&self, margin: Duration, now: Instant) -> Instant {
        self.arrived.unwrap_or(now).max(self.asked + margin)
    }

    /// Whether Redis counts it as arrived before it may have.
    fn is_late(&self, margin: Duration, now: Instant) -> bool {
        self.arrived.unwrap_or(now) > self.asked + margin
    }
}

/// The places of one line, for as long as any window holds them.
#[derive(Debug, Default)]
pub(super) struct Places {
    held: VecDeque<Place>,
    /// Places to give back, which were not needed.
    unused: Vec<String>,
}

/// What Redis is to be told of one line.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Places, and how many microseconds ago each has arrived; negative if it is still to come.
    pub(super) places: Vec<(String, i64)>,
    pub(super) unused: Vec<String>,
}

impl Places {
    pub(super) fn forget(&mut self, longest: Duration, margin: Duration, now: Instant) {
        self.held
            .retain(|place| place.arrived(margin, now) + longest > now);
    }

    /// A place that Redis has granted, or that was taken without it and that it is still to hear of.
    pub(super) fn hold(&mut self, id: &str, asked: Instant, granted: bool) {
        self.held.push_back(Place {
            id: id.to_owned(),
            asked,
            arrived: None,
            news: !granted,
        });
    }

    /// The answer is there. Gives whether Redis has to hear of it.
    pub(super) fn arrived(&mut self, id: &str, margin: Duration, now: Instant) {
        if let Some(place) = self.held.iter_mut().find(|place| place.id == id) {
            place.arrived = Some(now);
            place.news |= place.is_late(margin, now);
        }
    }

    pub(super) fn give_back(&mut self, id: &str) {
        self.held.retain(|place| place.id != id);
        self.unused.push(id.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.unused.is_empty()
    }

    pub(super) fn gives_back(&self) -> bool {
        !self.unused.is_empty()
    }

    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// How many places count in a window now, and when the first of them is free.
    pub(super) fn count(
        &self,
        period: Duration,
        margin: Duration,
        now: Instant,
    ) -> (usize, Option<Instant>) {
        let free = self
            .held
            .iter()
            .map(|place| place.arrived(margin, now) + period)
            .filter(|free| *free > now);
        let (mut count, mut first) = (0, None::<Instant>);
        for free in free {
            count += 1;
            first = Some(first.map_or(free, |first| first.min(free)));
        }
        (count, first)
    }

    pub(super) fn has_untold(&self) -> bool {
        self.held.iter().any(|place| place.news)
    }

    /// How many were taken since an instant.
    pub(super) fn since(&self, instant: Instant) -> usize {
        self.held
            .iter()
            .filter(|place| place.asked >= instant)
            .count()
    }

    /// Takes out what Redis has not heard of; or all that is known, after a loss.
    pub(super) fn news(&mut self, all: bool, margin: Duration, now: Instant) -> News {
        let mut places = Vec::new();
        for place in &mut self.held {
            let under_way = place.arrived.is_none() && place.is_late(margin, now);
            if all || place.news || under_way {
                place.news = false;
                let arrived = place.arrived(margin, now);
                places.push((place.id.clone(), age(arrived, now)));
            }
        }
        News {
            places,
            unused: std::mem::take(&mut self.unused),
        }
    }

    /// Redis has not heard of it after all.
    pub(super) fn unheard(&mut self, news: News) {
        for place in &mut self.held {
            place.news |= news.places.iter().any(|(id, _)| *id == place.id);
        }
        self.unused.extend(news.unused);
    }
}

fn age(arrived: Instant, now: Instant) -> i64 {
    let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match arrived.checked_duration_since(now) {
        Some(ahead) => -micros(ahead),
        None => micros(now - arrived),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ids(news: &News) -> Vec<&str> {
        news.places.iter().map(|(id, _)| id.as_str()).collect()
    }

    #[test]
    fn redis_hears_of_what_it_did_not_grant_and_of_what_came_late() {
        let (now, mut places) = (Instant::now(), Places::default());
        places.hold("granted", now, true);
        places.hold("local", now, false);
        assert_eq!(ids(&places.news(false, SECOND, now)), ["local"]);
        assert_eq!(ids(&places.news(false, SECOND, now)), [""; 0]);
        places.arrived("granted", SECOND, now + SECOND / 2);
        assert_eq!(ids(&places.news(false, SECOND, now + SECOND)), [""; 0]);
        places.arrived("local", SECOND, now + 3 * SECOND);
        let news = places.news(false, SECOND, now + 4 * SECOND);
        assert_eq!(news.places, [("local".to_owned(), 1_000_000)]);
    }

    #[test]
    fn what_is_under_way_for_long_is_renewed() {
        let (now, mut places) = (Instant::now(), Places::default());
        places.hold("slow", now, true);
        for seconds in 2..5 {
            let news = places.news(false, SECOND, now + seconds * SECOND);
            assert_eq!(news.places, [("slow".to_owned(), 0)]);
        }
    }

    #[test]
    fn after_a_loss_all_is_told_by_its_age() {
        let (now, mut places) = (Instant::now(), Places::default());
        places.hold("a", now, true);
        places.arrived("a", SECOND, now);
        let news = places.news(true, SECOND, now + 3 * SECOND);
        assert_eq!(news.places, [("a".to_owned(), 2_000_000)]);
        places.hold("b", now + 3 * SECOND, true);
        let news = places.news(true, SECOND, now + 3 * SECOND);
        assert_eq!(news.places[1], ("b".to_owned(), -1_000_000));
    }

    #[test]
    fn what_redis_did_not_hear_is_told_again() {
        let (now, mut places) = (Instant::now(), Places::default());
        places.hold("local", now, false);
        places.hold("unused", now, true);
        places.give_back("unused");
        let news = places.news(false, SECOND, now);
        places.unheard(news);
        let news = places.news(false, SECOND, now);
        assert_eq!(ids(&news), ["local"]);
        assert_eq!(news.unused, ["unused"]);
    }

    #[test]
    fn places_are_forgotten_when_no_window_holds_them() {
        let (now, mut places) = (Instant::now(), Places::default());
        places.hold("a", now, true);
        places.arrived("a", SECOND, now);
        places.forget(60 * SECOND, SECOND, now + 60 * SECOND);
        assert!(places.holds());
        places.forget(60 * SECOND, SECOND, now + 61 * SECOND);
        assert!(places.is_empty());
    }
}
