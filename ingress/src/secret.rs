//! The webhook's secret, of which the function knows only the hash.

use sha2::{Digest, Sha256};
use shared::env::EnvError;
use subtle::{Choice, ConstantTimeEq};

/// The accepted secrets' SHA-256: one, or two while the secret is being rotated.
pub struct Secrets(Vec<[u8; 32]>);

impl Secrets {
    /// From `WEBHOOK_SECRET_SHA256`: 64 hex digits, or twice that with a comma between.
    ///
    /// # Errors
    /// For anything else: the webhook stays closed rather than open to all.
    pub fn parse(text: &str) -> Result<Self, EnvError> {
        let hashes: Option<Vec<_>> = text.split(',').map(|hash| from_hex(hash.trim())).collect();
        match hashes {
            // The hash of nothing is what a script makes of a variable that is not set.
            Some(hashes) if hashes.len() <= 2 && !hashes.contains(&Sha256::digest(b"").into()) => Ok(Self(hashes)),
            _ => Err(EnvError {
                name: "WEBHOOK_SECRET_SHA256",
                problem: "must be the SHA-256 of a secret, not of nothing, in 64 hex digits; or two with a comma between",
            }),
        }
    }

    /// In a time that tells nothing about how much of the hash was right.
    pub fn accept(&self, secret: &[u8]) -> bool {
        let hash: [u8; 32] = Sha256::digest(secret).into();
        self.0.iter().fold(Choice::from(0), |any, known| any | known.ct_eq(&hash)).into()
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf %s fox | sha256sum`
    const FOX: &str = "776cb326ab0cd5f0a974c1b9606044d8485201f2db19cf8e3749bdee5f36e200";

    #[test]
    fn the_secret_is_accepted_and_nothing_else() {
        let secrets = Secrets::parse(FOX).unwrap();
        assert!(secrets.accept(b"fox"));
        for wrong in [&b""[..], b"Fox", b"fox ", FOX.as_bytes()] {
            assert!(!secrets.accept(wrong));
        }
    }

    #[test]
    fn two_secrets_are_accepted_while_one_replaces_the_other() {
        let other = "0".repeat(64);
        assert!(Secrets::parse(&format!("{other},{FOX}")).unwrap().accept(b"fox"));
        assert!(Secrets::parse(&format!("{FOX},{other}")).unwrap().accept(b"fox"));
    }

    #[test]
    fn anything_but_one_or_two_hashes_is_refused() {
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for text in
            ["", ",", nothing, &FOX[1..], "fox", &format!("{FOX},"), &format!("{FOX},{FOX},{FOX}"), &"+1".repeat(32)]
        {
            assert!(Secrets::parse(text).is_err(), "{text}");
        }
    }
}
