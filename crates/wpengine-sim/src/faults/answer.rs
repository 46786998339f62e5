//! The answers of a gateway when the service behind it fails.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};

use super::fault::{FaultKind, RetryAfter};
use crate::gateway;

/// The answer of a fault that replaces the answer; `None` for other kinds.
pub(crate) fn answer(kind: &FaultKind, now: Timestamp) -> Option<Response<Bytes>> {
    Some(match kind {
        FaultKind::HtmlBadGateway => page(StatusCode::BAD_GATEWAY, "Bad Gateway"),
        FaultKind::HtmlServiceUnavailable => {
            page(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        FaultKind::EmptyServiceUnavailable => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
        FaultKind::TooManyRequests(retry_after) => {
            let mut response =
                gateway::error(StatusCode::TOO_MANY_REQUESTS, gateway::TOO_MANY_REQUESTS);
            let value = retry_after.as_ref().and_then(|after| value(after, now));
            if let Some(value) = value {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
            response
        }
        FaultKind::InternalServerError => gateway::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "An unexpected error occurred, please try again in a few minutes",
        ),
        FaultKind::GatewayTimeout => {
            gateway::error(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out")
        }
        _ => return None,
    })
}

fn value(after: &RetryAfter, now: Timestamp) -> Option<HeaderValue> {
    match after {
        RetryAfter::Seconds(seconds) => Some(HeaderValue::from(*seconds)),
        RetryAfter::Date { date_in_seconds } => {
            let date = now
                .saturating_add(SignedDuration::from_secs(*date_in_seconds))
                .unwrap_or(now);
            HeaderValue::try_from(gateway::http_date(date)).ok()
        }
        RetryAfter::Text(text) => HeaderValue::from_str(text).ok(),
    }
}

fn page(status: StatusCode, title: &str) -> Response<Bytes> {
    let number = status.as_u16();
    let body = format!(
        "<html>\r\n<head><title>{number} {title}</title></head>\r\n<body>\r\n<center><h1>{number} {title}</h1></center>\r\n\
         <hr><center>CloudFront</center>\r\n</body>\r\n</html>\r\n"
    );
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}
