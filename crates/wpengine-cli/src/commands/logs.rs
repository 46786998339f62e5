//! Logs over the gateway.

use std::{collections::BTreeMap, io::Write as _, time::Duration};

use futures_util::{StreamExt as _, future, stream};
use regex_lite::Regex;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use wpengine::jiff::Timestamp;
use wpengine_ssh::{
    Gateway,
    logs::{Entries, Event, Filter, From, Level, Line, Source, merged},
};

use super::run;
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::{Failure, exit},
    flags::{self, Args},
    gateway,
    output::{Answer, Format, Reply, print},
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
            flags::value("source", "PATH", "A file, from the root of the site, instead of those that are found; may be repeated").action(clap::ArgAction::Append),
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

/// The files of an install that are read: those that are written now, and with a time those that they were rotated to.
fn chosen(
    found: wpengine_ssh::logs::Sources,
    named: &[String],
    since: Option<Timestamp>,
) -> Vec<Source> {
    let mut files: Vec<Source> = found
        .files
        .into_iter()
        .filter(|source| match named.is_empty() {
            true => true,
            false => {
                named.contains(&source.path)
                    || source
                        .rotated_from
                        .as_ref()
                        .is_some_and(|base| named.contains(base))
            }
        })
        .filter(|source| match (&source.rotated_from, since) {
            (None, _) => true,
            (Some(_), Some(since)) => source.written.is_none_or(|written| written >= since),
            (Some(_), None) => false,
        })
        .collect();
    files.sort_by_key(|source| source.written);
    files
}

/// The entries that are there now, of one install, and the files.
async fn of_one(
    gateway: &Gateway,
    install: &str,
    named: &[String],
    wanted: &Wanted,
) -> Result<(Vec<(Name, Line)>, Vec<Source>, wpengine_ssh::logs::Logs), Failure> {
    let mut logs = gateway.logs(install);
    let found = logs.sources(named).await?;
    if let Some(path) = found.missing.first() {
        let there = found
            .files
            .iter()
            .map(|source| format!("there is {}", source.path));
        return Err(Failure::not_found(format!("{install} has no log {path}")).candidates(there));
    }
    let files = chosen(found, named, wanted.filter.earliest());
    let lines = wanted.tail.filter(|_| !wanted.filters);
    let contents = logs.read(&files, lines).await?;
    let named: Vec<(Name, String)> = contents
        .into_iter()
        .map(|(source, content)| {
            let path = source.rotated_from.unwrap_or(source.path);
            ((install.to_owned(), path), content)
        })
        .collect();
    let entries = merged(&named, &wanted.filter);
    Ok((entries, files, logs))
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
            Ok((entries, found, mut logs)) => {
                logs.disconnect().await;
                files += found.len();
                if found.is_empty() {
                    c.terminal.say(&format!("{}: no log is there; wp-content/debug.log is written if WP_DEBUG_LOG is on", install.name));
                }
                all.extend(entries);
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
    let code = crate::context::code_of(installs.len() - codes.len(), &codes);
    if c.format == Format::Table && c.globals.output.is_none() && c.globals.columns.is_none() {
        let with_name = installs.len() > 1 || files > 1;
        let text: String = entries
            .iter()
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
        let (entries, found, mut logs) =
            result.map_err(|failure| failure.about(install.title()))?;
        all.extend(entries);
        for source in found.iter().filter(|source| source.rotated_from.is_none()) {
            logs.add(&source.path, From::Size(source.size));
            files += 1;
        }
        logs.disconnect().await;
        readers.push(logs);
    }
    if files == 0 {
        return Err(Failure::not_found(
            "no log is there that could be followed; wp-content/debug.log is written if WP_DEBUG_LOG is on",
        ));
    }
    let with_name = installs.len() > 1 || files > 1;
    let mut writer = Writer {
        is_lines,
        with_name,
        wanted,
        entries: BTreeMap::new(),
    };
    all.sort_by_key(|(_, line)| line.at);
    for (name, line) in last(all, wanted) {
        writer.write(&name, &line)?;
    }
    let (sender, mut receiver) = mpsc::channel::<(String, Event)>(1024);
    let read = async {
        if readers.len() <= LIVE {
            let each = readers.iter_mut().map(|logs| {
                let (sender, install) = (sender.clone(), logs.install().to_owned());
                let queue = Queue(sender);
                async move { logs.follow(|event| queue.put(&install, event)).await }
            });
            return future::try_join_all(each).await.map(drop);
        }
        loop {
            let turns = readers.iter_mut().map(|logs| {
                let (queue, install) = (Queue(sender.clone()), logs.install().to_owned());
                async move { logs.turn(|event| queue.put(&install, event)).await }
            });
            let turns: Vec<_> = stream::iter(turns).buffer_unordered(LIVE).collect().await;
            for turn in turns {
                if let Err(error) = turn {
                    c.terminal.warn(&error.to_string());
                }
            }
        }
    };
    let show = async {
        loop {
            // An entry may have more lines; if none come for a while it is whole.
            match tokio::time::timeout(Duration::from_millis(400), receiver.recv()).await {
                Ok(Some((install, Event::Line { source, text }))) => {
                    writer.line((install, source), &text)?
                }
                Ok(Some((_, Event::Note(note)))) => c.terminal.warn(&note),
                Ok(Some(_)) => {}
                Ok(None) => return Ok::<(), Failure>(()),
                Err(_) => writer.rest()?,
            }
        }
    };
    tokio::select! {
        ended = read => ended?,
        ended = show => ended?,
        // The ordinary end.
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(Reply::from(Answer::Nothing).exit(exit::INTERRUPTED))
}

/// Where readers put what they find. They wait while it is full.
struct Queue(mpsc::Sender<(String, Event)>);

impl Queue {
    fn put(&self, install: &str, event: Event) -> bool {
        let mut next = (install.to_owned(), event);
        loop {
            match self.0.try_send(next) {
                Ok(()) => return true,
                Err(mpsc::error::TrySendError::Closed(_)) => return false,
                Err(mpsc::error::TrySendError::Full(same)) => {
                    next = same;
                    tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(5)));
                }
            }
        }
    }
}

/// Writes entries as they become whole.
struct Writer<'a> {
    is_lines: bool,
    with_name: bool,
    wanted: &'a Wanted,
    entries: BTreeMap<Name, Entries>,
}

impl Writer<'_> {
    fn line(&mut self, name: Name, text: &str) -> Result<(), Failure> {
        let whole = self.entries.entry(name.clone()).or_default().push(text);
        match whole {
            Some(line) => self.write(&name, &line),
            None => Ok(()),
        }
    }

    fn rest(&mut self) -> Result<(), Failure> {
        let rest: Vec<(Name, Line)> = std::mem::take(&mut self.entries)
            .into_iter()
            .filter_map(|(name, mut entries)| Some((name, entries.finish()?)))
            .collect();
        rest.iter()
            .try_for_each(|(name, line)| self.write(name, line))
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
        print(text.as_bytes())?;
        let _ = std::io::stdout().flush();
        Ok(())
    }
}
