//! The gate: what a change can do decides how it must be confirmed.

use serde_json::{Value, json};
use wpengine::operation::{Effect, Operation, Safety};

use crate::{
    context::Ctx,
    failure::{Failure, exit},
    target::Target,
    terminal::clean,
};

/// How much a change must be confirmed, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gate {
    /// Not at all: it can run in a script.
    Open,
    /// By yes or no, or `--yes`.
    Moderate,
    /// By the name of its target, or `--confirm NAME`.
    Severe,
}

/// More targets than this are confirmed by their number.
const MOST_NAMES: usize = 10;

impl Gate {
    pub(crate) fn of(operation: &Operation) -> Self {
        let of = |effect: &Effect| match effect {
            Effect::Overwrite | Effect::Loss => Self::Severe,
            _ => Self::Moderate,
        };
        let least = match operation.safety {
            Safety::Destructive => Self::Moderate,
            _ => Self::Open,
        };
        operation.effects.iter().map(of).fold(least, Self::max)
    }

    /// With these targets: production, a primary domain and more than one raise it; nothing raises what is open.
    pub(crate) fn with(self, targets: &[Target]) -> Self {
        let raised = targets.len() > 1
            || targets
                .iter()
                .any(|target| target.is_production() || target.is_primary);
        match self {
            Self::Moderate if raised => Self::Severe,
            gate => gate,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "none",
            Self::Moderate => "moderate",
            Self::Severe => "severe",
        }
    }
}

/// What a command is about to do.
pub(crate) struct Intent<'a> {
    pub(crate) gate: Gate,
    /// What it does, such as "delete the install".
    pub(crate) what: String,
    pub(crate) targets: &'a [Target],
    /// What else there is to know.
    pub(crate) notes: Vec<String>,
}

/// Lets a change pass, or asks, or refuses it before anything is sent.
pub(crate) async fn pass(c: &Ctx, intent: Intent<'_>) -> Result<(), Failure> {
    let gate = intent.gate.with(intent.targets);
    if gate == Gate::Open {
        return Ok(());
    }
    protected(c, intent.targets)?;
    let given = confirmed(&c.globals.confirm, intent.targets)?;
    if given || (gate == Gate::Moderate && c.globals.yes) {
        return Ok(());
    }
    if c.globals.dry_run {
        c.terminal.say(&format!(
            "without --dry-run it would ask for a confirmation: {}",
            flags(gate, intent.targets)
        ));
        return Ok(());
    }
    let refused = |why: &str| {
        let flags = flags(gate, intent.targets);
        let message = format!(
            "{}\n{why}. Nothing was sent. To do it without a question, add {flags}",
            question(&intent)
        );
        Failure::new(exit::UNCONFIRMED, "confirmation_required", message)
            .next(with_flags(&c.leaf.line(), &flags))
    };
    if c.globals.no_input || !c.terminal.can_ask() {
        return Err(refused(
            "This needs a confirmation, and nobody can be asked here",
        ));
    }
    let answer = ask(c, gate, &intent).await?;
    let wanted = word(intent.targets);
    let yes = match gate {
        Gate::Severe => answer.as_deref().map(str::trim) == Some(&wanted),
        _ => answer
            .is_some_and(|answer| matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")),
    };
    if yes {
        return Ok(());
    }
    Err(Failure::new(
        exit::UNCONFIRMED,
        "declined",
        "not confirmed: nothing was sent",
    ))
}

/// A command line with more flags: before `--`, behind which there are none.
fn with_flags(line: &str, flags: &str) -> String {
    match line.split_once(" -- ") {
        Some((before, behind)) => format!("{before} {flags} -- {behind}"),
        None => format!("{line} {flags}"),
    }
}

/// Environments that the profile protects.
fn protected(c: &Ctx, targets: &[Target]) -> Result<(), Failure> {
    let is_protected = |environment: &&str| {
        c.profile
            .protect
            .iter()
            .any(|name| name.eq_ignore_ascii_case(environment))
    };
    for target in targets {
        if let Some(environment) = target.environments().find(is_protected)
            && !c.globals.allow_protected
        {
            return Err(Failure::new(
                exit::UNCONFIRMED,
                "protected",
                format!(
                    "{} touches the environment {environment}, which {} protects: nothing was sent; --allow-protected allows it once",
                    target.title(),
                    c.origin,
                ),
            ));
        }
    }
    Ok(())
}

/// Whether `--confirm` names all targets. A wrong name is an error: it means something else than is about to be done.
fn confirmed(given: &[String], targets: &[Target]) -> Result<bool, Failure> {
    if given.is_empty() {
        return Ok(false);
    }
    let wrong = |name: &String| {
        let wanted: Vec<String> = match targets.len() {
            ..=MOST_NAMES => targets.iter().map(|target| target.name.clone()).collect(),
            count => vec![count.to_string()],
        };
        Err(Failure::new(
            exit::UNCONFIRMED,
            "confirmation_required",
            format!("--confirm {name} does not fit what would be changed; nothing was sent. It is"),
        )
        .candidates(wanted))
    };
    let count = targets.len().to_string();
    if targets.len() > 1 && given.iter().all(|name| **name == count) {
        return Ok(true);
    }
    if targets.len() > MOST_NAMES {
        return wrong(&given[0]);
    }
    if let Some(name) = given
        .iter()
        .find(|name| !targets.iter().any(|target| target.name == **name))
    {
        return wrong(name);
    }
    Ok(targets.iter().all(|target| given.contains(&target.name)))
}

/// What is typed to confirm.
fn word(targets: &[Target]) -> String {
    match targets {
        [target] => target.name.clone(),
        targets => targets.len().to_string(),
    }
}

/// The flags that confirm.
fn flags(gate: Gate, targets: &[Target]) -> String {
    if gate == Gate::Moderate {
        return "--yes".to_owned();
    }
    if targets.len() > MOST_NAMES {
        return format!("--confirm {}", targets.len());
    }
    let flags = targets
        .iter()
        .map(|target| format!("--confirm {}", crate::command::quoted(&target.name)));
    flags.collect::<Vec<_>>().join(" ")
}

fn question(intent: &Intent<'_>) -> String {
    let of = match intent.targets {
        [target] => target.title(),
        targets => {
            let mut names: Vec<String> =
                targets.iter().take(MOST_NAMES).map(Target::title).collect();
            if targets.len() > MOST_NAMES {
                names.push(format!("and {} more", targets.len() - MOST_NAMES));
            }
            format!("{} targets: {}", targets.len(), names.join(", "))
        }
    };
    let mut text = format!("{} {of}", intent.what);
    for note in &intent.notes {
        text.push_str(&format!("\n  {note}"));
    }
    text
}

async fn ask(c: &Ctx, gate: Gate, intent: &Intent<'_>) -> Result<Option<String>, Failure> {
    let about = clean(&question(intent));
    let prompt = match (gate, intent.targets) {
        (Gate::Severe, [target]) => {
            format!("{about}\nType the name {} to confirm:", clean(&target.name))
        }
        (Gate::Severe, targets) => format!(
            "{about}\nType the number of targets ({}) to confirm:",
            targets.len()
        ),
        _ => format!("{about}\nGo on? [y/N]"),
    };
    let terminal = std::sync::Arc::clone(&c.terminal);
    // Elsewhere than on this thread, so that Ctrl-C ends the question.
    let asked = tokio::task::spawn_blocking(move || terminal.ask(&prompt)).await;
    asked
        .map_err(|error| Failure::new(exit::FAILED, "input", error.to_string()))?
        .map_err(|error| {
            Failure::new(
                exit::FAILED,
                "input",
                format!("cannot read the answer: {error}"),
            )
        })
}

/// For `commands -o json`.
pub(crate) fn describe(gate: Gate) -> Value {
    json!(gate.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Kind;

    fn install(name: &str, environment: &str) -> Target {
        Target {
            environment: Some(environment.to_owned()),
            ..Target::new(Kind::Install, "id", name)
        }
    }

    #[test]
    fn effects_decide_and_targets_raise() {
        let gate = |id: &str| Gate::of(crate::context::operation_of(id));
        for (id, wanted) in [
            ("delete_install", Gate::Severe),
            ("copy_install", Gate::Severe),
            ("restore_backup", Gate::Severe),
            ("create_site_transfer", Gate::Severe),
            ("delete_domain", Gate::Moderate),
            ("delete_account_user", Gate::Moderate),
            ("cancel_site_transfer", Gate::Moderate),
            ("create_install", Gate::Moderate),
            ("create_account_user", Gate::Moderate),
            ("create_backup", Gate::Open),
            ("purge_cache", Gate::Open),
            ("refresh_install_disk_usage", Gate::Open),
        ] {
            assert_eq!(gate(id), wanted, "{id}");
        }
        let staging = install("a", "staging");
        assert_eq!(
            Gate::Moderate.with(std::slice::from_ref(&staging)),
            Gate::Moderate
        );
        assert_eq!(
            Gate::Moderate.with(&[install("a", "production")]),
            Gate::Severe
        );
        assert_eq!(
            Gate::Moderate.with(&[staging.clone(), staging.clone()]),
            Gate::Severe
        );
        assert_eq!(
            Gate::Open.with(&[install("a", "production"), staging]),
            Gate::Open
        );
    }

    #[test]
    fn a_confirmation_names_every_target_and_nothing_else() {
        let given = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let two = [install("a", "staging"), install("b", "staging")];
        assert!(!confirmed(&[], &two).unwrap());
        assert!(!confirmed(&given(&["a"]), &two).unwrap());
        assert!(confirmed(&given(&["b", "a"]), &two).unwrap());
        assert_eq!(
            confirmed(&given(&["a", "c"]), &two).unwrap_err().exit,
            exit::UNCONFIRMED
        );
        let many: Vec<Target> = (0..11)
            .map(|number| install(&format!("i{number}"), "staging"))
            .collect();
        assert!(confirmed(&given(&["11"]), &many).unwrap());
        assert_eq!(
            confirmed(&given(&["10"]), &many).unwrap_err().exit,
            exit::UNCONFIRMED
        );
        assert_eq!(flags(Gate::Severe, &many), "--confirm 11");
    }
}
