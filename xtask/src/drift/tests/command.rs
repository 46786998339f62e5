//! The command and its exit codes.

use std::io::Write as _;
use std::process::ExitCode;

use crate::Failure;
use crate::drift::{DriftArgs, run};

use super::{ours, swagger};

fn drift_of(text: &str) -> Result<ExitCode, Failure> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    run(&DriftArgs {
        other: file.path().display().to_string(),
        json: true,
        ours: None,
        deviations: None,
    })
}

#[test]
fn the_same_is_0_and_different_is_1() {
    let mut copy = ours();
    assert_eq!(
        drift_of(&copy.to_string()).expect("readable"),
        ExitCode::SUCCESS
    );
    let properties = &mut copy["components"]["schemas"]["DnsConfigInfo"]["properties"];
    properties
        .as_object_mut()
        .expect("fields")
        .remove("cname")
        .expect("a field");
    assert_eq!(
        drift_of(&copy.to_string()).expect("readable"),
        ExitCode::from(1)
    );
}

#[test]
fn a_service_that_agrees_with_us_makes_our_deviations_stale() {
    let service = swagger::from_openapi(&ours());
    assert_eq!(
        drift_of(&service.to_string()).expect("readable"),
        ExitCode::from(1)
    );
}

#[test]
fn what_cannot_be_read_is_one_line_that_says_what_to_do() {
    let missing = DriftArgs {
        other: "no/such/file".to_owned(),
        json: false,
        ours: None,
        deviations: None,
    };
    for (outcome, words) in [
        (run(&missing), "give the file"),
        (drift_of("a: ["), "Give a Swagger 2.0"),
    ] {
        let error = outcome.expect_err("not readable").to_string();
        assert!(error.contains(words), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
