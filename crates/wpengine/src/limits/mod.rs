//! Rate limits: which request may leave now, and which has to wait.
//!
//! A request asks a [`RateLimiter`] for a [`Permit`] before it leaves, and returns it when its answer is there. Three
//! limiters exist: [`Windows`] counts within one process and is the default, [`FileWindows`] counts for all processes of a machine, and
//! `wpengine_redis::RedisWindows`, in a crate of its own, for many machines. None of them has to be exact: the service enforces
//! its limits with a 429, and the client waits and repeats what was refused.

mod accounts;
mod file;
mod ledger;
mod observation;
mod shared;
mod window;
mod windows;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

pub(crate) use accounts::Accounts;
pub use file::FileWindows;
pub use observation::{Observation, Remaining};
pub(crate) use shared::default_of;
pub use window::{Window, WindowState};
pub use windows::Windows;

pub use crate::response::RateLimit;

/// Whose limits a request counts in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LimitKey {
    /// Stands for the user: a hash of the id of Basic credentials, of a fixed token, or of the name that a token source
    /// gives. It is the same in every process. A token source without a name has a random one.
    pub credentials: u64,
    /// The account that the request belongs to, if it is known.
    pub account: Option<Arc<str>>,
    /// The share of every window, in percent, that the request leaves to others. It is 0 but for clients that are
    /// [in the background](crate::ClientBuilder::background).
    pub leave_free: u8,
}

impl LimitKey {
    /// The key of a user, without an account: for limiters that are tested or used by themselves.
    #[must_use]
    pub fn new(credentials: u64) -> Self {
        Self {
            credentials,
            ..Self::default()
        }
    }

    /// The same with an account.
    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        self.account = Some(Arc::from(account));
        self
    }

    /// The same with a share, in percent, that is left to others.
    #[must_use]
    pub fn leave_free(mut self, percent: u8) -> Self {
        self.leave_free = percent;
        self
    }
}

/// The future of a permit.
pub type PermitFuture<'a> = Pin<Box<dyn Future<Output = Result<Permit, LimitError>> + Send + 'a>>;

/// Why there is no permit. The request is not sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum LimitError {
    /// The limit leaves no room in the time that the request may wait. There is room after `retry_after`, if that is known.
    NoRoom {
        /// The time until there is room.
        retry_after: Option<Duration>,
    },
    /// The limiter cannot decide.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

/// Decides when a request may leave.
///
/// The one that is used by default is [`Windows`]. Another one is set with
/// [`ClientBuilder::rate_limiter`](crate::ClientBuilder::rate_limiter). This one lets one request leave at a time:
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use tokio::sync::Semaphore;
/// use wpengine::limits::{LimitError, LimitKey, Observation, Permit, PermitFuture, RateLimiter, WindowState};
///
/// #[derive(Debug)]
/// struct OneAtATime(Arc<Semaphore>);
///
/// impl RateLimiter for OneAtATime {
///     fn acquire<'a>(&'a self, _: &'a LimitKey, within: Duration) -> PermitFuture<'a> {
///         Box::pin(async move {
///             let turn = Arc::clone(&self.0).acquire_owned();
///             match tokio::time::timeout(within, turn).await {
///                 Ok(Ok(turn)) => Ok(Permit::new(move |_sent| drop(turn))),
///                 Ok(Err(closed)) => Err(LimitError::Failed(closed.into())),
///                 Err(_) => Err(LimitError::NoRoom { retry_after: None }),
///             }
///         })
///     }
///
///     fn observe(&self, _: &LimitKey, _: &Observation<'_>) {}
///
///     fn state(&self, _: &LimitKey) -> Vec<WindowState> {
///         Vec::new()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = wpengine_sim::Simulator::builder().start().await?;
/// let client = wpengine::Client::builder()
///     .base_url(simulator.url())
///     .rate_limiter(OneAtATime(Arc::new(Semaphore::new(1))))
///     .build()?;
/// client.current_user().await?;
/// # Ok(())
/// # }
/// ```
pub trait RateLimiter: fmt::Debug + Send + Sync + 'static {
    /// Waits until a request may leave, for `within` at most. A limiter that knows that it takes longer says so at once.
    /// Dropping the future gives up the turn.
    ///
    /// # Errors
    ///
    /// [`LimitError::NoRoom`] if the time is too short, and [`LimitError::Failed`] if the limiter cannot decide.
    fn acquire<'a>(&'a self, key: &'a LimitKey, within: Duration) -> PermitFuture<'a>;

    /// Learns from an answer.
    fn observe(&self, key: &LimitKey, answer: &Observation<'_>);

    /// How full the windows are.
    fn state(&self, key: &LimitKey) -> Vec<WindowState>;
}

impl<L: RateLimiter + ?Sized> RateLimiter for Arc<L> {
    fn acquire<'a>(&'a self, key: &'a LimitKey, within: Duration) -> PermitFuture<'a> {
        (**self).acquire(key, within)
    }

    fn observe(&self, key: &LimitKey, answer: &Observation<'_>) {
        (**self).observe(key, answer);
    }

    fn state(&self, key: &LimitKey) -> Vec<WindowState> {
        (**self).state(key)
    }
}

/// Permission for one request, returned when its answer is there.
///
/// Dropping a permit counts the request as sent.
#[must_use = "a permit that is dropped at once counts as a request that was sent"]
pub struct Permit(Option<Box<dyn FnOnce(bool) + Send + Sync>>);

impl Permit {
    /// A permit that calls back when it is returned, with whether the request was sent.
    pub fn new(returned: impl FnOnce(bool) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(returned)))
    }

    /// Returns the permit unused: nothing was sent.
    pub fn not_sent(mut self) {
        if let Some(returned) = self.0.take() {
            returned(false);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(returned) = self.0.take() {
            returned(true);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
