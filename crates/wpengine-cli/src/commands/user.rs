//! People with access to accounts.

use wpengine::types::Roles;
use wpengine_fleet::Plan;

use super::{one, plan, run, unpaged};
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::{Failure, exit},
    flags::{self, Args},
    output::Reply,
    tables,
    target::{Kind, Target},
};

pub(super) fn leaves() -> Vec<Leaf> {
    let user = || flags::one("user", "USER", "User: e-mail address or id");
    let role = || {
        flags::value(
            "role",
            "ROLE",
            "Role: owner, full, partial, billing, or several with commas between them",
        )
        .required(true)
    };
    let installs = || {
        flags::install()
            .action(clap::ArgAction::Append)
            .help("Install that a partial user may work on; may be repeated")
    };
    let accounts = || {
        [
            flags::account(),
            flags::value(
                "accounts",
                "LIST",
                "Several accounts, with commas between them",
            )
            .value_delimiter(',')
            .conflicts_with("account"),
            flags::switch(
                "all-accounts",
                "All accounts that these credentials can see",
            )
            .conflicts_with_all(["account", "accounts"]),
        ]
    };
    vec![
        leaf("user list", "List the people of an account", &["list_account_users"], run!(|c, a| {
            let account = c.account(a).await?;
            unpaged(c, "list_account_users", &[&account.id], &[]).await
        }))
        .arg(flags::account())
        .table(&tables::USERS)
        .examples(&["wpengine user list --account acme", "wpengine user list --account acme --jq '.[] | select(.mfa_enabled | not) | .email'"]),
        leaf("user get", "Show one person of an account", &["get_account_user"], run!(|c, a| {
            let account = c.account(a).await?;
            let user = find(c, &account, &a.need("user")).await?;
            Ok(one(c.read("get_account_user", &[&account.id, &user.id], &[]).await?))
        }))
        .args([user(), flags::account()])
        .calls(&["list_account_users"])
        .table(&tables::USERS)
        .examples(&["wpengine user get jo@example.com --account acme"]),
        leaf("user add", "Invite a person to an account, or to several", &["create_account_user"], run!(|c, a| {
            let email = a.need("email");
            let roles = Roles::from(a.need("role").as_str());
            let names = (a.need("first-name"), a.need("last-name"));
            let Some(accounts) = several(c, a).await? else {
                let account = c.account(a).await?;
                let mut request = c.client()?.account(account.id.as_str()).users().create(&email, roles).name(&names.0, &names.1);
                let installs = install_ids(c, a).await?;
                if !installs.is_empty() {
                    request = request.installs(installs);
                }
                let target = Target::new(Kind::User, "", &email);
                c.confirm("create_account_user", &format!("invite to {} as {}", account.title(), a.need("role")), std::slice::from_ref(&target), vec![
                    "the person gets an invitation by e-mail".to_owned(),
                ]).await?;
                return Ok(one(c.write("create_account_user", &target, request.send()).await?));
            };
            let fleet = c.fleet()?;
            let mut people = fleet.person(&email, plan::candidates(c, &accounts).await?);
            let installs = installs_of(c, a).await?;
            people = people.installs(plan::candidates(c, &installs).await?);
            let made = people.add(&names.0, &names.1, &roles).await?;
            plan::carry_out(c, &made, &plan::touched(c, &made).await, &format!("invite {email} to")).await
        }))
        .arg(flags::one("email", "EMAIL", "E-mail address"))
        .args([
            flags::value("first-name", "NAME", "First name").required(true),
            flags::value("last-name", "NAME", "Last name").required(true),
            role(),
            installs(),
        ])
        .args(accounts())
        .calls(&["list_account_users"])
        .table(&tables::USERS)
        .details("The person gets an invitation by e-mail. Over several accounts it is a plan: who is in an account already is left alone and said.")
        .examples(&[
            "wpengine user add jo@example.com --first-name Jo --last-name Lee --role full --account acme --yes",
            "wpengine user add jo@example.com --first-name Jo --last-name Lee --role partial -i torquemag --account acme",
            "wpengine user add jo@example.com --first-name Jo --last-name Lee --role full --all-accounts --dry-run",
        ]),
        leaf("user update", "Change the role of a person in an account, or in several", &["update_account_user"], run!(|c, a| {
            let (wanted, role) = (a.need("user"), a.need("role"));
            let roles = Roles::from(role.as_str());
            let Some(accounts) = several(c, a).await? else {
                let account = c.account(a).await?;
                let user = find(c, &account, &wanted).await?;
                let stays_owner = roles.contains(&"owner".into());
                if !stays_owner {
                    refuse_last_owner(&user, &account)?;
                }
                let mut request = c.client()?.account(account.id.as_str()).user(user.id.as_str()).update(roles);
                let installs = install_ids(c, a).await?;
                if !installs.is_empty() {
                    request = request.installs(installs);
                }
                let before = user.value["roles"].as_str().unwrap_or("?").to_owned();
                c.confirm("update_account_user", &format!("in {}, make {role} (now {before})", account.title()), std::slice::from_ref(&user), Vec::new()).await?;
                return Ok(one(c.write("update_account_user", &user, request.send()).await?));
            };
            address(&wanted)?;
            let installs = installs_of(c, a).await?;
            let people = c.fleet()?.person(&wanted, plan::candidates(c, &accounts).await?);
            let people = people.installs(plan::candidates(c, &installs).await?);
            let made = people.set_roles(&roles).await?;
            let reply = plan::carry_out(c, &made, &plan::touched(c, &made).await, &format!("make {wanted} {role} in")).await?;
            left_alone(reply, &made)
        }))
        .args([user(), role(), installs()])
        .args(accounts())
        .calls(&["list_account_users"])
        .table(&tables::USERS)
        .details("The last owner of an account keeps the role.")
        .examples(&["wpengine user update jo@example.com --role full,billing --account acme --yes"]),
        leaf("user remove", "Remove a person from an account, or from several", &["delete_account_user"], run!(|c, a| {
            let wanted = a.need("user");
            let Some(accounts) = several(c, a).await? else {
                let account = c.account(a).await?;
                let user = find(c, &account, &wanted).await?;
                refuse_last_owner(&user, &account)?;
                c.confirm("delete_account_user", &format!("from {}, remove", account.title()), std::slice::from_ref(&user), Vec::new()).await?;
                let request = c.client()?.account(account.id.as_str()).user(user.id.as_str()).delete();
                return Ok(one(c.write("delete_account_user", &user, request.send()).await?));
            };
            address(&wanted)?;
            let made = c.fleet()?.person(&wanted, plan::candidates(c, &accounts).await?).remove().await?;
            let reply = plan::carry_out(c, &made, &plan::touched(c, &made).await, &format!("remove {wanted} from")).await?;
            left_alone(reply, &made)
        }))
        .arg(user())
        .args(accounts())
        .calls(&["list_account_users"])
        .details("Without --accounts or --all-accounts it is one account, never all. The last owner of an account stays.")
        .examples(&[
            "wpengine user remove jo@example.com --account acme --yes",
            "wpengine user remove jo@example.com --all-accounts --dry-run",
        ]),
    ]
}

async fn find(c: &Ctx, account: &Target, wanted: &str) -> Result<Target, Failure> {
    c.child(
        Kind::User,
        "list_account_users",
        &[&account.id],
        wanted,
        &["email"],
    )
    .await
}

fn refuse_last_owner(user: &Target, account: &Target) -> Result<(), Failure> {
    if user.value["last_owner"].as_bool() == Some(true) {
        return Err(Failure::new(
            exit::USAGE,
            "last_owner",
            format!(
                "{} is the last owner of {}: make somebody else an owner first; nothing was sent",
                user.name,
                account.title()
            ),
        ));
    }
    Ok(())
}

/// Over several accounts a person is an e-mail address: an id is not looked for.
fn address(wanted: &str) -> Result<(), Failure> {
    match wanted.contains('@') {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "over several accounts a person is named by the e-mail address, and `{wanted}` is none"
        ))),
    }
}

/// What a plan leaves alone is in its notes: nobody was found, or somebody stays.
fn left_alone(reply: Reply, plan: &Plan) -> Result<Reply, Failure> {
    if plan.steps.is_empty()
        && !plan.notes.is_empty()
        && plan.notes.iter().all(|note| note.contains(" is not in "))
    {
        return Err(
            Failure::not_found("nobody of that name is in any of these accounts")
                .candidates(plan.notes.iter().cloned()),
        );
    }
    let stays = plan.notes.iter().any(|note| note.contains(" stays "));
    let code = if stays && reply.exit == exit::DONE {
        exit::PARTLY
    } else {
        reply.exit
    };
    Ok(reply.exit(code))
}

/// The accounts of the fleet form. None if it is about one account.
async fn several(c: &Ctx, a: Args<'_>) -> Result<Option<Vec<Target>>, Failure> {
    let named = a.all("accounts");
    if !a.flag("all-accounts") && named.is_empty() {
        return Ok(None);
    }
    let mut accounts = Vec::new();
    if named.is_empty() {
        for account in c.all("list_accounts", &[]).await? {
            let text = |name: &str| account[name].as_str().unwrap_or_default();
            accounts.push(Target::new(Kind::Account, text("id"), text("name")));
        }
    }
    for name in named {
        accounts.push(c.account_named(&name).await?);
    }
    Ok(Some(accounts))
}

async fn installs_of(c: &Ctx, a: Args<'_>) -> Result<Vec<Target>, Failure> {
    let mut installs = Vec::new();
    for name in a.all("install") {
        installs.push(c.install_named(&name).await?);
    }
    Ok(installs)
}

async fn install_ids(c: &Ctx, a: Args<'_>) -> Result<Vec<String>, Failure> {
    Ok(installs_of(c, a)
        .await?
        .into_iter()
        .map(|install| install.id)
        .collect())
}
