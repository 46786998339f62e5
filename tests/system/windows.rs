//! Rate limits, counted at the simulator by its clock, with a latency of up to a tenth of a second. The simulator has
//! the documented limits enabled and refuses requests that exceed them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};
use wpengine::{
    Client, ClientBuilder, Credentials, RetryPolicy,
    limits::Windows,
    transport::{HttpClient, HttpError, ResponseFuture},
};
use wpengine_sim::{Broken, RateLimits, Role, Simulator};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const HOURS: usize = 10;
const TASKS: usize = 32;

/// A transport to the simulator from one address. A request that was sent arrives, even if the caller has given up.
#[derive(Clone)]
struct Way {
    simulator: Simulator,
    address: IpAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    random: fastrand::Rng,
    arrivals: Vec<Arrival>,
}

/// A request, with the time at which it reaches the simulator.
#[derive(Clone)]
struct Arrival {
    at: Timestamp,
    path: String,
}

impl Way {
    fn new(simulator: &Simulator, host: u8) -> Self {
        let state = State {
            random: fastrand::Rng::with_seed(host.into()),
            arrivals: Vec::new(),
        };
        Self {
            simulator: simulator.clone(),
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)),
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn builder(&self, user: &str, password: &str) -> ClientBuilder {
        Client::builder()
            .base_url(self.simulator.base_url())
            .credentials(Credentials::basic(user, password))
            .http_client(self.clone())
            .rate_limiter(Windows::default())
            .rate_limit_wait(Duration::from_secs(2 * 3_600))
    }

    /// A client of the main user, with the default settings.
    fn client(&self) -> Client {
        self.builder(self.simulator.user(), self.simulator.password())
            .build()
            .expect("a client")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn jitter(&self) {
        let millis = self.state().random.u64(0..=100);
        sleep(Duration::from_millis(millis)).await;
    }

    async fn deliver(self, mut request: Request<Bytes>) -> Result<Response<Bytes>, Broken> {
        self.jitter().await;
        request.extensions_mut().insert(self.address);
        let arrival = Arrival {
            at: self.simulator.clock().now(),
            path: request.uri().path().to_owned(),
        };
        self.state().arrivals.push(arrival);
        let answer = self.simulator.exchange(request).await;
        self.jitter().await;
        answer
    }

    /// Returns the requests that have arrived so far, in order.
    fn arrivals(&self) -> Vec<Arrival> {
        self.state().arrivals.clone()
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Way").field(&self.address).finish()
    }
}

impl HttpClient for Way {
    fn send(&self, request: Request<Bytes>, _most: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            let delivery = tokio::spawn(self.clone().deliver(request));
            delivery
                .await
                .expect("a delivery that ends")
                .map_err(|broken| HttpError::Broken(broken.into()))
        })
    }
}

/// Creates a simulator with this number of accounts and with the documented rate limits. Returns the simulator and the
/// ids of the accounts.
fn simulator(accounts: usize) -> (Simulator, Vec<String>) {
    let simulator = Simulator::builder()
        .fleet(accounts, 0, 0)
        .rate_limits(RateLimits::documented())
        // The tests send very many requests and do not look at the responses, so the check of responses is off.
        .check_answers(false)
        .build();
    let users = simulator.users();
    let memberships = users.iter().flat_map(|user| &user.memberships);
    let ids = memberships.map(|one| one.account_id.clone()).collect();
    (simulator, ids)
}

/// Requests an account for some hours, as often as possible, with this number of tasks.
fn ask(
    client: &Client,
    account: &str,
    hours: usize,
    tasks: usize,
) -> Vec<tokio::task::JoinHandle<()>> {
    let (start, span) = (Instant::now(), Duration::from_secs(3_600) * hours as u32);
    let ask = |_| {
        let account = client.account(account);
        tokio::spawn(async move {
            while start.elapsed() < span {
                account
                    .plan_limits()
                    .await
                    .expect("an answer, and no refusal");
            }
        })
    };
    (0..tasks).map(ask).collect()
}

async fn join(tasks: Vec<tokio::task::JoinHandle<()>>) {
    for task in tasks {
        task.await.expect("a task that ends");
    }
}

/// Checks that no window of this length has more than `limit` requests, neither a sliding window nor one that begins
/// with a minute or an hour of the clock.
fn assert_kept(what: &str, arrivals: &[Timestamp], limit: usize, period: SignedDuration) {
    for stretch in arrivals.windows(limit + 1) {
        let length = stretch[limit].duration_since(stretch[0]);
        assert!(length >= period, "{what}: {} within {length:?}", limit + 1);
    }
    let number = |at: &Timestamp| at.as_second() / period.as_secs();
    for fixed in arrivals.chunk_by(|one, other| number(one) == number(other)) {
        assert!(fixed.len() <= limit, "{what}: {} at once", fixed.len());
    }
}

/// Checks that almost all of the requests allowed in ten hours were sent.
fn assert_used(what: &str, start: Timestamp, arrivals: &[Timestamp], allowed: usize) {
    let end = start + HOUR * HOURS as i32;
    let used = arrivals.iter().filter(|at| **at < end).count();
    let share = used as f64 / allowed as f64;
    assert!(share >= 0.98, "{what}: {used} of {allowed}");
}

fn times<'a>(arrivals: impl IntoIterator<Item = &'a Arrival>) -> Vec<Timestamp> {
    arrivals.into_iter().map(|arrival| arrival.at).collect()
}

/// Returns the times of the requests for an account.
fn about(arrivals: &[Arrival], account: &str) -> Vec<Timestamp> {
    times(
        arrivals
            .iter()
            .filter(|arrival| arrival.path.contains(account)),
    )
}

/// Checks that the simulator has seen all requests of the test and refused none.
fn assert_all_seen(simulator: &Simulator, clients: &[&Client], arrivals: usize) {
    let counts = simulator.operation_counts();
    let seen: u64 = counts.values().map(|count| count.requests).sum();
    let asked: u64 = clients.iter().map(|one| one.counters().attempts).sum();
    let refused: u64 = clients.iter().map(|one| one.counters().throttled).sum();
    assert_eq!((seen, asked, refused), (arrivals as u64, seen, 0));
}

#[tokio::test(start_paused = true)]
async fn the_hours_of_several_accounts_are_kept_and_used_at_the_same_time() {
    let (simulator, accounts) = simulator(2);
    let (way, start) = (Way::new(&simulator, 1), simulator.clock().now());
    let client = way.client();
    let tasks = accounts
        .iter()
        .flat_map(|id| ask(&client, id, HOURS, TASKS));
    join(tasks.collect()).await;
    let arrivals = way.arrivals();
    assert_all_seen(&simulator, &[&client], arrivals.len());
    assert_kept("credentials", &times(&arrivals), 100, MINUTE);
    for account in &accounts {
        let arrivals = about(&arrivals, account);
        assert_kept("account", &arrivals, 1_000, HOUR);
        assert_used("account", start, &arrivals, 1_000 * HOURS);
    }
}

#[tokio::test(start_paused = true)]
async fn the_minutes_of_the_credentials_are_kept_and_used_where_they_are_the_tighter_limit() {
    // The limits of six accounts add up to the limit of the credentials. With eight accounts, no account reaches its
    // hourly limit.
    let (simulator, accounts) = simulator(8);
    let (way, start) = (Way::new(&simulator, 1), simulator.clock().now());
    let client = way.client();
    let tasks = accounts
        .iter()
        .flat_map(|id| ask(&client, id, HOURS, TASKS / 2));
    join(tasks.collect()).await;
    let arrivals = way.arrivals();
    assert_all_seen(&simulator, &[&client], arrivals.len());
    for account in &accounts {
        assert_kept("account", &about(&arrivals, account), 1_000, HOUR);
    }
    let arrivals = times(&arrivals);
    assert_kept("credentials", &arrivals, 100, MINUTE);
    assert_used("credentials", start, &arrivals, 100 * 60 * HOURS);
}

#[tokio::test(start_paused = true)]
async fn every_user_has_minutes_of_its_own() {
    let (simulator, accounts) = simulator(2);
    simulator
        .add_user("second", "secret", &accounts[1], Role::Owner)
        .expect("a second user");
    let limiter = Arc::new(Windows::default());
    let ways = [Way::new(&simulator, 1), Way::new(&simulator, 2)];
    let shared = |builder: ClientBuilder| {
        let builder = builder.rate_limiter(limiter.clone());
        builder.build().expect("a client")
    };
    let first = shared(ways[0].builder(simulator.user(), simulator.password()));
    let second = shared(ways[1].builder("second", "secret"));
    let mut tasks = ask(&first, &accounts[0], 1, TASKS);
    tasks.extend(ask(&second, &accounts[1], 1, TASKS));
    join(tasks).await;
    let mut all = Vec::new();
    for way in &ways {
        let arrivals = times(&way.arrivals());
        assert_kept("credentials", &arrivals, 100, MINUTE);
        assert_kept("account", &arrivals, 1_000, HOUR);
        all.extend(arrivals);
    }
    all.sort();
    assert_all_seen(&simulator, &[&first, &second], all.len());
    let first_minute = all.iter().filter(|at| at.duration_since(all[0]) < MINUTE);
    assert_eq!(first_minute.count(), 200, "nobody waits for the other");
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_on_the_way_counts_as_arrived_when_it_can_arrive() {
    let (simulator, accounts) = simulator(1);
    let way = Way::new(&simulator, 1);
    let client = way
        .builder(simulator.user(), simulator.password())
        // The latency is up to 100 ms, so half of the requests time out before they arrive.
        .attempt_timeout(Duration::from_millis(50))
        .retry(RetryPolicy::none())
        .build()
        .expect("a client");
    let account = client.account(accounts[0].as_str());
    let mut unanswered = 0;
    for _ in 0..3_000 {
        unanswered += u32::from(
            account
                .plan_limits()
                .await
                .is_err_and(|error| error.is_timeout()),
        );
    }
    assert!(unanswered > 2_000, "{unanswered}");
    // Waits until the last requests have arrived.
    sleep(Duration::from_secs(1)).await;
    let arrivals = times(&way.arrivals());
    assert_all_seen(&simulator, &[&client], arrivals.len());
    assert_kept("credentials", &arrivals, 100, MINUTE);
    assert_kept("account", &arrivals, 1_000, HOUR);
}

#[tokio::test(start_paused = true)]
async fn two_users_of_one_account_share_its_hours() {
    let (simulator, accounts) = simulator(1);
    let start = simulator.clock().now();
    simulator
        .add_user("second", "secret", &accounts[0], Role::Owner)
        .expect("a second user");
    let limiter = Arc::new(Windows::default());
    let ways = [Way::new(&simulator, 1), Way::new(&simulator, 2)];
    let shared = |builder: ClientBuilder| {
        let builder = builder.rate_limiter(limiter.clone());
        builder.build().expect("a client")
    };
    let first = shared(ways[0].builder(simulator.user(), simulator.password()));
    let second = shared(ways[1].builder("second", "secret"));
    let mut tasks = ask(&first, &accounts[0], HOURS, TASKS);
    tasks.extend(ask(&second, &accounts[0], HOURS, TASKS));
    join(tasks).await;
    let mut all = Vec::new();
    for way in &ways {
        let arrivals = times(&way.arrivals());
        assert_kept("credentials", &arrivals, 100, MINUTE);
        all.extend(arrivals);
    }
    all.sort();
    assert_all_seen(&simulator, &[&first, &second], all.len());
    assert_kept("account", &all, 1_000, HOUR);
    assert_used("account", start, &all, 1_000 * HOURS);
}

#[tokio::test(start_paused = true)]
async fn calls_on_installs_count_in_the_hour_of_their_account_once_it_is_known() {
    const ACCOUNTS: usize = 10;
    let simulator = Simulator::builder()
        .fleet(ACCOUNTS, 0, ACCOUNTS)
        .rate_limits(RateLimits::documented())
        .check_answers(false)
        .build();
    let way = Way::new(&simulator, 1);
    let client = way.client();
    let installs = client
        .installs()
        .list()
        .collect_at_most(1_000)
        .await
        .expect("installs");
    assert_eq!(installs.len(), ACCOUNTS);
    let (start, began) = (simulator.clock().now(), Instant::now());
    let tasks = installs.iter().flat_map(|install| {
        (0..8).map(|_| {
            let install = client.install(&install.id);
            tokio::spawn(async move {
                while began.elapsed() < Duration::from_secs(3_600) {
                    install.get().await.expect("an answer, and no refusal");
                }
            })
        })
    });
    join(tasks.collect()).await;
    let arrivals = way.arrivals();
    assert_kept("credentials", &times(&arrivals), 100, MINUTE);
    let mut in_the_hour = 0;
    for install in &installs {
        let of_account = about(&arrivals, install.id.as_str());
        assert_kept("account", &of_account, 1_000, HOUR);
        in_the_hour += of_account.iter().filter(|at| **at < start + HOUR).count();
    }
    assert_eq!(client.counters().throttled, 0);
    assert!(in_the_hour > 5_000, "{in_the_hour} in an hour");
}
