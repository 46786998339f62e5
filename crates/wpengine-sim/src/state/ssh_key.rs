//! Public keys for the SSH gateway.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

const KINDS: [&str; 7] = [
    "ssh-rsa",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// A key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SshKey {
    pub(crate) uuid: String,
    pub(crate) comment: String,
    pub(crate) fingerprint: String,
    pub(crate) created_at: Timestamp,
}

/// Parses a key in the format of `ssh-keygen`. Returns its fingerprint and its comment.
pub(crate) fn read(public_key: &str) -> Option<(String, String)> {
    // Padding is optional, because programs that write keys differ in it.
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let mut words = public_key.trim().splitn(3, char::is_whitespace);
    words.next().filter(|kind| KINDS.contains(kind))?;
    let blob = words.next()?.trim_end_matches('=');
    let blob = GeneralPurpose::new(&STANDARD, config)
        .decode(blob)
        .ok()
        .filter(|blob| !blob.is_empty())?;
    let digest = Md5::digest(&blob);
    let fingerprint: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some((
        fingerprint.join(":"),
        words.next().unwrap_or_default().trim().to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_the_one_that_ssh_keygen_shows() {
        // The format of `ssh-keygen -l -E md5`.
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKHEChLjUAsxsgvDVi9P8HNO1Zn2mTONbtE+11OOVTfo me@example.com";
        let (fingerprint, comment) = read(key).unwrap();
        assert_eq!(
            fingerprint,
            "6a:f0:1f:7f:00:30:cf:92:72:0a:5d:30:79:6d:d7:5e"
        );
        assert_eq!(comment, "me@example.com");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "ssh-rsa",
            "ssh-rsa !!!",
            "AAAAB3NzaC1yc2E",
            "-----BEGIN PRIVATE KEY-----",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
