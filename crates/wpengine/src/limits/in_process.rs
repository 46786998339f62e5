//! The windows of one process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    LimitKey, Observation, Permit, PermitFuture, RateLimiter, Window, WindowState, queue::Queue,
};

/// How much longer than on its way to the service a request is taken to be under way.
const MARGIN: Duration = Duration::from_secs(1);

/// Who stands in a line together.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Line {
    Credentials(u64),
    /// Whoever asks: the limit is the account's.
    Account(Arc<str>),
    /// What names no account.
    Unnamed(u64),
}

/// Sliding windows in this process, shared by all clones of a client.
///
/// By default the two limits that the API documents: 100 requests a minute for each set of credentials, and 1000 an hour for
/// each account that an operation names, whoever asks, or for the credentials where it names none. (To which account an install or a
/// site belongs cannot be told from its id: who asks a lot of both kinds can exceed the hour of an account, and sets a lower
/// limit.) Requests leave in the order in which they asked. A window is 1 s longer here than at the service, for the way there. How long a request may wait is the
/// client's to say: 65 minutes by default.
///
/// A 429 pauses everybody who shares the windows, for as long as its `Retry-After` says (at most 120 s) or for 5 s, and
/// after it they leave one by one. `X-RateLimit-Remaining`, where it comes, counts too, for 1 hour at the most.
///
/// ```
/// use std::time::Duration;
/// use wpengine::{Window, Windows};
///
/// let cautious = Windows::new([Window::new(50, Duration::from_secs(60))], []);
/// # let _ = cautious;
/// ```
#[derive(Debug)]
pub struct Windows {
    per_credentials: Vec<Window>,
    per_account: Vec<Window>,
    margin: Duration,
    queues: Mutex<HashMap<Line, Arc<Queue>>>,
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
    /// Windows for each set of credentials, and windows for each account.
    pub fn new(
        per_credentials: impl IntoIterator<Item = Window>,
        per_account: impl IntoIterator<Item = Window>,
    ) -> Self {
        Self {
            per_credentials: per_credentials.into_iter().collect(),
            per_account: per_account.into_iter().collect(),
            margin: MARGIN,
            queues: Mutex::default(),
        }
    }

    /// How much longer a window is here than at the service, for the way there; 1 s by default.
    #[must_use]
    pub fn margin(mut self, margin: Duration) -> Self {
        self.margin = margin.min(super::window::LONGEST);
        self
    }

    /// The windows of each set of credentials.
    #[must_use]
    pub fn per_credentials(&self) -> &[Window] {
        &self.per_credentials
    }

    /// The windows of each account.
    #[must_use]
    pub fn per_account(&self) -> &[Window] {
        &self.per_account
    }

    /// The two lines that a request stands in, in this order.
    fn queues(&self, key: &LimitKey) -> [Arc<Queue>; 2] {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of = |line: Line, windows: &[Window]| {
            Arc::clone(
                queues
                    .entry(line)
                    .or_insert_with(|| Arc::new(Queue::new(windows, self.margin))),
            )
        };
        let account = match &key.account {
            Some(account) => Line::Account(Arc::clone(account)),
            None => Line::Unnamed(key.credentials),
        };
        [
            of(account, &self.per_account),
            of(Line::Credentials(key.credentials), &self.per_credentials),
        ]
    }
}

impl RateLimiter for Windows {
    fn acquire<'a>(&'a self, key: &'a LimitKey) -> PermitFuture<'a> {
        Box::pin(async move {
            let [account, credentials] = self.queues(key);
            // Always in this order, so that two never wait for each other; and whoever waits for an account that is
            // full keeps nobody of another account waiting.
            let at_account = account.front().await;
            let at_credentials = loop {
                let front = credentials.front().await;
                if at_account.has_room() {
                    break front;
                }
                drop(front);
                at_account.again().await;
            };
            let of_account = at_account.take();
            let of_credentials = at_credentials.take();
            Ok(Permit::new(move |sent| {
                account.give_back(of_account, sent);
                credentials.give_back(of_credentials, sent);
            }))
        })
    }

    fn observe(&self, key: &LimitKey, answer: &Observation<'_>) {
        for queue in self.queues(key) {
            queue.observe(answer);
        }
    }

    fn state(&self, key: &LimitKey) -> Vec<WindowState> {
        self.queues(key)
            .iter()
            .flat_map(|queue| queue.states())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use tokio::time::{Instant, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(account: Option<&str>) -> LimitKey {
        LimitKey::new(1, account.map(Arc::from))
    }

    fn windows(limit: usize) -> Windows {
        Windows::new([Window::new(limit, 60 * SECOND)], [])
    }

    async fn pass(windows: &Windows, key: &LimitKey) {
        drop(windows.acquire(key).await.unwrap());
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
        assert!(timeout(SECOND, windows.acquire(&key(None))).await.is_err());
        assert_eq!(windows.state(&key(None))[0].waiting, 0);
        let start = Instant::now();
        pass(&windows, &key(None)).await;
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_sent_takes_no_place() {
        let windows = windows(1);
        windows.acquire(&key(None)).await.unwrap().not_sent();
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
            timeout(SECOND, windows.acquire(&key(Some("a"))))
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
                        let permit = windows.acquire(&key(None)).await.unwrap();
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
