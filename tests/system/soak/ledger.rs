//! The records of the soak test: the result of each call, whether it is allowed, and the counts of results.

use std::{collections::BTreeMap, fmt::Write};

use wpengine::{
    Counters, ErrorKind,
    operation::{Operation, Retry},
};

use super::{calls::Made, cases::Case, wire::Progress};

/// A call that has ended.
pub(super) struct Ended<'a> {
    pub(super) number: u64,
    pub(super) operation: &'static Operation,
    /// What went wrong with its first request.
    pub(super) case: Option<&'a Case>,
    /// The number of the call whose thing it took.
    pub(super) taken: Option<u64>,
    pub(super) progress: &'a Progress,
    pub(super) result: &'a Made,
}

/// How much there was of everything.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) calls: u64,
    done: u64,
    pub(super) faulted: u64,
    requests: u64,
    effects: u64,
    /// Writes that were done more often than they were asked for. Harmless ones: of others there must be none.
    repeated_effects: u64,
    looks: u64,
    /// Calls whose failure turned out to be none.
    settled: u64,
    throttled: u64,
    errors: BTreeMap<String, u64>,
    /// Errors of calls that the service had answered with a success.
    unreadable: u64,
    /// Errors that say that what was asked may have happened, and it had.
    happened: u64,
    pub(super) cases: BTreeMap<String, u64>,
    pub(super) operations: BTreeMap<&'static str, u64>,
    /// What the simulator has counted in the rounds that are over.
    logged: (u64, u64),
    /// How often the name of each call must be in the world of this round.
    names: BTreeMap<u64, u32>,
    /// What is not as promised.
    pub(super) problems: Vec<String>,
}

/// More are no news.
const MOST_PROBLEMS: usize = 20;

impl Ledger {
    pub(super) fn enter(&mut self, ended: &Ended<'_>) {
        let Ended {
            number,
            operation,
            case,
            taken,
            progress,
            result,
        } = *ended;
        self.calls += 1;
        self.requests += progress.requests;
        self.looks += progress.looks;
        self.effects += progress.effects;
        *self.operations.entry(operation.id).or_default() += 1;
        if let Some(case) = case {
            self.faulted += 1;
            self.throttled += u64::from(case.is_throttle);
            *self.cases.entry(case.name.clone()).or_default() += 1;
        }
        match result {
            Ok(_) => {
                self.done += 1;
                self.settled += u64::from(progress.looks > 0 && !looks_anyway(operation.id));
            }
            Err(error) => {
                let maybe = if error.may_have_happened() {
                    ", may have happened"
                } else {
                    ""
                };
                let told = format!("{:?}{maybe}", error.kind());
                *self.errors.entry(told).or_default() += 1;
                self.unreadable += u64::from(error.kind() == ErrorKind::Decode);
                self.happened += u64::from(progress.effects > 0);
            }
        }
        if operation.retry == Retry::Safe {
            self.repeated_effects += progress.effects.saturating_sub(1);
        }
        if progress.effects > 0 {
            match taken {
                Some(taken) if operation.method == http::Method::DELETE => {
                    self.names.remove(&taken);
                }
                _ if makes_a_name(operation.id) => {
                    self.names.insert(number, 1);
                }
                _ => {}
            }
        }
        if let Some(problem) = problem(ended) {
            let case = case.map_or("no fault", |case| &case.name);
            self.complain(format!(
                "call {number}, {}, {case}, {} requests, {} effects, {result}: {problem}",
                operation.id,
                progress.requests,
                progress.effects,
                result = match result {
                    Ok(_) => "done".to_owned(),
                    Err(error) => error.to_string(),
                }
            ));
        }
    }

    pub(super) fn complain(&mut self, problem: String) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// Compares the names that are in the world with those that must be, and begins anew.
    pub(super) fn close_round(&mut self, mut found: BTreeMap<u64, u32>) {
        for (number, expected) in std::mem::take(&mut self.names) {
            let found = found.remove(&number).unwrap_or_default();
            if found != expected {
                self.complain(format!(
                    "call {number} was done, and is there {found} times"
                ));
            }
        }
        for (number, found) in found {
            self.complain(format!(
                "call {number} was not done or undone, and is there {found} times"
            ));
        }
    }

    /// What the simulator has counted in a round: requests of operations, and writes.
    pub(super) fn logged(&mut self, requests: u64, effects: u64) {
        self.logged.0 += requests;
        self.logged.1 += effects;
    }

    /// Compares the sums with what the client counts and with how many requests arrived.
    pub(super) fn compare(&mut self, counters: &Counters, arrived: u64) {
        let failures = self.errors.values().sum::<u64>() - self.unreadable + self.settled;
        // Each look is a call of its own, of one request.
        for (what, counted, expected) in [
            ("calls", counters.calls, self.calls + self.looks),
            ("attempts", counters.attempts, self.requests + self.looks),
            ("failures", counters.failures, failures),
            ("throttled", counters.throttled, self.throttled),
            ("arrivals", arrived, self.requests + self.looks),
            ("logged", self.logged.0, self.requests + self.looks),
            ("side effects", self.logged.1, self.effects),
        ] {
            if counted != expected {
                self.complain(format!(
                    "{what}: {counted} counted, {expected} accounted for"
                ));
            }
        }
        let ended = self.done + self.errors.values().sum::<u64>();
        if ended != self.calls {
            self.complain(format!("{} calls, {ended} have ended", self.calls));
        }
    }

    /// Everything in a few lines.
    pub(super) fn summary(&self) -> String {
        let mut told = format!(
            "{} calls of {} operations, {} faulted in {} ways: {} done, {} errors\n\
             {} requests and {} looks; {} writes done, {} of them harmless repetitions\n",
            self.calls,
            self.operations.len(),
            self.faulted,
            self.cases.len(),
            self.done,
            self.calls - self.done,
            self.requests,
            self.looks,
            self.effects,
            self.repeated_effects,
        );
        for (error, count) in &self.errors {
            let _ = writeln!(told, "  {error}: {count}");
        }
        let _ = writeln!(told, "  of those it had happened: {}", self.happened);
        told
    }
}

/// Whether something is left behind with the number of the call in its name.
fn makes_a_name(operation: &str) -> bool {
    operation.starts_with("create_")
        && ![
            "create_archive",
            "create_domain_sharing_link",
            "create_site_transfer",
        ]
        .contains(&operation)
}

/// Whether the client looks at what there is even if nothing goes wrong: what was made is found by that.
fn looks_anyway(operation: &str) -> bool {
    ["create_archive", "create_site_report_schedule"].contains(&operation)
}

/// What is wrong with how a call ended, if anything is.
fn problem(ended: &Ended<'_>) -> Option<&'static str> {
    let effects = ended.progress.effects;
    let is_safe = ended.operation.retry == Retry::Safe;
    if ended.operation.is_read() && effects > 0 {
        return Some("it reads, and something was written");
    }
    if !is_safe && effects > 1 {
        return Some("it must not be done twice");
    }
    let error = match ended.result {
        Ok(_) if !ended.operation.is_read() && effects == 0 => {
            return Some("it is said to be done, and was not");
        }
        Ok(_) => return None,
        Err(error) => error,
    };
    if ended.operation.is_read() && error.may_have_happened() {
        return Some("it reads, and is said to have done something");
    }
    if !error.may_have_happened() && effects > 0 {
        return Some("it was done, and is said not to be");
    }
    match ended.case {
        None => Some("it fails although nothing went wrong"),
        Some(case) if is_safe && case.is_transient => {
            Some("it is safe to repeat, and fails although trying again helps")
        }
        Some(case) if case.ends_in != Some(error.kind()) => {
            Some("it fails in another way than its fault leads to")
        }
        Some(_) => None,
    }
}
