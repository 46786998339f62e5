//! The models: what the API answers with and takes.
//!
//! They are generated from the project's OpenAPI document. What every answer has been seen to hold is there; all other
//! fields are optional, whatever the documentation calls required, so that one odd field does not fail a page of a
//! hundred. Enums keep a value that this version does not know as `Unknown`, and structs are `#[non_exhaustive]`, since the
//! API grows every month.
//!
//! Ids are opaque text of a type of their own; they are made from text, compared with it and looked up by it:
//!
//! ```
//! use std::collections::HashMap;
//! use wpengine::types::InstallId;
//!
//! let id = InstallId::from("294deacc-d8b8-4005-82c4-0727ba8ddde0");
//! assert!(id == "294deacc-d8b8-4005-82c4-0727ba8ddde0");
//! let names = HashMap::from([(id, "torquemag")]);
//! assert_eq!(names.get("294deacc-d8b8-4005-82c4-0727ba8ddde0"), Some(&"torquemag"));
//! ```

#[doc(inline)]
pub use wpengine_raw::{
    types::{
        Account, AccountId, AccountLimits, AccountReference, AccountUsageInsights, AccountUser,
        AccountUserChange, AccountUserInstall, AnameRecord, Archive, ArchiveId, ArchiveState,
        Backup, BackupId, BackupReference, BackupStatus, BrandingId, CaaRecord, CacheType,
        Certificate, CertificateInfo, CertificateSource, CertificateStatus, Confirmation,
        DailyUsageMetrics, DailyUsageMetricsTrafficMetricsSource, DnsConfigInfo, Domain,
        DomainCertificate, DomainId, DomainOrRedirect, DomainReference, DomainReport,
        DomainReportId, DomainStatus, DomainStatusReport, DomainStatusReportEnvelope,
        DomainVerification, Environment, EnvironmentMetrics, EnvironmentTypeBreakdown,
        InstallDailyUsageMetricsSeries, InstallId, InstallStatus, Installation, LargeFsCloud,
        LargeFsConfig, LargeFsPathSettings, LargeFsRedirectType, LargeFsSettings,
        LargeFsValidationFile, LatestMetricValue, MxRecord, NetworkDetails, NetworkInfo,
        NetworkSsl, NetworkType, NsRecord, OwnershipStatus, ReportBranding, ReportFrequency,
        ReportFrequencyUnit, ReportRecipient, ReportSchedule, ReportScheduleId, ReportSection,
        ReportSections, SharingLink, Site, SiteId, SiteInstall, SiteReference, SiteReport,
        SiteReportId, SiteReportPeriod, SiteTransfer, SiteTransferId, SiteTransferStatus,
        SiteTypeBreakdown, SoaRecord, SshKey, SshKeyId, SslStatus, Status, Template, TemplateId,
        TemplateSection, ThirdPartySuccessfulImportResponse, UsageMetricBreakdown,
        UsageMetricsRollup, UsageRollup, User, UserId,
    },
    values::{
        BulkDomains, CertificateId, Day, FreeForm, ParseSumError, PrivateKey, Redirect, Role,
        Roles, SecretLink, Sum, Time,
    },
};
