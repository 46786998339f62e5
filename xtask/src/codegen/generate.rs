//! Runs progenitor on the copy.

use heck::ToUpperCamelCase;
use openapiv3::OpenAPI;
use proc_macro2::TokenStream;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TagStyle};
use quote::quote;
use schemars08::schema::{InstanceType, SchemaObject};

use super::passes;
use crate::Failure;

/// Generates the client as tokens.
pub(super) fn client(copy: &OpenAPI) -> Result<TokenStream, Failure> {
    let mut settings = GenerationSettings::default();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_tag(TagStyle::Merged)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote!(crate::Transport))
        .with_conversion(text_of("date-time"), "jiff::Timestamp", [].into_iter())
        .with_conversion(text_of("date"), "jiff::civil::Date", [].into_iter())
        .with_conversion(
            text_of("answer-date-time"),
            "crate::values::Time",
            [].into_iter(),
        )
        .with_conversion(text_of("answer-date"), "crate::values::Day", [].into_iter())
        .with_conversion(text_of("int64"), "crate::values::Sum", [].into_iter());
    for (component, path) in passes::VALUE_TYPES.into_iter().chain([passes::REDIRECT]) {
        settings.with_replacement(component, path, [].into_iter());
    }
    for (page, item) in passes::offset_pages(copy)? {
        let path = format!(
            "crate::values::Page<crate::types::{}>",
            item.to_upper_camel_case()
        );
        settings.with_replacement(page.to_upper_camel_case(), path, [].into_iter());
    }
    Generator::new(&settings)
        .generate_tokens(copy)
        .map_err(|error| Failure::msg(format!("progenitor refuses the document: {error}")))
}

/// The schema of a text with the given format. A conversion applies only to a schema without other keywords.
fn text_of(format: &str) -> SchemaObject {
    SchemaObject {
        instance_type: Some(InstanceType::String.into()),
        format: Some(format.to_owned()),
        ..SchemaObject::default()
    }
}
