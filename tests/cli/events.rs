//! `wpengine events`: what people and programs see of it.

use std::time::Duration;

use serde_json::json;

use crate::harness::Cli;

/// Ends a program that runs until it is stopped, and returns what it wrote.
struct Service(std::process::Child);

impl Service {
    fn signal(&self, name: &str) {
        let done = std::process::Command::new("kill")
            .args([name, &self.0.id().to_string()])
            .status();
        assert!(done.expect("kill").success());
    }

    async fn ended(mut self) -> (Option<i32>, String) {
        use std::io::Read as _;

        let status = tokio::task::spawn_blocking(move || {
            let status = self.0.wait().expect("an end");
            let mut text = String::new();
            self.0
                .stderr
                .take()
                .expect("a pipe")
                .read_to_string(&mut text)
                .expect("text");
            (status.code(), text)
        });
        status.await.expect("an end")
    }
}

fn start(cli: &Cli, words: &[&str]) -> Service {
    let mut command = cli.command().into_std();
    command
        .args(words)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null());
    Service(command.spawn().expect("the program"))
}

/// Waits until something is so.
async fn until<F: Future<Output = bool>>(mut is_so: impl FnMut() -> F) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .expect("it comes");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_shown_replayed_and_triggered_without_the_service() {
    let cli = Cli::new().await;
    cli.run("events list -o json").await.ends(0);
    let made = cli
        .run("events trigger backup.completed -o json")
        .await
        .ends(0)
        .json();
    let id = made["id"].as_str().expect("an id").to_owned();
    let list = cli
        .run("events list --type backup.* -o json")
        .await
        .ends(0)
        .json();
    assert_eq!(list[0]["id"], id.as_str());
    assert_eq!(
        cli.run("events list --type install.* -o json")
            .await
            .ends(0)
            .json(),
        json!([])
    );
    let shown = cli
        .run(&format!("events show {id} -o json"))
        .await
        .ends(0)
        .json();
    assert_eq!(
        (&shown["data"]["test"], &shown["deliveries"]),
        (&json!(true), &json!([]))
    );
    // A test has not happened: it is marked, and not replayed.
    let table = cli.run("events list --last 1").await.ends(0).stdout;
    assert!(table.contains("backup.completed (test)"), "{table}");
    assert_eq!(cli.run("events replay").await.ends(0).stdout, "");
    let csv = cli.run("events replay -o csv").await.ends(0).stdout;
    assert_eq!(csv.lines().count(), 1, "{csv}");
    let warned = cli.run("events list --type bakup.*").await.ends(0).stderr;
    assert!(
        warned.contains("no event has the type `bakup.*`"),
        "{warned}"
    );
    let sent = cli
        .run(&format!("events resend {id} -o json"))
        .await
        .ends(0)
        .json();
    assert_eq!(sent["deliveries"], 0);
    for (words, code, text) in [
        ("events show evt_0", 3, "there is no event evt_0"),
        ("events resend", 2, "either the id of an event or --since"),
        (
            "events listen --forward-to localhost:9000/x",
            2,
            "begins with https://",
        ),
        (
            "events listen --forward-to http://192.168.0.1/x",
            2,
            "a receiver on this machine",
        ),
        ("events resend evt_0", 3, "there is no event"),
        ("events trigger backup.done", 2, "backup.completed"),
        ("events enable ops", 3, "there is no endpoint `ops`"),
        ("events run --config missing.toml", 1, "missing.toml"),
        ("events run --page here", 2, "no address"),
    ] {
        let ran = cli.run(words).await.ends(code);
        assert!(ran.stderr.contains(text), "{words}: {}", ran.stderr);
    }
    let secret = cli.run("events secret").await.ends(0).stdout;
    assert!(secret.starts_with("whsec_"), "{secret}");
    let wrong = |command: &mut tokio::process::Command| {
        command.env("WPE_API_PASSWORD", "wrong");
    };
    for words in ["events run", "events listen"] {
        let mut command = cli.command();
        wrong(command.args(words.split(' ')));
        let ran = crate::harness::run(command, "").await.ends(4);
        assert!(ran.stderr.contains("401 Unauthorized"), "{}", ran.stderr);
    }
    assert_eq!(
        cli.run("events types -o json")
            .await
            .ends(0)
            .json()
            .as_array()
            .map(Vec::len),
        Some(42)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_used_are_refused_before_anything_runs_and_no_secret_is_said() {
    let cli = Cli::new().await;
    let secret = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";
    for (settings, text) in [
        (
            "[[endpoint]]\nname = \"ops\"\nurl = \"https://127.0.0.1/\"\nsecrets = [\"SECRET\"]\n",
            "private address",
        ),
        (
            "[[endpoint]]\nname = \"ops\"\nurl = \"http://example.com/\"\nsecrets = [\"SECRET\"]\n",
            "https://",
        ),
        (
            "[[endpoint]]\nname = \"ops\"\nurl = \"https://example.com/\"\n",
            "no secret",
        ),
        (
            "[[endpoint]]\nname = \"ops\"\nurl = \"https://example.com/\"\nsecrets = [\"env:NOT_SET\"]\n",
            "NOT_SET is not set",
        ),
        (
            "[[endpoint]]\nname = \"ops\"\nurl = \"https://example.com/\"\nsecrets = [\"SECRETtoolong!\"]\n",
            "whsec_",
        ),
        (
            "[[endpoint]]\nname = \"ops\"\nstdout = true\ntypes = [\"install.renamed\"]\n",
            "install.renamed",
        ),
        (
            "[[endpoint]]\nname = \"ops\"\nstdout = true\ncommand = [\"x\"]\n",
            "one of",
        ),
        (
            "[[endpoint]]\nname = \"ops\"\nstdout = true\n[[endpoint]]\nname = \"ops\"\nstdout = true\n",
            "two endpoints",
        ),
        (
            "[[endpoint]]\nname = \"ops\"\nurl = \"https://user:pass@example.com/\"\nsecrets = \"SECRET\"\n",
            "it needs none",
        ),
        (
            "[[endpoint]]\nname = \"ops\"\nurl = \"https://example.com/\"\nsecrets = { a = \"SECRET\" }\n",
            "list of texts",
        ),
        ("shares = 0.5\n", "shares"),
        ("\nshare = 5.0\n", "from 0.01 to 1"),
        ("retention_days = 0\n", "retention_days must be at least 1"),
        ("page = \"here\"\n", "no address"),
        ("accounts = [\"account1\"]\n", "no id of an account"),
        (
            "\n\n[[endpoint]]\nname = \"ops\"\nurl = \"hooks.example.com/x\"\nsecrets = \"SECRET\"\n",
            "events.toml, line 3: endpoint `ops`: an address of a receiver begins with https://",
        ),
        (
            "[[endpoint]]\nname = \"ops\"\nurl = \"https://example.com/\"\nsecrets = \"SECRET\"\nprivate = [\"ten\"]\n",
            "endpoint `ops`",
        ),
    ] {
        std::fs::write(cli.path("events.toml"), settings.replace("SECRET", secret))
            .expect("a file");
        let ran = cli.run("events run --config events.toml").await.ends(2);
        assert!(ran.stderr.contains(text), "{settings}: {}", ran.stderr);
        cli.run("events check --config events.toml").await.ends(2);
        assert!(!ran.stderr.contains(secret), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_sees_what_this_program_changes_serves_its_page_and_ends_in_order() {
    let cli = Cli::new().await;
    std::fs::write(cli.path("events.toml"), "page = \"127.0.0.1:0\"\n[[endpoint]]\nname = \"file\"\ncommand = [\"sh\", \"-c\", \"cat >> seen\"]\n")
        .expect("a file");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let page = free.local_addr().expect("an address");
    drop(free);
    let service = start(
        &cli,
        &[
            "events",
            "run",
            "--config",
            "events.toml",
            "--page",
            &page.to_string(),
        ],
    );
    let get = |path: &'static str, host: &'static str| async move {
        let request = reqwest::Client::new()
            .get(format!("http://{page}{path}"))
            .header("host", host);
        let response = request.send().await.ok()?;
        Some((response.status().as_u16(), response.text().await.ok()?))
    };
    let looks = || async {
        let health = get("/health", "localhost").await;
        health.is_some_and(|(code, body)| code == 200 && body.contains("\"listings\":33"))
    };
    until(looks).await;
    assert_eq!(
        get("/health", "evil.example.com")
            .await
            .expect("an answer")
            .0,
        421
    );
    assert_eq!(get("/", "127.0.0.1:80").await.expect("an answer").0, 200);
    assert!(
        get("/metrics", "[::1]:1")
            .await
            .expect("an answer")
            .1
            .contains("wpengine_events_listings 33")
    );
    assert_eq!(
        get("/nothing", "localhost").await.expect("an answer").0,
        404
    );
    // Another one is refused.
    let other = cli.run("events run").await.ends(1);
    assert!(
        other.stderr.contains("another process runs these events"),
        "{}",
        other.stderr
    );
    // A change of this program is seen soon, and delivered.
    tokio::time::sleep(Duration::from_secs(1)).await;
    cli.run("backup create torquemag -m before --notify a@example.com")
        .await
        .ends(0);
    let seen = || async {
        let list = cli
            .run("events list --type backup.created -o json")
            .await
            .ends(0)
            .json();
        list.as_array().is_some_and(|list| !list.is_empty())
    };
    until(seen).await;
    until(|| async {
        std::fs::read_to_string(cli.path("seen")).is_ok_and(|text| text.contains("backup.created"))
    })
    .await;
    // The endpoints are read again; what cannot be used changes nothing.
    std::fs::write(cli.path("events.toml"), "nonsense").expect("a file");
    service.signal("-HUP");
    std::fs::write(cli.path("events.toml"), "").expect("a file");
    until(|| async {
        service.signal("-HUP");
        let list = cli.run("events endpoints -o json").await.ends(0).json();
        list == json!([])
    })
    .await;
    service.signal("-TERM");
    let (code, said) = service.ended().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!("page: http://{page}/")) && said.contains("read again"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_listens_makes_room_for_the_service_and_watches_again_after_it() {
    let cli = Cli::new().await;
    let start_says = |words: &[&str]| {
        let mut command = cli.command().into_std();
        command
            .args(words)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::fs::File::create(cli.path(words[1])).expect("a file"));
        Service(command.spawn().expect("the program"))
    };
    let said = |name: &str| std::fs::read_to_string(cli.path(name)).unwrap_or_default();
    let listener = start_says(&["events", "listen"]);
    until(|| async { said("listen").contains("watching the fleet") }).await;
    let service = start_says(&["events", "run"]);
    until(|| async { said("run").contains("events in") }).await;
    until(|| async { said("listen").contains("what another process sees") }).await;
    // It is not there by chance: what it delivers nowhere is still seen by it.
    let other = cli.run("events run").await.ends(1);
    assert!(
        other.stderr.contains("another process runs these events"),
        "{}",
        other.stderr
    );
    service.signal("-KILL");
    until(|| async { said("listen").matches("watching the fleet").count() == 2 }).await;
    listener.signal("-TERM");
    for mut ended in [service, listener] {
        let wait = tokio::task::spawn_blocking(move || ended.0.wait());
        wait.await.expect("an end").expect("an end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_listens_ends_when_nobody_reads_it() {
    let cli = Cli::new().await;
    let mut command = cli.command();
    command
        .args(["events", "listen"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null());
    let mut listener = command.spawn().expect("the program");
    drop(listener.stdout.take());
    let ended = async {
        loop {
            cli.run("events trigger ping").await.ends(0);
            let wait = tokio::time::timeout(Duration::from_millis(500), listener.wait());
            if let Ok(ended) = wait.await {
                return ended.expect("an end");
            }
        }
    };
    let status = tokio::time::timeout(Duration::from_secs(60), ended).await;
    assert!(status.expect("it ends").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_said_once_and_what_works_again() {
    let cli = Cli::new().await;
    std::fs::write(
        cli.path("events.toml"),
        "[[endpoint]]\nname = \"file\"\ncommand = [\"test\", \"-e\", \"good\"]\n",
    )
    .expect("a file");
    let mut command = cli.command().into_std();
    command
        .args(["events", "run", "--config", "events.toml"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::fs::File::create(cli.path("said")).expect("a file"));
    let service = Service(command.spawn().expect("the program"));
    let said = || std::fs::read_to_string(cli.path("said")).unwrap_or_default();
    until(|| async { said().contains("endpoints: file") }).await;
    cli.run("events trigger install.created").await.ends(0);
    until(|| async {
        said().contains("deliveries to `file` fail, and are tried again: test ended")
    })
    .await;
    let list = cli.run("events endpoints -o json").await.ends(0).json();
    let reason = list[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("test ended"), "{reason}");
    std::fs::write(cli.path("good"), "").expect("a file");
    cli.run("events resend --since 1h").await.ends(0);
    until(|| async { said().contains("nothing is wrong with `file` any more") }).await;
    assert_eq!(said().matches("tried again").count(), 1, "{}", said());
    service.signal("-TERM");
    let mut ended = service;
    let wait = tokio::task::spawn_blocking(move || ended.0.wait());
    wait.await.expect("an end").expect("an end");
}
