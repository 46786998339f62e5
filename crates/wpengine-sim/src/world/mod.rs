//! The worlds that a simulator can start with.

mod documentation;
mod fleet;
mod trouble;

use indexmap::IndexMap;
use jiff::Timestamp;

use crate::limits::RateLimits;
use crate::random::Random;
use crate::role::Role;
use crate::state::{
    Account, AccountUser, Limits, Login, LoginSecret, MAIN_USER, Roles, StorageRefreshes, User,
    World,
};

/// The content of a world.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Population {
    /// One account and its owner.
    Empty,
    /// The resources of the documentation's examples, with their ids.
    Documentation,
    /// A fleet, generated from the seed.
    Fleet {
        /// The number of accounts; at least one.
        accounts: usize,
        /// The number of sites.
        sites: usize,
        /// The number of installs; a site holds up to three.
        installs: usize,
        /// Whether problems are added that a check of a fleet can find.
        troubled: bool,
    },
}

/// Everything that is needed to create the world, also at a reset.
pub(crate) struct Plan {
    pub(crate) population: Population,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) users: Vec<FurtherUser>,
    pub(crate) bearer_token: Option<String>,
    /// Accounts with disabled API access.
    pub(crate) closed_accounts: Vec<String>,
    pub(crate) limits: RateLimits,
}

/// An additional user who can sign in.
#[derive(Clone)]
pub(crate) struct FurtherUser {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) account_id: String,
    pub(crate) role: Role,
}

const MAIN_ACCOUNT: &str = "eeda3227-9a39-46ae-9e14-20958bb4e6c9";

impl Plan {
    /// Creates the world as it is at the start.
    pub(crate) fn build(&self, seed: u64, population: &Population, now: Timestamp) -> World {
        let mut world = World::new(seed);
        world.logins = self.main_logins();
        add_main_user(&mut world);
        match *population {
            Population::Empty => add_account(&mut world, MAIN_ACCOUNT, "joesaccount"),
            Population::Documentation => documentation::fill(&mut world, now),
            Population::Fleet {
                accounts,
                sites,
                installs,
                troubled,
            } => {
                fleet::fill(&mut world, now, accounts, sites, installs);
                if troubled {
                    trouble::add(&mut world, now);
                }
            }
        }
        for user in &self.users {
            user.add(&mut world);
        }
        for account in &self.closed_accounts {
            if let Some(account) = world.accounts.get_mut(account) {
                account.api_access = false;
            }
        }
        world.install_limits = self.limits.install;
        world
    }

    /// The login of the main user.
    pub(crate) fn main_logins(&self) -> Vec<Login> {
        let basic = LoginSecret::Basic {
            name: self.user.clone(),
            password: self.password.clone(),
        };
        let bearer = self.bearer_token.clone().map(LoginSecret::Bearer);
        let secrets = std::iter::once(basic).chain(bearer);
        let logins = secrets.map(|secret| Login {
            secret,
            user_id: MAIN_USER.to_owned(),
        });
        logins.collect()
    }
}

impl FurtherUser {
    pub(crate) fn add(&self, world: &mut World) {
        let id = Random::for_text(world.seed, &self.user).uuid();
        let email = format!("{}@example.com", self.user);
        let user = User {
            id: id.clone(),
            first_name: "Further".to_owned(),
            last_name: "User".to_owned(),
            email: email.clone(),
            phone_number: None,
            ssh_keys: IndexMap::new(),
        };
        let member = AccountUser {
            user_id: id.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            email,
            phone: None,
            invite_accepted: true,
            mfa_enabled: false,
            roles: self.role.roles(),
            install_ids: self.role.install_ids(),
        };
        let secret = LoginSecret::Basic {
            name: self.user.clone(),
            password: self.password.clone(),
        };
        world.logins.push(Login {
            secret,
            user_id: id.clone(),
        });
        if let Some(account) = world.accounts.get_mut(&self.account_id) {
            account.users.insert(id.clone(), member);
        }
        world.users.insert(id, user);
    }
}

/// Adds the main user.
fn add_main_user(world: &mut World) {
    let main = User {
        id: MAIN_USER.to_owned(),
        first_name: "Joe".to_owned(),
        last_name: "Smith".to_owned(),
        // Not the documentation's joe@gmail.com, because its example of a new account user has that address.
        email: "joe.smith@torquemag.io".to_owned(),
        phone_number: Some("123456789".to_owned()),
        ssh_keys: IndexMap::new(),
    };
    world.users.insert(main.id.clone(), main);
}

/// Adds an account that the main user owns.
fn add_account(world: &mut World, id: &str, name: &str) {
    let main = &world.users[MAIN_USER];
    let owner = AccountUser {
        user_id: main.id.clone(),
        first_name: main.first_name.clone(),
        last_name: main.last_name.clone(),
        email: main.email.clone(),
        phone: main.phone_number.clone(),
        invite_accepted: true,
        mfa_enabled: true,
        roles: Roles::OWNER,
        install_ids: Vec::new(),
    };
    let account = Account {
        id: id.to_owned(),
        name: name.to_owned(),
        nickname: name.to_owned(),
        api_access: true,
        limits: Limits {
            visitors: 25_000,
            storage_gb: 150,
            bandwidth_gb: 1000,
        },
        users: IndexMap::from([(owner.user_id.clone(), owner)]),
        storage: StorageRefreshes::default(),
    };
    world.accounts.insert(account.id.clone(), account);
}
