//! The targets of archive and report links: a small zip file and a small PDF.
//!
//! The real links lead to another host, which does not know the API's credentials. Here they lead to `/downloads`,
//! which looks only at the path: whoever has the link can download the file.

use std::io::{Cursor, Write as _};
use std::sync::PoisonError;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use zip::write::SimpleFileOptions;

use crate::shared::Shared;
use crate::state::{Backup, SiteReport, World};

/// The path prefix of the downloads.
const BASE_PATH: &str = "/downloads";

/// The link to a resource.
pub(crate) fn link(origin: &str, kind: &str, id: &str, extension: &str, key: &str) -> String {
    format!("{origin}{BASE_PATH}/{kind}/{id}/{key}.{extension}")
}

/// Answers a request for a download. Returns `None` if the path is not the path of a download.
pub(crate) fn answer(shared: &Shared, request: &Request<Bytes>) -> Option<Response<Bytes>> {
    let rest = request.uri().path().strip_prefix(BASE_PATH)?;
    let parts: Vec<&str> = rest.strip_prefix('/')?.split('/').collect();
    let now = shared.clock.now();
    let found = {
        let mut world = shared.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle(now);
        match parts[..] {
            ["archives", id, file] => archive(&world, id, file.strip_suffix(".zip")?, now),
            ["reports", id, file] => report(&world, id, file.strip_suffix(".pdf")?),
            _ => None,
        }
    };
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, kind, body) = match found {
        _ if !is_read => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", Bytes::new()),
        Some((kind, body)) => (StatusCode::OK, kind, body),
        None => (
            StatusCode::FORBIDDEN,
            "text/plain",
            Bytes::from_static(b"Access denied."),
        ),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Some(response)
}

type Found = Option<(&'static str, Bytes)>;

fn archive(world: &World, id: &str, key: &str, now: jiff::Timestamp) -> Found {
    let mut installs = world.installs.values();
    let (install, archive) =
        installs.find_map(|install| Some((install, install.archives.get(id)?)))?;
    if archive.key != key || archive.state(now) != "completed" {
        return None;
    }
    let backup = install.backups.get(&archive.backup_id)?;
    Some(("application/zip", zipped(backup)?))
}

/// The texts that represent the files and the database of a backup.
fn zipped(backup: &Backup) -> Option<Bytes> {
    let content = &backup.content;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, text) in [
        ("wp-includes/version.txt", &content.wp_version),
        ("wp-content/files.txt", &content.files),
        ("wp-content/mysql.sql", &content.database),
    ] {
        zip.start_file(name, options).ok()?;
        zip.write_all(text.as_bytes()).ok()?;
    }
    Some(Bytes::from(zip.finish().ok()?.into_inner()))
}

fn report(world: &World, id: &str, key: &str) -> Found {
    let mut sites = world.sites.values();
    let (site, report) = sites.find_map(|site| {
        let report = site.reports.iter().find(|report| report.uuid == id)?;
        Some((site, report))
    })?;
    (report.key == key).then(|| ("application/pdf", Bytes::from(pdf(&site.name, report))))
}

/// One page of text.
fn pdf(site: &str, report: &SiteReport) -> Vec<u8> {
    let mut lines = vec![
        report.title.clone(),
        format!("Site: {site}"),
        format!("From {:.0} to {:.0}", report.starts_at, report.ends_at),
    ];
    lines.extend(
        report
            .sections
            .iter()
            .map(|section| format!("Section: {section}")),
    );
    let mut text = "BT /F1 14 Tf 18 TL 60 780 Td\n".to_owned();
    for line in lines {
        // Only ASCII, because other characters would need an embedded font.
        let escaped: String = line
            .chars()
            .flat_map(|letter| match letter {
                '(' | ')' | '\\' => vec!['\\', letter],
                ' '..='~' => vec![letter],
                _ => vec!['?'],
            })
            .collect();
        text.push_str(&format!("({escaped}) Tj T*\n"));
    }
    text.push_str("ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (object, number) in objects.iter().zip(1..) {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let (start, size) = (file.len(), objects.len() + 1);
    file.push_str(&format!(
        "xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ));
    file.into_bytes()
}
