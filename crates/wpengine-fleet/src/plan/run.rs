//! Running a plan, from the beginning or from where it was.

use std::fs::{File, TryLockError};

use serde::Serialize;
use wpengine::jiff::{SignedDuration, Timestamp};

use super::{
    Action, Plan, Step, Target,
    journal::Entry,
    perform::{Ended, Looked},
};
use crate::{Error, Fleet};

/// How far a plan is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The id of the plan.
    pub plan: String,
    /// The state of the whole plan.
    pub state: State,
    /// The state of each step.
    pub steps: Vec<StepState>,
    /// What is still to be said: what cannot be known, and what comes by mail.
    pub notes: Vec<String>,
}

/// The state of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Every step is done.
    Done,
    /// Nothing stops it: [`Fleet::run`] goes on with this step.
    Open {
        /// The step.
        step: usize,
    },
    /// It is the caller's turn. Tell with [`Fleet::decide`] that the work is done; then [`Fleet::run`] goes on.
    YourTurn {
        /// The step.
        step: usize,
    },
    /// A step failed. [`Fleet::run`] tries it again; if its response was lost, it looks first whether it was done.
    Failed {
        /// The step.
        step: usize,
        /// Why.
        why: String,
    },
    /// Nobody knows whether a step was done. Look, then tell with [`Fleet::decide`].
    Unknown {
        /// The step.
        step: usize,
        /// Why.
        why: String,
    },
}

/// The state of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepState {
    /// What the step does.
    pub title: String,
    /// Whether it is done.
    pub is_done: bool,
    /// The id of what it made.
    pub made: Option<String>,
}

/// What happens while a plan runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepEvent<'a> {
    /// A step begins.
    Begun {
        /// The step.
        step: usize,
        /// What it does.
        title: &'a str,
    },
    /// A step waits for the service.
    Waiting {
        /// The step.
        step: usize,
        /// The status of what it waits for, in the words of the API.
        status: &'a str,
    },
    /// A step is done.
    Done {
        /// The step.
        step: usize,
    },
}

/// Why nobody knows whether a step was done.
const INTERRUPTED: &str = "it was begun, and the program ended before it had a result";

/// Behind an older backup nothing is overwritten.
const BACKUP: SignedDuration = SignedDuration::from_hours(24);

/// Called for each event.
pub(super) type Tell<'t> = &'t mut (dyn FnMut(&StepEvent<'_>) + Send);

/// What to do with a step that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It is done once more.
    Repeat,
    /// It is taken for done.
    Done,
}

impl Fleet {
    /// Runs a plan: from the beginning, or from where it was if it was interrupted.
    ///
    /// Dropping the future is safe: the plan goes on with the next run.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if the plan was changed or given up, if a target is not what it was when the plan was made, if the backup
    /// of the plan is more than a day old, or if another process runs it; [`Error::Api`] if a target cannot be read, and [`Error::File`] if the journal cannot be written. A step that
    /// fails is no error: it is the [`State`] of the outcome.
    pub async fn run(&self, plan: &Plan) -> Result<Outcome, Error> {
        self.run_telling(plan, |_| {}).await
    }

    /// The same, and calls this for each event, for a display of the progress.
    ///
    /// # Errors
    ///
    /// As of [`run`](Self::run).
    pub async fn run_telling(
        &self,
        plan: &Plan,
        mut tell: impl FnMut(&StepEvent<'_>) + Send,
    ) -> Result<Outcome, Error> {
        if !plan.is_intact() {
            return Err(Error::Plan(format!(
                "plan {} was changed since it was made: its digest does not fit",
                plan.id
            )));
        }
        let _lock = self.lock(plan)?;
        self.keep(plan).await?;
        let is_given_up = self.is_ended(&plan.id).await?
            && !matches!(self.progress(plan).await?.state, State::Done);
        if is_given_up {
            return Err(Error::Plan(format!(
                "plan {} was given up: make a new one",
                plan.id
            )));
        }
        let mut made: Vec<Option<String>> = Vec::new();
        let mut stopped = None;
        for (number, step) in plan.steps.iter().enumerate() {
            let needed = step.action.needs().and_then(|step| made.get(step)?.clone());
            match self.advance(plan, number, needed, &mut tell).await? {
                Ok(id) => made.push(id),
                Err(state) if plan.is_independent => {
                    made.push(None);
                    stopped.get_or_insert(state);
                }
                Err(state) => return self.outcome(plan, state).await,
            }
        }
        if let Some(state) = stopped {
            return self.outcome(plan, state).await;
        }
        self.end_plan(&plan.id).await?;
        self.outcome(plan, State::Done).await
    }

    /// Brings a step to its end, from wherever it is: the id of what it made. The inner error is the state in which the plan
    /// stops.
    async fn advance(
        &self,
        plan: &Plan,
        number: usize,
        needed: Option<String>,
        tell: Tell<'_>,
    ) -> Result<Result<Option<String>, State>, Error> {
        let action = &plan.steps[number].action;
        match self.entry(&plan.id, number).await? {
            Some(Entry::Done { made }) => Ok(Ok(made)),
            // Only the caller knows whether the work is done, and an interruption is no answer.
            _ if *action == Action::YourWork => {
                self.enter(&plan.id, number, &Entry::Started).await?;
                Ok(Err(State::YourTurn { step: number }))
            }
            Some(Entry::Unknown { why }) => Ok(Err(State::Unknown { step: number, why })),
            Some(Entry::Started) => match action.look(self).await? {
                Looked::Done(made) => {
                    let entry = Entry::Done { made: made.clone() };
                    self.enter(&plan.id, number, &entry).await?;
                    Ok(Ok(made))
                }
                Looked::NotDone => {
                    if action.is_final() {
                        self.check_targets(&plan.targets).await?;
                        self.check_backup(plan, number).await?;
                    }
                    self.step(plan, number, needed, tell).await
                }
                Looked::Unknown => {
                    let why = INTERRUPTED.to_owned();
                    let entry = Entry::Unknown { why: why.clone() };
                    self.enter(&plan.id, number, &entry).await?;
                    Ok(Err(State::Unknown { step: number, why }))
                }
            },
            None | Some(Entry::Failed { .. }) => {
                // Hours may lie between the first step and the one that cannot be taken back.
                if number == 0 || action.is_final() {
                    self.check_targets(&plan.targets).await?;
                    self.check_backup(plan, number).await?;
                }
                self.step(plan, number, needed, tell).await
            }
        }
    }

    /// Returns how far a plan is, from the journal. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the journal cannot be read.
    pub async fn progress(&self, plan: &Plan) -> Result<Outcome, Error> {
        for (step, of) in plan.steps.iter().enumerate() {
            let state = match self.entry(&plan.id, step).await? {
                Some(Entry::Done { .. }) => continue,
                Some(Entry::Started) if of.action == Action::YourWork => State::YourTurn { step },
                Some(Entry::Failed { why }) => State::Failed { step, why },
                Some(Entry::Unknown { why }) => State::Unknown { step, why },
                Some(Entry::Started) if of.action.is_blind() => State::Unknown {
                    step,
                    why: INTERRUPTED.to_owned(),
                },
                None | Some(Entry::Started) => State::Open { step },
            };
            return self.outcome(plan, state).await;
        }
        self.outcome(plan, State::Done).await
    }

    /// Gives a plan up: it is no longer among the [open plans](Self::open_plans). What was done stays done.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if another process runs it, and [`Error::File`] if the journal cannot be written.
    pub async fn abandon(&self, plan: &Plan) -> Result<(), Error> {
        let _lock = self.lock(plan)?;
        self.end_plan(&plan.id).await
    }

    /// Tells that the work of the caller is done, or what to do with a step of which nobody knows whether it was done.
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if the step is not in this state.
    pub async fn decide(&self, plan: &Plan, step: usize, decision: Decision) -> Result<(), Error> {
        let _lock = self.lock(plan)?;
        let entry = self.entry(&plan.id, step).await?;
        let action = plan.steps.get(step).map(|step| &step.action);
        let is_asked =
            action.is_some_and(|action| *action == Action::YourWork || action.is_blind());
        let is_asked = is_asked || matches!(entry, Some(Entry::Unknown { .. }));
        match entry {
            Some(Entry::Unknown { .. } | Entry::Started) if is_asked => match decision {
                Decision::Repeat => self.forget(&plan.id, step).await,
                Decision::Done => {
                    self.enter(&plan.id, step, &Entry::Done { made: None })
                        .await
                }
            },
            _ => Err(Error::Plan(format!(
                "there is nothing to decide about step {step} of plan {}",
                plan.id
            ))),
        }
    }

    /// Does a step, with its entries in the journal. The inner error is the state in which the plan stops.
    async fn step(
        &self,
        plan: &Plan,
        number: usize,
        needed: Option<String>,
        tell: Tell<'_>,
    ) -> Result<Result<Option<String>, State>, Error> {
        let Step { title, action, .. } = &plan.steps[number];
        self.enter(&plan.id, number, &Entry::Started).await?;
        tell(&StepEvent::Begun {
            step: number,
            title,
        });
        let mut waits = |status: &str| {
            tell(&StepEvent::Waiting {
                step: number,
                status,
            });
        };
        let ended = action.perform(self, needed.as_deref(), &mut waits).await;
        let (entry, result) = match ended {
            Ended::Done(made) => (Entry::Done { made: made.clone() }, Ok(made)),
            Ended::Refused(why) => {
                let entry = Entry::Failed { why: why.clone() };
                (entry, Err(State::Failed { step: number, why }))
            }
            Ended::Failed(error) if error.may_have_happened() => match action.look(self).await {
                Ok(Looked::Done(made)) => (Entry::Done { made: made.clone() }, Ok(made)),
                // It stays started: the next run looks again before it does anything.
                Ok(Looked::NotDone) => {
                    let why = error.to_string();
                    (Entry::Started, Err(State::Failed { step: number, why }))
                }
                Err(_) if !action.is_blind() => {
                    let why = error.to_string();
                    (Entry::Started, Err(State::Failed { step: number, why }))
                }
                Ok(Looked::Unknown) | Err(_) => {
                    let why = error.to_string();
                    let entry = Entry::Unknown { why: why.clone() };
                    (entry, Err(State::Unknown { step: number, why }))
                }
            },
            Ended::Failed(error) => {
                let why = error.to_string();
                let entry = Entry::Failed { why: why.clone() };
                (entry, Err(State::Failed { step: number, why }))
            }
        };
        self.enter(&plan.id, number, &entry).await?;
        if result.is_ok() {
            tell(&StepEvent::Done { step: number });
        }
        Ok(result)
    }

    /// Reads the targets again, and refuses to begin if one is not what it was.
    async fn check_targets(&self, targets: &[Target]) -> Result<(), Error> {
        for target in targets {
            let now = self.target(&target.id).await?;
            if let Some(change) = now.change(target) {
                return Err(Error::Plan(format!(
                    "the install {} is not what it was when the plan was made: {change}; make the plan again",
                    target.name
                )));
            }
        }
        Ok(())
    }

    /// Refuses to overwrite anything behind a backup that is old: the plan was interrupted, and what came since is in none.
    async fn check_backup(&self, plan: &Plan, number: usize) -> Result<(), Error> {
        for (step, of) in plan.steps[..number].iter().enumerate() {
            if !matches!(of.action, Action::WaitForBackup { .. }) {
                continue;
            }
            let Some(at) = self.entered_at(&plan.id, step).await? else {
                continue;
            };
            if Timestamp::now().duration_since(at) > BACKUP {
                return Err(Error::Plan(format!(
                    "the backup of plan {} was completed at {at}, more than a day ago: make the plan again",
                    plan.id
                )));
            }
        }
        Ok(())
    }

    async fn outcome(&self, plan: &Plan, state: State) -> Result<Outcome, Error> {
        let mut steps = Vec::new();
        for (number, step) in plan.steps.iter().enumerate() {
            let entry = self.entry(&plan.id, number).await?;
            let made = match &entry {
                Some(Entry::Done { made }) => made.clone(),
                _ => None,
            };
            steps.push(StepState {
                title: step.title.clone(),
                is_done: matches!(entry, Some(Entry::Done { .. })),
                made,
            });
        }
        Ok(Outcome {
            plan: plan.id.clone(),
            state,
            steps,
            notes: plan.notes.clone(),
        })
    }

    /// One process at a time runs a plan. The lock ends with the process, however it ends.
    fn lock(&self, plan: &Plan) -> Result<File, Error> {
        let path = self.state_folder().join(format!("plan-{}.lock", plan.id));
        let failed = |error: std::io::Error| Error::File {
            path: path.clone(),
            source: error.into(),
        };
        let file = File::create(&path).map_err(failed)?;
        for _ in 0..50 {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                // A process that is just being started holds what this one held, until it runs its own program.
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Err(Error::Plan(format!(
            "plan {} is being run by another process",
            plan.id
        )))
    }
}
