//! A gateway of real parts: sshd, rsync, git and PHP of this machine, behind a proxy that can be slow, cut or refuse.
//!
//! It may know nothing of the simulated API: it is a gateway to folders.

mod git;
mod page;
mod proxy;

use std::{
    fmt,
    fs::{self, File},
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use proxy::Proxy;

/// The user that sshd runs as if this process is root: nothing is writable to root only, so root cannot stand for a customer.
const USER: &str = "wpengine-rig";

/// Programs of the system, and the Debian packages that have them.
const PROGRAMS: [(&str, &str); 6] = [
    ("sshd", "openssh-server"),
    ("ssh-keygen", "openssh-client"),
    ("bash", "bash"),
    ("rsync", "rsync"),
    ("git", "git"),
    ("php", "php-cli"),
];

/// Configures a [`Gateway`].
///
/// Start with [`Gateway::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct GatewayBuilder {
    installs: Vec<String>,
    connections: usize,
    latency: Duration,
    cold_start: Duration,
    idle: Option<Duration>,
}

impl GatewayBuilder {
    /// Adds installs, each with a small WordPress site.
    pub fn installs<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.installs.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets how many connections are open at most; 5 by default, as users report. One more is closed before it can say anything.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// Delays everything that is sent in either direction by half of this time, so that an answer takes the whole of it longer.
    pub fn latency(mut self, round_trip: Duration) -> Self {
        self.latency = round_trip / 2;
        self
    }

    /// Delays the first command of each connection. The service takes 13 to 30 seconds if an install was not used for a while.
    pub fn cold_start(mut self, time: Duration) -> Self {
        self.cold_start = time;
        self
    }

    /// Closes connections on which nothing was sent for this time. The service does it after 10 minutes.
    pub fn idle(mut self, time: Duration) -> Self {
        self.idle = Some(time);
        self
    }

    /// Starts the gateway.
    ///
    /// # Errors
    ///
    /// If a program of the system is [missing](Gateway::missing), if files cannot be written, or if sshd does not start.
    pub async fn start(self) -> io::Result<Gateway> {
        if let Some(why) = Gateway::missing() {
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        let folder = Folder::create()?;
        let path = folder.0.as_path();
        for name in ["bin", "connections", "wp", "git", "homes", "containers"] {
            fs::create_dir(path.join(name))?;
        }
        keygen(&path.join("host_key"))?;
        keygen(&path.join("user_key"))?;
        fs::copy(path.join("user_key.pub"), path.join("authorized_keys"))?;
        program(&path.join("bin/gate"), include_str!("gate.sh"))?;
        program(&path.join("bin/wp"), include_str!("wp.sh"))?;
        fs::write(
            path.join("cold_start"),
            self.cold_start.as_secs_f64().to_string(),
        )?;
        for install in &self.installs {
            site(&path.join("homes").join(install).join("sites").join(install))?;
            git::repository(path, install)?;
        }
        let owner = owner()?;
        owned(path, owner)?;
        let (sshd, port) = sshd(path, owner).await?;
        let mut gateway = Gateway {
            proxy: Arc::new(Proxy::new(
                port,
                path.join("connections"),
                self.connections,
                self.latency,
                self.idle,
            )),
            folder,
            sshd,
            user: user_name()?,
            pages: 0,
        };
        gateway.listen(&self.installs).await?;
        Ok(gateway)
    }
}

/// An SSH gateway on this machine, with sites that are folders: to try deployments, logs and WP-CLI without an account.
///
/// It is sshd behind a proxy. A session gets what one gets from the service: a shell that takes away one level of quotes, no file
/// transfer by SFTP, a folder for temporary files that no other session has, and at most five connections at once. `wp` writes down
/// how it was called. Also `git push` works, with the stages that the service prints. It stops when it is dropped.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use wpengine_sim::Gateway;
///
/// let gateway = Gateway::builder().installs(["torquemag"]).start().await?;
/// println!("ssh -F {} torquemag.ssh.wpengine.net", gateway.config_file().display());
/// # Ok(())
/// # }
/// ```
pub struct Gateway {
    folder: Folder,
    sshd: Child,
    proxy: Arc<Proxy>,
    user: String,
    /// The port of the home pages.
    pages: u16,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("folder", &self.folder.0)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Returns a configuration with the connections of the service and no install.
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder {
            installs: Vec::new(),
            connections: 5,
            latency: Duration::ZERO,
            cold_start: Duration::ZERO,
            idle: None,
        }
    }

    /// Says why no gateway can be started on this machine, and what to do; nothing if one can.
    #[must_use]
    pub fn missing() -> Option<String> {
        let missing: Vec<_> = PROGRAMS
            .iter()
            .filter(|(name, _)| which(name).is_none())
            .collect();
        if !missing.is_empty() {
            let list = |part: fn(&(&'static str, &'static str)) -> &'static str| {
                missing.iter().map(|pair| part(pair)).collect::<Vec<_>>()
            };
            return Some(format!(
                "not installed: {} (Debian: apt-get install {})",
                list(|pair| pair.0).join(", "),
                list(|pair| pair.1).join(" ")
            ));
        }
        match owner() {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    }

    async fn listen(&mut self, installs: &[String]) -> io::Result<()> {
        let path = self.folder.0.clone();
        let key = path.join("user_key");
        let key = key.display();
        let mut config = format!(
            "Host *.ssh.wpengine.net git.wpengine.com\n  User {}\n  HostName 127.0.0.1\n  IdentityFile \"{key}\"\n  IdentitiesOnly yes\n  IdentityAgent none\n",
            self.user
        );
        for install in installs {
            let port = self.proxy.listen(install).await?;
            config.push_str(&format!("Host {install}.ssh.wpengine.net\n  Port {port}\n"));
        }
        self.pages = page::listen(path.join("homes")).await?;
        let port = self.proxy.listen("git").await?;
        config.push_str(&format!("Host git.wpengine.com\n  Port {port}\n"));
        fs::write(path.join("config"), config)
    }

    /// Returns the file that leads ssh here. It maps the host names of the service to this gateway, and has the key.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.folder.0.join("config")
    }

    /// Returns the name that a client must sign in with: sshd lets in only the user that it runs as.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns the private key that the gateway accepts.
    #[must_use]
    pub fn user_key(&self) -> PathBuf {
        self.folder.0.join("user_key")
    }

    /// Returns the fingerprint of the host key, such as `SHA256:T8Io...`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let shown = Command::new("ssh-keygen")
            .arg("-lf")
            .arg(self.folder.0.join("host_key.pub"))
            .output();
        let shown = shown.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let shown = shown.unwrap_or_default();
        shown.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// Returns the folder with the files of an install's site.
    #[must_use]
    pub fn site(&self, install: &str) -> PathBuf {
        let home = self.folder.0.join("homes").join(install);
        home.join("sites").join(install)
    }

    /// Returns the address of an install's home page. It answers with what `index.php` of the site prints, and with 500 if PHP
    /// fails.
    #[must_use]
    pub fn home_page(&self, install: &str) -> String {
        format!("http://127.0.0.1:{}/{install}/", self.pages)
    }

    /// Returns the command lines that `wp` was called with, the oldest first: the words of each.
    #[must_use]
    pub fn wp_calls(&self) -> Vec<Vec<Vec<u8>>> {
        let Ok(files) = fs::read_dir(self.folder.0.join("wp")) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        files.sort();
        let words = |path: &PathBuf| {
            let bytes = fs::read(path).unwrap_or_default();
            let mut words: Vec<Vec<u8>> =
                bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
            words.pop();
            words
        };
        files.iter().map(words).collect()
    }

    /// Returns what sshd wrote down: connections, and keys that were offered.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.0.join("sshd.log")).unwrap_or_default()
    }

    /// Returns how many connections are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.proxy.open()
    }

    /// Returns how many connections were accepted since the start, and how many were open at the same time at most.
    #[must_use]
    pub fn connections(&self) -> (u64, usize) {
        self.proxy.counted()
    }

    /// Returns the bytes that clients sent, and those that they were sent.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        self.proxy.bytes()
    }

    /// Cuts all open connections. What runs behind them is not stopped.
    pub fn cut(&self) {
        self.proxy.cut();
    }

    /// Cuts all connections once clients have sent so many more bytes.
    pub fn cut_after(&self, bytes: u64) {
        self.proxy.cut_after(bytes);
    }

    /// Refuses new connections, or accepts them again.
    pub fn refuse(&self, refuse: bool) {
        self.proxy.refuse(refuse);
    }

    /// Sets a file of shell code that each further script runs first; nothing removes it. With it a test can stop a script at any
    /// of its commands.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn run_before_scripts(&self, code: Option<&str>) -> io::Result<()> {
        let path = self.folder.0.join("before.sh");
        match code {
            Some(code) => fs::write(&path, code)
                .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o644))),
            None => match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    /// Gives the gateway another host key.
    ///
    /// # Errors
    ///
    /// If the key cannot be made or sshd does not start again.
    pub async fn change_host_key(&mut self) -> io::Result<()> {
        let path = self.folder.0.clone();
        for name in ["host_key", "host_key.pub"] {
            fs::remove_file(path.join(name))?;
        }
        keygen(&path.join("host_key"))?;
        let owner = owner()?;
        owned(&path.join("host_key"), owner)?;
        self.cut();
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
        let (sshd, port) = sshd(&path, owner).await?;
        self.sshd = sshd;
        self.proxy.lead_to(port);
        Ok(())
    }

    /// Makes a file in the site of an install belong to the platform: it is there, and cannot be written.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn platform_file(&self, install: &str, path: &str, text: &str) -> io::Result<()> {
        let path = self.site(install).join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444))
    }

    /// Gives all files of an install's site to the user of the gateway, after a test wrote some as another user.
    ///
    /// # Errors
    ///
    /// If they cannot be given.
    pub fn own(&self, install: &str) -> io::Result<()> {
        owned(&self.site(install), owner()?)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.proxy.refuse(true);
        self.proxy.cut();
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn create() -> io::Result<Self> {
        let base = std::env::temp_dir();
        for attempt in 0..100_u32 {
            let name = format!("wpengine-gateway-{}-{attempt}", std::process::id());
            let path = base.join(name);
            match fs::create_dir(&path) {
                Ok(()) => {
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
                    return Ok(Self(path));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("no name is free for a folder"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(more)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

fn run(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!(
        "{}: {why}",
        command.get_program().display()
    )))
}

fn keygen(path: &Path) -> io::Result<()> {
    // RSA is slow to make; the kind of key changes nothing here.
    run(Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path))?;
    Ok(())
}

fn program(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// Who runs sshd, if that is not this process's user.
fn owner() -> io::Result<Option<(u32, u32)>> {
    let id = |args: &[&str]| -> io::Result<u32> {
        run(Command::new("id").args(args))?
            .parse()
            .map_err(io::Error::other)
    };
    if id(&["-u"])? != 0 {
        return Ok(None);
    }
    match (id(&["-u", USER]), id(&["-g", USER])) {
        (Ok(user), Ok(group)) => Ok(Some((user, group))),
        _ => Err(io::Error::other(format!(
            "as root a gateway needs an ordinary user to run as: useradd --system --create-home --shell /bin/bash {USER}"
        ))),
    }
}

fn user_name() -> io::Result<String> {
    match owner()? {
        Some(_) => Ok(USER.to_owned()),
        None => run(Command::new("id").arg("-un")),
    }
}

fn owned(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    let Some((user, group)) = owner else {
        return Ok(());
    };
    run(Command::new("chown")
        .arg("-hR")
        .arg(format!("{user}:{group}"))
        .arg(path))
    .map(drop)
}

/// A small WordPress site.
fn site(path: &Path) -> io::Result<()> {
    let files = [
        (
            "index.php",
            "<?php\nforeach (glob(__DIR__ . '/wp-content/{mu-plugins,plugins/*,themes/*}/*.php', GLOB_BRACE) as $file) { require_once $file; }\necho \"hello\\n\";\n",
        ),
        (
            "wp-config.php",
            "<?php\ndefine('DB_PASSWORD', 'not-yours');\n",
        ),
        ("wp-content/themes/twentytwentysix/functions.php", "<?php\n"),
        (
            "wp-content/mu-plugins/mu-plugin.php",
            "<?php\n// of the platform\n",
        ),
        (
            "wp-content/mu-plugins/wpengine-common/plugin.php",
            "<?php\n// of the platform\n",
        ),
        ("wp-content/object-cache.php", "<?php\n// of the platform\n"),
        ("wp-content/uploads/2026/11/photo.jpg", "a photo\n"),
        (
            "wp-content/debug.log",
            "[26-Nov-2026 06:29:46 UTC] PHP Warning:  Undefined variable $x in /nas/content/live/site/wp-content/plugins/a/a.php on line 3\n",
        ),
        ("_wpeprivate/config.json", "{}\n"),
    ];
    for (name, text) in files {
        let file = path.join(name);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, text)?;
    }
    Ok(())
}

async fn sshd(folder: &Path, owner: Option<(u32, u32)>) -> io::Result<(Child, u16)> {
    let program = which("sshd").ok_or_else(|| io::Error::other("sshd is not installed"))?;
    let path = std::env::var("PATH").unwrap_or_default();
    let at = folder.display();
    // Another process may take the port in the meantime. Then another one is tried.
    for _ in 0..5 {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey \"{at}/host_key\"\nAuthorizedKeysFile \"{at}/authorized_keys\"\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel VERBOSE\nMaxStartups 100\nMaxSessions 10\nUseDNS no\nSetEnv RIG=\"{at}\" PATH=\"{at}/bin:{path}\"\nForceCommand \"{at}/bin/gate\"\n"
        );
        fs::write(folder.join("sshd_config"), config)?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("sshd.log"))?;
        let mut command = Command::new(&program);
        command
            .args(["-D", "-e", "-f"])
            .arg(folder.join("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0);
        if let Some((user, group)) = owner {
            command.uid(user).gid(group);
        }
        let mut child = command.spawn()?;
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            if child.try_wait()?.is_some() {
                break;
            }
            if tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .is_ok()
            {
                return Ok((child, port));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    let mut log = fs::read_to_string(folder.join("sshd.log")).unwrap_or_default();
    log.truncate(2_000);
    Err(io::Error::other(format!("sshd does not start: {log}")))
}
