//! One operation from start to end: rate limits, faults before it, the operation, faults after it.

mod standings;
mod trouble;

use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use jiff::Timestamp;

use crate::answers;
use crate::auth;
use crate::call::{Answer, Call, Handler, Outcome};
use crate::counted_account::counted_account;
use crate::delivery::Delivery;
use crate::document::Operation;
use crate::entry::Entry;
use crate::error::Refusal;
use crate::faults::Phase;
use crate::faults::between_pages::{self, Shift};
use crate::gateway;
use crate::shared::Shared;
use crate::validate;
use standings::Standings;

/// A requested operation.
pub(crate) struct Asked<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) request: &'a Request<Bytes>,
    pub(crate) operation: &'static Operation,
    pub(crate) handler: Handler,
    pub(crate) path: Vec<(&'static str, String)>,
}

impl Asked<'_> {
    /// Does the operation unless a limit or a fault prevents it, and returns how the answer is delivered.
    pub(crate) async fn answer(&self, entry: &mut Entry<'_>) -> Delivery {
        let mut standings = Standings::default();
        if let Some(refusal) = self.refuse_address(&mut standings) {
            entry.set_status(refusal.status().as_u16());
            return Delivery::Whole(refusal);
        }
        let mut shift = None;
        match self.fire(Phase::Before, |kind| self.fits_before(kind)) {
            None => {}
            Some(kind) if kind.is_between_pages() => {
                entry.add_fault(&kind, Phase::Before);
                shift = Some(Shift::of(&kind));
            }
            Some(kind) => {
                if let Some(delivery) = self.suffer(&kind, Phase::Before, entry).await {
                    return delivery;
                }
            }
        }
        let (mut response, side_effect) = self.perform(shift, &mut standings);
        standings.write(self.shared, response.headers_mut());
        entry.set_status(response.status().as_u16());
        if side_effect {
            entry.set_side_effect();
            self.shared.changed.notify_one();
        }
        if !response.status().is_success() {
            return Delivery::Whole(response);
        }
        if let Some(kind) = self.fire(Phase::After, |_| true)
            && let Some(delivery) = self.suffer(&kind, Phase::After, entry).await
        {
            return delivery;
        }
        self.break_body(response, entry)
    }

    /// Counts the request for its address, and refuses it if the limit is exceeded.
    fn refuse_address(&self, standings: &mut Standings) -> Option<Response<Bytes>> {
        // A request in memory has no address, unless the caller sets one.
        let address = self.request.extensions().get::<IpAddr>().copied();
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        standings.address = self
            .shared
            .limiter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .ask_address(address, self.shared.clock.now());
        if !standings.address.is_some_and(|standing| standing.refused) {
            return None;
        }
        let mut response =
            gateway::error(StatusCode::TOO_MANY_REQUESTS, gateway::TOO_MANY_REQUESTS);
        standings.write(self.shared, response.headers_mut());
        Some(response)
    }

    /// Does the operation. The second value says whether it changed something.
    pub(crate) fn perform(
        &self,
        shift: Option<Shift>,
        standings: &mut Standings,
    ) -> (Response<Bytes>, bool) {
        let now = self.shared.clock.now();
        // A panic in a handler must not stop the server or poison the lock. The world stays consistent, because only
        // handlers use it and they check everything before they change it.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.call(now, shift, standings)));
        let Ok(outcome) = outcome else {
            let message = "An unexpected error occurred, please try again in a few minutes";
            return (
                gateway::error(StatusCode::INTERNAL_SERVER_ERROR, message),
                false,
            );
        };
        let (status, body, done) = match outcome {
            Ok(Ok(answer)) => (
                StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK),
                answer.body,
                true,
            ),
            Ok(Err(refusal)) => (refusal.status(self.operation), refusal.body(), false),
            Err(Unauthorized) => (
                StatusCode::UNAUTHORIZED,
                br#"{"message":"Bad Credentials"}"#.to_vec(),
                false,
            ),
        };
        if self.shared.check_answers
            && let Some(violation) = answers::violation(self.operation, status.as_u16(), &body)
        {
            answers::tell(&violation);
            self.shared
                .violations
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(violation);
        }
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        (response, done && self.operation.method != Method::GET)
    }

    fn call(
        &self,
        now: Timestamp,
        shift: Option<Shift>,
        standings: &mut Standings,
    ) -> Result<Outcome, Unauthorized> {
        let (request, operation) = (self.request, self.operation);
        let mut world = self
            .shared
            .world
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let caller = match auth::caller(&world, operation, request.headers()) {
            Some(caller) => caller,
            None if operation.open => String::new(),
            None => return Err(Unauthorized),
        };
        world.settle(now);
        let mut call = Call {
            operation,
            world: &mut world,
            now,
            caller,
            address: address(request),
            path: self.path.clone(),
            query: query(request.uri().query()),
            body: serde_json::Value::Null,
        };
        if self.is_over_account_limit(&call, standings) {
            return Ok(Err(Refusal::too_many_requests(gateway::TOO_MANY_REQUESTS)));
        }
        if let Some(shift) = shift {
            between_pages::shift(&mut call, shift);
        }
        Ok(perform(request, operation, self.handler, call))
    }

    fn is_over_account_limit(&self, call: &Call<'_>, standings: &mut Standings) -> bool {
        let mut limiter = self
            .shared
            .limiter
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if limiter.limits().account_per_hour.is_none() {
            return false;
        }
        let account = counted_account(call, self.request.body());
        standings.account = account.and_then(|account| limiter.ask_account(&account, call.now));
        standings.account.is_some_and(|standing| standing.refused)
    }
}

/// The credentials are missing or wrong.
struct Unauthorized;

fn perform(
    request: &Request<Bytes>,
    operation: &Operation,
    handler: Handler,
    mut call: Call<'_>,
) -> Result<Answer, Refusal> {
    validate::parameters(operation, &call.path, &call.query)?;
    call.body = validate::body(operation, request.headers(), request.body())?;
    handler(&mut call)
}

fn query(text: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(text.unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

/// The requested URL, with the host that the caller used.
fn address(request: &Request<Bytes>) -> String {
    let host = host(request.headers()).or_else(|| {
        request
            .uri()
            .authority()
            .map(|authority| authority.as_str())
    });
    format!(
        "http://{}{}",
        host.unwrap_or("localhost"),
        request.uri().path()
    )
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::clock::{Clock, ClockMode};
    use crate::document::document;
    use crate::limits::RateLimits;
    use crate::world::{Plan, Population};

    fn shared() -> Shared {
        let plan = Plan {
            population: Population::Documentation,
            user: "u".to_owned(),
            password: "p".to_owned(),
            users: Vec::new(),
            bearer_token: None,
            closed_accounts: Vec::new(),
            limits: RateLimits::none(),
        };
        Shared::new(0, Clock::new(ClockMode::Manual, None), plan, true)
    }

    fn get(path: &str) -> Request<Bytes> {
        let authorization = format!("Basic {}", STANDARD.encode("u:p"));
        Request::get(path)
            .header("authorization", authorization)
            .body(Bytes::new())
            .unwrap()
    }

    fn boom(_call: &mut Call<'_>) -> Outcome {
        panic!("a mistake in a handler")
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_a_500_and_the_simulator_goes_on() {
        let shared = shared();
        let operation = document()
            .operations
            .iter()
            .find(|operation| operation.id == "get_current_user")
            .unwrap();
        let asked = Asked {
            shared: &shared,
            request: &get("/v1/user"),
            operation,
            handler: boom,
            path: Vec::new(),
        };
        let (response, side_effect) = asked.perform(None, &mut Standings::default());
        assert_eq!(
            (response.status(), side_effect),
            (StatusCode::INTERNAL_SERVER_ERROR, false)
        );
        match crate::dispatch::answer(&shared, &get("/v1/user")).await {
            Delivery::Whole(response) => assert_eq!(response.status(), StatusCode::OK),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn addresses_are_at_the_host_that_was_asked() {
        let with_host = Request::get("/v1/sites?limit=1")
            .header("host", "sim.test:1")
            .body(Bytes::new())
            .unwrap();
        assert_eq!(address(&with_host), "http://sim.test:1/v1/sites");
        let absolute = Request::get("http://127.0.0.1:9/v1/sites")
            .body(Bytes::new())
            .unwrap();
        assert_eq!(address(&absolute), "http://127.0.0.1:9/v1/sites");
        assert_eq!(address(&get("/v1/sites")), "http://localhost/v1/sites");
    }
}
