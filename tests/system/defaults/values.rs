//! The defaults themselves, by asking a client that was told nothing.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use http::Method;
use tokio::time::Instant;
use wpengine::{
    Client, ClientBuilder, Credentials, Error, ErrorKind, RedisWindows, RetryPolicy, TokenFuture,
    TokenSource, Window, Windows, types::CacheType,
};

use crate::support::{
    calls::{ACCOUNT, INSTALL, SITE},
    clients::BASE_URL,
    script::{Script, Turn, json, with_header},
};

const USER: &str = r#"{"id":"u","email":"joe@example.com"}"#;
/// Longer than any default.
const AGES: Duration = Duration::from_secs(1_000_000);

/// All of them that a builder does not say.
pub(super) struct Values {
    pub(super) per_credentials: Window,
    pub(super) per_account: Window,
    pub(super) margin: Duration,
    /// Of windows in Redis: the margin, the time for one step, and for how long a Redis is waited for.
    pub(super) redis: [Duration; 3],
    /// After a 429 that names no time, and after one that names an absurd one.
    pub(super) pause: Duration,
    pub(super) longest_pause: Duration,
    /// For how long the service can say that nothing is left.
    pub(super) longest_reset: Duration,
    /// The windows of the two operations that are limited for each install.
    pub(super) purge_window: Duration,
    pub(super) check_window: Duration,
    pub(super) first_pause: Duration,
    pub(super) longest_wait_pause: Duration,
    pub(super) shortest_pause: Duration,
    /// By the method that makes the wait.
    pub(super) waits: BTreeMap<&'static str, Duration>,
    pub(super) page: usize,
    pub(super) page_of_usage: usize,
    pub(super) page_of_certificates: usize,
    pub(super) pages_at_once: usize,
    pub(super) steps_back: usize,
    pub(super) things_at_once: usize,
    pub(super) token: Duration,
}

fn builder(script: &Arc<Script>) -> ClientBuilder {
    Client::builder()
        .base_url(BASE_URL)
        .credentials(Credentials::basic("test-user", "test-password"))
        .wire(script.clone())
}

fn client(script: &Arc<Script>) -> Client {
    builder(script).build().expect("a client")
}

impl Values {
    /// With paused time only.
    pub(super) async fn read() -> Self {
        let windows = Windows::default();
        let [per_credentials] = windows.per_credentials() else {
            panic!("one window for credentials")
        };
        let [per_account] = windows.per_account() else {
            panic!("one window for accounts")
        };
        let (pause, longest_pause) = pauses_of_the_windows().await;
        let [first_pause, longest_wait_pause, shortest_pause] = pauses_of_a_wait().await;
        let [page, page_of_usage, page_of_certificates] = pages().await;
        let any = client(&Script::answering("{}"));
        Self {
            per_credentials: *per_credentials,
            per_account: *per_account,
            margin: margin(*per_credentials).await,
            redis: redis(&windows),
            pause,
            longest_pause,
            longest_reset: longest_reset().await,
            purge_window: window_after_a_429(|client| async move {
                client
                    .install(INSTALL)
                    .purge_cache(CacheType::Page)
                    .await
                    .map(drop)
            })
            .await,
            check_window: window_after_a_429(|client| async move {
                client
                    .install(INSTALL)
                    .domain("d1")
                    .check_status()
                    .await
                    .map(drop)
            })
            .await,
            first_pause,
            longest_wait_pause,
            shortest_pause,
            waits: waits().await,
            page,
            page_of_usage,
            page_of_certificates,
            pages_at_once: field(&any.installs().list(), "concurrency"),
            steps_back: steps_back(),
            things_at_once: field(&wpengine::for_each_of([1]), "concurrency"),
            token: token().await,
        }
    }
}

/// What `Debug` shows of windows in Redis, which are the same windows.
fn redis(windows: &Windows) -> [Duration; 3] {
    let shown = RedisWindows::new("redis://127.0.0.1").expect("a URL");
    let shown = format!("{shown:?}");
    for (name, windows) in [
        ("per_credentials", windows.per_credentials()),
        ("per_account", windows.per_account()),
    ] {
        let expected = format!("{name}: {windows:?}");
        assert!(shown.contains(&expected), "{expected} is not in {shown}");
    }
    ["margin", "timeout", "patience"].map(|name| {
        let rest = shown.split_once(&format!("{name}: ")).expect(name).1;
        let seconds = rest.split_once("s,").expect("seconds").0;
        Duration::from_secs_f64(seconds.parse().expect("a number"))
    })
}

/// A number that `Debug` shows.
fn field(value: &impl fmt::Debug, name: &str) -> usize {
    let shown = format!("{value:?}");
    let number = shown
        .split_once(&format!("{name}: "))
        .map(|(_, rest)| rest.split(|letter: char| !letter.is_ascii_digit()).next());
    number
        .flatten()
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {shown}"))
}

/// How much longer than its period a window is waited for.
async fn margin(window: Window) -> Duration {
    let client = client(&Script::answering(USER));
    let start = Instant::now();
    for _ in 0..=window.limit() {
        client.current_user().await.expect("an answer");
    }
    whole(start.elapsed() - window.period())
}

async fn pauses_of_the_windows() -> (Duration, Duration) {
    let mut pauses = Vec::new();
    for retry_after in [None, Some("1000000")] {
        let script = Script::new(move |_, _| {
            let answer = json(429, "{}");
            Ok(match retry_after {
                Some(time) => with_header(answer, "retry-after", time),
                None => answer,
            })
        });
        let client = builder(&script)
            .retry(RetryPolicy::none())
            .build()
            .expect("a client");
        client.current_user().await.expect_err("429");
        let state = client.rate_limit_state(None);
        pauses.push(state[0].paused_for.expect("a pause"));
    }
    (pauses[0], pauses[1])
}

/// How long the next request waits after the service said that nothing is left for a day.
async fn longest_reset() -> Duration {
    let tomorrow = jiff::Timestamp::now().as_second() + 86_400;
    let script = Script::new(move |_, _| {
        let answer = json(200, USER);
        let answer = with_header(answer, "x-ratelimit-limit", "100");
        let answer = with_header(answer, "x-ratelimit-remaining", "0");
        Ok(with_header(
            answer,
            "x-ratelimit-reset",
            &tomorrow.to_string(),
        ))
    });
    let client = client(&script);
    client.current_user().await.expect("an answer");
    client.current_user().await.expect("an answer");
    let times = script.times();
    whole(times[1] - times[0])
}

async fn window_after_a_429<F>(call: impl FnOnce(Client) -> F) -> Duration
where
    F: Future<Output = Result<(), Error>>,
{
    let script = Script::then(&[Turn::Status(429)], r#"{"report_id":"r1"}"#);
    call(client(&script)).await.expect("an answer");
    let times = script.times();
    whole(times[1] - times[0])
}

/// The first and the longest pause of a wait, and the shortest that can be set.
async fn pauses_of_a_wait() -> [Duration; 3] {
    let script = Script::answering(r#"{"id":"b1","status":"in_progress"}"#);
    let backup = builder(&script)
        .no_rate_limiter()
        .build()
        .expect("a client")
        .install(INSTALL)
        .backup("b1");
    backup.wait().await.expect_err("it never ends");
    let asked = script.times();
    let pauses: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let hasty = backup
        .wait()
        .pauses(Duration::ZERO, Duration::ZERO)
        .limit(Duration::from_secs(1));
    hasty.await.expect_err("it never ends");
    let hasty = &script.times()[asked.len()..];
    [
        pauses[0],
        *pauses.iter().max().expect("a pause"),
        hasty[1] - hasty[0],
    ]
}

/// How long each kind of work is waited for, by a service that hangs.
async fn waits() -> BTreeMap<&'static str, Duration> {
    let client = builder(&Script::always(Turn::Silence))
        .attempt_timeout(AGES)
        .total_timeout(AGES)
        .build()
        .expect("a client");
    let (install, site) = (client.install(INSTALL), client.site(SITE));
    let mut waits = BTreeMap::new();
    macro_rules! wait {
        ($name:literal: $wait:expr) => {
            let start = Instant::now();
            let error = $wait.await.expect_err("a service that hangs");
            assert_eq!(error.kind(), ErrorKind::WaitTimedOut, "{error}");
            waits.insert($name, whole(start.elapsed()));
        };
    }
    wait!("AccountUsage::wait_for_refresh": client.account(ACCOUNT).usage().wait_for_refresh());
    wait!("ArchiveHandle::wait": install.archive("a1").wait());
    wait!("BackupHandle::wait": install.backup("b1").wait());
    wait!("DomainCertificateHandle::wait": install.domain("d1").certificate().wait());
    wait!("DomainHandle::wait_until_verified": install.domain("d1").wait_until_verified());
    wait!("Domains::wait_for_report": install.domains().wait_for_report("r1"));
    wait!("InstallHandle::wait": install.wait());
    wait!("InstallUsage::wait_for_refresh": install.usage().wait_for_refresh());
    wait!("SiteTransferHandle::wait": site.site_transfer("t1").wait());
    waits
}

/// What a page is asked to hold: of a listing by offset, of usage figures, of certificates.
async fn pages() -> [usize; 3] {
    let script = Script::answering("{}");
    let client = client(&script);
    // The answers cannot be read, which does not matter here.
    let _ = client.installs().list().pages().next().await;
    let _ = client.account(ACCOUNT).usage().list().pages().next().await;
    let _ = client
        .install(INSTALL)
        .certificates()
        .list()
        .pages()
        .next()
        .await;
    let mut asked = Vec::new();
    for request in script.requests() {
        assert_eq!(request.method(), Method::GET);
        let (path, query) = (
            request.uri().path(),
            request.uri().query().unwrap_or_default(),
        );
        let limit = query
            .split('&')
            .find_map(|pair| pair.split_once("limit=").map(|(_, limit)| limit))
            .and_then(|limit| limit.parse().ok())
            .unwrap_or_else(|| panic!("no limit: {path}?{query}"));
        asked.push((path.to_owned(), limit));
    }
    asked.dedup();
    let limits: Vec<usize> = asked.into_iter().map(|(_, limit)| limit).collect();
    limits.try_into().expect("three listings")
}

/// Nothing shows it but millions of pages: it is read where it is written.
fn steps_back() -> usize {
    include_str!("../../../crates/wpengine/src/paging/plan.rs")
        .split_once("const MOST_STEPS_BACK: u32 = ")
        .and_then(|(_, rest)| rest.split(';').next())
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// Never gives a token.
#[derive(Debug)]
struct Silent;

impl TokenSource for Silent {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::pending())
    }
}

async fn token() -> Duration {
    let client = builder(&Script::answering(USER))
        .credentials(Credentials::token_source(Silent))
        .build()
        .expect("a client");
    let start = Instant::now();
    let error = client.current_user().await.expect_err("no token");
    assert!(error.is_timeout() && !error.may_have_happened(), "{error}");
    whole(start.elapsed())
}

/// tokio's clock goes by milliseconds, and wakes up to two of them late.
fn whole(time: Duration) -> Duration {
    Duration::from_secs(time.as_millis().saturating_add(500) as u64 / 1_000)
}

/// The ways in which the documentation writes a time.
pub(super) fn words(time: Duration) -> Vec<String> {
    let (milliseconds, seconds) = (time.as_millis(), time.as_secs());
    if milliseconds % 1_000 != 0 {
        return vec![
            format!("{milliseconds} ms"),
            format!("{} s", time.as_secs_f64()),
        ];
    }
    let mut words = vec![format!("{seconds} s")];
    for (unit, one, length) in [("minute", "a minute", 60), ("hour", "an hour", 3_600)] {
        match seconds / length {
            _ if seconds % length != 0 => {}
            1 => words.extend([one.to_owned(), format!("1 {unit}")]),
            many => words.push(format!("{many} {unit}s")),
        }
    }
    words
}

/// A time as the shortest of its words, in the largest unit that fits.
fn shortest(time: Duration) -> String {
    words(time).pop().unwrap_or_default()
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = Client::builder().limits();
        let window =
            |window: Window| format!("{} in {}", window.limit(), shortest(window.period()));
        let tables = [
            (
                "A call",
                vec![
                    ("a connection", shortest(limits.connect_timeout)),
                    ("an attempt", shortest(limits.attempt_timeout)),
                    ("a token of a source", shortest(self.token)),
                    (
                        "the call, all attempts and pauses",
                        shortest(limits.total_timeout),
                    ),
                    (
                        "the wait for the rate limit, besides",
                        shortest(limits.max_rate_limit_wait),
                    ),
                    ("an idle connection", shortest(limits.pool_idle_timeout)),
                    ("an answer", format!("{} bytes", limits.max_response_size)),
                ],
            ),
            (
                "Repetitions",
                vec![
                    ("attempts", limits.max_attempts.to_string()),
                    ("first wait, at most", shortest(limits.first_wait)),
                    ("any wait, at most", shortest(limits.longest_wait)),
                    (
                        "a Retry-After, at most",
                        shortest(limits.longest_retry_after),
                    ),
                    ("purge_cache, after a 429", shortest(self.purge_window)),
                    (
                        "check_domain_status, after a 429",
                        shortest(self.check_window),
                    ),
                    ("in a row, over all clones", limits.retry_budget.to_string()),
                ],
            ),
            (
                "Windows",
                vec![
                    ("for each set of credentials", window(self.per_credentials)),
                    ("for each account", window(self.per_account)),
                    ("margin for the way", shortest(self.margin)),
                    ("pause after a 429", shortest(self.pause)),
                    ("pause after a 429, at most", shortest(self.longest_pause)),
                    ("nothing left, at most", shortest(self.longest_reset)),
                ],
            ),
            (
                "Windows in Redis, besides",
                vec![
                    ("margin for the way", shortest(self.redis[0])),
                    ("one step, or a connection", shortest(self.redis[1])),
                    ("a Redis that is down", shortest(self.redis[2])),
                ],
            ),
            (
                "Listings",
                vec![
                    ("a page", self.page.to_string()),
                    ("a page of usage figures", self.page_of_usage.to_string()),
                    (
                        "a page of certificates",
                        self.page_of_certificates.to_string(),
                    ),
                    ("pages at once", self.pages_at_once.to_string()),
                    ("steps back in a row, verified", self.steps_back.to_string()),
                    ("things at once, for_each", self.things_at_once.to_string()),
                ],
            ),
            (
                "Waits",
                vec![
                    ("first pause", shortest(self.first_pause)),
                    ("longest pause", shortest(self.longest_wait_pause)),
                    ("no pause is shorter than", shortest(self.shortest_pause)),
                ],
            ),
        ];
        for (name, lines) in tables {
            writeln!(f, "{name}")?;
            for (what, value) in lines {
                writeln!(f, "  {what:<38}{value}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "How long each wait goes on")?;
        for (item, limit) in &self.waits {
            writeln!(f, "  {item:<38}{}", shortest(*limit))?;
        }
        Ok(())
    }
}
