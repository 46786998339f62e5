//! The program itself: its version, help, completion, manual and the list of its commands.

use std::path::Path;

use clap::Command;
use serde_json::{Value, json};

use super::{api, doctor, one, run};
use crate::{
    command::{LEAVES, Leaf, leaf, tree},
    context::operation_of,
    failure::Failure,
    flags,
    gate::{self, Gate},
    output::Answer,
    profile::KEYS,
    tables,
};

pub(super) fn leaves() -> Vec<Leaf> {
    vec![
        leaf("version", "Show the version of this program, and of the API that it knows", &[], run!(|c, _a| {
            let version = json!({
                "version": env!("CARGO_PKG_VERSION"),
                "api_version": wpengine::API_VERSION,
                "operations": wpengine::operations().len(),
                "features": doctor::features(),
            });
            match c.format.is_json() {
                true => Ok(one(version)),
                false => Ok(Answer::Text(format!(
                    "wpengine {}, API {}, {} operations, features: {}\n",
                    env!("CARGO_PKG_VERSION"), wpengine::API_VERSION, wpengine::operations().len(), doctor::features().join(", "),
                )).into()),
            }
        }))
        .local()
        .examples(&["wpengine version -o json"]),
        leaf("commands", "List all commands, for programs and people", &[], run!(|c, _a| {
            let _ = c;
            Ok(Answer::items(LEAVES.iter().map(describe).collect()).into())
        }))
        .local()
        .table(&tables::COMMANDS)
        .examples(&["wpengine commands", "wpengine commands -o json --jq '.[] | select(.class != \"read\") | .command'"]),
        leaf("completion", "Print the completion for a shell", &[], run!(|_c, a| {
            let shell = a.need("shell");
            let mut script = Vec::new();
            let shells = clap_complete::env::Shells::builtins();
            let known = shells.completer(&shell).ok_or_else(|| Failure::usage(format!("no completion for {shell}")))?;
            known
                .write_registration("COMPLETE", "wpengine", "wpengine", "wpengine", &mut script)
                .map_err(|error| Failure::new(crate::failure::exit::FAILED, "output", error.to_string()))?;
            Ok(Answer::Text(String::from_utf8_lossy(&script).into_owned()).into())
        }))
        .arg(flags::one("shell", "SHELL", "Shell: bash, zsh, fish, elvish or powershell").value_parser(["bash", "zsh", "fish", "elvish", "powershell"]))
        .local()
        .details("Names of accounts, sites, installs and domains come from the mirror on this machine; nothing is sent. Load it when the shell starts, so that it fits the program:\n  bash: source <(wpengine completion bash)\n  zsh:  source <(wpengine completion zsh)\n  fish: wpengine completion fish | source")
        .examples(&["source <(wpengine completion bash)"]),
        leaf("man", "Print the manual page, or write all pages to a folder", &[], run!(|_c, a| {
            match a.text("dir") {
                None => {
                    let mut page = Vec::new();
                    let render = clap_mangen::Man::new(tree()).render(&mut page);
                    render.map_err(|error| Failure::new(crate::failure::exit::FAILED, "output", error.to_string()))?;
                    Ok(Answer::Text(String::from_utf8_lossy(&page).into_owned()).into())
                }
                Some(folder) => {
                    let folder = Path::new(&folder);
                    std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
                    let mut root = tree().disable_help_flag(true);
                    root.build();
                    clap_mangen::generate_to(root, folder).map_err(|error| Failure::file(folder, &error))?;
                    Ok(one(json!({ "folder": folder })))
                }
            }
        }))
        .arg(flags::value("dir", "FOLDER", "Write a page for each command to this folder").value_hint(clap::ValueHint::DirPath))
        .local()
        .examples(&["wpengine man | man -l -", "wpengine man --dir ~/.local/share/man/man1"]),
        leaf("help", "Explain a command or a topic", &[], run!(|_c, a| {
            let words = a.all("words");
            if let [topic] = words.as_slice()
                && let Some((_, text)) = TOPICS.iter().find(|(name, _)| name == topic)
            {
                return Ok(Answer::Text(text()).into());
            }
            let mut command = tree();
            command.build();
            let mut at: &mut Command = &mut command;
            for word in &words {
                at = at.find_subcommand_mut(word).ok_or_else(|| {
                    let topics = TOPICS.iter().map(|(name, _)| (*name).to_owned());
                    Failure::usage(format!("there is no command and no topic `{}`; the topics are", words.join(" "))).candidates(topics)
                })?;
            }
            Ok(Answer::Text(at.render_long_help().to_string()).into())
        }))
        .arg(flags::many("words", "TOPIC", "Command or topic: environment, exit-codes, names, output, rate-limits, safety"))
        .local()
        .examples(&["wpengine help safety", "wpengine help backup create"]),
    ]
}

/// One command, for programs.
fn describe(leaf: &Leaf) -> Value {
    let own: Vec<_> = leaf.operations.iter().map(|id| operation_of(id)).collect();
    let mut effects: Vec<String> = own
        .iter()
        .flat_map(|operation| api::effects_of(operation))
        .collect();
    effects.sort();
    effects.dedup();
    let order = |class: &str| {
        ["read", "write", "destructive"]
            .iter()
            .position(|known| *known == class)
    };
    let calls = leaf.calls.iter().map(|id| operation_of(id));
    let class = match own.is_empty() {
        false => own
            .iter()
            .map(|operation| api::class_of(operation))
            .max_by_key(|class| order(class)),
        true => calls.map(api::class_of).max_by_key(|class| order(class)),
    };
    let args = leaf.args.iter().map(|arg| json!({
        "name": arg.get_id().as_str(),
        "flag": arg.get_long().map(|long| format!("--{long}")),
        "required": arg.is_required_set(),
        "values": arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect::<Vec<_>>(),
        "help": arg.get_help().map(ToString::to_string),
    }));
    let gate = match leaf.path.as_slice() {
        ["api"] => json!("by operation"),
        _ => gate::describe(leaf.gate()),
    };
    json!({
        "command": leaf.path.join(" "),
        "about": leaf.about,
        "class": class.unwrap_or("read"),
        "effects": effects,
        "confirmation": gate,
        "operations": leaf.operations,
        "calls": leaf.all_calls(),
        "dry_run": leaf.is_write(),
        "arguments": args.collect::<Vec<_>>(),
        "rows": leaf.table.map(|table| table.noun),
        "columns": leaf.table.map(|table| table.columns.iter().map(|column| column.id).collect::<Vec<_>>()).unwrap_or_default(),
        "examples": leaf.examples,
    })
}

/// A topic of the help: its name and its text.
type Topic = (&'static str, fn() -> String);

const TOPICS: [Topic; 6] = [
    ("environment", environment),
    ("exit-codes", || EXIT_CODES.to_owned()),
    ("names", || NAMES.to_owned()),
    ("output", || OUTPUT.to_owned()),
    ("rate-limits", || RATE_LIMITS.to_owned()),
    ("safety", safety),
];

fn environment() -> String {
    let mut text = String::from(ENVIRONMENT);
    text.push_str("\nSettings of a profile, in config.toml (wpengine config set KEY VALUE):\n");
    for (key, about) in KEYS {
        text.push_str(&format!("  {key:<12} {about}\n"));
    }
    text
}

const ENVIRONMENT: &str = "\
Credentials, the first that is there:
  --profile NAME           a profile of config.toml
  WPE_API_USER_ID          API user id, with WPE_API_PASSWORD; also WPE_USERNAME and WPE_PASSWORD,
                           WP_ENGINE_API_USERNAME and WP_ENGINE_API_PASSWORD, WPENGINE_USER_ID and WPENGINE_PASSWORD
  WPENGINE_PROFILE         name of a profile; together with the above it is an error
  default_profile          of config.toml
The settings of a profile, such as read_only and protect, hold for its own credentials only, not for those of the environment.

Other variables:
  WPE_API_BASE_URL         base URL that belongs to the credentials of the environment
  WPENGINE_OUTPUT          output format
  WPENGINE_NOTIFY          e-mail addresses that are told about backups, copies and restores, with commas between them
  WPENGINE_RATE_LIMITS     `off`, or the limits of another service such as 100/1s
  WPENGINE_CONFIG_DIR      folder of config.toml and credentials.toml
  WPENGINE_CACHE_DIR       folder of the mirror and of the rate limits
  WPENGINE_STATE_DIR       folder of plans, history, the audit log and accepted host keys
  WPENGINE_SSH_CONFIG      configuration of ssh to include instead of ~/.ssh/config
  WPENGINE_SSH_HOST_KEY    fingerprint of the gateway's host key that is accepted
  WPENGINE_GIT_HOST_KEY    fingerprint of the host key of git.wpengine.com that is accepted
  WPENGINE_SSH_USER        name to sign in with, instead of the install's
  WPENGINE_CHECK_URL       page that must work after a deployment; {install} stands for the name of the install
  WPENGINE_EVENTS_CONFIG   file of settings of `wpengine events run`
  XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME   where those folders are by default
  NO_COLOR, CLICOLOR_FORCE colours off, colours on
  CI                       nobody is asked
";

const EXIT_CODES: &str = "   0  done and complete
   1  refused by the service, or another failure
   2  a mistake in the arguments, or a rule broken before anything was sent
   3  not found, or ambiguous
   4  credentials missing, refused or without the right, or read-only
   5  a confirmation is needed, or was declined
   6  a check found something
   7  some of many failed, or something could not be read
   8  still running when the wait ended
   9  unknown: a change was sent and its response was lost. Look before you repeat it
  10  temporary: limits, connection, an error of the service. The same command may work later
 130  interrupted
";

const NAMES: &str = "\
An account is named by its id, name or nickname; a site by its id or name; an install by its id, its name, SITE/ENVIRONMENT
such as 'Torque Magazine/production', or one of its domains. A person is an e-mail address or an id, an SSH key its comment,
fingerprint or id, a domain its name or id. `latest` is the newest completed backup or archive.

The API cannot look up names. They are looked up in a mirror on this machine, which is read again when it does not know a
name. A change reads its target again before it touches it, and refuses if its name is another one by now. Several things
with one name are an error with all of them. An install is never deleted by a domain.

Many commands take several installs, or a selection instead of names: --account, --site, --environment, --match 'shop*',
--php, --status, or --all. No name and no selection is an error, never all.
";

const OUTPUT: &str = "\
Standard output is the answer; everything else is on standard error.

  -o table   for people; it fits the terminal: columns are cut or left out. Elsewhere it is whole
  -o wide    more columns
  -o json    what the API answered, with all fields; one array of a list. Nothing if the list is not complete
  -o jsonl   one item a line, as they come; the exit code says whether it is whole
  -o csv     comma-separated, with ids of columns as header
  -o tsv     tab-separated
  -o name    names alone, one a line
  -q FILTER  a filter in jq's language; texts are printed raw

In JSON a list is an array, one thing an object. What is said of a whole fleet is an object whose rows are in `data` (`.data[]`;
of `fleet health` in `.data.findings[]`), with what could not be read in `failures`. The same done to several targets is an object
with `results`, to one target the answer itself.

--columns name,php chooses columns, --columns +created adds one. --sort -visits sorts downwards. --limit 10 shows ten.
Times are relative on a terminal and RFC 3339 elsewhere; --time utc, local or relative decides. A GB is 2³⁰
bytes, as in the plans; CSV has bytes. A storage figure that was not measured lately is `stale`. Errors are text, or one JSON object on standard error with -o json.
";

const RATE_LIMITS: &str = "\
The API allows 100 requests a minute for each IP address and 1000 an hour for each account. All runs of this program on this machine
share these limits through a file, so a loop in a shell or xargs -P8 stays within them: a request waits for its turn, and the
wait is said. --rate-limit-wait says how long at most.

Several machines share the limits through Redis: wpengine config set redis redis://redis.internal:6379
A simulator on this machine is not limited; WPENGINE_RATE_LIMITS=100/1s limits it too.
";

fn safety() -> String {
    let commands = |wanted: Gate| {
        let names = LEAVES
            .iter()
            .filter(|leaf| leaf.is_write() && leaf.path != ["api"] && leaf.gate() == wanted)
            .map(|leaf| leaf.path.join(" "));
        let names: Vec<String> = names.collect();
        names.join(", ")
    };
    format!(
        "\
What a change can do decides how it is confirmed. A confirmation that is missing ends with 5, and nothing is sent.

severe: it overwrites or deletes something. Type the name of its target, or give --confirm NAME, once for each target;
more than ten targets are confirmed by their number.
  {}

moderate: it changes who has access, what visitors see, or what is paid. Answer y, or give --yes. Production, a primary
domain and more than one target make it severe.
  {}

without a question:
  {}

What `wp` and `ssh` do on an install is not known here: nothing is asked, and --read-only refuses them.

--dry-run looks up names, prints what would be sent, and sends no change. --read-only refuses every change. A profile can be
read_only, or protect environments: wpengine config set protect production. Every change is written to an audit log without
its content: wpengine config path.
",
        commands(Gate::Severe),
        commands(Gate::Moderate),
        commands(Gate::Open)
    )
}
