//! The time of a listing that waits for the network: 10,000 installs with 50 ms latency for each response, against
//! that latency alone. Also the number of requests, against the smallest number of pages that can hold all installs.

use std::time::{Duration, Instant};

use crate::Failure;
use crate::Run;
use crate::clients::{PAGE, facade};
use crate::overhead::median;
use crate::process::Server;
use crate::table::{Comparison, Figures, Row, Target, Unit};

const INSTALLS: usize = 10_000;
const LATENCY: Duration = Duration::from_millis(50);

/// A multiple of the ideal time. The rest is sending, responding and decoding.
const TIME: Target = Target::AtMost(1.15);
/// No page is requested twice, and no additional page is requested.
const REQUESTS: Target = Target::Exactly(1.0);

pub(crate) fn measure(run: &Run) -> Result<Vec<Row>, Failure> {
    let mut server = Server::start(INSTALLS, LATENCY)?;
    let runtime = tokio::runtime::Runtime::new()?;
    // Each page begins with the last item of the page before.
    let pages = (INSTALLS - 1).div_ceil(PAGE - 1);
    let mut rows = Vec::new();
    for concurrency in [1, 8] {
        let times = if run.quick || concurrency == 1 { 1 } else { 5 };
        let mut seconds = Vec::new();
        let mut most_requests = 0;
        for _ in 0..times {
            server.forget()?;
            let took = runtime.block_on(list(&server.base_url, concurrency))?;
            seconds.push(took.as_secs_f64());
            most_requests = most_requests.max(server.arrivals()?.len());
        }
        let ideal = LATENCY * rounds(pages, concurrency);
        let row = |what, against: String, unit, measured, reference, target| Row {
            part: "listing",
            what: format!("{what}, concurrency {concurrency}"),
            against,
            unit,
            figures: Some(Figures {
                measured,
                reference,
            }),
            compared: Comparison::Ratio,
            target,
        };
        rows.push(row(
            "time for 10,000 installs at 50 ms",
            format!("{} rounds of 50 ms", rounds(pages, concurrency)),
            Unit::Seconds,
            median(seconds),
            ideal.as_secs_f64(),
            TIME,
        ));
        #[allow(clippy::cast_precision_loss, reason = "they are hundreds")]
        rows.push(row(
            "requests for 10,000 installs",
            "pages of 100 that overlap by 1".to_owned(),
            Unit::Requests,
            most_requests as f64,
            pages as f64,
            REQUESTS,
        ));
    }
    Ok(rows)
}

/// The smallest number of round trips: one for the first page, which has the total, then one for each group of
/// concurrent pages.
pub(crate) fn rounds(pages: usize, concurrency: usize) -> u32 {
    let rest = pages.saturating_sub(1).div_ceil(concurrency);
    u32::try_from(1 + rest).unwrap_or(u32::MAX)
}

async fn list(base_url: &str, concurrency: usize) -> Result<Duration, Failure> {
    // A new client each time, because connecting is part of the cost of a listing.
    let client = facade(base_url)?;
    let began = Instant::now();
    let installs = client.installs().list().concurrency(concurrency);
    let count = installs.collect().await?.len();
    let took = began.elapsed();
    if count == INSTALLS {
        return Ok(took);
    }
    Err(Failure::msg(format!("the listing gave {count} installs")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_page_is_a_round_and_the_rest_goes_so_many_at_a_time() {
        for (pages, concurrency, expected) in [
            (100, 1, 100),
            (100, 8, 14),
            (97, 8, 13),
            (98, 8, 14),
            (1, 8, 1),
            (2, 8, 2),
        ] {
            assert_eq!(
                rounds(pages, concurrency),
                expected,
                "{pages} {concurrency}"
            );
        }
    }
}
