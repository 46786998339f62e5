//! A process that works on a fleet, for tests that kill it.
//!
//! Usage: `wpengine-fleet-worker <base URL with credentials> <folder> <task> <names>`. The task is `sync`, or a kind of plan:
//! `promote <from> <to>`, `guard <install>`, `restore <install> <backup>`, `delete <install>`, `set-up <install> <name>`,
//! `add|remove|set-roles <e-mail> <accounts>`. It goes on with the plan in the folder, if there is one. It prints the state in
//! which it ends.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::{error::Error, path::Path};

use wpengine::{Client, types::Roles};
use wpengine_fleet::{Decision, Fleet, Plan, State};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, folder, task, names @ ..] = &arguments[..] else {
        return Err("a base URL, a folder and a task are needed".into());
    };
    let client = Client::at(url)?;
    let fleet = Fleet::open(&client, folder, folder)?;
    if task == "sync" {
        let synced = fleet.sync().run().await?;
        println!("{}", serde_json::to_string(&synced.data)?);
        return Ok(());
    }
    // One plan for each folder: one that is over is not made again.
    let path = Path::new(folder).join("plan.json");
    let plan = match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text)?,
        Err(_) => {
            let plan = make(&fleet, task, names).await?;
            let unfinished = path.with_extension("new");
            std::fs::write(&unfinished, serde_json::to_vec(&plan)?)?;
            std::fs::rename(unfinished, &path)?;
            plan
        }
    };
    let mut outcome = fleet.run(&plan).await?;
    if let State::YourTurn { step } = outcome.state {
        fleet.decide(&plan, step, Decision::Done).await?;
        outcome = fleet.run(&plan).await?;
    }
    println!("{}", serde_json::to_string(&outcome.state)?);
    Ok(())
}

async fn make(fleet: &Fleet, task: &str, names: &[String]) -> Result<Plan, Box<dyn Error>> {
    let emails = ["ops@example.com"];
    let [first, rest @ ..] = names else {
        return Err("a name is needed".into());
    };
    if let "add" | "remove" | "set-roles" = task {
        let mut accounts = Vec::new();
        for name in rest {
            accounts.push(fleet.resolve(name).await?);
        }
        let person = fleet.person(first, accounts);
        return Ok(match task {
            "add" => person.add("New", "Person", &Roles::full()).await?,
            "remove" => person.remove().await?,
            _ => person.set_roles(&Roles::full_and_billing()).await?,
        });
    }
    let install = fleet.resolve(first).await?;
    Ok(match (task, rest) {
        ("promote", [to]) => {
            let to = fleet.resolve(to).await?;
            fleet.promote(&install, &to).emails(emails).plan().await?
        }
        ("guard", []) => fleet.guard(&install).emails(emails).plan().await?,
        ("restore", [backup]) => {
            fleet
                .restore(&install, backup)
                .emails(emails)
                .plan()
                .await?
        }
        ("delete", []) => fleet.delete(&install).emails(emails).plan().await?,
        ("set-up", [name]) => fleet.set_up(&install, name).emails(emails).plan().await?,
        _ => return Err(format!("there is no task {task} with {} names", names.len()).into()),
    })
}
