//! Rate limits that are never exceeded: who may send now, and who waits.
//!
//! A request asks for a [`Permit`] before it leaves and gives it back when its answer is there. The windows live behind
//! the trait [`RateLimiter`], so that those of many processes can live elsewhere.

mod in_process;
mod queue;
#[cfg(feature = "redis")]
mod redis;
mod window;
mod word;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use http::HeaderMap;

pub use in_process::Windows;
#[cfg(feature = "redis")]
pub use redis::{RedisWindows, WhenDown};
pub use window::Window;

/// Whose windows a request counts in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LimitKey {
    /// Stands for the credentials: a hash of the user's id or of the token, the same in every process. All sources of
    /// tokens have the same.
    pub credentials: u64,
    /// The account that the operation names, if it names one.
    pub account: Option<Arc<str>>,
}

impl LimitKey {
    pub(crate) fn new(credentials: u64, account: Option<Arc<str>>) -> Self {
        Self {
            credentials,
            account,
        }
    }
}

/// A permit that is waited for.
pub type PermitFuture<'a> = Pin<
    Box<dyn Future<Output = Result<Permit, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>,
>;

/// Decides when a request may leave.
///
/// The default is [`Windows`], in this process. An implementation of your own can share the windows of several.
pub trait RateLimiter: fmt::Debug + Send + Sync + 'static {
    /// Waits until a request may leave. Dropping the future gives up the place in the queue, which the client does after its
    /// longest wait, 65 minutes by default.
    ///
    /// # Errors
    ///
    /// Whatever keeps the limiter from deciding; then the request is not sent.
    fn acquire<'a>(&'a self, key: &'a LimitKey) -> PermitFuture<'a>;

    /// Learns from an answer: its status and headers.
    fn observe(&self, key: &LimitKey, answer: &Observation<'_>);

    /// How full the windows are.
    fn state(&self, key: &LimitKey) -> Vec<WindowState>;

    /// Why nobody may send now, where that is not the windows' doing: what the error of a request says that waited too long.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// What an answer says of the limits. `Debug` shows no headers: they are the service's own, and may repeat what it was sent.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Observation<'a> {
    /// Whether the service refused the request because of a limit (429).
    pub refused: bool,
    /// The headers of the answer.
    pub headers: &'a HeaderMap,
}

impl<'a> Observation<'a> {
    pub(crate) fn new(refused: bool, headers: &'a HeaderMap) -> Self {
        Self { refused, headers }
    }
}

impl fmt::Debug for Observation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observation")
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}

/// How full one window is. The windows of the account come first, or those of requests that name none; then those of the
/// credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowState {
    /// The window.
    pub window: Window,
    /// How many requests may leave now.
    pub left: usize,
    /// How many requests wait in line.
    pub waiting: usize,
    /// For how long the service asked everybody to pause, from now; none if it did not.
    pub paused_for: Option<Duration>,
}

/// Permission for one request, given back when its answer is there.
///
/// Dropping it means that the request may have arrived just now.
#[must_use = "a permit that is dropped at once counts as a request that was sent"]
pub struct Permit(Option<Box<dyn FnOnce(bool) + Send + Sync>>);

impl Permit {
    /// A permit that calls back when it is given back, with whether the request was sent.
    pub fn new(give_back: impl FnOnce(bool) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(give_back)))
    }

    /// Nothing was sent: the place was not needed.
    pub fn not_sent(mut self) {
        if let Some(give_back) = self.0.take() {
            give_back(false);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(give_back) = self.0.take() {
            give_back(true);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
