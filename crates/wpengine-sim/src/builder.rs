//! Configuration of a simulator.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::clock::{Clock, ClockMode};
use crate::document::document;
use crate::limits::RateLimits;
use crate::random::Random;
use crate::role::Role;
use crate::server::Server;
use crate::shared::Shared;
use crate::simulator::Simulator;
use crate::snapshot::StateFile;
use crate::world::{FurtherUser, Plan, Population};

/// Configures a [`Simulator`]; start from [`Simulator::builder`].
///
/// ```
/// use wpengine_sim::{ClockMode, Simulator};
///
/// let simulator = Simulator::builder().credentials("me", "secret").clock(ClockMode::Manual).seed(7).build();
/// assert_eq!(simulator.user(), "me");
/// ```
#[derive(Clone)]
#[must_use]
pub struct SimulatorBuilder {
    credentials: Option<(String, String)>,
    clock: ClockMode,
    clock_start: Option<Timestamp>,
    seed: u64,
    population: Population,
    listen: SocketAddr,
    check_answers: bool,
    limits: RateLimits,
    state_file: Option<PathBuf>,
    users: Vec<FurtherUser>,
    bearer_token: Option<String>,
    closed_accounts: Vec<String>,
    troubled: bool,
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        Self {
            credentials: None,
            clock: ClockMode::default(),
            clock_start: None,
            seed: 0,
            population: Population::Documentation,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            check_answers: cfg!(debug_assertions),
            limits: RateLimits::none(),
            state_file: None,
            users: Vec::new(),
            bearer_token: None,
            closed_accounts: Vec::new(),
            troubled: false,
        }
    }
}

impl Simulator {
    /// Configures a simulator.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }
}

impl SimulatorBuilder {
    /// The API user id and password that are accepted. Without this they are generated.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((user.into(), password.into()));
        self
    }

    /// How the virtual time moves: with the time of the machine by default.
    pub fn clock(mut self, mode: ClockMode) -> Self {
        self.clock = mode;
        self
    }

    /// The time that the virtual clock shows at first. By default the present, or a fixed day for a manual clock.
    pub fn clock_start(mut self, start: Timestamp) -> Self {
        self.clock_start = Some(start);
        self
    }

    /// The seed of all ids and figures. Two simulators with one seed, a manual clock and the same requests give the
    /// same answers.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts with one account and its owner, and nothing in it.
    pub fn empty(mut self) -> Self {
        self.population = Population::Empty;
        self
    }

    /// Starts with a fleet of that many accounts, sites and installs, the same for the same seed, instead of the world
    /// of the documentation's examples.
    pub fn fleet(mut self, accounts: usize, sites: usize, installs: usize) -> Self {
        self.population = Population::Fleet {
            accounts,
            sites,
            installs,
            troubled: false,
        };
        self
    }

    /// Gives the [fleet](Self::fleet) something of everything that a check of a fleet could find: certificates
    /// that are expired, near their end or rejected; production without a backup, or with an old or an aborted one; domains
    /// that are unverified, duplicated or redirect to nowhere; old and mismatched PHP; installs that stay pending and
    /// storage that nobody has measured; people without MFA, open invitations and sole owners; plans that are
    /// exceeded, and nearly. With sixty production installs there are two of each. Without a fleet it does nothing.
    ///
    /// ```
    /// use wpengine_sim::Simulator;
    ///
    /// let simulator = Simulator::builder().fleet(9, 60, 170).troubled().build();
    /// # let _ = simulator;
    /// ```
    pub fn troubled(mut self) -> Self {
        self.troubled = true;
        self
    }

    /// The address to listen on: a free port of 127.0.0.1 by default. Whoever can reach the address can use the
    /// simulator and read its password from nobody but you; still, leave it on loopback unless you need more.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Whether each answer is checked against the document; see [`Simulator::violations`]. On in debug builds.
    pub fn check_answers(mut self, yes: bool) -> Self {
        self.check_answers = yes;
        self
    }

    /// Switches the two rate limits by install on: an object cache purge a minute, a domain status check every five
    /// seconds. Off by default.
    pub fn install_limits(mut self, on: bool) -> Self {
        self.limits.install = on;
        self
    }

    /// Switches rate limits on. Off by default.
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps the state in a file: what is in it is taken over at the start, and it is written anew within a second
    /// after each change, and by [`Simulator::save_state`]. Each time it is replaced as a whole. Only for a simulator
    /// that is [started](Self::start); a [snapshot](Simulator::snapshot) does the same by hand.
    ///
    /// The time goes on where it was left, a real one with the present. There are passwords of further users in the
    /// file, and nobody else may read it.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// Lets a further user sign in, who belongs to one account of the world. An account that is not there is left out.
    pub fn user(
        mut self,
        user: impl Into<String>,
        password: impl Into<String>,
        account_id: impl Into<String>,
        role: Role,
    ) -> Self {
        let (user, password, account_id) = (user.into(), password.into(), account_id.into());
        self.users.push(FurtherUser {
            user,
            password,
            account_id,
            role,
        });
        self
    }

    /// Accepts a bearer token of the main user, on the operations that take one.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.bearer_token = Some(token.into());
        self
    }

    /// Switches API access off for an account: valid credentials then find nothing of it.
    pub fn without_api_access(mut self, account_id: impl Into<String>) -> Self {
        self.closed_accounts.push(account_id.into());
        self
    }

    /// Makes a simulator without a socket, for [`Simulator::handle`].
    #[must_use]
    pub fn build(self) -> Simulator {
        let (shared, user, password) = self.shared();
        Simulator::new(shared, None, user, password)
    }

    /// Starts a simulator that listens. It stops when its last handle is dropped.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on, or if the [state file](Self::state_file) cannot be read or is damaged. Such
    /// a file stays as it is.
    pub async fn start(mut self) -> io::Result<Simulator> {
        let (listen, state_file) = (self.listen, self.state_file.take());
        let (shared, user, password) = self.shared();
        let server = Server::start(Arc::clone(&shared), listen).await?;
        let state_file = state_file
            .map(|path| StateFile::open(path, Arc::clone(&shared)))
            .transpose()?;
        let simulator = Simulator::new(shared, Some(server), user, password);
        Ok(simulator.with_state_file(state_file))
    }

    fn shared(mut self) -> (Arc<Shared>, String, String) {
        if let Population::Fleet { troubled, .. } = &mut self.population {
            *troubled = self.troubled;
        }
        let (user, password) = self.credentials.unwrap_or_else(|| {
            let mut random = Random::unforeseeable();
            (random.uuid(), random.token(24))
        });
        // Read before the world is made, so that the first request is as fast as the others, and the world takes the memory
        // that reading has left.
        document();
        let clock = Clock::new(self.clock, self.clock_start);
        let plan = Plan {
            population: self.population,
            user: user.clone(),
            password: password.clone(),
            users: self.users,
            bearer_token: self.bearer_token,
            closed_accounts: self.closed_accounts,
            limits: self.limits,
        };
        (
            Arc::new(Shared::new(self.seed, clock, plan, self.check_answers)),
            user,
            password,
        )
    }
}

impl fmt::Debug for SimulatorBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("SimulatorBuilder");
        debug
            .field("clock", &self.clock)
            .field("seed", &self.seed)
            .field("population", &self.population);
        debug.field("listen", &self.listen).finish_non_exhaustive()
    }
}
