//! The limiter for all processes of one machine, with its state in a file.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::{
    LimitError, LimitKey, Observation, Permit, PermitFuture, RateLimiter, Window, WindowState,
    Windows,
    ledger::{Ledger, Reply, Rules, millis},
};

/// The longest wait for the lock of the file.
const LOCK_WAIT: Duration = Duration::from_secs(1);
/// The pause between two attempts to lock it.
const LOCK_RETRY: Duration = Duration::from_millis(5);
/// How many times, 1 ms apart, code that cannot await tries to lock the file.
const SOON_TRIES: u32 = 20;
/// How long the file is not used after a failure.
const LEFT_ALONE: Duration = Duration::from_secs(30);
/// A longer file was not written by this library.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Sliding windows in a file, for several processes on one machine. A command in a shell loop stays within the limits
/// as a single process does.
///
/// The windows are those of [`Windows`] by default. Every request locks the file for a moment. A file that cannot be
/// used never stops the program, for example if it is damaged or not writable, or if a stopped process holds its lock.
/// In this case a request waits for 1 s at most, one warning is logged, and the process uses its own windows for 30 s.
///
/// ```
/// use wpengine::limits::FileWindows;
///
/// # let folder = std::env::temp_dir().join(format!("wpengine-doc-{}", std::process::id()));
/// # let path = folder.join("limits.json");
/// let client = wpengine::Client::builder()
///     .credentials(wpengine::Credentials::basic("my-api-user-id", "my-password"))
///     .rate_limiter(FileWindows::new(path))
///     .build()?;
/// # let _ = client;
/// # Ok::<(), wpengine::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct FileWindows(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// None if this machine has no folder for it.
    path: Option<PathBuf>,
    rules: Rules,
    /// Counts the requests of this process, for use while the file cannot be used.
    own: Windows,
    left_alone_until: Mutex<Option<Instant>>,
    has_warned: AtomicBool,
}

impl FileWindows {
    /// Creates windows in the file `path`, with the documented limits. The file and its folder are created when they
    /// are first needed.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::with(Some(path.into()), Windows::default().rules())
    }

    /// Creates windows in the cache folder of the current user, with the documented limits. All programs of the user
    /// share them. The file is `wpengine/limits.json` in `XDG_CACHE_HOME`, in `~/.cache`, or in `LOCALAPPDATA` on
    /// Windows.
    pub fn of_this_user() -> Self {
        let path = cache_folder().map(|folder| folder.join("wpengine").join("limits.json"));
        Self::with(path, Windows::default().rules())
    }

    /// Sets other windows. All processes that share the file need the same windows.
    pub fn windows(
        self,
        per_credentials: impl IntoIterator<Item = Window>,
        per_account: impl IntoIterator<Item = Window>,
    ) -> Self {
        let rules = Rules {
            per_credentials: per_credentials.into_iter().collect(),
            per_account: per_account.into_iter().collect(),
            ..self.0.rules
        };
        Self::with(self.0.path.clone(), &rules)
    }

    /// Sets how much longer a window is here than at the service, to allow for network delay; 1 s by default.
    pub fn margin(self, margin: Duration) -> Self {
        let rules = Rules {
            margin,
            ..self.0.rules.clone()
        };
        Self::with(self.0.path.clone(), &rules)
    }

    /// Returns the path of the file; none if this machine has no folder for it.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    fn with(path: Option<PathBuf>, rules: &Rules) -> Self {
        let rules = Rules {
            // A process can end before its responses arrive, so nobody would record them.
            awaits_answers: false,
            ..rules.clone()
        };
        Self(Arc::new(Inner {
            path,
            own: Windows::with_rules(rules.clone()),
            rules,
            left_alone_until: Mutex::default(),
            has_warned: AtomicBool::new(false),
        }))
    }
}

fn cache_folder() -> Option<PathBuf> {
    let variable = |name| {
        let folder = PathBuf::from(std::env::var_os(name)?);
        folder.is_absolute().then_some(folder)
    };
    if cfg!(windows) {
        return variable("LOCALAPPDATA");
    }
    variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))
}

impl Inner {
    /// Runs `work` on the ledger in the file.
    async fn with_ledger<T>(&self, work: impl FnOnce(&mut Ledger, u64) -> T) -> io::Result<T> {
        if self.is_left_alone() {
            return Err(io::Error::other("it could not be used a moment ago"));
        }
        let done = self
            .lock_file()
            .await
            .and_then(|file| self.update(file, work));
        if let Err(error) = &done {
            *self.left_alone() = Some(Instant::now() + LEFT_ALONE);
            self.warn(&error.to_string());
        }
        done
    }

    /// Opens and locks the file. Waits at most 1 s for the lock.
    async fn lock_file(&self) -> io::Result<File> {
        let (file, started) = (self.open()?, Instant::now());
        while let Err(error) = file.try_lock() {
            match error {
                TryLockError::WouldBlock if started.elapsed() < LOCK_WAIT => {
                    tokio::time::sleep(LOCK_RETRY).await;
                }
                TryLockError::WouldBlock => {
                    return Err(io::Error::other("another process holds its lock"));
                }
                TryLockError::Error(error) => return Err(error),
            }
        }
        Ok(file)
    }

    fn open(&self) -> io::Result<File> {
        const NO_FOLDER: &str = "no home folder is known: set HOME or XDG_CACHE_HOME";
        let path = self
            .path
            .as_deref()
            .ok_or_else(|| io::Error::other(NO_FOLDER))?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    }

    /// Reads the ledger from a locked file, runs `work` on it and writes it back. Dropping the file unlocks it.
    fn update<T>(&self, mut file: File, work: impl FnOnce(&mut Ledger, u64) -> T) -> io::Result<T> {
        let mut text = Vec::new();
        if file.metadata()?.len() <= MOST_BYTES {
            (&mut file).take(MOST_BYTES).read_to_end(&mut text)?;
        }
        let now = wall_clock();
        let mut ledger = match serde_json::from_slice(&text) {
            Ok(ledger) => ledger,
            Err(_) if text.is_empty() => Ledger::default(),
            Err(error) => {
                self.warn(&format!("it cannot be read and begins anew: {error}"));
                Ledger::default()
            }
        };
        ledger.not_after(now);
        let done = work(&mut ledger, now);
        let text = serde_json::to_vec(&ledger)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&text)?;
        file.set_len(text.len() as u64)?;
        Ok(done)
    }

    fn left_alone(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.left_alone_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_left_alone(&self) -> bool {
        self.left_alone()
            .is_some_and(|until| Instant::now() < until)
    }

    fn warn(&self, why: &str) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            let path = self.path.as_deref().unwrap_or(Path::new("(none)"));
            tracing::warn!(
                path = %path.display(),
                why,
                "the rate limits of this machine cannot be shared through a file; this process keeps to its own"
            );
        }
    }

    /// Runs `work` on the ledger if the file can be locked within a few milliseconds. For updates that are not worth a
    /// longer wait, and for code that cannot await.
    fn soon(&self, work: impl FnOnce(&mut Ledger, u64)) {
        if self.is_left_alone() {
            return;
        }
        let Ok(file) = self.open() else { return };
        for _ in 0..SOON_TRIES {
            if file.try_lock().is_ok() {
                let _ = self.update(file, work);
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Returns the milliseconds since 1970. It is the only clock that all processes share.
fn wall_clock() -> u64 {
    millis(
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

/// A request that is waiting for its permit. Dropping it gives up its turn.
struct Asking<'a> {
    inner: &'a Inner,
    key: &'a LimitKey,
    turn: Option<u64>,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.turn {
            let inner = self.inner;
            inner.soon(|ledger, _| ledger.give_up(&inner.rules, self.key, number));
        }
    }
}

impl RateLimiter for FileWindows {
    fn acquire<'a>(&'a self, key: &'a LimitKey, within: Duration) -> PermitFuture<'a> {
        Box::pin(async move {
            let started = Instant::now();
            let inner = &*self.0;
            let mut asking = Asking {
                inner,
                key,
                turn: None,
            };
            loop {
                let turn = asking.turn;
                let told = inner
                    .with_ledger(|ledger, now| (ledger.ask(&inner.rules, key, turn, now), now))
                    .await;
                let left = within.saturating_sub(started.elapsed());
                let wait = match told {
                    Ok((Reply::Leave { number, .. }, _)) => {
                        asking.turn = None;
                        inner.own.count(key);
                        let (inner, key) = (Arc::clone(&self.0), key.clone());
                        return Ok(Permit::new(move |sent| {
                            if !sent {
                                inner.soon(|ledger, now| {
                                    ledger.returned(&inner.rules, &key, number, false, now);
                                });
                            }
                        }));
                    }
                    Ok((Reply::Wait { number, due }, now)) => {
                        asking.turn = Some(number);
                        Duration::from_millis(due.saturating_sub(now))
                    }
                    Err(_) => {
                        asking.turn = None;
                        return inner.own.acquire(key, left).await;
                    }
                };
                if wait > left {
                    return Err(LimitError::NoRoom {
                        retry_after: Some(wait),
                    });
                }
                tokio::time::sleep(wait).await;
            }
        })
    }

    fn observe(&self, key: &LimitKey, answer: &Observation<'_>) {
        let inner = &*self.0;
        inner.own.observe(key, answer);
        inner.soon(|ledger, now| ledger.observe(&inner.rules, key, answer, now));
    }

    fn state(&self, key: &LimitKey) -> Vec<WindowState> {
        let inner = &*self.0;
        let mut states = None;
        inner.soon(|ledger, now| states = Some(ledger.state(&inner.rules, key, now)));
        states.unwrap_or_else(|| inner.own.state(key))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant as Clock;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn key() -> LimitKey {
        LimitKey::new(1)
    }

    /// A temporary folder, removed when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let name = format!("wpengine-file-{:x}", fastrand::u64(..));
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir(&folder).unwrap();
            Self(folder)
        }

        fn windows(&self, limit: usize) -> FileWindows {
            FileWindows::new(self.0.join("limits.json")).windows([Window::new(limit, HOUR)], [])
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    async fn may_leave(windows: &FileWindows) -> bool {
        windows.acquire(&key(), Duration::ZERO).await.is_ok()
    }

    #[tokio::test]
    async fn a_file_counts_for_all_who_open_it() {
        let folder = Folder::new();
        let (one, two) = (folder.windows(2), folder.windows(2));
        assert!(may_leave(&one).await && may_leave(&two).await);
        assert!(!may_leave(&one).await && !may_leave(&two).await);
        assert_eq!(one.state(&key())[0].left, 0);
        // A limiter that starts later finds the requests in the file.
        assert!(!may_leave(&folder.windows(2)).await);
    }

    #[tokio::test]
    async fn what_was_not_sent_leaves_its_place() {
        let folder = Folder::new();
        let windows = folder.windows(1);
        let permit = windows.acquire(&key(), Duration::ZERO).await.unwrap();
        permit.not_sent();
        assert!(may_leave(&windows).await);
    }

    #[tokio::test]
    async fn background_work_leaves_a_share() {
        let folder = Folder::new();
        let windows = folder.windows(5);
        let background = key().leave_free(20);
        for _ in 0..4 {
            drop(windows.acquire(&background, Duration::ZERO).await.unwrap());
        }
        let refused = windows.acquire(&background, Duration::ZERO).await;
        assert!(matches!(refused, Err(LimitError::NoRoom { .. })));
        assert!(may_leave(&windows).await);
    }

    #[tokio::test]
    async fn a_damaged_file_begins_anew() {
        let folder = Folder::new();
        let windows = folder.windows(1);
        for damage in ["{\"lines\":", "nonsense", "\0\0"] {
            std::fs::write(windows.path().unwrap(), damage).unwrap();
            assert!(may_leave(&windows).await);
            assert!(!may_leave(&windows).await);
        }
    }

    #[tokio::test]
    async fn without_a_file_the_process_keeps_to_its_own_windows() {
        let folder = Folder::new();
        std::fs::write(folder.0.join("a-file"), "").unwrap();
        let below = folder.0.join("a-file").join("limits.json");
        let mut nowhere = FileWindows::new("");
        Arc::get_mut(&mut nowhere.0).unwrap().path = None;
        for windows in [FileWindows::new(below), nowhere] {
            let windows = windows.windows([Window::new(1, HOUR)], []);
            let started = Clock::now();
            assert!(may_leave(&windows).await);
            assert!(!may_leave(&windows).await);
            assert!(started.elapsed() < LOCK_WAIT);
        }
    }

    #[tokio::test]
    async fn a_lock_that_is_never_released_is_waited_for_once() {
        let folder = Folder::new();
        let windows = folder.windows(2);
        assert!(may_leave(&windows).await);
        let holder = File::open(windows.path().unwrap()).unwrap();
        holder.lock().unwrap();
        let started = Clock::now();
        // The process's own windows have counted the first request.
        assert!(may_leave(&windows).await);
        assert!(started.elapsed() >= LOCK_WAIT);
        assert!(!may_leave(&windows).await);
        assert!(started.elapsed() < 2 * LOCK_WAIT, "{:?}", started.elapsed());
    }
}
