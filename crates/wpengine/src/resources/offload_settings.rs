//! Settings that serve large files of an install from object storage.

use wpengine_raw::types::{LargeFsConfig, LargeFsPathSettings, LargeFsSettings};

use super::{collection, texts};
use crate::{
    check,
    error::Error,
    request::operation,
    requests::Request,
    types::{InstallId, LargeFsCloud, LargeFsRedirectType, LargeFsValidationFile},
};

/// The message of a 404 that means that the install has no offload settings.
const NEVER_SET_UP: &str = "LargeFS settings not found";

collection! {
    /// The settings that serve large files of one install from object storage.
    OffloadSettings of install_id: InstallId
}

impl OffloadSettings {
    /// Fetches the settings; none if they were never set up.
    ///
    /// Operation `get_offload_settings`. The service responds with a 404 and a specific message if there are no
    /// settings. Any other 404 is an error.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let offload = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0").offload_settings();
    /// match offload.get().await?.and_then(|settings| settings.largefs_settings) {
    ///     Some(settings) => println!("{:?}", settings.bucket),
    ///     None => println!("large files are not offloaded"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self) -> Request<Option<LargeFsConfig>> {
        let id = self.install_id.clone();
        Request::new(
            &self.client,
            "get_offload_settings",
            check::ids(&[&self.install_id]),
            |raw| async move {
                let answer = raw.get_offload_settings(&id).await?;
                answer.map(Some)
            },
        )
        .recover(|error| async move {
            if error.is_not_found() && error.says(NEVER_SET_UP) {
                Ok(error.into_response().with(None))
            } else {
                Err(error)
            }
        })
    }

    /// Fetches the validation file. Put it into the bucket to prove that you own the bucket.
    ///
    /// Operation `get_largefs_validation_file`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let offload = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0").offload_settings();
    /// let file = offload.validation_file().await?;
    /// println!("put {:?} into the bucket as {:?}", file.content, file.name);
    /// # Ok(())
    /// # }
    /// ```
    pub fn validation_file(&self) -> Request<LargeFsValidationFile> {
        operation!(self, get_largefs_validation_file(install_id))
    }

    /// Replaces all settings. The service applies the new ones soon after its response, and the API cannot report when
    /// it is done.
    ///
    /// Operation `update_offload_settings`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::requests::{PathSettings, S3Settings};
    ///
    /// let offload = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0").offload_settings();
    /// offload
    ///     .replace(
    ///         S3Settings::new()
    ///             .bucket("torquemag-media")
    ///             .bucket_region("us-east-1")
    ///             .path(PathSettings::new("/wp-content/uploads").exclude(["/wp-content/uploads/private"])),
    ///     )
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn replace(&self, settings: S3Settings) -> Request<()> {
        let (check, body) = settings.into_body();
        operation!(self, check, update_offload_settings(install_id; body))
    }

    /// Changes the settings that are given and keeps the others. The service applies them soon after its response, and
    /// the API cannot report when it is done.
    ///
    /// Operation `patch_offload_settings`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::requests::S3Settings;
    ///
    /// let offload = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0").offload_settings();
    /// offload
    ///     .replace(S3Settings::new().bucket("torquemag-media").bucket_region("us-east-1"))
    ///     .await?;
    /// offload.update(S3Settings::new().bucket_region("eu-west-1")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self, settings: S3Settings) -> Request<()> {
        let (check, body) = settings.into_body();
        operation!(self, check, patch_offload_settings(install_id; body))
    }
}

/// Where the large files of an install are stored in Amazon S3.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct S3Settings(LargeFsSettings);

impl Default for S3Settings {
    fn default() -> Self {
        let mut settings = LargeFsSettings::default();
        settings.cloud = Some(LargeFsCloud::S3);
        Self(settings)
    }
}

impl S3Settings {
    /// Creates settings with S3 as the storage, and nothing else set.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets the name of the bucket.
        bucket(bucket: impl Into<String>) 0.bucket = Some(bucket.into());

        /// Sets the region of the bucket, such as `us-east-1`.
        bucket_region(region: impl Into<String>) 0.bucket_region = Some(region.into());
    }

    /// Adds a path whose files are served from the bucket.
    pub fn path(mut self, path: PathSettings) -> Self {
        self.0.path_settings.get_or_insert_default().push(path.0);
        self
    }

    fn into_body(self) -> (Result<(), Error>, LargeFsConfig) {
        let check = check_paths(&self.0);
        let mut body = LargeFsConfig::default();
        body.largefs_settings = Some(self.0);
        (check, body)
    }
}

/// A path whose files are served from the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct PathSettings(LargeFsPathSettings);

impl PathSettings {
    /// Creates settings for all files below this path.
    pub fn new(path: impl Into<String>) -> Self {
        let mut settings = LargeFsPathSettings::default();
        settings.path = Some(path.into());
        Self(settings)
    }

    setters! {
        /// Excludes the files below these paths.
        exclude(paths: impl IntoIterator<Item = impl Into<String>>) 0.excluded_paths = Some(texts(paths));

        /// Sets how requests for the files are redirected to the bucket.
        redirect_type(redirect_type: LargeFsRedirectType) 0.redirect_type = Some(redirect_type);
    }
}

fn check_paths(settings: &LargeFsSettings) -> Result<(), Error> {
    for path in settings.path_settings.iter().flatten() {
        check::text("path", path.path.as_deref().unwrap_or_default())?;
        if let Some(redirect) = &path.redirect_type {
            check::known("redirect type", redirect.as_str(), redirect.is_unknown())?;
        }
    }
    Ok(())
}
