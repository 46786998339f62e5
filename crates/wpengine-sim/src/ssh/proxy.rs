//! What stands between a client and sshd: it counts, delays, cuts and refuses.

use std::{
    fs, io,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

#[derive(Debug)]
pub(super) struct Proxy {
    shared: Arc<Shared>,
    listeners: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    sshd: AtomicU16,
    /// Each connection has a file here, named by its port at sshd's side, that says which install it is for.
    names: PathBuf,
    most: usize,
    delay: Duration,
    idle: Option<Duration>,
    refuse: AtomicBool,
    open: AtomicUsize,
    most_open: AtomicUsize,
    accepted: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    /// How many bytes clients may send until everything is cut; without a limit if it is negative.
    left: AtomicI64,
    cuts: watch::Sender<u64>,
}

impl Proxy {
    pub(super) fn new(
        sshd: u16,
        names: PathBuf,
        most: usize,
        delay: Duration,
        idle: Option<Duration>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                sshd: AtomicU16::new(sshd),
                names,
                most,
                delay,
                idle,
                refuse: AtomicBool::new(false),
                open: AtomicUsize::new(0),
                most_open: AtomicUsize::new(0),
                accepted: AtomicU64::new(0),
                sent: AtomicU64::new(0),
                received: AtomicU64::new(0),
                left: AtomicI64::new(-1),
                cuts: watch::Sender::new(0),
            }),
            listeners: Mutex::default(),
        }
    }

    /// Listens for connections to one install, and returns the port.
    pub(super) async fn listen(&self, install: &str) -> io::Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (shared, install) = (Arc::clone(&self.shared), install.to_owned());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (shared, install) = (Arc::clone(&shared), install.clone());
                tokio::spawn(async move { shared.serve(client, &install).await });
            }
        });
        let mut listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        listeners.push(task);
        Ok(port)
    }

    pub(super) fn lead_to(&self, sshd: u16) {
        self.shared.sshd.store(sshd, SeqCst);
    }

    pub(super) fn open(&self) -> usize {
        self.shared.open.load(SeqCst)
    }

    pub(super) fn counted(&self) -> (u64, usize) {
        (
            self.shared.accepted.load(SeqCst),
            self.shared.most_open.load(SeqCst),
        )
    }

    pub(super) fn bytes(&self) -> (u64, u64) {
        (
            self.shared.sent.load(SeqCst),
            self.shared.received.load(SeqCst),
        )
    }

    pub(super) fn cut(&self) {
        self.shared.cut();
    }

    pub(super) fn cut_after(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.shared.left.store(bytes, SeqCst);
    }

    pub(super) fn refuse(&self, refuse: bool) {
        self.shared.refuse.store(refuse, SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let listeners = self
            .listeners
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for listener in listeners {
            listener.abort();
        }
    }
}

impl Shared {
    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    async fn serve(&self, client: TcpStream, install: &str) {
        let open = self.open.fetch_add(1, SeqCst) + 1;
        if open <= self.most && !self.refuse.load(SeqCst) {
            self.accepted.fetch_add(1, SeqCst);
            self.most_open.fetch_max(open, SeqCst);
            let mut cuts = self.cuts.subscribe();
            cuts.mark_unchanged();
            tokio::select! {
                _ = self.connect(client, install) => {}
                _ = cuts.changed() => {}
            }
        }
        self.open.fetch_sub(1, SeqCst);
    }

    async fn connect(&self, client: TcpStream, install: &str) -> io::Result<()> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, self.sshd.load(SeqCst))).await?;
        let name = self.names.join(server.local_addr()?.port().to_string());
        fs::write(&name, install)?;
        let _ = fs::remove_dir(name.with_extension("warm"));
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let (up, down) = (
            self.pass(from_client, to_server, true),
            self.pass(from_server, to_client, false),
        );
        // When one side has ended there is nothing left to say to the other.
        tokio::select! {
            ended = up => ended,
            ended = down => ended,
        }
    }

    async fn pass(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        is_client: bool,
    ) -> io::Result<()> {
        let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
        // It owns the sender: when it ends, the writer writes what is left and ends too.
        let read = async move {
            let mut buffer = vec![0; 32 * 1024];
            loop {
                let read = from.read(&mut buffer);
                let count = match self.idle {
                    Some(idle) => timeout(idle, read).await.unwrap_or(Ok(0))?,
                    None => read.await?,
                };
                if count == 0 {
                    return io::Result::Ok(());
                }
                let counter = if is_client {
                    &self.sent
                } else {
                    &self.received
                };
                counter.fetch_add(count as u64, SeqCst);
                if is_client && self.is_cut_by(count) {
                    self.cut();
                    return Ok(());
                }
                let due = Instant::now() + self.delay;
                if sender.send((due, buffer[..count].to_vec())).await.is_err() {
                    return Ok(());
                }
            }
        };
        let write = async {
            while let Some((due, bytes)) = receiver.recv().await {
                if !self.delay.is_zero() {
                    sleep_until(due).await;
                }
                to.write_all(&bytes).await?;
            }
            to.shutdown().await
        };
        tokio::try_join!(read, write).map(|_| ())
    }

    /// Whether these bytes are more than may be sent.
    fn is_cut_by(&self, count: usize) -> bool {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let left = self.left.fetch_update(SeqCst, SeqCst, |left| {
            (left >= 0).then(|| (left - count).max(-1))
        });
        // After the cut there is no limit any more.
        left.is_ok_and(|left| left < count)
    }
}
