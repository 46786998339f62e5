//! The quick start as a program: the example's source, built with these tests.

use std::time::{Duration, Instant};

use wpengine_sim::{ClockMode, Simulator};

use crate::support::program::{quickstart, stderr, stdout};

#[tokio::test]
async fn without_credentials_it_ends_with_a_completed_backup_within_ten_seconds() {
    let started = Instant::now();
    let output = quickstart(&[], &[]).await;
    let took = started.elapsed();
    let text = stdout(&output);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    assert_eq!(
        text.trim_end().lines().last().map(str::trim),
        Some("completed"),
        "{text}"
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(stderr(&output), "");
    let mut after = text.as_str();
    for step in [
        "simulator",
        "1. ",
        "2. ",
        "3. ",
        "4. ",
        "5. ",
        "requested",
        "6. ",
        "7. ",
        "completed",
    ] {
        let place = after
            .find(step)
            .unwrap_or_else(|| panic!("`{step}` is missing or too early: {text}"));
        after = &after[place + step.len()..];
    }
}

async fn with_credentials(simulator: &Simulator, arguments: &[&str]) -> std::process::Output {
    let url = simulator.base_url();
    let variables = [
        ("WPE_API_BASE_URL", url.as_str()),
        ("WPE_API_USER_ID", simulator.user()),
        ("WPE_API_PASSWORD", simulator.password()),
    ];
    quickstart(&variables, arguments).await
}

#[tokio::test]
async fn with_credentials_it_reads_and_changes_nothing() {
    let simulator = Simulator::builder().start().await.expect("a simulator");
    let output = with_credentials(&simulator, &[]).await;
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("--write"));
    assert!(simulator.requests().len() >= 4);
    assert_eq!(simulator.side_effects(), 0);
}

#[tokio::test]
async fn with_credentials_and_leave_to_write_it_does_all_of_it() {
    let simulator = Simulator::builder()
        .clock(ClockMode::Accelerated(100.0))
        .start()
        .await
        .expect("a simulator");
    let output = with_credentials(&simulator, &["--write"]).await;
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).trim_end().ends_with("completed"));
    // The program created a backup and a user.
    assert_eq!(simulator.side_effects(), 2);
    assert_eq!(simulator.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_argument_that_it_does_not_know_is_an_error() {
    let output = quickstart(&[], &["--wirte"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("`--wirte`"));
    assert_eq!(stdout(&output), "");
}
