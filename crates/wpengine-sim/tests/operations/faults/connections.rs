//! Connections that break or never respond.

use std::io::ErrorKind;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wpengine_sim::{Broken, Fault, FaultKind, Phase, Simulator};

use super::{add, post_backup, taken};
use crate::api::{Api, INSTALL};

/// Sends a request over a plain socket. Returns the text that was received and how the connection ended.
async fn raw(api: &Api, path: &str) -> (String, Result<(), ErrorKind>) {
    let secret = format!("{}:{}", api.simulator.user(), api.simulator.password());
    let mut stream = TcpStream::connect(api.simulator.address().unwrap())
        .await
        .unwrap();
    let request = format!(
        "GET /v1{path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic {}\r\nconnection: close\r\n\r\n",
        STANDARD.encode(secret)
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await;
    (
        String::from_utf8_lossy(&bytes).into_owned(),
        end.map(|_| ()).map_err(|error| error.kind()),
    )
}

#[tokio::test]
async fn an_answer_is_lost_after_the_backup_was_taken() {
    let api = Api::start().await;
    add(
        &api,
        Fault::new(FaultKind::Reset).on("create_backup").after(),
    );
    let error = post_backup(&api).send().await.unwrap_err();
    assert!(error.status().is_none(), "{error:?}");
    assert_eq!(taken(&api).await, 1, "the backup exists");
    assert_eq!(api.simulator.side_effects(), 1);
    let requests = api.simulator.requests();
    let seen = requests
        .iter()
        .find(|seen| seen.operation == Some("create_backup"))
        .unwrap();
    assert_eq!((seen.status, seen.side_effect), (202, true));
    assert_eq!(seen.faults, ["reset after"]);
    let count = api.simulator.operation_counts()["create_backup"];
    assert_eq!((count.requests, count.side_effects), (1, 1));
}

#[tokio::test]
async fn a_reset_before_the_operation_leaves_it_undone() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::Reset).on("create_backup"));
    post_backup(&api).send().await.unwrap_err();
    let seen = &api.simulator.requests()[0];
    assert_eq!((seen.status, seen.side_effect), (0, false));
    assert_eq!(taken(&api).await, 0);
    assert_eq!(post_backup(&api).send().await.unwrap().status(), 202);
}

#[tokio::test]
async fn a_request_that_is_refused_does_not_count_as_done() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::Reset).on("get_site").after());
    assert_eq!(api.get("/sites/missing").await.0, 404);
    assert_eq!(api.simulator.faults().list()[0].seen, 0);
}

#[tokio::test]
async fn the_tcp_connection_is_really_reset() {
    let api = Api::start().await;
    for phase in [Phase::Before, Phase::After] {
        add(&api, Fault::new(FaultKind::Reset).in_phase(phase));
        assert_eq!(
            raw(&api, "/sites").await,
            (String::new(), Err(ErrorKind::ConnectionReset)),
            "{phase:?}"
        );
    }
}

#[tokio::test]
async fn a_reset_in_the_body_comes_after_its_first_half() {
    let api = Api::start().await;
    let (whole, end) = raw(&api, "/sites").await;
    assert_eq!(end, Ok(()));
    let (_, whole) = whole.split_once("\r\n\r\n").unwrap();
    add(&api, Fault::new(FaultKind::Reset).in_body());
    let (half, end) = raw(&api, "/sites").await;
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    let (head, half) = half.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(
        head.contains(&format!("content-length: {}", whole.len())),
        "{head}"
    );
    assert_eq!(half, &whole[..whole.len() / 2]);
}

#[tokio::test]
async fn an_answer_without_a_body_cannot_break_in_it() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::Reset).in_body());
    let purge = format!("/installs/{INSTALL}/purge_cache");
    assert_eq!(
        api.post(&purge, serde_json::json!({ "type": "page" }))
            .await
            .0,
        202
    );
    assert_eq!(api.simulator.faults().list()[0].seen, 0);
}

#[tokio::test]
async fn nothing_comes_on_a_connection_that_hangs_and_others_go_on() {
    let api = Api::start().await;
    for (phase, done) in [(Phase::Before, false), (Phase::After, true)] {
        add(
            &api,
            Fault::new(FaultKind::Hang)
                .on("create_backup")
                .in_phase(phase),
        );
        let before = api.simulator.side_effects();
        let mut hanging = std::pin::pin!(post_backup(&api).send());
        // The request is in the log as soon as it hangs.
        loop {
            tokio::select! {
                biased;
                answer = &mut hanging => panic!("{answer:?}"),
                (status, _) = api.get("/user") => assert_eq!(status, 200),
            }
            let acted = api
                .simulator
                .requests()
                .iter()
                .any(|seen| !seen.faults.is_empty());
            if acted {
                break;
            }
        }
        assert_eq!(
            api.simulator.side_effects() - before,
            u64::from(done),
            "{phase:?}"
        );
        api.simulator.clear_requests();
        api.simulator.faults().clear();
    }
}

#[tokio::test]
async fn a_body_that_hangs_has_its_first_half() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::Hang).in_body());
    let mut response = api
        .request(reqwest::Method::GET, "/sites")
        .send()
        .await
        .unwrap();
    let length = response.content_length().unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert_eq!(first.len() as u64, length / 2);
    let second = std::future::poll_fn(|context| {
        let mut chunk = std::pin::pin!(response.chunk());
        std::task::Poll::Ready(chunk.as_mut().poll(context).is_pending())
    });
    assert!(second.await);
}

#[tokio::test]
async fn connections_end_with_the_simulator() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::Hang).in_body());
    let mut response = api
        .request(reqwest::Method::GET, "/sites")
        .send()
        .await
        .unwrap();
    response.chunk().await.unwrap();
    drop(api);
    let end = tokio::time::timeout(Duration::from_secs(10), response.chunk()).await;
    end.expect("the connection was left open").unwrap_err();
}

fn sites(simulator: &Simulator) -> Request<Bytes> {
    let secret = STANDARD.encode(format!("{}:{}", simulator.user(), simulator.password()));
    Request::get("/v1/sites")
        .header("authorization", format!("Basic {secret}"))
        .body(Bytes::new())
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn in_memory_a_broken_connection_is_an_error_of_its_own() {
    let simulator = Simulator::builder().build();
    let faults = simulator.faults();
    faults.add(Fault::new(FaultKind::Reset)).unwrap();
    let broken = simulator.exchange(sites(&simulator)).await.unwrap_err();
    assert!(matches!(broken, Broken::BeforeAnswer), "{broken}");
    faults.add(Fault::new(FaultKind::Reset).in_body()).unwrap();
    match simulator.exchange(sites(&simulator)).await.unwrap_err() {
        Broken::InBody(response) => {
            let length: usize = response.headers()["content-length"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(
                (response.status().as_u16(), response.body().len()),
                (200, length / 2)
            );
        }
        other => panic!("{other}"),
    }
    faults.add(Fault::new(FaultKind::Reset)).unwrap();
    let response = simulator.handle(sites(&simulator)).await;
    assert_eq!(response.status(), 502);
    for phase in [Phase::Before, Phase::After, Phase::Body] {
        faults
            .add(Fault::new(FaultKind::Hang).in_phase(phase))
            .unwrap();
        let hanging = tokio::time::timeout(
            Duration::from_secs(3600),
            simulator.handle(sites(&simulator)),
        );
        hanging.await.unwrap_err();
    }
    assert_eq!(simulator.handle(sites(&simulator)).await.status(), 200);
}
