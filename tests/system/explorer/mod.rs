//! Tests the simulator's pages in a real browser, with clicks and text input.
//!
//! Screenshots go to `target/explorer`. If Chromium is not installed, the test is skipped with a message, unless `CI`
//! or `WPENGINE_REQUIRE_CHROMIUM` requires it.

mod browser;

use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use std::time::Duration;

use futures_util::FutureExt as _;
use wpengine_sim::{ClockMode, Simulator};

use self::browser::Browser;

/// Returns the selector of an operation on the reference page.
fn operation(tag: &str, id: &str) -> String {
    format!("#operations-{tag}-{id}")
}

struct Visit<'a> {
    browser: &'a Browser,
    simulator: &'a Simulator,
    origin: String,
}

#[tokio::test]
async fn the_pages_work_in_chromium_and_ask_nobody_else() {
    let is_required = std::env::var_os("WPENGINE_REQUIRE_CHROMIUM").is_some()
        || std::env::var("CI").is_ok_and(|value| value == "true");
    let Some(browser) = Browser::start().await else {
        assert!(!is_required, "chromium or chromedriver is not installed");
        let _ = writeln!(
            std::io::stderr(),
            "skipped: chromium or chromedriver is not installed"
        );
        return;
    };
    let simulator = Simulator::builder()
        .credentials("me", "secret")
        .clock(ClockMode::Manual)
        .start()
        .await
        .unwrap();
    let visit = Visit {
        browser: &browser,
        simulator: &simulator,
        origin: format!("http://{}", simulator.address().unwrap()),
    };
    let outcome = AssertUnwindSafe(visit.all()).catch_unwind().await;
    browser.close().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// A page in the browser, `events listen` in a terminal, and a receiver on this machine.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_the_page_is_printed_by_events_listen_and_comes_to_a_receiver() {
    let Some(browser) = Browser::start().await else {
        let is_required = std::env::var_os("WPENGINE_REQUIRE_CHROMIUM").is_some();
        assert!(!is_required, "chromium or chromedriver is not installed");
        let _ = writeln!(
            std::io::stderr(),
            "skipped: chromium or chromedriver is not installed"
        );
        return;
    };
    let simulator = Simulator::builder().start().await.unwrap();
    let visit = Visit {
        browser: &browser,
        simulator: &simulator,
        origin: format!("http://{}", simulator.address().unwrap()),
    };
    let outcome = AssertUnwindSafe(visit.listened()).catch_unwind().await;
    browser.close().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

impl Visit<'_> {
    async fn listened(&self) {
        let (url, got) = crate::webhooks::kills::receiver().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("events.db");
        let printed = std::fs::File::create(folder.path().join("printed")).unwrap();
        let mut listening = tokio::process::Command::new(env!("CARGO_BIN_EXE_wpengine-under-test"))
            .args(["events", "listen", "--forward-to", &url, "--file"])
            .arg(&file)
            .env("WPE_API_BASE_URL", self.simulator.base_url())
            .env("WPE_API_USER_ID", self.simulator.user())
            .env("WPE_API_PASSWORD", self.simulator.password())
            .env("WPENGINE_CONFIG_DIR", folder.path())
            .env("WPENGINE_CACHE_DIR", folder.path())
            .env("WPENGINE_STATE_DIR", folder.path())
            .stdout(printed)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let within = |what: &'static str, mut is_so: Box<dyn FnMut() -> bool + Send>| async move {
            let wait = async {
                while !is_so() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(90), wait)
                .await
                .expect(what);
        };
        // The first look makes no event, so it has to be over.
        let seen = file.clone();
        let is_seen = move || {
            let count = rusqlite::Connection::open(&seen).and_then(|connection| {
                let sql = "SELECT count(*) >= 30 AND sum(began IS NULL) = 0 FROM looks";
                connection.query_row(sql, [], |row| row.get::<_, bool>(0))
            });
            count.unwrap_or(false)
        };
        within("the first look ends", Box::new(is_seen)).await;
        self.open_reference().await;
        let (status, body) = self.try_operation("Backup", "create_backup").await;
        assert_eq!(status, "202", "{body}");
        self.screenshot("listened").await;
        let kept = std::sync::Arc::clone(&got);
        let has_come = move || {
            kept.lock()
                .unwrap()
                .values()
                .flatten()
                .any(|body| body.contains("backup.created"))
        };
        within("the event comes to the receiver", Box::new(has_come)).await;
        let printed = std::fs::read_to_string(folder.path().join("printed")).unwrap();
        assert!(
            printed.contains("backup.created") && printed.contains("torquemag"),
            "{printed}"
        );
        listening.start_kill().unwrap();
        let copy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/explorer/listened.txt");
        std::fs::write(copy, printed).unwrap();
    }
}

impl Visit<'_> {
    async fn all(&self) {
        self.an_operation_is_tried().await;
        self.the_state_is_shown_and_time_moves().await;
        self.the_controls_are_described().await;
        // No request has failed so far.
        assert_eq!(self.browser.console_errors().await, Vec::<String>::new());
        self.a_fault_is_switched_on_and_acts().await;
        // Chromium logs only the response that the fault has changed.
        let errors = self.browser.console_errors().await;
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].contains("/v1/sites") && errors[0].contains("502"),
            "{errors:?}"
        );
        self.everything_came_from_here().await;
        self.dark_pages_are_dark().await;
        self.the_policy_holds().await;
        self.other_pages_cannot_reset_the_simulator().await;
        self.every_operation_can_be_tried().await;
        assert_eq!(self.simulator.violations(), Vec::<String>::new());
    }

    async fn open(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.origin)).await;
    }

    async fn screenshot(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/explorer");
        let file: PathBuf = folder.join(format!("{name}.png"));
        self.browser.screenshot(&file).await;
    }

    async fn open_reference(&self) {
        self.open("/explorer").await;
        self.browser
            .wait_for(&format!(
                "document.querySelectorAll('.opblock').length === {}",
                wpengine::operations().len()
            ))
            .await;
    }

    /// Opens an operation, sends it with the default values, and returns the status and the body that the page shows.
    async fn try_operation(&self, tag: &str, id: &str) -> (String, String) {
        let block = operation(tag, id);
        let is_open = self
            .browser
            .run(&format!(
                "return document.querySelector('{block} .execute') !== null"
            ))
            .await;
        if is_open != true {
            self.browser
                .click(&format!("{block} .opblock-summary-control"))
                .await;
        }
        self.browser.click(&format!("{block} .execute")).await;
        let table = format!("{block} .live-responses-table tbody");
        let cell = format!("document.querySelector('{table} .response-col_status')");
        let status = self
            .browser
            .wait_for(&format!("{cell} && parseInt({cell}.textContent)"))
            .await;
        let body = self
            .browser
            .run(&format!(
                "return document.querySelector('{table} .response-col_description').innerText"
            ))
            .await;
        (status.to_string(), body.as_str().unwrap().to_owned())
    }

    async fn an_operation_is_tried(&self) {
        self.open_reference().await;
        self.browser
            .wait_for("document.getElementById('signed-in').textContent === 'Signed in as me'")
            .await;
        self.screenshot("reference").await;
        let (status, body) = self.try_operation("Install", "list_installs").await;
        assert_eq!(status, "200", "{body}");
        assert!(body.contains("torquemag"), "{body}");
        self.screenshot("tried").await;
        let requests = self.simulator.requests();
        let [request] = &requests[..] else {
            panic!("one request is expected: {requests:?}");
        };
        assert_eq!(
            (request.operation, request.status),
            (Some("list_installs"), 200)
        );
    }

    /// Sends each operation with the values that the page fills in, to the simulator's default state. Some of the
    /// examples are refused there. Each operation takes more than a second, so the test suite tries only one in four.
    async fn every_operation_can_be_tried(&self) {
        let all = std::env::var_os("WPENGINE_EXPLORER").is_some_and(|value| value == "all");
        let step = if all { 1 } else { 4 };
        let refused = [
            ("create_install", "400"),
            ("create_site_transfer", "422"),
            ("cancel_site_transfer", "409"),
            ("create_domain_sharing_link", "400"),
        ];
        self.open_reference().await;
        let mut odd = Vec::new();
        for operation in wpengine::operations().iter().step_by(step) {
            self.simulator.reset();
            let tag = operation.tag.replace(' ', "_");
            let (status, body) = self.try_operation(&tag, operation.id).await;
            // The operation is closed again, because with all operations open each click takes seconds.
            let block = self::operation(&tag, operation.id);
            self.browser
                .click(&format!("{block} .opblock-summary-control"))
                .await;
            let expected = refused.iter().find(|(id, _)| *id == operation.id);
            let is_expected = match expected {
                Some((_, expected)) => status == *expected,
                None => status.starts_with('2'),
            };
            if !is_expected {
                odd.push(format!("{}: {status} {body}", operation.id));
            }
        }
        assert!(odd.is_empty(), "{odd:#?}");
    }

    async fn the_state_is_shown_and_time_moves(&self) {
        let browser = self.browser;
        self.open("/explorer/state").await;
        browser
            .wait_for(
                "document.querySelector('.tile[data-kind=installs] strong')?.textContent === '5'",
            )
            .await;
        browser
            .wait_for("document.getElementById('list-body').textContent.includes('torquemag')")
            .await;
        browser
            .wait_for("document.getElementById('requests').textContent.includes('list_installs')")
            .await;
        browser
            .wait_for("document.getElementById('time').textContent === '12:00:00'")
            .await;
        let before = self.simulator.clock().now();
        browser.click("[data-seconds='3600']").await;
        browser
            .wait_for("document.getElementById('time').textContent === '13:00:00'")
            .await;
        let passed = self.simulator.clock().now().duration_since(before);
        assert_eq!(passed.as_secs(), 3600);
        browser.click(".tile[data-kind=domains]").await;
        browser
            .wait_for("document.getElementById('list-title').textContent === 'Domains'")
            .await;
        browser.fill("#find", "mysitestg.wpengine.com").await;
        browser
            .wait_for("document.getElementById('list-body').rows.length === 1")
            .await;
    }

    async fn the_controls_are_described(&self) {
        self.open("/explorer/controls").await;
        self.browser
            .wait_for("document.querySelector('#operations-Clock-advance_clock') !== null")
            .await;
        self.screenshot("controls").await;
    }

    async fn a_fault_is_switched_on_and_acts(&self) {
        let browser = self.browser;
        self.open("/explorer/state").await;
        let preset = "[...document.querySelectorAll('#fault-preset option')].find(it => it.text.startsWith('502'))";
        let value = browser.wait_for(&format!("{preset}?.value")).await;
        browser
            .click(&format!(
                "#fault-preset option[value='{}']",
                value.as_str().unwrap()
            ))
            .await;
        browser.fill("#fault-operation", "list_sites").await;
        browser.click("#add-fault button").await;
        browser
            .wait_for("document.getElementById('faults').textContent.includes('acted 0 of 1')")
            .await;
        let faults = self.simulator.faults().list();
        assert_eq!(faults.len(), 1, "{faults:?}");

        self.open_reference().await;
        let (status, _) = self.try_operation("Site", "list_sites").await;
        assert_eq!(status, "502");
        // The fault acts only once, so the next request succeeds.
        self.open_reference().await;
        let (status, body) = self.try_operation("Site", "list_sites").await;
        assert_eq!(status, "200", "{body}");

        self.open("/explorer/state").await;
        browser
            .wait_for("document.getElementById('faults').textContent.includes('done, 1')")
            .await;
        browser
            .wait_for("document.getElementById('requests').textContent.includes('html_502')")
            .await;
        self.screenshot("state").await;
    }

    /// Requests of the browser itself have other URL schemes.
    async fn everything_came_from_here(&self) {
        let requested = self.browser.requested().await;
        let own = requested
            .iter()
            .filter(|url| url.starts_with(&format!("{}/", self.origin)));
        assert!(own.count() > 30, "{requested:?}");
        for url in &requested {
            let is_remote = ["http:", "https:", "ws:", "wss:"]
                .iter()
                .any(|it| url.starts_with(it));
            assert!(
                !is_remote || url.starts_with(&format!("{}/", self.origin)),
                "{url}"
            );
        }
    }

    async fn dark_pages_are_dark(&self) {
        self.browser.prefer("dark").await;
        for (path, name) in [
            ("/explorer", "reference-dark"),
            ("/explorer/state", "state-dark"),
        ] {
            self.open(path).await;
            self.browser
                .wait_for("document.querySelector('.opblock, .tile') !== null")
                .await;
            let colour = self
                .browser
                .run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
                .await;
            let parts = colour.as_array().unwrap().iter();
            assert!(
                parts.filter_map(|part| part.as_u64()).all(|part| part < 64),
                "{name}: {colour}"
            );
            self.screenshot(name).await;
        }
        self.browser.prefer("light").await;
    }

    async fn the_policy_holds(&self) {
        for path in ["/explorer", "/explorer/state"] {
            self.open(path).await;
            let refused = self
                .browser
                .run_until_done(
                    "document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective), { once: true }); \
                     fetch('http://127.0.0.1:9/').catch(() => {});",
                )
                .await;
            assert_eq!(refused, "connect-src", "{path}");
            let ran = self
                .browser
                .run(
                    "const script = document.createElement('script'); script.textContent = 'window.inline = true'; \
                     document.head.append(script); return window.inline === true;",
                )
                .await;
            assert_eq!(ran, false, "{path}");
        }
    }

    /// A page of another origin can send such a request without a preflight. The request must have no effect.
    async fn other_pages_cannot_reset_the_simulator(&self) {
        let asked = self.simulator.requests().len();
        assert!(asked > 0);
        self.browser.open("about:blank").await;
        for mode in ["no-cors", "cors"] {
            let script = format!(
                "fetch('{}/_sim/reset', {{ method: 'POST', mode: '{mode}' }}).then(() => done('sent'), () => done('refused'));",
                self.origin
            );
            self.browser.run_until_done(&script).await;
        }
        assert_eq!(self.simulator.requests().len(), asked);
    }
}
