//! One call of an operation, as its handler sees it: validated parameters and body, the world, the time and the caller.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::document::Operation;
use crate::error::Refusal;
use crate::page::{Page, PageRequest};
use crate::state::{Account, Install, Site, World};
use crate::validate::integer;

/// The result of a handler.
pub(crate) type Outcome = Result<Answer, Refusal>;

/// The handler of an operation.
pub(crate) type Handler = fn(&mut Call<'_>) -> Outcome;

/// The answer of an operation that was done.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Empty if the answer has no body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer with a JSON body.
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Outcome {
        Self::of_about(1024, status, body)
    }

    /// One page of a list.
    pub(crate) fn page<T: Serialize>(page: &Page<T>) -> Outcome {
        // Without enough capacity, the buffer of a page of a hundred items would be moved six times.
        Self::of_about(256 + 512 * page.len(), 200, page)
    }

    fn of_about(size: usize, status: u16, body: &impl Serialize) -> Outcome {
        let mut written = Vec::with_capacity(size);
        // Fails only for maps with keys that are not text. The views have none.
        serde_json::to_writer(&mut written, body)
            .map_err(|error| Refusal::invalid(error.to_string()))?;
        Ok(Self {
            status,
            body: written,
        })
    }

    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Outcome {
        Ok(Self {
            status,
            body: Vec::new(),
        })
    }
}

/// One call.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static Operation,
    pub(crate) world: &'a mut World,
    pub(crate) now: Timestamp,
    /// Id of the caller; empty for operations that need no credentials.
    pub(crate) caller: String,
    /// The requested URL without its query.
    pub(crate) address: String,
    pub(crate) path: Vec<(&'static str, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Call<'_> {
    /// A path parameter. The route guarantees that it exists.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.path
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// The origin of the simulator as the caller knows it: `http://127.0.0.1:4010`.
    pub(crate) fn origin(&self) -> &str {
        let path = self.address.find("://").and_then(|scheme| {
            let host = scheme + 3;
            Some(host + self.address[host..].find('/')?)
        });
        path.map_or(&self.address, |path| &self.address[..path])
    }

    /// A query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as the handler's type. It was validated against the document, so this fails only where the type is stricter.
    pub(crate) fn body<T: DeserializeOwned>(&mut self) -> Result<T, Refusal> {
        serde_json::from_value(self.body.take()).map_err(|error| {
            Refusal::invalid(format!("Invalid {}: {error}.", self.operation.resource))
        })
    }

    /// The requested page, from `limit` and `offset`.
    pub(crate) fn page_request(&self) -> PageRequest {
        let number = |name, default| {
            let number = self.query(name).and_then(integer).map(usize::try_from);
            number.map_or(default, |number| number.unwrap_or(usize::MAX))
        };
        let mut filter = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.query.iter().filter(|(name, _)| name == "account_id") {
            filter.append_pair(name, value);
        }
        let mut filter = filter.finish();
        if !filter.is_empty() {
            filter.insert(0, '&');
        }
        PageRequest {
            limit: number("limit", 100),
            offset: number("offset", 0),
            address: self.address.clone(),
            filter,
        }
    }

    /// Answers with one page of the items.
    pub(crate) fn page<I: Iterator, T: Serialize>(
        &self,
        items: I,
        show: impl FnMut(I::Item) -> T,
    ) -> Outcome {
        Answer::page(&self.page_request().of(items, show))
    }

    /// The account of the path, if the caller can see it.
    pub(crate) fn account(&self) -> Result<&Account, Refusal> {
        self.world
            .account(&self.caller, self.path("account_id"))
            .ok_or_else(Refusal::not_found)
    }

    /// The site of the path, if the caller can see it.
    pub(crate) fn site(&self) -> Result<&Site, Refusal> {
        self.world
            .site(&self.caller, self.path("site_id"))
            .ok_or_else(Refusal::not_found)
    }

    /// The install of the path, if the caller can see it.
    pub(crate) fn install(&self) -> Result<&Install, Refusal> {
        self.world
            .install(&self.caller, self.path("install_id"))
            .ok_or_else(Refusal::not_found)
    }

    /// The install of the path, mutable.
    pub(crate) fn install_mut(&mut self) -> Result<&mut Install, Refusal> {
        let id = self.install()?.id.clone();
        self.world
            .installs
            .get_mut(&id)
            .ok_or_else(Refusal::not_found)
    }

    /// Refuses unless the caller may manage the whole account.
    pub(crate) fn require_manager(&self, account_id: &str) -> Result<(), Refusal> {
        let member = self
            .world
            .member(&self.caller, account_id)
            .ok_or_else(Refusal::forbidden)?;
        if member.roles.manages() {
            Ok(())
        } else {
            Err(Refusal::forbidden())
        }
    }
}
