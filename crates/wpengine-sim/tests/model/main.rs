//! The simulator against a model of itself: random sequences of operations must end as the model says.
//!
//! The model is small, keeps plain maps and shares no code with the simulator; its rules are those of the API's
//! documentation. A sequence that ends differently is made as short as it can be before it is shown.

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

/// How many operations are done in a run, at least.
const OPERATIONS: usize = 10_000;
/// How many sequences that takes.
const SEQUENCES: u32 = 100;
/// After how many operations everything is compared.
const COMPARED_EVERY: usize = 10;

/// The seed of this run: a fixed one, so that nobody's build fails for what somebody else has changed;
/// `WPENGINE_MODEL_SEED=random` or a number tries other ones.
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
    // A run in which nearly everything was refused would prove little.
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
