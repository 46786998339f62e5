//! TLS certificates of an install and of its domains.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use wpengine_raw::{
    types::{CertificateOrder, ThirdPartySuccessfulImportResponse},
    values::ImportThirdPartyCertificateRequest,
};

use super::{collection, handle};
use crate::{
    call::call,
    check,
    error::Error,
    paging::{Ask, ByToken, Fetched, List},
    request::{operation, request},
    requests::{Request, Wait},
    types::{Certificate, CertificateStatus, DomainCertificate, DomainId, InstallId, PrivateKey},
    wait::{Stage, Work},
};

/// The default deadline of a wait for a certificate.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

/// The beginning of the message of a 404 that means that the install has no certificates.
const NONE_FOUND: &str = "No SSL certs found";

collection! {
    /// The certificates of one install.
    Certificates of install_id: InstallId
}

impl Certificates {
    /// Lists the certificates. If the install has none, the list is empty, although the API responds with a 404.
    ///
    /// Operation `list_certificates`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let mut certificates = install.certificates().list().items();
    /// while let Some(certificate) = certificates.try_next().await? {
    ///     println!("{:?} expires {:?}", certificate.common_name, certificate.expires_time);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<Certificate, ByToken> {
        const OPERATION: &str = "list_certificates";
        let (client, id) = (self.client.clone(), self.install_id.clone());
        List::new(
            OPERATION,
            100,
            check::ids(&[&self.install_id]),
            move |wanted: Ask| {
                let (client, id) = (client.clone(), id.clone());
                async move {
                    let (limit, token) = (i64::from(wanted.limit), wanted.token);
                    let answer = call(client.core(), OPERATION, wanted.options, |raw| async move {
                        raw.list_certificates(&id, Some(limit), token.as_deref())
                            .await
                    })
                    .await;
                    match answer {
                        Ok(answer) => {
                            let (body, answer) = answer.split();
                            Ok(Fetched::of_token_page(
                                answer,
                                body.certificates,
                                None,
                                body.next_page_token,
                            ))
                        }
                        Err(error) if means_none(&error) => {
                            Ok(Fetched::whole(error.into_response(), Vec::new()))
                        }
                        Err(error) => Err(error),
                    }
                }
            },
        )
    }

    /// Installs a certificate from another authority. Both arguments are PEM texts: the full certificate chain, and its
    /// private key.
    ///
    /// Operation `import_third_party_certificate`. The key is never printed. If the call fails, the error does not
    /// quote the response body.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::PrivateKey;
    ///
    /// # let read = |what: &str| format!("-----BEGIN {what}-----\nMIIB\n-----END {what}-----\n");
    /// # let (chain, key) = (read("CERTIFICATE"), read("PRIVATE KEY"));
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// install.certificates().import_third_party(&chain, PrivateKey::new(key)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn import_third_party(
        &self,
        chain_pem: impl AsRef<str>,
        private_key_pem: PrivateKey,
    ) -> Request<ThirdPartySuccessfulImportResponse> {
        let (chain, key) = (chain_pem.as_ref(), private_key_pem.expose_secret());
        let check = check::pem("certificate", "CERTIFICATE", chain)
            .and_then(|()| check::pem("private key", "PRIVATE KEY", key));
        let body = ImportThirdPartyCertificateRequest {
            certificate: STANDARD.encode(chain),
            private_key: PrivateKey::new(STANDARD.encode(key)),
        };
        operation!(self, check, import_third_party_certificate(install_id; body))
    }
}

/// Whether an error of the listing means that there are no certificates. A 404 can also mean that the install does not
/// exist.
fn means_none(error: &Error) -> bool {
    error.is_not_found() && error.says(NONE_FOUND)
}

handle! {
    /// A handle to the certificate of one domain.
    DomainCertificateHandle of domain_id: DomainId, install_id: InstallId
}

impl DomainCertificateHandle {
    /// Fetches the certificate. The response can contain its private key, which is never printed.
    ///
    /// Operation `get_domain_certificate`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// for domain in install.domains().list().collect().await? {
    ///     match install.domain(&domain.id).certificate().get().await {
    ///         Ok(found) => println!("{:?}", found.certificate.and_then(|known| known.status)),
    ///         Err(error) if error.is_not_found() => println!("{} has none", domain.name),
    ///         Err(error) => return Err(error.into()),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self) -> Request<DomainCertificate> {
        operation!(self, get_domain_certificate(install_id, domain_id))
    }

    /// Waits until the certificate is enabled; the default [`deadline`](Wait::deadline) is 2 hours. If the domain has
    /// no certificate yet, the wait continues.
    ///
    /// Uses the operation `get_domain_certificate`. A certificate with the status `REJECTED`, `CANCELED` or `EXPIRED`
    /// is an error of the kind [`WorkFailed`](crate::ErrorKind::WorkFailed).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder()
    /// #     .clock(wpengine_sim::ClockMode::Accelerated(600.0))
    /// #     .start()
    /// #     .await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::NetworkType;
    ///
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let domains = install.domains().list().collect().await?;
    /// if let Some(domain) = domains.iter().find(|domain| domain.network_type == Some(NetworkType::Legacy)) {
    ///     let certificate = install.domain(&domain.id).certificate();
    ///     certificate
    ///         .order("jane@example.com")
    ///         .name("Jane", "Doe")
    ///         .region("US")
    ///         .await?;
    ///     println!("{:?}", certificate.wait().await?.cert_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self) -> Wait<DomainCertificate> {
        let this = self.clone();
        Wait::new(
            &self.client,
            Work::new(
                format!(
                    "the certificate of domain {} of install {}",
                    self.domain_id, self.install_id
                ),
                move || {
                    let asked = this.get();
                    async move {
                        match asked.await {
                            Err(error) if error.is_not_found() => Ok(DomainCertificate::default()),
                            answer => answer,
                        }
                    }
                },
                |answer| {
                    let certificate = answer.certificate.as_ref();
                    match certificate.and_then(|one| one.status.as_ref()) {
                        Some(CertificateStatus::Enabled) => Stage::Done,
                        Some(
                            failed @ (CertificateStatus::Rejected
                            | CertificateStatus::Canceled
                            | CertificateStatus::Expired),
                        ) => Stage::Failed(failed.to_string()),
                        Some(going) => Stage::Going(going.to_string()),
                        None => Stage::Going("not there yet".to_owned()),
                    }
                },
                "check that the domain points at the install, and order another one",
            ),
            LIMIT,
        )
    }

    /// Orders a Let's Encrypt certificate for a domain on the legacy network. The service responds before the
    /// certificate is issued; it is issued when its status in [`get`](Self::get) is `ENABLED`.
    /// [`name`](OrderCertificate::name) and [`region`](OrderCertificate::region) are required.
    ///
    /// Operation `order_domain_certificate`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::NetworkType;
    ///
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let domains = install.domains().list().collect().await?;
    /// if let Some(domain) = domains.iter().find(|domain| domain.network_type == Some(NetworkType::Legacy)) {
    ///     install
    ///         .domain(&domain.id)
    ///         .certificate()
    ///         .order("jane@example.com")
    ///         .name("Jane", "Doe")
    ///         .region("US")
    ///         .city("Austin")
    ///         .state("Texas")
    ///         .await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn order(&self, email: impl Into<String>) -> OrderCertificate {
        let body = CertificateOrder {
            email_address: email.into(),
            given_name: String::new(),
            family_name: String::new(),
            region_code: String::new(),
            state: None,
            city: None,
            phone: None,
        };
        OrderCertificate::new(&self.client, &self.install_id, &self.domain_id, body)
    }
}

request! {
    /// A request to order a certificate.
    OrderCertificate(install_id: InstallId, domain_id: DomainId) = order_domain_certificate(CertificateOrder) -> ()
}

impl OrderCertificate {
    /// Sets the given name and the family name of the person who orders. Required.
    pub fn name(mut self, given: impl Into<String>, family: impl Into<String>) -> Self {
        self.body.given_name = given.into();
        self.body.family_name = family.into();
        self
    }

    setters! {
        /// Sets the country of the person who orders, as a two-letter code. Required.
        region(code: impl Into<String>) body.region_code = code.into();

        /// Sets the state or province of the person who orders.
        state(state: impl Into<String>) body.state = Some(state.into());

        /// Sets the city of the person who orders.
        city(city: impl Into<String>) body.city = Some(city.into());

        /// Sets the telephone number of the person who orders.
        phone(phone: impl Into<String>) body.phone = Some(phone.into());
    }

    fn check(&self) -> Result<(), Error> {
        check::email(&self.body.email_address)?;
        check::set("given name", &self.body.given_name, "name")?;
        check::set("family name", &self.body.family_name, "name")?;
        check::set("region code", &self.body.region_code, "region")
    }
}
