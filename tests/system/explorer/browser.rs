//! A headless Chromium, controlled through WebDriver (JSON over HTTP).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The names of the Chromium program.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// The key of an element reference in WebDriver's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// The maximum wait for a condition on the page.
const PATIENCE_MS: u32 = 20_000;

/// A browser with one window.
pub(super) struct Browser {
    client: reqwest::Client,
    session: String,
    _driver: Child,
    profile: PathBuf,
}

impl Browser {
    /// Starts the browser, if Chromium and its driver are installed.
    pub(super) async fn start() -> Option<Self> {
        let browser = BROWSERS.iter().find_map(|name| find(name))?;
        let mut driver = Command::new(find("chromedriver")?)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next_line().await.unwrap();
            let line = line.expect("chromedriver says where it listens");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // Tests of one process run at the same time, and each browser wants a profile of its own.
        static BROWSER: AtomicU32 = AtomicU32::new(0);
        let number = BROWSER.fetch_add(1, Ordering::Relaxed);
        let name = format!("wpengine-explorer-{}-{number}", std::process::id());
        let profile = std::env::temp_dir().join(name);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let profile_argument = format!("--user-data-dir={}", profile.display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--window-size=1440,1100",
            &profile_argument,
        ];
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": browser, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "timeouts": { "script": PATIENCE_MS },
        });
        let mut made = Self {
            client,
            session: format!("http://127.0.0.1:{port}/session"),
            _driver: driver,
            profile,
        };
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let session = made.post("", body).await;
        made.session = format!(
            "{}/{}",
            made.session,
            session["sessionId"].as_str().unwrap()
        );
        Some(made)
    }

    /// Closes the browser. If only the driver were killed, the browser would keep running.
    pub(super) async fn close(self) {
        let _ = self.client.delete(&self.session).send().await;
        let _ = fs::remove_dir_all(&self.profile);
    }

    async fn post(&self, command: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}{command}", self.session));
        let response = request.json(&body).send().await.unwrap();
        let succeeded = response.status().is_success();
        let answer: Value = response.json().await.unwrap();
        assert!(
            succeeded,
            "{command} {body}: {}",
            answer["value"]["message"]
        );
        answer["value"].clone()
    }

    pub(super) async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// Runs a script in the page. The script ends with `return`.
    pub(super) async fn run(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.post("/execute/sync", body).await
    }

    /// Runs a script in the page. The script calls `done` at its end.
    pub(super) async fn run_until_done(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        let body = json!({ "script": script, "args": [] });
        self.post("/execute/async", body).await
    }

    /// Waits until the expression is true in the page, and returns its value.
    pub(super) async fn wait_for(&self, expression: &str) -> Value {
        let script = format!(
            "(function look() {{ const found = ({expression}); found ? done(found) : setTimeout(look, 50); }})()"
        );
        self.run_until_done(&script).await
    }

    async fn element(&self, selector: &str) -> String {
        let body = json!({ "using": "css selector", "value": selector });
        let found = self.post("/element", body).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks an element, which must exist and be visible.
    pub(super) async fn click(&self, selector: &str) {
        self.wait_for(&format!("document.querySelector({selector:?}) !== null"))
            .await;
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/click"), json!({}))
            .await;
    }

    /// Replaces the text of a field.
    pub(super) async fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/clear"), json!({}))
            .await;
        let body = json!({ "text": text });
        self.post(&format!("/element/{element}/value"), body).await;
    }

    /// Sets the colour scheme that pages see as the user's preference.
    pub(super) async fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let command =
            json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.post("/goog/cdp/execute", command).await;
    }

    pub(super) async fn screenshot(&self, file: &Path) {
        let request = self.client.get(format!("{}/screenshot", self.session));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let image = STANDARD.decode(answer["value"].as_str().unwrap()).unwrap();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, image).unwrap();
    }

    /// Returns the console errors since the last call.
    pub(super) async fn console_errors(&self) -> Vec<String> {
        let entries = self.post("/se/log", json!({ "type": "browser" })).await;
        let entries = entries.as_array().unwrap().iter();
        entries
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Returns the URLs that pages have requested since the last call, whether or not the request succeeded.
    pub(super) async fn requested(&self) -> Vec<String> {
        let entries = self.post("/se/log", json!({ "type": "performance" })).await;
        let entries = entries.as_array().unwrap().iter();
        let events = entries.map(|entry| {
            let message = entry["message"].as_str().unwrap();
            serde_json::from_str::<Value>(message).unwrap()["message"].take()
        });
        events
            .filter(|event| event["method"] == "Network.requestWillBeSent")
            .map(|event| {
                event["params"]["request"]["url"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }
}

/// Returns the path of an installed program.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
