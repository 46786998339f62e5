//! Serving large files of an install from object storage.

use wpengine_raw::types::{LargeFsConfig, LargeFsPathSettings, LargeFsSettings};

use super::{collection, texts};
use crate::{
    check,
    error::Error,
    request::operation,
    requests::Request,
    types::{InstallId, LargeFsCloud, LargeFsRedirectType, LargeFsValidationFile},
};

/// What the service answers, with the status 404, where offload settings were never set up.
const NEVER_SET_UP: &str = "LargeFS settings not found";

collection! {
    /// How one install serves its large files.
    OffloadSettings of install_id: InstallId
}

impl OffloadSettings {
    /// Asks for the settings; none where they were never set up.
    ///
    /// Operation `get_offload_settings`. Where there are no settings the service answers 404 and says so; any other 404
    /// is an error.
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
            check::id("install", &self.install_id),
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

    /// Asks for the file to put into the bucket, which proves that the bucket is yours.
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
        let id = self.install_id.clone();
        operation!(
            &self.client,
            check::id("install", &self.install_id),
            get_largefs_validation_file(&id)
        )
    }

    /// Puts the settings in place of those that there are, soon after the answer. The end cannot be asked for.
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
        let (id, check, body) = self.prepare(settings);
        operation!(&self.client, check, update_offload_settings(&id, &body))
    }

    /// Changes what is given and leaves the rest of the settings, soon after the answer. The end cannot be asked for.
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
        let (id, check, body) = self.prepare(settings);
        operation!(&self.client, check, patch_offload_settings(&id, &body))
    }

    fn prepare(&self, settings: S3Settings) -> (InstallId, Result<(), Error>, LargeFsConfig) {
        let check = check::id("install", &self.install_id).and_then(|()| check_paths(&settings.0));
        let mut body = LargeFsConfig::default();
        body.largefs_settings = Some(settings.0);
        (self.install_id.clone(), check, body)
    }
}

/// Where the large files of an install go in Amazon S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Settings(LargeFsSettings);

impl Default for S3Settings {
    fn default() -> Self {
        let mut settings = LargeFsSettings::default();
        settings.cloud = Some(LargeFsCloud::S3);
        Self(settings)
    }
}

impl S3Settings {
    /// Settings that say nothing but that the storage is S3.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Name of the bucket.
    #[must_use]
    pub fn bucket(mut self, bucket: impl Into<String>) -> Self {
        self.0.bucket = Some(bucket.into());
        self
    }

    /// Region of the bucket, such as `us-east-1`.
    #[must_use]
    pub fn bucket_region(mut self, region: impl Into<String>) -> Self {
        self.0.bucket_region = Some(region.into());
        self
    }

    /// Adds a path whose files are served from the bucket.
    #[must_use]
    pub fn path(mut self, path: PathSettings) -> Self {
        self.0.path_settings.get_or_insert_default().push(path.0);
        self
    }
}

/// A path whose files are served from the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathSettings(LargeFsPathSettings);

impl PathSettings {
    /// All files below that path.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        let mut settings = LargeFsPathSettings::default();
        settings.path = Some(path.into());
        Self(settings)
    }

    /// Leaves out what is below these paths.
    #[must_use]
    pub fn exclude<I>(mut self, paths: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.0.excluded_paths = Some(texts(paths));
        self
    }

    /// How requests for the files are redirected to the bucket.
    #[must_use]
    pub fn redirect_type(mut self, redirect_type: LargeFsRedirectType) -> Self {
        self.0.redirect_type = Some(redirect_type);
        self
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
