//! Plans for a person in several accounts.

use wpengine::{
    operation::Effect,
    types::{AccountUser, Role, Roles},
};

use super::{
    Action, Plan, Step,
    build::{finished, new_id, refused},
    impact,
};
use crate::{Candidate, Error, Fleet, resolve::Kind};

/// Makes plans for a person in several accounts. Made by [`Fleet::person`].
///
/// Each plan reads the users of all accounts. Where nothing is to be done, or must not be done, the plan has no step and a note that
/// says why. The users are read again just before each change.
#[derive(Clone, Debug)]
#[must_use = "it makes no plan until one of its methods is called"]
pub struct People<'a> {
    fleet: &'a Fleet,
    email: String,
    accounts: Vec<Candidate>,
    installs: Vec<Candidate>,
}

impl Fleet {
    /// Plans to add, remove or re-role a person in these accounts.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().fleet(2, 2, 4).start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// # let folder = tempfile::tempdir()?;
    /// # let fleet = wpengine_fleet::Fleet::open(&client, folder.path(), folder.path())?;
    /// use wpengine::types::Roles;
    ///
    /// let accounts = [fleet.resolve("account1").await?, fleet.resolve("account2").await?];
    /// let person = fleet.person("new@example.com", accounts);
    /// let plan = person.add("New", "Person", &Roles::full()).await?;
    /// for step in &plan.steps {
    ///     println!("{}", step.title);
    /// }
    /// fleet.run(&plan).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn person(
        &self,
        email: impl Into<String>,
        accounts: impl IntoIterator<Item = Candidate>,
    ) -> People<'_> {
        People {
            fleet: self,
            email: email.into(),
            accounts: accounts.into_iter().collect(),
            installs: Vec::new(),
        }
    }
}

impl People<'_> {
    /// Sets the installs that a partial role is for. Each account gets those that it has.
    pub fn installs(mut self, installs: impl IntoIterator<Item = Candidate>) -> Self {
        self.installs = installs.into_iter().collect();
        self
    }

    /// Makes a plan that invites the person to every account. Who is there already is left alone.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if the list of accounts is empty, or if a partial role has no installs in one of them;
    /// [`Error::Api`] if the users of an account cannot be read.
    pub async fn add(self, first: &str, last: &str, roles: &Roles) -> Result<Plan, Error> {
        let email = self.email.clone();
        let installs = self.of_accounts(roles).await?;
        self.each("add-person", async |at, account, people| {
            Ok(match find(people, &email) {
                Some(person) => Err(format!(
                    "{email} is in {} already, as {}",
                    account.name, person.roles
                )),
                None => Ok((
                    format!("invite {email} to {} as {roles}", account.name),
                    Action::AddPerson {
                        account_id: account.id.clone(),
                        email: email.clone(),
                        name: (first.to_owned(), last.to_owned()),
                        roles: roles.to_string(),
                        installs: installs[at].clone(),
                    },
                )),
            })
        })
        .await
    }

    /// Makes a plan that removes the person from every account. The last owner of an account and the user of the credentials are
    /// never removed.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if the list of accounts is empty; [`Error::Api`] if the users of an account cannot be read.
    pub async fn remove(self) -> Result<Plan, Error> {
        let (fleet, email) = (self.fleet, self.email.clone());
        self.each("remove-person", async |_, account, people| {
            let Some(person) = find(people, &email) else {
                return Ok(Err(format!("{email} is not in {}", account.name)));
            };
            if let Some(why) = protected(fleet, people, &person).await? {
                return Ok(Err(format!("{email} stays in {}: {why}", account.name)));
            }
            Ok(Ok((
                format!(
                    "remove {email} from {}, as {} there",
                    account.name, person.roles
                ),
                Action::RemovePerson {
                    account_id: account.id.clone(),
                    email: email.clone(),
                },
            )))
        })
        .await
    }

    /// Makes a plan that gives the person other roles in every account. The last owner of an account and the user of the
    /// credentials keep theirs.
    ///
    /// # Errors
    ///
    /// As of [`add`](Self::add).
    pub async fn set_roles(self, roles: &Roles) -> Result<Plan, Error> {
        let (fleet, email) = (self.fleet, self.email.clone());
        let installs = self.of_accounts(roles).await?;
        self.each("set-roles", async |at, account, people| {
            let Some(person) = find(people, &email) else {
                return Ok(Err(format!("{email} is not in {}", account.name)));
            };
            if is_so(&person, &roles.to_string(), &installs[at]) {
                return Ok(Err(format!(
                    "{email} is {roles} in {} already",
                    account.name
                )));
            }
            if let Some(why) = protected(fleet, people, &person).await? {
                let name = &account.name;
                return Ok(Err(format!(
                    "{email} stays {} in {name}: {why}",
                    person.roles
                )));
            }
            Ok(Ok((
                format!(
                    "make {email} {roles} in {}, now {}",
                    account.name, person.roles
                ),
                Action::SetRoles {
                    account_id: account.id.clone(),
                    email: email.clone(),
                    roles: roles.to_string(),
                    installs: installs[at].clone(),
                },
            )))
        })
        .await
    }

    /// The ids of the installs of each account, which a partial role needs and no other one has.
    async fn of_accounts(&self, roles: &Roles) -> Result<Vec<Vec<String>>, Error> {
        if !roles.contains(&Role::Partial) {
            if self.installs.is_empty() {
                return Ok(vec![Vec::new(); self.accounts.len()]);
            }
            return Err(refused(format!(
                "the role {roles} is for all installs, not for some"
            )));
        }
        let known = self.fleet.facts(&[]).await?.installs;
        let mut all = vec![Vec::new(); self.accounts.len()];
        for install in &self.installs {
            let row = known.iter().find(|known| known.id == install.id);
            let account = row.and_then(|row| row.account_id.as_ref());
            let at = self
                .accounts
                .iter()
                .position(|one| Some(&one.id) == account);
            match at {
                Some(at) => all[at].push(install.id.clone()),
                None => {
                    return Err(refused(format!("{install} is of none of the accounts")));
                }
            }
        }
        match all.iter().position(Vec::is_empty) {
            Some(at) => Err(refused(format!(
                "the role {roles} needs installs of {}",
                self.accounts[at].name
            ))),
            None => Ok(all),
        }
    }

    /// A step for each account, or a note on why there is none.
    async fn each(
        self,
        kind: &str,
        step: impl AsyncFn(
            usize,
            &Candidate,
            &[AccountUser],
        ) -> Result<Result<(String, Action), String>, wpengine::Error>,
    ) -> Result<Plan, Error> {
        if self.accounts.is_empty() {
            return Err(refused(
                "the list of accounts is empty, and that does not mean all of them",
            ));
        }
        if let Some(other) = self.accounts.iter().find(|one| one.kind != Kind::Account) {
            return Err(refused(format!("{other} is no account")));
        }
        let (mut steps, mut notes) = (Vec::new(), Vec::new());
        for (at, account) in self.accounts.iter().enumerate() {
            let people = people(self.fleet, &account.id).await?;
            match step(at, account, &people).await? {
                Ok((title, action)) => steps.push(Step {
                    title,
                    impact: impact(&[Effect::Access], None),
                    action,
                }),
                Err(note) => notes.push(note),
            }
        }
        Ok(finished(new_id(), kind, Vec::new(), steps, notes))
    }
}

/// The users of an account.
pub(super) async fn people(
    fleet: &Fleet,
    account: &str,
) -> Result<Vec<AccountUser>, wpengine::Error> {
    let users = fleet.client().account(account).users();
    users.list().collect().await
}

pub(super) fn find(people: &[AccountUser], email: &str) -> Option<AccountUser> {
    let email = email.to_lowercase();
    let mut people = people.iter();
    people
        .find(|person| person.email.to_lowercase() == email)
        .cloned()
}

/// Whether a person has these roles, for these installs.
pub(super) fn is_so(person: &AccountUser, roles: &str, installs: &[String]) -> bool {
    let of_person = person.installs.iter().flatten();
    let mut has: Vec<&str> = of_person
        .filter_map(|install| Some(install.id.as_ref()?.as_str()))
        .collect();
    let mut wanted: Vec<&str> = installs.iter().map(String::as_str).collect();
    has.sort_unstable();
    wanted.sort_unstable();
    person.roles.to_string() == roles && (installs.is_empty() || has == wanted)
}

/// Why a person must keep the roles, if so: the last owner, and the user of the credentials.
pub(super) async fn protected(
    fleet: &Fleet,
    people: &[AccountUser],
    person: &AccountUser,
) -> Result<Option<String>, wpengine::Error> {
    let is_owner = |person: &AccountUser| person.roles.contains(&Role::Owner);
    let owners = people.iter().filter(|person| is_owner(person)).count();
    if person.last_owner == Some(true) || is_owner(person) && owners < 2 {
        return Ok(Some(format!(
            "{} is the last owner of the account",
            person.email
        )));
    }
    let own = fleet.client().current_user().await?;
    if own.email.to_lowercase() == person.email.to_lowercase() {
        return Ok(Some(format!(
            "{} is the user of these credentials",
            person.email
        )));
    }
    Ok(None)
}
