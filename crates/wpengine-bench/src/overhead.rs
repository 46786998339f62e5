//! What the SDK adds to one call: a page of 100 installs, against bare reqwest and serde_json that decode into the
//! same models.
//!
//! Both clients call the same server in another process. Callgrind counts the instructions of a process that makes n
//! calls and of one that makes 2n calls. The difference is the cost of n calls without the start of the process. The
//! time is the median of alternating calls in one process.

use std::process::Command;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::Failure;
use crate::Run;
use crate::clients::{Bare, PAGE, facade};
use crate::process::{self, Server, VALGRIND};
use crate::table::{Comparison, Figures, Row, Target, Unit};

/// The limit for instructions. They are repeatable, so it can be tight.
const INSTRUCTIONS: Target = Target::AtMost(1.03);
/// Most of the time is spent in the server and the kernel and varies. So this limit only detects unnecessary waits of
/// the SDK.
const TIME: Target = Target::AtMost(1.15);

/// The client that makes the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    Facade,
    Bare,
}

/// The arguments of the process whose instructions are counted.
#[derive(Debug, clap::Args)]
pub(crate) struct CallArgs {
    #[arg(long)]
    base_url: String,
    #[arg(long)]
    side: Side,
    #[arg(long)]
    calls: u32,
}

pub(crate) fn measure(run: &Run) -> Result<Vec<Row>, Failure> {
    // More than one page, so that the SDK does all the work of a listing with several pages.
    let server = Server::start(10 * PAGE, Duration::ZERO)?;
    let runtime = runtime()?;
    runtime.block_on(compare(&server.base_url))?;
    let instructions = instructions(run, &server)?;
    let rounds = if run.quick { 500 } else { 3_000 };
    let times = runtime.block_on(times(&server.base_url, rounds))?;
    let row = |what: &str, unit, figures, target| Row {
        part: "overhead",
        what: format!("{what} for a page of {PAGE}"),
        against: "bare reqwest".to_owned(),
        unit,
        figures: Some(figures),
        compared: Comparison::Ratio,
        target,
    };
    Ok(vec![
        row(
            "instructions",
            Unit::Instructions,
            instructions,
            INSTRUCTIONS,
        ),
        row("time", Unit::Microseconds, times, TIME),
    ])
}

/// Checks that both clients return the same result. Otherwise the comparison would mean nothing.
async fn compare(base_url: &str) -> Result<(), Failure> {
    let (client, bare) = (facade(base_url)?, Bare::new(base_url)?);
    let ours = client.installs().list().pages().try_next().await?;
    let ours = ours.map(|page| page.items).unwrap_or_default();
    let theirs = bare.page().await?.results;
    let (Some(first), true) = (ours.first(), ours == theirs) else {
        return Err(Failure::msg("the two clients read different pages"));
    };
    let (our_one, their_one) = (
        client.install(&first.id).get().await?,
        bare.install(first.id.as_str()).await?,
    );
    if our_one == their_one {
        return Ok(());
    }
    Err(Failure::msg("the two clients read different installs"))
}

/// Instructions of one call of both clients: the median of alternating runs. It is a median because the kernel may
/// deliver a body in one piece or in two, and two pieces need more instructions.
fn instructions(run: &Run, server: &Server) -> Result<Figures, Failure> {
    let (turns, calls) = if run.quick { (3, 50) } else { (7, 100) };
    let (mut of_facade, mut of_bare) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        for (side, all) in [(Side::Facade, &mut of_facade), (Side::Bare, &mut of_bare)] {
            let fewer = collected(server, side, calls)?;
            let more = collected(server, side, 2 * calls)?;
            all.push((more - fewer) / f64::from(calls));
        }
    }
    Ok(Figures {
        measured: median(of_facade),
        reference: median(of_bare),
    })
}

/// Instructions of a process that makes this number of calls.
fn collected(server: &Server, side: Side, calls: u32) -> Result<f64, Failure> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("callgrind.out");
    let side = side.to_possible_value();
    let side = side.as_ref().map_or("", |side| side.get_name());
    process::read(
        Command::new(VALGRIND.name)
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", file.display()))
            .arg(std::env::current_exe()?)
            .args(["call", "--base-url", &server.base_url])
            .args(["--side", side, "--calls", &calls.to_string()]),
    )?;
    total(&std::fs::read_to_string(file)?)
        .ok_or_else(|| Failure::msg("callgrind has written no total"))
}

/// The number of instructions in callgrind's output.
fn total(profile: &str) -> Option<f64> {
    let line = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals:"))?;
    line.trim().parse().ok()
}

/// Makes the calls.
pub(crate) fn call(args: &CallArgs) -> Result<(), Failure> {
    runtime()?.block_on(async {
        match args.side {
            Side::Facade => {
                let client = facade(&args.base_url)?;
                for _ in 0..args.calls {
                    ask_facade(&client).await?;
                }
            }
            Side::Bare => {
                let bare = Bare::new(&args.base_url)?;
                for _ in 0..args.calls {
                    ask_bare(&bare).await?;
                }
            }
        }
        Ok(())
    })
}

/// One thread, so that the two clients are the only difference.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

async fn ask_facade(client: &wpengine::Client) -> Result<(), Failure> {
    let mut pages = client.installs().list().pages();
    let page = pages.try_next().await?;
    whole(page.map_or(0, |page| page.items.len()))
}

async fn ask_bare(bare: &Bare) -> Result<(), Failure> {
    whole(bare.page().await?.results.len())
}

fn whole(items: usize) -> Result<(), Failure> {
    if items == PAGE {
        return Ok(());
    }
    Err(Failure::msg(format!("a page holds {items} installs")))
}

/// The median of both clients in microseconds.
async fn times(base_url: &str, rounds: usize) -> Result<Figures, Failure> {
    let (client, bare) = (facade(base_url)?, Bare::new(base_url)?);
    let (mut of_facade, mut of_bare) = (Vec::new(), Vec::new());
    for round in 0..rounds + 20 {
        let began = Instant::now();
        ask_facade(&client).await?;
        let between = Instant::now();
        ask_bare(&bare).await?;
        // The first calls open connections and warm caches.
        if round >= 20 {
            of_facade.push((between - began).as_secs_f64() * 1e6);
            of_bare.push(between.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(Figures {
        measured: median(of_facade),
        reference: median(of_bare),
    })
}

/// The median.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_a_profile_is_found() {
        let profile = "events: Ir\nfn=(1) main\n1 20\n\ntotals: 123456\n";
        assert_eq!(total(profile), Some(123_456.0));
        assert_eq!(total("events: Ir\n"), None);
    }

    #[test]
    fn the_median_is_the_one_in_the_middle_whatever_the_order() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), 5.0);
        assert!(median(Vec::new()).is_nan());
    }
}
