//! The path of every request: rate limit, authentication, sending, and retries.
//!
//! [`HttpClient`] is the interface to the network. It can be replaced, and layers can be added around it.

mod admit;
mod attempt;
mod attempts;
mod authenticate;
mod budget;
mod call;
mod core;
mod counters;
mod deadline;
mod http_client;
mod retry;
mod target;
mod trace;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Uri};

pub(crate) use self::{
    attempts::{Exchange, History},
    authenticate::{Authenticator, Session},
    budget::Budget,
    core::Core,
    counters::Counting,
    http_client::{Parsed, Reqwest},
    target::{Target, is_json},
};
pub use self::{
    counters::Counters,
    http_client::{BodyStream, HeadFuture, HttpClient, HttpError, ResponseFuture},
    retry::RetryPolicy,
};
use crate::{
    check,
    error::{Error, ErrorKind},
};

/// The options of one call.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Option<Duration>,
    pub(crate) rate_limit_wait: Option<Duration>,
    pub(crate) retry: Option<RetryPolicy>,
}

// The values of headers may be secrets.
debug_fields!(Options as this: headers = this.headers.keys().collect::<Vec<_>>(), timeout = this.timeout,
    rate_limit_wait = this.rate_limit_wait, retry = this.retry);

/// Runs a call: sends the request, with retries, until there is a final response.
///
/// A response of any status is `Ok`; the caller interprets it.
pub(crate) async fn run(
    core: &Core,
    target: &Target,
    options: &Options,
    request: &Request<Bytes>,
) -> Result<Exchange, Error> {
    core.refuse_foreign(request.uri())?;
    core.refuse_writes(target.is_read(), target.name())?;
    check::headers(&options.headers)?;
    let call = call::Call {
        core,
        target,
        options,
        request,
        session: core.authenticator.session(),
    };
    let done = trace::operation(target, core, call.run()).await;
    let (attempts, succeeded) = match &done {
        Ok(exchange) => (
            exchange.history.attempts,
            exchange.response.status().is_success(),
        ),
        Err(error) => (error.attempts(), false),
    };
    core.counting.count(|counters| {
        counters.calls += 1;
        counters.attempts += u64::from(attempts);
        counters.failures += u64::from(!succeeded);
    });
    done
}

/// Formats a duration for an error text.
pub(crate) fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds.fract() == 0.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{seconds:.1} s")
    }
}

impl Core {
    /// Refuses requests to other origins, so that the credentials are sent only to the configured one.
    fn refuse_foreign(&self, uri: &Uri) -> Result<(), Error> {
        let same = uri.scheme_str() == Some(self.base.scheme())
            && uri.host() == self.base.host_str()
            && uri.port_u16().or(default_port(uri.scheme_str()))
                == self.base.port_or_known_default();
        if same {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "a request to {} is refused: this client sends requests to {} only",
            uri.host().unwrap_or("another host"),
            self.authority()
        )))
    }

    /// Refuses operations that change something, if the client is read-only.
    pub(crate) fn refuse_writes(&self, is_read: bool, name: &'static str) -> Result<(), Error> {
        if is_read || !self.config.read_only {
            return Ok(());
        }
        let message = format!("this client is read-only, and {name} is not a reading operation");
        Err(Error::new(ErrorKind::ReadOnly, message)
            .with_hint("nothing was sent; build a client without `read_only()` for it"))
    }
}

fn default_port(scheme: Option<&str>) -> Option<u16> {
    match scheme {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    }
}
