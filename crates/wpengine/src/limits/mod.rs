//! Rate limits: when a request may be sent.
//!
//! Before each attempt, the client acquires a [`Permit`] from a [`RateLimiter`]. It returns the permit when the
//! response has arrived. There are three limiters: [`Windows`], the default, counts within one process; [`FileWindows`]
//! counts for all processes of one machine; `wpengine_redis::RedisWindows`, in a separate crate, counts for many
//! machines. A limiter does not have to be exact. The service enforces its limits with a 429, and the client waits and
//! retries.

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

/// Identifies the limits that a request counts against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[must_use]
pub struct LimitKey {
    /// Identifies the user: a hash of the user id of Basic credentials, of a fixed token, or of the
    /// [`limit_key`](crate::TokenSource::limit_key) of a token source. The hash is the same in every process. A token
    /// source without a `limit_key` has a random value.
    pub credentials: u64,
    /// The account that the request belongs to, if it is known.
    pub account: Option<Arc<str>>,
    /// How much of every window the request leaves to others, in percent. It is 0 unless the client is a [background
    /// client](crate::ClientBuilder::background).
    pub leave_free: u8,
}

impl LimitKey {
    /// Creates the key of a user, without an account. For tests, and for using a limiter directly.
    pub fn new(credentials: u64) -> Self {
        Self {
            credentials,
            ..Self::default()
        }
    }

    setters! {
        /// Sets the account.
        account(account: &str) account = Some(Arc::from(account));

        /// Sets how much of every window is left to others, in percent.
        leave_free(percent: u8) leave_free = percent;
    }
}

/// The future of [`RateLimiter::acquire`].
pub type PermitFuture<'a> = Pin<Box<dyn Future<Output = Result<Permit, LimitError>> + Send + 'a>>;

/// Why there is no permit. The request is not sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum LimitError {
    /// There is no room within the time that the request may wait.
    NoRoom {
        /// The time until there is room, if it is known.
        retry_after: Option<Duration>,
    },
    /// The limiter failed.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

/// Decides when a request may be sent.
///
/// The default is [`Windows`]. Set another limiter with
/// [`ClientBuilder::rate_limiter`](crate::ClientBuilder::rate_limiter). The limiter in this example allows one request
/// at a time:
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
    /// Waits until a request may be sent, for `within` at most. A limiter that knows of a longer wait returns the error
    /// at once. Dropping the future gives up the place in the queue.
    ///
    /// # Errors
    ///
    /// [`LimitError::NoRoom`] if there is no room within the time, and [`LimitError::Failed`] if the limiter fails.
    fn acquire<'a>(&'a self, key: &'a LimitKey, within: Duration) -> PermitFuture<'a>;

    /// Updates the limiter with a response.
    fn observe(&self, key: &LimitKey, answer: &Observation<'_>);

    /// Returns how full the windows are.
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

/// The permission to send one request. The client gives it back to the limiter when the response has arrived.
///
/// Dropping a permit counts the request as sent.
#[must_use = "a permit that is dropped at once counts as a request that was sent"]
pub struct Permit(Option<Box<dyn FnOnce(bool) + Send + Sync>>);

impl Permit {
    /// Creates a permit. `returned` is called when the permit is returned, with whether the request was sent.
    pub fn new(returned: impl FnOnce(bool) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(returned)))
    }

    /// Returns the permit unused: the request was not sent.
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
