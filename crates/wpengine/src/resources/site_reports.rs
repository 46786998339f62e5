//! Reports on a site, and the schedules that create them.

use std::time::Duration;

use jiff::Timestamp;
use wpengine_raw::types::{CreateReportScheduleRequest, UpdateReportScheduleRequest};

use super::{collection, handle, only_new, texts};
use crate::{
    Client, check,
    error::{Error, ErrorKind},
    paging::{List, Unpaged, whole_list},
    request::{operation, request},
    requests::Request,
    types::{
        Confirmation, ReportFrequency, ReportFrequencyUnit, ReportRecipient, ReportSchedule,
        ReportScheduleId, ReportSections, SiteId, SiteReport, TemplateId, TemplateSection,
    },
};

impl Client {
    /// Fetches the sections that a report on a site can have.
    ///
    /// Operation `list_site_report_sections`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// for section in client.report_sections().await?.sections {
    ///     println!("{}: {:?}", section.name, section.display_text);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn report_sections(&self) -> Request<ReportSections> {
        operation!(self, Ok(()), list_site_report_sections())
    }

    /// Returns a handle to one report schedule. Responses call the id of a schedule `uuid`.
    pub fn report_schedule(&self, id: impl Into<ReportScheduleId>) -> ReportScheduleHandle {
        ReportScheduleHandle::new(self, id.into())
    }
}

collection! {
    /// The reports on one site.
    SiteReports of site_id: SiteId
}

impl SiteReports {
    /// Lists the existing reports. The API returns them without pages. To download a report, pass its link to
    /// [`Client::download`](crate::Client::download).
    ///
    /// Operation `list_site_reports`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d");
    /// for report in site.reports().list().collect().await? {
    ///     println!("{:?} of {:?}", report.title, report.created_at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<SiteReport, Unpaged> {
        whole_list!(self, list_site_reports(site_id).reports)
    }
}

collection! {
    /// The report schedules of one site.
    ReportSchedules of site_id: SiteId
}

impl ReportSchedules {
    /// Lists the active schedules. The API returns them without pages.
    ///
    /// Operation `list_site_report_schedules`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d");
    /// for schedule in site.report_schedules().list().collect().await? {
    ///     println!("{:?}: next on {:?}", schedule.title, schedule.next_scheduled_date);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<ReportSchedule, Unpaged> {
        whole_list!(self, list_site_report_schedules(site_id).schedules)
    }

    /// Creates a schedule that regularly creates a report and sends it by mail. At least one recipient is required: an
    /// address, or a [`Recipient`] with a name. Set the frequency with [`weekly`](CreateReportSchedule::weekly),
    /// [`every_two_weeks`](CreateReportSchedule::every_two_weeks) or [`monthly`](CreateReportSchedule::monthly). The API
    /// does not document what happens without one.
    ///
    /// Operation `create_site_report_schedule`. The response does not contain the id of the schedule. To get the
    /// schedule, call [`found`](CreateReportSchedule::found) instead of awaiting the request.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d");
    /// let schedule = site
    ///     .report_schedules()
    ///     .create("Monthly report", ["ops@example.com"])
    ///     .monthly(31)
    ///     .found()
    ///     .await?;
    /// println!("first on {:?}", schedule.next_scheduled_date);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(
        &self,
        title: impl Into<String>,
        recipients: impl IntoIterator<Item = impl Into<Recipient>>,
    ) -> CreateReportSchedule {
        let body = CreateReportScheduleRequest {
            site_id: self.site_id.clone(),
            title: title.into(),
            recipients: people(recipients),
            frequency: None,
            next_scheduled_date: None,
            sections: Vec::new(),
            template_uuid: None,
        };
        CreateReportSchedule::new(&self.client, body)
    }
}

/// A person who gets reports by mail: an address and optionally a name.
///
/// ```
/// use wpengine::requests::Recipient;
///
/// let plain: Recipient = "ops@example.com".into();
/// let named = Recipient::new("jane@example.com").name("Jane Doe");
/// assert_ne!(plain, named);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Recipient(ReportRecipient);

impl Recipient {
    /// Creates a recipient with this address.
    pub fn new(email: impl Into<String>) -> Self {
        let mut recipient = ReportRecipient::default();
        recipient.email = Some(email.into());
        Self(recipient)
    }

    /// Sets the name of the person.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = Some(name.into());
        self
    }
}

impl From<&str> for Recipient {
    fn from(email: &str) -> Self {
        Self::new(email)
    }
}

impl From<String> for Recipient {
    fn from(email: String) -> Self {
        Self::new(email)
    }
}

fn people(recipients: impl IntoIterator<Item = impl Into<Recipient>>) -> Vec<ReportRecipient> {
    recipients.into_iter().map(|one| one.into().0).collect()
}

fn named(sections: impl IntoIterator<Item = impl Into<String>>) -> Vec<TemplateSection> {
    let section = |name| {
        let mut section = TemplateSection::default();
        section.name = Some(name);
        section
    };
    texts(sections).into_iter().map(section).collect()
}

fn every(value: i64, unit: ReportFrequencyUnit) -> ReportFrequency {
    let mut frequency = ReportFrequency::default();
    frequency.value = Some(value);
    frequency.unit = Some(unit);
    frequency
}

fn check_recipients(recipients: &[ReportRecipient]) -> Result<(), Error> {
    if recipients.is_empty() {
        return Err(Error::invalid(
            "nobody would get the reports: at least one e-mail address is needed",
        )
        .with_hint("nothing was sent; to end the reports, delete the schedule"));
    }
    recipients
        .iter()
        .try_for_each(|one| check::email(one.email.as_deref().unwrap_or_default()))
}

fn check_frequency(frequency: Option<&ReportFrequency>) -> Result<(), Error> {
    let Some(frequency) = frequency else {
        return Ok(());
    };
    let day = frequency.value.unwrap_or_default();
    if frequency.unit != Some(ReportFrequencyUnit::Monthly) || (1..=31).contains(&day) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "no month has a day {day}: a monthly report is made on day 1 to 31"
    ))
    .with_hint("nothing was sent; a month that is too short has its report on its last day"))
}

/// Refuses an empty list of sections. It would be left out of the request, and the service would not change the
/// sections.
fn check_sections(sections: &[TemplateSection], is_none: bool) -> Result<(), Error> {
    if is_none {
        return Err(Error::invalid("a report needs at least one section")
            .with_hint("nothing was sent; leave `sections` out for those of the template"));
    }
    sections.iter().try_for_each(|section| {
        let name = section.name.as_deref().unwrap_or_default();
        check::text("name of a section", name)
    })
}

/// The setters of both requests: to create a schedule, and to update one.
macro_rules! schedule_setters {
    ($name:ident, $which:literal) => {
        impl $name {
            #[doc = concat!("Sets a weekly report. The ", $which, " report is created at `first`, the others on the same weekday.")]
            pub fn weekly(self, first: Timestamp) -> Self {
                self.days(7, first)
            }

            #[doc = concat!("Sets a report every two weeks. The ", $which, " report is created at `first`, the others on the same weekday.")]
            pub fn every_two_weeks(self, first: Timestamp) -> Self {
                self.days(14, first)
            }

            fn days(mut self, days: i64, first: Timestamp) -> Self {
                self.body.frequency = Some(every(days, ReportFrequencyUnit::Days));
                self.body.next_scheduled_date = Some(first);
                self
            }

            /// Sets a monthly report on this day of the month, 1 to 31. In a month with fewer days, the report is
            /// created on the last day.
            pub fn monthly(mut self, day: u8) -> Self {
                self.body.frequency = Some(every(day.into(), ReportFrequencyUnit::Monthly));
                self
            }

            setters! {
                #[doc = concat!("Sets when the ", $which, " report is created.")]
                next_scheduled_date(time: Timestamp) body.next_scheduled_date = Some(time);

                /// Sets the template of the reports, one of
                /// [`list_site_report_templates`](crate::resources::AccountHandle::list_site_report_templates).
                template(template: impl Into<TemplateId>) body.template_uuid = Some(template.into());
            }

            /// Sets the sections of the reports by their names, such as `cover`. The sections of the template are
            /// allowed.
            pub fn sections(mut self, sections: impl IntoIterator<Item = impl Into<String>>) -> Self {
                self.body.sections = named(sections);
                self.has_no_sections = self.body.sections.is_empty();
                self
            }
        }
    };
}

request! {
    /// A request to create a report schedule.
    CreateReportSchedule() = create_site_report_schedule(CreateReportScheduleRequest) -> Confirmation,
    has_no_sections: bool
}

schedule_setters!(CreateReportSchedule, "first");

impl CreateReportSchedule {
    fn check(&self) -> Result<(), Error> {
        let body = &self.body;
        check::ids(&[&body.site_id])?;
        check::text("title of the reports", &body.title)?;
        check_recipients(&body.recipients)?;
        check_frequency(body.frequency.as_ref())?;
        check_sections(&body.sections, self.has_no_sections)?;
        check::ids(&[&body.template_uuid])
    }

    /// Creates the schedule and returns it. For this, it lists the schedules of the site before and after, and looks
    /// for a new one with this title.
    ///
    /// # Errors
    ///
    /// [`Ambiguous`](ErrorKind::Ambiguous) if there are two new schedules with this title,
    /// [`WaitTimedOut`](ErrorKind::WaitTimedOut) if the service has confirmed the schedule but does not list it within
    /// some seconds, and every kind of [`Error`] that a call can return.
    pub async fn found(self) -> Result<ReportSchedule, Error> {
        const LOOKS: u32 = 5;
        let schedules = ReportSchedules::new(&self.client, &self.body.site_id);
        let (title, options) = (self.body.title.clone(), self.options.clone());
        let listed = || schedules.list().options(options.clone()).collect();
        let mut request = self.request();
        request.refuse()?;
        let before = listed().await?;
        request.await?;
        for look in 1.. {
            let mut new = listed().await.map_err(created)?;
            // The service may trim the title.
            new.retain(|one| {
                let has_title = one.title.as_deref().map(str::trim) == Some(title.trim());
                has_title && !before.iter().any(|known| known.uuid == one.uuid)
            });
            let what = "schedules have this title";
            match only_new(new, |one| one.uuid.as_str(), what).map_err(created)? {
                Some(schedule) => return Ok(schedule),
                None if look == LOOKS => break,
                None => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
        let text = "the service has confirmed the schedule, but does not list it";
        Err(created(Error::new(ErrorKind::WaitTimedOut, text)))
    }
}

/// Adds to an error after the creation that the schedule exists.
fn created(error: Error) -> Error {
    error
        .with_hint("the schedule is there: look for it in `site.report_schedules().list()`, and do not create it again")
        .with(|inner| inner.may_have_happened = true)
}

handle! {
    /// A handle to one report schedule.
    ReportScheduleHandle of id: ReportScheduleId
}

impl ReportScheduleHandle {
    /// Updates the schedule. At least one setter must be called; the other settings stay as they are.
    ///
    /// Operation `update_site_report_schedule`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d");
    /// for schedule in site.report_schedules().list().collect().await? {
    ///     client
    ///         .report_schedule(schedule.uuid)
    ///         .update()
    ///         .monthly(1)
    ///         .recipients(["ops@example.com"])
    ///         .await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self) -> UpdateReportSchedule {
        let body = UpdateReportScheduleRequest::default();
        UpdateReportSchedule::new(&self.client, &self.id, body)
    }

    /// Deletes the schedule. Its existing reports are kept.
    ///
    /// Operation `delete_site_report_schedule`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d");
    /// for schedule in site.report_schedules().list().collect().await? {
    ///     client.report_schedule(schedule.uuid).delete().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete(&self) -> Request<()> {
        operation!(self, delete_site_report_schedule(id))
    }
}

request! {
    /// A request to update a report schedule.
    UpdateReportSchedule(id: ReportScheduleId)
        = update_site_report_schedule(UpdateReportScheduleRequest) -> Confirmation,
    /// Whether recipients were set. An empty list is refused, because it would leave the recipients as they are.
    sets_recipients: bool,
    has_no_sections: bool
}

schedule_setters!(UpdateReportSchedule, "next");

impl UpdateReportSchedule {
    /// Sets the title of the reports.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.body.title = Some(title.into());
        self
    }

    /// Sets who gets the reports; at least one person. Give all recipients: probably they replace the current ones,
    /// although the documentation does not say so.
    pub fn recipients(
        mut self,
        recipients: impl IntoIterator<Item = impl Into<Recipient>>,
    ) -> Self {
        self.body.recipients = people(recipients);
        self.sets_recipients = true;
        self
    }

    fn check(&self) -> Result<(), Error> {
        let body = &self.body;
        if *body == UpdateReportScheduleRequest::default()
            && !self.sets_recipients
            && !self.has_no_sections
        {
            return Err(Error::invalid("nothing is to be changed of the schedule")
                .with_hint("nothing was sent; say what to change, such as `monthly(1)`"));
        }
        if let Some(title) = &body.title {
            check::text("title of the reports", title)?;
        }
        if self.sets_recipients {
            check_recipients(&body.recipients)?;
        }
        check_frequency(body.frequency.as_ref())?;
        check_sections(&body.sections, self.has_no_sections)?;
        check::ids(&[&body.template_uuid])
    }
}
