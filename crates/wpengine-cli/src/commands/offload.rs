//! Offloading of files to object storage.

use serde::Deserialize;
use serde_json::Value;
use wpengine::requests::{PathSettings, S3Settings};

use super::{one, parsed, run};
use crate::{
    command::{Leaf, leaf},
    context::read_input,
    failure::Failure,
    flags::{self, Args},
};

pub(super) fn leaves() -> Vec<Leaf> {
    let install = || {
        flags::one(
            "install",
            "INSTALL",
            "Install: id, name, SITE/ENVIRONMENT or domain",
        )
    };
    let settings = || {
        [
            flags::value("bucket", "NAME", "Bucket"),
            flags::value("region", "REGION", "Region of the bucket"),
            flags::value(
                "path",
                "PATH",
                "Folder whose files are offloaded; may be repeated",
            )
            .action(clap::ArgAction::Append),
            flags::value(
                "exclude",
                "PATH",
                "Folder in the first --path that is not offloaded; may be repeated",
            )
            .action(clap::ArgAction::Append)
            .requires("path"),
            flags::value(
                "input",
                "FILE",
                "Settings as JSON, as `offload get` prints them; - is standard input",
            )
            .conflicts_with_all(["bucket", "region", "path"])
            .value_hint(clap::ValueHint::FilePath),
        ]
    };
    vec![
        leaf("offload get", "Show the offload settings of an install", &["get_offload_settings"], run!(|c, a| {
            let install = c.install(a).await?;
            Ok(one(c.read("get_offload_settings", &[&install.id], &[]).await?))
        }))
        .arg(install())
        .examples(&["wpengine offload get torquemag"]),
        leaf("offload validation-file", "Show the file that proves access to the bucket", &["get_largefs_validation_file"], run!(|c, a| {
            let install = c.install(a).await?;
            Ok(one(c.read("get_largefs_validation_file", &[&install.id], &[]).await?))
        }))
        .arg(install())
        .examples(&["wpengine offload validation-file torquemag"]),
        leaf("offload replace", "Replace the offload settings of an install", &["update_offload_settings"], run!(|c, a| {
            let install = c.install(a).await?;
            let settings = given(a).await?;
            c.confirm("update_offload_settings", "replace all offload settings of", std::slice::from_ref(&install), vec!["what is not given here is dropped".to_owned()]).await?;
            let request = c.client()?.install(install.id.as_str()).offload_settings().replace(settings);
            Ok(one(c.write("update_offload_settings", &install, request.send()).await?))
        }))
        .arg(install())
        .args(settings())
        .calls(&["get_install"])
        .examples(&["wpengine offload replace acmestg --bucket acme-media --region us-east-1 --path /wp-content/uploads --yes"]),
        leaf("offload update", "Change some offload settings of an install", &["patch_offload_settings"], run!(|c, a| {
            let install = c.install(a).await?;
            let settings = given(a).await?;
            c.confirm("patch_offload_settings", "change offload settings of", std::slice::from_ref(&install), Vec::new()).await?;
            let request = c.client()?.install(install.id.as_str()).offload_settings().update(settings);
            Ok(one(c.write("patch_offload_settings", &install, request.send()).await?))
        }))
        .arg(install())
        .args(settings())
        .calls(&["get_install"])
        .examples(&["wpengine offload update acmestg --bucket acme-media-2 --yes"]),
    ]
}

async fn given(a: Args<'_>) -> Result<S3Settings, Failure> {
    let mut settings = S3Settings::new();
    if let Some(file) = a.text("input") {
        let text = read_input(&file).await?;
        let value: Value = serde_json::from_str(&text)
            .map_err(|error| Failure::usage(format!("{file} is no JSON: {error}")))?;
        let read: Given =
            serde_json::from_value(value.get("largefs_settings").unwrap_or(&value).clone())
                .map_err(|error| {
                    Failure::usage(format!(
                        "{file} has other fields than offload settings: {error}"
                    ))
                })?;
        if read.bucket.is_none() && read.bucket_region.is_none() && read.path_settings.is_empty() {
            return Err(Failure::usage(format!("{file} has no settings")));
        }
        if let Some(bucket) = read.bucket {
            settings = settings.bucket(bucket);
        }
        if let Some(region) = read.bucket_region {
            settings = settings.bucket_region(region);
        }
        for path in read.path_settings {
            let mut one = PathSettings::new(path.path).exclude(path.excluded_paths);
            if let Some(kind) = path.redirect_type {
                one = one.redirect_type(parsed(&kind)?);
            }
            settings = settings.path(one);
        }
        return Ok(settings);
    }
    if a.text("bucket").is_none() && a.text("region").is_none() && a.all("path").is_empty() {
        return Err(Failure::usage(
            "nothing to change: give --bucket, --region, --path or --input",
        ));
    }
    if let Some(bucket) = a.text("bucket") {
        settings = settings.bucket(bucket);
    }
    if let Some(region) = a.text("region") {
        settings = settings.bucket_region(region);
    }
    for (position, path) in a.all("path").into_iter().enumerate() {
        let path = PathSettings::new(path);
        settings = settings.path(if position == 0 {
            path.exclude(a.all("exclude"))
        } else {
            path
        });
    }
    Ok(settings)
}

/// Settings as `offload get` prints them. A field that is not known is a mistake, because a replacement would drop it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    #[serde(rename = "cloud")]
    _cloud: Option<String>,
    bucket: Option<String>,
    bucket_region: Option<String>,
    #[serde(default)]
    path_settings: Vec<GivenPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenPath {
    path: String,
    #[serde(default)]
    excluded_paths: Vec<String>,
    redirect_type: Option<String>,
}
