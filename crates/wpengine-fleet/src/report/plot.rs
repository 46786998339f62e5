//! Plots as SVG: visits by day, and certificates on a time line. They can be read without colour.

use std::fmt::Write as _;

use wpengine::jiff::{Timestamp, civil::Date};

use super::{
    CertificateEnd,
    text::{escaped, whole},
};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 140.0;
/// Room for the figures at the left and the days below.
const LEFT: f64 = 64.0;
const BELOW: f64 = 18.0;

/// One bar for each day. A day without a figure has no bar, and a mark says so.
pub(super) fn days(days: &[(Date, f64)], period: (Date, Date)) -> String {
    let dates: Vec<Date> = period
        .0
        .series(wpengine::jiff::Span::new().days(1))
        .take_while(|date| *date <= period.1)
        .collect();
    let most = days.iter().map(|(_, figure)| *figure).fold(0.0, f64::max);
    if dates.is_empty() || most <= 0.0 {
        return String::new();
    }
    let step = (WIDTH - LEFT) / dates.len() as f64;
    let height = HEIGHT - BELOW;
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Visits by day\"><text class=\"axis\" x=\"{}\" y=\"12\" text-anchor=\"end\">{}</text><text class=\"axis\" x=\"{}\" y=\"{height}\" text-anchor=\"end\">0</text><line class=\"rule\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{height}\" y2=\"{height}\"/>",
        LEFT - 6.0,
        whole(most),
        LEFT - 6.0,
    );
    for (position, date) in dates.iter().enumerate() {
        let x = step.mul_add(position as f64, LEFT);
        match days.iter().find(|(day, _)| day == date) {
            Some((_, figure)) => {
                let bar = figure / most * (height - 6.0);
                let _ = write!(
                    svg,
                    "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{bar:.1}\"><title>{date}: {}</title></rect>",
                    x + step * 0.1,
                    height - bar,
                    step * 0.8,
                    whole(*figure),
                );
            }
            None => {
                let _ = write!(
                    svg,
                    "<text class=\"none\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">·<title>{date}: not known</title></text>",
                    x + step * 0.5,
                    height - 3.0,
                );
            }
        }
        if position % 7 == 0 {
            let _ = write!(
                svg,
                "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x,
                HEIGHT - 4.0,
                date.strftime("%-d %b"),
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

/// The certificates that end within this many days.
const AHEAD: i64 = 120;

/// One line for each certificate that ends soon, by the days that are left.
pub(super) fn certificates(all: &[CertificateEnd], now: Timestamp) -> String {
    let days = |end: Timestamp| end.duration_since(now).as_secs().div_euclid(24 * 3_600);
    let soon: Vec<(&CertificateEnd, i64)> = all
        .iter()
        .filter_map(|one| Some((one, days(one.expires_at?))))
        .filter(|(_, days)| *days <= AHEAD)
        .take(40)
        .collect();
    if soon.is_empty() {
        return String::new();
    }
    let (row, left, right) = (18.0, 200.0, 110.0);
    let height = row * soon.len() as f64 + BELOW;
    let scale = (WIDTH - left - right) / AHEAD as f64;
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"Days until certificates end\">"
    );
    for mark in [0, 30, 60, 90, 120] {
        let x = scale.mul_add(f64::from(mark), left);
        let _ = write!(
            svg,
            "<line class=\"rule\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{:.0}\"/><text class=\"axis\" x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{mark}</text>",
            height - BELOW,
            height - 4.0,
        );
    }
    for (position, (one, days)) in soon.iter().enumerate() {
        let y = row.mul_add(position as f64, row * 0.7);
        let width = scale * (*days).clamp(0, AHEAD) as f64;
        let class = if *days < 0 { "bar critical" } else { "bar" };
        let text = match days {
            ..0 => format!("ended {} days ago", -days),
            _ if one.auto_renew == Some(true) => format!("{days} days, renews"),
            _ => format!("{days} days"),
        };
        let _ = write!(
            svg,
            "<text class=\"axis\" x=\"{:.0}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text><rect class=\"{class}\" x=\"{left}\" y=\"{:.1}\" width=\"{:.1}\" height=\"10\"/><text class=\"axis\" x=\"{:.1}\" y=\"{y:.1}\">{text}</text>",
            left - 6.0,
            escaped(&short(&one.domain)),
            y - 9.0,
            width.max(2.0),
            left + width.max(2.0) + 6.0,
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A domain of any length fits.
fn short(domain: &str) -> String {
    let length = domain.chars().count();
    if length <= 30 {
        return domain.to_owned();
    }
    let end: String = domain.chars().skip(length - 29).collect();
    format!("…{end}")
}
