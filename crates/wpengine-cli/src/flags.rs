//! The options that every command has, and the arguments that several commands share.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches};
use clap_complete::engine::ArgValueCompleter;
use wpengine::jiff::{SignedDuration, Span, Timestamp, civil::Date};

use crate::{complete, failure::Failure, output::Format};

/// The options that every command has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Globals {
    pub(crate) output: Option<String>,
    pub(crate) jq: Option<String>,
    pub(crate) columns: Option<String>,
    pub(crate) no_header: bool,
    pub(crate) sort: Option<String>,
    pub(crate) limit: Option<usize>,
    pub(crate) time: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) yes: bool,
    pub(crate) confirm: Vec<String>,
    pub(crate) allow_protected: bool,
    pub(crate) dry_run: bool,
    pub(crate) read_only: bool,
    pub(crate) no_input: bool,
    pub(crate) jobs: usize,
    pub(crate) timeout: Option<Duration>,
    pub(crate) rate_limit_wait: Duration,
    pub(crate) no_mirror: bool,
    pub(crate) no_audit: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: u8,
    pub(crate) no_progress: bool,
    pub(crate) color: String,
}

const OUTPUT: &str = "Output";
const CHANGES: &str = "Changes";
const BEHAVIOUR: &str = "Behaviour";

/// A flag that takes a value.
pub(crate) fn value(id: &'static str, name: &'static str, help: &'static str) -> Arg {
    Arg::new(id).long(id).value_name(name).help(help)
}

/// A flag without a value.
pub(crate) fn switch(id: &'static str, help: &'static str) -> Arg {
    Arg::new(id).long(id).help(help).action(ArgAction::SetTrue)
}

pub(crate) fn globals() -> Vec<Arg> {
    let output = [
        value(
            "output",
            "FORMAT",
            "Output format: table, wide, json, jsonl, csv, tsv or name",
        )
        .short('o')
        .value_parser(Format::NAMES)
        .hide_possible_values(true),
        switch("json", "The same as --output json").conflicts_with("output"),
        value(
            "jq",
            "FILTER",
            "Filter the JSON in jq's language; texts are printed raw",
        )
        .short('q'),
        value(
            "columns",
            "LIST",
            "Columns to show, with commas between them; +COLUMN adds one",
        )
        .allow_hyphen_values(true)
        .add(ArgValueCompleter::new(complete::columns)),
        switch("no-header", "Leave out the header of a table"),
        value(
            "sort",
            "COLUMN",
            "Sort by a column; -COLUMN sorts downwards",
        )
        .allow_hyphen_values(true),
        value("limit", "N", "Show the first N only; all by default")
            .value_parser(clap::value_parser!(u64).range(1..)),
        value(
            "time",
            "FORM",
            "Times: relative (on a terminal), local, or utc (elsewhere)",
        )
        .value_parser(["relative", "local", "utc"])
        .hide_possible_values(true),
        value("color", "WHEN", "Colours: auto, always or never")
            .value_parser(["auto", "always", "never"])
            .hide_possible_values(true),
        switch("quiet", "Say nothing but the answer and errors"),
        switch("no-progress", "Show no progress"),
        Arg::new("verbose")
            .long("verbose")
            .short('v')
            .action(ArgAction::Count)
            .help("Say each request on standard error; bodies are never shown"),
    ];
    let behaviour = [
        value(
            "profile",
            "NAME",
            "Use the credentials and settings of this profile",
        )
        .add(ArgValueCompleter::new(complete::profiles)),
        value(
            "timeout",
            "TIME",
            "Time limit of each call, such as 30s; 5 minutes by default",
        )
        .value_parser(duration),
        value(
            "rate-limit-wait",
            "TIME",
            "How long a call may wait for the rate limit, beyond --timeout; an hour by default",
        )
        .value_parser(duration),
        value(
            "jobs",
            "N",
            "How many targets to work on at the same time; 8 by default",
        )
        .value_parser(clap::value_parser!(u64).range(1..=64)),
        switch(
            "no-mirror",
            "Do not use the mirror on this machine; names are looked up at the service",
        ),
        switch("no-input", "Ask nothing: what needs an answer is refused"),
    ];
    let changes = [
        switch("read-only", "Refuse every change"),
        switch("no-audit", "Do not write the audit log"),
    ];
    let under = |args: Vec<Arg>, heading: &'static str| {
        // `-h` shows the few that are wanted often.
        const OFTEN: [&str; 5] = ["output", "jq", "columns", "sort", "limit"];
        args.into_iter().map(move |arg| {
            let is_often = OFTEN.contains(&arg.get_id().as_str());
            arg.global(true)
                .help_heading(heading)
                .hide_short_help(!is_often)
        })
    };
    under(output.into(), OUTPUT)
        .chain(under(behaviour.into(), BEHAVIOUR))
        .chain(under(changes.into(), CHANGES))
        .collect()
}

/// The options of commands that change something.
pub(crate) fn of_a_change() -> Vec<Arg> {
    let args = [
        switch(
            "yes",
            "Confirm a change that is not severe; `wpengine help safety` says which are",
        )
        .short('y'),
        value(
            "confirm",
            "NAME",
            "Confirm a severe change: the name of its target, once for each",
        )
        .action(ArgAction::Append),
        switch(
            "allow-protected",
            "Work in an environment that the profile protects",
        ),
        switch("dry-run", "Send no change; print what would be sent"),
    ];
    args.into_iter()
        .map(|arg| arg.help_heading(CHANGES))
        .collect()
}

impl Globals {
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let a = Args(matches);
        let number = |id| a.number(id).and_then(|number| usize::try_from(number).ok());
        Self {
            output: match a.flag("json") {
                true => Some("json".to_owned()),
                false => a.text("output").or_else(|| {
                    let set = std::env::var("WPENGINE_OUTPUT").ok();
                    set.filter(|set| !set.is_empty())
                }),
            },
            jq: a.text("jq"),
            columns: a.text("columns"),
            no_header: a.flag("no-header"),
            sort: a.text("sort"),
            limit: number("limit"),
            time: a.text("time"),
            profile: a.text("profile"),
            yes: a.flag("yes"),
            confirm: a.all("confirm"),
            allow_protected: a.flag("allow-protected"),
            dry_run: a.flag("dry-run"),
            read_only: a.flag("read-only"),
            no_input: a.flag("no-input")
                || std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false"),
            jobs: number("jobs").unwrap_or(8),
            timeout: a.time("timeout"),
            rate_limit_wait: a
                .time("rate-limit-wait")
                .unwrap_or(Duration::from_secs(3_600)),
            no_mirror: a.flag("no-mirror"),
            no_audit: a.flag("no-audit"),
            quiet: a.flag("quiet"),
            verbose: matches.get_count("verbose"),
            no_progress: a.flag("no-progress"),
            color: a.text("color").unwrap_or_default(),
        }
    }
}

/// The arguments of one command.
#[derive(Clone, Copy)]
pub(crate) struct Args<'a>(pub(crate) &'a ArgMatches);

impl Args<'_> {
    fn has(&self, id: &str) -> bool {
        self.0.try_contains_id(id).unwrap_or(false)
    }

    pub(crate) fn flag(&self, id: &str) -> bool {
        self.has(id) && self.0.get_flag(id)
    }

    pub(crate) fn text(&self, id: &str) -> Option<String> {
        self.has(id)
            .then(|| self.0.get_one::<String>(id).cloned())
            .flatten()
    }

    /// An argument, or else a variable. An empty text is none.
    #[cfg(any(feature = "events", all(unix, feature = "ssh")))]
    pub(crate) fn text_or(&self, id: &str, variable: &str) -> Option<String> {
        let given = self.text(id).or_else(|| std::env::var(variable).ok());
        given.filter(|text| !text.is_empty())
    }

    /// An argument that clap requires.
    pub(crate) fn need(&self, id: &str) -> String {
        self.text(id).unwrap_or_default()
    }

    pub(crate) fn all(&self, id: &str) -> Vec<String> {
        match self.has(id) {
            true => self
                .0
                .get_many::<String>(id)
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
            false => Vec::new(),
        }
    }

    pub(crate) fn number(&self, id: &str) -> Option<u64> {
        self.has(id)
            .then(|| self.0.get_one::<u64>(id).copied())
            .flatten()
    }

    pub(crate) fn time(&self, id: &str) -> Option<Duration> {
        self.has(id)
            .then(|| self.0.get_one::<Duration>(id).copied())
            .flatten()
    }

    pub(crate) fn instant(&self, id: &str) -> Option<Timestamp> {
        self.has(id)
            .then(|| self.0.get_one::<Timestamp>(id).copied())
            .flatten()
    }

    pub(crate) fn day(&self, id: &str) -> Option<Date> {
        self.has(id)
            .then(|| self.0.get_one::<Date>(id).copied())
            .flatten()
    }

    /// Whether to wait, and for how long at most.
    pub(crate) fn wait(&self) -> Option<Option<Duration>> {
        self.has("wait").then(|| self.time("wait"))
    }

    /// `true` or `false`, if it was given.
    pub(crate) fn truth(&self, id: &str) -> Option<bool> {
        self.has(id)
            .then(|| self.0.get_one::<bool>(id).copied())
            .flatten()
    }
}

/// A time such as `90s`, `30m`, `2h` or `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let refused =
        || format!("`{text}` is no time; give a number and a unit, such as 90s, 30m, 2h or 7d");
    let span: Span = text.parse().map_err(|_| refused())?;
    let days = SignedDuration::from_hours(
        24 * (i64::from(span.get_days()) + 7 * i64::from(span.get_weeks())),
    );
    let rest = span.days(0).weeks(0);
    let rest = SignedDuration::try_from(rest).map_err(|_| refused())?;
    Duration::try_from(days + rest).map_err(|_| refused())
}

/// A time of day on a day, or a time from now.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let after = duration(text)
        .ok()
        .and_then(|after| Timestamp::now().checked_add(after).ok());
    after.ok_or_else(|| format!("`{text}` is no time; give one such as 2026-05-01T12:00:00Z, or a time from now such as 2h"))
}

/// A time that is over.
pub(crate) fn past(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let before = duration(text)
        .ok()
        .and_then(|before| Timestamp::now().checked_sub(before).ok());
    before.ok_or_else(|| format!("`{text}` is no time; give one such as 2026-05-01T12:00:00Z, or how long ago, such as 7d"))
}

pub(crate) fn day(text: &str) -> Result<Date, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is no day; give one such as 2026-05-01"))
}

// Arguments that several commands share.

pub(crate) fn wait() -> Arg {
    value(
        "wait",
        "TIME",
        "Wait until it is done; for at most TIME, if it is given",
    )
    .num_args(0..=1)
    .require_equals(true)
    .value_parser(duration)
}

pub(crate) fn account() -> Arg {
    value(
        "account",
        "ACCOUNT",
        "Account: id or name; the one of the profile by default",
    )
    .add(ArgValueCompleter::new(complete::accounts))
}

pub(crate) fn site() -> Arg {
    value("site", "SITE", "Site: id or name").add(ArgValueCompleter::new(complete::sites))
}

pub(crate) fn install() -> Arg {
    value(
        "install",
        "INSTALL",
        "Install: id, name, SITE/ENVIRONMENT or domain",
    )
    .short('i')
    .add(ArgValueCompleter::new(complete::installs))
}

pub(crate) fn environment() -> Arg {
    value(
        "environment",
        "ENVIRONMENT",
        "Environment: production, staging or development",
    )
    .value_parser(ENVIRONMENTS)
    .hide_possible_values(true)
}

pub(crate) const ENVIRONMENTS: [&str; 3] = ["production", "staging", "development"];

/// A flag that names an install.
pub(crate) fn named_install(id: &'static str, help: &'static str) -> Arg {
    value(id, "INSTALL", help)
        .required(true)
        .add(ArgValueCompleter::new(complete::installs))
}

/// A positional argument that must be given.
pub(crate) fn one(id: &'static str, name: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(id).value_name(name).help(help).required(true);
    completed(arg, name)
}

/// Positional arguments, none of which must be given.
pub(crate) fn many(id: &'static str, name: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(id).value_name(name).help(help).num_args(0..);
    completed(arg, name)
}

fn completed(arg: Arg, name: &str) -> Arg {
    match name {
        "ACCOUNT" => arg.add(ArgValueCompleter::new(complete::accounts)),
        "SITE" => arg.add(ArgValueCompleter::new(complete::sites)),
        "INSTALL" | "FROM" | "TO" => arg.add(ArgValueCompleter::new(complete::installs)),
        "DOMAIN" => arg.add(ArgValueCompleter::new(complete::domains)),
        _ => arg,
    }
}

pub(crate) fn notify() -> Arg {
    value(
        "notify",
        "EMAIL",
        "E-mail address to tell about it; may be repeated. Needed, unless WPENGINE_NOTIFY or the profile has one",
    )
    .action(ArgAction::Append)
}

pub(crate) fn since() -> Arg {
    value("since", "DAY", "First day, such as 2026-05-01").value_parser(day)
}

pub(crate) fn until() -> Arg {
    value("until", "DAY", "Last day; yesterday by default").value_parser(day)
}

pub(crate) fn last() -> Arg {
    value("last", "TIME", "The last days, such as 30d")
        .value_parser(duration)
        .conflicts_with_all(["since", "until"])
}

/// What selects installs instead of their names.
pub(crate) fn selectors() -> Vec<Arg> {
    let args = [
        account(),
        site(),
        environment(),
        value("match", "GLOB", "Installs whose name fits, with * and ?"),
        value("php", "VERSION", "Installs with this PHP version"),
        value(
            "status",
            "STATUS",
            "Installs with this status: active, pending or disabled",
        ),
        switch("all", "All installs that these credentials can see"),
    ];
    args.into_iter()
        .map(|arg| arg.help_heading("Selection"))
        .collect()
}

impl Args<'_> {
    /// The days that `--since`, `--until` and `--last` mean.
    pub(crate) fn days(&self) -> Result<Option<(Date, Date)>, Failure> {
        let yesterday = wpengine::jiff::Zoned::now()
            .date()
            .yesterday()
            .unwrap_or(Date::MIN);
        if let Some(last) = self.time("last") {
            if last.as_secs() < 86_400 {
                return Err(Failure::usage("--last is one day or more, such as 7d"));
            }
            let days = i64::try_from(last.as_secs() / 86_400)
                .unwrap_or(i64::MAX)
                .clamp(1, 10_000);
            let first = yesterday
                .checked_sub(SignedDuration::from_hours(24 * (days - 1)))
                .unwrap_or(yesterday);
            return Ok(Some((first, yesterday)));
        }
        match (self.day("since"), self.day("until")) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Failure::usage("--until needs --since")),
            (Some(first), last) => Ok(Some((first, last.unwrap_or(yesterday)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(duration("2w"), Ok(Duration::from_secs(14 * 86_400)));
        for wrong in ["", "30", "soon", "-5m"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
