//! The JSON Schema of every model, against the component of the document that it models.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Draft;
use schemars::{JsonSchema, schema_for};
use serde_json::Value;
use wpengine::types;

use crate::support::document::{self, component_of, plain, violations};

/// What models a component.
enum Model {
    Type(Value),
    /// Why there is no type of its own.
    None(&'static str),
}

fn model<T: JsonSchema>() -> Model {
    Model::Type(schema_for!(T).to_value())
}

/// Every component and what models it.
macro_rules! models {
    ($($component:literal => $type:ty,)* ; $($same:ident)* ; $($absent:literal: $why:expr,)*) => {
        [
            $(($component, model::<$type>()),)*
            $((stringify!($same), model::<types::$same>()),)*
            $(($absent, Model::None($why)),)*
        ]
    };
}

const PAGE: &str = "a listing gives a `Page`";
const INLINE: &str = "a plain field of a page";
const SENT: &str = "made by the methods of a request, and only ever sent";
const FAILURE: &str = "read leniently into `ApiError`";

fn models() -> BTreeMap<&'static str, Model> {
    let models = models! {
        "InstallSSLCertificatesResponse" => types::InstallSslCertificatesResponse,
        "LargeFSCloud" => types::LargeFsCloud,
        "LargeFSConfig" => types::LargeFsConfig,
        "LargeFSPathSettings" => types::LargeFsPathSettings,
        "LargeFSRedirectType" => types::LargeFsRedirectType,
        "LargeFSSettings" => types::LargeFsSettings,
        "LargeFSValidationFile" => types::LargeFsValidationFile,
        "SwaggerDocument" => types::FreeForm,
        ;
        Account AccountId AccountLimits AccountReference AccountUsageInsights AccountUsageMetricsResponse AccountUser
        AccountUserChange AccountUserInstall AccountUserList AnameRecord Archive ArchiveId ArchiveState Backup BackupId
        BackupReference BackupStatus BulkDomain BulkDomains CaaRecord CacheType Certificate CertificateInfo
        CertificateOrder CertificateSource CertificateStatus CopyInstallRequest CopyOptions CreateAccountUserRequest
        CreateBackupRequest CreateBulkDomainsRequest CreateDomainRequest CreateInstallRequest CreateSiteRequest
        CreateSiteTransferRequest CreateSshKeyRequest DailyUsageMetrics DailyUsageMetricsTrafficMetricsSource
        DnsConfigInfo Domain DomainCertificate DomainId DomainOrRedirect DomainReference DomainReport DomainReportId
        DomainStatus DomainStatusReport DomainStatusReportEnvelope DomainVerification Environment EnvironmentMetrics
        EnvironmentTypeBreakdown FreeForm InstallDailyUsageMetricsSeries InstallId InstallStatus Installation
        LatestMetricValue MxRecord NetworkDetails NetworkInfo NetworkSsl NewAccountUser NsRecord OwnershipStatus
        PrivateKey PurgeCacheRequest RestoreBackupRequest Roles Site SiteId SiteInstall SiteReference SiteTransfer
        SiteTransferId SiteTransferStatus SiteTypeBreakdown SoaRecord SshKey SshKeyId SslStatus Status Template
        TemplateId TemplateList TemplateSection ThirdPartySuccessfulImportResponse UpdateAccountUserRequest
        UpdateSiteRequest UsageMetricBreakdown UsageMetricsRollup UsageRollup User UserId
        ;
        "AccountList": PAGE,
        "ArchiveList": PAGE,
        "BackupList": PAGE,
        "DomainList": PAGE,
        "InstallationList": PAGE,
        "SiteList": PAGE,
        "SiteTransferList": PAGE,
        "SshKeyList": PAGE,
        "NextPage": INLINE,
        "PreviousPage": INLINE,
        "ResultsCount": INLINE,
        "ImportThirdPartyCertificateRequest": SENT,
        "UpdateDomainRequest": SENT,
        "UpdateInstallRequest": SENT,
        "Error": FAILURE,
        "ResourceError": FAILURE,
    };
    let count = models.len();
    let models = BTreeMap::from(models);
    assert_eq!(models.len(), count, "a component stands twice in the table");
    models
}

#[test]
fn every_component_has_a_model_or_a_reason() {
    let components: BTreeSet<_> = document::components().keys().map(String::as_str).collect();
    let models = models();
    assert_eq!(models.keys().copied().collect::<BTreeSet<_>>(), components);
    let without: Vec<_> = models
        .values()
        .filter_map(|model| match model {
            Model::None(why) => Some(*why),
            Model::Type(_) => None,
        })
        .collect();
    assert_eq!(without.len(), 16, "{without:?}");
}

#[test]
fn every_model_accepts_every_documented_example() {
    let mut examples = examples();
    for (name, model) in models() {
        let examples = examples.remove(name).unwrap_or_default();
        let Model::Type(schema) = model else { continue };
        assert!(!examples.is_empty(), "{name} has no example");
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .expect(name);
        for example in examples {
            let broken = violations(&validator, &example);
            assert!(broken.is_empty(), "{name}: {broken:?} in {example}");
        }
    }
}

#[test]
fn every_model_refuses_what_it_could_not_read() {
    let mut refusing = 0;
    for (name, model) in models() {
        let Model::Type(schema) = model else { continue };
        let component = plain(&document::components()[name]);
        // Free form takes everything; that is what it is for.
        if component["additionalProperties"] == true {
            continue;
        }
        let validator = jsonschema::validator_for(&schema).expect(name);
        assert!(!validator.is_valid(&true.into()), "{name} accepts true");
        refusing += 1;
    }
    assert!(refusing > 90);
}

#[test]
fn every_model_has_the_fields_of_its_component() {
    for (name, model) in models() {
        let Model::Type(schema) = model else { continue };
        let component = plain(&document::components()[name]);
        let Some(documented) = component["properties"].as_object() else {
            continue;
        };
        let documented: BTreeSet<_> = documented.keys().map(String::as_str).collect();
        // What was added at once comes alone or in a list.
        let place = if name == "BulkDomains" {
            &schema["$defs"]["DomainOrRedirect"]
        } else {
            &schema
        };
        let fields = place["properties"].as_object().expect(name);
        let fields: BTreeSet<_> = fields.keys().map(String::as_str).collect();
        assert_eq!(fields, documented, "{name}");
    }
}

#[test]
fn every_model_of_a_word_knows_the_documented_words_and_takes_others() {
    let mut count = 0;
    for (name, model) in models() {
        let Model::Type(schema) = model else { continue };
        let Some(words) = document::components()[name]["enum"].as_array() else {
            continue;
        };
        count += 1;
        let listed = schema.to_string();
        for word in words {
            assert!(listed.contains(&word.to_string()), "{name} lacks {word}");
        }
        let validator = jsonschema::validator_for(&schema).expect(name);
        assert!(validator.is_valid(&"brand_new_word".into()), "{name}");
    }
    assert!(count > 10, "only {count} components list words");
}

/// Every example in the document, by the component that it is one of: whole bodies, and what they are made of.
fn examples() -> BTreeMap<&'static str, Vec<Value>> {
    let mut found = BTreeMap::new();
    for operation in document::operations() {
        let answers = operation
            .failures()
            .into_iter()
            .filter_map(|(_, body)| body);
        for body in answers
            .chain(operation.success().1)
            .chain(operation.request_body())
        {
            collect(body.schema, body.example, &mut found);
        }
    }
    for (name, schema) in document::components() {
        if let Some(example) = schema.get("example") {
            found
                .entry(name.as_str())
                .or_default()
                .push(example.clone());
        }
        for (_, field) in schema["properties"].as_object().into_iter().flatten() {
            if let (Some(component), Some(example)) = (component_of(field), field.get("example")) {
                found.entry(component).or_default().push(example.clone());
            }
        }
    }
    found
}

fn collect(
    schema: &'static Value,
    example: &Value,
    found: &mut BTreeMap<&'static str, Vec<Value>>,
) {
    if example.is_null() {
        return;
    }
    if let Some(name) = component_of(schema) {
        found.entry(name).or_default().push(example.clone());
        collect(&document::components()[name], example, found);
        return;
    }
    for (field, of) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(inside) = example.get(field) {
            collect(of, inside, found);
        }
    }
    if let (Some(of), Some(items)) = (schema.get("items"), example.as_array()) {
        for item in items {
            collect(of, item, found);
        }
    }
}
