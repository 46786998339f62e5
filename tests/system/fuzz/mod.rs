//! The fuzz targets of `tests/fuzz`, run on their corpus and on mutations of it that are the same in every run.
//!
//! `WPENGINE_FUZZ` is the number of mutations for each target. Inputs that fail are written to `tests/fuzz/artifacts`.

mod mutate;

use std::{
    env, fs,
    panic::{self, AssertUnwindSafe},
    path::Path,
};

use mutate::Mutator;

/// The code of the fuzz targets.
#[expect(
    unreachable_pub,
    reason = "public in the package of the fuzz targets, of which this file is the library"
)]
#[path = "../../fuzz/src/lib.rs"]
mod promises;

/// The directory of the package with the fuzz targets.
const HOME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");
/// The number of mutations for each target, if `WPENGINE_FUZZ` is not set.
const MUTATIONS: usize = 2_000;

#[test]
fn no_error_body_makes_an_error_that_is_long_or_wild_or_gives_something_away() {
    keeps("error_body", promises::error_body);
}

#[test]
fn no_pages_make_a_listing_that_repeats_or_loses_or_does_not_end() {
    keeps("page", promises::page);
}

#[test]
fn no_body_makes_a_model_that_changes_when_it_is_written_and_read_again() {
    keeps("model", promises::model);
}

#[test]
fn no_retry_after_makes_a_wait_above_its_limit() {
    keeps("retry_after", promises::retry_after);
}

#[test]
fn no_redirect_is_read_in_two_ways() {
    keeps("redirect", promises::redirect);
}

#[cfg(unix)]
#[test]
fn no_line_of_a_log_is_lost_or_made_up() {
    keeps("log_line", promises::log_line);
}

/// Runs a target on its corpus and on mutations of it.
fn keeps(target: &str, promise: fn(&[u8])) {
    let corpus = corpus(target);
    for (name, input) in &corpus {
        attempt(target, name, promise, input);
    }
    let mutations = env::var("WPENGINE_FUZZ").map_or(MUTATIONS, |number| {
        number.parse().expect("`WPENGINE_FUZZ` is a number")
    });
    let inputs = corpus.into_iter().map(|(_, input)| input).collect();
    let mut mutator = Mutator::new(inputs, dictionary());
    for number in 0..mutations {
        attempt(
            target,
            &format!("mutation-{number}"),
            promise,
            &mutator.next(),
        );
    }
}

/// Runs a target on one input. Saves the input if the target fails.
fn attempt(target: &str, name: &str, promise: fn(&[u8]), input: &[u8]) {
    let Err(broken) = panic::catch_unwind(AssertUnwindSafe(|| promise(input))) else {
        return;
    };
    let place = Path::new(HOME).join("artifacts").join(target);
    let kept = place.join(name);
    fs::create_dir_all(&place).expect("a directory for what was found");
    fs::write(&kept, input).expect("what was found is kept");
    let shown = String::from_utf8_lossy(&input[..input.len().min(500)]);
    let told = broken
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| broken.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    panic!(
        "{} breaks a guarantee: {told}\ninput: {shown:?}",
        kept.display()
    );
}

/// Returns the inputs in the repository, with their names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let place = Path::new(HOME).join("corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&place)
        .expect("a corpus")
        .map(|entry| {
            let entry = entry.expect("a file of the corpus");
            let input = fs::read(entry.path()).expect("an input");
            (entry.file_name().to_string_lossy().into_owned(), input)
        })
        .collect();
    inputs.sort();
    assert!(inputs.len() >= 30, "{target} has no corpus");
    inputs
}

/// Returns the words of libFuzzer's dictionary.
fn dictionary() -> Vec<Vec<u8>> {
    let text = fs::read_to_string(Path::new(HOME).join("dictionary.txt")).expect("a dictionary");
    let words: Vec<_> = text.lines().filter_map(mutate::word).collect();
    assert!(words.len() > 50, "{} words", words.len());
    words
}

#[test]
fn every_target_has_its_test_and_a_corpus_that_stays_small() {
    let mut bytes = 0;
    let mut targets: Vec<_> = fs::read_dir(Path::new(HOME).join("fuzz_targets"))
        .expect("targets")
        .map(|entry| entry.expect("a target").path())
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    targets.sort();
    assert_eq!(
        targets,
        [
            "error_body",
            "log_line",
            "model",
            "page",
            "redirect",
            "retry_after"
        ]
    );
    for target in targets {
        bytes += corpus(&target)
            .iter()
            .map(|(_, input)| input.len())
            .sum::<usize>();
    }
    assert!(bytes < 200_000, "{bytes} bytes of corpus");
}
