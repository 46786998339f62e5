//! The fleet: what a snapshot costs against the latency alone, how long questions take, and how long checks take under
//! the default limits.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};
use wpengine::{
    Client,
    jiff::Timestamp,
    limits::Windows,
    transport::{HttpClient, HttpError, ResponseFuture},
};
use wpengine_fleet::{Class, Error, Fleet, Observed};
use wpengine_sim::Simulator;

use crate::Failure;
use crate::Run;
use crate::clients::{builder, facade};
use crate::listing::rounds;
use crate::memory;
use crate::overhead::median;
use crate::process::{self, Server};
use crate::server::{PASSWORD, Population, USER};
use crate::table::{Comparison, Figures, Row, Target, Unit};

/// The fleet of the snapshot and of the questions.
const LARGE: Population = Population {
    accounts: 20,
    sites: 5_000,
    installs: 10_000,
};
/// The fleet of the checks.
const MIDDLE: Population = Population {
    accounts: 20,
    sites: 250,
    installs: 500,
};
const LATENCY: Duration = Duration::from_millis(50);
/// The pages of the accounts, the sites and the installs.
const PAGES: [usize; 3] = [1, 51, 101];
/// How many pages of a listing are under way at the same time.
const CONCURRENCY: usize = 8;

const TIME: Target = Target::AtMost(1.15);
const REQUESTS: Target = Target::Exactly(1.0);
const MEMORY: Target = Target::AtMost(40.0);
/// For each question.
const ANSWER: Duration = Duration::from_millis(50);
const CHECKS: Target = Target::AtMost(1.05);

/// The arguments of the process that reads a snapshot.
#[derive(Debug, clap::Args)]
pub(crate) struct SnapshotArgs {
    #[arg(long)]
    base_url: String,
    /// Read it once more into the same mirror.
    #[arg(long)]
    twice: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Taken {
    /// The seconds of the last reading.
    seconds: f64,
    installs: usize,
    peak_kib: u32,
}

pub(crate) fn measure(run: &Run) -> Result<Vec<Row>, Failure> {
    let mut rows = snapshots(run)?;
    rows.extend(questions(run)?);
    rows.push(checks()?);
    Ok(rows)
}

fn row(what: impl Into<String>, against: impl Into<String>, unit: Unit, target: Target) -> Row {
    Row {
        part: "fleet",
        what: what.into(),
        against: against.into(),
        unit,
        figures: None,
        compared: Comparison::Ratio,
        target,
    }
}

impl Row {
    fn measured(mut self, measured: f64, reference: f64) -> Self {
        self.figures = Some(Figures {
            measured,
            reference,
        });
        self
    }
}

/// Reads the large fleet into an empty mirror, and into one that has it already.
fn snapshots(run: &Run) -> Result<Vec<Row>, Failure> {
    let mut server = Server::of(LARGE, LATENCY)?;
    let ideal = LATENCY * rounds(PAGES[2], CONCURRENCY);
    let mut rows = Vec::new();
    let mut peak: f64 = 0.0;
    for (what, twice) in [("an empty mirror", false), ("a full mirror", true)] {
        let mut seconds = Vec::new();
        let mut requests = 0;
        for _ in 0..if run.quick { 1 } else { 5 } {
            server.forget()?;
            let taken = take(&server, twice)?;
            peak = peak.max(f64::from(taken.peak_kib) / 1024.0);
            seconds.push(taken.seconds);
            requests = server.arrivals()?.len() / if twice { 2 } else { 1 };
        }
        let time = row(
            format!("time of a snapshot into {what}"),
            format!("{} rounds of 50 ms", rounds(PAGES[2], CONCURRENCY)),
            Unit::Seconds,
            TIME,
        );
        rows.push(time.measured(median(seconds), ideal.as_secs_f64()));
        let pages = row(
            format!("requests of a snapshot into {what}"),
            "101 + 51 + 1 pages",
            Unit::Requests,
            REQUESTS,
        );
        #[allow(clippy::cast_precision_loss, reason = "they are hundreds")]
        rows.push(pages.measured(requests as f64, PAGES.iter().sum::<usize>() as f64));
    }
    let page = memory::peak(&server, 1, true)?;
    let memory = Row {
        compared: Comparison::Difference,
        ..row("peak of a snapshot", "one page", Unit::Mebibytes, MEMORY)
    };
    rows.push(memory.measured(peak, page));
    Ok(rows)
}

fn take(server: &Server, twice: bool) -> Result<Taken, Failure> {
    let mut command = process::myself()?;
    command.args(["snapshot", "--base-url", &server.base_url]);
    if twice {
        command.arg("--twice");
    }
    let taken: Taken = process::ask(&mut command)?;
    if taken.installs == LARGE.installs {
        return Ok(taken);
    }
    Err(Failure::msg(format!(
        "the snapshot has {} installs",
        taken.installs
    )))
}

/// Reads a snapshot and prints how long that took and how much memory.
pub(crate) async fn snapshot(args: &SnapshotArgs) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let client = facade(&args.base_url)?;
    let fleet = Fleet::open(&client, folder.path(), folder.path())?;
    if args.twice {
        fleet.snapshot().await?;
    }
    let began = Instant::now();
    let snapshot = fleet.snapshot().await?;
    let taken = Taken {
        seconds: began.elapsed().as_secs_f64(),
        installs: snapshot.data.installs,
        peak_kib: memory::own_peak_kib()?,
    };
    println!("{}", serde_json::to_string(&taken)?);
    Ok(())
}

/// Every question, answered from a whole mirror of the large fleet.
fn questions(run: &Run) -> Result<Vec<Row>, Failure> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let folder = tempfile::tempdir()?;
        let fleet = fleet(LARGE, folder.path(), None)?;
        let synced = fleet.sync().concurrency(32).run().await?;
        if !synced.complete {
            return Err(Failure::msg(format!("the sync: {:?}", synced.failures)));
        }
        let times = if run.quick { 3 } else { 11 };
        ask(&fleet, times).await
    })
}

async fn ask(fleet: &Fleet, times: usize) -> Result<Vec<Row>, Failure> {
    let sql = "SELECT production.id, staging.id, domains.name FROM installs production
        JOIN installs staging ON staging.site_id = production.site_id AND staging.environment = 'staging'
        JOIN domains ON domains.install_id = production.id
        WHERE production.environment = 'production' LIMIT 1";
    let found = fleet.sql(sql).await?.rows;
    let text = |at: usize| found[0][at].as_str().unwrap_or_default().to_owned();
    let (production, staging) = (
        fleet.resolve(&text(0)).await?,
        fleet.resolve(&text(1)).await?,
    );
    let pair = [&production, &staging];
    fleet.sync().only(Class::ALL).of(pair).run().await?;
    let (name, domain) = (production.name.clone(), text(2));
    let week = Timestamp::now() - wpengine::jiff::SignedDuration::from_hours(7 * 24);
    let mut rows = Vec::new();
    macro_rules! question {
        ($what:literal, $answer:expr) => {
            let mut seconds = Vec::new();
            for _ in 0..times {
                let began = Instant::now();
                let answer = $answer.await?;
                seconds.push(began.elapsed().as_secs_f64());
                drop(answer);
            }
            let question = row($what, "50 ms", Unit::Seconds, Target::AtMost(1.0));
            rows.push(question.measured(median(seconds), ANSWER.as_secs_f64()));
        };
    }
    question!("overview of 10,000 installs", whole(fleet.overview()));
    question!("people of 20 accounts", whole(fleet.people()));
    question!("domains of 10,000 installs", whole(fleet.domains()));
    question!("whois", whole(fleet.whois(&domain)));
    question!("backups of 10,000 installs", whole(fleet.backups()));
    question!("versions of 10,000 installs", whole(fleet.versions()));
    question!(
        "difference of two installs",
        whole(fleet.difference(&production, &staging))
    );
    question!("a name", fleet.resolve(&name));
    question!("a domain", fleet.resolve(&domain));
    question!("a search", fleet.search(&name[1..]));
    question!("changes of a week", fleet.changes(week));
    Ok(rows)
}

/// An answer that is complete, so that nothing is fast because it is missing.
async fn whole<T>(
    answer: impl Future<Output = Result<Observed<T>, Error>>,
) -> Result<Observed<T>, Failure> {
    let answer = answer.await?;
    if answer.complete {
        return Ok(answer);
    }
    Err(Failure::msg(format!("not complete: {:?}", answer.failures)))
}

/// All checks of 500 installs under the default limits, on paused time.
fn checks() -> Result<Row, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    let (took, requests) = runtime.block_on(async {
        let folder = tempfile::tempdir()?;
        let fleet = fleet(MIDDLE, folder.path(), Some(Windows::default()))?;
        let began = tokio::time::Instant::now();
        let found = whole(fleet.check().live().run()).await?;
        Ok::<_, Failure>((began.elapsed(), found.requests))
    })?;
    // The first hundred are sent at once, and so is each hundred when its minute begins.
    let least = Duration::from_secs(60) * u32::try_from((requests - 1) / 100)?;
    let row = row(
        "checks of 500 installs, simulated time",
        format!("{requests} requests at 100 a minute"),
        Unit::Seconds,
        CHECKS,
    );
    Ok(row.measured(took.as_secs_f64(), least.as_secs_f64()))
}

/// A fleet that is simulated in memory.
fn fleet(
    population: Population,
    folder: &std::path::Path,
    limits: Option<Windows>,
) -> Result<Fleet, Failure> {
    let simulator = Simulator::builder()
        .credentials(USER, PASSWORD)
        .seed(7)
        .fleet(population.accounts, population.sites, population.installs)
        .build();
    let client = builder(&simulator.base_url()).http_client(Arc::new(Direct(simulator)));
    let client: Client = match limits {
        Some(limits) => client.rate_limiter(limits).build()?,
        None => client.build()?,
    };
    Ok(Fleet::open(&client, folder, folder)?)
}

/// The transport to a simulator in memory.
struct Direct(Simulator);

impl HttpClient for Direct {
    fn send(&self, request: Request<Bytes>, _most: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            let answer = self.0.exchange(request).await;
            answer.map_err(|broken| HttpError::Broken(broken.into()))
        })
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Direct")
    }
}
