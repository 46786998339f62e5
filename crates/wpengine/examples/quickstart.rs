//! The quick start of the API's documentation, step by step: sites, one site, installs, a backup, an account user, and
//! waiting until the backup is completed.
//!
//! ```text
//! cargo run --example quickstart              # without credentials: against a simulator in this process
//! cargo run --example quickstart -- --write   # with credentials: the steps that write, too
//! ```
//!
//! If `WPE_API_USER_ID` and `WPE_API_PASSWORD` are set, it calls the real service. It then skips the steps that write,
//! unless `--write` is given.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{process::ExitCode, time::Duration};

use wpengine::{
    Client, Error,
    types::{InstallId, Roles},
};
use wpengine_sim::{ClockMode, Simulator};

/// The speed of the simulator's clock. A backup then takes a second or two instead of minutes.
const SPEED: f64 = 60.0;

#[tokio::main]
async fn main() -> ExitCode {
    let mut write = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--write" => write = true,
            other => {
                eprintln!("error: `{other}` is not known; the only option is --write");
                return ExitCode::from(2);
            }
        }
    }
    match run(write).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = std::error::Error::source(&*error);
            while let Some(deeper) = cause {
                eprintln!("  because: {deeper}");
                cause = deeper.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(write: bool) -> Result<(), Box<dyn std::error::Error>> {
    if environment_is_empty() {
        println!("No credentials in the environment: this runs against a simulator, on loopback.");
        let simulator = Simulator::builder()
            .clock(ClockMode::Accelerated(SPEED))
            .start()
            .await?;
        let client = Client::at(simulator.url())?;
        return Ok(steps(&client, true, true).await?);
    }
    let client = Client::from_env()?;
    println!(
        "Asking {} with the credentials of the environment.",
        client.base_url()
    );
    Ok(steps(&client, write, false).await?)
}

/// Whether no credentials and no base URL are set. If only one of two variables is set, `Client::from_env` returns an
/// error that explains it.
fn environment_is_empty() -> bool {
    [
        "WPE_API_BASE_URL",
        "WPE_API_USER_ID",
        "WPE_API_PASSWORD",
        "WPE_USERNAME",
        "WPE_PASSWORD",
        "WP_ENGINE_API_USERNAME",
        "WP_ENGINE_API_PASSWORD",
        "WPENGINE_USER_ID",
        "WPENGINE_PASSWORD",
    ]
    .iter()
    .all(|name| std::env::var_os(name).is_none_or(|value| value.is_empty()))
}

async fn steps(client: &Client, write: bool, simulated: bool) -> Result<(), Error> {
    println!("\n1. Who asks");
    println!("   {}", client.current_user().await?.email);

    println!("\n2. All sites");
    let mut first_site = None;
    let mut sites = client.sites().list().items();
    while let Some(site) = sites.try_next().await? {
        println!("   {}  {}", site.id, site.name);
        first_site.get_or_insert(site);
    }
    let Some(site) = first_site else {
        println!("   none: has an owner switched API access on for the account?");
        return Ok(());
    };

    println!("\n3. One site");
    let site = client.site(&site.id).get().await?;
    println!(
        "   {} has {} installs",
        site.name,
        site.installs.unwrap_or_default().len()
    );

    println!("\n4. All installs");
    let mut first_install = None;
    let mut installs = client.installs().list().items();
    while let Some(install) = installs.try_next().await? {
        let environment = install
            .environment
            .as_ref()
            .map_or("no environment", |environment| environment.as_str());
        println!("   {}  {} ({environment})", install.id, install.name);
        first_install.get_or_insert(install);
    }
    let Some(install) = first_install else {
        println!("   none");
        return Ok(());
    };

    if !write {
        println!("\nSteps 5 to 7 take a backup and invite a user: run with --write to do them.");
        return Ok(());
    }
    writing_steps(client, &install.id, install.account.id, simulated).await
}

async fn writing_steps(
    client: &Client,
    install: &InstallId,
    account: Option<wpengine::types::AccountId>,
    simulated: bool,
) -> Result<(), Error> {
    let install = client.install(install);

    println!("\n5. A backup");
    let backup = install
        .backups()
        .create("Quick start backup example", ["your-email@example.com"])
        .await?;
    println!("   {} is {}", backup.id, backup.status);

    println!("\n6. An account user");
    match account {
        Some(account) => {
            let change = client
                .account(account)
                .users()
                .create("john.doe@example.com", Roles::partial())
                .name("John", "Doe")
                .installs([install.id()])
                .await?;
            println!("   {}", change.message.unwrap_or_default());
        }
        None => println!("   the install names no account to add one to"),
    }

    println!("\n7. The backup until it is over");
    let second = Duration::from_secs(1);
    let wait = install.backup(&backup.id).wait();
    // The simulator's backup takes only seconds.
    let wait = if simulated {
        wait.pauses(second, second)
    } else {
        wait
    };
    let mut progress = wait.progress();
    while let Some(backup) = progress.try_next().await? {
        println!("   {}", backup.status);
    }
    Ok(())
}
