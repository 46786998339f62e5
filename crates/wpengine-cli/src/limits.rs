//! The rate limits that all runs share, and the word that a request waits for them.

use std::{sync::Arc, time::Duration};

use wpengine::{
    ClientBuilder,
    limits::{
        FileWindows, LimitError, LimitKey, Observation, PermitFuture, RateLimiter, Window,
        WindowState,
    },
};

use crate::{
    context::{Ctx, clock_after},
    failure::Failure,
    terminal::Terminal,
};

impl Ctx {
    /// Adds the rate limits that the runs on this machine share, or those of several machines.
    pub(crate) fn limited(
        &self,
        builder: ClientBuilder,
        windows: Option<Window>,
    ) -> Result<ClientBuilder, Failure> {
        if let Some(url) = &self.profile.redis {
            return self.in_redis(builder, url, windows);
        }
        let mut file = match &self.folders.cache {
            Some(folder) => FileWindows::new(folder.join("limits.json")),
            None => FileWindows::of_this_user(),
        };
        if let Some(window) = windows {
            file = file
                .windows([window], [window])
                .margin(Duration::from_millis(100));
        }
        Ok(builder.rate_limiter(self.told(file)))
    }

    #[cfg(feature = "redis")]
    fn in_redis(
        &self,
        builder: ClientBuilder,
        url: &str,
        windows: Option<Window>,
    ) -> Result<ClientBuilder, Failure> {
        let mut redis = wpengine_redis::RedisWindows::new(url).map_err(|error| {
            Failure::usage(format!("the profile's redis cannot be used: {error}"))
        })?;
        if let Some(window) = windows {
            redis = redis.windows([window], [window]);
        }
        Ok(builder.rate_limiter(self.told(redis)))
    }

    #[cfg(not(feature = "redis"))]
    fn in_redis(
        &self,
        _: ClientBuilder,
        _: &str,
        _: Option<Window>,
    ) -> Result<ClientBuilder, Failure> {
        Err(Failure::usage(
            "this program was built without the feature `redis`, which the profile asks for",
        ))
    }

    fn told<L: RateLimiter>(&self, inner: L) -> Told<L> {
        Told {
            inner,
            terminal: Arc::clone(&self.terminal),
        }
    }
}

/// A window such as `100/1s`.
pub(crate) fn window(text: &str) -> Result<Window, Failure> {
    let parsed = text.split_once('/').and_then(|(limit, period)| {
        Some(Window::new(
            limit.trim().parse().ok()?,
            crate::flags::duration(period.trim()).ok()?,
        ))
    });
    parsed.ok_or_else(|| {
        Failure::usage(format!(
            "`{text}` is no rate limit; give `off`, or requests and a time such as `100/1s`"
        ))
    })
}

/// Whether an address is this machine: then nothing is limited, because it is a simulator.
pub(crate) fn is_this_machine(url: &str) -> bool {
    let uri: Option<wpengine::http::Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(|uri| uri.host()).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// A limiter that says when a request waits, and until when.
#[derive(Debug)]
struct Told<L> {
    inner: L,
    terminal: Arc<Terminal>,
}

impl<L: RateLimiter> RateLimiter for Told<L> {
    fn acquire<'a>(&'a self, key: &'a LimitKey, at_most: Duration) -> PermitFuture<'a> {
        Box::pin(async move {
            match self.inner.acquire(key, Duration::ZERO).await {
                Err(LimitError::NoRoom {
                    retry_after: Some(wait),
                }) => {
                    if wait > Duration::from_secs(1) && wait <= at_most {
                        self.terminal.step(&format!(
                            "waiting for the rate limit until {}",
                            clock_after(wait)
                        ));
                    }
                    self.inner.acquire(key, at_most).await
                }
                Err(LimitError::NoRoom { retry_after: None }) => {
                    self.inner.acquire(key, at_most).await
                }
                other => other,
            }
        })
    }

    fn observe(&self, key: &LimitKey, seen: &Observation<'_>) {
        self.inner.observe(key, seen);
    }

    fn state(&self, key: &LimitKey) -> Vec<WindowState> {
        self.inner.state(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_address() {
        for url in [
            "http://127.0.0.1:4010/v1",
            "http://[::1]:1/v1",
            "http://localhost/v1",
        ] {
            assert!(is_this_machine(url), "{url}");
        }
        for url in [
            "https://api.wpengineapi.com/v1",
            "http://127.0.0.1.example.com/v1",
        ] {
            assert!(!is_this_machine(url), "{url}");
        }
    }
}
