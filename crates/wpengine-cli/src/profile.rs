//! The configuration file, its profiles, and where credentials come from.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use etcetera::BaseStrategy as _;
use serde::Deserialize;
use toml_edit::DocumentMut;
use wpengine::{Client, ClientBuilder, Credentials};

use crate::failure::{Failure, exit};

/// The folders of the program. None of them where the user has no home.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    pub(crate) config: Option<PathBuf>,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) state: Option<PathBuf>,
}

impl Folders {
    pub(crate) fn of_this_user() -> Self {
        let base = etcetera::choose_base_strategy().ok();
        let folder = |variable: &str, base: Option<PathBuf>| {
            let own = std::env::var_os(variable).filter(|value| !value.is_empty());
            own.map(PathBuf::from)
                .or_else(|| Some(base?.join("wpengine")))
        };
        let state = base
            .as_ref()
            .map(|base| base.state_dir().unwrap_or_else(|| base.data_dir()));
        Self {
            config: folder(
                "WPENGINE_CONFIG_DIR",
                base.as_ref().map(|base| base.config_dir()),
            ),
            cache: folder(
                "WPENGINE_CACHE_DIR",
                base.as_ref().map(|base| base.cache_dir()),
            ),
            state: folder("WPENGINE_STATE_DIR", state),
        }
    }

    pub(crate) fn config(&self) -> Result<&Path, Failure> {
        self.config.as_deref().ok_or_else(|| {
            Failure::usage("this user has no home folder: set HOME, or WPENGINE_CONFIG_DIR to a folder of your own")
        })
    }

    pub(crate) fn config_file(&self) -> Result<PathBuf, Failure> {
        Ok(self.config()?.join("config.toml"))
    }

    pub(crate) fn secrets_file(&self) -> Result<PathBuf, Failure> {
        Ok(self.config()?.join("credentials.toml"))
    }
}

/// What the configuration file holds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) default_profile: Option<String>,
    pub(crate) profiles: BTreeMap<String, Profile>,
}

/// One profile: whose credentials, and what is taken for granted with them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Profile {
    pub(crate) user_id: Option<String>,
    pub(crate) credentials: Option<Stored>,
    pub(crate) base_url: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) notify: Vec<String>,
    pub(crate) output: Option<String>,
    pub(crate) read_only: bool,
    pub(crate) protect: Vec<String>,
    pub(crate) redis: Option<String>,
    pub(crate) rate_limits: Option<String>,
}

/// The keys of a profile, with what each is for. `config set` takes these.
pub(crate) const KEYS: [(&str, &str); 10] = [
    ("user_id", "API user id"),
    (
        "credentials",
        "where the password is: `keyring`, `file`, or a command that prints it, such as [\"op\", \"read\", \"op://ops/wpengine/password\"]",
    ),
    ("base_url", "base URL, for a simulator"),
    ("account", "account that commands use without --account"),
    (
        "notify",
        "e-mail addresses that are told about backups, copies and restores, as a list",
    ),
    ("output", "output format instead of `table`"),
    (
        "read_only",
        "whether every change is refused: true or false",
    ),
    (
        "protect",
        "environments in which nothing dangerous is done, such as [\"production\"]",
    ),
    (
        "redis",
        "URL of a Redis in which the rate limits are shared with other machines",
    ),
    (
        "rate_limits",
        "`off`, or the limits of another service, such as `100/1s`",
    ),
];

/// Where a password is stored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Stored {
    Place(String),
    Command(Vec<String>),
}

impl Config {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        match fs::read_to_string(path) {
            Ok(text) => toml_edit::de::from_str(&text).map_err(|error| {
                // The line itself may hold a secret.
                let start = error.span().map_or(0, |span| span.start);
                let line = text
                    .get(..start)
                    .map_or(0, |before| before.matches('\n').count())
                    + 1;
                let message = error.message().lines().next().unwrap_or_default();
                Failure::usage(format!(
                    "{} cannot be read: line {line}: {message}",
                    path.display()
                ))
                .next("wpengine help environment     (lists the settings)")
            }),
            // Without a home there is no file either.
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(Self::default())
            }
            Err(error) => Err(Failure::file(path, &error)),
        }
    }
}

/// Reads a file to change it, with its comments.
pub(crate) fn document(path: &Path) -> Result<DocumentMut, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => text
            .parse()
            .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(DocumentMut::new()),
        Err(error) => Err(Failure::file(path, &error)),
    }
}

/// Replaces a file as a whole; only its owner can read it.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file(path, &error);
    // A link stays a link: what it leads to is replaced.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = real.as_path();
    let folder = path.parent().unwrap_or(Path::new("."));
    create_private(folder).map_err(failed)?;
    // A temporary file belongs to its owner alone.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

pub(crate) fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Where the credentials come from, in order of precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The environment, by this pair of variables.
    Environment(&'static str),
    /// A profile of this name.
    Profile(String),
    /// Nowhere.
    None,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Environment(variable) => write!(f, "the environment ({variable})"),
            Self::Profile(name) => write!(f, "the profile {name}"),
            Self::None => f.write_str("nowhere"),
        }
    }
}

/// The first of the variables of a user id that is set.
fn variable() -> Option<&'static str> {
    [
        "WPE_API_USER_ID",
        "WPE_USERNAME",
        "WP_ENGINE_API_USERNAME",
        "WPENGINE_USER_ID",
    ]
    .into_iter()
    .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

impl Config {
    /// Whose credentials are used: `--profile`, then the environment, then `WPENGINE_PROFILE`, then the default profile.
    pub(crate) fn origin(&self, wanted: Option<&str>) -> Result<Origin, Failure> {
        let named = |name: &str| match self.profiles.contains_key(name) {
            true => Ok(Origin::Profile(name.to_owned())),
            false => {
                let known: Vec<String> = self.profiles.keys().cloned().collect();
                Err(Failure::usage(format!("there is no profile `{name}`"))
                    .candidates(known)
                    .next(format!("wpengine auth login --profile {name}")))
            }
        };
        if let Some(name) = wanted {
            return named(name);
        }
        let by_variable = std::env::var("WPENGINE_PROFILE")
            .ok()
            .filter(|name| !name.is_empty());
        match (variable(), by_variable) {
            (Some(variable), Some(name)) => Err(Failure::usage(format!(
                "both WPENGINE_PROFILE ({name}) and {variable} are set, and they may mean different users; unset one of them, or give --profile {name}"
            ))),
            (Some(variable), None) => Ok(Origin::Environment(variable)),
            (None, Some(name)) => named(&name),
            (None, None) => self
                .default_profile
                .as_deref()
                .map_or(Ok(Origin::None), named),
        }
    }

    pub(crate) fn profile(&self, origin: &Origin) -> Profile {
        match origin {
            Origin::Profile(name) => self.profiles.get(name).cloned().unwrap_or_default(),
            _ => Profile::default(),
        }
    }
}

/// A builder with the credentials and the base URL. A password goes to the address of its own profile only.
pub(crate) fn builder(
    folders: &Folders,
    origin: &Origin,
    profile: &Profile,
) -> Result<ClientBuilder, Failure> {
    match origin {
        Origin::Environment(_) => {
            // Half a pair is none.
            Credentials::from_env().map_err(|error| Failure::new(exit::CREDENTIALS, "credentials", error.to_string()))?;
            Ok(Client::builder_from_env()?)
        }
        Origin::None => Err(Failure::new(
            exit::CREDENTIALS,
            "credentials",
            "there are no credentials; generate an API user id and a password in the user portal under API Access",
        )
        .next("wpengine auth login")
        .next("export WPE_API_USER_ID=... WPE_API_PASSWORD=...")
        .next("wpengine sim run -- wpengine install list     (tries it without an account)")),
        Origin::Profile(name) => {
            let (user, password) = pair(folders, name, profile)?;
            let mut builder = Client::builder().credentials(Credentials::basic(user, password));
            if let Some(url) = &profile.base_url {
                builder = builder.base_url(url);
            }
            Ok(builder)
        }
    }
}

/// A builder for the operations that need no credentials, which are sent without.
pub(crate) fn anonymous(base_url: Option<&str>) -> ClientBuilder {
    let builder = Client::builder().credentials(Credentials::basic("nobody", "unused"));
    match base_url {
        Some(url) => builder.base_url(url),
        None => builder,
    }
}

/// The user id and the password of a profile.
pub(crate) fn pair(
    folders: &Folders,
    name: &str,
    profile: &Profile,
) -> Result<(String, String), Failure> {
    let user = profile.user_id.clone().ok_or_else(|| {
        Failure::new(
            exit::CREDENTIALS,
            "credentials",
            format!("the profile {name} has no user_id"),
        )
        .next(format!("wpengine auth login --profile {name}"))
    })?;
    let password = password(folders, name, &user, profile)?;
    Ok((user, password))
}

/// The base URL of the service.
pub(crate) const SERVICE: &str = "https://api.wpengineapi.com/v1";

/// The base URL, if it is not that of the service. The variable belongs to the credentials of the environment.
pub(crate) fn base_url(origin: &Origin, profile: &Profile) -> Option<String> {
    match origin {
        Origin::Environment(_) => std::env::var("WPE_API_BASE_URL")
            .ok()
            .filter(|url| !url.is_empty()),
        _ => profile.base_url.clone(),
    }
}

/// A client that only tells whose files are meant: it sends nothing and needs no password.
pub(crate) fn identity(origin: &Origin, profile: &Profile) -> Option<Client> {
    let user = match origin {
        Origin::Environment(variable) => std::env::var(variable).ok()?,
        Origin::Profile(_) => profile.user_id.clone()?,
        Origin::None => return None,
    };
    let mut builder = Client::builder().credentials(Credentials::basic(user, "unused"));
    if let Some(url) = base_url(origin, profile) {
        builder = builder.base_url(url);
    }
    builder.build().ok()
}

fn password(
    folders: &Folders,
    name: &str,
    user: &str,
    profile: &Profile,
) -> Result<String, Failure> {
    let missing = |why: String| {
        Failure::new(exit::CREDENTIALS, "credentials", why)
            .next(format!("wpengine auth login --profile {name}"))
    };
    match &profile.credentials {
        Some(Stored::Command(command)) => by_command(name, command),
        Some(Stored::Place(place)) if place == "file" => {
            let path = folders.secrets_file()?;
            let document = private_document(&path)?;
            let stored = document
                .get(name)
                .and_then(|entry| entry.get("password")?.as_str());
            stored.map(str::to_owned).ok_or_else(|| {
                missing(format!(
                    "{} has no password for the profile {name}",
                    path.display()
                ))
            })
        }
        Some(Stored::Place(place)) if place == "keyring" => {
            match keyring::read(&account_of(name, user)) {
                Ok(Some(password)) => Ok(password),
                Ok(None) => Err(missing(format!(
                    "the keyring has no password for the profile {name}"
                ))),
                Err(why) => Err(missing(format!(
                    "the keyring cannot be used: {why}; store the password in a file (--store file) or name a command"
                ))),
            }
        }
        Some(Stored::Place(place)) => Err(Failure::usage(format!(
            "the profile {name} has credentials = \"{place}\"; it is `keyring`, `file`, or a list with a command"
        ))),
        None => Err(missing(format!(
            "the profile {name} does not say where its password is"
        ))),
    }
}

pub(crate) fn account_of(profile: &str, user: &str) -> String {
    format!("{profile}/{user}")
}

/// Reads the file of passwords, which nobody else may read.
pub(crate) fn private_document(path: &Path) -> Result<DocumentMut, Failure> {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Failure::new(
                exit::CREDENTIALS,
                "credentials",
                format!(
                    "{} can be read by other users (mode {mode:o})",
                    path.display()
                ),
            )
            .next(format!("chmod 600 {}", path.display())));
        }
    }
    document(path)
}

/// The first line that a command prints.
fn by_command(name: &str, command: &[String]) -> Result<String, Failure> {
    let failed = |why: String| {
        let program = command.first().map_or("", String::as_str);
        Failure::new(
            exit::CREDENTIALS,
            "credentials",
            format!("the command `{program}` of the profile {name} gave no password: {why}"),
        )
    };
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| failed("it is empty".to_owned()))?;
    let output = std::process::Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::inherit())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("it ended with {}", output.status)));
    }
    let text =
        String::from_utf8(output.stdout).map_err(|_| failed("it printed no text".to_owned()))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(failed("it printed nothing".to_owned()));
    }
    Ok(line.to_owned())
}

/// The keyring of the desktop, asked for at most three seconds: a keyring that is locked, or whose service is not there, may
/// never answer.
pub(crate) mod keyring {
    use super::Duration;

    const LIMIT: Duration = Duration::from_secs(3);

    #[cfg(feature = "keyring")]
    fn entry(account: &str) -> Result<keyring::v1::Entry, String> {
        keyring::v1::Entry::new("wpengine", account).map_err(|error| error.to_string())
    }

    #[cfg(feature = "keyring")]
    pub(crate) fn read(account: &str) -> Result<Option<String>, String> {
        let account = account.to_owned();
        within(move || match entry(&account)?.get_password() {
            Ok(password) => Ok(Some(password)),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(error.to_string()),
        })
    }

    #[cfg(feature = "keyring")]
    pub(crate) fn write(account: &str, password: &str) -> Result<(), String> {
        let (account, password) = (account.to_owned(), password.to_owned());
        within(move || {
            entry(&account)?
                .set_password(&password)
                .map_err(|error| error.to_string())
        })
    }

    #[cfg(feature = "keyring")]
    pub(crate) fn delete(account: &str) -> Result<(), String> {
        let account = account.to_owned();
        within(move || match entry(&account)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(error.to_string()),
        })
    }

    #[cfg(feature = "keyring")]
    fn within<T: Send + 'static>(
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let (sender, receiver) = std::sync::mpsc::channel();
        // A thread that never ends: the program does not wait for it.
        std::thread::spawn(move || sender.send(work()));
        receiver
            .recv_timeout(LIMIT)
            .unwrap_or_else(|_| Err(format!("it did not answer within {} s", LIMIT.as_secs())))
    }

    #[cfg(not(feature = "keyring"))]
    const NONE: &str = "this program was built without the feature `keyring`";

    #[cfg(not(feature = "keyring"))]
    pub(crate) fn read(_: &str) -> Result<Option<String>, String> {
        let _ = LIMIT;
        Err(NONE.to_owned())
    }

    #[cfg(not(feature = "keyring"))]
    pub(crate) fn write(_: &str, _: &str) -> Result<(), String> {
        Err(NONE.to_owned())
    }

    #[cfg(not(feature = "keyring"))]
    pub(crate) fn delete(_: &str) -> Result<(), String> {
        Err(NONE.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_does_not_exist_is_refused_and_every_key_is_known() {
        let refused: Result<Config, _> = toml_edit::de::from_str("[profiles.a]\nacount = \"x\"\n");
        assert!(refused.unwrap_err().to_string().contains("acount"));
        for (key, _) in KEYS {
            let value = match key {
                "notify" | "protect" => "[\"a\"]",
                "read_only" => "true",
                _ => "\"a\"",
            };
            let text = format!("[profiles.a]\n{key} = {value}\n");
            toml_edit::de::from_str::<Config>(&text).unwrap();
        }
    }

    #[test]
    fn a_password_by_command_is_its_first_line() {
        let command = |words: &[&str]| -> Vec<String> {
            words.iter().map(|word| (*word).to_owned()).collect()
        };
        assert_eq!(
            by_command("a", &command(&["printf", "one\\ntwo\\n"])).unwrap(),
            "one"
        );
        let failed = by_command("a", &command(&["false"])).unwrap_err();
        assert_eq!(failed.exit, exit::CREDENTIALS);
        assert!(
            by_command("a", &command(&["true"]))
                .unwrap_err()
                .message
                .contains("printed nothing")
        );
    }
}
