//! Editing what progenitor wrote.
use proc_macro2::TokenStream;
use super::answers::Answers;
use crate::Failure;

pub(super) fn edit(client: TokenStream, _answers: &Answers) -> Result<String, Failure> {
    let file: syn::File = syn::parse2(client).map_err(|e| Failure::new(e.to_string()))?;
    Ok(prettyplease::unparse(&file))
}
