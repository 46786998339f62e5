//! A deployment of few changes in many files, against the rsync of the vendor's own tool, over a connection that is open and slow.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wpengine_sim::Gateway as Rig;
use wpengine_ssh::Gateway;
use wpengine_ssh::deploy::{Options, Tree};

use crate::Failure;
use crate::Run;
use crate::overhead::median;
use crate::table::{Comparison, Figures, Row, Target, Unit};

const FILES: usize = 3_000;
const CHANGED: usize = 5;
/// What the proxy adds to an answer.
const LATENCY: Duration = Duration::from_millis(20);
/// A multiple of the vendor's time.
const TIME: Target = Target::AtMost(1.0);
const WRITTEN: Target = Target::Exactly(0.0);

/// What WP Engine's `site-deploy` gives to rsync, as its documentation and its source say.
const VENDOR: [&str; 6] = [
    "-azvr",
    "--inplace",
    "--exclude=.*",
    "--chmod=D775,F664",
    "--exclude=wp-config.php",
    "--exclude=_wpeprivate",
];

pub(crate) fn measure(run: &Run) -> Result<Vec<Row>, Failure> {
    if let Some(why) = Rig::missing() {
        return Err(Failure::msg(why));
    }
    let rounds = if run.quick { 3 } else { 9 };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(compare(rounds))
}

async fn compare(rounds: usize) -> Result<Vec<Row>, Failure> {
    let rig = Rig::builder()
        .installs(["vendor", "ours"])
        .latency(LATENCY)
        .start()
        .await?;
    let folder = tempfile::tempdir()?;
    let local = folder.path().join("theme");
    write(&local, 0)?;
    let gateway = Gateway::new(folder.path().join("ssh"))?
        .config_file(rig.config_file())?
        .user(rig.user());
    gateway.accept(&gateway.shown("ours").await?)?;
    let mut site = gateway.site("ours");
    let mut options = Options::default();
    options.lint = false;
    let tree = Tree::read(&local, "wp-content/themes/large")?;
    site.release(&tree, &options).await?;

    let socket = folder.path().join("vendor");
    connect(&rig, &socket)?;
    let target = "sites/vendor/wp-content/themes/large/";
    std::fs::create_dir_all(rig.site("vendor").join("wp-content/themes/large"))?;
    rig.own("vendor")?;
    rsync(&socket, &local, target)?;

    let (mut theirs, mut ours, mut written) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        write(&local, round)?;
        // Both go first as often.
        for turn in 0..2 {
            if (round + turn) % 2 == 0 {
                theirs.push(rsync(&socket, &local, target)?);
            } else {
                let tree = Tree::read(&local, "wp-content/themes/large")?;
                let released = site.release(&tree, &options).await?;
                ours.push(released.seconds.unwrap_or(f64::NAN));
                written.push(released.changed.len() as f64);
            }
        }
    }
    site.close().await;
    let _ = Command::new("ssh")
        .args(["-F", "/dev/null", "-O", "exit", "-S"])
        .arg(&socket)
        .arg("none")
        .stderr(Stdio::null())
        .status();
    let part = "deploy";
    Ok(vec![
        Row {
            part,
            what: format!("{CHANGED} of {FILES} files, all with new times"),
            against: "the vendor's rsync".to_owned(),
            unit: Unit::Seconds,
            figures: Some(Figures {
                measured: median(ours),
                reference: median(theirs),
            }),
            compared: Comparison::Ratio,
            target: TIME,
        },
        Row {
            part,
            what: "files that are written".to_owned(),
            against: "files that changed".to_owned(),
            unit: Unit::Requests,
            figures: Some(Figures {
                measured: median(written),
                reference: CHANGED as f64,
            }),
            compared: Comparison::Difference,
            target: WRITTEN,
        },
    ])
}

/// All files anew, as a checkout does it; five have another content in each round.
fn write(folder: &Path, round: usize) -> Result<(), Failure> {
    let filling = "// a line of code that is not short\n".repeat(110);
    for number in 0..FILES {
        let path = folder.join(format!("part{}/file{number}.php", number % 60));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let word = if number % (FILES / CHANGED) == 7 {
            round
        } else {
            0
        };
        std::fs::write(path, format!("<?php\n// {number} {word:04}\n{filling}"))?;
    }
    Ok(())
}

fn connect(rig: &Rig, socket: &Path) -> Result<(), Failure> {
    let status = Command::new("ssh")
        .arg("-F")
        .arg(rig.config_file())
        .args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ])
        .args(["-o", "LogLevel=ERROR", "-fNM", "-S"])
        .arg(socket)
        .arg("vendor.ssh.wpengine.net")
        .stdin(Stdio::null())
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::msg("ssh cannot connect to the gateway")),
    }
}

fn rsync(socket: &Path, local: &Path, target: &str) -> Result<f64, Failure> {
    let began = Instant::now();
    let output = Command::new("rsync")
        .args(VENDOR)
        .arg("--rsh")
        .arg(format!("ssh -F /dev/null -S {}", socket.display()))
        .arg(format!("{}/", local.display()))
        .arg(format!("none:{target}"))
        .stdin(Stdio::null())
        .output()?;
    match output.status.success() {
        true => Ok(began.elapsed().as_secs_f64()),
        false => Err(Failure::msg(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )),
    }
}
