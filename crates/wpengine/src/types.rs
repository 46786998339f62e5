//! The models: what the API answers with and takes.
//!
//! They are generated from the project's OpenAPI document. What every answer has been seen to hold is there; all other
//! fields are optional, whatever the documentation calls required, so that one odd field does not fail a page of a
//! hundred. Enums keep a value that this version does not know as `Unknown`, and structs are `#[non_exhaustive]`, since the
//! API grows every month.

#[doc(inline)]
pub use wpengine_raw::{
    types::*,
    values::{BulkDomains, Change, Count, FreeForm, PrivateKey, Redirect, Role, Roles},
};
