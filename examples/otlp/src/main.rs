//! Exports the spans of the SDK to an OpenTelemetry collector, with OTLP over HTTP.
//!
//! ```text
//! cargo run -p wpengine-otlp-example
//! OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 cargo run -p wpengine-otlp-example
//! ```
//!
//! The second command exports to your own collector. The first one starts a small receiver in this process and prints
//! what it received. The calls go to a simulator that fails once, so that one call has two attempts. This example is a
//! separate package, because the exporter has many dependencies that the other examples do not need.
#![allow(clippy::print_stdout)]

mod receiver;

use std::{error::Error, time::Duration};

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use serde_json::Value;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};
use wpengine::{Client, Credentials, RetryPolicy};
use wpengine_sim::{Fault, FaultKind, Simulator};

use receiver::Receiver;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

fn main() -> Result<(), Box<dyn Error>> {
    let has_collector = std::env::var_os(ENDPOINT).is_some_and(|url| !url.is_empty());
    let receiver = match has_collector {
        true => None,
        false => Some(Receiver::start()?),
    };
    let provider = provider(receiver.as_ref())?;

    // Only spans of the SDK. The exporter also has an HTTP client, and exporting its spans would create more spans.
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("wpengine"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(Targets::new().with_target("wpengine", LevelFilter::TRACE));
    tracing_subscriber::registry().with(layer).init();

    tokio::runtime::Runtime::new()?.block_on(calls())?;

    // Exports the remaining spans; without this the last ones are lost.
    let sent = provider.force_flush();
    provider.shutdown()?;
    match &receiver {
        Some(receiver) => print(&receiver.spans()),
        None => match sent {
            Ok(()) => println!("The spans are with the collector that {ENDPOINT} names."),
            Err(error) => {
                return Err(format!(
                    "the collector that {ENDPOINT} names did not take the spans: {error}"
                )
                .into());
            }
        },
    }
    Ok(())
}

/// Exports in batches from its own thread, so that calls never wait for the collector.
fn provider(receiver: Option<&Receiver>) -> Result<SdkTracerProvider, Box<dyn Error>> {
    let mut http = reqwest::blocking::Client::builder().timeout(Duration::from_secs(10));
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpJson);
    if let Some(receiver) = receiver {
        // Loopback needs no proxy and no certificates.
        http = http.no_proxy().tls_certs_only([]);
        exporter = exporter.with_endpoint(format!("{}/v1/traces", receiver.endpoint()));
    }
    let exporter = exporter.with_http_client(http.build()?).build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(
            Resource::builder()
                .with_service_name("wpengine-otlp-example")
                .build(),
        )
        .build())
}

async fn calls() -> Result<(), Box<dyn Error>> {
    let simulator = Simulator::builder().start().await?;
    let client = Client::builder()
        .base_url(simulator.base_url())
        .credentials(Credentials::basic(simulator.user(), simulator.password()))
        .retry(RetryPolicy::default().first_wait(Duration::from_millis(10)))
        .build()?;

    println!("{}", client.current_user().await?.email);

    // The first attempt fails and is retried: one call span, two attempt spans.
    let fault = Fault::new(FaultKind::EmptyServiceUnavailable).on("list_installs");
    simulator.faults().add(fault)?;
    println!("{} installs", client.installs().list().count().await?);

    // The span of a failed call contains the error.
    if let Err(error) = client.site("no-such-site").get().await {
        println!("{error}");
    }
    Ok(())
}

/// Prints one span a line, oldest first, with its attributes sorted by name.
fn print(spans: &[Value]) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut spans: Vec<&Value> = spans.iter().collect();
    spans.sort_by_key(|span| text(&span["startTimeUnixNano"]).parse::<u64>().unwrap_or(0));
    println!("\n{} spans arrived:", spans.len());
    for span in spans {
        let kind = match span["kind"].as_u64() {
            Some(1) => "internal",
            Some(3) => "client",
            _ => "other",
        };
        let failed = match span["status"]["code"].as_u64() {
            Some(2) => " ERROR",
            _ => "",
        };
        println!("{} ({kind}){failed}", text(&span["name"]));
        let attributes = span["attributes"].as_array().cloned().unwrap_or_default();
        let mut lines: Vec<String> = attributes
            .iter()
            .map(|attribute| {
                format!(
                    "  {} = {}",
                    text(&attribute["key"]),
                    of(&attribute["value"])
                )
            })
            .collect();
        lines.sort();
        println!("{}", lines.join("\n"));
    }
}

/// The value without the name of its type: `{"stringValue": "GET"}` becomes `GET`.
fn of(value: &Value) -> String {
    let inner = value.as_object().and_then(|object| object.values().next());
    match inner {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
