//! The command line: how long it takes to start and to complete a name, how long a listing takes, and how large it is. The
//! references are a Rust program that prints a line, and the network's latency alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::Run;
use crate::clients::PAGE;
use crate::listing::rounds;
use crate::overhead::median;
use crate::process::{self, CARGO, Server};
use crate::server::{PASSWORD, USER};
use crate::table::{Comparison, Figures, Row, Target, Unit};

const INSTALLS: usize = 10_000;
const LATENCY: Duration = Duration::from_millis(50);

/// Above the program that prints a line, in microseconds.
const START: Target = Target::AtMost(10_000.0);
/// In microseconds, of a completion as a shell asks for it.
const COMPLETION: Target = Target::AtMost(30_000.0);
/// A multiple of the ideal time.
const LISTING: Target = Target::AtMost(1.15);
/// In MB of 10⁶ bytes.
const SIZE: Target = Target::AtMost(15.0);

pub(crate) fn measure(run: &Run) -> Result<Vec<Row>, Failure> {
    let folder = tempfile::tempdir()?;
    let program = built()?;
    let line = printer(folder.path())?;
    let times = if run.quick { 11 } else { 41 };
    let mut rows = Vec::new();
    for arguments in [&["--version"][..], &["help"]] {
        let figures = alternately(times, &mut || bare(&line, &[]), &mut || {
            bare(&program, arguments)
        })?;
        rows.push(row(
            format!("`wpengine {}`", arguments.join(" ")),
            "a program that prints a line",
            Unit::Microseconds,
            figures,
            Comparison::Difference,
            START,
        ));
    }

    let mut server = Server::start(INSTALLS, LATENCY)?;
    let command = |arguments: &[&str]| {
        let mut command = bare(&program, arguments);
        command
            .env("WPE_API_BASE_URL", &server.base_url)
            .env("WPE_API_USER_ID", USER)
            .env("WPE_API_PASSWORD", PASSWORD)
            .env("WPENGINE_CONFIG_DIR", folder.path().join("config"))
            .env("WPENGINE_CACHE_DIR", folder.path().join("cache"))
            .env("WPENGINE_STATE_DIR", folder.path().join("state"));
        command
    };
    process::read(&mut command(&[
        "fleet",
        "sync",
        "--only",
        "accounts,sites,installs",
        "--quiet",
    ]))?;
    let mut completion = command(&["--", "wpengine", "install", "get", "b"]);
    completion.env("COMPLETE", "fish");
    if process::read(&mut completion)?.lines().count() < 10 {
        return Err(Failure::msg("the completion offers no names"));
    }
    let mut took = Vec::new();
    for _ in 0..times {
        took.push(timed(&mut completion)?);
    }
    let figures = Figures {
        measured: median(took) * 1e6,
        reference: 0.0,
    };
    rows.push(row(
        "completion of a name among 10,000 installs".to_owned(),
        "nothing",
        Unit::Microseconds,
        figures,
        Comparison::Difference,
        COMPLETION,
    ));

    let pages = (INSTALLS - 1).div_ceil(PAGE - 1);
    let ideal = LATENCY * rounds(pages, 8);
    for format in ["json", "table"] {
        let mut took = Vec::new();
        for _ in 0..(if run.quick { 1 } else { 5 }) {
            took.push(timed(&mut command(&["install", "list", "-o", format]))?);
        }
        let figures = Figures {
            measured: median(took),
            reference: ideal.as_secs_f64(),
        };
        rows.push(row(
            format!("`wpengine install list -o {format}`, 10,000 at 50 ms"),
            &format!("{} rounds of 50 ms", rounds(pages, 8)),
            Unit::Seconds,
            figures,
            Comparison::Ratio,
            LISTING,
        ));
    }
    server.forget()?;

    #[allow(clippy::cast_precision_loss, reason = "it is small")]
    let figures = Figures {
        measured: std::fs::metadata(&program)?.len() as f64 / 1e6,
        reference: 0.0,
    };
    rows.push(row(
        "size of the program".to_owned(),
        "nothing",
        Unit::Megabytes,
        figures,
        Comparison::Difference,
        SIZE,
    ));
    Ok(rows)
}

fn row(
    what: String,
    against: &str,
    unit: Unit,
    figures: Figures,
    compared: Comparison,
    target: Target,
) -> Row {
    Row {
        part: "cli",
        what,
        against: against.to_owned(),
        unit,
        figures: Some(figures),
        compared,
        target,
    }
}

/// Builds the program with its default features as it is shipped, without symbols.
fn built() -> Result<PathBuf, Failure> {
    let mut command = Command::new(CARGO.name);
    command
        .args([
            "build",
            "--profile",
            "dist",
            "--quiet",
            "--package",
            "wpengine-cli",
            "--message-format=json",
        ])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    let messages = process::read(&mut command)?;
    let executable = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        (message["target"]["name"] == "wpengine")
            .then(|| message["executable"].as_str().map(PathBuf::from))
            .flatten()
    });
    executable.ok_or_else(|| Failure::msg("cargo does not say where it put the program `wpengine`"))
}

/// The smallest program that prints a line.
fn printer(folder: &Path) -> Result<PathBuf, Failure> {
    let (source, program) = (folder.join("line.rs"), folder.join("line"));
    std::fs::write(&source, "fn main() { println!(\"a line\"); }\n")?;
    process::read(
        Command::new("rustc")
            .args(["-O", "-o"])
            .arg(&program)
            .arg(&source),
    )?;
    Ok(program)
}

/// A command without the environment of this process.
fn bare(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command
}

/// The median times of both, one after the other, in microseconds.
fn alternately(
    times: usize,
    reference: &mut dyn FnMut() -> Command,
    measured: &mut dyn FnMut() -> Command,
) -> Result<Figures, Failure> {
    let (mut of_reference, mut of_measured) = (Vec::new(), Vec::new());
    for _ in 0..times {
        of_reference.push(timed(&mut reference())?);
        of_measured.push(timed(&mut measured())?);
    }
    Ok(Figures {
        measured: median(of_measured) * 1e6,
        reference: median(of_reference) * 1e6,
    })
}

/// How long a command takes, in seconds.
fn timed(command: &mut Command) -> Result<f64, Failure> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let began = Instant::now();
    let output = command.output()?;
    let took = began.elapsed();
    if output.status.success() {
        return Ok(took.as_secs_f64());
    }
    Err(Failure::msg(format!(
        "{command:?} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    )))
}
