//! Texts that a client keeps and can neither read, alter nor use elsewhere: cursors. Pure but for the key
//! that is made when none is given.
//!
//! The nonce is made of what is sealed (RFC 5297 §1.1 has the idea), so that the same page of the same
//! data has the same cursor whenever the key is the same.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::runtime::config::{ConfigError, SEAL_KEY, Secret};

/// The first byte: the way that the rest is made.
const VERSION: u8 = 1;
/// Bytes of the key.
const KEY_LEN: usize = 32;
/// Longest text that is sealed and opened: arguments are no longer than that.
const TEXT_MAX: usize = 8 * 1024;

/// The keys of a server.
pub struct Seal {
    cipher: LessSafeKey,
    nonce: hmac::Key,
    mask: [u8; KEY_LEN],
}

/// A text that was not sealed here, or not for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

impl Seal {
    /// The keys that are made of the given one, or of one that nobody knows, which ends with the process.
    ///
    /// # Errors
    ///
    /// The key is not 32 bytes in base64, or there is no randomness.
    pub fn new(key: Option<&Secret>) -> Result<Self, ConfigError> {
        let unusable = || ConfigError::SealKey(SEAL_KEY);
        let mut main = [0; KEY_LEN];
        if let Some(key) = key {
            let bytes = STANDARD.decode(key.reveal().trim());
            let bytes = bytes.map_err(|_| unusable())?;
            main = bytes.try_into().map_err(|_| unusable())?;
        } else {
            aws_lc_rs::rand::fill(&mut main).map_err(|_| unusable())?;
        }
        let main = hmac::Key::new(hmac::HMAC_SHA256, &main);
        let derived = |purpose: &str| -> Result<[u8; KEY_LEN], ConfigError> {
            let tag = hmac::sign(&main, purpose.as_bytes());
            tag.as_ref().try_into().map_err(|_| unusable())
        };
        let cipher = UnboundKey::new(&AES_256_GCM, &derived("mcpgen cursor")?);
        Ok(Self {
            cipher: LessSafeKey::new(cipher.map_err(|_| unusable())?),
            nonce: hmac::Key::new(hmac::HMAC_SHA256, &derived("mcpgen cursor nonce")?),
            mask: derived("mcpgen mask")?,
        })
    }

    /// A text that only this server opens, and only with the same `bound`. `None`: it is too long.
    pub fn seal(&self, bound: &[u8], plain: &[u8]) -> Option<String> {
        let length = u64::try_from(bound.len()).ok()?.to_be_bytes();
        let tag = hmac::sign(&self.nonce, &[&length[..], bound, plain].concat());
        let nonce: [u8; NONCE_LEN] = tag.as_ref().get(..NONCE_LEN)?.try_into().ok()?;
        let mut sealed = plain.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        let done = self
            .cipher
            .seal_in_place_append_tag(unique, Aad::from(bound), &mut sealed);
        done.ok()?;
        let text = URL_SAFE_NO_PAD.encode([&[VERSION][..], &nonce, &sealed].concat());
        (text.len() <= TEXT_MAX).then_some(text)
    }

    /// What was sealed.
    ///
    /// # Errors
    ///
    /// It was altered, or sealed with another key or for something else.
    pub fn open(&self, bound: &[u8], text: &str) -> Result<Vec<u8>, Broken> {
        if text.len() > TEXT_MAX {
            return Err(Broken);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Broken)?;
        let (version, rest) = bytes.split_first().ok_or(Broken)?;
        if *version != VERSION {
            return Err(Broken);
        }
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or(Broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Broken)?;
        let mut sealed = sealed.to_vec();
        let plain = self
            .cipher
            .open_in_place(nonce, Aad::from(bound), &mut sealed);
        Ok(plain.map_err(|_| Broken)?.to_vec())
    }

    /// The two pads of an HMAC-SHA256 for masks (RFC 2104 §2), in hexadecimal: PostgreSQL has the hash and
    /// not the HMAC.
    pub(super) fn mask_pads(&self) -> [String; 2] {
        let pad = |with: u8| {
            let mut block = [with; 64];
            for (byte, key) in block.iter_mut().zip(self.mask) {
                *byte ^= key;
            }
            block
                .iter()
                .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
        };
        [pad(0x36), pad(0x5c)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Secret {
        Secret::new(STANDARD.encode([byte; KEY_LEN]))
    }

    #[test]
    fn what_is_sealed_opens_where_it_was_sealed_for() {
        let seal = Seal::new(Some(&key(1))).unwrap();
        let text = seal.seal(b"tool", b"page").unwrap();
        assert_eq!(seal.open(b"tool", &text).unwrap(), b"page");
        assert_eq!(seal.open(b"other", &text), Err(Broken));
        let again = Seal::new(Some(&key(1))).unwrap();
        assert_eq!(again.seal(b"tool", b"page").unwrap(), text);
        assert_ne!(seal.seal(b"tool", b"pagf").unwrap(), text);
        for other in [Seal::new(Some(&key(2))).unwrap(), Seal::new(None).unwrap()] {
            assert_eq!(other.open(b"tool", &text), Err(Broken));
        }
    }

    #[test]
    fn every_altered_bit_is_found() {
        let seal = Seal::new(None).unwrap();
        let text = seal.seal(b"tool", b"page").unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() * 8 {
            let mut altered = bytes.clone();
            altered[at / 8] ^= 1 << (at % 8);
            let altered = URL_SAFE_NO_PAD.encode(altered);
            assert_eq!(seal.open(b"tool", &altered), Err(Broken), "bit {at}");
        }
        for end in 0..text.len() {
            assert_eq!(seal.open(b"tool", &text[..end]), Err(Broken));
        }
        for text in ["", "AQ", "\u{e4}", "AQ==", &"A".repeat(TEXT_MAX + 1)] {
            assert_eq!(seal.open(b"tool", text), Err(Broken));
        }
    }

    #[test]
    fn a_key_is_32_bytes() {
        for text in [
            "",
            "short",
            "AAAA",
            &STANDARD.encode([0; 31]),
            &STANDARD.encode([0; 33]),
        ] {
            assert!(Seal::new(Some(&Secret::new(text))).is_err(), "{text}");
        }
    }
}
