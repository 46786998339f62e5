//! The page of a running service: for people, and for what watches it.

use std::{convert::Infallible, fmt::Write as _, future::Future, net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{EndpointStatus, PollerStatus, Query, service::View};

/// The events that the page shows.
const LATEST: usize = 100;

/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);

/// The most connections at the same time.
const CONNECTIONS: usize = 32;

pub(crate) async fn serve(listener: TcpListener, view: View, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut stop => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => {
                let Ok((stream, _)) = accepted else {
                    // There are no file descriptors left, for example.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let view = view.clone();
                connections.spawn(async move {
                    let service = service_fn(|request| answer(&view, request));
                    // An error is of the other side.
                    let _ = http1::Builder::new()
                        .timer(TokioTimer::new())
                        .header_read_timeout(HEAD)
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        }
    }
}

/// Whether a request is meant for this page. A page of the internet whose name leads here has another `Host`.
fn is_for_us(request: &Request<Incoming>) -> bool {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, _)) => name,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

async fn answer(
    view: &View,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let plain = |status: StatusCode, text: &str| {
        respond(status, "text/plain; charset=utf-8", format!("{text}\n"))
    };
    if !is_for_us(&request) {
        return Ok(plain(
            StatusCode::MISDIRECTED_REQUEST,
            "ask for this page by its address or as localhost",
        ));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "this page can only be read",
        ));
    }
    let status = view.watch.status();
    let endpoints = match view.events.endpoints().await {
        Ok(endpoints) => endpoints,
        Err(error) => return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, &error.to_string())),
    };
    Ok(match request.uri().path() {
        "/health" => {
            let troubles = view.troubles(&status);
            let code = if troubles.is_empty() {
                StatusCode::OK
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            };
            let body = json!({ "ok": troubles.is_empty(), "troubles": troubles, "poller": status, "endpoints": endpoints });
            respond(code, "application/json", format!("{body}\n"))
        }
        "/metrics" => respond(
            StatusCode::OK,
            "text/plain; version=0.0.4; charset=utf-8",
            metrics(&status, &endpoints),
        ),
        "/events" | "/" => {
            let latest = Query {
                last: Some(LATEST),
                ..Query::default()
            };
            let latest = match view.events.list(latest).await {
                Ok(latest) => latest,
                Err(error) => {
                    return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()));
                }
            };
            if request.uri().path() == "/events" {
                let events: Vec<_> = latest.iter().map(|stored| stored.event.to_json()).collect();
                respond(
                    StatusCode::OK,
                    "application/json",
                    format!("{}\n", json!(events)),
                )
            } else {
                respond(
                    StatusCode::OK,
                    "text/html; charset=utf-8",
                    html(view, &status, &endpoints, &latest),
                )
            }
        }
        _ => plain(
            StatusCode::NOT_FOUND,
            "there are /, /events, /health and /metrics",
        ),
    })
}

fn respond(status: StatusCode, media_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// In the text format of Prometheus.
fn metrics(status: &PollerStatus, endpoints: &[EndpointStatus]) -> String {
    let mut text = String::new();
    let mut one = |name: &str, kind: &str, help: &str, values: &[(String, f64)]| {
        let _ = writeln!(
            text,
            "# HELP wpengine_events_{name} {help}\n# TYPE wpengine_events_{name} {kind}"
        );
        for (labels, value) in values {
            let _ = writeln!(text, "wpengine_events_{name}{labels} {value}");
        }
    };
    let plain = |value: f64| vec![(String::new(), value)];
    let seconds =
        |time: Option<wpengine::jiff::Timestamp>| time.map_or(0.0, |time| time.as_second() as f64);
    one(
        "looks_total",
        "counter",
        "Looks that succeeded.",
        &plain(status.looks as f64),
    );
    one(
        "look_failures_total",
        "counter",
        "Looks that failed.",
        &plain(status.failures as f64),
    );
    one(
        "requests_total",
        "counter",
        "Requests that were sent.",
        &plain(status.requests as f64),
    );
    one(
        "changes_total",
        "counter",
        "Changes that were seen.",
        &plain(status.changes as f64),
    );
    one(
        "listings",
        "gauge",
        "Listings that are looked at.",
        &plain(status.listings as f64),
    );
    one(
        "last_look_timestamp_seconds",
        "gauge",
        "When a look succeeded last.",
        &plain(seconds(status.last_look)),
    );
    if let Some(delay) = status.delay {
        one(
            "delay_seconds",
            "gauge",
            "Mean delay from a change until it was seen.",
            &plain(delay),
        );
    }
    one(
        "best_delay_seconds",
        "gauge",
        "Least mean delay that the limits allow.",
        &plain(status.best_delay),
    );
    one(
        "longest_commit_seconds",
        "gauge",
        "Longest time that it took to write what a look showed.",
        &plain(status.longest_commit),
    );
    one(
        "lagging",
        "gauge",
        "Classes of listings that are later than promised.",
        &plain(status.lagging.len() as f64),
    );
    let promised: Vec<_> = status
        .promised
        .iter()
        .map(|(class, value)| (format!("{{class=\"{class}\"}}"), *value))
        .collect();
    one(
        "interval_seconds",
        "gauge",
        "Longest interval between two looks that is promised.",
        &promised,
    );
    let each = |value: fn(&EndpointStatus) -> f64| -> Vec<(String, f64)> {
        endpoints
            .iter()
            .filter(|endpoint| endpoint.configured)
            .map(|endpoint| {
                (
                    format!("{{endpoint=\"{}\"}}", endpoint.name),
                    value(endpoint),
                )
            })
            .collect()
    };
    one(
        "deliveries_pending",
        "gauge",
        "Deliveries that are to be done.",
        &each(|endpoint| endpoint.pending as f64),
    );
    one(
        "deliveries_dead",
        "gauge",
        "Deliveries that were given up.",
        &each(|endpoint| endpoint.dead as f64),
    );
    one(
        "endpoint_failing_since_timestamp_seconds",
        "gauge",
        "Since when every delivery has failed; 0 if none has.",
        &each(|endpoint| {
            endpoint
                .failing_since
                .map_or(0.0, |since| since.as_second() as f64)
        }),
    );
    one(
        "endpoint_disabled",
        "gauge",
        "Whether an endpoint is disabled.",
        &each(|endpoint| f64::from(u8::from(endpoint.disabled_at.is_some()))),
    );
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A length of time for people.
fn length(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7_200.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3_600.0),
    }
}

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c2530;background:#fff}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
td,th{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #dfe4ea;vertical-align:top}\
td.n,th.n{text-align:right}code{font-size:.9em}.bad{color:#a3120b;font-weight:600}.good{color:#126b2e;font-weight:600}.dim{color:#66717e}\
@media(prefers-color-scheme:dark){body{color:#dde3ea;background:#14181d}td,th{border-color:#2b333c}.bad{color:#ff8a80}.good{color:#7bd88f}.dim{color:#8b96a3}}";

fn html(
    view: &View,
    status: &PollerStatus,
    endpoints: &[EndpointStatus],
    latest: &[crate::Stored],
) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"10\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>wpengine events</title><style>{STYLE}</style><h1>Events</h1>"
    );
    let troubles = view.troubles(status);
    let _ = match troubles.is_empty() {
        true => write!(page, "<p class=\"good\">All is well.</p>"),
        false => write!(
            page,
            "<p class=\"bad\">{}</p>",
            escaped(&troubles.join("; "))
        ),
    };
    let delay = status
        .delay
        .map_or_else(|| "no change seen yet".to_owned(), length);
    let _ = write!(
        page,
        "<p>{} listings, {} looks, {} changes, {} requests. Mean delay until a change is seen: <b>{delay}</b>; \
         the least that the limits and the known changes allow: <b>{}</b>.</p>",
        status.listings,
        status.looks,
        status.changes,
        status.requests,
        length(status.best_delay),
    );
    page.push_str("<h2>Endpoints</h2>");
    if endpoints.is_empty() {
        page.push_str("<p class=\"dim\">None: events are kept, and not delivered.</p>");
    } else {
        page.push_str("<table><tr><th>name<th>target<th class=\"n\">pending<th class=\"n\">delivered<th class=\"n\">dead<th>state");
        for endpoint in endpoints {
            let state = match (&endpoint.disabled_at, &endpoint.failing_since) {
                (Some(at), _) => format!(
                    "<span class=\"bad\">disabled {at}: {}</span>",
                    escaped(endpoint.reason.as_deref().unwrap_or_default())
                ),
                (None, Some(since)) if endpoint.configured => format!(
                    "<span class=\"bad\">failing since {since}: {}</span>",
                    escaped(endpoint.reason.as_deref().unwrap_or_default())
                ),
                (None, None) if endpoint.configured => {
                    "<span class=\"good\">works</span>".to_owned()
                }
                _ => "<span class=\"dim\">not in the settings</span>".to_owned(),
            };
            let _ = write!(
                page,
                "<tr><td>{}<td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td>{state}",
                escaped(&endpoint.name),
                escaped(&endpoint.target),
                endpoint.pending,
                endpoint.delivered,
                endpoint.dead,
            );
        }
        page.push_str("</table>");
    }
    page.push_str("<h2>How long it is from look to look</h2><table><tr><th>listing<th class=\"n\">at most<th>");
    for (class, seconds) in &status.promised {
        let late = if status.lagging.contains(class) {
            "<span class=\"bad\">late</span>"
        } else {
            ""
        };
        let _ = write!(
            page,
            "<tr><td>{class}<td class=\"n\">{}<td>{late}",
            length(*seconds)
        );
    }
    page.push_str("</table><h2>The latest events</h2><table><tr><th>observed<th>type<th>subject<th>changed<th>id");
    for stored in latest.iter().rev() {
        let event = &stored.event;
        let changed: Vec<&str> = event
            .data
            .get("previous_attributes")
            .and_then(|previous| previous.as_object())
            .map(|previous| previous.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let name = match event.text("install") {
            "" => String::new(),
            name => format!(" <span class=\"dim\">{}</span>", escaped(name)),
        };
        let _ = write!(
            page,
            "<tr><td>{}<td>{}{}<td><code>{}</code>{name}<td>{}<td><code class=\"dim\">{}</code>",
            event.timestamp.strftime("%Y-%m-%d %H:%M:%S"),
            escaped(&event.kind),
            if event.is_test() { " <b>test</b>" } else { "" },
            escaped(event.subject()),
            escaped(&changed.join(", ")),
            escaped(&event.id),
        );
    }
    page.push_str("</table></html>");
    page
}
