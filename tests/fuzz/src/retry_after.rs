//! `Retry-After` with any bytes: no wait exceeds the limits, and an invalid value is ignored.

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

/// The limit of every `retry_after()`.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);
/// The longest time that a refusal blocks other requests, including the minute in which they are sent one by one.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_700);
/// The longest back-off without a usable header.
const BACK_OFF: Duration = Duration::from_millis(500);
/// The pause after a 429 without a usable header.
const PAUSE: Duration = Duration::from_secs(60);
/// The rounding of a paused clock.
const ROUNDING: Duration = Duration::from_millis(5);
/// The latency of each answer.
const ANSWER: Duration = Duration::from_secs(2);

/// A call and its answers.
#[derive(Clone, Copy)]
struct Question {
    ask: fn(&Client, RetryPolicy, Duration) -> Asking,
    /// The longest wait without a usable header.
    usual: Duration,
    answer: u16,
    done: u16,
}

const QUESTIONS: [Question; 3] = [
    Question {
        ask: |client, policy, time| {
            let call = client.current_user().retry(policy).timeout(time);
            Box::pin(async move { call.await.map(drop) })
        },
        usual: PAUSE,
        answer: 429,
        done: 200,
    },
    Question {
        ask: |client, policy, time| {
            let call = client.current_user().retry(policy).timeout(time);
            Box::pin(async move { call.await.map(drop) })
        },
        usual: BACK_OFF,
        answer: 503,
        done: 200,
    },
    Question {
        ask: |client, policy, time| {
            let call = client.install(ID).purge_cache(CacheType::Page);
            let call = call.retry(policy).timeout(time);
            Box::pin(async move { call.await })
        },
        usual: PAUSE,
        answer: 429,
        done: 202,
    },
];

/// The meaning of a header, parsed without the SDK.
enum Asked {
    Seconds(u64),
    /// A date. The wait depends on the clock of this machine.
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
            // A number that overflows is treated as the largest number.
            return Self::Seconds(text.parse().unwrap_or(u64::MAX));
        }
        match httpdate::parse_http_date(text) {
            Ok(_) => Self::Date,
            Err(_) => Self::Nonsense,
        }
    }
}

/// A header. The input is the question, the deadline of the call, whether the client has its rate limits, whether the
/// header occurs twice, and the header.
pub fn retry_after(input: &[u8]) {
    let mut tape = Tape::new(input);
    let question = tape.pick(&QUESTIONS);
    let time = Duration::from_secs(tape.pick(&[120, 3, 70, 3_600, 100_000]));
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
            return desk::answer(
                if number == 1 { question.done } else { 200 },
                Bytes::from_static(br#"{"id":"u","email":"e"}"#),
            );
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
        .time_limit(Duration::MAX);
    let (outcome, took, waited, requests, after) = desk::run(async {
        let started = Instant::now();
        let outcome = (question.ask)(&client, policy, time).await;
        let sent = desk.times();
        let requests = sent.len();
        let answers = ANSWER * u32::try_from(requests).expect("a few");
        let took = started.elapsed().saturating_sub(answers);
        let waited = match sent[..] {
            [first, second, ..] => (second - first).saturating_sub(ANSWER),
            _ => took,
        };
        // Another caller sends the next request.
        let started = Instant::now();
        let next = client.current_user().timeout(2 * LONGEST_PAUSE).await;
        let after = next.map(|_| started.elapsed().saturating_sub(ANSWER));
        (outcome, took, waited, requests, after)
    });

    assert!(
        took <= time.saturating_add(ROUNDING),
        "{took:?} of {time:?}"
    );
    let told = match &outcome {
        Ok(()) => None,
        // The second attempt began before the deadline but did not end before it.
        Err(error) if requests == 2 => {
            assert!(error.is_timeout(), "{error}");
            None
        }
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
            // Up to a tenth is added to the wait, and the limiter then sends the requests one by one.
            let longest = wait.min(YEAR).mul_f64(1.1) + 2 * ANSWER + Duration::from_secs(2);
            if longest < time {
                outcome.as_ref().expect("there is time for it");
            } else if wait >= time.saturating_sub(ANSWER) {
                outcome.as_ref().expect_err("there is no time for it");
            }
            match told {
                // Longer waits are capped at a year, so that adding them to a clock cannot overflow.
                Some(told) => assert_eq!(told, Some(wait.min(YEAR))),
                None => assert!(waited + ROUNDING >= wait, "it came back after {waited:?}"),
            }
        }
        Asked::Date => {
            assert!(requests == 2 || outcome.is_err());
            assert!(!matches!(told, Some(None)), "a date is a time to wait");
        }
        Asked::Nonsense if question.usual + 2 * ANSWER < time => {
            outcome.expect("nonsense changes nothing");
            assert!(took <= question.usual + ROUNDING, "{took:?}");
            assert!(question.answer == 503 || took + ROUNDING >= question.usual);
        }
        Asked::Nonsense => {}
    }

    let after = after.expect("the next one gets through");
    let most = if limited {
        LONGEST_PAUSE
    } else {
        Duration::ZERO
    };
    assert!(after <= most + ROUNDING, "the next one waits for {after:?}");
}
