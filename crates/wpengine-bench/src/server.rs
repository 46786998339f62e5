//! The simulator in a process of its own, so that its work and its memory count for nobody; and with a list of when each
//! request arrived.
//!
//! It is driven over its standard input: `report` prints what arrived, `forget` begins anew, and its end ends the process,
//! so that none is left behind by a run that was broken off.

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

/// What clients sign in with.
pub(crate) const USER: &str = "bench";
/// What clients sign in with. It opens nothing but a simulator on loopback.
pub(crate) const PASSWORD: &str = "bench";

/// How to be one.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// How many installs there are.
    #[arg(long)]
    installs: usize,
    /// How long each answer takes.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
}

/// The line that is printed on start.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) base_url: String,
}

/// What arrived.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// When each request arrived, in microseconds.
    pub(crate) arrivals: Vec<u64>,
}

/// Serves until the standard input ends.
pub(crate) async fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let simulator = Simulator::builder()
        .credentials(USER, PASSWORD)
        .seed(7)
        .fleet(5, args.installs * 2 / 5, args.installs)
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

/// Listens on a free port of loopback, with so much room that a page goes out in one piece: what a client does with two
/// differs from run to run.
fn listen() -> Result<TcpListener, Failure> {
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(1024 * 1024)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(socket.listen(1024)?)
}

type Arrivals = Mutex<Vec<u64>>;

/// Does what the standard input says, and ends the process with it.
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
            // A body that breaks off is the client's doing, and none of those here sends one.
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
    // A client that goes away while it is answered is no failure of the server.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
