//! Shows what a client does: its spans, its counters, and the state of its rate-limit windows.
//!
//! ```text
//! cargo run --example counters
//! ```
//!
//! It always uses a simulator in this process, with injected faults: a failed request that is retried, a 429 that is
//! retried, requests that wait for the client's own rate limit, and a failed write that is not retried. The output
//! contains no password or token.
#![allow(clippy::print_stdout)]

use std::{error::Error, time::Duration};

use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt::{format::FmtSpan, time::uptime},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};
use wpengine::{
    Client, Credentials, RetryPolicy,
    limits::{Window, Windows},
};
use wpengine_sim::{Fault, FaultKind, RetryAfter, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Prints each span when it ends, with its fields and its duration. A real program would write the spans to its log
    // or send them to a collector: see `examples/otlp`.
    let lines = tracing_subscriber::fmt::layer()
        .with_span_events(FmtSpan::CLOSE)
        .with_timer(uptime())
        .with_ansi(false)
        .with_filter(Targets::new().with_target("wpengine", LevelFilter::TRACE));
    tracing_subscriber::registry().with(lines).init();

    let simulator = Simulator::builder().start().await?;
    let client = Client::builder()
        .base_url(simulator.base_url())
        .credentials(Credentials::basic(simulator.user(), simulator.password()))
        .retry(RetryPolicy::default().first_wait(Duration::from_millis(100)))
        // Far below the API's limits, so that requests have to wait.
        .rate_limiter(
            Windows::new([Window::new(5, Duration::from_secs(2))], [])
                .margin(Duration::from_millis(100)),
        )
        .build()?;
    println!("This runs against a simulator that fails now and then.");

    println!("\n1. A listing whose first request fails: it is repeated");
    simulator
        .faults()
        .add(Fault::new(FaultKind::EmptyServiceUnavailable).on("list_installs"))?;
    let installs = client.installs().list().collect().await?;
    println!("   {} installs", installs.len());

    println!("\n2. A request that the service refuses for its rate: it is waited for");
    let busy = FaultKind::TooManyRequests(Some(RetryAfter::Seconds(1)));
    simulator
        .faults()
        .add(Fault::new(busy).on("get_current_user"))?;
    println!("   {}", client.current_user().await?.email);

    println!("\n3. More requests than the windows hold: some wait");
    let outcome = wpengine::for_each_of(&installs[..installs.len().min(4)])
        .run(|install| client.install(&install.id).get().into_future())
        .await;
    println!("   {} done", outcome.done.len());

    println!("\n4. A write that fails: it is not repeated, since it may have been done");
    simulator
        .faults()
        .add(Fault::new(FaultKind::InternalServerError).on("create_site"))?;
    let account = client.accounts().list().items().try_next().await?;
    let account = account.ok_or("there is no account")?.id;
    match client.sites().create("A new site", account).await {
        Ok(site) => println!("   {}", site.name),
        Err(error) => println!("   {error}"),
    }

    print_counters(&client);
    print_windows(&client);
    Ok(())
}

fn print_counters(client: &Client) {
    let counters = client.counters();
    println!("\nCounters");
    for (name, number) in [
        ("calls", counters.calls),
        ("attempts", counters.attempts),
        ("failures", counters.failures),
        ("refused for the rate", counters.throttled),
        ("waited for the windows", counters.limited),
    ] {
        println!("   {name:<24}{number:>6}");
    }
    let waited = counters.limited_for.as_secs_f64();
    println!("   {:<24}{waited:>6.1} s", "waited in all");
}

fn print_windows(client: &Client) {
    println!("\nWindows");
    for state in client.rate_limit_state(None) {
        println!(
            "   {} in {:?}: {} left, {} waiting, {}",
            state.window.limit(),
            state.window.period(),
            state.left,
            state.waiting,
            match state.paused_for {
                Some(pause) => format!("paused for {:.1} s", pause.as_secs_f64()),
                None => "not paused".to_owned(),
            }
        );
    }
}
