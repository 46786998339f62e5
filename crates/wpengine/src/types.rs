//! The models of the API: the types of requests and responses.
//!
//! The types have the names of the API documentation. The model of an install is [`Installation`].
//!
//! They are generated from the OpenAPI document of this project. Only fields that every known response contains are
//! required. All other fields are optional, even if the documentation of the API calls them required, so that one
//! unusual item does not make a page of a hundred fail. Unknown values of enums are kept as `Unknown`. The structs are
//! `#[non_exhaustive]`, because the API grows every month.
//!
//! Each kind of id has its own type, which contains opaque text. Ids can be created from text, compared with text, and
//! looked up in maps by text:
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
