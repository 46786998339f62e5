//! Waiting for a backup. All times are virtual.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use http::Request;
use tokio::time::Instant;
use wpengine::{
    ErrorKind,
    requests::Wait,
    transport::{HttpClient, ResponseFuture},
    types::Backup,
};
use wpengine_sim::{ClockMode, Simulator};

use crate::support::{
    calls::INSTALL,
    clients,
    script::{Script, Turn, json},
};

/// A service whose backup is in these states, one in each response. The last state stays.
fn backup_in(states: &'static [&'static str]) -> Arc<Script> {
    Script::new(move |number, _| {
        let state = states
            .get(number)
            .or(states.last())
            .copied()
            .unwrap_or_default();
        Ok(json(200, &format!(r#"{{"id":"b1","status":"{state}"}}"#)))
    })
}

fn wait(script: &Arc<Script>) -> Wait<Backup> {
    clients::of_the_service(script.clone())
        .install(INSTALL)
        .backup("b1")
        .wait()
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_the_backup_is_completed() {
    let script = backup_in(&["requested", "in_progress", "in_progress", "completed"]);
    let backup = wait(&script).await.expect("a backup");
    assert_eq!(backup.status.as_str(), "completed");
    assert_eq!(script.count(), 4);
    // Every request reads this backup.
    for request in script.requests() {
        assert_eq!(
            request.uri().path(),
            format!("/v1/installs/{INSTALL}/backups/b1")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_pauses_grow_from_two_seconds_to_thirty() {
    let script = backup_in(&["in_progress"]);
    wait(&script)
        .deadline(Duration::from_secs(600))
        .await
        .expect_err("it never ends");
    let times = script.times();
    let pauses: Vec<_> = times
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64())
        .collect();
    for (pause, expected) in pauses
        .iter()
        .zip([2.0, 3.0, 4.5, 6.75, 10.125, 15.187, 22.78, 30.0, 30.0])
    {
        assert!((pause - expected).abs() < 0.01, "{pauses:?}");
    }
    assert!(times.len() < 30, "{} requests in ten minutes", times.len());

    // A service on this machine is asked more often.
    let script = backup_in(&["in_progress"]);
    let client = clients::on(script.clone());
    let here = client.install(INSTALL).backup("b1").wait();
    here.deadline(Duration::from_secs(10))
        .await
        .expect_err("it never ends");
    assert!((12..20).contains(&script.count()), "{}", script.count());

    let script = backup_in(&["in_progress"]);
    let second = Duration::from_secs(1);
    let hasty = wait(&script)
        .pauses(second, second)
        .deadline(Duration::from_secs(10));
    hasty.await.expect_err("it never ends");
    assert_eq!(script.count(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_fails_is_an_error_with_its_state() {
    let script = backup_in(&["requested", "aborted"]);
    let error = wait(&script).await.expect_err("aborted");
    assert_eq!(error.kind(), ErrorKind::WorkFailed);
    assert_eq!(error.state(), Some("aborted"));
    assert!(error.to_string().contains("backup b1"), "{error}");
    assert!(!error.is_timeout());
}

#[tokio::test(start_paused = true)]
async fn a_state_that_nobody_knows_is_not_the_end() {
    let script = backup_in(&["initiated", "polishing", "", "completed"]);
    let backup = wait(&script).await.expect("a backup");
    assert_eq!(backup.status.as_str(), "completed");
    assert_eq!(script.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_its_limit_with_the_last_state() {
    let script = backup_in(&["requested", "in_progress"]);
    let started = Instant::now();
    let error = wait(&script)
        .deadline(Duration::from_secs(60))
        .await
        .expect_err("too slow");
    assert_eq!(error.kind(), ErrorKind::WaitTimedOut);
    assert!(error.is_timeout());
    assert_eq!(error.state(), Some("in_progress"));
    assert!(!error.may_have_happened());
    let took = started.elapsed();
    assert!((60_000..60_010).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_does_not_make_a_wait_longer_than_its_limit() {
    let script = Script::new(|number, _| match number {
        0 => Ok(json(200, r#"{"id":"b1","status":"in_progress"}"#)),
        _ => Err(Turn::Silence),
    });
    let started = Instant::now();
    let error = wait(&script)
        .deadline(Duration::from_secs(20))
        .await
        .expect_err("silence");
    assert_eq!(error.kind(), ErrorKind::WaitTimedOut);
    assert_eq!(error.state(), Some("in_progress"));
    assert!(
        started.elapsed() <= Duration::from_millis(20_010),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_of_yours_it_is_an_hour() {
    let script = backup_in(&["in_progress"]);
    let started = Instant::now();
    wait(&script).await.expect_err("it never ends");
    assert_eq!(started.elapsed().as_secs(), 3_600);
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_end_is_accepted() {
    let script = backup_in(&["requested", "in_progress", "completed"]);
    wait(&script)
        .deadline(Duration::MAX)
        .await
        .expect("a backup");
    let script = backup_in(&["in_progress"]);
    let pauses = wait(&script).pauses(Duration::MAX, Duration::MAX);
    pauses
        .deadline(Duration::from_secs(5))
        .await
        .expect_err("it never ends");
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_none_is_refused_before_anything_is_sent() {
    let script = backup_in(&["completed"]);
    let client = clients::on(script.clone());
    let error = client
        .install(INSTALL)
        .backup("../b1")
        .wait()
        .await
        .expect_err("no id");
    assert!(error.is_invalid_request());
    assert_eq!(script.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_progress_yields_every_answer_and_ends() {
    let script = backup_in(&["requested", "in_progress", "initiated", "completed"]);
    let states: Vec<_> = wait(&script)
        .progress()
        .map_ok(|backup| backup.status.to_string())
        .try_collect()
        .await
        .expect("every answer");
    assert_eq!(
        states,
        ["requested", "in_progress", "initiated", "completed"]
    );

    let script = backup_in(&["requested", "aborted"]);
    let mut progress = wait(&script).progress();
    assert_eq!(
        progress
            .try_next()
            .await
            .expect("one")
            .map(|backup| backup.status.to_string())
            .as_deref(),
        Some("requested")
    );
    assert_eq!(
        progress
            .next()
            .await
            .expect("one")
            .expect_err("aborted")
            .state(),
        Some("aborted")
    );
    assert!(progress.next().await.is_none());
    assert!(StreamExt::next(&mut progress).await.is_none());
    assert_eq!(script.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_progress_that_is_dropped_asks_no_more() {
    let script = backup_in(&["in_progress"]);
    let client = clients::on(script.clone());
    let unused = client.install(INSTALL).backup("b1").wait();
    drop(unused);
    assert_eq!(script.count(), 0);
    let mut progress = wait(&script).progress();
    for _ in 0..3 {
        progress.try_next().await.expect("an answer");
    }
    drop(progress);
    tokio::time::timeout(Duration::from_secs(20), wait(&script).into_future())
        .await
        .expect_err("still waiting");
    let asked = script.count();
    tokio::time::sleep(Duration::from_secs(10_000)).await;
    assert_eq!(script.count(), asked);
}

/// A simulator in memory. Its clock follows the virtual time of the test.
#[derive(Debug)]
struct InStep {
    simulator: Simulator,
    seen: Mutex<Instant>,
}

impl HttpClient for InStep {
    fn send(&self, request: Request<Bytes>, _: usize) -> ResponseFuture<'_> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        self.simulator.advance(now - *seen);
        *seen = now;
        Box::pin(async move { Ok(self.simulator.handle(request).await) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_backup_of_the_simulator_is_waited_for_in_its_own_time() {
    let simulator = Simulator::builder()
        .credentials("test-user", "test-password")
        .clock(ClockMode::Manual)
        .build();
    let wire = Arc::new(InStep {
        simulator: simulator.clone(),
        seen: Mutex::new(Instant::now()),
    });
    let install = clients::on(wire).install(INSTALL);
    let backup = install
        .backups()
        .create("before deploy", ["ops@example.com"])
        .await;
    let backup = backup.expect("a backup");
    assert_eq!(backup.status.as_str(), "requested");
    let started = Instant::now();
    let mut states: Vec<_> = install
        .backup(&backup.id)
        .wait()
        .progress()
        .map_ok(|backup| backup.status.to_string())
        .try_collect()
        .await
        .expect("every answer");
    states.dedup();
    assert_eq!(states, ["requested", "in_progress", "completed"]);
    let took = started.elapsed().as_secs();
    assert!((120..600).contains(&took), "{took}");

    let backup = install
        .backups()
        .create("again", ["ops@example.com"])
        .await
        .expect("a backup");
    assert!(simulator.abort_backup(INSTALL, &backup.id));
    let error = install
        .backup(&backup.id)
        .wait()
        .await
        .expect_err("aborted");
    assert_eq!(
        (error.kind(), error.state()),
        (ErrorKind::WorkFailed, Some("aborted"))
    );
    assert_eq!(simulator.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_question_that_fails_for_a_while_does_not_end_a_wait() {
    for turn in [
        Turn::Connect,
        Turn::Broken,
        Turn::Silence,
        Turn::Status(503),
        Turn::Status(429),
        Turn::Status(500),
    ] {
        let script = Script::new(move |number, _| match number {
            0 => Ok(json(200, r#"{"id":"b1","status":"in_progress"}"#)),
            1..=12 => Err(turn),
            13 => Ok(json(200, "<html>")),
            _ => Ok(json(200, r#"{"id":"b1","status":"completed"}"#)),
        });
        let wait = wait(&script).deadline(Duration::from_secs(24 * 3_600));
        let backup = wait
            .await
            .unwrap_or_else(|error| panic!("{turn:?}: {error}"));
        assert_eq!(backup.status.as_str(), "completed");
    }
    // A refusal ends the wait at once.
    for status in [401, 403, 404] {
        let script = Script::new(move |number, _| match number {
            0 => Ok(json(200, r#"{"id":"b1","status":"in_progress"}"#)),
            _ => Err(Turn::Status(status)),
        });
        let error = wait(&script).await.expect_err("refused");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        assert_eq!(script.count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_ends_unanswered_says_the_last_state_and_why() {
    let script = Script::new(|number, _| match number {
        0 => Ok(json(200, r#"{"id":"b1","status":"in_progress"}"#)),
        _ => Err(Turn::Connect),
    });
    let wait = wait(&script).deadline(Duration::from_secs(600));
    let error = wait.await.expect_err("it is never answered");
    assert_eq!(error.kind(), ErrorKind::WaitTimedOut);
    assert_eq!(error.state(), Some("in_progress"));
    assert!(
        error
            .to_string()
            .contains("the last request for its state failed"),
        "{error}"
    );
    let cause = std::error::Error::source(&error).expect("why");
    assert!(cause.to_string().contains("cannot connect"), "{cause}");
}

#[tokio::test(start_paused = true)]
async fn a_backup_of_another_id_is_not_the_one_that_is_waited_for() {
    let script = Script::answering(r#"{"id":"b2","status":"completed"}"#);
    let error = wait(&script).await.expect_err("another backup");
    assert_eq!((error.kind(), script.count()), (ErrorKind::Decode, 1));
    assert!(error.to_string().contains("backup b2"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn work_is_started_once_and_then_waited_for() {
    let script = Script::new(|number, request| {
        let body = match number {
            0 => r#"{"id":"b1","status":"requested"}"#,
            1 => r#"{"id":"b1","status":"in_progress"}"#,
            _ => r#"{"id":"b1","status":"completed"}"#,
        };
        let method = if number == 0 { "POST" } else { "GET" };
        assert_eq!(request.method(), method);
        Ok(json(200, body))
    });
    let install = clients::on(script.clone()).install(INSTALL);
    let create = install.backups().create("a", ["a@example.com"]);
    let states: Vec<String> = create
        .wait()
        .progress()
        .map_ok(|backup| backup.status.to_string())
        .try_collect()
        .await
        .expect("a backup");
    assert_eq!(states, ["requested", "in_progress", "completed"]);

    // The request that starts the work is not retried.
    for (turn, happened) in [(Turn::Status(503), true), (Turn::Status(403), false)] {
        let script = Script::always(turn);
        let install = clients::on(script.clone()).install(INSTALL);
        let create = install.backups().create("a", ["a@example.com"]);
        let error = create.wait().await.expect_err("it is not started");
        assert_eq!((error.may_have_happened(), script.count()), (happened, 1));
    }
    let script = Script::always(Turn::Silence);
    let install = clients::on(script.clone()).install(INSTALL);
    let create = install.backups().create("a", ["a@example.com"]);
    let error = create.wait().deadline(Duration::from_secs(5)).await;
    let error = error.expect_err("silence");
    assert!(error.may_have_happened() && error.is_timeout(), "{error}");
}
