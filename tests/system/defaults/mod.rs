//! What limits whoever waits. Every public item that waits is known here, its documentation names its default limits, and
//! they are the ones that hold: they are read from the library, most of them by waiting in virtual time.

mod source;
mod values;

use std::time::Duration;

use wpengine::RetryPolicy;

use source::Source;
use values::Values;

use crate::support::clients;

/// What an item's documentation has to name.
enum Named {
    Time(Duration),
    /// A number with what it counts.
    Number(String),
}

/// The items that wait by themselves or set a limit, and what the documentation of each has to name.
fn table(values: &Values) -> Vec<(&'static str, Vec<Named>)> {
    use Named::{Number, Time};
    let limits = wpengine::Client::builder().limits();
    let number = |number: usize, what: &str| Number(format!("{number}{what}"));
    let mebibytes = number(limits.max_response_size / 1024 / 1024, " MiB");
    let attempts = || number(limits.max_attempts as usize, " attempts");
    let of_credentials = || number(values.per_credentials.limit(), " requests a minute");
    let of_account = || number(values.per_account.limit(), " an hour");
    let [redis_margin, redis_timeout, patience] = values.redis;
    let mut table = vec![
        (
            "ClientBuilder",
            vec![
                Time(limits.connect_timeout),
                Time(limits.attempt_timeout),
                Time(limits.total_timeout),
                Time(limits.max_rate_limit_wait),
                number(limits.max_response_size / 1024 / 1024, " MiB"),
            ],
        ),
        (
            "ClientBuilder::connect_timeout",
            vec![Time(limits.connect_timeout)],
        ),
        (
            "ClientBuilder::attempt_timeout",
            vec![Time(limits.attempt_timeout)],
        ),
        (
            "ClientBuilder::total_timeout",
            vec![Time(limits.total_timeout)],
        ),
        (
            "ClientBuilder::max_rate_limit_wait",
            vec![Time(limits.max_rate_limit_wait)],
        ),
        (
            "ClientBuilder::pool_idle_timeout",
            vec![Time(limits.pool_idle_timeout)],
        ),
        ("ClientBuilder::max_response_size", vec![mebibytes]),
        ("ClientBuilder::retry", vec![attempts()]),
        (
            "ClientBuilder::retry_budget",
            vec![number(limits.retry_budget as usize, " by default")],
        ),
        (
            "ClientBuilder::rate_limiter",
            vec![of_credentials(), of_account()],
        ),
        (
            "RetryPolicy",
            vec![
                attempts(),
                Time(limits.first_wait),
                Time(limits.longest_wait),
                Time(limits.longest_retry_after),
                Time(values.purge_window),
                Time(values.check_window),
            ],
        ),
        (
            "RetryPolicy::max_attempts",
            vec![number(limits.max_attempts as usize, " by default")],
        ),
        ("RetryPolicy::first_wait", vec![Time(limits.first_wait)]),
        ("RetryPolicy::longest_wait", vec![Time(limits.longest_wait)]),
        (
            "RetryPolicy::longest_retry_after",
            vec![Time(limits.longest_retry_after)],
        ),
        (
            "Windows",
            vec![
                of_credentials(),
                of_account(),
                Time(values.margin),
                Time(values.pause),
                Time(values.longest_pause),
                Time(values.longest_reset),
                Time(limits.max_rate_limit_wait),
            ],
        ),
        ("Windows::margin", vec![Time(values.margin)]),
        (
            "RedisWindows",
            vec![
                of_credentials(),
                of_account(),
                Time(redis_timeout),
                Time(patience),
            ],
        ),
        ("RedisWindows::per_credentials", vec![of_credentials()]),
        ("RedisWindows::per_account", vec![of_account()]),
        ("RedisWindows::margin", vec![Time(redis_margin)]),
        ("RedisWindows::timeout", vec![Time(redis_timeout)]),
        ("RedisWindows::patience", vec![Time(patience)]),
        (
            "Wait",
            vec![Time(values.first_pause), Time(values.longest_wait_pause)],
        ),
        (
            "Wait::pauses",
            vec![
                Time(values.first_pause),
                Time(values.longest_wait_pause),
                Time(values.shortest_pause),
            ],
        ),
        (
            "Wait::limit",
            vec![
                Time(*values.waits.values().min().expect("a wait")),
                Time(*values.waits.values().max().expect("a wait")),
            ],
        ),
        (
            "List<T, ByOffset>::limit",
            vec![number(values.page, " by default")],
        ),
        (
            "List<T, ByOffset>::concurrency",
            vec![number(values.pages_at_once, " by default")],
        ),
        (
            "List<T, ByOffset>::verified",
            vec![number(values.steps_back, " times in a row")],
        ),
        (
            "List<T, ByToken>::limit",
            vec![
                number(values.page_of_usage, " environments"),
                number(values.page_of_certificates, " certificates"),
            ],
        ),
        ("List<T, Style>::timeout", vec![Time(limits.total_timeout)]),
        (
            "ForEach::concurrency",
            vec![number(values.things_at_once, " by default")],
        ),
        ("ForEach::run", vec![Time(limits.total_timeout)]),
        ("TokenSource", vec![Time(values.token)]),
        (
            "Request",
            vec![Time(limits.total_timeout), Time(limits.max_rate_limit_wait)],
        ),
        ("Request::timeout", vec![Time(limits.total_timeout)]),
        (
            "(request values)::timeout",
            vec![Time(limits.total_timeout)],
        ),
        ("AnyRequest::timeout", vec![Time(limits.total_timeout)]),
        ("Pages", vec![Time(limits.total_timeout)]),
        ("Items", vec![Time(limits.total_timeout)]),
        (
            "RateLimiter::acquire",
            vec![Time(limits.max_rate_limit_wait)],
        ),
    ];
    for (item, limit) in &values.waits {
        table.push((item, vec![Time(*limit)]));
    }
    table
}

/// What waits, and which limits end it: those of every call, or its own too.
const WAITING: [(&str, &str); 29] = [
    ("(request values): IntoFuture", "a call"),
    ("(request values)::send", "a call"),
    ("AccountUsage::wait_for_refresh", "its own"),
    ("AnyRequest::json", "a call"),
    ("AnyRequest::send", "a call"),
    (
        "ArchiveHandle::download",
        "a call, and two silences of an attempt",
    ),
    ("ArchiveHandle::wait", "its own"),
    ("BackupHandle::wait", "its own"),
    ("DomainCertificateHandle::wait", "its own"),
    ("DomainHandle::wait_until_verified", "its own"),
    ("Domains::wait_for_report", "its own"),
    ("ForEach::run", "a call for each item, so many at once"),
    ("InstallHandle::wait", "its own"),
    ("InstallUsage::wait_for_refresh", "its own"),
    ("Items: Stream", "a call for each page"),
    ("Items::next", "a call for each page"),
    ("Items::try_next", "a call for each page"),
    ("List<T, ByOffset>::count", "a call"),
    ("List<T, Style>::all", "a call for each page"),
    ("Pages: Stream", "a call for each page"),
    ("Pages::next", "a call for each page"),
    ("Pages::try_next", "a call for each page"),
    ("Progress: Stream", "its wait"),
    ("Progress::next", "its wait"),
    ("Progress::try_next", "its wait"),
    (
        "RateLimiter::acquire",
        "the longest wait for the rate limit",
    ),
    ("Request: IntoFuture", "a call"),
    ("Request::send", "a call"),
    ("SiteTransferHandle::wait", "its own"),
    ("TokenSource::token", "an attempt"),
];

#[test]
fn every_public_item_that_waits_is_known_with_what_ends_it() {
    let source = Source::read();
    let known: Vec<&str> = WAITING.iter().map(|(item, _)| *item).collect();
    // What waits without being asked twice: a stream of what is at hand, and a wait that is awaited.
    let found: Vec<&str> = source
        .waiting
        .iter()
        .map(String::as_str)
        .filter(|item| !matches!(*item, "Given: Stream" | "Wait: IntoFuture"))
        .collect();
    assert_eq!(
        found, known,
        "what is new needs a limit, documentation that names it, and a line here"
    );
}

#[tokio::test(start_paused = true)]
async fn the_documentation_of_every_limit_names_the_number_that_holds() {
    let source = Source::read();
    let mut missing = Vec::new();
    let table = table(&Values::read().await);
    for (item, named) in &table {
        let documentation = source.documentation(item);
        for value in named {
            let words = match value {
                Named::Time(time) => values::words(*time),
                Named::Number(number) => vec![number.clone()],
            };
            if !words.iter().any(|words| names(&documentation, words)) {
                missing.push(format!("{item} names none of {words:?}: {documentation}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    for (item, limit) in WAITING {
        assert!(
            limit != "its own" || table.iter().any(|(known, _)| *known == item),
            "the limit of {item} is not in the table"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_defaults_are_the_ones_of_the_snapshot() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut told = Values::read().await.to_string();
    told.push_str("\nWhat ends each item that waits\n");
    for (item, limit) in WAITING {
        told.push_str(&format!("  {item:<38}{limit}\n"));
    }
    settings.bind(|| insta::assert_snapshot!("defaults", told));
}

/// Whether a text has a number and what it counts, and not as a part of another number.
fn names(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + words.len()..].chars().next();
        !before.is_some_and(|letter| letter.is_ascii_digit() || letter == '.')
            && !after.is_some_and(char::is_alphanumeric)
    })
}

#[test]
fn a_number_is_not_found_in_another_one() {
    assert!(names("at most 5 s.", "5 s"));
    assert!(!names("at most 45 s", "5 s"));
    assert!(!names("at most 0.5 s", "5 s"));
    assert!(!names("5 sites", "5 s"));
}

#[test]
fn a_built_client_says_what_limits_it() {
    let second = Duration::from_secs(1);
    let builder = clients::at(clients::BASE_URL)
        .connect_timeout(second)
        .attempt_timeout(2 * second)
        .total_timeout(3 * second)
        .max_rate_limit_wait(4 * second)
        .retry(
            RetryPolicy::default()
                .max_attempts(5)
                .first_wait(6 * second)
                .longest_wait(7 * second)
                .longest_retry_after(8 * second),
        )
        .retry_budget(9)
        .pool_idle_timeout(10 * second)
        .max_response_size(11);
    let set = builder.limits();
    let limits = builder.build().expect("a client").limits();
    assert_eq!(limits, set);
    let told = (
        [
            limits.connect_timeout,
            limits.attempt_timeout,
            limits.total_timeout,
            limits.max_rate_limit_wait,
            limits.first_wait,
            limits.longest_wait,
            limits.longest_retry_after,
            limits.pool_idle_timeout,
        ]
        .map(|time| time.as_secs()),
        limits.max_attempts,
        limits.retry_budget,
        limits.max_response_size,
    );
    assert_eq!(told, ([1, 2, 3, 4, 6, 7, 8, 10], 5, 9, 11));
}
