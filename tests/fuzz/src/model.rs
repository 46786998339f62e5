//! Models from any JSON: a value can be written and read again, and an error names the place in the body.

use std::{collections::HashMap, fmt::Debug};

use http::Method;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use wpengine::{Error, ErrorKind};
use wpengine_raw::{types, values};

use super::{
    desk::{self, Caller},
    line,
    tape::Tape,
};

/// A model and its guarantees.
#[derive(Clone, Copy)]
struct Model {
    /// Whether it is an object with named fields.
    is_struct: bool,
    judge: fn(Model, &[u8]),
}

macro_rules! models {
    ($($of:ident),* ; $($value:ty),* $(,)?) => {
        [
            $(Model { is_struct: true, judge: judge::<types::$of> },)*
            $(Model { is_struct: false, judge: judge::<$value> },)*
        ]
    };
}

/// The models of answers. Only append to the second part: fuzz inputs refer to them by position.
const MODELS: [Model; 68] = models![
    Account, AccountLimits, AccountUsageInsights, AccountUsageMetricsResponse, AccountUser, AccountUserChange, Archive,
    Backup, Certificate, CertificateOrder, CopyOptions, DailyUsageMetrics, DnsConfigInfo, Domain, ReportSchedule,
    DomainOrRedirect, DomainReport, DomainStatusReport, DomainStatusReportEnvelope, DomainVerification,
    EnvironmentMetrics, InstallDailyUsageMetricsSeries, InstallSslCertificatesResponse, Installation, LargeFsConfig,
    LargeFsSettings, LargeFsValidationFile, LatestMetricValue, NetworkDetails, NetworkInfo, Site, SiteInstall,
    SiteReference, SiteTransfer, SshKey, Status, Template, TemplateList, SiteReport,
    UsageMetricsRollup, UsageRollup, User, CreateInstallRequest, CreateBackupRequest, CreateDomainRequest,
    UpdateSiteRequest;
    values::BulkDomains, values::FreeForm, values::Roles, values::Sum, values::SecretLink, types::Environment,
    types::BackupStatus, types::InstallStatus, types::SiteTransferStatus, types::CertificateStatus, types::SslStatus,
    types::OwnershipStatus, types::ArchiveState, types::CacheType, types::DomainStatus,
    HashMap<String, String>, Vec<types::Site>, Option<types::Site>,
    types::NetworkType, values::Time, values::Day, values::CertificateId,
];

/// An answer. The input is the model and the body.
pub fn model(input: &[u8]) {
    let mut tape = Tape::new(input);
    let model = tape.pick(&MODELS);
    (model.judge)(model, tape.rest());
}

/// Requests a value that is answered with this body.
pub(super) fn ask<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let (client, desk) = desk::client(Caller::Plain);
    desk.answer(200, body);
    desk::run(client.request(Method::GET, "/anything").json())
}

fn judge<T: DeserializeOwned + Serialize + Debug>(model: Model, body: &[u8]) {
    match ask::<T>(body) {
        Ok(value) => assert_stable(&value),
        Err(error) => assert_says_where(model, body, &error),
    }
}

/// Checks that the value can be written and read again without a change.
pub(super) fn assert_stable<T: DeserializeOwned + Serialize + Debug>(value: &T) {
    let written = serde_json::to_string(value).expect("what was read can be written");
    let again: T = match ask(written.as_bytes()) {
        Ok(again) => again,
        Err(error) => panic!("what was written cannot be read: {error}: {written}"),
    };
    let written_again = serde_json::to_value(&again).expect("JSON");
    assert_eq!(written_again, serde_json::to_value(value).expect("JSON"));
    // Values with maps are not compared by `Debug`, because a map prints its fields in any order.
    let shown = format!("{value:?}");
    if !shown.starts_with('{') {
        assert_eq!(format!("{again:?}"), shown);
    }
}

/// Checks that the error is readable and contains the place in the body.
fn assert_says_where(model: Model, body: &[u8], error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
    assert!(!error.may_have_happened());
    line::assert_readable(error);
    let text = error.to_string();
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    match text.split_once(" cannot be read at `") {
        Some((_, rest)) => {
            let (place, _) = rest.split_once('`').expect("the end of the place");
            // The service chooses the names of a map's fields. They can contain dots.
            assert!(
                !model.is_struct || is_there(&json, place),
                "no `{place}` in the body: {text}"
            );
        }
        None => {
            // The body has another type, or one of its own fields is missing or duplicated. Then the text names the
            // field.
            let names_a_field =
                text.contains("missing field `") || text.contains("duplicate field `");
            assert!(
                !model.is_struct || !json.is_object() || names_a_field,
                "it says nothing of the place: {text}"
            );
        }
    }
}

/// Whether a place such as `results[3].status` exists in the JSON.
fn is_there(json: &Value, place: &str) -> bool {
    let place = place.replace('[', ".[");
    let mut value = Some(json);
    for step in place.split('.').filter(|step| !step.is_empty()) {
        value = match (value, step.strip_prefix('[')) {
            (Some(Value::Array(items)), Some(number)) => number
                .trim_end_matches(']')
                .parse::<usize>()
                .ok()
                .and_then(|number| items.get(number)),
            (Some(Value::Object(fields)), None) => fields.get(step),
            // Serde also reads a struct from an array, by the order of its fields.
            (Some(Value::Array(_)), None) => return true,
            _ => None,
        };
    }
    value.is_some()
}
