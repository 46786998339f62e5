//! Calculations on the times at which requests arrived.

use std::time::Duration;

use super::Limit;

/// The number of requests beyond the limit, over every position of the window. The arrivals must be sorted.
pub(super) fn exceeding(arrivals: &[Duration], limits: &[Limit]) -> usize {
    limits
        .iter()
        .map(|(limit, period)| {
            arrivals
                .windows(limit + 1)
                .filter(|pair| pair[*limit] - pair[0] < *period)
                .count()
        })
        .sum()
}

/// The number of requests that arrived within this time after the first one. The arrivals must be sorted.
pub(super) fn used(arrivals: &[Duration], time: Duration) -> usize {
    let Some(first) = arrivals.first() else {
        return 0;
    };
    arrivals.partition_point(|arrival| *arrival - *first < time)
}

/// The largest number of requests that the limits allow in this time, if each is sent as early as possible.
pub(super) fn allowed(limits: &[Limit], time: Duration) -> usize {
    let mut arrivals: Vec<Duration> = Vec::new();
    loop {
        let earliest = limits
            .iter()
            .filter_map(|(limit, period)| {
                let before = arrivals.len().checked_sub(*limit)?;
                Some(arrivals[before] + *period)
            })
            .max()
            .unwrap_or_default();
        if earliest >= time {
            return arrivals.len();
        }
        arrivals.push(earliest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn seconds(seconds: &[u64]) -> Vec<Duration> {
        seconds.iter().copied().map(Duration::from_secs).collect()
    }

    #[test]
    fn one_too_many_is_seen_wherever_its_window_begins() {
        let limits = [(3, MINUTE)];
        assert_eq!(exceeding(&seconds(&[0, 50, 55, 60]), &limits), 0);
        assert_eq!(exceeding(&seconds(&[0, 50, 55, 59]), &limits), 1);
        assert_eq!(exceeding(&seconds(&[0, 50, 55, 60, 109]), &limits), 1);
        assert_eq!(exceeding(&seconds(&[]), &limits), 0);
        let both = [(3, MINUTE), (1, 2 * MINUTE)];
        assert_eq!(exceeding(&seconds(&[0, 119]), &both), 1);
    }

    #[test]
    fn what_arrives_after_the_time_is_not_used() {
        let arrivals = seconds(&[5, 6, 64, 65]);
        assert_eq!(used(&arrivals, MINUTE), 3);
        assert_eq!(used(&[], MINUTE), 0);
    }

    #[test]
    fn both_limits_together_say_what_is_allowed() {
        let limits = [(100, MINUTE), (1_000, HOUR)];
        assert_eq!(allowed(&limits, MINUTE), 100);
        assert_eq!(allowed(&limits, MINUTE + MINUTE / 60), 200);
        assert_eq!(allowed(&limits, HOUR), 1_000);
        assert_eq!(allowed(&limits, 10 * HOUR), 10_000);
    }
}
