//! `Retry-After` of any bytes: no wait is above the limits, and nonsense is no wait at all.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, header};
use tokio::time::Instant;
use wpengine::{Client, RetryPolicy, types::CacheType};

use super::{
    calls::{Asking, ID},
    desk::{self, Caller},
    line,
    tape::Tape,
};

/// What no time to wait exceeds.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);
/// How long a refusal pauses whoever shares the rate limits, and a second in which they leave one by one after it.
const LONGEST_PAUSE: Duration = Duration::from_secs(121);
/// How long the call may take in all.
const TOTAL: Duration = Duration::from_secs(7_200);
/// The longest back-off where the header says nothing.
const BACK_OFF: Duration = Duration::from_millis(500);
/// What a clock that is paused rounds up.
const ROUNDING: Duration = Duration::from_millis(5);
/// How long each answer takes.
const ANSWER: Duration = Duration::from_secs(2);

/// What is asked.
#[derive(Clone, Copy)]
struct Question {
    ask: fn(&Client, RetryPolicy) -> Asking,
    /// The wait that the API fixes for it, where the header says nothing.
    fixed: Option<Duration>,
    answer: u16,
}

const QUESTIONS: [Question; 3] = [
    Question {
        ask: |client, policy| {
            let call = client.current_user().retry(policy).timeout(TOTAL);
            Box::pin(async move { call.await.map(drop) })
        },
        fixed: None,
        answer: 429,
    },
    Question {
        ask: |client, policy| {
            let call = client.current_user().retry(policy).timeout(TOTAL);
            Box::pin(async move { call.await.map(drop) })
        },
        fixed: None,
        answer: 503,
    },
    Question {
        ask: |client, policy| {
            let call = client.install(ID).purge_cache(CacheType::Page);
            let call = call.retry(policy).timeout(TOTAL);
            Box::pin(async move { call.await })
        },
        fixed: Some(Duration::from_secs(60)),
        answer: 429,
    },
];

/// What a header asks for, read by nothing of the SDK.
enum Asked {
    Seconds(u64),
    /// A date: how far off it is depends on the clock of this machine.
    Date,
    Nonsense,
}

impl Asked {
    fn read(value: &HeaderValue) -> Self {
        let Ok(text) = value.to_str() else {
            return Self::Nonsense;
        };
        let text = text.trim();
        if !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit()) {
            // More than fits is as good as never.
            return Self::Seconds(text.parse().unwrap_or(u64::MAX));
        }
        match httpdate::parse_http_date(text) {
            Ok(_) => Self::Date,
            Err(_) => Self::Nonsense,
        }
    }
}

/// A header. An input is the question, the longest `Retry-After` that is honoured, whether the client has its rate
/// limits, whether the header comes twice, and the header.
pub fn retry_after(input: &[u8]) {
    let mut tape = Tape::new(input);
    let question = tape.pick(&QUESTIONS);
    let cap = tape.pick(&[120, 0, 1, 3_600, u64::MAX]);
    let cap = match cap {
        u64::MAX => Duration::MAX,
        seconds => Duration::from_secs(seconds),
    };
    let limited = tape.choice(2) == 1;
    let twice = tape.choice(2) == 1;
    let mut headers = tape
        .parts(if twice { 2 } else { 1 })
        .into_iter()
        .filter_map(|text| HeaderValue::from_bytes(text).ok());
    let Some(first) = headers.next() else {
        return;
    };
    let second = headers.next();
    let asked = Asked::read(&first);

    let (client, desk) = if limited {
        desk::limited_client()
    } else {
        desk::client(Caller::Plain)
    };
    desk.play(3, move |number, _| {
        if number > 0 {
            return desk::answer(200, Bytes::from_static(br#"{"id":"u","email":"e"}"#));
        }
        let mut answer = desk::answer(question.answer, Bytes::new());
        let headers = answer.headers_mut();
        headers.append(header::RETRY_AFTER, first.clone());
        if let Some(second) = &second {
            headers.append(header::RETRY_AFTER, second.clone());
        }
        answer
    });
    desk.delay(ANSWER);
    let policy = RetryPolicy::default()
        .max_attempts(2)
        .first_wait(BACK_OFF)
        .longest_retry_after(cap);
    let (outcome, took, requests, after) = desk::run(async {
        let started = Instant::now();
        let outcome = (question.ask)(&client, policy).await;
        let requests = desk.times().len();
        let answers = ANSWER * u32::try_from(requests).expect("a few");
        let took = started.elapsed().saturating_sub(answers);
        // Whoever comes next.
        let started = Instant::now();
        let next = client.current_user().await;
        let after = next.map(|_| started.elapsed().saturating_sub(ANSWER));
        (outcome, took, requests, after)
    });

    let paused = if limited && question.answer == 429 && question.fixed.is_none() {
        LONGEST_PAUSE
    } else {
        Duration::ZERO
    };
    let most = cap
        .min(TOTAL)
        .max(question.fixed.unwrap_or(BACK_OFF))
        .max(paused);
    assert!(
        took <= most + ROUNDING,
        "a wait of {took:?}, {most:?} at the most"
    );
    let told = match &outcome {
        Ok(()) => None,
        Err(error) => {
            line::assert_readable(error);
            assert_eq!(
                error.status().map(|status| status.as_u16()),
                Some(question.answer)
            );
            assert_eq!(requests, 1);
            Some(error.retry_after())
        }
    };
    match asked {
        Asked::Seconds(seconds) => {
            let wait = Duration::from_secs(seconds);
            let fits = wait <= cap && wait < TOTAL - ANSWER;
            assert_eq!(outcome.is_ok(), fits, "{wait:?} of {cap:?}: {outcome:?}");
            match told {
                // What is longer than a year is nonsense, and would overflow somebody's clock.
                Some(told) => assert_eq!(told, Some(wait.min(YEAR))),
                None => assert!(took + ROUNDING >= wait, "it came back after {took:?}"),
            }
        }
        Asked::Date => {
            assert_eq!(outcome.is_ok(), requests == 2);
            assert!(!matches!(told, Some(None)), "a date is a time to wait");
        }
        Asked::Nonsense => {
            outcome.expect("nonsense changes nothing");
            let usual = question.fixed.unwrap_or(BACK_OFF);
            assert!(limited || took <= usual + ROUNDING, "{took:?}");
            assert!(question.fixed.is_none_or(|fixed| took >= fixed));
        }
    }

    let after = after.expect("the next one gets through");
    let most = if limited {
        LONGEST_PAUSE
    } else {
        Duration::ZERO
    };
    assert!(after <= most + ROUNDING, "the next one waits for {after:?}");
}
