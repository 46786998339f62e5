//! Compares the simulator with a model: after a random sequence of operations, both must have the same state.
//!
//! The model is small, uses plain maps and shares no code with the simulator. It follows the rules of the API's
//! documentation. If a sequence ends differently, proptest shortens it before it is printed.

#![allow(clippy::unwrap_used)]

mod api;
mod compare;
mod model;
mod run;
mod step;

use std::cell::Cell;
use std::io::Write as _;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::api::Api;
use crate::model::Model;

/// The minimum number of operations in a run.
const OPERATIONS: usize = 10_000;
/// The number of sequences in a run.
const SEQUENCES: u32 = 100;
/// The number of operations between two full comparisons.
const COMPARED_EVERY: usize = 10;

/// The seed of this run. It is fixed by default, so that a build does not fail because of an unrelated change. Set
/// `WPENGINE_MODEL_SEED` to `random` or to a number to use another one.
fn seed() -> u64 {
    match std::env::var("WPENGINE_MODEL_SEED").as_deref() {
        Err(_) => 1,
        Ok("random") => random_seed(),
        Ok(text) => text
            .parse()
            .expect("WPENGINE_MODEL_SEED is a number or `random`"),
    }
}

fn random_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}

#[test]
fn random_sequences_of_operations_end_as_the_model_says() {
    let seed = seed();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: SEQUENCES,
        failure_persistence: None,
        max_shrink_iters: 1_000,
        max_shrink_time: 30_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let (operations, done) = (Cell::new(0), Cell::new(0));
    let result = TestRunner::new_with_rng(config, rng).run(&step::sequences(), |steps| {
        let api = Api::new();
        let mut model = Model::new(&api);
        for (index, step) in steps.iter().enumerate() {
            let outcome = run::step(&mut model, &api, step);
            let compared = outcome.and_then(|was_done| {
                done.set(done.get() + usize::from(was_done));
                if index % COMPARED_EVERY == 0 || index + 1 == steps.len() {
                    compare::everything(&model, &api)?;
                }
                Ok(())
            });
            compared.map_err(|difference| {
                TestCaseError::fail(format!("at step {index}, {step:?}: {difference}"))
            })?;
        }
        operations.set(operations.get() + steps.len());
        let violations = api.simulator.violations();
        if violations.is_empty() {
            Ok(())
        } else {
            Err(TestCaseError::fail(format!("{violations:?}")))
        }
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, steps)) => {
            panic!("seed {seed}: {reason}\nthe shortest such sequence: {steps:#?}")
        }
        Err(TestError::Abort(reason)) => panic!("seed {seed}: {reason}"),
    }
    let (operations, done) = (operations.get(), done.get());
    let _ = writeln!(
        std::io::stdout(),
        "seed {seed}: {operations} operations, {done} of them done, the others refused"
    );
    assert!(operations >= OPERATIONS, "{operations} operations only");
    // A run in which almost every operation was refused would prove little.
    assert!(
        done * 3 >= operations,
        "only {done} of {operations} were done"
    );
    assert!(
        done * 20 <= operations * 19,
        "only {} were refused",
        operations - done
    );
}
