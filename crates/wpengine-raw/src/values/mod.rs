//! Types that are written by hand, because the generator cannot express them. Each handles one peculiarity of the API.

mod bulk_domains;
mod change;
mod free_form;
mod integer;
mod page;
mod private_key;
mod redirect;
mod requests;
mod roles;
mod secret_link;
mod sum;
mod template;
mod time;

pub use bulk_domains::BulkDomains;
pub use change::Change;
pub use free_form::FreeForm;
pub use page::{Page, Pagination};
pub use private_key::PrivateKey;
pub use redirect::Redirect;
pub use requests::{ImportThirdPartyCertificateRequest, UpdateDomainRequest, UpdateInstallRequest};
pub use roles::{Role, Roles};
pub use secret_link::SecretLink;
pub use sum::{ParseSumError, Sum};
pub use time::{Day, Time};

pub use integer::CertificateId;
pub(crate) use integer::optional_integer;

use serde::{Deserialize, Deserializer};

/// Decodes null as the default value, like a missing field.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
