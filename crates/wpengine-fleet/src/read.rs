//! Reading the service: one listing at a time, counted.

use std::{collections::HashMap, time::Duration};

use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::mpsc;
use wpengine::{
    Client, Error,
    http::Method,
    paging::{ByOffset, List},
    requests::AnyRequest,
};

use crate::{Failure, class::Class};

/// An item of a listing, as it came.
pub(crate) type Item = Box<RawValue>;

/// What reading a listing gave, and how many requests it took.
#[derive(Debug)]
#[non_exhaustive]
pub struct Listing {
    /// The rows as the service sent them.
    pub rows: Result<Vec<Item>, Unread>,
    /// How many requests were sent, with retries.
    pub requests: u64,
}

/// Why a listing could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unread {
    /// The service, the network or the client.
    Api(Error),
    /// A success that is not what the API documents.
    Unknown,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Unknown => f.write_str("the answer is not what the API documents"),
        }
    }
}

impl Unread {
    pub(crate) fn failure(&self, subject: String) -> Failure {
        match self {
            Self::Api(error) => Failure::new(subject, error),
            Self::Unknown => Failure::unreadable(subject),
        }
    }

    /// How long to wait, if a rate limit refused the request.
    pub(crate) fn limited(&self) -> Option<Option<Duration>> {
        match self {
            Self::Api(error) if error.is_rate_limited() => Some(error.retry_after()),
            _ => None,
        }
    }
}

/// How many pages of the global listings are under way at the same time.
const AHEAD: usize = 8;

/// Reads a listing whole, with the responses as they came: of all accounts, of all sites or installs, and of what else there is
/// of one account or one install, whose id is the subject. With the id of an account as their subject, sites and installs are
/// those of that account. Of figures the one object is the one row.
pub async fn listing(client: &Client, class: Class, subject: &str) -> Listing {
    let get = |path: &str| client.request(Method::GET, path);
    match class {
        Class::Accounts | Class::Sites | Class::Installs => {
            let mut request = get(&format!("/{}", class.name()));
            if !subject.is_empty() {
                request = request.query("account_id", subject);
            }
            by_offset(request).await
        }
        Class::Transfers => by_offset(get(&format!("/accounts/{subject}/site_transfers"))).await,
        Class::Backups => by_offset(get(&format!("/installs/{subject}/backups"))).await,
        Class::Domains => by_offset(get(&format!("/installs/{subject}/domains"))).await,
        Class::Limits => one(client, &format!("/accounts/{subject}/limits"), None).await,
        Class::Usage => one(client, &format!("/accounts/{subject}/usage/summary"), None).await,
        Class::People => {
            let path = format!("/accounts/{subject}/account_users");
            one(client, &path, Some("results")).await
        }
        Class::Certificates => certificates(client, subject).await,
        Class::Details => one(client, &format!("/installs/{subject}"), None).await,
        Class::Offload => offload(client, subject).await,
    }
}

/// Reads one of the three listings that cover everything, and hands on each page. Its result, and how many requests it took.
pub(crate) async fn stream(
    client: &Client,
    class: Class,
    pages: mpsc::Sender<(Class, Vec<Item>)>,
) -> (Result<(), Unread>, u64) {
    let path = format!("/{}", class.name());
    let list: List<Item, ByOffset> = client.request(Method::GET, &path).list();
    let mut listed = list.concurrency(AHEAD).pages();
    let mut requests = 0;
    loop {
        match listed.try_next().await {
            Ok(Some(page)) => {
                requests += u64::from(page.response().attempts());
                if pages.send((class, page.items)).await.is_err() {
                    // The mirror cannot be written, which is an error of its own.
                    return (Ok(()), requests);
                }
            }
            Ok(None) => return (Ok(()), requests),
            Err(error) => {
                let requests = requests + u64::from(error.attempts());
                return (Err(Unread::Api(error)), requests);
            }
        }
    }
}

async fn by_offset(request: AnyRequest) -> Listing {
    let list: List<Item, ByOffset> = request.list();
    pages(list.concurrency(AHEAD), Ok).await
}

/// They page by token, and 404 means none: the typed listing knows both.
async fn certificates(client: &Client, install: &str) -> Listing {
    let list = client.install(install).certificates().list();
    pages(list, |certificate| to_raw_value(&certificate)).await
}

/// Null if they were never set up.
async fn offload(client: &Client, install: &str) -> Listing {
    let settings = client.install(install).offload_settings().get();
    match settings.send().await {
        Ok(response) => Listing {
            requests: u64::from(response.attempts()),
            rows: to_raw_value(&response.into_value())
                .map(|item| vec![item])
                .map_err(|_| Unread::Unknown),
        },
        Err(error) => Listing {
            requests: u64::from(error.attempts()),
            rows: Err(Unread::Api(error)),
        },
    }
}

async fn pages<T: Send + 'static, S>(
    list: List<T, S>,
    row: impl Fn(T) -> serde_json::Result<Item>,
) -> Listing {
    let mut pages = list.pages();
    let (mut rows, mut requests) = (Vec::new(), 0);
    loop {
        match pages.try_next().await {
            Ok(Some(page)) => {
                requests += u64::from(page.response().attempts());
                rows.extend(page.items.into_iter().filter_map(|item| row(item).ok()));
            }
            Ok(None) => {
                return Listing {
                    rows: Ok(rows),
                    requests,
                };
            }
            Err(error) => {
                return Listing {
                    requests: requests + u64::from(error.attempts()),
                    rows: Err(Unread::Api(error)),
                };
            }
        }
    }
}

/// One object, or the array in one of its fields. Without the array the answer is no list, and not an empty one.
async fn one(client: &Client, path: &str, array: Option<&str>) -> Listing {
    let request = client.request(Method::GET, path);
    match request.send().await {
        Ok(response) => {
            let requests = u64::from(response.attempts());
            let body = response.into_value();
            let rows = match array {
                None => serde_json::from_slice(&body)
                    .ok()
                    .filter(|item: &Item| item.get().starts_with('{'))
                    .map(|item| vec![item]),
                Some(array) => serde_json::from_slice::<HashMap<String, Item>>(&body)
                    .ok()
                    .and_then(|body| serde_json::from_str(body.get(array)?.get()).ok()),
            };
            Listing {
                rows: rows.ok_or(Unread::Unknown),
                requests,
            }
        }
        Err(error) => Listing {
            requests: u64::from(error.attempts()),
            rows: Err(Unread::Api(error)),
        },
    }
}
