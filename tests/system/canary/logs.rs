//! Logs: all output of `tracing` and `log` at the finest level, of this library and of its dependencies.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use http::Method;
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};
use wpengine::{Credentials, types::PrivateKey};
use wpengine_sim::{ClockMode, Simulator};

use super::{PASSWORD, PRIVATE_KEY, TOKEN, USER, credentials, nowhere_in, shown, told};
use crate::support::{
    calls::{self, INSTALL},
    clients,
    program::{quickstart, stderr, stdout},
    trap::Trap,
};

/// Collects the output.
#[derive(Clone, Default)]
pub(super) struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    pub(super) fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Page {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl log::Log for Page {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut page = self.clone();
        let _ = writeln!(
            page,
            "{} {}: {}",
            record.level(),
            record.target(),
            record.args()
        );
    }

    fn flush(&self) {}
}

/// Returns the logger. A process can have only one. Other tests in this process may also write to it, which does no
/// harm.
fn logged() -> &'static Page {
    static PAGE: OnceLock<Page> = OnceLock::new();
    PAGE.get_or_init(|| {
        let page = Page::default();
        log::set_boxed_logger(Box::new(page.clone())).expect("the only logger of the tests");
        log::set_max_level(log::LevelFilter::Trace);
        page
    })
}

/// Records all spans and events of this thread.
pub(super) fn traced(page: &Page) -> tracing::subscriber::DefaultGuard {
    // With only one subscriber, `tracing` asks the first thread that reaches a span and caches its answer for all
    // threads, even if that thread has no subscriber. So a second subscriber is registered.
    static SECOND: OnceLock<tracing::Dispatch> = OnceLock::new();
    SECOND.get_or_init(|| {
        let deaf =
            tracing_subscriber::fmt().with_max_level(tracing::level_filters::LevelFilter::OFF);
        tracing::Dispatch::new(deaf.finish())
    });
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(page.clone())
        .finish();
    tracing::subscriber::set_default(subscriber)
}

fn builder(base_url: &str) -> wpengine::ClientBuilder {
    clients::builder()
        .base_url(base_url)
        .retry(clients::four_attempts().first_wait(Duration::from_millis(1)))
        .attempt_timeout(Duration::from_secs(5))
}

/// The test uses one thread, so that the background tasks of reqwest and hyper are recorded too.
#[tokio::test(flavor = "current_thread")]
async fn nothing_that_is_logged_shows_a_secret() {
    let log = logged();
    let trace = Page::default();
    let guard = traced(&trace);
    let simulator = Simulator::builder()
        .credentials(USER, PASSWORD)
        .bearer_token(TOKEN)
        .start()
        .await
        .expect("a simulator");
    for credentials in credentials() {
        let client = builder(&simulator.base_url())
            .credentials(credentials)
            .build()
            .expect("a client");
        for (id, call) in calls::each(&client) {
            if let Err(error) = call.await {
                nowhere_in(id, &told(&error));
            }
        }
        let import = client.install(INSTALL).certificates().import_third_party(
            clients::pem("CERTIFICATE", "a"),
            PrivateKey::new(clients::pem("PRIVATE KEY", PRIVATE_KEY)),
        );
        if let Err(error) = import.await {
            nowhere_in("an import", &told(&error));
        }
        let user = client
            .request(Method::GET, "/user")
            .query("secret", "kanarienvogel")
            .send()
            .await;
        nowhere_in("an answer", &shown(&user.expect("a user")));
    }
    // Requests that are refused, sent through a proxy, or never arrive.
    let proxy = Trap::set().await;
    let through = format!("http://someone:kanarienvogel@{}", proxy.address());
    for (base_url, proxy) in [
        (simulator.base_url(), None),
        (
            "https://api.example.com/v1".to_owned(),
            Some(through.as_str()),
        ),
        ("http://127.0.0.1:9/v1".to_owned(), None),
    ] {
        let mut builder =
            builder(&base_url).credentials(Credentials::basic("kanarienvogel", "kanarienvogel"));
        if let Some(proxy) = proxy {
            builder = builder.proxy(proxy);
        }
        let client = builder.build().expect("a client");
        match client.current_user().await {
            Ok(user) => nowhere_in("an answer", &shown(&user)),
            Err(error) => nowhere_in("an error", &told(&error)),
        }
    }
    drop(guard);
    let (trace, log) = (trace.text(), log.text());
    assert!(
        trace.contains("wpengine.operation") && trace.contains("wpengine.attempt"),
        "{trace}"
    );
    assert!(trace.contains("waiting before the next attempt"), "{trace}");
    assert!(
        log.contains("reqwest"),
        "what lies below is followed, too: {log}"
    );
    nowhere_in("tracing", &trace);
    nowhere_in("log", &log);
}

#[tokio::test]
async fn the_quick_start_prints_none() {
    let simulator = Simulator::builder()
        .credentials(USER, PASSWORD)
        .clock(ClockMode::Accelerated(100.0))
        .start()
        .await
        .expect("a simulator");
    let url = simulator.base_url();
    for (user, password, arguments, good) in [
        (USER, PASSWORD, &["--write"][..], true),
        (USER, PASSWORD, &[], true),
        ("someone-else", PASSWORD, &[], false),
        ("a:b", PASSWORD, &[], false),
        (USER, "", &[], false),
        ("", PASSWORD, &[], false),
    ] {
        let variables = [
            ("WPE_API_BASE_URL", url.as_str()),
            ("WPE_API_USER_ID", user),
            ("WPE_API_PASSWORD", password),
            ("RUST_LOG", "trace"),
            ("RUST_BACKTRACE", "full"),
        ];
        let output = quickstart(&variables, arguments).await;
        assert_eq!(output.status.success(), good, "{}", stderr(&output));
        nowhere_in("the quick start", &stdout(&output));
        nowhere_in("the quick start", &stderr(&output));
    }
    // An error in the address does not show them either.
    for url in [
        "https://someone:kanarienvogel@example.com/v1",
        "kanarienvogel",
    ] {
        let variables = [
            ("WPE_API_BASE_URL", url),
            ("WPE_API_USER_ID", USER),
            ("WPE_API_PASSWORD", PASSWORD),
        ];
        let output = quickstart(&variables, &[]).await;
        assert!(!output.status.success());
        nowhere_in("the quick start", &stdout(&output));
        nowhere_in("the quick start", &stderr(&output));
    }
}
