//! The simulator in its own process, so that its work and memory are not measured with a client's. It records when
//! each request arrives.
//!
//! It reads commands from standard input: `report` prints the arrivals and `forget` clears them. The process ends when
//! standard input is closed, so it does not survive an interrupted run.

use std::convert::Infallible;
use std::io::{BufRead as _, Write as _};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use wpengine_sim::{Fault, FaultKind, Simulator};

use crate::Failure;

/// The API user of the clients.
pub(crate) const USER: &str = "bench";
/// The password of the clients. It is only for simulators on loopback.
pub(crate) const PASSWORD: &str = "bench";

/// The arguments of the server process.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    population: Population,
    /// The latency of each response.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
}

/// How many accounts, sites and installs there are.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Population {
    #[arg(long)]
    pub(crate) accounts: usize,
    #[arg(long)]
    pub(crate) sites: usize,
    #[arg(long)]
    pub(crate) installs: usize,
}

/// The line that is printed at the start.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) base_url: String,
}

/// The answer to `report`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// When each request arrived, in microseconds.
    pub(crate) arrivals: Vec<u64>,
}

/// Serves until the standard input ends.
pub(crate) async fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let Population {
        accounts,
        sites,
        installs,
    } = args.population;
    let simulator = Simulator::builder()
        .credentials(USER, PASSWORD)
        .seed(7)
        .fleet(accounts, sites, installs)
        .build();
    if args.delay_ms > 0 {
        let delay = FaultKind::Delay(Duration::from_millis(args.delay_ms));
        simulator
            .faults()
            .add(Fault::new(delay).always())
            .map_err(|error| Failure::msg(error.to_string()))?;
    }
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let listener = listen()?;
    let base_url = format!("http://{}/v1", listener.local_addr()?);
    let obeyed = Arc::clone(&arrivals);
    std::thread::spawn(move || obey(&obeyed));
    say(&Started { base_url })?;
    let began = Instant::now();
    loop {
        let (stream, _) = listener.accept().await?;
        let (simulator, arrivals) = (simulator.clone(), Arc::clone(&arrivals));
        tokio::spawn(connection(stream, simulator, arrivals, began));
    }
}

/// Listens on a free port of loopback. The large send buffer makes a page leave in one piece, because a client's cost
/// for two pieces differs from run to run.
fn listen() -> Result<TcpListener, Failure> {
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(1024 * 1024)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(socket.listen(1024)?)
}

type Arrivals = Mutex<Vec<u64>>;

/// Runs the commands from standard input, and ends the process when standard input is closed.
fn obey(arrivals: &Arrivals) {
    for line in std::io::stdin().lock().lines() {
        let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        match line.as_deref() {
            Ok("report") => {
                let arrivals = arrivals.clone();
                if say(&Report { arrivals }).is_err() {
                    break;
                }
            }
            Ok("forget") => arrivals.clear(),
            _ => break,
        }
    }
    std::process::exit(0);
}

fn say(what: &impl Serialize) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, what)?;
    stdout.write_all(b"\n")?;
    Ok(stdout.flush()?)
}

async fn connection(
    stream: TcpStream,
    simulator: Simulator,
    arrivals: Arc<Arrivals>,
    began: Instant,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: http::Request<Incoming>| {
        let at = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        arrivals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(at);
        let simulator = simulator.clone();
        async move {
            let (parts, body) = request.into_parts();
            // Only a client could break off a body, and the clients here send no bodies.
            let body = body
                .collect()
                .await
                .map_or(Bytes::new(), |body| body.to_bytes());
            let answer = simulator
                .handle(http::Request::from_parts(parts, body))
                .await;
            Ok::<_, Infallible>(answer.map(Full::new))
        }
    });
    // A client that disconnects is not an error of the server.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
