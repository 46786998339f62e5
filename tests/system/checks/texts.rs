//! Names, addresses, roles and keys.

use wpengine::types::{PrivateKey, Role, Roles};

use super::{all_are_refused, refused};
use crate::support::{
    calls::{ACCOUNT, INSTALL, SITE},
    clients,
    script::Script,
};

#[tokio::test]
async fn a_name_that_is_none() {
    all_are_refused(|client| {
        let install = |name: &'static str| {
            refused(
                "create_install",
                "3 to 14 lower-case letters and digits, a letter first",
                client.installs().create(name, ACCOUNT),
            )
        };
        let site = client.site(SITE);
        let long = "x".repeat(41);
        vec![
            install(""),
            install("ab"),
            install("1abc"),
            install("Abc"),
            install("a-bc"),
            install("abcdefghijklmno"),
            install("abc\n"),
            refused(
                "create_site",
                "cannot be empty",
                client.sites().create("  ", ACCOUNT),
            ),
            refused(
                "create_site",
                "at most 40 characters, not 41",
                client.sites().create(long.clone(), ACCOUNT),
            ),
            refused(
                "update_site",
                "at most 40 characters, not 41",
                site.update().name(long),
            ),
            refused("update_site", "cannot be empty", site.update().name("")),
        ]
    })
    .await;
}

#[tokio::test]
async fn addresses_that_nobody_can_be_told_at() {
    const NONE: &str = "at least one notification e-mail address is needed";
    let nobody: [&str; 0] = [];
    all_are_refused(|client| {
        let install = client.install(INSTALL);
        vec![
            refused(
                "create_backup",
                NONE,
                install.backups().create("before", nobody),
            ),
            refused(
                "create_backup",
                "`ops` is no e-mail address",
                install.backups().create("before", ["a@example.com", "ops"]),
            ),
            refused(
                "create_backup",
                "description of a backup cannot be empty",
                install.backups().create("", ["a@example.com"]),
            ),
            refused("restore_backup", NONE, install.backup("b").restore(nobody)),
            refused(
                "restore_backup",
                "`@x` is no e-mail address",
                install.backup("b").restore(["@x"]),
            ),
            refused(
                "copy_install",
                "`a@` is no e-mail address",
                install.copy_to("i2").notification_emails(["a@"]),
            ),
            refused(
                "create_account_user",
                "`john` is no e-mail address",
                client
                    .account(ACCOUNT)
                    .users()
                    .create("john", Roles::full())
                    .name("John", "Doe"),
            ),
            refused(
                "order_domain_certificate",
                "`j j@x` is no e-mail address",
                install
                    .domain("d")
                    .certificate()
                    .order("j j@x")
                    .name("J", "D")
                    .region("US"),
            ),
        ]
    })
    .await;
}

#[tokio::test]
async fn roles_that_the_api_does_not_take() {
    const RULE: &str = "no combination of roles";
    all_are_refused(|client| {
        let account = client.account(ACCOUNT);
        let create = |roles| {
            account
                .users()
                .create("john@example.com", roles)
                .name("John", "Doe")
        };
        vec![
            refused("create_account_user", RULE, create(Roles::from("admin"))),
            refused("create_account_user", RULE, create(Roles::from(""))),
            refused(
                "create_account_user",
                RULE,
                create(Roles::from_iter([Role::Billing])),
            ),
            refused(
                "update_account_user",
                RULE,
                account.user("u").update(Roles::from("full,partial")),
            ),
            refused(
                "create_account_user",
                "who reaches all of them",
                create(Roles::full()).installs([INSTALL]),
            ),
            refused(
                "update_account_user",
                "who reaches all of them",
                account.user("u").update(Roles::owner()).installs([INSTALL]),
            ),
            refused(
                "create_account_user",
                "the first name is missing",
                account
                    .users()
                    .create("j@example.com", Roles::full())
                    .name("", "Doe"),
            ),
            refused(
                "create_account_user",
                "the last name is missing",
                account
                    .users()
                    .create("j@example.com", Roles::full())
                    .name("John", " "),
            ),
        ]
    })
    .await;
}

#[tokio::test]
async fn keys_of_the_wrong_kind_are_refused_and_not_repeated() {
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----";
    let script = Script::answering("{}");
    let client = clients::on(script.clone());
    let certificates = client.install(INSTALL).certificates();
    for (rule, error) in [
        (
            "this is a private key, and a public one is wanted",
            client.ssh_keys().create(PEM).await.map(drop),
        ),
        (
            "public key cannot be empty",
            client.ssh_keys().create(" ").await.map(drop),
        ),
        (
            "the private key is no PEM text",
            certificates
                .import_third_party(clients::pem("CERTIFICATE", "a"), PrivateKey::new("canary!"))
                .await
                .map(drop),
        ),
        (
            "the certificate is no PEM text",
            certificates
                .import_third_party("", PrivateKey::new(PEM))
                .await
                .map(drop),
        ),
        (
            "the certificate is no PEM text",
            certificates
                .import_third_party(PEM, PrivateKey::new(PEM))
                .await
                .map(drop),
        ),
    ] {
        let error = error.expect_err(rule);
        assert!(error.to_string().contains(rule), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    assert_eq!(script.count(), 0);
}

#[tokio::test]
async fn the_names_of_an_order_are_needed() {
    all_are_refused(|client| {
        let certificate = client.install(INSTALL).domain("d").certificate();
        vec![
            refused(
                "order_domain_certificate",
                "the given name is missing",
                certificate
                    .order("j@example.com")
                    .name("", "Doe")
                    .region("US"),
            ),
            refused(
                "order_domain_certificate",
                "the family name is missing",
                certificate
                    .order("j@example.com")
                    .name("Jane", " ")
                    .region("US"),
            ),
            refused(
                "order_domain_certificate",
                "the region code is missing",
                certificate
                    .order("j@example.com")
                    .name("Jane", "Doe")
                    .region(""),
            ),
        ]
    })
    .await;
}

#[tokio::test]
async fn names_of_domains_and_updates_that_change_nothing() {
    const NO_NAME: &str = "is no name of a domain";
    const NOTHING: &str = "the update changes nothing";
    all_are_refused(|client| {
        let install = client.install(INSTALL);
        let domain =
            |name: &'static str| refused("create_domain", NO_NAME, install.domains().create(name));
        vec![
            domain(""),
            domain("a b.example"),
            domain("a.example\n"),
            domain("a\0.example"),
            domain("http://a.example"),
            domain("a.example/x"),
            refused("update_site", NOTHING, client.site(SITE).update()),
            refused("update_install", NOTHING, install.update()),
            refused("update_domain", NOTHING, install.domain("d1").update()),
        ]
    })
    .await;
}
