//! Account users and SSH keys: lists who has access.
//!
//! `cargo run --example users`
#![allow(clippy::print_stdout)]

mod support;

use wpengine::types::Roles;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = support::connect().await?;
    let client = &connection.client;

    let mut accounts = client.accounts().list().items();
    while let Some(account) = accounts.try_next().await? {
        println!("{}", account.name);
        for user in client.account(&account.id).users().list().collect().await? {
            let mfa = if user.mfa_enabled {
                ""
            } else {
                ", no second factor"
            };
            println!("  {} is {}{mfa}", user.email, user.roles);
        }
    }

    println!("SSH keys of the user who asks");
    for key in client.ssh_keys().list().collect().await? {
        println!(
            "  {} {}",
            key.fingerprint.unwrap_or_default(),
            key.comment.unwrap_or_default()
        );
    }

    if client.is_read_only() {
        return Ok(());
    }
    let Some(account) = client.accounts().list().items().try_next().await? else {
        return Ok(());
    };
    let account = client.account(account.id);
    let invited = account
        .users()
        .create("jane.roe@example.com", Roles::full())
        .name("Jane", "Roe")
        .await?;
    println!("{}", invited.message.unwrap_or_default());
    if let Some(jane) = invited.account_user {
        account
            .user(&jane.user_id)
            .update(Roles::full_and_billing())
            .await?;
        account.user(&jane.user_id).delete().await?;
        println!("and she is gone again");
    }
    Ok(())
}
