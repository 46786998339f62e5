//! The commands as data: one leaf each, from which the parser, the help, the completion, the gate and the lists for programs are made.

use std::sync::LazyLock;

use clap::{Arg, Command};
use futures_util::future::LocalBoxFuture;
use wpengine::operation::Operation;

use crate::{
    commands,
    context::{Ctx, operation_of},
    failure::Failure,
    flags::{self, Args},
    gate::Gate,
    output::{Reply, Table},
};

/// What a command does.
pub(crate) type Run = for<'a> fn(&'a Ctx, Args<'a>) -> LocalBoxFuture<'a, Result<Reply, Failure>>;

/// One command.
pub(crate) struct Leaf {
    /// Its words, such as `install list`.
    pub(crate) path: Vec<&'static str>,
    pub(crate) about: &'static str,
    /// The operations that it is the command for. Each operation has one command.
    pub(crate) operations: &'static [&'static str],
    /// Other operations that it may call.
    pub(crate) calls: &'static [&'static str],
    pub(crate) args: Vec<Arg>,
    pub(crate) table: Option<&'static Table>,
    pub(crate) details: &'static str,
    pub(crate) examples: &'static [&'static str],
    /// Whether it needs the service, and so credentials.
    pub(crate) is_api: bool,
    /// Whether it changes something by more than its own operations say.
    changes: bool,
    /// How it is confirmed, if its operations do not say it.
    gate: Option<Gate>,
    pub(crate) run: Run,
}

pub(crate) fn leaf(
    path: &'static str,
    about: &'static str,
    operations: &'static [&'static str],
    run: Run,
) -> Leaf {
    Leaf {
        path: path.split(' ').collect(),
        about,
        operations,
        calls: &[],
        args: Vec::new(),
        table: None,
        details: "",
        examples: &[],
        is_api: true,
        changes: false,
        gate: None,
        run,
    }
}

impl Leaf {
    pub(crate) fn arg(mut self, arg: Arg) -> Self {
        self.args.push(arg);
        self
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = Arg>) -> Self {
        self.args.extend(args);
        self
    }

    pub(crate) fn table(mut self, table: &'static Table) -> Self {
        self.table = Some(table);
        self
    }

    pub(crate) fn calls(mut self, calls: &'static [&'static str]) -> Self {
        self.calls = calls;
        self
    }

    pub(crate) fn details(mut self, details: &'static str) -> Self {
        self.details = details;
        self
    }

    pub(crate) fn examples(mut self, examples: &'static [&'static str]) -> Self {
        self.examples = examples;
        self
    }

    /// It needs no service.
    pub(crate) fn local(mut self) -> Self {
        self.is_api = false;
        self
    }

    /// It changes something by calls that are not its own.
    pub(crate) fn changes(mut self) -> Self {
        self.changes = true;
        self
    }

    /// It is confirmed in this way, although it calls operations that could do more.
    pub(crate) fn gated(mut self, gate: Gate) -> Self {
        self.gate = Some(gate);
        self
    }

    /// Whether it changes something at the service.
    pub(crate) fn is_write(&self) -> bool {
        self.changes || self.own().any(|operation| !operation.is_read())
    }

    fn own(&self) -> impl Iterator<Item = &'static Operation> {
        self.operations.iter().map(|id| operation_of(id))
    }

    /// All operations that it may call beside its own: also those that look names up, and read targets again before a change.
    pub(crate) fn all_calls(&self) -> Vec<&'static str> {
        let takes = |names: &[&str]| {
            self.args
                .iter()
                .any(|arg| names.contains(&arg.get_id().as_str()))
        };
        let mut calls = self.calls.to_vec();
        let kinds = [
            (takes(&["account", "accounts", "to"]), "get_account"),
            (takes(&["site", "to-site"]), "get_site"),
            (takes(&["install", "from", "to", "first"]), "get_install"),
        ];
        if self.is_api && kinds.iter().any(|(takes, _)| *takes) {
            calls.extend(["list_accounts", "list_sites", "list_installs"]);
            if self.is_write() {
                calls.extend(
                    kinds
                        .iter()
                        .filter(|(takes, _)| *takes)
                        .map(|(_, again)| *again),
                );
                // A domain can name an install.
                calls.extend(takes(&["install"]).then_some("list_domains"));
            }
        }
        calls.sort_unstable();
        calls.dedup();
        calls
    }

    /// How its own operations are confirmed, before the target is known.
    pub(crate) fn gate(&self) -> Gate {
        let of_calls = self
            .calls
            .iter()
            .filter(|_| self.changes)
            .map(|id| operation_of(id));
        let of_operations = self.own().chain(of_calls).map(Gate::of).max();
        self.gate.or(of_operations).unwrap_or(Gate::Open)
    }

    /// As it was typed, without the values that may be secret.
    pub(crate) fn line(&self) -> String {
        let mut line = String::from("wpengine");
        let (mut may_be_secret, mut is_confirmation) = (false, false);
        for word in words().iter().skip(1) {
            let name = word.split_once('=').map(|(name, _)| name);
            // What was confirmed wrongly is not said again.
            let skipped = std::mem::replace(&mut is_confirmation, word == "--confirm")
                || word == "--confirm"
                || name == Some("--confirm");
            let shown = match name {
                Some(name) if may_be_secret => format!("{name}=..."),
                None if may_be_secret => "...".to_owned(),
                Some(flag) if SECRET.contains(&flag) => format!("{flag}=..."),
                _ => word.clone(),
            };
            may_be_secret = SECRET.contains(&word.as_str());
            if !skipped {
                line.push(' ');
                line.push_str(&quoted(&shown));
            }
        }
        line
    }

    fn command(&self) -> Command {
        let name = self.path.last().copied().unwrap_or_default();
        let mut command = Command::new(name).about(self.about).args(self.args.clone());
        if self.is_write() {
            command = command.args(flags::of_a_change());
        }
        let mut after = String::new();
        if !self.examples.is_empty() {
            after.push_str("Examples:\n");
            for example in self.examples {
                after.push_str(&format!("  {example}\n"));
            }
        }
        if let Some(table) = self.table
            && !table.columns.is_empty()
        {
            let (wide, default): (Vec<_>, Vec<_>) =
                table.columns.iter().partition(|column| column.wide);
            let names = |columns: Vec<&crate::output::Column>| {
                columns
                    .iter()
                    .map(|column| column.id)
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            after.push_str(&format!("\nColumns: {}\n", names(default)));
            if !wide.is_empty() {
                after.push_str(&format!("More in `-o wide`: {}\n", names(wide)));
            }
        }
        for operation in self.own() {
            after.push_str(&format!("\nOperation: {} ({operation})", operation.id));
        }
        if self.is_write() {
            after.push_str(match self.gate() {
                Gate::Open => "\nConfirmation: none",
                Gate::Moderate => "\nConfirmation: y/N or --yes; production, a primary domain or several targets: by name or --confirm NAME",
                Gate::Severe => "\nConfirmation: the name of the target, or --confirm NAME",
            });
        }
        if !self.details.is_empty() {
            command = command.long_about(format!("{}\n\n{}", self.about, self.details));
        }
        command.after_help(after.trim().to_owned())
    }
}

/// Flags of `api` whose values may be secret.
const SECRET: [&str; 6] = ["-f", "--raw-field", "-F", "--field", "-H", "--header"];

/// The words of the command line. A word that is no text is shown as near to it as can be.
pub(crate) fn words() -> Vec<String> {
    std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// A word as it can be typed in a shell.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./=,:@%+".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// All commands.
pub(crate) static LEAVES: LazyLock<Vec<Leaf>> = LazyLock::new(commands::all);

/// What the nouns are.
const NOUNS: [(&str, &str); 25] = [
    ("account", "Accounts and their plan limits"),
    ("api", "Any request, and the operations of the API"),
    ("archive", "Archives of backups, to download"),
    ("auth", "Credentials: store, show and remove them"),
    ("backup", "Backups: create, wait, restore"),
    ("cache", "Caches of installs"),
    ("certificate", "TLS certificates"),
    ("config", "Settings and profiles"),
    ("deploy", "Deployments over the SSH gateway, or by git push"),
    ("domain", "Domains of installs, and their DNS"),
    (
        "events",
        "What changed, when: listed, followed, delivered as webhooks",
    ),
    (
        "fleet",
        "The whole fleet: audits, usage, reports, changes, SQL",
    ),
    ("install", "Installs: one environment each"),
    ("offload", "Offloading of files to object storage"),
    ("plan", "Plans of several steps that were begun"),
    ("schedule", "Schedules of site reports"),
    ("section", "Sections of site reports"),
    (
        "sim",
        "A simulator of the API, to try everything without an account",
    ),
    ("site", "Sites: up to three installs each"),
    ("site-report", "Reports on sites, and their schedules"),
    ("ssh-key", "SSH keys of the user"),
    ("template", "Templates of site reports"),
    ("transfer", "Transfers of sites to other accounts"),
    ("usage", "Visits, bandwidth and storage"),
    ("user", "People with access to accounts"),
];

const ROOT_HELP: &str = "\
Try it without an account:
  wpengine sim run -- wpengine install list

Begin with an account:
  wpengine auth login
  wpengine install list
  wpengine backup create torquemag -m 'before the update' --notify you@example.com --wait

wpengine help TOPIC explains: environment, exit-codes, names, output, rate-limits, safety";

/// The parser.
pub(crate) fn tree() -> Command {
    let mut root = Command::new("wpengine")
        .version(env!("CARGO_PKG_VERSION"))
        .about("The WP Engine Customer API on the command line: installs, backups, domains, people, usage, and whole fleets")
        .after_help(ROOT_HELP)
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(flags::globals());
    for leaf in LEAVES.iter() {
        root = insert(root, &leaf.path, leaf);
    }
    root
}

fn insert(parent: Command, path: &[&'static str], leaf: &Leaf) -> Command {
    match path {
        [] => parent,
        [_] => parent.subcommand(leaf.command()),
        [noun, rest @ ..] => {
            if parent.find_subcommand(noun).is_some() {
                // `api` is a command and has commands.
                return parent.mut_subcommand(noun, |command| {
                    insert(command, rest, leaf).subcommand_negates_reqs(true)
                });
            }
            let about = NOUNS
                .iter()
                .find(|(name, _)| name == noun)
                .map_or("", |(_, about)| about);
            let command = Command::new(*noun)
                .about(about)
                .disable_help_subcommand(true)
                .subcommand_required(true)
                .arg_required_else_help(true);
            parent.subcommand(insert(command, rest, leaf))
        }
    }
}

/// The command with these words.
pub(crate) fn find(path: &[&str]) -> Option<&'static Leaf> {
    LEAVES.iter().find(|leaf| leaf.path == path)
}
