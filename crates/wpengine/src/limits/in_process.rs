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

/// Sliding windows in this process, shared by all clones of a client.
///
/// By default the two limits that the API documents: 100 requests a minute for each set of credentials, and 1000 an hour for
/// each account that an operation names, or for the credentials where it names none. Requests leave in the order in
/// which they asked. A window is a second longer here than at the service, for the way there.
///
/// A 429 pauses everybody who shares the windows, for as long as its `Retry-After` says or for 5 s, and after it they leave
/// one by one. `X-RateLimit-Remaining`, where it comes, counts too.
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
    queues: Mutex<HashMap<(u64, Option<Arc<str>>, bool), Arc<Queue>>>,
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
        self.margin = margin;
        self
    }

    /// The two lines that a request stands in, in this order.
    fn queues(&self, key: &LimitKey) -> [Arc<Queue>; 2] {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of = |account: Option<Arc<str>>, is_account: bool, windows: &[Window]| {
            Arc::clone(
                queues
                    .entry((key.credentials, account, is_account))
                    .or_insert_with(|| Arc::new(Queue::new(windows, self.margin))),
            )
        };
        [
            of(key.account.clone(), true, &self.per_account),
            of(None, false, &self.per_credentials),
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
