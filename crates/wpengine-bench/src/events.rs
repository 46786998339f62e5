//! Events: how near the mean delay comes to the least possible one, and what a poller of 5,000 installs takes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wpengine_events::{Events, Poller, model};

use crate::Failure;
use crate::Run;
use crate::clients::facade;
use crate::memory;
use crate::process::{self, Server};
use crate::server::Population;
use crate::table::{Comparison, Figures, Row, Target, Unit};

const DELAY: Target = Target::AtMost(1.15);
const MEMORY: Target = Target::AtMost(40.0);
const COMMIT: Target = Target::AtMost(0.05);

/// How long a look takes: it is a part of every delay.
const LOOK: f64 = 1.0;

const FLEET: Population = Population {
    accounts: 20,
    sites: 2_500,
    installs: 5_000,
};

/// What the poller may ask in an hour, of all accounts: enough to look at everything every half minute, which is as often as it does.
const LIMIT: u32 = 3_600_000;

/// The arguments of the process that watches a fleet.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    #[arg(long)]
    base_url: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Watched {
    listings: usize,
    peak_kib: u32,
    longest_commit: f64,
}

pub(crate) fn measure(run: &Run) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for installs in [50, 500, 5_000] {
        let found = model(installs, 1);
        if found.busiest_hour > 1_000.0 {
            return Err(Failure::msg(format!("the limit was exceeded: {found:?}")));
        }
        rows.push(row(
            format!("mean delay of a change, {installs} installs"),
            "the least possible",
            Unit::Seconds,
            Comparison::Ratio,
            DELAY,
            (found.mean + LOOK, found.best + LOOK),
        ));
        if run.quick {
            return Ok(rows);
        }
    }
    let server = Server::of(FLEET, Duration::ZERO)?;
    let mut command = process::myself()?;
    command.args(["watch", "--base-url", &server.base_url]);
    let watched: Watched = process::ask(&mut command)?;
    if watched.listings < 4 * FLEET.installs {
        return Err(Failure::msg(format!(
            "only {} listings were watched",
            watched.listings
        )));
    }
    let peak = f64::from(watched.peak_kib) / 1024.0;
    rows.push(row(
        format!(
            "peak memory, {} listings of 5,000 installs",
            watched.listings
        ),
        "nothing",
        Unit::Mebibytes,
        Comparison::Difference,
        MEMORY,
        (peak, 0.0),
    ));
    rows.push(row(
        "longest commit of a look, 5,000 installs".to_owned(),
        "nothing",
        Unit::Seconds,
        Comparison::Difference,
        COMMIT,
        (watched.longest_commit, 0.0),
    ));
    Ok(rows)
}

fn row(
    what: String,
    against: &str,
    unit: Unit,
    compared: Comparison,
    target: Target,
    (measured, reference): (f64, f64),
) -> Row {
    Row {
        part: "events",
        what,
        against: against.to_owned(),
        unit,
        figures: Some(Figures {
            measured,
            reference,
        }),
        compared,
        target,
    }
}

/// Watches a fleet until every listing was looked at twice, and prints what that took.
pub(crate) async fn watch(args: &WatchArgs) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let events = Events::open(folder.path().join("events.db"))?;
    let poller = Poller::new(&facade(&args.base_url)?, &events).limits(LIMIT, LIMIT);
    let watch = poller.watch();
    let enough = async {
        loop {
            let status = watch.status();
            if status.listings > 20_000 && status.looks > 2 * status.listings as u64 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    poller.run(enough).await?;
    let status = watch.status();
    let watched = Watched {
        listings: status.listings,
        peak_kib: memory::own_peak_kib()?,
        longest_commit: status.longest_commit,
    };
    println!("{}", serde_json::to_string(&watched)?);
    Ok(())
}
