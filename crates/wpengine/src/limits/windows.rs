//! The limiter for one process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    LimitError, LimitKey, Observation, Permit, PermitFuture, RateLimiter, Window, WindowState,
    ledger::{Ledger, Reply, Rules, millis},
};

/// Sliding windows in this process: the default limiter.
///
/// By default it has the limits that the API documents: 100 requests a minute for each IP address, which are counted
/// for each user here, and 1000 an hour for each account. The client learns from responses which account an install or
/// a site belongs to. Until the account is known, a request counts for the user only.
///
/// Requests are sent in the order in which they asked; those of background clients come last. A request without room
/// waits until its turn. Dropping it gives its turn to the next request.
///
/// Each window is 1 s longer here than at the service, to allow for network delay. After a 429, all requests that share
/// the windows pause for the `Retry-After` of the response. If the response has no `Retry-After`, or one of more than
/// an hour, they pause until the fuller window has room, or for a minute if no window is half full. After the pause,
/// requests are sent one by one for a while. `X-RateLimit-Remaining` is respected if the response contains it.
///
/// ```
/// use std::time::Duration;
/// use wpengine::limits::{Window, Windows};
///
/// let cautious = Windows::new([Window::new(50, Duration::from_secs(60))], []);
/// # let _ = cautious;
/// ```
#[derive(Debug)]
#[must_use]
pub struct Windows(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Rules,
    /// The zero of the ledger's times.
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ledger: Ledger,
    /// Wakes a waiting request, by its number, if it may leave earlier than expected.
    waiting: HashMap<u64, Arc<Notify>>,
}

impl Default for Windows {
    fn default() -> Self {
        Self::new(
            [Window::new(100, Duration::from_secs(60))],
            [Window::new(1_000, Duration::from_secs(3_600))],
        )
    }
}

impl Windows {
    /// Creates windows for each user and windows for each account.
    pub fn new(
        per_credentials: impl IntoIterator<Item = Window>,
        per_account: impl IntoIterator<Item = Window>,
    ) -> Self {
        Self::with_rules(Rules {
            per_credentials: per_credentials.into_iter().collect(),
            per_account: per_account.into_iter().collect(),
            margin: Duration::from_secs(1),
            awaits_answers: true,
        })
    }

    pub(super) fn with_rules(rules: Rules) -> Self {
        Self(Arc::new(Inner {
            rules,
            start: Instant::now(),
            state: Mutex::default(),
        }))
    }

    /// Sets how much longer a window is here than at the service, to allow for network delay; 1 s by default. A request
    /// that is not sent within this time after its turn loses the turn.
    pub fn margin(self, margin: Duration) -> Self {
        let rules = Rules {
            margin,
            ..self.0.rules.clone()
        };
        Self::with_rules(rules)
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.0.rules
    }

    /// Returns the windows of each user.
    pub fn per_credentials(&self) -> &[Window] {
        &self.0.rules.per_credentials
    }

    /// Returns the windows of each account.
    pub fn per_account(&self) -> &[Window] {
        &self.0.rules.per_account
    }

    /// Counts a request that has a permit of another limiter.
    pub(super) fn count(&self, key: &LimitKey) {
        let now = self.0.now();
        let mut state = self.0.locked();
        state.ledger.count(&self.0.rules, key, now);
    }
}

impl Inner {
    fn now(&self) -> u64 {
        millis(self.start.elapsed())
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn returned(&self, key: &LimitKey, number: u64, sent: bool) {
        let now = self.now();
        let mut state = self.locked();
        state.ledger.returned(&self.rules, key, number, sent, now);
        if !sent {
            self.wake_next(&state, key, now);
        }
    }

    /// Wakes the next request of each queue, because it may now be sent earlier than expected.
    fn wake_next(&self, state: &State, key: &LimitKey, now: u64) {
        for number in state.ledger.next(&self.rules, key, now) {
            if let Some(waiting) = state.waiting.get(&number) {
                waiting.notify_one();
            }
        }
    }
}

/// A request that is waiting for its permit. Dropping it gives up its turn.
struct Asking<'a> {
    inner: &'a Arc<Inner>,
    key: &'a LimitKey,
    turn: Option<u64>,
    woken: Arc<Notify>,
}

impl Asking<'_> {
    /// Returns a permit, or the time of the next try.
    fn ask(&mut self) -> Result<Permit, Instant> {
        let inner = self.inner;
        let now = inner.now();
        let mut state = inner.locked();
        let told = state.ledger.ask(&inner.rules, self.key, self.turn, now);
        let before = self.turn.take();
        match told {
            Reply::Leave { number, sooner } => {
                state.waiting.remove(&before.unwrap_or(number));
                if sooner {
                    inner.wake_next(&state, self.key, now);
                }
                let (inner, key) = (Arc::clone(inner), self.key.clone());
                Ok(Permit::new(move |sent| inner.returned(&key, number, sent)))
            }
            Reply::Wait { number, due } => {
                if before != Some(number) {
                    state.waiting.remove(&before.unwrap_or(number));
                    state.waiting.insert(number, Arc::clone(&self.woken));
                }
                self.turn = Some(number);
                Err(inner.start + Duration::from_millis(due))
            }
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.turn {
            let inner = self.inner;
            let mut state = inner.locked();
            state.waiting.remove(&number);
            state.ledger.give_up(&inner.rules, self.key, number);
            inner.wake_next(&state, self.key, inner.now());
        }
    }
}

impl RateLimiter for Windows {
    fn acquire<'a>(&'a self, key: &'a LimitKey, within: Duration) -> PermitFuture<'a> {
        Box::pin(async move {
            let started = Instant::now();
            let mut asking = Asking {
                inner: &self.0,
                key,
                turn: None,
                woken: Arc::default(),
            };
            loop {
                let due = match asking.ask() {
                    Ok(permit) => return Ok(permit),
                    Err(due) => due,
                };
                let wait = due.saturating_duration_since(Instant::now());
                if started.elapsed().saturating_add(wait) > within {
                    return Err(LimitError::NoRoom {
                        retry_after: Some(wait),
                    });
                }
                let _ = tokio::time::timeout_at(due, asking.woken.notified()).await;
            }
        })
    }

    fn observe(&self, key: &LimitKey, answer: &Observation<'_>) {
        let now = self.0.now();
        let mut state = self.0.locked();
        state.ledger.observe(&self.0.rules, key, answer, now);
    }

    fn state(&self, key: &LimitKey) -> Vec<WindowState> {
        let now = self.0.now();
        let state = self.0.locked();
        state.ledger.state(&self.0.rules, key, now)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use tokio::time::{Instant, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOURS: Duration = Duration::from_secs(100 * 3_600);

    fn key(account: Option<&str>) -> LimitKey {
        LimitKey {
            account: account.map(Arc::from),
            ..LimitKey::new(1)
        }
    }

    fn windows(limit: usize) -> Windows {
        Windows::new([Window::new(limit, 60 * SECOND)], [])
    }

    async fn pass(windows: &Windows, key: &LimitKey) {
        drop(windows.acquire(key, HOURS).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_goes_at_once_and_the_next_waits_for_the_window() {
        let windows = windows(100);
        let start = Instant::now();
        for _ in 0..100 {
            pass(&windows, &key(None)).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        pass(&windows, &key(None)).await;
        assert_eq!(start.elapsed().as_secs(), 61);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_leave_in_the_order_in_which_they_asked() {
        let windows = Arc::new(windows(1));
        let order = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..10)
            .map(|number| {
                let (windows, order) = (Arc::clone(&windows), Arc::clone(&order));
                tokio::spawn(async move {
                    pass(&windows, &key(None)).await;
                    order.lock().unwrap().push(number);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_waiting_leaves_the_line_and_takes_no_place() {
        let windows = windows(1);
        pass(&windows, &key(None)).await;
        assert!(
            timeout(SECOND, windows.acquire(&key(None), HOURS))
                .await
                .is_err()
        );
        assert_eq!(windows.state(&key(None))[0].waiting, 0);
        let start = Instant::now();
        pass(&windows, &key(None)).await;
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_sent_takes_no_place() {
        let windows = windows(1);
        windows.acquire(&key(None), HOURS).await.unwrap().not_sent();
        let start = Instant::now();
        pass(&windows, &key(None)).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_that_is_full_keeps_no_other_waiting() {
        let windows = Arc::new(Windows::new(
            [Window::new(100, 60 * SECOND)],
            [Window::new(1, 3_600 * SECOND)],
        ));
        pass(&windows, &key(Some("a"))).await;
        let full = Arc::clone(&windows);
        let waits = tokio::spawn(async move { pass(&full, &key(Some("a"))).await });
        tokio::task::yield_now().await;
        let start = Instant::now();
        pass(&windows, &key(Some("b"))).await;
        pass(&windows, &key(None)).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        waits.await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 3_601);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_pauses_everybody_and_nobody_stampedes_after_it() {
        let windows = Arc::new(windows(60));
        let headers =
            HeaderMap::from_iter([(http::header::RETRY_AFTER, HeaderValue::from_static("30"))]);
        windows.observe(&key(None), &Observation::new(true, &headers));
        assert_eq!(windows.state(&key(None))[0].paused_for, Some(30 * SECOND));
        let start = Instant::now();
        let mut left_at = Vec::new();
        for _ in 0..4 {
            pass(&windows, &key(None)).await;
            left_at.push(start.elapsed().as_secs());
        }
        assert_eq!(left_at, [30, 31, 32, 33]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_service_says_is_left_is_not_overdrawn() {
        let windows = windows(100);
        let reset = jiff::Timestamp::now().as_second() + 20;
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", HeaderValue::from_static("100"));
        headers.insert("x-ratelimit-remaining", HeaderValue::from_static("2"));
        headers.insert("x-ratelimit-reset", HeaderValue::from(reset));
        windows.observe(&key(None), &Observation::new(false, &headers));
        let start = Instant::now();
        pass(&windows, &key(None)).await;
        pass(&windows, &key(None)).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        pass(&windows, &key(None)).await;
        assert!(start.elapsed().as_secs() >= 19, "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_remainder_of_one_limit_says_nothing_of_another() {
        let windows = Windows::new(
            [Window::new(100, 60 * SECOND)],
            [Window::new(1_000, 3_600 * SECOND)],
        );
        let reset = jiff::Timestamp::now().as_second() + 2_000;
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", HeaderValue::from_static("1000"));
        headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
        headers.insert("x-ratelimit-reset", HeaderValue::from(reset));
        windows.observe(&key(Some("a")), &Observation::new(false, &headers));
        let start = Instant::now();
        pass(&windows, &key(Some("b"))).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(
            timeout(SECOND, windows.acquire(&key(Some("a")), HOURS))
                .await
                .is_err(),
            "the account itself has nothing left"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_hour_of_answers_of_all_speeds_exceeds_no_window_and_wastes_little() {
        let windows = Arc::new(Windows::new(
            [Window::new(100, 60 * SECOND)],
            [Window::new(1_000, 3_600 * SECOND)],
        ));
        let start = Instant::now();
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..32_u64)
            .map(|task| {
                let (windows, arrivals) = (Arc::clone(&windows), Arc::clone(&arrivals));
                tokio::spawn(async move {
                    let mut random = fastrand::Rng::with_seed(task);
                    while start.elapsed() < 3 * 3_600 * SECOND {
                        let permit = windows
                            .acquire(&LimitKey::new(1).account("a"), HOURS)
                            .await
                            .unwrap();
                        tokio::time::sleep(Duration::from_millis(random.u64(0..=100))).await;
                        arrivals.lock().unwrap().push(start.elapsed());
                        tokio::time::sleep(Duration::from_millis(random.u64(0..=1_300))).await;
                        drop(permit);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let mut arrivals = arrivals.lock().unwrap().clone();
        arrivals.sort();
        for (limit, period) in [(100, 60 * SECOND), (1_000, 3_600 * SECOND)] {
            for pair in arrivals.windows(limit + 1) {
                assert!(pair[limit] - pair[0] >= period, "{limit} in {period:?}");
            }
        }
        let in_three_hours = arrivals
            .iter()
            .filter(|arrival| **arrival < 3 * 3_600 * SECOND)
            .count();
        assert!(in_three_hours >= 2_940, "{in_three_hours} of 3000");
    }
}
