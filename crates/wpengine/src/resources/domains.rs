//! The domains of an install, their redirects, and the verification of their ownership.

use std::time::Duration;

use wpengine_raw::{
    types::{BulkDomain, CreateBulkDomainsRequest, CreateDomainRequest},
    values::{Change, UpdateDomainRequest},
};

use super::{DomainCertificateHandle, collection, handle};
use crate::{
    check,
    error::Error,
    paging::{List, offset_list},
    request::{operation, request},
    requests::{Request, Wait},
    types::{
        BulkDomains, Domain, DomainId, DomainReport, DomainReportId, DomainStatusReportEnvelope,
        DomainVerification, InstallId, OwnershipStatus, SharingLink,
    },
    wait::{Stage, Work},
};

/// The maximum number of domains in one request.
const MOST_AT_ONCE: usize = 20;

/// The default deadline of a wait for a domain status report.
const REPORT_LIMIT: Duration = Duration::from_secs(10 * 60);
/// The default deadline of a wait for the verification of a domain. DNS changes take time to propagate.
const OWNERSHIP_LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

collection! {
    /// The domains of one install.
    Domains of install_id: InstallId
}

impl Domains {
    /// Lists the domains.
    ///
    /// Operation `list_domains`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let mut domains = install.domains().list().items();
    /// while let Some(domain) = domains.try_next().await? {
    ///     let target = domain.redirect().and_then(|target| target.name.as_deref());
    ///     println!("{} redirects to {target:?}", domain.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<Domain> {
        offset_list!(self, list_domains(install_id))
    }

    /// Adds a domain. It serves no traffic until its TXT record is in the DNS and [`DomainHandle::verify`] has found
    /// it.
    ///
    /// Operation `create_domain`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let domain = install.domains().create("shop.example.com").await?;
    /// println!(
    ///     "add the TXT record {:?} with {:?}",
    ///     domain.txt_verification_key, domain.txt_verification_value
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, name: impl Into<String>) -> CreateDomain {
        let body = CreateDomainRequest {
            name: name.into(),
            primary: None,
            redirect_to: None,
        };
        CreateDomain::new(&self.client, &self.install_id, body)
    }

    /// Adds 1 to 20 domains with one request. The target of a redirect is the **name** of a domain, which may be in the
    /// same request. The response may contain only one of the added domains; [`list`](Self::list) has them all.
    ///
    /// Operation `create_bulk_domains`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::requests::NewDomain;
    ///
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let added = install
    ///     .domains()
    ///     .create_bulk([
    ///         NewDomain::new("blog.example.com"),
    ///         NewDomain::new("www.blog.example.com").redirect_to("blog.example.com"),
    ///     ])
    ///     .await?;
    /// for domain in added {
    ///     println!("{}", domain.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_bulk(
        &self,
        domains: impl IntoIterator<Item = NewDomain>,
    ) -> Request<BulkDomains> {
        let body = CreateBulkDomainsRequest {
            domains: domains.into_iter().map(|domain| domain.0).collect(),
        };
        let check = check_bulk(&body.domains);
        operation!(self, check, create_bulk_domains(install_id; body))
    }

    /// Returns a handle to the report of a status check that [`DomainHandle::check_status`] started.
    pub fn report(&self, id: impl Into<DomainReportId>) -> DomainReportHandle {
        DomainReportHandle::new(&self.client, &self.install_id, id.into())
    }
}

handle! {
    /// A handle to the report of one status check of a domain.
    DomainReportHandle of report_id: DomainReportId, install_id: InstallId
}

impl DomainReportHandle {
    /// Fetches the report. The check is finished when `complete` is true.
    ///
    /// Operation `get_domain_report`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let domains = install.domains().list().collect().await?;
    /// if let Some(domain) = domains.first() {
    ///     let started = install.domain(&domain.id).check_status().await?;
    ///     let report = install.domains().report(started.report_id).get().await?.report;
    ///     println!("{:?}", report.and_then(|report| report.complete));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self) -> Request<DomainStatusReportEnvelope> {
        operation!(self, get_domain_report(install_id, report_id))
    }

    /// Waits until the report is complete; the default [`deadline`](Wait::deadline) is 10 minutes.
    ///
    /// Uses the operation `get_domain_report`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder()
    /// #     .clock(wpengine_sim::ClockMode::Accelerated(600.0))
    /// #     .start()
    /// #     .await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// if let Some(domain) = install.domains().list().items().try_next().await? {
    ///     let started = install.domain(&domain.id).check_status().await?;
    ///     let done = install.domains().report(started.report_id).wait().await?;
    ///     println!("{:?}", done.report.and_then(|report| report.domains));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self) -> Wait<DomainStatusReportEnvelope> {
        let this = self.clone();
        Wait::new(
            &self.client,
            Work::new(
                format!(
                    "domain status report {} of install {}",
                    self.report_id, self.install_id
                ),
                move || this.get(),
                |answer| match &answer.report {
                    Some(report) if report.complete == Some(true) => Stage::Done,
                    _ => Stage::Going("incomplete".to_owned()),
                },
                "start another check",
            ),
            REPORT_LIMIT,
        )
    }
}

/// A domain for [`Domains::create_bulk`], with or without a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct NewDomain(BulkDomain);

impl NewDomain {
    /// Creates a domain with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(BulkDomain {
            name: name.into(),
            redirect_to: None,
        })
    }

    /// Redirects the domain to another domain of the install, given by its **name**.
    pub fn redirect_to(mut self, name: impl Into<String>) -> Self {
        self.0.redirect_to = Some(name.into());
        self
    }
}

fn check_bulk(domains: &[BulkDomain]) -> Result<(), Error> {
    if domains.is_empty() || domains.len() > MOST_AT_ONCE {
        return Err(Error::invalid(format!(
            "one request adds 1 to {MOST_AT_ONCE} domains, not {}",
            domains.len()
        ))
        .with_hint("add more in several requests"));
    }
    for domain in domains {
        check::domain_name(&domain.name)?;
        if let Some(target) = &domain.redirect_to {
            check::domain_name(target)?;
            if target == &domain.name {
                return Err(Error::invalid(format!(
                    "the domain `{}` would redirect to itself",
                    check::quoted(target)
                )));
            }
        }
    }
    Ok(())
}

handle! {
    /// A handle to one domain of an install.
    DomainHandle of domain_id: DomainId, install_id: InstallId
}

impl DomainHandle {
    /// Fetches the domain.
    ///
    /// Operation `get_domain`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// for domain in install.domains().list().collect().await? {
    ///     let again = install.domain(&domain.id).get().await?;
    ///     println!("{:?}", again.ownership_status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self) -> Request<Domain> {
        operation!(self, get_domain(install_id, domain_id))
    }

    /// Updates the domain. At least one setter must be called. A duplicate domain, a wildcard domain or a domain with a
    /// redirect cannot become the primary domain.
    ///
    /// Operation `update_domain`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let domain = install.domains().create("new.example.com").await?;
    /// let domain = install.domain(&domain.id).update().secure_all_urls(true).await?;
    /// assert!(domain.secure_all_urls);
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self) -> UpdateDomain {
        let body = UpdateDomainRequest::default();
        UpdateDomain::new(&self.client, &self.install_id, &self.domain_id, body)
    }

    /// Removes the domain from the install.
    ///
    /// Operation `delete_domain`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let domain = install.domains().create("old.example.com").await?;
    /// install.domain(&domain.id).delete().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete(&self) -> Request<()> {
        operation!(self, delete_domain(install_id, domain_id))
    }

    /// Verifies the ownership of the domain: the service looks up its TXT record.
    ///
    /// Operation `verify_domain`. It may be called repeatedly until the record is found.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let domain = install.domains().create("mine.example.com").await?;
    /// let verification = install.domain(&domain.id).verify().await?;
    /// println!("{:?}", verification.txt_verified_time);
    /// # Ok(())
    /// # }
    /// ```
    pub fn verify(&self) -> Request<DomainVerification> {
        operation!(self, verify_domain(install_id, domain_id))
    }

    /// Verifies the domain repeatedly until its TXT record is found; the default [`deadline`](Wait::deadline) is 2
    /// hours.
    ///
    /// Uses the operations `verify_domain` and `get_domain`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let domains = install.domains().list().collect().await?;
    /// let known = domains
    ///     .iter()
    ///     .find(|domain| domain.ownership_status.as_ref().is_some_and(|status| status.as_str() == "TXT_VERIFIED"));
    /// if let Some(domain) = known {
    ///     let domain = install.domain(&domain.id).wait().await?;
    ///     println!("{:?}", domain.txt_verified_time);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self) -> Wait<Domain> {
        let this = self.clone();
        Wait::new(
            &self.client,
            Work::new(
                format!(
                    "the proof of domain {} of install {}",
                    self.domain_id, self.install_id
                ),
                move || {
                    let this = this.clone();
                    async move {
                        this.verify().await?;
                        this.get().await
                    }
                },
                |domain| match &domain.ownership_status {
                    Some(OwnershipStatus::TxtVerified) => Stage::Done,
                    Some(going) => Stage::Going(going.to_string()),
                    None => Stage::Going("of no known status".to_owned()),
                },
                "look at the TXT record",
            ),
            OWNERSHIP_LIMIT,
        )
    }

    /// Starts a check of the domain's DNS and certificate. The response contains the id of the
    /// [`report`](Domains::report). The service allows one check every 5 s for each install; if it refuses a check, the
    /// client waits 5 s and retries.
    ///
    /// Operation `check_domain_status`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let domains = install.domains().list().collect().await?;
    /// if let Some(domain) = domains.first() {
    ///     let started = install.domain(&domain.id).check_status().await?;
    ///     println!("{}", started.report_id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn check_status(&self) -> Request<DomainReport> {
        operation!(self, check_domain_status(install_id, domain_id))
    }

    /// Creates a link with which somebody else can set up the DNS of the domain. That person signs in at the registry
    /// of the domain, and the DNS records for verification and for the platform are created there. Each call creates
    /// another link. Links cannot be listed or deleted, so reuse the one that you have.
    ///
    /// Operation `create_domain_sharing_link`. The service refuses domains whose `network_type` is neither `AN` nor
    /// `GES`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("8f14e45f-ceea-4b5b-9f6d-8f14e45fceea");
    /// let domain = install.domains().create("shop.example.com").await?;
    /// let link = install.domain(domain.id).create_sharing_link().await?.url;
    /// println!("open {}", link.expose_secret());
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_sharing_link(&self) -> Request<SharingLink> {
        operation!(self, create_domain_sharing_link(install_id, domain_id))
    }

    /// Returns a handle to the certificate of the domain.
    pub fn certificate(&self) -> DomainCertificateHandle {
        DomainCertificateHandle::new(&self.client, &self.install_id, self.domain_id.clone())
    }
}

request! {
    /// A request to add a domain.
    CreateDomain(install_id: InstallId) = create_domain(CreateDomainRequest) -> Domain
}

impl CreateDomain {
    setters! {
        /// Sets whether this is the primary domain of the install.
        primary(primary: bool) body.primary = Some(primary);

        /// Redirects the domain to another domain of the install, given by its **id**.
        redirect_to(domain: impl Into<DomainId>) body.redirect_to = Some(domain.into());
    }

    fn check(&self) -> Result<(), Error> {
        check::domain_name(&self.body.name)?;
        let target = self.body.redirect_to.as_ref();
        target.map_or(Ok(()), check::redirect_target)?;
        cannot_be_both(self.body.primary, target.is_some())
    }
}

request! {
    /// A request to update a domain.
    UpdateDomain(install_id: InstallId, domain_id: DomainId) = update_domain(UpdateDomainRequest) -> Domain
}

impl UpdateDomain {
    setters! {
        /// Sets whether this is the primary domain of the install.
        primary(primary: bool) body.primary = Some(primary);

        /// Redirects the domain to another domain of the install, given by its **id**.
        redirect_to(domain: impl Into<DomainId>) body.redirect_to = Change::Set(domain.into());

        /// Removes the redirect of the domain.
        remove_redirect() body.redirect_to = Change::Clear;

        /// Sets whether every request to the domain is redirected to HTTPS.
        secure_all_urls(secure: bool) body.secure_all_urls = Some(secure);
    }

    fn check(&self) -> Result<(), Error> {
        check::changes_something(&self.body)?;
        match &self.body.redirect_to {
            Change::Set(target) => {
                check::redirect_target(target)?;
                cannot_be_both(self.body.primary, true)
            }
            _ => Ok(()),
        }
    }
}

fn cannot_be_both(primary: Option<bool>, redirected: bool) -> Result<(), Error> {
    if primary == Some(true) && redirected {
        let text = "a domain that redirects cannot be the primary one";
        return Err(Error::invalid(text));
    }
    Ok(())
}
