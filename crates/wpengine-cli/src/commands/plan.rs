//! Plans of several steps: they are written down before they begin, so that an interrupted one goes on.

use serde_json::json;
use wpengine_fleet::{Action, Candidate, Decision, Outcome, Plan, State, StepEvent};

use super::run;
use crate::{
    command::{Leaf, leaf},
    context::{Ctx, operation_of},
    failure::{Failure, exit},
    flags::{self, Args},
    gate::{self, Gate, Intent},
    output::{Answer, Reply},
    tables,
    target::{Kind, Target, unique},
};

/// The operations that the steps of a plan can send.
pub(super) const CALLS: &[&str] = &[
    "copy_install",
    "create_backup",
    "create_install",
    "delete_install",
    "purge_cache",
    "restore_backup",
    "create_account_user",
    "update_account_user",
    "delete_account_user",
];

pub(super) fn leaves() -> Vec<Leaf> {
    let plan = || {
        flags::one(
            "plan",
            "PLAN",
            "Id of the plan; `wpengine plan list` shows the ids",
        )
    };
    vec![
        leaf("plan list", "List the plans that were begun and have not ended", &[], run!(|c, _a| {
            let fleet = c.fleet()?;
            let mut rows = Vec::new();
            for id in fleet.open_plans().await? {
                let plan = fleet.plan(&id).await?;
                let outcome = fleet.progress(&plan).await?;
                let mut row = json!(plan);
                row["state"] = json!(outcome.state)["state"].clone();
                rows.push(row);
            }
            Ok(Answer::items(rows).into())
        }))
        .table(&tables::PLANS)
        .examples(&["wpengine plan list"]),
        leaf("plan show", "Show the steps of a plan, and how far it is", &[], run!(|c, a| {
            let fleet = c.fleet()?;
            let plan = known(c, a).await?;
            let outcome = fleet.progress(&plan).await?;
            Ok(document(&plan, Some(&outcome)))
        }))
        .arg(plan())
        .table(&tables::STEPS)
        .examples(&["wpengine plan show 20260501-promote-acme"]),
        leaf("plan resume", "Go on with a plan", &[], run!(|c, a| {
            let fleet = c.fleet()?;
            let plan = known(c, a).await?;
            let before = fleet.progress(&plan).await?;
            if before.state == State::Done {
                c.terminal.say("every step of this plan is done");
                return Ok(document(&plan, Some(&before)));
            }
            let targets = touched(c, &plan).await;
            if c.globals.dry_run {
                gate::pass(c, intent(&plan, Some(&before), &targets, "go on with the plan for")).await?;
                return Ok(document(&plan, Some(&before)));
            }
            let decision = match (a.number("done"), a.number("repeat")) {
                (Some(step), _) => Some((step, Decision::Done)),
                (None, Some(step)) => Some((step, Decision::Repeat)),
                (None, None) => None,
            };
            if let Some((step, _)) = decision {
                let open = match &before.state {
                    State::Unknown { step, .. } | State::YourTurn { step } => Some(step + 1),
                    _ => None,
                };
                if open.is_none_or(|open| u64::try_from(open).ok() != Some(step)) {
                    let which = open.map_or("none of its steps does".to_owned(), |open| format!("step {open} does"));
                    return Err(Failure::usage(format!("step {step} needs no decision: {which}")));
                }
            }
            // What is decided stays decided, so it waits for the confirmation.
            refuse_read_only(c)?;
            gate::pass(c, intent(&plan, Some(&before), &targets, "go on with the plan for")).await?;
            if let Some((step, decision)) = decision {
                let step = usize::try_from(step - 1).unwrap_or(usize::MAX);
                if step >= plan.steps.len() {
                    return Err(Failure::usage(format!("the plan has {} steps", plan.steps.len())));
                }
                fleet.decide(&plan, step, decision).await?;
            }
            let outcome = perform(c, &plan).await?;
            finish(c, &plan, outcome)
        }))
        .arg(plan())
        .args([
            flags::value("done", "STEP", "Say that this step was done, by its number").value_parser(clap::value_parser!(u64).range(1..)),
            flags::value("repeat", "STEP", "Say that this step is to be done again, by its number")
                .value_parser(clap::value_parser!(u64).range(1..))
                .conflicts_with("done"),
        ])
        .changes()
        .calls(CALLS)
        .table(&tables::STEPS)
        .details("A step whose response was lost is looked up first. Where that does not tell, look yourself and say it with --done or --repeat.")
        .examples(&["wpengine plan resume PLAN --confirm acme", "wpengine plan resume PLAN --done 3 --confirm acme"]),
        leaf("plan abandon", "Give a plan up", &[], run!(|c, a| {
            let fleet = c.fleet()?;
            let plan = known(c, a).await?;
            fleet.abandon(&plan).await?;
            Ok(Answer::One(json!({ "plan": plan.id, "abandoned": true })).into())
        }))
        .arg(plan())
        .examples(&["wpengine plan abandon PLAN"]),
    ]
}

/// The plan that is meant.
async fn known(c: &Ctx, a: Args<'_>) -> Result<Plan, Failure> {
    let id = a.need("plan");
    let plan = c.fleet()?.plan(&id).await;
    plan.map_err(|error| match error {
        wpengine_fleet::Error::Plan(why) => Failure::not_found(why).next("wpengine plan list"),
        error => error.into(),
    })
}

/// A plan that would change something does not begin where nothing may be changed.
pub(super) fn refuse_read_only(c: &Ctx) -> Result<(), Failure> {
    match c.globals.read_only || c.profile.read_only {
        true => Err(Failure::new(
            exit::CREDENTIALS,
            "read_only",
            "this run is read-only: nothing was sent",
        )),
        false => Ok(()),
    }
}

/// What the library calls these targets.
pub(super) async fn candidates(c: &Ctx, targets: &[Target]) -> Result<Vec<Candidate>, Failure> {
    let mut candidates = Vec::new();
    for target in targets {
        candidates.push(target.candidate(c).await?);
    }
    Ok(candidates)
}

/// The operation behind a step that sends a change.
fn operation(action: &Action) -> Option<&'static str> {
    Some(match action {
        Action::AddPerson { .. } => "create_account_user",
        Action::SetRoles { .. } => "update_account_user",
        Action::RemovePerson { .. } => "delete_account_user",
        Action::CopyInstall { .. } | Action::CopyToNew { .. } => "copy_install",
        Action::CreateBackup { .. } => "create_backup",
        Action::CreateInstall { .. } => "create_install",
        Action::DeleteInstall { .. } => "delete_install",
        Action::PurgeCaches { .. } => "purge_cache",
        Action::RestoreBackup { .. } => "restore_backup",
        _ => return None,
    })
}

/// How a plan is confirmed: as its most dangerous step.
fn gate_of(plan: &Plan) -> Gate {
    let of = |action: &Action| match action {
        // What is overwritten is new and empty.
        Action::CopyToNew { .. } => Gate::Open,
        action => operation(action).map_or(Gate::Open, |id| Gate::of(operation_of(id))),
    };
    plan.steps
        .iter()
        .map(|step| of(&step.action))
        .max()
        .unwrap_or(Gate::Open)
}

/// What the steps of a plan change.
pub(super) async fn touched(c: &Ctx, plan: &Plan) -> Vec<Target> {
    let known = |id: &str| {
        let target = plan.targets.iter().find(|target| target.id == id);
        target.map(|target| {
            let mut made = Target::new(Kind::Install, id, &target.name);
            made.environment.clone_from(&target.environment);
            made
        })
    };
    let mut targets = Vec::new();
    for step in &plan.steps {
        match &step.action {
            Action::CopyInstall { to, .. } => targets.extend(known(to)),
            Action::DeleteInstall { install_id }
            | Action::RestoreBackup { install_id, .. }
            | Action::PurgeCaches { install_id, .. } => {
                targets.extend(known(install_id));
            }
            Action::CreateInstall {
                name, environment, ..
            } => {
                let mut made = Target::new(Kind::Install, format!("new {name}"), name);
                made.environment = Some(environment.clone());
                targets.push(made);
            }
            Action::AddPerson { account_id, .. }
            | Action::SetRoles { account_id, .. }
            | Action::RemovePerson { account_id, .. } => {
                let found = match c.fleet() {
                    Ok(fleet) => fleet
                        .resolve_as(wpengine_fleet::Kind::Account, account_id)
                        .await
                        .ok(),
                    Err(_) => None,
                };
                let name = found.map_or_else(|| account_id.clone(), |found| found.name);
                targets.push(Target::new(Kind::Account, account_id, name));
            }
            _ => {}
        }
    }
    unique(targets)
}

/// A plan as a document, with the state of its steps.
pub(super) fn document(plan: &Plan, outcome: Option<&Outcome>) -> Reply {
    let mut document = json!(plan);
    if let Some(steps) = document["steps"].as_array_mut() {
        for (position, step) in steps.iter_mut().enumerate() {
            step["step"] = json!(position + 1);
            if let Some(state) = outcome.and_then(|outcome| outcome.steps.get(position)) {
                step["is_done"] = json!(state.is_done);
                step["made"] = json!(state.made);
            }
        }
    }
    if let Some(outcome) = outcome {
        document["outcome"] = json!(outcome.state);
        document["outcome_notes"] = json!(outcome.notes);
    }
    Reply::from(Answer::Document(document, "/steps")).table(&tables::STEPS)
}

/// Shows a plan, lets it pass the gate, runs it, and tells how it ended.
pub(super) async fn carry_out(
    c: &Ctx,
    plan: &Plan,
    targets: &[Target],
    what: &str,
) -> Result<Reply, Failure> {
    for note in &plan.notes {
        c.terminal.say(note);
    }
    if plan.steps.is_empty() {
        return Ok(document(plan, None));
    }
    if !c.globals.dry_run {
        refuse_read_only(c)?;
    }
    gate::pass(c, intent(plan, None, targets, what)).await?;
    if c.globals.dry_run {
        let mut reply = document(plan, None);
        if let Answer::Document(value, _) = &mut reply.answer {
            value["dry_run"] = json!(true);
        }
        return Ok(reply);
    }
    let outcome = perform(c, plan).await?;
    finish(c, plan, outcome)
}

fn intent<'a>(
    plan: &Plan,
    outcome: Option<&Outcome>,
    targets: &'a [Target],
    what: &str,
) -> Intent<'a> {
    let is_done = |position: usize| {
        outcome
            .and_then(|outcome| outcome.steps.get(position))
            .is_some_and(|step| step.is_done)
    };
    let steps = plan.steps.iter().enumerate();
    let notes = steps
        .map(|(position, step)| {
            format!(
                "{}. {}{}",
                position + 1,
                step.title,
                if is_done(position) { " (done)" } else { "" }
            )
        })
        .collect();
    Intent {
        gate: gate_of(plan),
        what: what.to_owned(),
        targets,
        notes,
    }
}

/// Runs a plan and tells each step.
pub(super) async fn perform(c: &Ctx, plan: &Plan) -> Result<Outcome, Failure> {
    if c.keeps_state() {
        c.goes_on_with(format!("wpengine plan resume {}", plan.id));
        c.terminal.say(&format!(
            "plan {}; if this is interrupted: wpengine plan resume {}",
            plan.id, plan.id
        ));
    } else {
        c.terminal.warn(
            "there is no folder for the state of plans: an interrupted one cannot be resumed",
        );
    }
    let began = std::time::Instant::now();
    let total = plan.steps.len();
    let title = |step: usize| plan.steps.get(step).map_or("", |step| step.title.as_str());
    let outcome = c
        .fleet()?
        .run_telling(plan, |event| match event {
            StepEvent::Begun { step, title } => c
                .terminal
                .step(&format!("{} of {total}: {title}", step + 1)),
            StepEvent::Waiting { step, status } => c.terminal.step(&format!(
                "{} of {total}: {}; {status} after {} s",
                step + 1,
                title(*step),
                began.elapsed().as_secs()
            )),
            StepEvent::Done { step } => {
                c.terminal
                    .step(&format!("{} of {total}: {}; done", step + 1, title(*step)))
            }
            _ => {}
        })
        .await?;
    c.terminal.clear();
    Ok(outcome)
}

/// How what a promotion overwrote is put back. The database goes back only if it was overwritten.
fn undo(plan: &Plan, outcome: &Outcome) -> Option<String> {
    let copied = plan.steps.iter().find_map(|step| match &step.action {
        Action::CopyInstall { to, database, .. } => Some((to, *database)),
        _ => None,
    });
    let (to, database) = copied?;
    let made = plan
        .steps
        .iter()
        .zip(&outcome.steps)
        .find_map(|(step, state)| match &step.action {
            Action::CreateBackup { install_id, .. } if install_id == to => state.made.as_deref(),
            _ => None,
        });
    let name = plan
        .targets
        .iter()
        .find(|target| &target.id == to)
        .map(|target| target.name.as_str())?;
    let flag = if database { "" } else { " --no-database" };
    Some(format!("wpengine backup restore {} -i {name}{flag}", made?))
}

/// The answer to a plan that was run.
pub(super) fn finish(c: &Ctx, plan: &Plan, outcome: Outcome) -> Result<Reply, Failure> {
    for note in &outcome.notes {
        c.terminal.say(note);
    }
    let step = |step: usize| plan.steps.get(step).map_or("", |step| step.title.as_str());
    let resume = format!("wpengine plan resume {}", plan.id);
    let failure = match &outcome.state {
        State::Done => {
            if let Some(command) = undo(plan, &outcome) {
                c.at_the_end(format!("to go back to what was there before: {command}"));
            }
            return Ok(document(plan, Some(&outcome)));
        }
        State::YourTurn { step } => {
            c.terminal.say(&format!(
                "it is your turn; when your work is done: {resume} --done {}",
                step + 1
            ));
            return Ok(document(plan, Some(&outcome)).exit(exit::RUNNING));
        }
        State::Open { step: at } => Failure::new(
            exit::RUNNING,
            "open",
            format!("step {} is not done yet: {}", at + 1, step(*at)),
        )
        .next(resume),
        State::Failed { step: at, why } => {
            let done = outcome.steps.iter().filter(|step| step.is_done).count();
            // People are independent of one another: what could be done is done.
            let code = match c.tap.last().as_str() {
                // A response was lost, and the step cannot tell whether it was done.
                _ if !c.tap.unknown().is_empty() => exit::UNKNOWN,
                _ if plan.is_independent && done > 0 => exit::PARTLY,
                "401" | "403" => exit::CREDENTIALS,
                "429" | "500" | "502" | "503" | "504" | "not sent" => exit::TEMPORARY,
                _ => exit::FAILED,
            };
            Failure::new(
                code,
                "step_failed",
                format!("step {} failed: {}: {why}", at + 1, step(*at)),
            )
            .next(resume)
        }
        State::Unknown { step: at, why } => Failure::new(
            exit::UNKNOWN,
            "step_unknown",
            format!(
                "nobody knows whether step {} was done: {}: {why}. Look, then say it:",
                at + 1,
                step(*at)
            ),
        )
        .next(format!("{resume} --done {}", at + 1))
        .next(format!("{resume} --repeat {}", at + 1)),
        _ => Failure::new(
            exit::FAILED,
            "plan",
            "the plan is in a state that this program does not know",
        ),
    };
    Err(failure)
}
