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
    /// The fault of its first request.
    pub(super) case: Option<&'a Case>,
    /// The number of the call that created the resource it used.
    pub(super) taken: Option<u64>,
    pub(super) progress: &'a Progress,
    pub(super) result: &'a Made,
}

/// The counts of the soak test.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) calls: u64,
    done: u64,
    pub(super) faulted: u64,
    requests: u64,
    effects: u64,
    /// Writes that were done more than once. Only harmless ones are allowed.
    repeated_effects: u64,
    looks: u64,
    /// Calls that succeeded although a request failed, because the client found that the work was done.
    settled: u64,
    throttled: u64,
    errors: BTreeMap<String, u64>,
    /// Errors of calls that the service answered with a success.
    unreadable: u64,
    /// Errors that say that the request may have been done, and it was.
    happened: u64,
    pub(super) cases: BTreeMap<String, u64>,
    pub(super) operations: BTreeMap<&'static str, u64>,
    /// The requests and writes that the simulator counted in the rounds that have ended.
    logged: (u64, u64),
    /// How often the name of each call must occur in the state of this round's simulator.
    names: BTreeMap<u64, u32>,
    /// Violations of the guarantees.
    pub(super) problems: Vec<String>,
}

/// The maximum number of problems that are recorded.
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

    /// Compares the names in the simulator's state with the expected ones, and starts a new round.
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

    /// Adds the requests of operations and the writes that the simulator counted in a round.
    pub(super) fn logged(&mut self, requests: u64, effects: u64) {
        self.logged.0 += requests;
        self.logged.1 += effects;
    }

    /// Compares the totals with the client's counters and with the number of requests that arrived.
    pub(super) fn compare(&mut self, counters: &Counters, arrived: u64) {
        let failures = self.errors.values().sum::<u64>() - self.unreadable + self.settled;
        // Each additional read is a separate call with one request.
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

    /// Returns a summary in a few lines.
    pub(super) fn summary(&self) -> String {
        let mut told = format!(
            "{} calls of {} operations, {} faulted in {} ways: {} done, {} errors\n\
             {} requests and {} additional reads; {} writes done, {} of them harmless repetitions\n",
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
        let _ = writeln!(told, "  done despite the error: {}", self.happened);
        told
    }
}

/// Returns whether the operation creates a resource that has the number of the call in its name.
fn makes_a_name(operation: &str) -> bool {
    operation.starts_with("create_")
        && ![
            "create_archive",
            "create_domain_sharing_link",
            "create_site_transfer",
        ]
        .contains(&operation)
}

/// Returns whether the client reads existing resources even if no request fails, because the response does not contain
/// the new resource.
fn looks_anyway(operation: &str) -> bool {
    ["create_archive", "create_site_report_schedule"].contains(&operation)
}

/// Returns the problem with the result of a call, if there is one.
fn problem(ended: &Ended<'_>) -> Option<&'static str> {
    let effects = ended.progress.effects;
    let is_safe = ended.operation.retry == Retry::Safe;
    if ended.operation.is_read() && effects > 0 {
        return Some("a read had a side effect");
    }
    if !is_safe && effects > 1 {
        return Some("an operation that is not idempotent was done twice");
    }
    let error = match ended.result {
        Ok(_) if !ended.operation.is_read() && effects == 0 => {
            return Some("the call succeeded, but the operation was not done");
        }
        Ok(_) => return None,
        Err(error) => error,
    };
    if ended.operation.is_read() && error.may_have_happened() {
        return Some("the error of a read says that something may have been done");
    }
    if !error.may_have_happened() && effects > 0 {
        return Some("the operation was done, but the error denies it");
    }
    match ended.case {
        None => Some("the call failed without a fault"),
        Some(case) if is_safe && case.is_transient => {
            Some("an idempotent operation failed after a transient fault")
        }
        Some(case) if case.ends_in != Some(error.kind()) => {
            Some("the error has another kind than the fault causes")
        }
        Some(_) => None,
    }
}
