//! Whether the site still answers.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// A page of the site that is asked for, to see whether it works.
#[derive(Clone, Debug)]
pub struct Page {
    url: String,
    within: Duration,
}

impl Page {
    /// A page with this address, which has 30 seconds to answer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] if it is no address of a page.
    pub fn new(url: &str) -> Result<Self, Error> {
        let parsed = reqwest::Url::parse(url).ok();
        if !parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(Error::input(format!(
                "{url:?} is no address of a page: give one such as https://www.example.com/"
            )));
        }
        Ok(Self {
            url: url.to_owned(),
            within: Duration::from_secs(30),
        })
    }

    /// Returns the address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks for the page, around caches. It works if the status at the end of all redirects is below 400.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] if it does not work, with its status or why there is none.
    pub async fn works(&self) -> Result<u16, Error> {
        let client = reqwest::Client::builder()
            .timeout(self.within)
            .user_agent(concat!("wpengine-ssh/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Local, format!("cannot ask for a page: {error}"))
            })?;
        let mut url = self.url.clone();
        // A page that no cache has.
        let separator = if url.contains('?') { '&' } else { '?' };
        url.push_str(&format!(
            "{separator}wpengine-check={:08x}",
            fastrand::u32(..)
        ));
        let asked = client
            .get(&url)
            .header("cache-control", "no-cache")
            .send()
            .await;
        match asked {
            Ok(answer) if answer.status().as_u16() < 400 => Ok(answer.status().as_u16()),
            Ok(answer) => Err(Error::new(
                ErrorKind::Refused,
                format!("{} answers with {}", self.url, answer.status()),
            )),
            Err(error) => Err(Error::new(
                ErrorKind::Refused,
                format!("{} does not answer: {}", self.url, cause(&error)),
            )),
        }
    }
}

/// The innermost reason, which says most.
fn cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => cause(source),
        None => error.to_string(),
    }
}
