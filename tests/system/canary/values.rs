//! `Debug` and `Serialize` of every public value that could hold a secret.

use http::Method;
use wpengine::{
    Client,
    types::{CertificateInfo, DomainCertificate, PrivateKey, ThirdPartySuccessfulImportResponse},
};

use super::{PASSWORD, PRIVATE_KEY, TOKEN, credentials, nowhere_in, shown};
use crate::support::{
    calls::INSTALL,
    clients::{self, BASE_URL},
    script::Script,
};

#[test]
fn credentials_builders_and_clients_show_none() {
    for credentials in credentials() {
        nowhere_in("credentials", &shown(&credentials));
        let builder = Client::builder()
            .base_url("https://api.example.com/v1")
            .credentials(credentials)
            .proxy("http://someone:kanarienvogel@127.0.0.1:3128")
            .root_certificates_pem(
                "-----BEGIN PRIVATE KEY-----\nkanarienvogel\n-----END PRIVATE KEY-----\n",
            );
        nowhere_in("a builder", &shown(&builder));
        let builder = builder
            .base_url("https://user:kanarienvogel@example.com/v1?key=kanarienvogel#kanarienvogel");
        nowhere_in("a builder with a bad base URL", &shown(&builder));
        let builder = builder
            .base_url("kanarienvogel")
            .proxy("kanarienvogel@proxy");
        nowhere_in("a builder with a base URL that is none", &shown(&builder));
    }
    for credentials in credentials() {
        let client = Client::builder()
            .base_url("https://api.example.com/v1")
            .credentials(credentials)
            .proxy("http://someone:kanarienvogel@127.0.0.1:3128")
            .build()
            .expect("a client");
        nowhere_in("a client", &shown(&client));
        nowhere_in("a handle", &shown(&client.install(INSTALL).certificates()));
        nowhere_in("a list", &shown(&client.sites().list()));
        nowhere_in("a stream", &shown(&client.sites().list().items()));
        nowhere_in("a stream", &shown(&client.sites().list().pages()));
        nowhere_in(
            "a wait",
            &shown(&client.install(INSTALL).backup("b").wait()),
        );
        nowhere_in(
            "a progress",
            &shown(&client.install(INSTALL).backup("b").wait().progress()),
        );
        nowhere_in("the generated client", &shown(&client.raw()));
    }
}

#[test]
fn requests_show_no_key_and_no_body() {
    let client = clients::on(Script::answering("{}"));
    let key = PrivateKey::new(PRIVATE_KEY);
    nowhere_in("a key", &shown(&key));
    nowhere_in("a key", &key.to_string());
    let import = client
        .install(INSTALL)
        .certificates()
        .import_third_party(clients::pem("CERTIFICATE", "a"), key.clone());
    nowhere_in("an import", &shown(&import));
    let request = client
        .request(Method::POST, "/installs/x/ssl_certificates/third_party")
        .query("password", PASSWORD)
        .body(&serde_json::json!({"private_key": PRIVATE_KEY, "token": TOKEN}));
    nowhere_in("a request by path", &shown(&request));
}

#[test]
fn certificates_with_a_key_show_none() {
    let info = serde_json::json!({"cert": "a certificate", "key": PRIVATE_KEY});
    let read: CertificateInfo = serde_json::from_value(info.clone()).expect("a certificate");
    assert_eq!(
        read.key.as_ref().map(PrivateKey::expose_secret),
        Some(PRIVATE_KEY)
    );
    nowhere_in("CertificateInfo", &shown(&read));

    let response = serde_json::json!({"certificate": "a certificate", "private_key": PRIVATE_KEY});
    let read: ThirdPartySuccessfulImportResponse =
        serde_json::from_value(response).expect("a certificate");
    assert_eq!(
        read.private_key.as_ref().map(PrivateKey::expose_secret),
        Some(PRIVATE_KEY)
    );
    nowhere_in("ThirdPartySuccessfulImportResponse", &shown(&read));

    let body = serde_json::json!({"cert_name": "a", "cert_info": info});
    let read: DomainCertificate = serde_json::from_value(body).expect("a certificate");
    let key = read.cert_info.as_ref().and_then(|info| info.key.as_ref());
    assert_eq!(key.map(PrivateKey::expose_secret), Some(PRIVATE_KEY));
    nowhere_in("DomainCertificate", &shown(&read));
}

#[tokio::test]
async fn what_the_service_answers_with_shows_no_key() {
    let body = serde_json::json!({
        "certificate": "a certificate",
        "private_key": PRIVATE_KEY,
    });
    let client = clients::on(Script::answering(body.to_string()));
    let certificates = client.install(INSTALL).certificates();
    let answer = certificates
        .import_third_party(
            clients::pem("CERTIFICATE", "a"),
            PrivateKey::new(clients::pem("PRIVATE KEY", PRIVATE_KEY)),
        )
        .send()
        .await;
    let answer = answer.expect("an answer");
    nowhere_in("an answer", &shown(&answer));
    let value = answer.into_value();
    assert_eq!(
        value.private_key.as_ref().map(PrivateKey::expose_secret),
        Some(PRIVATE_KEY)
    );
    nowhere_in("a value", &shown(&value));

    let body = serde_json::json!({"cert_info": {"cert": "a certificate", "key": PRIVATE_KEY}});
    let client = clients::on(Script::answering(body.to_string()));
    let answer = client
        .install(INSTALL)
        .domain("d1")
        .certificate()
        .get()
        .send()
        .await;
    let answer = answer.expect("an answer");
    nowhere_in("an answer", &shown(&answer));
    nowhere_in("a value", &shown(&answer.into_value()));
}

#[test]
fn calls_show_nothing_at_all() {
    for credentials in credentials() {
        let client = Client::builder()
            .base_url(BASE_URL)
            .credentials(credentials)
            .build()
            .expect("a client");
        nowhere_in("a site", &shown(&client.site("s1")));
        nowhere_in("an update", &shown(&client.site("s1").update().name("x")));
        nowhere_in("a request", &shown(&client.site("s1").get()));
    }
}
