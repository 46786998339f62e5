//! Requests for paths that are not modelled yet.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use wpengine_raw::values::Page;

use crate::{
    Client,
    call::{self, Facts, Record},
    check,
    error::Error,
    paging::{Ask, Fetched, Key, List},
    request::option_methods,
    response::Response,
    transport::{self, Options, Target},
};

/// A request for any path, created by [`Client::request`].
#[must_use = "a request does nothing until it is sent"]
pub struct AnyRequest {
    client: Client,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Result<Vec<u8>, serde_json::Error>>,
    options: Options,
}

impl AnyRequest {
    pub(crate) fn new(client: &Client, method: Method, path: &str) -> Self {
        Self {
            client: client.clone(),
            method,
            path: path.to_owned(),
            query: Vec::new(),
            body: None,
            options: Options::default(),
        }
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// Sets the body, which is sent as JSON.
    pub fn body(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_vec(body));
        self
    }

    option_methods!();

    /// Sends the request and decodes the response as JSON.
    ///
    /// # Errors
    ///
    /// Every kind of [`Error`] that a call can return.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let (body, facts) = self.exchange(true).await?;
        serde_json::from_slice(&body)
            .map_err(|error| facts.decode(&body, call::explain::<T>, &error))
    }

    /// Lists a path that pages by `limit` and `offset`, as most listings of the API do. If there is no model for the
    /// items, or to keep all their fields, `T` is `serde_json::Value`, or `Box<serde_json::value::RawValue>` for their
    /// text.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use http::Method;
    ///
    /// let sites = client.request(Method::GET, "/sites").list::<serde_json::Value>();
    /// for site in sites.collect().await? {
    ///     println!("{} {}", site["id"], site["name"]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list<T: DeserializeOwned + Send + 'static>(self) -> List<T> {
        let check = if self.method == Method::GET && self.body.is_none() {
            Ok(())
        } else {
            Err(Error::invalid("only a GET without a body can be listed"))
        };
        let (options, request) = (self.options.clone(), Arc::new(self));
        List::new("request", 100, check, move |wanted| {
            let request = request.for_page(&wanted);
            async move { request.page().await }
        })
        .paged_by_offset()
        .options(options)
    }

    /// Returns the same request for one page.
    fn for_page(&self, wanted: &Ask) -> Self {
        let mut query = self.query.clone();
        query.push(("limit".to_owned(), wanted.limit.to_string()));
        query.push(("offset".to_owned(), wanted.offset.to_string()));
        Self {
            client: self.client.clone(),
            method: self.method.clone(),
            path: self.path.clone(),
            query,
            body: None,
            options: wanted.options.clone(),
        }
    }

    async fn page<T: DeserializeOwned>(self) -> Result<Fetched<T>, Error> {
        let (body, facts) = self.exchange(true).await?;
        let decoded = serde_json::from_slice::<Page<T>>(&body).and_then(|typed| {
            let untyped: Page<&RawValue> = serde_json::from_slice(&body)?;
            Ok((
                typed,
                untyped.results.into_iter().map(Key::of_item).collect(),
            ))
        });
        let (typed, keys) = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return Err(facts.decode(&body, call::explain::<Page<T>>, &error)),
        };
        Ok(Fetched::with_keys(facts.record.response(typed), keys))
    }

    /// Sends the request and returns the bytes of the response with the status and the headers.
    ///
    /// # Errors
    ///
    /// Every kind of [`Error`] that a call can return.
    pub async fn send(self) -> Result<Response<Vec<u8>>, Error> {
        let (body, facts) = self.exchange(false).await?;
        Ok(facts.record.response(body.into()))
    }

    /// Returns a successful response and the facts of the call. If the response must be JSON and is cut off, the
    /// request is retried.
    async fn exchange(&self, json: bool) -> Result<(Bytes, Facts<'_>), Error> {
        let core = self.client.core();
        let request = self.request()?;
        // Uses the normalised path that is sent: `/a/%2e%2e/b` means `/b`.
        let path = call::below_base(core, request.uri().path()).to_owned();
        let mut target = Target::find(&self.method, &path);
        target.json |= json;
        let mut facts = Facts {
            core,
            operation: target.id,
            is_read: target.is_read(),
            is_secret: target.secret,
            record: Record {
                request: Some(call::name_of(core, &self.method, &path)),
                ..Record::default()
            },
        };
        let exchange = match transport::run(core, &target, &self.options, &request).await {
            Ok(exchange) => exchange,
            Err(error) => return Err(facts.name(error)),
        };
        let (head, body) = exchange.response.into_parts();
        facts.record.status = head.status;
        facts.record.headers = head.headers;
        facts.record.history = exchange.history;
        facts.record.authorization = exchange.authorization;
        if !head.status.is_success() {
            return Err(facts.api(&body));
        }
        match target.contradiction(head.status, &body) {
            Some(how) => Err(facts.contradicted(how, &body)),
            None => Ok((body, facts)),
        }
    }

    fn request(&self) -> Result<http::Request<Bytes>, Error> {
        let core = self.client.core();
        let refuse = |rule: &str| {
            let path = check::quoted(&self.path);
            Err(Error::invalid(format!("the path `{path}` {rule}")))
        };
        if !self.path.starts_with('/') {
            return refuse("does not begin with a slash: it is below the base URL, like `/user`");
        }
        if self.path.chars().any(check::breaks_a_word) {
            return refuse("holds white space or a control character: percent-encode it");
        }
        if self.path.contains('#') || self.path.split(['/', '?']).any(|part| part == "..") {
            return refuse("leads to a place outside of the base URL");
        }
        let mut url = url::Url::parse(&format!("{}{}", core.base_url(), self.path))
            .map_err(|error| Error::invalid("the path makes no URL").caused_by(error))?;
        // `%2e%2e` means the same as two dots.
        if !call::is_below_base(core, url.path()) {
            return refuse("leads to a place outside of the base URL");
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let body = match &self.body {
            Some(Err(error)) => {
                return Err(Error::invalid(format!("the body is no JSON: {error}")));
            }
            Some(Ok(body)) => Some(Bytes::copy_from_slice(body)),
            None => None,
        };
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(url.as_str())
            .body(Bytes::new())
            .map_err(|error| Error::invalid("the path makes no request").caused_by(error))?;
        if let Some(body) = body {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
            *request.body_mut() = body;
        }
        call::decorate(core, &self.options, request.headers_mut());
        Ok(request)
    }
}

debug_fields!(AnyRequest as this: method = this.method, path = this.path);
