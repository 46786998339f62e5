//! Who somebody is, in every account: `cargo run -p wpengine-fleet --example who -- ops@example.com`.
//!
//! With credentials in the environment it reads your accounts. Without, it runs against a simulator in which `ops@example.com`
//! was invited to two of three accounts.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;

use wpengine::{Client, types::Roles};
use wpengine_fleet::{Class, Fleet, Person};
use wpengine_sim::Simulator;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let wanted = std::env::args()
        .nth(1)
        .unwrap_or("ops@example.com".to_owned());
    if std::env::var_os("WPE_API_USER_ID").is_some() {
        let client = Client::builder_from_env()?.read_only().build()?;
        return who(&Fleet::new(&client)?, &wanted).await;
    }
    let simulator = Simulator::builder().fleet(3, 6, 18).start().await?;
    let client = Client::at(simulator.url())?;
    let folder = tempfile::tempdir()?;
    let fleet = Fleet::open(&client, folder.path(), folder.path())?;
    let accounts = [
        fleet.resolve("account1").await?,
        fleet.resolve("account3").await?,
    ];
    let person = fleet.person("ops@example.com", accounts);
    let plan = person
        .add("Olivia", "Ops", &Roles::full_and_billing())
        .await?;
    fleet.run(&plan).await?;
    who(&fleet, &wanted).await
}

async fn who(fleet: &Fleet, wanted: &str) -> Result<(), Box<dyn Error>> {
    let sync = fleet.sync().only([Class::People]);
    println!("{} requests planned", sync.plan().await?.requests);
    sync.run().await?;
    let people = fleet.people().await?;
    let is_wanted = |person: &&Person| {
        let email = person.email.as_deref().unwrap_or_default();
        email.eq_ignore_ascii_case(wanted)
    };
    let say = |flag: Option<bool>| match flag {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    };
    match people.data.iter().find(is_wanted) {
        Some(person) => {
            println!("{} <{wanted}>", person.name);
            println!("multi-factor authentication: {}", say(person.mfa_enabled));
            println!("invitations accepted: {}", say(person.invite_accepted));
            for membership in &person.accounts {
                println!("  {}: {}", membership.account.name, membership.roles);
            }
        }
        None => println!("{wanted} is in no account that could be read"),
    }
    for failure in &people.failures {
        println!("not read: {}: {}", failure.subject, failure.message);
    }
    Ok(())
}
