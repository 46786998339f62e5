//! A request that is not sent yet: set its options, then await it.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
};

use serde::de::DeserializeOwned;
use wpengine_raw as raw;

use crate::{
    Client,
    call::{self, RawResult},
    error::Error,
    response::Response,
    transport::Options,
};

/// The future of a request. It borrows nothing.
pub type RequestFuture<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

type Ask<T> =
    Box<dyn FnOnce(raw::Client) -> Pin<Box<dyn Future<Output = RawResult<T>> + Send>> + Send>;

/// Handles a failure. The call may turn out to be a success.
type Recover<T> = Box<
    dyn FnOnce(Error) -> Pin<Box<dyn Future<Output = Result<Response<T>, Error>> + Send>> + Send,
>;

/// A request for one operation that is not sent yet.
///
/// Await it to get the value, or call [`send`](Self::send) to get the value with the status, the headers and the
/// request id. It takes at most 300 s by default, including the wait for the rate limit, all attempts and the waits
/// between them.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = wpengine_sim::Simulator::builder().start().await?;
/// # let client = wpengine::Client::at(simulator.url())?;
/// use std::time::Duration;
///
/// let user = client.current_user().await?;
///
/// let answer = client.current_user().timeout(Duration::from_secs(20)).send().await?;
/// assert_eq!(answer.value, user);
/// println!("request {:?} took {} attempts", answer.request_id(), answer.attempts());
/// # Ok(())
/// # }
/// ```
#[must_use = "a request does nothing until it is awaited or sent"]
pub struct Request<T> {
    pub(crate) client: Client,
    operation: &'static str,
    options: Options,
    check: Result<(), Error>,
    ask: Ask<T>,
    recover: Option<Recover<T>>,
}

impl<T: DeserializeOwned + Send + 'static> Request<T> {
    pub(crate) fn new<F, Fut>(
        client: &Client,
        operation: &'static str,
        check: Result<(), Error>,
        ask: F,
    ) -> Self
    where
        F: FnOnce(raw::Client) -> Fut + Send + 'static,
        Fut: Future<Output = RawResult<T>> + Send + 'static,
    {
        Self {
            client: client.clone(),
            operation,
            options: Options::default(),
            check,
            ask: Box::new(move |raw| Box::pin(ask(raw))),
            recover: None,
        }
    }

    /// Sets a function that handles a failure.
    pub(crate) fn recover<F, Fut>(mut self, recover: F) -> Self
    where
        F: FnOnce(Error) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Response<T>, Error>> + Send + 'static,
    {
        self.recover = Some(Box::new(move |error| Box::pin(recover(error))));
        self
    }

    /// Fails if the checks failed, or if the client is read-only and this is no read. Takes the error of the checks, so
    /// the request must not be sent afterwards.
    pub(crate) fn refuse(&mut self) -> Result<(), Error> {
        std::mem::replace(&mut self.check, Ok(())).map_err(|error| error.of(self.operation))?;
        self.client.refuse_writes(self.operation)
    }

    pub(crate) fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    option_methods!();

    /// Sends the request and returns the value with the status and the headers.
    ///
    /// # Errors
    ///
    /// Every kind of [`Error`] that a call can return.
    pub async fn send(mut self) -> Result<Response<T>, Error> {
        self.refuse()?;
        let answer = call::call(self.client.core(), self.operation, self.options, self.ask).await;
        match (answer, self.recover) {
            (Err(error), Some(recover)) => recover(error).await,
            (answer, _) => answer,
        }
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Request<T> {
    type Output = Result<T, Error>;
    type IntoFuture = RequestFuture<T>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.send().await.map(Response::into_value) })
    }
}

debug_fields!(Request<T> as this: operation = this.operation);

/// Creates a request for an operation from the client, the result of the checks, and the call of the generated client.
macro_rules! operation {
    // For a handle: takes some of its ids and checks them.
    ($this:ident, $operation:ident($($id:ident),+)) => {{
        let this = $this.clone();
        let check = $crate::check::ids(&[$(&$this.$id),+]);
        $crate::request::operation!(&$this.client, check, $operation($(&this.$id),+))
    }};
    // For a handle, as above, but also with a request body and a check of that body.
    ($this:ident, $check:expr, $operation:ident($($id:ident),+; $body:ident)) => {{
        let this = $this.clone();
        let check = $crate::check::ids(&[$(&$this.$id),+]).and($check);
        $crate::request::operation!(&$this.client, check, $operation($(&this.$id,)+ &$body))
    }};
    ($client:expr, $check:expr, $operation:ident($($argument:expr),*)) => {
        $crate::requests::Request::new($client, stringify!($operation), $check, move |raw| async move {
            raw.$operation($($argument),*).await
        })
    };
}

pub(crate) use operation;

/// Adds the methods that set the options of one call. It needs a field `options`.
macro_rules! option_methods {
    () => {
        /// Adds a header. `Authorization` and `User-Agent` are set by the client and cannot be changed.
        pub fn header(mut self, name: http::HeaderName, value: http::HeaderValue) -> Self {
            self.options.headers.insert(name, value);
            self
        }

        setters! {
            /// Sets the time limit of each call, instead of the `timeout` of the client, which is 300 s by default. It
            /// covers the token, the wait for the rate limit, all attempts, the waits between them, and reading the
            /// response.
            timeout(timeout: std::time::Duration) options.timeout = Some(timeout);

            /// Sets extra time that each call may spend waiting for the rate limit, instead of the `rate_limit_wait` of
            /// the client, which is zero by default.
            rate_limit_wait(wait: std::time::Duration) options.rate_limit_wait = Some(wait);

            /// Sets the retry policy, instead of that of the client.
            retry(policy: $crate::RetryPolicy) options.retry = Some(policy);
        }
    };
}

pub(crate) use option_methods;

/// Defines a request with a body that its methods set. It checks the ids of the path, and needs a method `check(&self)`
/// for the body. The flags are further private fields for this check, false at first.
macro_rules! request {
    (
        $(#[$doc:meta])*
        $name:ident($($id:ident: $id_type:ty),*) = $operation:ident($body:ty) -> $output:ty
        $(, $(#[$flag_doc:meta])* $flag:ident: bool)*
    ) => {
        $crate::request::request_type! {
            $(#[$doc])*
            $name($($id: $id_type),*) = $operation($body) -> $output $(, $(#[$flag_doc])* $flag: bool)*
        }
        $crate::request::request_methods!($name -> $output);
    };
}

pub(crate) use request;

/// Defines the type of such a request: its fields, `new`, and `request(self)`, without the methods of
/// [`request_methods`].
macro_rules! request_type {
    (
        $(#[$doc:meta])*
        $name:ident($($id:ident: $id_type:ty),*) = $operation:ident($body:ty) -> $output:ty
        $(, $(#[$flag_doc:meta])* $flag:ident: bool)*
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[must_use = "a request does nothing until it is awaited or sent"]
        pub struct $name {
            client: $crate::Client,
            options: $crate::transport::Options,
            $($id: $id_type,)*
            body: $body,
            $($(#[$flag_doc])* $flag: bool,)*
        }

        impl $name {
            fn new(client: &$crate::Client, $($id: &$id_type,)* body: $body) -> Self {
                Self {
                    client: client.clone(),
                    options: $crate::transport::Options::default(),
                    $($id: $id.clone(),)*
                    body,
                    $($flag: false,)*
                }
            }

            fn request(self) -> $crate::requests::Request<$output> {
                let check = $crate::check::ids(&[$(&self.$id),*]).and_then(|()| self.check());
                let Self { client, options, $($id,)* body, .. } = self;
                $crate::request::operation!(&client, check, $operation($(&$id,)* &body)).options(options)
            }
        }
    };
}

pub(crate) use request_type;

/// Adds the methods of every request to a request type with options of its own. It needs the fields `client` and
/// `options`, and a method `request(self) -> Request<$output>`.
macro_rules! request_methods {
    ($name:ident -> $output:ty) => {
        impl $name {
            $crate::request::option_methods!();

            /// Sends the request and returns the value with the status and the headers.
            ///
            /// # Errors
            ///
            /// Every kind of [`Error`](crate::Error) that a call can return.
            pub async fn send(self) -> Result<$crate::Response<$output>, $crate::Error> {
                self.request().send().await
            }
        }

        impl std::future::IntoFuture for $name {
            type Output = Result<$output, $crate::Error>;
            type IntoFuture = $crate::requests::RequestFuture<$output>;

            fn into_future(self) -> Self::IntoFuture {
                self.request().into_future()
            }
        }
    };
}

pub(crate) use request_methods;
