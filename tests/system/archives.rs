//! Archives: create, find, wait for and download them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, Response, header};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};
use wpengine::{
    Client, Error, ErrorKind,
    transport::{BodyStream, HeadFuture, HttpClient, ResponseFuture},
    types::SecretLink,
};
use wpengine_sim::{ClockMode, Fault, FaultKind, Simulator};

use crate::support::{
    calls::INSTALL,
    clients,
    script::{self, Script, Turn},
    simulated,
};

const BACKUP: &str = "e41fa98f-ea80-4654-b229-a9b765d0863a";

fn simulator() -> (Simulator, Client) {
    let simulator = Simulator::builder().build();
    let client = simulated::builder(&simulator).build().expect("a client");
    (simulator, client)
}

async fn downloaded(client: &Client, link: &str) -> Result<Vec<u8>, Error> {
    let mut download = client.download(&SecretLink::new(link)).await?;
    let mut all = Vec::new();
    while let Some(bytes) = download.try_next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

#[tokio::test]
async fn an_archive_is_made_of_a_backup_waited_for_and_downloaded() {
    let simulator = Simulator::builder()
        .clock(ClockMode::Accelerated(3_000.0))
        .start()
        .await
        .expect("a simulator");
    let install = clients::of(&simulator).install(INSTALL);
    let backup = install
        .backups()
        .create("for the archive", ["ops@example.com"]);
    let backup = backup.await.expect("a backup").id;
    let pause = Duration::from_millis(50);
    let wait = install.backup(&backup).wait().pauses(pause, pause);
    wait.await.expect("a completed backup");

    let new = install.archives().create(&backup, ["ops@example.com"]);
    let new = new.await.expect("the archive is being made");
    assert_eq!(*new.backup_id(), backup);
    let archive = new.wait().pauses(pause, pause).await.expect("an archive");
    assert_eq!(archive.backup.id.as_ref(), Some(&backup));

    let mut download = install
        .archive(&archive.id)
        .download()
        .await
        .expect("a zip file");
    let mut zip = Vec::new();
    while let Some(bytes) = download.try_next().await.expect("bytes") {
        zip.extend_from_slice(&bytes);
    }
    assert_eq!(download.length(), Some(zip.len() as u64));
    assert!(zip.starts_with(b"PK\x03\x04"), "{zip:?}");
    let link = archive.download_uri.expect("a link");
    assert!(!format!("{link:?} {download:?}").contains(link.expose_secret()));
}

#[tokio::test(start_paused = true)]
async fn the_archive_that_is_waited_for_is_the_one_that_was_not_there_before() {
    let (simulator, client) = simulator();
    let archives = client.install(INSTALL).archives();
    let first = archives
        .create(BACKUP, ["ops@example.com"])
        .await
        .expect("one");
    let first = first.wait().await.expect("an archive");
    let second = archives
        .create(BACKUP, ["ops@example.com"])
        .await
        .expect("another");
    let second = second.wait().await.expect("an archive");
    assert_ne!(first.id, second.id);
    assert_eq!(simulator.side_effects(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_new_archives_of_one_backup_are_not_told_apart() {
    let (_, client) = simulator();
    let archives = client.install(INSTALL).archives();
    let mine = archives
        .create(BACKUP, ["ops@example.com"])
        .await
        .expect("mine");
    archives
        .create(BACKUP, ["joe@example.com"])
        .await
        .expect("theirs");
    let error = mine.wait().await.expect_err("which one?");
    assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("2 new archives") && text.contains(BACKUP),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_archive_that_fails_ends_the_wait_with_its_state() {
    let (simulator, client) = simulator();
    let install = client.install(INSTALL);
    let new = install.archives().create(BACKUP, ["ops@example.com"]);
    let new = new.await.expect("the archive is being made");
    let list = install
        .archives()
        .list()
        .collect_at_most(10)
        .await
        .expect("archives");
    assert!(simulator.abort_archive(INSTALL, &list[1].id));
    let error = new.wait().await.expect_err("it fails");
    assert_eq!(error.kind(), ErrorKind::WorkFailed);
    assert_eq!(error.state(), Some("aborted"));
    let error = install
        .archive(&list[1].id)
        .download()
        .await
        .expect_err("nothing there");
    assert!(error.is_invalid_request(), "{error}");
    assert!(error.to_string().contains("`aborted`"), "{error}");
    let unknown = install.archive("nope");
    for error in [
        unknown.download().await.expect_err("no such archive"),
        unknown.wait().await.expect_err("no such archive"),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert_eq!(error.operation(), Some("list_archives"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_archive_whose_answer_is_lost_is_not_ordered_again() {
    let (simulator, client) = simulator();
    let lost = Fault::new(FaultKind::Reset).on("create_archive").after();
    simulator.faults().add(lost).expect("a fault");
    let create = client
        .install(INSTALL)
        .archives()
        .create(BACKUP, ["ops@example.com"]);
    let error = create.await.expect_err("the answer is lost");
    assert!(error.may_have_happened(), "{error}");
    assert_eq!(error.operation(), Some("create_archive"));
    assert_eq!(simulator.side_effects(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_ordered_if_the_list_before_cannot_be_read() {
    let script = Script::always(Turn::Status(503));
    let create = clients::on(script.clone()).install(INSTALL).archives();
    let error = create
        .create(BACKUP, ["ops@example.com"])
        .await
        .expect_err("no list");
    assert!(!error.may_have_happened(), "{error}");
    assert_eq!(error.operation(), Some("list_archives"));
    assert!(
        script
            .requests()
            .iter()
            .all(|request| request.method() == "GET")
    );
}

#[tokio::test]
async fn a_link_is_opened_without_credentials_and_without_the_cap_of_answers() {
    let server = MockServer::start().await;
    let body = vec![7_u8; 3 * 1024 * 1024];
    Mock::given(matchers::path("/archive.zip"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(body.clone()))
        .mount(&server)
        .await;
    Mock::given(matchers::path("/elsewhere"))
        .respond_with(ResponseTemplate::new(302).insert_header("location", "/archive.zip"))
        .mount(&server)
        .await;
    let client = clients::at(&format!("{}/v1", server.uri()))
        .max_response_size(1024)
        .build()
        .expect("a client");
    for path in ["archive.zip?signature=secret", "elsewhere"] {
        let found = downloaded(&client, &format!("{}/{path}", server.uri())).await;
        assert_eq!(found.expect("the bytes"), body);
    }
    for request in server.received_requests().await.expect("requests") {
        assert!(!request.headers.contains_key(header::AUTHORIZATION));
        assert!(request.headers.contains_key(header::USER_AGENT));
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_to_plain_http_elsewhere_is_not_opened() {
    let script = Script::answering("");
    let client = clients::on(script.clone());
    for link in [
        "http://storage.example.com/archive.zip?signature=kanarienvogel",
        "http://localhost.example.com/kanarienvogel",
        "ftp://storage.example.com/kanarienvogel",
        "file:///etc/passwd",
        "kanarienvogel",
        "",
    ] {
        let error = downloaded(&client, link).await.expect_err(link);
        assert!(error.is_invalid_request(), "{link}: {error}");
        assert!(
            !format!("{error} {error:?}").contains("kanarienvogel"),
            "{error}"
        );
        assert!(error.to_string().contains("nothing was sent"), "{error}");
    }
    assert_eq!(script.count(), 0);
    // A redirect to such an address is not followed either.
    let script = Script::new(|_, _| {
        let mut answer = script::json(302, "");
        let to = "http://storage.example.com/kanarienvogel".parse();
        answer
            .headers_mut()
            .insert(header::LOCATION, to.expect("a value"));
        Ok(answer)
    });
    let client = clients::on(script.clone());
    let error = downloaded(&client, "https://storage.example.com/a").await;
    let error = error.expect_err("plain http");
    // The request for the link itself was sent.
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(!error.to_string().contains("nothing was sent"), "{error}");
    assert!(!error.to_string().contains("kanarienvogel"), "{error}");
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_link_in_the_wrong_place_of_an_answer_is_not_shown() {
    let link = "https://storage.example.com/kanarienvogel?signature=kanarienvogel";
    for body in [
        serde_json::json!({ "results": [link] }),
        serde_json::json!(link),
        serde_json::json!({ "results": [{"id": "a", "backup": {}, "state": [link]}] }),
    ] {
        let client = clients::on(Script::answering(body.to_string()));
        let error = client
            .install(INSTALL)
            .archives()
            .list()
            .collect_at_most(9)
            .await;
        let error = error.expect_err("it cannot be read");
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(
            !format!("{error} {error:?}").contains("kanarienvogel"),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_may_wait_for_ever() {
    let client = clients::builder_on(Script::answering("the bytes"))
        .attempt_timeout(Duration::MAX)
        .timeout(Duration::MAX)
        .build()
        .expect("a client");
    let found = downloaded(&client, "https://storage.example.com/a").await;
    assert_eq!(found.expect("the bytes"), b"the bytes");
}

#[tokio::test(start_paused = true)]
async fn the_archive_that_was_found_is_followed_whatever_comes_after_it() {
    let (_, client) = simulator();
    let archives = client.install(INSTALL).archives();
    let mine = archives
        .create(BACKUP, ["ops@example.com"])
        .await
        .expect("mine");
    let mut progress = mine.wait().progress();
    let seen = progress
        .try_next()
        .await
        .expect("an answer")
        .expect("the archive");
    archives
        .create(BACKUP, ["joe@example.com"])
        .await
        .expect("theirs");
    let mut last = seen.clone();
    while let Some(answer) = progress.try_next().await.expect("an answer") {
        last = answer;
    }
    assert_eq!((last.id, last.state.as_str()), (seen.id, "completed"));
}

#[tokio::test(start_paused = true)]
async fn a_download_that_ends_early_is_an_error() {
    let script = Script::new(|_, _| {
        let answer = Response::builder().header(header::CONTENT_LENGTH, "10");
        Ok(answer.body(Bytes::from_static(b"half")).expect("an answer"))
    });
    let client = clients::on(script);
    let error = downloaded(&client, "https://storage.example.com/kanarienvogel").await;
    let error = error.expect_err("half a file");
    assert_eq!(error.kind(), ErrorKind::Transport);
    let text = error.to_string();
    assert!(text.contains("after 4 of 10 bytes"), "{text}");
    assert!(
        text.contains("storage.example.com") && !text.contains("kanarienvogel"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_download_is_begun_again_after_what_passes_and_only_then() {
    for (status, attempts) in [(503, 4), (403, 1), (404, 1)] {
        let script = Script::always(Turn::Status(status));
        let error = downloaded(
            &clients::on(script.clone()),
            "https://storage.example.com/a",
        )
        .await;
        let error = error.expect_err("a failure");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        assert_eq!(script.count(), attempts, "{error}");
    }
    let turns = [Turn::Connect, Turn::Broken, Turn::Silence];
    let script = Script::then(&turns, "the bytes");
    let found = downloaded(
        &clients::on(script.clone()),
        "https://storage.example.com/a",
    )
    .await;
    assert_eq!(found.expect("the bytes"), b"the bytes");
    assert_eq!(script.count(), 4);
}

/// A response that announces ten bytes, sends four and then nothing.
#[derive(Debug)]
struct Silent;

impl HttpClient for Silent {
    fn send(&self, _: Request<Bytes>, _: usize) -> ResponseFuture<'_> {
        Box::pin(std::future::pending())
    }

    fn open(&self, _: Request<Bytes>) -> HeadFuture<'_> {
        Box::pin(async {
            let half = stream::iter([Ok(Bytes::from_static(b"half"))]);
            let body: BodyStream = Box::pin(half.chain(stream::pending()));
            let answer = Response::builder().header(header::CONTENT_LENGTH, "10");
            Ok(answer.body(body).expect("an answer"))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_in_which_nothing_comes_any_more_ends() {
    let client = clients::on(Arc::new(Silent));
    let started = tokio::time::Instant::now();
    let download = downloaded(&client, "https://storage.example.com/a");
    let ended = tokio::time::timeout(Duration::from_secs(3600), download).await;
    let error = ended.expect("an end").expect_err("it hangs");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("after 4 of 10 bytes"), "{error}");
    assert_eq!(started.elapsed().as_secs(), 45, "the limit of an attempt");
}
