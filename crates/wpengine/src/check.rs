//! Checks of requests before they are sent.
//!
//! Decoding responses is lenient, but requests are checked strictly. A request that the service would refuse fails
//! here, with an error that states the rule.

use http::{HeaderMap, HeaderName, header};
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;
use wpengine_raw::values::Roles;

use crate::{
    error::{Error, ErrorKind},
    types,
};

/// How many months of usage figures the API keeps.
const MONTHS_OF_USAGE: i32 = 13;

const FROM_AN_ANSWER: &str = "take it from an answer of the service";

/// An id of this API, or none.
pub(crate) trait Id {
    fn check(&self) -> Result<(), Error>;
}

impl<I: Id> Id for Option<I> {
    fn check(&self) -> Result<(), Error> {
        self.as_ref().map_or(Ok(()), I::check)
    }
}

/// Says what an error calls each kind of id.
macro_rules! ids {
    ($($id:ident: $what:literal),+) => {
        $(impl Id for types::$id {
            fn check(&self) -> Result<(), Error> {
                part_of_path($what, self)
            }
        })+
    };
}

ids! {
    AccountId: "account",
    ArchiveId: "archive",
    BackupId: "backup",
    DomainId: "domain",
    DomainReportId: "domain status report",
    InstallId: "install",
    ReportScheduleId: "report schedule",
    SiteId: "site",
    SiteTransferId: "site transfer",
    SshKeyId: "SSH key",
    TemplateId: "template",
    UserId: "user"
}

/// Checks ids, in this order.
pub(crate) fn ids(ids: &[&dyn Id]) -> Result<(), Error> {
    ids.iter().try_for_each(|id| id.check())
}

/// Checks an id. It becomes a part of the path, so characters that would change the path are refused.
fn part_of_path(what: &str, id: impl AsRef<str>) -> Result<(), Error> {
    let id = id.as_ref();
    let changes_path = || {
        let breaks =
            |letter| breaks_a_word(letter) || matches!(letter, '/' | '\\' | '?' | '#' | '%');
        matches!(id, "." | "..") || id.chars().any(breaks)
    };
    let (text, hint) = if id.is_empty() {
        (format!("the {what} id is empty"), FROM_AN_ANSWER)
    } else if id.trim() != id {
        let text = format!("the {what} id `{}` has white space around it", quoted(id));
        (
            text,
            "trim it; a line that was read from a file ends in a line break",
        )
    } else if changes_path() {
        let id = quoted(id);
        let text = format!("`{id}` is no {what} id: it would change the path of the request");
        (text, FROM_AN_ANSWER)
    } else {
        return Ok(());
    };
    Err(Error::invalid(text).with_hint(hint))
}

/// Returns the error unless the value fits.
fn ensure(fits: bool, error: impl FnOnce() -> Error) -> Result<(), Error> {
    if fits { Ok(()) } else { Err(error()) }
}

/// Checks the name of an install. It becomes a host name.
pub(crate) fn install_name(name: &str) -> Result<(), Error> {
    let mut letters = name.chars();
    let begins = letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase());
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    ensure(
        begins && letters.all(fits) && (3..=14).contains(&name.len()),
        || {
            Error::invalid(format!(
                "`{}` is no name for an install: it takes 3 to 14 lower-case letters and digits, a letter first",
                quoted(name)
            ))
        },
    )
}

/// Checks the name of a site: free text of at most 40 characters.
pub(crate) fn site_name(name: &str) -> Result<(), Error> {
    text("name of a site", name)?;
    let length = name.chars().count();
    ensure(length <= 40, || {
        Error::invalid(format!(
            "the name of a site has at most 40 characters, not {length}"
        ))
    })
}

/// Checks a required text.
pub(crate) fn text(what: &str, text: &str) -> Result<(), Error> {
    let error = || Error::invalid(format!("the {what} cannot be empty"));
    ensure(!text.trim().is_empty(), error)
}

/// Checks a required text that is set with `method`.
pub(crate) fn set(what: &str, text: &str, method: &str) -> Result<(), Error> {
    ensure(!text.trim().is_empty(), || {
        Error::invalid(format!("the {what} is missing"))
            .with_hint(format!("set it with `{method}`"))
    })
}

/// Checks the addresses for notifications. The service refuses work without any.
pub(crate) fn emails(emails: &[String]) -> Result<(), Error> {
    ensure(!emails.is_empty(), || {
        Error::invalid("at least one notification e-mail address is needed").with_hint(
            "the service sends a mail when the work has ended, and refuses work without an address",
        )
    })?;
    emails.iter().try_for_each(|address| email(address))
}

/// Checks the form of an e-mail address. Only the service can know whether it exists.
pub(crate) fn email(address: &str) -> Result<(), Error> {
    let empty = || Error::invalid("an e-mail address is empty");
    ensure(!address.trim().is_empty(), empty)?;
    let parts = address.split_once('@');
    let fits = parts.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
        && !address.contains("://")
        && !address.chars().any(breaks_a_word);
    ensure(fits, || {
        Error::invalid(format!("`{}` is no e-mail address", quoted(address)))
    })
}

/// Checks the name of a domain. Wildcards and names that are not ASCII are allowed.
pub(crate) fn domain_name(name: &str) -> Result<(), Error> {
    let is_other = |letter: char| {
        breaks_a_word(letter) || matches!(letter, '/' | '\\' | ':' | '@' | '?' | '#')
    };
    ensure(!name.is_empty() && !name.chars().any(is_other), || {
        Error::invalid(format!("`{}` is no name of a domain", quoted(name))).with_hint(
            "write the name alone, like `www.example.com`, without `https://`, a port or a path",
        )
    })
}

pub(crate) fn breaks_a_word(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control()
}

/// Shortens and escapes a text of the caller for an error, so that it stays on one line.
pub(crate) fn quoted(text: &str) -> String {
    const MOST: usize = 80;
    let mut letters = text.chars();
    let short: String = letters.by_ref().take(MOST).collect();
    let rest = if letters.next().is_some() { "…" } else { "" };
    format!("{}{rest}", short.escape_debug())
}

/// Checks that an update contains at least one field.
pub(crate) fn changes_something(body: &impl Serialize) -> Result<(), Error> {
    let body = serde_json::to_value(body).unwrap_or_default();
    ensure(
        !body.as_object().is_some_and(serde_json::Map::is_empty),
        || {
            Error::invalid("the update changes nothing")
                .with_hint("nothing was sent; call at least one of its setters")
        },
    )
}

/// Checks the headers of a call. Headers that control the connection are refused.
pub(crate) fn headers(headers: &HeaderMap) -> Result<(), Error> {
    const OURS: [HeaderName; 7] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::EXPECT,
        header::HOST,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    let Some(name) = OURS.iter().find(|name| headers.contains_key(*name)) else {
        return Ok(());
    };
    let text = format!("the header `{name}` belongs to the connection and cannot be set");
    Err(Error::invalid(text).with_hint("nothing was sent; leave it out"))
}

/// Checks the page size. Pages of one item could not overlap, so listings by offset need two.
pub(crate) fn page_size(items: u32, least: u32, most: u32) -> Result<(), Error> {
    ensure((least..=most).contains(&items), || {
        Error::invalid(format!("a page holds {least} to {most} items, not {items}"))
    })
}

/// Checks a range of days for usage figures. `longest` is the maximum number of days, if there is one.
pub(crate) fn days(first: Date, last: Date, longest: Option<i32>) -> Result<(), Error> {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    days_at(first, last, longest, today)
}

fn days_at(first: Date, last: Date, longest: Option<i32>, today: Date) -> Result<(), Error> {
    ensure(first <= last, || {
        Error::invalid(format!(
            "the range ends on {last}, before it begins on {first}"
        ))
    })?;
    let length = first
        .until(last)
        .map_err(|error| Error::invalid("the range of days is too long").caused_by(error))?;
    let length = length.get_days() + 1;
    if let Some(longest) = longest {
        ensure(length <= longest, || {
            Error::invalid(format!(
                "the range from {first} to {last} has {length} days, but one request covers at most {longest}"
            ))
            .with_hint("send several requests")
        })?;
    }
    // One day of tolerance, because the date here and at the service can differ.
    let earliest = today
        .checked_sub(Span::new().months(MONTHS_OF_USAGE).days(1))
        .map_err(|error| Error::invalid("today is out of range").caused_by(error))?;
    ensure(first >= earliest, || {
        Error::invalid(format!(
            "usage goes back {MONTHS_OF_USAGE} months, and {first} is longer ago"
        ))
    })
}

/// Checks that a response is about the requested id.
pub(crate) fn same_id(what: &str, asked: &str, answered: &str) -> Result<(), Error> {
    ensure(asked == answered, || {
        let (asked, answered) = (quoted(asked), quoted(answered));
        let text = format!("the answer is about {what} {answered}, but {asked} was requested");
        Error::new(ErrorKind::Decode, text)
            .with_hint("try again; if the error remains, ask WP Engine's support")
    })
}

/// Checks that the API documents a value.
pub(crate) fn known(what: &str, value: &str, is_unknown: bool) -> Result<(), Error> {
    ensure(!is_unknown, || {
        Error::invalid(format!(
            "`{}` is no {what} that the API documents",
            quoted(value)
        ))
    })
}

/// Checks that a text that should be a public key is not a private key.
pub(crate) fn public_key(text: &str) -> Result<(), Error> {
    ensure(!text.contains("PRIVATE KEY"), || {
        Error::invalid("this is a private key, and a public one is wanted")
            .with_hint("nothing was sent; the public key is in the file that ends in `.pub`")
    })
}

/// Checks that the API documents a combination of roles, because it accepts no others.
pub(crate) fn roles(roles: &Roles) -> Result<(), Error> {
    ensure(roles.is_documented(), || {
        Error::invalid(format!(
            "`{roles}` is no combination of roles that the API documents"
        ))
        .with_hint("it takes `owner`, `full`, `full,billing`, `partial` or `partial,billing`")
    })
}

/// Checks the target of a redirect, which is an id. `nil` removes a redirect and is refused; `remove_redirect` does
/// this.
pub(crate) fn redirect_target(target: &types::DomainId) -> Result<(), Error> {
    target.check()?;
    ensure(target != "nil", || {
        Error::invalid("`nil` is no id of a domain")
            .with_hint("use `remove_redirect()` to remove a redirect")
    })
}

/// Checks that a PEM text contains an item with this label. The error does not quote the text, because it may be a
/// private key.
pub(crate) fn pem(what: &str, label: &str, text: &str) -> Result<(), Error> {
    let begins =
        |line: &str| line.starts_with("-----BEGIN ") && line.ends_with(&format!("{label}-----"));
    ensure(text.lines().any(|line| begins(line.trim_end())), || {
        let hint = format!("nothing was sent; it begins with `-----BEGIN {label}-----`");
        Error::invalid(format!("the {what} is no PEM text")).with_hint(hint)
    })
}

/// Checks that a transfer starts 1 hour to 7 days from now.
pub(crate) fn transfer_time(time: Timestamp) -> Result<(), Error> {
    // One minute of tolerance, because the clocks here and at the service can differ.
    let ahead = time
        .as_second()
        .saturating_sub(Timestamp::now().as_second());
    ensure((3600 - 60..=7 * 86_400 + 60).contains(&ahead), || {
        Error::invalid(format!(
            "a transfer is scheduled 1 hour to 7 days ahead, and {time} is not"
        ))
        .with_hint("leave the time out to begin at once")
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn names_of_domains_and_addresses_are_words() {
        for good in ["example.com", "*.example.com", "bücher.example", "a-b.c"] {
            assert!(domain_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a b",
            "a\nb",
            "a\0b",
            "http://a.example",
            "a.example/",
            "a.example:80",
            "a@b",
        ] {
            assert!(domain_name(bad).is_err(), "{bad:?}");
        }
        for bad in ["a", "@b", "a@", "a@b c", "a@b\n", "a\0@b", "mailto://a@b"] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
        assert!(email("jane@example.com").is_ok());
    }

    #[test]
    fn what_is_quoted_is_one_short_line() {
        let error = part_of_path("site", "a b".repeat(50_000))
            .unwrap_err()
            .to_string();
        assert!(error.len() < 300, "{}", error.len());
        assert_eq!(quoted("a\nb"), "a\\nb");
    }

    #[test]
    fn ids_that_would_change_the_path_are_refused() {
        for bad in [
            "", ".", "..", "a/b", "a\\b", "a?b", "a#b", "%2e%2e", "a b", "a\nb",
        ] {
            assert!(part_of_path("site", bad).is_err(), "{bad:?}");
        }
        for good in [
            "294deacc-d8b8-4005-82c4-0727ba8ddde0",
            "3hda2d4h-9a39-o20x",
            "a.b",
            "...",
        ] {
            assert!(part_of_path("site", good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn install_names_follow_the_documented_pattern() {
        for good in ["abc", "a12", "torquemag", "abcdefghijklmn"] {
            assert!(install_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "1ab",
            "Abc",
            "a-b",
            "abcdefghijklmno",
            "äbc",
            "ab ",
        ] {
            assert!(install_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn site_names_are_counted_in_characters() {
        assert!(site_name(&"ä".repeat(40)).is_ok());
        assert!(site_name(&"a".repeat(41)).is_err());
        assert!(site_name(" ").is_err());
    }

    #[test]
    fn ranges_are_ordered_short_enough_and_not_too_old() {
        let today = date(2026, 6, 15);
        let check = |first, last, longest| days_at(first, last, longest, today);
        assert!(check(date(2026, 5, 1), date(2026, 5, 1), Some(31)).is_ok());
        assert!(check(date(2026, 5, 1), date(2026, 5, 31), Some(31)).is_ok());
        assert!(check(date(2026, 5, 1), date(2026, 6, 1), Some(31)).is_err());
        assert!(check(date(2026, 5, 1), date(2026, 6, 1), None).is_ok());
        assert!(check(date(2026, 5, 2), date(2026, 5, 1), None).is_err());
        assert!(check(date(2025, 5, 15), date(2026, 5, 1), None).is_ok());
        assert!(check(date(2025, 5, 13), date(2026, 5, 1), None).is_err());
    }

    #[test]
    fn addresses_need_both_sides_of_the_at() {
        assert!(emails(&[]).is_err());
        assert!(emails(&["ops@example.com".to_owned()]).is_ok());
        for bad in ["", "ops", "@example.com", "ops@", "o ps@example.com"] {
            assert!(emails(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_transfer_is_scheduled_an_hour_to_a_week_ahead() {
        let in_seconds = |seconds: i64| {
            transfer_time(Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap())
        };
        assert!(in_seconds(60).is_err());
        assert!(in_seconds(3700).is_ok());
        assert!(in_seconds(7 * 86_400).is_ok());
        assert!(in_seconds(8 * 86_400).is_err());
    }

    #[test]
    fn a_private_key_is_not_sent_as_a_public_one() {
        let error = public_key("-----BEGIN OPENSSH PRIVATE KEY-----\nabc").unwrap_err();
        assert!(!error.to_string().contains("abc"));
        assert!(public_key("ssh-ed25519 AAAA joe@example.com").is_ok());
    }

    #[test]
    fn a_page_holds_at_least_one_item() {
        assert!(page_size(1, 2, 100).is_err());
        assert!(page_size(2, 2, 100).is_ok());
        assert!(page_size(101, 2, 100).is_err());
        assert!(page_size(1000, 1, 1000).is_ok());
    }
}
