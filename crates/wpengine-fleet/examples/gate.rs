//! The gate of a deployment: a backup that is completed, then a command of yours, then the caches.
//!
//! `cargo run -p wpengine-fleet --example gate -- INSTALL COMMAND ARGUMENTS` runs it with the credentials of the environment and
//! mails to `GATE_EMAIL`. Without arguments it runs `echo` against a simulator. The exit code is 0 if everything was done, 1 if the
//! command failed, and 2 if the plan stopped. Run again after an interruption, it goes on with the same plan: no second backup is
//! made, and the command runs again unless it had ended.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what it is for"
)]

use std::{error::Error, process::ExitCode};

use tokio::process::Command;
use wpengine::Client;
use wpengine_fleet::{Decision, Fleet, Outcome, Plan, State};
use wpengine_sim::{ClockMode, Simulator};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [install, command @ ..] = &arguments[..] {
        let fleet = Fleet::new(&Client::from_env()?)?;
        let email = std::env::var("GATE_EMAIL")
            .map_err(|_| "set GATE_EMAIL to the address that gets the mails of the service")?;
        return gate(&fleet, install, &email, command).await;
    }
    // An hour of the simulator takes 6 seconds.
    let simulator = Simulator::builder()
        .fleet(1, 1, 2)
        .clock(ClockMode::Accelerated(600.0));
    let simulator = simulator.start().await?;
    let client = Client::at(simulator.url())?;
    let folder = tempfile::tempdir()?;
    let fleet = Fleet::open(&client, folder.path(), folder.path())?;
    fleet.snapshot().await?;
    let query = "SELECT id FROM installs WHERE environment = 'production'";
    let found = fleet.sql(query).await?.rows;
    let install = found[0][0].as_str().unwrap_or_default();
    let command = ["echo", "deployed"].map(str::to_owned);
    gate(&fleet, install, "ops@example.com", &command).await
}

async fn gate(
    fleet: &Fleet,
    install: &str,
    email: &str,
    command: &[String],
) -> Result<ExitCode, Box<dyn Error>> {
    let install = fleet.resolve(install).await?;
    let plan = match unfinished(fleet, &install.id).await? {
        Some(plan) => plan,
        None => fleet.guard(&install).emails([email]).plan().await?,
    };
    println!("plan {}: {} requests at least", plan.id, plan.requests);
    for step in &plan.steps {
        println!("  {:?}: {}", step.impact, step.title);
    }
    let mut outcome = fleet.run(&plan).await?;
    if let State::YourTurn { step } = outcome.state {
        println!("the backup is completed");
        let [program, rest @ ..] = command else {
            return Err("give a command to run after the install".into());
        };
        let status = Command::new(program).args(rest).status().await?;
        // The caches are purged although the command failed: it may have changed something.
        fleet.decide(&plan, step, Decision::Done).await?;
        outcome = fleet.run(&plan).await?;
        if !status.success() {
            eprintln!("{program} ended with {status}");
            tell(&outcome);
            return Ok(ExitCode::from(1));
        }
    }
    tell(&outcome);
    Ok(match outcome.state {
        State::Done => ExitCode::SUCCESS,
        _ => ExitCode::from(2),
    })
}

/// A gate of this install that was interrupted.
async fn unfinished(fleet: &Fleet, install: &str) -> Result<Option<Plan>, Box<dyn Error>> {
    for id in fleet.open_plans().await? {
        let plan = fleet.plan(&id).await?;
        if plan.kind == "guard" && plan.targets.iter().any(|target| target.id == install) {
            return Ok(Some(plan));
        }
    }
    Ok(None)
}

fn tell(outcome: &Outcome) {
    for step in &outcome.steps {
        let mark = if step.is_done { "done" } else { "open" };
        println!("  {mark} {}", step.title);
    }
    println!("{:?}", outcome.state);
}
