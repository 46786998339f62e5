//! One HTML page that needs nothing else.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    AccountReport, Report, plot,
    text::{GB, band, escaped, place, severity, used, whole},
};
use crate::Severity;

const STYLE: &str = include_str!("report.css");

impl Report {
    /// Writes the report as one HTML page, which loads nothing.
    #[must_use]
    pub fn html(&self) -> String {
        let (first, last) = self.period;
        let title = format!("Usage and findings, {first} to {last}");
        let mut page = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>{title}</title><style>{STYLE}</style></head><body><header><h1>{title}</h1>"
        );
        let class = if self.complete { "note" } else { "note bad" };
        let _ = write!(page, "<p class=\"{class}\">{}</p>", escaped(&self.note()));
        let _ = write!(
            page,
            "<p class=\"note\">Made at {}. Traffic and storage are in GB of 2<sup>30</sup> bytes. Ranges hold the end of the period in eight of ten cases.</p></header><main>",
            self.made_at.strftime("%Y-%m-%d %H:%M UTC")
        );
        self.summary(&mut page);
        self.table(&mut page);
        for account in &self.accounts {
            self.account(&mut page, account);
        }
        let line = plot::certificates(&self.certificates, self.made_at);
        if !line.is_empty() {
            let _ = write!(
                page,
                "<section><h2>Certificates that end next, in days</h2>{line}</section>"
            );
        }
        self.findings(&mut page);
        self.failures(&mut page);
        page.push_str("</main></body></html>\n");
        page
    }

    fn summary(&self, page: &mut String) {
        let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(finding.severity).or_default() += 1;
        }
        page.push_str("<ul class=\"cards\">");
        for (name, severity) in [
            ("critical", Severity::Critical),
            ("warnings", Severity::Warning),
            ("unknown", Severity::Unknown),
            ("info", Severity::Info),
        ] {
            let count = counts.get(&severity).copied().unwrap_or(0);
            let _ = write!(page, "<li class=\"{name}\"><b>{count}</b> {name}</li>");
        }
        page.push_str("</ul>");
    }

    fn table(&self, page: &mut String) {
        page.push_str("<section><h2>Accounts</h2><div class=\"wide\"><table><thead><tr><th>Account<th class=\"figure\">Visits<th class=\"figure\">At the end<th class=\"figure\">Plan, a month<th class=\"figure\">Traffic of 30 days, GB<th class=\"figure\">Storage, GB</tr></thead><tbody>");
        for account in &self.accounts {
            let unknown = || "unknown".to_owned();
            // The plan allows so many visits a month: nothing can be said of a week or a quarter.
            let over = account
                .visits
                .zip(account.allowed_visits)
                .filter(|_| self.is_a_month())
                .map_or("", |(end, allowed)| {
                    if end.low > allowed {
                        " ▲ over"
                    } else if end.high > allowed {
                        " △ maybe over"
                    } else {
                        ""
                    }
                });
            let pair = |metric: &str| {
                let used = used(account, metric);
                let one = |figure: Option<f64>| figure.map_or_else(unknown, whole);
                format!(
                    "{} of {}",
                    one(used.and_then(|used| used.used)),
                    one(used.and_then(|used| used.allowed))
                )
            };
            let _ = write!(
                page,
                "<tr><td>{}<td class=\"figure\">{}<td class=\"figure\">{}{over}<td class=\"figure\">{}<td class=\"figure\">{}<td class=\"figure\">{}</tr>",
                escaped(&account.account.name),
                account.visits.map_or_else(unknown, |end| whole(end.so_far)),
                account.visits.map_or_else(unknown, |end| band(&end, 1.0)),
                account.allowed_visits.map_or_else(unknown, whole),
                pair("bandwidth"),
                pair("storage"),
            );
        }
        page.push_str("</tbody></table></div></section>");
    }

    fn account(&self, page: &mut String, account: &AccountReport) {
        let _ = write!(
            page,
            "<section class=\"account\"><h2>{}</h2>",
            escaped(&account.account.name)
        );
        match account.visits {
            None => page
                .push_str("<p class=\"note bad\">The days of this account could not be read.</p>"),
            Some(end) => {
                let _ = write!(
                    page,
                    "<p>{} visits on {} days; {} at the end of the period{}. Traffic: {} GB.</p>",
                    whole(end.so_far),
                    end.known_days,
                    band(&end, 1.0),
                    account
                        .allowed_visits
                        .map_or(String::new(), |allowed| format!(
                            ", and the plan allows {} a month",
                            whole(allowed)
                        )),
                    account
                        .bandwidth
                        .map_or("unknown".to_owned(), |end| band(&end, GB)),
                );
                page.push_str(&plot::days(&account.days, self.period));
            }
        }
        if !account.largest.is_empty() {
            page.push_str("<details><summary>The largest installs</summary><table><thead><tr><th>Install<th class=\"figure\">Visits</tr></thead><tbody>");
            for (install, visits) in &account.largest {
                let _ = write!(
                    page,
                    "<tr><td>{}<td class=\"figure\">{}</tr>",
                    escaped(install),
                    whole(*visits)
                );
            }
            page.push_str("</tbody></table></details>");
        }
        page.push_str("</section>");
    }

    fn findings(&self, page: &mut String) {
        page.push_str("<section><h2>Findings</h2>");
        if self.findings.is_empty() {
            page.push_str("<p>None.</p></section>");
            return;
        }
        page.push_str("<div class=\"wide\"><table><thead><tr><th>Severity<th>Code<th>Where<th>What<th>Observed<th>Next</tr></thead><tbody>");
        for finding in &self.findings {
            let severity = severity(finding);
            let _ = write!(
                page,
                "<tr><td class=\"{severity}\">{severity}<td><code>{}</code><td>{}<td>{}<td>{}<td>{}</tr>",
                finding.code,
                escaped(place(finding)),
                escaped(&finding.subject),
                escaped(&finding.evidence.observed),
                escaped(&finding.next),
            );
        }
        page.push_str("</tbody></table></div></section>");
    }

    fn failures(&self, page: &mut String) {
        if self.failures.is_empty() {
            return;
        }
        page.push_str("<section><h2>Not read</h2><ul>");
        for failure in &self.failures {
            let _ = write!(
                page,
                "<li>{}: {}</li>",
                escaped(&failure.subject),
                escaped(&failure.message)
            );
        }
        page.push_str("</ul></section>");
    }
}
