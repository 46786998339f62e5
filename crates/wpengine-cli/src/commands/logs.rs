//! Logs over the gateway.

use std::{cell::RefCell, collections::BTreeMap, io::Write as _, time::Duration};

use futures_util::{StreamExt as _, future, stream};
use regex_lite::Regex;
use serde_json::{Value, json};
use tokio::{sync::Notify, time::Instant};
use wpengine::jiff::Timestamp;
use wpengine_ssh::{
    ErrorKind, Gateway,
    logs::{Entries, Event, Filter, Level, Line, Logs, Source, Sources, Start, merged},
};

use super::run;
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::{Failure, exit},
    flags::{self, Args},
    gateway,
    output::{Answer, Format, Reply, has_gone, print},
    tables,
    target::Target,
};

/// How many installs are followed at once: one connection each.
const LIVE: usize = 4;

pub(super) fn leaves() -> Vec<Leaf> {
    vec![
        leaf("logs", "Read or follow the logs of installs", &[], run!(|c, a| {
            let mut installs = Vec::new();
            for name in a.all("install") {
                installs.push(c.install_named(&name).await?);
            }
            let installs = crate::target::unique(installs);
            let wanted = Wanted::of(a)?;
            if let Some(path) = a.all("source").iter().find(|path| path.contains("wp-config")) {
                return Err(Failure::usage(format!("{path} is no log, and has the passwords of the site")));
            }
            let gateway = c.gateway(a)?;
            if let Some(first) = installs.first() {
                c.trust(&gateway, a, &first.name).await?;
            }
            match (a.flag("sources"), a.flag("follow")) {
                (true, _) => sources(&gateway, &installs, a).await,
                (_, true) => follow(c, a, &gateway, &installs, &wanted).await,
                _ => read(c, a, &gateway, &installs, &wanted).await,
            }
        }))
        .arg(flags::many("install", "INSTALL", "Installs: ids, names, SITE/ENVIRONMENT or domains").required(true))
        .args([
            flags::switch("follow", "Go on with what comes, until Ctrl-C").short('f'),
            flags::value("tail", "N", "The last entries only; 100 by default, 10 with --follow, all with --since").value_parser(clap::value_parser!(u64)),
            flags::value("since", "TIME", "Entries since a time, or of the last, such as 30m").value_parser(flags::past),
            flags::value("until", "TIME", "Entries until a time").value_parser(flags::past),
            flags::value("level", "LEVEL", "At least so serious: debug, info, notice, warning, error or fatal"),
            flags::value("status", "STATUS", "Answers with this status, such as 404, 5xx or 400-499; may be repeated").action(clap::ArgAction::Append),
            flags::value("grep", "PATTERN", "Entries in which this regular expression is found"),
            flags::value("source", "PATH", "A file, by its path from the root of the site or the whole one, instead of those that are found; may be repeated").action(clap::ArgAction::Append),
            flags::switch("sources", "List the files that are there"),
        ])
        .args(gateway::options())
        .calls(&["list_installs"])
        .table(&tables::LOGS)
        .details("Which logs the gateway shows is not promised, so they are looked for: wp-content/debug.log, what WP_DEBUG_LOG and PHP's error_log name, and logs/. Entries of several files are put in order of time, also of files that were rotated and packed.\n\nUp to 4 installs are followed live; more are read in turn.")
        .examples(&[
            "wpengine logs torquemag --since 1h --level warning",
            "wpengine logs torquemag torqueevents --follow",
            "wpengine logs torquemag --status 5xx --since 30m -o jsonl",
            "wpengine logs torquemag --sources",
        ]),
    ]
}

/// Which entries are wanted.
struct Wanted {
    filter: Filter,
    grep: Option<Regex>,
    /// How many of the last ones.
    tail: Option<usize>,
    /// Whether some lines are left out, so that more must be read than is shown.
    filters: bool,
    /// Whether a time is asked for, so that rotated files count.
    is_timed: bool,
}

impl Wanted {
    fn of(a: Args<'_>) -> Result<Self, Failure> {
        let mut filter = Filter::default();
        let mut filters = false;
        if let Some(at) = a.instant("since") {
            filter = filter.since(at);
        }
        if let Some(at) = a.instant("until") {
            filter = filter.until(at);
            filters = true;
        }
        if let Some(level) = a.text("level") {
            filter = filter.level(level.parse::<Level>().map_err(Failure::usage)?);
            filters = true;
        }
        for status in a.all("status") {
            filter = filter.status(&status).map_err(Failure::usage)?;
            filters = true;
        }
        let grep = match a.text("grep") {
            Some(pattern) => Some(
                Regex::new(&pattern).map_err(|error| Failure::usage(format!("--grep: {error}")))?,
            ),
            None => None,
        };
        filters |= grep.is_some() || a.instant("since").is_some();
        let tail = match a.number("tail") {
            Some(count) => Some(usize::try_from(count).unwrap_or(usize::MAX)),
            None if a.instant("since").is_some() => None,
            None if a.flag("follow") => Some(10),
            None => Some(100),
        };
        Ok(Self {
            filter,
            grep,
            tail,
            filters,
            is_timed: a.instant("since").is_some() || a.instant("until").is_some(),
        })
    }

    fn takes(&self, line: &Line) -> bool {
        self.filter.takes(line) && self.finds(line)
    }

    fn finds(&self, line: &Line) -> bool {
        self.grep
            .as_ref()
            .is_none_or(|grep| grep.is_match(&line.raw))
    }
}

/// Where an entry is from.
type Name = (String, String);

fn value_of((install, source): &Name, line: &Line) -> Value {
    let mut value = serde_json::to_value(line).unwrap_or(Value::Null);
    let mut all = json!({ "install": install, "source": source });
    if let (Value::Object(all), Value::Object(value)) = (&mut all, &mut value) {
        all.append(value);
    }
    all
}

/// An entry for people: as it was written, behind where it is from if that is not clear.
fn text_of(name: &Name, line: &Line, with_name: bool) -> String {
    let text = crate::terminal::clean(&line.raw);
    match with_name {
        true => format!("{} {}: {text}\n", name.0, name.1),
        false => format!("{text}\n"),
    }
}

async fn sources(gateway: &Gateway, installs: &[Target], a: Args<'_>) -> Result<Reply, Failure> {
    let mut rows = Vec::new();
    for install in installs {
        let mut logs = gateway.logs(&install.name);
        let found = logs.sources(&a.all("source")).await?;
        logs.disconnect().await;
        for source in &found.files {
            let mut row = serde_json::to_value(source).unwrap_or(Value::Null);
            row["install"] = json!(install.name);
            rows.push(row);
        }
        rows.extend(
            found
                .missing
                .iter()
                .map(|path| json!({ "install": install.name, "path": path, "missing": true })),
        );
    }
    Ok(Answer::items(rows).table(&tables::LOG_SOURCES))
}

/// The files of an install that are read: those that are written now or were named, and with a time those that they were rotated to.
fn chosen(found: Sources, named: &[String], wanted: &Wanted) -> Vec<Source> {
    let since = wanted.filter.earliest();
    let is_named = |path: &String| named.is_empty() || named.contains(path);
    let mut files: Vec<Source> = found
        .files
        .into_iter()
        .filter(|source| match &source.rotated_from {
            None => is_named(&source.path),
            Some(_) if named.contains(&source.path) => true,
            Some(base) => {
                let is_late = source
                    .written
                    .is_none_or(|written| since.is_none_or(|since| written >= since));
                wanted.is_timed && is_named(base) && is_late
            }
        })
        .collect();
    files.sort_by_key(|source| source.written);
    files
}

/// What is there now of one install.
struct Now {
    entries: Vec<(Name, Line)>,
    files: Vec<Source>,
    notes: Vec<String>,
    logs: Logs,
}

async fn of_one(
    gateway: &Gateway,
    install: &str,
    named: &[String],
    wanted: &Wanted,
) -> Result<Now, Failure> {
    let mut logs = gateway.logs(install);
    let found = logs.sources(named).await?;
    if let Some(path) = found.missing.first() {
        let there = found
            .files
            .iter()
            .map(|source| format!("there is {}", source.path));
        return Err(Failure::not_found(format!("{install} has no log {path}")).candidates(there));
    }
    let unreadable = |path: &String| format!("{install}: {path} is there and cannot be read");
    let mut notes: Vec<String> = found.unreadable.iter().map(unreadable).collect();
    let files = chosen(found, named, wanted);
    let lines = wanted.tail.filter(|_| !wanted.filters);
    let content = logs.read(&files, lines).await?;
    notes.extend(content.notes);
    let named: Vec<(Name, String)> = content
        .files
        .into_iter()
        .map(|(source, content)| {
            let path = source.rotated_from.unwrap_or(source.path);
            ((install.to_owned(), path), content)
        })
        .collect();
    Ok(Now {
        entries: merged(&named, &wanted.filter),
        files,
        notes,
        logs,
    })
}

fn last(mut entries: Vec<(Name, Line)>, wanted: &Wanted) -> Vec<(Name, Line)> {
    entries.retain(|(_, line)| wanted.finds(line));
    if let Some(tail) = wanted.tail {
        entries.drain(..entries.len().saturating_sub(tail));
    }
    entries
}

async fn read(
    c: &Ctx,
    a: Args<'_>,
    gateway: &Gateway,
    installs: &[Target],
    wanted: &Wanted,
) -> Result<Reply, Failure> {
    let named = a.all("source");
    let mut work = stream::iter(installs.iter().map(|install| {
        let named = &named;
        async move { (install, of_one(gateway, &install.name, named, wanted).await) }
    }))
    .buffered(c.globals.jobs.clamp(1, LIVE));
    let (mut all, mut codes, mut files) = (Vec::new(), Vec::new(), 0);
    while let Some((install, result)) = work.next().await {
        match result {
            Ok(mut now) => {
                now.logs.disconnect().await;
                files += now.files.len();
                for note in &now.notes {
                    c.terminal.warn(note);
                    codes.push(exit::PARTLY);
                }
                if now.files.is_empty() && now.notes.is_empty() {
                    c.terminal.say(&format!(
                        "{}: no log is there; wp-content/debug.log is written if WP_DEBUG_LOG is on",
                        install.name
                    ));
                }
                all.extend(now.entries);
            }
            Err(failure) if installs.len() == 1 => return Err(failure),
            Err(failure) => {
                codes.push(failure.exit);
                c.terminal.error(&failure.about(install.title()));
            }
        }
    }
    // Entries without a time stay behind the one that they follow.
    let mut at = None;
    let mut timed: Vec<(Option<Timestamp>, (Name, Line))> = all
        .into_iter()
        .map(|(name, line)| {
            at = line.at.or(at);
            (at, (name, line))
        })
        .collect();
    timed.sort_by_key(|(at, _)| *at);
    let entries = last(timed.into_iter().map(|(_, entry)| entry).collect(), wanted);
    let code = crate::context::code_of(installs.len(), &codes);
    if c.format == Format::Table && c.globals.output.is_none() && c.globals.columns.is_none() {
        let with_name = installs.len() > 1 || files > 1;
        let text: String = entries
            .iter()
            .take(c.globals.limit.unwrap_or(usize::MAX))
            .map(|(name, line)| text_of(name, line, with_name))
            .collect();
        return Ok(Reply::from(Answer::Text(text)).exit(code));
    }
    let rows = entries
        .iter()
        .map(|(name, line)| value_of(name, line))
        .collect();
    Ok(Reply::from(Answer::items(rows)).exit(code))
}

async fn follow(
    c: &Ctx,
    a: Args<'_>,
    gateway: &Gateway,
    installs: &[Target],
    wanted: &Wanted,
) -> Result<Reply, Failure> {
    let is_lines = match c.format {
        Format::Jsonl if c.globals.jq.is_none() => true,
        Format::Table if c.globals.jq.is_none() => false,
        _ => {
            return Err(Failure::usage(
                "--follow has no end: it goes with -o jsonl or with none, and not with --jq",
            ));
        }
    };
    if a.instant("until").is_some() {
        return Err(Failure::usage(
            "--follow goes on with what comes: --until does not go with it",
        ));
    }
    if installs.len() > LIVE {
        // A connection and a look take some seconds each.
        let round = installs.len().div_ceil(LIVE) * 4;
        c.terminal.note(&format!(
            "{} installs are read in turn over {LIVE} connections: an entry shows about {round} s after it was written",
            installs.len()
        ));
    }
    let named = a.all("source");
    let (mut all, mut readers, mut files) = (Vec::new(), Vec::new(), 0);
    let mut begun = stream::iter(installs.iter().map(|install| {
        let named = &named;
        async move { (install, of_one(gateway, &install.name, named, wanted).await) }
    }))
    .buffered(LIVE);
    while let Some((install, result)) = begun.next().await {
        let mut now = result.map_err(|failure| failure.about(install.title()))?;
        for note in &now.notes {
            c.terminal.warn(note);
        }
        all.extend(now.entries);
        for source in now
            .files
            .iter()
            .filter(|source| source.rotated_from.is_none())
        {
            now.logs.add(source, Start::End);
            files += 1;
        }
        now.logs.disconnect().await;
        readers.push(now.logs);
    }
    if files == 0 {
        return Err(Failure::not_found(
            "no log is there that could be followed; wp-content/debug.log is written if WP_DEBUG_LOG is on",
        ));
    }
    let with_name = installs.len() > 1 || files > 1;
    let writer = Writer {
        c,
        is_lines,
        with_name,
        wanted,
        open: BTreeMap::new(),
        failed: None,
    };
    all.sort_by_key(|(_, line)| line.at);
    for (name, line) in last(all, wanted) {
        writer.write(&name, &line)?;
    }
    let (writer, told) = (RefCell::new(writer), Notify::new());
    let tell = |install: &str, event: Event| {
        told.notify_one();
        writer.borrow_mut().tell(install, event)
    };
    let read = async {
        if readers.len() <= LIVE {
            let each = readers.iter_mut().map(|logs| {
                let install = logs.install().to_owned();
                async move { logs.follow(|event| tell(&install, event)).await }
            });
            return future::try_join_all(each).await.map(drop);
        }
        loop {
            let began = Instant::now();
            let turns = readers.iter_mut().map(|logs| {
                let install = logs.install().to_owned();
                async move {
                    let turn = logs.turn(|event| tell(&install, event)).await;
                    (install, turn)
                }
            });
            let turns: Vec<_> = stream::iter(turns).buffer_unordered(LIVE).collect().await;
            for (install, turn) in turns {
                match turn {
                    Err(error)
                        if matches!(
                            error.kind(),
                            ErrorKind::KeyRefused | ErrorKind::HostKeyChanged
                        ) =>
                    {
                        return Err(error);
                    }
                    Err(error) => c.terminal.warn(&format!("{install}: {error}")),
                    Ok(_) => {}
                }
            }
            // A round that fails at once is not repeated at once.
            tokio::time::sleep_until(began + Duration::from_secs(2)).await;
        }
    };
    let show = async {
        while writer.borrow().can_write() {
            // An entry may have more lines; if none come for a while it is whole.
            let due = writer.borrow().due();
            tokio::select! {
                () = told.notified() => {}
                () = tokio::time::sleep_until(due) => writer.borrow_mut().late(Instant::now())?,
            }
        }
        Ok::<(), Failure>(())
    };
    tokio::select! {
        ended = read => ended?,
        ended = show => ended?,
        // The ordinary end. What is held back for further lines is shown.
        _ = tokio::signal::ctrl_c() => {
            let end = Instant::now() + WHOLE_AFTER;
            writer.borrow_mut().late(end)?;
            if c.terminal.can_ask() {
                // The terminal has written `^C`.
                let _ = write!(std::io::stderr(), "\r\x1b[2K");
            }
        }
    }
    match writer.into_inner().failed {
        Some(failure) => Err(failure),
        None if has_gone() => Ok(Reply::from(Answer::Nothing)),
        None => Ok(Reply::from(Answer::Nothing).exit(exit::INTERRUPTED)),
    }
}

/// How long an entry waits for further lines.
const WHOLE_AFTER: Duration = Duration::from_millis(400);

/// Writes entries as they become whole.
struct Writer<'a> {
    c: &'a Ctx,
    is_lines: bool,
    with_name: bool,
    wanted: &'a Wanted,
    /// Entries that may have more lines, and when the last one came.
    open: BTreeMap<Name, (Entries, Instant)>,
    /// Why an entry could not be written.
    failed: Option<Failure>,
}

impl Writer<'_> {
    /// Takes what a reader has found. Returns false if nothing can be written any more.
    fn tell(&mut self, install: &str, event: Event) -> bool {
        match event {
            Event::Line { source, text } => {
                if let Err(failure) = self.line((install.to_owned(), source), &text) {
                    self.failed = Some(failure);
                }
            }
            Event::Note(note) => self.c.terminal.warn(&note),
            _ => {}
        }
        self.can_write()
    }

    fn can_write(&self) -> bool {
        self.failed.is_none() && !has_gone()
    }

    fn line(&mut self, name: Name, text: &str) -> Result<(), Failure> {
        let (entries, at) = self
            .open
            .entry(name.clone())
            .or_insert_with(|| (Entries::default(), Instant::now()));
        *at = Instant::now();
        match entries.push(text) {
            Some(line) => self.write(&name, &line),
            None => Ok(()),
        }
    }

    /// When the first entry is whole that is open.
    fn due(&self) -> Instant {
        let first = self.open.values().map(|(_, at)| *at + WHOLE_AFTER).min();
        first.unwrap_or_else(|| Instant::now() + Duration::from_secs(60))
    }

    /// Writes the entries that are whole at a time.
    fn late(&mut self, now: Instant) -> Result<(), Failure> {
        let names: Vec<Name> = self
            .open
            .iter()
            .filter(|(_, (_, at))| *at + WHOLE_AFTER <= now)
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            if let Some((mut entries, _)) = self.open.remove(&name)
                && let Some(line) = entries.finish()
            {
                self.write(&name, &line)?;
            }
        }
        Ok(())
    }

    fn write(&self, name: &Name, line: &Line) -> Result<(), Failure> {
        if !self.wanted.takes(line) {
            return Ok(());
        }
        let text = match self.is_lines {
            true => format!(
                "{}\n",
                crate::output::escaped(&value_of(name, line).to_string())
            ),
            false => text_of(name, line, self.with_name),
        };
        self.c.terminal.clear();
        print(text.as_bytes())?;
        let _ = std::io::stdout().flush();
        Ok(())
    }
}
