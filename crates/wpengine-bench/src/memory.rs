//! The memory that a long listing uses: 100,000 installs read one by one, against one page.
//!
//! Both figures are the peak resident set of a whole process (`VmHWM`), so memory kept by the allocator and by
//! libraries counts too. One process reads one page, the other reads all pages. The difference is the cost of the
//! other 999 pages, which should not be kept in memory.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::Run;
use crate::clients::{PAGE, facade};
use crate::process::{self, Server};
use crate::table::{Comparison, Figures, Row, Target, Unit};

const INSTALLS: usize = 100_000;

/// Part of it is the ids that were already returned.
const ABOVE: Target = Target::AtMost(8.0);

/// The arguments of the process whose memory is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct StreamArgs {
    #[arg(long)]
    base_url: String,
    /// Stop after the first page.
    #[arg(long)]
    one_page: bool,
    #[arg(long)]
    concurrency: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct Streamed {
    items: usize,
    peak_kib: u32,
}

pub(crate) fn measure(_run: &Run) -> Result<Vec<Row>, Failure> {
    let server = Server::start(INSTALLS, Duration::ZERO)?;
    let page = peak(&server, 1, true)?;
    [1, 8]
        .into_iter()
        .map(|concurrency| {
            Ok(Row {
                part: "memory",
                what: format!("peak for 100,000 installs, concurrency {concurrency}"),
                against: "one page".to_owned(),
                unit: Unit::Mebibytes,
                figures: Some(Figures {
                    measured: peak(&server, concurrency, false)?,
                    reference: page,
                }),
                compared: Comparison::Difference,
                target: ABOVE,
            })
        })
        .collect()
}

/// The peak in mebibytes.
pub(crate) fn peak(server: &Server, concurrency: usize, one_page: bool) -> Result<f64, Failure> {
    let mut command = process::myself()?;
    command
        .args(["stream", "--base-url", &server.base_url])
        .args(["--concurrency", &concurrency.to_string()]);
    if one_page {
        command.arg("--one-page");
    }
    let streamed: Streamed = process::ask(&mut command)?;
    let expected = if one_page { PAGE } else { INSTALLS };
    if streamed.items != expected {
        return Err(Failure::msg(format!(
            "the stream gave {} installs in place of {expected}",
            streamed.items
        )));
    }
    Ok(f64::from(streamed.peak_kib) / 1024.0)
}

/// Reads the installs and prints how much memory that took.
pub(crate) async fn stream(args: &StreamArgs) -> Result<(), Failure> {
    let client = facade(&args.base_url)?;
    let list = client.installs().list().concurrency(args.concurrency);
    let mut items = 0;
    if args.one_page {
        let page = list.pages().try_next().await?;
        items = page.map_or(0, |page| page.items.len());
    } else {
        let mut installs = list.items();
        while installs.try_next().await?.is_some() {
            items += 1;
        }
    }
    let peak_kib = own_peak_kib()?;
    println!("{}", serde_json::to_string(&Streamed { items, peak_kib })?);
    Ok(())
}

/// The peak of this process.
pub(crate) fn own_peak_kib() -> Result<u32, Failure> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| {
        Failure::msg(format!(
            "the peak of a process is read from /proc, as Linux has it: {error}"
        ))
    })?;
    peak_kib(&status).ok_or_else(|| Failure::msg("/proc has no VmHWM"))
}

/// The peak of the resident set.
fn peak_kib(status: &str) -> Option<u32> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_and_not_what_is_resident_now() {
        let status = "Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t   1234 kB\nVmRSS:\t    99 kB\n";
        assert_eq!(peak_kib(status), Some(1234));
        assert_eq!(peak_kib("VmRSS:\t 99 kB\n"), None);
    }
}
