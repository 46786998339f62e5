//! Points in time that the API documents as plain text.

use jiff::Timestamp;

use crate::types::Certificate;

impl Certificate {
    /// When the certificate expires, or none if the answer does not say it or not as a date and time.
    ///
    /// The API documents `expires_time` as plain text, so that an answer with an odd one is still an answer.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_time.as_deref()?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expiry_is_read_where_it_is_a_time() {
        let read = |text: &str| {
            serde_json::from_value::<Certificate>(serde_json::json!({"expires_time": text}))
                .unwrap()
                .expires_at()
        };
        assert_eq!(
            read("2026-09-01T00:00:00Z"),
            "2026-09-01T00:00:00Z".parse().ok()
        );
        assert!(read("2026-09-01T00:00:00+02:00").is_some());
        assert_eq!(read("soon"), None);
    }
}
