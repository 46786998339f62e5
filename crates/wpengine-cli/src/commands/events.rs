//! Events: the poller and the deliveries as a service, and what they have seen.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use clap::ArgAction;
use serde::Deserialize;
use serde_json::{Value, json};
use wpengine::jiff::Timestamp;
use wpengine_events::{
    Endpoint, Error, Events, Filter, Poller, Query, Secret, Sender, Service, Stored, TYPES,
    Trouble, Watch,
};

use super::run;
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::{Failure, exit},
    flags::{self, Args},
    limits::is_this_machine,
    output::{Answer, Format, Reply, has_gone, print},
    profile, tables,
    target::Target,
};

pub(super) fn leaves() -> Vec<Leaf> {
    let file = || {
        flags::value("file", "FILE", "File of the events; by default one for each user of the API, in the folder of the state")
            .value_hint(clap::ValueHint::FilePath)
    };
    let config = || {
        flags::value("config", "FILE", "Settings with the endpoints; $WPENGINE_EVENTS_CONFIG, or events.toml in the folder of the configuration, by default")
            .value_hint(clap::ValueHint::FilePath)
    };
    let filter = || {
        [
            flags::value(
                "type",
                "TYPE",
                "Only this type, such as install.created or install.*; may be repeated",
            )
            .action(ArgAction::Append),
            flags::value(
                "account",
                "ID",
                "Only of this account, by its id; may be repeated",
            )
            .action(ArgAction::Append),
            flags::value(
                "install",
                "INSTALL",
                "Only of this install, by its name or id; may be repeated",
            )
            .action(ArgAction::Append),
        ]
    };
    let since = |help| flags::value("since", "TIME", help).value_parser(flags::past);
    vec![
        leaf("events run", "Watch the fleet and deliver what changes, until it is stopped", &[], run!(|c, a| serve(c, a).await))
            .args([
                config(),
                file(),
                flags::value("page", "ADDRESS", "Serve a page, /health and /metrics here, such as 127.0.0.1:9184"),
                flags::switch("initial", "Make events of everything that is there at the first look"),
                flags::switch("jsonl", "Print each event as a line of JSON as well"),
            ])
            .calls(&["list_accounts", "list_sites", "list_installs"])
            .details("It looks at everything as often as the rate limits allow, people first, and delivers each change once it is seen to the endpoints of the settings, signed as Standard Webhooks. One process can run it for one file. Ctrl-C or SIGTERM ends it after what is under way; SIGHUP reads the settings again. What begins to fail is said once, and so is what works again.\n\nThe settings are TOML:\n\n    page = \"127.0.0.1:9184\"\n\n    [[endpoint]]\n    name = \"ops\"\n    url = \"https://hooks.example.com/wpengine\"\n    secrets = [\"file:/etc/wpengine/ops.secret\"]\n    types = [\"backup.*\", \"certificate.*\"]\n\nThe first look makes no events. A change that comes and goes between two looks is not seen.")
            .examples(&["wpengine events run --page 127.0.0.1:9184", "wpengine events run --config /etc/wpengine/events.toml"]),
        leaf("events check", "Check the settings, without running anything", &[], run!(|c, a| {
            let (settings, path) = Settings::read(c, a)?;
            let names: Vec<&str> = settings.endpoints.iter().map(Endpoint::name).collect();
            Ok(Answer::One(json!({ "settings": path, "endpoints": names, "accounts": settings.accounts, "page": settings.page })).into())
        }))
        .arg(config())
        .local()
        .examples(&["wpengine events check --config /etc/wpengine/events.toml"]),
        leaf("events listen", "Print events as they come, and deliver them to a receiver that you try out", &[], run!(|c, a| listen(c, a).await))
            .args([
                flags::value("forward-to", "URL", "Deliver each event to this address, once; addresses of this machine are allowed").value_hint(clap::ValueHint::Url),
                flags::switch("print-secret", "Print the secret of the deliveries, and end if there is no --forward-to"),
            ])
            .args(filter())
            .arg(file())
            .calls(&["list_accounts", "list_sites", "list_installs"])
            .details("If no process runs the events, this one watches while it listens, and makes room for `wpengine events run`. The secret stays the same for one file, so a receiver can be started again and again.")
            .examples(&["wpengine events listen", "wpengine events listen --forward-to http://localhost:3000/hook --type 'install.*'"]),
        leaf("events list", "List events that were seen", &[], run!(|c, a| {
            let events = open(c, a)?;
            let mut query = query(c, a, a.instant("since"));
            query.last = a.number("last").and_then(|last| usize::try_from(last).ok());
            if query.last.is_none() {
                query.since = query.since.or_else(|| Some(day_ago()));
            }
            let found = events.list(query).await.map_err(failed)?;
            Ok(Answer::items(found.iter().map(|stored| row(c, stored)).collect()).into())
        }))
        .args(filter())
        .args([
            since("From when, such as 7d; the last day by default"),
            flags::value("last", "N", "Only the newest N, whenever they were").value_parser(clap::value_parser!(u64)),
            file(),
        ])
        .table(&tables::EVENTS)
        .local()
        .examples(&["wpengine events list --since 7d --type 'backup.*'", "wpengine events list --install torquemag", "wpengine events list --last 10"]),
        leaf("events show", "Show an event with its deliveries", &[], run!(|c, a| {
            let (events, id) = (open(c, a)?, a.need("id"));
            let Some((found, deliveries)) = events.get(&id).await.map_err(failed)? else {
                return Err(no_event(&id));
            };
            let mut value = found.event.to_json();
            value["deliveries"] = json!(deliveries);
            Ok(Answer::One(value).into())
        }))
        .args([flags::one("id", "EVENT", "Event, by its id"), file()])
        .local()
        .examples(&["wpengine events show evt_0123456789abcdef0123456789abcdef"]),
        leaf("events replay", "Print stored events again, a line of JSON each", &[], run!(|c, a| {
            let mut found = open(c, a)?.list(query(c, a, a.instant("since"))).await.map_err(failed)?;
            found.retain(|stored| !stored.event.is_test());
            if c.format != Format::Table {
                return Ok(Answer::items(found.iter().map(|stored| stored.event.to_json()).collect()).into());
            }
            lines(found.iter().take(c.globals.limit.unwrap_or(usize::MAX)))?;
            Ok(Answer::Nothing.into())
        }))
        .args(filter())
        .args([since("From when, such as 7d; all by default"), file()])
        .table(&tables::EVENTS)
        .local()
        .details("Nothing is delivered; `events resend` does that. Events of `events trigger` are left out.")
        .examples(&["wpengine events replay --since 30d | ./import.sh"]),
        leaf("events resend", "Deliver events again", &[], run!(|c, a| {
            let (events, endpoint) = (open(c, a)?, a.text("endpoint"));
            let count = match (a.text("id"), a.instant("since")) {
                (Some(id), None) => {
                    let count = events.resend_one(&id, endpoint.as_deref()).await.map_err(failed)?;
                    count.ok_or_else(|| no_event(&id))?
                }
                (None, Some(since)) => {
                    let query = query(c, a, Some(since));
                    events.resend(query, endpoint.as_deref()).await.map_err(failed)?
                }
                _ => return Err(Failure::usage("give either the id of an event or --since")),
            };
            if count > 0 && !events.is_run_elsewhere() {
                c.terminal.say("they are delivered when `wpengine events run` runs");
            }
            Ok(Answer::One(json!({ "deliveries": count })).into())
        }))
        .arg(clap::Arg::new("id").value_name("EVENT").help("Event, by its id"))
        .args(filter())
        .args([
            since("All since a time, such as 2h"),
            flags::value("endpoint", "NAME", "To this endpoint alone; to all that want them by default"),
            file(),
        ])
        .local()
        .details("The id of an event stays the same, so a receiver that has it already can leave it.")
        .examples(&["wpengine events resend evt_0123456789abcdef0123456789abcdef", "wpengine events resend --since 6h --endpoint ops"]),
        leaf("events trigger", "Make an event of a type, to try a receiver", &[], run!(|c, a| {
            let (events, kind) = (open(c, a)?, a.need("type"));
            if TYPES.iter().all(|(known, _)| *known != kind) {
                let noun = kind.split('.').next().unwrap_or_default();
                let near = TYPES.iter().filter(|(known, _)| known.starts_with(noun)).map(|(known, _)| (*known).to_owned());
                return Err(Failure::usage(format!("no event has the type `{kind}`")).candidates(near).next("wpengine events types"));
            }
            let id = events.trigger(&kind).await.map_err(failed)?;
            let found = events.get(&id).await.map_err(failed)?;
            let deliveries = found.map_or(0, |(_, deliveries)| deliveries.len());
            if deliveries == 0 {
                c.terminal.say("no endpoint wants this type; `wpengine events listen` shows it");
            } else if !events.is_run_elsewhere() {
                c.terminal.say("it is delivered when `wpengine events run` runs");
            }
            Ok(Answer::One(json!({ "id": id, "type": kind, "test": true, "deliveries": deliveries })).into())
        }))
        .arg(flags::one("type", "TYPE", "Type, such as install.created"))
        .arg(file())
        .local()
        .details("It is the example of its type in the OpenAPI document, with `test` in its data. Every endpoint that wants the type gets it, whatever its accounts and installs.")
        .examples(&["wpengine events trigger backup.completed"]),
        leaf("events endpoints", "List the endpoints, and how their deliveries stand", &[], run!(|c, a| {
            let endpoints = open(c, a)?.endpoints().await.map_err(failed)?;
            Ok(Answer::items(endpoints.iter().map(|endpoint| json!(endpoint)).collect()).into())
        }))
        .arg(file())
        .table(&tables::ENDPOINTS)
        .local()
        .examples(&["wpengine events endpoints"]),
        leaf("events enable", "Deliver to a disabled endpoint again, first what has waited", &[], run!(|c, a| {
            let name = a.need("name");
            match open(c, a)?.enable(&name).await.map_err(failed)? {
                true => Ok(Answer::One(json!({ "endpoint": name, "enabled": true })).into()),
                false => Err(Failure::not_found(format!("there is no endpoint `{name}`")).next("wpengine events endpoints")),
            }
        }))
        .args([flags::one("name", "NAME", "Endpoint"), file()])
        .local()
        .examples(&["wpengine events enable ops"]),
        leaf("events types", "List the types of events", &[], run!(|_c, _a| {
            let types = TYPES.iter().map(|(kind, meaning)| json!({ "type": kind, "meaning": meaning }));
            Ok(Answer::items(types.collect()).into())
        }))
        .table(&tables::EVENT_TYPES)
        .local()
        .examples(&["wpengine events types"]),
        leaf("events secret", "Make a secret for an endpoint", &[], run!(|c, _a| {
            let secret = Secret::generate().map_err(failed)?;
            Ok(match c.format.is_json() {
                true => Answer::One(json!({ "secret": secret.expose() })),
                false => Answer::Text(format!("{}\n", secret.expose())),
            }
            .into())
        }))
        .local()
        .details("Put it where the settings can read it, as env:NAME or file:PATH, and give it to the receiver. It is not kept anywhere else.")
        .examples(&["wpengine events secret > ops.secret"]),
    ]
}

fn failed(error: Error) -> Failure {
    match error {
        Error::File { path, source } => Failure::file(&path, &source),
        Error::Taken(_) => Failure::new(exit::FAILED, "running", error.to_string()),
        other => Failure::usage(other.to_string()),
    }
}

fn no_event(id: &str) -> Failure {
    Failure::not_found(format!(
        "there is no event {id}; events are kept for a while only"
    ))
    .next("wpengine events list --since 30d")
}

fn day_ago() -> Timestamp {
    let day = wpengine::jiff::SignedDuration::from_hours(24);
    Timestamp::now().checked_sub(day).unwrap_or(Timestamp::MIN)
}

fn filter(a: Args<'_>) -> Filter {
    Filter::default()
        .types(a.all("type"))
        .accounts(a.all("account"))
        .installs(a.all("install"))
}

fn query(c: &Ctx, a: Args<'_>, since: Option<Timestamp>) -> Query {
    let mut query = Query::default();
    query.since = since;
    query.filter = filter(a);
    // Programs may add types of their own.
    if let Err(error) = query.filter.check() {
        c.terminal.warn(&error.to_string());
    }
    query
}

/// An event as JSON; in a table a test says that it is one.
fn row(c: &Ctx, stored: &Stored) -> Value {
    let mut row = stored.event.to_json();
    if stored.event.is_test() && matches!(c.format, Format::Table | Format::Wide) {
        row["type"] = format!("{} (test)", stored.event.kind).into();
    }
    row
}

/// Where the events of this user of the API are.
fn path(c: &Ctx, a: Option<Args<'_>>) -> Option<PathBuf> {
    if let Some(file) = a.and_then(|a| a.text("file")) {
        return Some(file.into());
    }
    let client = profile::identity(&c.origin, &c.profile)?;
    let folder = c
        .folders
        .state
        .as_ref()?
        .join(wpengine_fleet::folder_name(&client));
    Some(folder.join("events.db"))
}

fn open(c: &Ctx, a: Args<'_>) -> Result<Events, Failure> {
    let path = path(c, Some(a)).ok_or_else(|| {
        Failure::new(
            exit::CREDENTIALS,
            "credentials",
            "it is not known whose events are meant: there are no credentials",
        )
        .next("wpengine auth login")
        .next("wpengine events list --file FILE")
    })?;
    // Only what watches makes a file that was named: a name that was typed wrongly is none.
    let watches = matches!(c.leaf.path.as_slice(), ["events", "run" | "listen", ..]);
    if a.text("file").is_some() && !watches && !path.exists() {
        return Err(Failure::not_found(format!(
            "there is no file {}",
            path.display()
        )));
    }
    Events::open(path).map_err(failed)
}

fn lines<'a>(events: impl Iterator<Item = &'a Stored>) -> Result<(), Failure> {
    for stored in events {
        print(format!("{}\n", stored.event.to_json()).as_bytes())?;
    }
    Ok(())
}

/// The file of settings.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    accounts: Vec<String>,
    page: Option<String>,
    share: Option<f64>,
    longest_hours: Option<u64>,
    retention_days: Option<u64>,
    backup_days: Option<u32>,
    certificate_days: Option<Vec<u32>>,
    usage_percent: Option<Vec<u32>>,
    #[serde(rename = "endpoint")]
    endpoints: Vec<Endpoint>,
}

impl Settings {
    /// Reads the file, and says which one that was. Without one that was named, there need not be any.
    fn read(c: &Ctx, a: Args<'_>) -> Result<(Self, Option<PathBuf>), Failure> {
        let named = a
            .text_or("config", "WPENGINE_EVENTS_CONFIG")
            .map(PathBuf::from);
        let is_named = named.is_some();
        let Some(path) = named.or_else(|| Some(c.folders.config.as_ref()?.join("events.toml")))
        else {
            return Ok((Self::default(), None));
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => {
                return Ok((Self::default(), None));
            }
            Err(error) => return Err(Failure::file(&path, &error)),
        };
        let settings: Self = toml_edit::de::from_str(&text).map_err(|error| {
            // What is quoted in the text of the parser may be a secret.
            let line = error.span().and_then(|span| text.get(..span.start));
            let line = line.map_or_else(String::new, |before| {
                format!(", line {}", before.matches('\n').count() + 1)
            });
            Failure::usage(format!("{}{line}: {}", path.display(), error.message()))
        })?;
        settings
            .check()
            .map_err(|wrong| Failure::usage(format!("{}: {wrong}", path.display())))?;
        Ok((settings, Some(path)))
    }

    fn check(&self) -> Result<(), String> {
        let is_zero = [
            ("longest_hours", self.longest_hours == Some(0)),
            ("retention_days", self.retention_days == Some(0)),
            ("backup_days", self.backup_days == Some(0)),
            (
                "certificate_days",
                self.certificate_days
                    .iter()
                    .flatten()
                    .any(|days| *days == 0),
            ),
            (
                "usage_percent",
                self.usage_percent
                    .iter()
                    .flatten()
                    .any(|percent| *percent == 0),
            ),
        ];
        if let Some((name, _)) = is_zero.iter().find(|(_, is_zero)| *is_zero) {
            return Err(format!("{name} must be at least 1"));
        }
        if self
            .share
            .is_some_and(|share| !(0.01..=1.0).contains(&share))
        {
            return Err("share is a part of the rate limits, from 0.01 to 1".to_owned());
        }
        if let Some(page) = &self.page {
            address(page)?;
        }
        let accounts = Filter::default().accounts(self.accounts.clone());
        accounts.check().map_err(|error| error.to_string())?;
        let names: Vec<&str> = self.endpoints.iter().map(Endpoint::name).collect();
        let is_double = |(at, name): &(usize, &&str)| names[..*at].contains(*name);
        match names.iter().enumerate().find(is_double) {
            Some((_, name)) => Err(format!("two endpoints have the name `{name}`")),
            None => Ok(()),
        }
    }

    fn poller(&self, mut poller: Poller) -> Poller {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        poller = poller.accounts(self.accounts.clone());
        if let Some(share) = self.share {
            poller = poller.share(share);
        }
        if let Some(hours) = self.longest_hours {
            poller = poller.longest_interval(Duration::from_secs(hours * 3_600));
        }
        if let Some(retention) = self.retention_days {
            poller = poller.retention(days(retention));
        }
        if let Some(days) = self.backup_days {
            poller = poller.backup_days(days);
        }
        if let Some(days) = &self.certificate_days {
            poller = poller.certificate_days(days.iter().copied());
        }
        if let Some(percent) = &self.usage_percent {
            poller = poller.usage_percent(percent.iter().copied());
        }
        poller
    }
}

/// The address of a page.
fn address(text: &str) -> Result<SocketAddr, String> {
    let literal = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    literal
        .parse()
        .map_err(|_| format!("`{text}` is no address such as 127.0.0.1:9184"))
}

/// How many requests an hour are sent to a simulator.
const SIMULATED: u32 = 36_000;

/// A poller with a client that lets people go first, and the mirror if there is one.
async fn poller(c: &Ctx, events: &Events) -> Result<Poller, Failure> {
    // A look that failed is tried again later.
    let retries = wpengine::RetryPolicy::default().max_attempts(3);
    let builder = profile::builder(&c.folders, &c.origin, &c.profile)?
        .background()
        .retry(retries);
    let base_url = profile::base_url(&c.origin, &c.profile);
    let client = c.finish(builder, base_url.as_deref())?;
    admitted(c, &client).await?;
    let mut poller = Poller::new(&client, events);
    // A simulator on this machine has no limits.
    if base_url.as_deref().is_some_and(is_this_machine)
        && std::env::var_os("WPENGINE_RATE_LIMITS").is_none()
    {
        poller = poller.limits(SIMULATED, SIMULATED);
    }
    if !c.globals.no_mirror {
        poller = poller.mirror(c.fleet()?);
    }
    Ok(poller)
}

/// Wrong credentials are said at once. An API that does not answer is asked again and again, so a service can start before it.
async fn admitted(c: &Ctx, client: &wpengine::Client) -> Result<(), Failure> {
    let accounts = client.request(wpengine::http::Method::GET, "/accounts");
    let count = accounts.list::<Value>().count();
    match tokio::time::timeout(Duration::from_secs(10), count).await {
        Ok(Err(error)) if error.is_unauthorized() || error.is_forbidden() => {
            Err(Failure::from(error))
        }
        Ok(Err(error)) => {
            c.terminal.warn(&format!("it is tried again: {error}"));
            Ok(())
        }
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// How often it is seen what fails.
const REPORT: Duration = Duration::from_secs(5);

/// Says what begins to fail, and what works again, as long as it is polled: looks, and the endpoints if this process delivers.
async fn report(c: &Ctx, events: &Events, watch: &Watch, delivers: bool) -> Failure {
    /// A look that fails is no trouble before that, in seconds.
    const FAILING: i64 = 20;

    let (mut looks, mut late) = (None, Vec::new());
    let (mut unknown, mut endpoints) = (Vec::new(), BTreeMap::<String, Trouble>::new());
    loop {
        tokio::time::sleep(REPORT).await;
        let status = watch.status();
        let since = status
            .failing_since
            .filter(|since| Timestamp::now().duration_since(*since).as_secs() >= FAILING);
        match (looks, since) {
            (None, Some(since)) => c.terminal.warn(&format!(
                "no look has succeeded since {since}: {}",
                status.last_failure.map(|(_, why)| why).unwrap_or_default()
            )),
            (Some(_), None) => c.terminal.say("looks succeed again"),
            _ => {}
        }
        looks = since;
        if status.unknown_accounts != unknown && !status.unknown_accounts.is_empty() {
            c.terminal.warn(&format!(
                "the API does not show to these credentials: {}",
                status.unknown_accounts.join(", ")
            ));
        }
        unknown = status.unknown_accounts;
        if status.lagging != late && !status.lagging.is_empty() {
            c.terminal.warn(&format!(
                "later than promised: {}",
                status.lagging.join(", ")
            ));
        }
        late = status.lagging;
        if !delivers {
            continue;
        }
        let troubles = match events.troubles().await {
            Ok(troubles) => troubles,
            Err(error) => return failed(error),
        };
        let troubles: BTreeMap<String, Trouble> = troubles
            .into_iter()
            .map(|trouble| (trouble.endpoint.clone(), trouble))
            .collect();
        for (name, trouble) in &troubles {
            let before = endpoints.get(name);
            if before.is_none_or(|before| before.is_disabled != trouble.is_disabled) {
                c.terminal.warn(&match trouble.is_disabled {
                    true => format!(
                        "the endpoint `{name}` is disabled: {}; `wpengine events enable {name}` delivers to it again",
                        trouble.reason
                    ),
                    false => format!(
                        "deliveries to `{name}` fail, and are tried again: {}",
                        trouble.reason
                    ),
                });
            }
        }
        for name in endpoints
            .keys()
            .filter(|name| !troubles.contains_key(*name))
        {
            c.terminal
                .say(&format!("nothing is wrong with `{name}` any more"));
        }
        endpoints = troubles;
    }
}

async fn serve(c: &Ctx, a: Args<'_>) -> Result<Reply, Failure> {
    // Before anything takes time, so that a signal is never missed.
    let (stop, again) = stopped();
    let mut stop = std::pin::pin!(stop);
    let mut asked = hangups();
    let (settings, _) = Settings::read(c, a)?;
    let events = open(c, a)?;
    let _claim = events.claim().map_err(failed)?;
    let poller = tokio::select! {
        poller = poller(c, &events) => poller?,
        () = &mut stop => return Ok(Answer::Nothing.into()),
    };
    let mut poller = settings.poller(poller);
    if a.flag("initial") {
        poller = poller.initial_events();
    }
    let sender = Sender::new(&events);
    let is_printed = a.flag("jsonl");
    let endpoints = |settings: Settings| {
        let printed = is_printed.then(|| Endpoint::stdout("stdout"));
        settings.endpoints.into_iter().chain(printed)
    };
    let page = match a.text("page") {
        Some(text) => Some(text),
        None => settings.page.clone(),
    };
    let page = page.as_deref().map(address).transpose();
    let page = page.map_err(Failure::usage)?;
    let endpoints_now: Vec<Endpoint> = endpoints(settings).collect();
    let names: Vec<String> = endpoints_now
        .iter()
        .map(|endpoint| endpoint.name().to_owned())
        .collect();
    let watch = poller.watch();
    let mut service = Service::new(poller, sender.clone());
    if let Some(address) = page {
        service = service.page(address).await.map_err(failed)?;
    }
    tokio::select! {
        is_there = make_room(c, &events) => is_there?,
        () = &mut stop => return Ok(Answer::Nothing.into()),
    }
    sender.endpoints(endpoints_now).await.map_err(failed)?;
    c.terminal.say(&format!(
        "events in {}; {}",
        events.path().display(),
        match names.is_empty() {
            true => "no endpoints: they are kept, and not delivered".to_owned(),
            false => format!("endpoints: {}", names.join(", ")),
        }
    ));
    if let Some(address) = service.address() {
        c.terminal.say(&format!("page: http://{address}/"));
    }
    let reload = async {
        loop {
            asked.recv().await;
            let read = match Settings::read(c, a) {
                Ok((settings, _)) => sender.endpoints(endpoints(settings)).await.map_err(failed),
                Err(failure) => Err(failure),
            };
            match read {
                Ok(()) => c
                    .terminal
                    .say("the endpoints were read again; other settings need a new start"),
                Err(failure) => c.terminal.warn(&format!(
                    "the settings stay as they were: {}",
                    failure.message
                )),
            }
        }
    };
    let stop = async {
        stop.await;
        c.terminal
            .say("ending after what is under way; once more ends it at once");
    };
    tokio::select! {
        ended = service.run(stop) => ended.map_err(failed)?,
        () = reload => {}
        () = again => {}
        failure = report(c, &events, &watch, true) => return Err(failure),
    }
    Ok(Answer::Nothing.into())
}

/// Waits until a process that only listens has ended its looks.
async fn make_room(c: &Ctx, events: &Events) -> Result<(), Failure> {
    // A look may wait for the rate limit as long as a call may take.
    const TRIES: u32 = 1_300;
    for tried in 0..TRIES {
        if !events.is_run_elsewhere() {
            return Ok(());
        }
        if tried == 4 {
            c.terminal
                .say("waiting until another process has ended its looks");
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Err(failed(Error::Taken(events.path().to_owned())))
}

async fn listen(c: &Ctx, a: Args<'_>) -> Result<Reply, Failure> {
    let (stop, _) = stopped();
    let (settings, _) = Settings::read(c, a)?;
    let events = open(c, a)?;
    let secret = events.listen_secret().await.map_err(failed)?;
    let forward = match a.text("forward-to") {
        // A receiver that is tried out is on this machine.
        Some(url) => Some(
            Endpoint::private_webhook("listen", &url, [secret.clone()], ["127.0.0.0/8", "::1"])
                .map_err(|error| {
                    Failure::usage(format!(
                        "--forward-to is a receiver on this machine, or a public one: {error}"
                    ))
                })?,
        ),
        None => None,
    };
    if a.flag("print-secret") {
        if forward.is_none() {
            return Ok(Answer::Text(format!("{}\n", secret.expose())).into());
        }
        // Standard output is for the events.
        c.terminal.note(secret.expose());
    }
    let sender = Sender::new(&events);
    let mut last = events.last().await.map_err(failed)?;
    let looking = async {
        let mut is_said = None;
        loop {
            let is_run = events.is_claimed() || events.is_run_elsewhere();
            if is_said.replace(is_run) != Some(is_run) {
                c.terminal.say(match is_run {
                    true => "listening to what another process sees, until Ctrl-C",
                    false => "watching the fleet, until Ctrl-C; the first look makes no events",
                });
            }
            if is_run {
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            let poller = settings.poller(poller(c, &events).await?);
            if events.is_claimed() {
                continue;
            }
            let watch = poller.watch();
            let claimed = async {
                while !events.is_claimed() {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            };
            tokio::select! {
                ended = poller.run(claimed) => match ended {
                    Ok(()) | Err(Error::Taken(_)) => {}
                    Err(error) => return Err(failed(error)),
                },
                failure = report(c, &events, &watch, false) => return Err(failure),
            }
        }
    };
    let asked = query(c, a, None);
    let follow = async {
        loop {
            let mut query = asked.clone();
            query.after = Some(last);
            // What does not pass is not read again.
            let newest = events.last().await.map_err(failed)?;
            for stored in events.list(query).await.map_err(failed)? {
                tell(c, &stored)?;
                if has_gone() {
                    return Ok(Answer::Nothing.into());
                }
                if let Some(endpoint) = &forward {
                    match sender.try_out(endpoint, &stored.event).await {
                        Ok(()) => c.terminal.note(&format!("{} delivered", stored.event.id)),
                        Err(error) => c
                            .terminal
                            .warn(&format!("{} was not accepted: {error}", stored.event.id)),
                    }
                }
                last = stored.seq;
            }
            last = last.max(newest);
            events.added_within(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        () = stop => Ok(Answer::Nothing.into()),
        ended = looking => ended,
        ended = follow => ended,
    }
}

/// Prints one event as it comes: a line for people, or JSON.
fn tell(c: &Ctx, stored: &Stored) -> Result<(), Failure> {
    let event = &stored.event;
    if c.format != Format::Table {
        return lines(std::iter::once(stored));
    }
    let text = |field: &str| {
        event
            .data
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let mut line = format!(
        "{}  {:<28} ",
        event.timestamp.strftime("%H:%M:%S"),
        event.kind
    );
    if !text("install").is_empty() {
        line.push_str(&format!("{}  ", text("install")));
    }
    line.push_str(event.subject());
    if event.is_test() {
        line.push_str("  (test)");
    }
    if let Some(previous) = event
        .data
        .get("previous_attributes")
        .and_then(Value::as_object)
    {
        for (name, before) in previous {
            line.push_str(&format!(
                "  {name}: {before} → {}",
                event.data["object"][name]
            ));
        }
    }
    print(format!("{}\n", crate::terminal::clean(&line)).as_bytes())
}

/// Completes when this program is told to end, and when it is told so once more. Both listen from the call on.
fn stopped() -> (impl Future<Output = ()>, impl Future<Output = ()>) {
    let (tell, told) = tokio::sync::watch::channel(0);
    #[cfg(unix)]
    let terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    tokio::spawn(async move {
        #[cfg(unix)]
        if let Ok(mut terminated) = terminated {
            loop {
                tokio::select! {
                    _ = terminated.recv() => {}
                    _ = tokio::signal::ctrl_c() => {}
                }
                tell.send_modify(|times| *times += 1);
            }
        }
        while tokio::signal::ctrl_c().await.is_ok() {
            tell.send_modify(|times| *times += 1);
        }
    });
    let is_told = |wanted: u32| {
        let mut told = told.clone();
        async move {
            let told = told.wait_for(|times| *times >= wanted).await.map(drop);
            if told.is_err() {
                // Nothing tells it any more.
                std::future::pending().await
            }
        }
    };
    (is_told(1), is_told(2))
}

/// What asks to read the settings again.
struct Hangups {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

fn hangups() -> Hangups {
    Hangups {
        #[cfg(unix)]
        signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
    }
}

impl Hangups {
    async fn recv(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal {
            signal.recv().await;
            return;
        }
        std::future::pending().await
    }
}

/// The events of this user, if anybody watches: then what this program changes is looked at soon.
fn kept(c: &Ctx) -> Option<Events> {
    let path = path(c, None).filter(|path| path.exists())?;
    Events::open(path).ok()
}

/// Says that something was changed. That nobody could be told is no failure of the change.
pub(crate) async fn touched(c: &Ctx, target: &Target) {
    if let Some(events) = kept(c) {
        for id in std::iter::once(&target.id).chain(&target.account) {
            let _ = events.touched(id).await;
        }
    }
}

/// Says that a deployment ended.
#[cfg(all(unix, feature = "ssh"))]
pub(crate) async fn deployed(c: &Ctx, install: &Target, release: &str, result: &str) {
    if let Some(events) = kept(c) {
        let data = json!({
            "account_id": install.account,
            "install_id": install.id,
            "install": install.name,
            "object": { "release": release, "result": result },
        });
        let (subject, key) = (
            format!("installs/{}", install.id),
            format!("{} {release} {result}", install.id),
        );
        let _ = events.add("deploy.finished", &subject, &key, data).await;
    }
}
