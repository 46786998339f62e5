//! Every operation of the API, called through the SDK: the list of calls that the tests share.
//!
//! The ids are those of the documentation's examples, so the calls succeed in the simulator's default state.

use std::{
    fmt::Debug,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::LazyLock,
};

use jiff::{Span, Timestamp, civil::Date};
use wpengine::{
    Client, Error,
    paging::{ByOffset, ByToken, List, Page},
    requests::{NewDomain, PathSettings, Recipient, S3Settings},
    types::{CacheType, Environment, EnvironmentMetrics, LargeFsRedirectType, PrivateKey, Roles},
};

pub(crate) const ACCOUNT: &str = "eeda3227-9a39-46ae-9e14-20958bb4e6c9";
pub(crate) const SITE: &str = "28c78b6d-c2da-4f09-85f5-1ad588089b2d";
pub(crate) const INSTALL: &str = "294deacc-d8b8-4005-82c4-0727ba8ddde0";

/// A domain on a network that supports sharing links, and its install.
pub(crate) const ADVANCED_DOMAIN: &str = "7b1f0d52-3c8e-4a67-9d20-5e4c1a8f6b93";
pub(crate) const ADVANCED_INSTALL: &str = "8f14e45f-ceea-4b5b-9f6d-8f14e45fceea";

/// How many parameters a call has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Only the required parameters.
    Plain,
    /// All parameters.
    Full,
}

/// The ids that the calls use.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    pub(crate) account: String,
    pub(crate) site: String,
    pub(crate) install: String,
    pub(crate) destination: String,
    pub(crate) user: String,
    pub(crate) transfer: String,
    pub(crate) domain: String,
    pub(crate) target: String,
    pub(crate) report: String,
    pub(crate) backup: String,
    pub(crate) schedule: String,
    pub(crate) template: String,
    pub(crate) ssh_key: String,
}

impl Default for Ids {
    fn default() -> Self {
        Self {
            account: ACCOUNT.to_owned(),
            site: SITE.to_owned(),
            install: INSTALL.to_owned(),
            destination: "c9f0f895-fb98-4f3c-9f0f-c9f0f895fb98".to_owned(),
            user: "28c78b6d-c2da-4f09-85f5-1ad588089b2d".to_owned(),
            transfer: "7c3e1a2b-4f5d-4e6c-b7a8-d9e0f1a2b3c4".to_owned(),
            domain: "e41fa98f-ea80-4654-b229-a9b765d0863a".to_owned(),
            target: "6977805b-1f65-4a5d-8d36-6fe609a4d9f3".to_owned(),
            report: "6a6d5dbd-5cac-41d5-8f3f-14a3e8ae6f76".to_owned(),
            backup: "e41fa98f-ea80-4654-b229-a9b765d0863a".to_owned(),
            schedule: "123e4567-e89b-12d3-a456-426614174000".to_owned(),
            template: "9fe01285-87cc-405b-9f2f-02cc1316bb63".to_owned(),
            ssh_key: "e41fa98f-ea80-1f16-a7b7-d748bcc9e64d".to_owned(),
        }
    }
}

impl Ids {
    /// Returns access to each id, so that a test can replace it.
    pub(crate) fn each() -> [fn(&mut Self) -> &mut String; 13] {
        [
            |ids| &mut ids.account,
            |ids| &mut ids.site,
            |ids| &mut ids.install,
            |ids| &mut ids.destination,
            |ids| &mut ids.user,
            |ids| &mut ids.transfer,
            |ids| &mut ids.domain,
            |ids| &mut ids.target,
            |ids| &mut ids.report,
            |ids| &mut ids.backup,
            |ids| &mut ids.schedule,
            |ids| &mut ids.template,
            |ids| &mut ids.ssh_key,
        ]
    }
}

/// A call that has not been sent. Every call must fit this type: it is `Send` and borrows nothing.
pub(crate) type Call = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'static>>;

/// A call that returns the SDK's value as `Debug` text.
pub(crate) type Told = Pin<Box<dyn Future<Output = Result<String, Error>> + Send>>;

/// Returns the call of one operation with the required parameters. Nothing is sent until it is awaited.
pub(crate) fn call(client: &Client, id: &str) -> Call {
    let call = told(client, &Ids::default(), id, Form::Plain);
    Box::pin(async move { call.await.map(drop) })
}

/// Returns the call of each operation with the required parameters, with the operation's id.
pub(crate) fn each(client: &Client) -> impl Iterator<Item = (&'static str, Call)> {
    wpengine::operations()
        .iter()
        .map(|operation| (operation.id, call(client, operation.id)))
}

/// Returns whether the call sends another request before its own operation. The tests of the resource check what such a
/// call does after a failure.
pub(crate) fn looks_first(id: &str) -> bool {
    id == "create_archive"
}

/// Returns the call of one operation with all parameters.
pub(crate) fn full(client: &Client, id: &str) -> Told {
    told(client, &Ids::default(), id, Form::Full)
}

/// Syntax: `id: call` if all parameters are required; otherwise `id: call with the required parameters, full: call with
/// all parameters`.
macro_rules! calls {
    ($wanted:expr, $form:expr; $($id:ident: $plain:expr $(, full: $full:expr)?;)*) => {
        match ($wanted, $form) {
            $($((stringify!($id), Form::Full) => $full,)?
            (stringify!($id), _) => $plain,)*
            (other, _) => panic!("no call of the operation `{other}` is in the list"),
        }
    };
}

/// Returns the call of one operation with these ids.
pub(crate) fn told(client: &Client, ids: &Ids, id: &str, form: Form) -> Told {
    let account = client.account(ids.account.as_str());
    let site = client.site(ids.site.as_str());
    let install = client.install(ids.install.as_str());
    let domain = install.domain(ids.domain.as_str());
    let (account_id, site_id) = (ids.account.as_str(), ids.site.as_str());
    let (first, last) = days();
    calls! { id, form;
        get_status: one(client.status());
        get_swagger: one(client.swagger());
        get_current_user: one(client.current_user());
        list_accounts: pages(form, client.accounts().list());
        get_account: one(account.get());
        get_account_limits: one(account.plan_limits());
        get_account_usage: page(account.usage().list()),
            full: usage(account.usage().list().page_size(50).between(first, last));
        refresh_account_disk_usage: one(account.usage().refresh_disk_usage());
        get_account_usage_summary: one(account.usage().summary().between(first, last));
        get_account_usage_insights: one(account.usage().insights().between(first, last));
        get_install_usage: one(install.usage().get().between(first, last));
        refresh_install_disk_usage: one(install.usage().refresh_disk_usage());
        list_account_users: page(account.users().list());
        create_account_user: one(account.users().create("john@example.com", Roles::full()).name("John", "Doe")),
            full: one(account
                .users()
                .create("joe@gmail.com", Roles::partial_and_billing()).name("Joe", "Smith")
                .installs([ids.install.as_str()]));
        get_account_user: one(account.user(ids.user.as_str()).get());
        update_account_user: one(account.user(ids.user.as_str()).update(Roles::full())),
            full: one(account
                .user(ids.user.as_str())
                .update(Roles::partial())
                .installs([ids.install.as_str()]));
        delete_account_user: one(account.user(ids.user.as_str()).delete());
        list_account_site_transfers: pages(form, account.list_site_transfers());
        list_site_transfers: pages(form, site.site_transfers().list());
        create_site_transfer: one(site.site_transfers().create(account_id)),
            full: one(site
                .site_transfers()
                .create(account_id)
                .scheduled_time(Timestamp::now() + Span::new().hours(48))
                .maintenance_mode(true));
        get_site_transfer: one(site.site_transfer(ids.transfer.as_str()).get());
        cancel_site_transfer: one(site.site_transfer(ids.transfer.as_str()).cancel());
        list_site_report_templates: page(account.list_site_report_templates());
        list_site_reports: page(site.reports().list());
        list_site_report_sections: one(client.report_sections());
        list_site_report_schedules: page(site.report_schedules().list());
        create_site_report_schedule: one(site.report_schedules().create("Weekly", ["ops@example.com"])),
            full: one(site
                .report_schedules()
                .create(
                    "Monthly Site Performance Report",
                    [Recipient::new("john@example.com").name("John Doe")],
                )
                .weekly(Timestamp::UNIX_EPOCH)
                .template(ids.template.as_str())
                .sections(["cover"]));
        update_site_report_schedule: one(client.report_schedule(ids.schedule.as_str()).update().monthly(31)),
            full: one(client
                .report_schedule(ids.schedule.as_str())
                .update()
                .title("Monthly Site Performance Report")
                .monthly(31)
                .next_scheduled_date(Timestamp::UNIX_EPOCH)
                .template(ids.template.as_str())
                .recipients([Recipient::new("jane@example.com").name("Jane Doe")])
                .sections(["cover"]));
        delete_site_report_schedule: one(client.report_schedule(ids.schedule.as_str()).delete());
        list_sites: page(client.sites().list()),
            full: pages(form, client.sites().list().account(account_id));
        create_site: one(client.sites().create("Torque Magazine", account_id));
        get_site: one(site.get());
        update_site: one(site.update().name("My New Name"));
        delete_site: one(site.delete());
        list_installs: page(client.installs().list()),
            full: pages(form, client.installs().list().account(account_id));
        create_install: one(client.installs().create("torquedev", account_id)),
            full: one(client
                .installs()
                .create("torquemag", account_id)
                .site(site_id)
                .environment(Environment::Staging));
        get_install: one(install.get());
        update_install: one(install.update().site(site_id)),
            full: one(install.update().site(site_id).environment(Environment::Development));
        delete_install: one(install.delete());
        copy_install: one(install.copy_to(ids.destination.as_str())),
            full: one(install
                .copy_to(ids.destination.as_str())
                .notification_emails(["ops@example.com"])
                .include_files(false)
                .include_database(true)
                .tables(["wp_posts", "wp_comments"]));
        get_largefs_validation_file: one(install.offload_settings().validation_file());
        get_offload_settings: one(install.offload_settings().get());
        update_offload_settings: one(install.offload_settings().replace(S3Settings::new().bucket("b"))),
            full: one(install.offload_settings().replace(offload()));
        patch_offload_settings: one(install.offload_settings().update(S3Settings::new().bucket("b"))),
            full: one(install.offload_settings().update(offload()));
        list_domains: pages(form, install.domains().list());
        create_domain: one(install.domains().create("shop.example.com")),
            full: one(install
                .domains()
                .create("www.example.com")
                .primary(false)
                .redirect_to(ids.target.as_str()));
        create_bulk_domains: one(install.domains().create_bulk([
            NewDomain::new("example.com"),
            NewDomain::new("www.example.com").redirect_to("example.com"),
        ]));
        get_domain: one(domain.get());
        update_domain: one(domain.update().secure_all_urls(true)),
            full: one(domain
                .update()
                .primary(false)
                .redirect_to(ids.target.as_str())
                .secure_all_urls(true));
        delete_domain: one(domain.delete());
        create_domain_sharing_link: one(domain.create_sharing_link());
        verify_domain: one(domain.verify());
        check_domain_status: one(domain.check_status());
        get_domain_report: one(install.domains().report(ids.report.as_str()).get());
        list_certificates: page(install.certificates().list()),
            full: two_pages(install.certificates().list().page_size(50), show_page);
        import_third_party_certificate: one(install
            .certificates()
            .import_third_party(super::clients::pem("CERTIFICATE", "hello"), PrivateKey::new(super::clients::pem("PRIVATE KEY", "world"))));
        get_domain_certificate: one(domain.certificate().get());
        order_domain_certificate: one(domain.certificate().order("jane@example.com").name("Jane", "Doe").region("US")),
            full: one(domain
                .certificate()
                .order("jane@example.com").name("Jane", "Doe").region("US")
                .state("Texas")
                .city("Austin")
                .phone("800-123-4567"));
        list_backups: pages(form, install.backups().list());
        create_backup: one(install
            .backups()
            .create("Before the new theme goes live", ["myself@torquemag.com"]));
        get_backup: one(install.backup(ids.backup.as_str()).get());
        restore_backup: one(install.backup(ids.backup.as_str()).restore(["ops@example.com"])),
            full: one(install
                .backup(ids.backup.as_str())
                .restore(["myself@torquemag.com"])
                .restore_database(false)
                .create_checkpoint(true));
        purge_cache: one(install.purge_cache(CacheType::Page)),
            full: one(install.purge_cache(CacheType::Object));
        list_archives: pages(form, install.archives().list());
        create_archive: one(install.archives().create(ids.backup.as_str(), ["user@example.com"]));
        list_ssh_keys: pages(form, client.ssh_keys().list());
        create_ssh_key: one(client.ssh_keys().create("ssh-ed25519 AAAAC3Nz joe@gmail.com"));
        delete_ssh_key: one(client.ssh_key(ids.ssh_key.as_str()).delete());
    }
}

/// Returns two days of the last month. They stay the same for a whole test, even if midnight passes.
pub(crate) fn days() -> (Date, Date) {
    static TODAY: LazyLock<Date> = LazyLock::new(|| {
        jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date()
    });
    let before = |days: i64| {
        TODAY
            .checked_sub(jiff::Span::new().days(days))
            .expect("a day that there was")
    };
    (before(10), before(2))
}

fn offload() -> S3Settings {
    S3Settings::new()
        .bucket("torquemag-media")
        .bucket_region("us-east-1")
        .path(
            PathSettings::new("/wp-content/uploads")
                .exclude(["/wp-content/uploads/private"])
                .redirect_type(LargeFsRedirectType::Permanent),
        )
}

fn one<T, R>(request: R) -> Told
where
    T: Debug,
    R: IntoFuture<Output = Result<T, Error>>,
    R::IntoFuture: Send + 'static,
{
    let answer = request.into_future();
    Box::pin(async move { answer.await.map(|value| show(&value)) })
}

/// Reads the first page of a listing.
fn page<T: Debug + Send + 'static, Style>(list: List<T, Style>) -> Told {
    let mut pages = list.pages();
    Box::pin(async move {
        let page = pages.try_next().await?;
        Ok(page.as_ref().map(show_page).unwrap_or_default())
    })
}

/// Reads a page of a listing by offset: the first one, or one at another offset.
fn pages<T: Debug + Send + 'static>(form: Form, list: List<T, ByOffset>) -> Told {
    match form {
        Form::Plain => page(list),
        Form::Full => page(list.page_size(50).offset(100)),
    }
}

fn usage(list: List<EnvironmentMetrics, ByToken>) -> Told {
    two_pages(list, |page| {
        format!(
            "{}\nall environments included: {}\nstorage refreshed: {}\nstorage refresh expected: {}",
            show_page(page),
            show(&page.all_environments_included()),
            show(&page.storage_refreshed()),
            show(&page.storage_refresh_expected()),
        )
    })
}

/// Reads two pages and shows the first. Only the request for the second page contains a token.
fn two_pages<T: Send + 'static>(list: List<T, ByToken>, show: fn(&Page<T>) -> String) -> Told {
    let mut pages = list.pages();
    Box::pin(async move {
        let first = pages.try_next().await?;
        if first.is_some() {
            pages.try_next().await?;
        }
        Ok(first.as_ref().map(show).unwrap_or_default())
    })
}

fn show_page<T: Debug>(page: &Page<T>) -> String {
    format!("total: {:?}\nitems: {}", page.total(), show(&page.items))
}

/// Formats a value with `Debug`, with single-field wrappers on one line.
fn show(value: &impl Debug) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in format!("{value:#?}").lines() {
        let closes = line.trim_start().starts_with(')');
        let depth = |line: &str| line.len() - line.trim_start().len();
        if closes
            && let [.., opening, content] = &lines[..]
            && opening.ends_with('(')
            && depth(opening) == depth(line)
        {
            let joined = format!(
                "{opening}{}{}",
                content.trim().trim_end_matches(','),
                line.trim()
            );
            lines.truncate(lines.len() - 2);
            lines.push(joined);
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n")
}
