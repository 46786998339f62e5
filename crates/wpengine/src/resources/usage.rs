//! Usage figures: visits, traffic and storage, for each day or in total.

use std::time::Duration;

use jiff::civil::Date;

use super::collection;
use crate::{
    Client,
    call::call,
    check,
    error::{Error, ErrorKind},
    paging::{Ask, ByToken, Fetched, List, Page, UsageNotes},
    request::{operation, request_methods},
    requests::{Request, Wait},
    transport::Options,
    types::{
        AccountId, AccountUsageInsights, EnvironmentMetrics, InstallDailyUsageMetricsSeries,
        InstallId, UsageMetricsRollup,
    },
    wait::{Stage, Work},
};

/// The longest range of a summary and of insights, in days.
const LONGEST_ROLLUP: i32 = 31;

/// The default deadline of a wait for a storage measurement.
const LIMIT: Duration = Duration::from_secs(60 * 60);

collection! {
    /// The usage figures of one account.
    AccountUsage of account_id: AccountId
}

impl AccountUsage {
    /// Lists the daily figures of every environment of the account, for the last 30 days or for the days set with
    /// [`between`](List::between).
    ///
    /// Operation `get_account_usage`. A storage figure of null or 0 means that it is not up to date, not that there is
    /// no data. Start a measurement with [`refresh_disk_usage`](Self::refresh_disk_usage).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let usage = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9").usage();
    /// let mut environments = usage.list().items();
    /// while let Some(environment) = environments.try_next().await? {
    ///     let visits: i64 = environment
    ///         .metrics
    ///         .unwrap_or_default()
    ///         .iter()
    ///         .filter_map(|day| day.visit_count)
    ///         .map(|count| count.get())
    ///         .sum();
    ///     println!("{:?}: {visits} visits", environment.environment_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<EnvironmentMetrics, ByToken> {
        const OPERATION: &str = "get_account_usage";
        let (client, id) = (self.client.clone(), self.account_id.clone());
        List::new(
            OPERATION,
            1_000,
            check::ids(&[&self.account_id]),
            move |wanted: Ask| {
                let (client, id) = (client.clone(), id.clone());
                async move {
                    let (first, last) = wanted.days.unzip();
                    let (limit, token) = (i64::from(wanted.limit), wanted.token);
                    let answer = call(client.core(), OPERATION, wanted.options, |raw| async move {
                        raw.get_account_usage(
                            &id,
                            first.as_ref(),
                            last.as_ref(),
                            Some(limit),
                            token.as_deref(),
                        )
                        .await
                    })
                    .await?;
                    let (body, answer) = answer.split();
                    let usage = UsageNotes {
                        all_environments_included: body.all_environments_included,
                        storage_refreshed: body.last_account_storage_refresh_time,
                        storage_refresh_expected: body.account_storage_refresh_expected_time,
                    };
                    let page = Fetched::of_token_page(
                        answer,
                        body.environment_metrics,
                        body.total_size.and_then(|total| u64::try_from(total).ok()),
                        body.next_page_token,
                    );
                    Ok(page.with_usage(usage))
                }
            },
        )
    }

    /// Fetches the total figures of the account, for the last 30 days or for the days set with
    /// [`between`](GetUsageSummary::between).
    ///
    /// Operation `get_account_usage_summary`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let usage = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9").usage();
    /// let summary = usage.summary().await?;
    /// println!("{:?}", summary.visit_count.and_then(|visits| visits.sum));
    /// # Ok(())
    /// # }
    /// ```
    pub fn summary(&self) -> GetUsageSummary {
        GetUsageSummary::new(&self.client, &self.account_id)
    }

    /// Fetches the figures of the account by type of environment and of site, for the last 30 days or for the days set
    /// with [`between`](GetUsageInsights::between).
    ///
    /// Operation `get_account_usage_insights`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let usage = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9").usage();
    /// let insights = usage.insights().await?;
    /// println!("{:?}", insights.visit_count.and_then(|visits| visits.total));
    /// # Ok(())
    /// # }
    /// ```
    pub fn insights(&self) -> GetUsageInsights {
        GetUsageInsights::new(&self.client, &self.account_id)
    }

    /// Starts a measurement of the storage of the whole account. The service responds before the measurement has ended.
    /// Requests during a measurement do not start another one.
    ///
    /// Operation `refresh_account_disk_usage`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let usage = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9").usage();
    /// usage.refresh_disk_usage().await?;
    /// let page = usage.list().pages().try_next().await?;
    /// println!("{:?}", page.as_ref().and_then(|page| page.storage_refresh_expected()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn refresh_disk_usage(&self) -> Request<()> {
        operation!(self, refresh_account_disk_usage(account_id))
    }

    /// Waits until no measurement of the account's storage is running; the default [`deadline`](Wait::deadline) is 60
    /// minutes.
    ///
    /// Uses the operation `get_account_usage`, for one environment.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let usage = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9").usage();
    /// let page = usage.wait().await?;
    /// println!("{:?}", page.storage_refreshed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self) -> Wait<Page<EnvironmentMetrics>> {
        let this = self.clone();
        Wait::new(
            &self.client,
            Work::new(
                format!("the storage measurement of account {}", self.account_id),
                move || {
                    let mut pages = this.list().page_size(1).pages();
                    async move {
                        pages.try_next().await?.ok_or_else(|| {
                            Error::new(ErrorKind::Paging, "the usage has no page at all")
                        })
                    }
                },
                |page| match page.storage_refresh_expected() {
                    None => Stage::Done,
                    Some(time) => Stage::Going(format!("expected to end at {time}")),
                },
                "ask for another measurement",
            ),
            LIMIT,
        )
    }
}

collection! {
    /// The usage figures of one install.
    InstallUsage of install_id: InstallId
}

impl InstallUsage {
    /// Fetches the daily figures of the install, for the last 30 days or for the days set with
    /// [`between`](GetInstallUsage::between).
    ///
    /// Operation `get_install_usage`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let usage = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0").usage();
    /// let series = usage.get().await?;
    /// println!("{} days", series.metrics.unwrap_or_default().len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self) -> GetInstallUsage {
        GetInstallUsage::new(&self.client, &self.install_id)
    }

    /// Starts a measurement of the storage of the install. The service responds before the measurement has ended; it
    /// has ended when `storage_refresh_expected_time` of [`get`](Self::get) is null again.
    ///
    /// Operation `refresh_install_disk_usage`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let usage = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0").usage();
    /// usage.refresh_disk_usage().await?;
    /// println!("{:?}", usage.get().await?.storage_refresh_expected_time);
    /// # Ok(())
    /// # }
    /// ```
    pub fn refresh_disk_usage(&self) -> Request<()> {
        operation!(self, refresh_install_disk_usage(install_id))
    }

    /// Waits until no measurement of the install's storage is running; the default [`deadline`](Wait::deadline) is 60
    /// minutes.
    ///
    /// Uses the operation `get_install_usage`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let usage = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0").usage();
    /// let series = usage.wait().await?;
    /// println!("{:?}", series.install_name);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self) -> Wait<InstallDailyUsageMetricsSeries> {
        let this = self.clone();
        Wait::new(
            &self.client,
            Work::new(
                format!("the storage measurement of install {}", self.install_id),
                move || this.get(),
                |series| match &series.storage_refresh_expected_time {
                    None => Stage::Done,
                    Some(time) => Stage::Going(format!("expected to end at {time}")),
                },
                "ask for another measurement",
            ),
            LIMIT,
        )
    }
}

/// The three requests for figures of a range of days.
macro_rules! ranged {
    ($(#[$doc:meta])* $name:ident of $id:ident: $id_type:ty, $longest:expr, $operation:ident -> $output:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[must_use = "a request does nothing until it is awaited or sent"]
        pub struct $name {
            client: Client,
            options: Options,
            $id: $id_type,
            days: Option<(Date, Date)>,
        }

        impl $name {
            fn new(client: &Client, $id: &$id_type) -> Self {
                Self {
                    client: client.clone(),
                    options: Options::default(),
                    $id: $id.clone(),
                    days: None,
                }
            }

            /// Sets the first and the last day of the figures. Both days are included, and the first may be at most 13
            /// months ago. A summary and insights cover at most 31 days.
            pub fn between(mut self, first: Date, last: Date) -> Self {
                self.days = Some((first, last));
                self
            }

            fn request(self) -> Request<$output> {
                let check = check::ids(&[&self.$id]).and_then(|()| days(self.days, $longest));
                let (id, (first, last)) = (self.$id, self.days.unzip());
                operation!(&self.client, check, $operation(&id, first.as_ref(), last.as_ref()))
                    .options(self.options)
            }
        }

        request_methods!($name -> $output);
    };
}

ranged! {
    /// A request for the total figures of an account.
    GetUsageSummary of account_id: AccountId, Some(LONGEST_ROLLUP),
    get_account_usage_summary -> UsageMetricsRollup
}
ranged! {
    /// A request for the figures of an account by type of environment and of site.
    GetUsageInsights of account_id: AccountId, Some(LONGEST_ROLLUP),
    get_account_usage_insights -> AccountUsageInsights
}
ranged! {
    /// A request for the daily figures of an install.
    GetInstallUsage of install_id: InstallId, None,
    get_install_usage -> InstallDailyUsageMetricsSeries
}

fn days(days: Option<(Date, Date)>, longest: Option<i32>) -> Result<(), Error> {
    days.map_or(Ok(()), |(first, last)| check::days(first, last, longest))
}
