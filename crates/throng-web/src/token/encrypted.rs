//! Encrypted tokens: `XCP.` and a nonce, a tag and the ciphertext (§11.4).

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce, aead::AeadInOut};

use super::keys::Key;

/// The first part of such a token: XChaCha20 and Poly1305.
const PREFIX: &str = "XCP.";
/// What is authenticated beside the ciphertext: the name that Phoenix gave to an older cipher.
const ASSOCIATED: &[u8] = b"A128GCM";
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// `None` if the system gives no random bytes.
pub(super) fn encrypt(key: &Key, mut content: Vec<u8>) -> Option<String> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).ok()?;
    let tag =
        cipher(key).encrypt_inout_detached(&XNonce::from(nonce), ASSOCIATED, content.as_mut_slice().into());
    let bytes = [&nonce[..], tag.ok()?.as_slice(), &content].concat();
    Some(format!("{PREFIX}{}", BASE64.encode(bytes)))
}

/// The content, if it was encrypted with this key and nothing was changed.
pub(super) fn decrypt(key: &Key, token: &str) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(token.strip_prefix(PREFIX)?).ok()?;
    let (nonce, rest) = bytes.split_first_chunk::<NONCE_BYTES>()?;
    let (tag, ciphertext) = rest.split_first_chunk::<TAG_BYTES>()?;
    let mut content = ciphertext.to_vec();
    let buffer = content.as_mut_slice().into();
    let decrypted =
        cipher(key).decrypt_inout_detached(&XNonce::from(*nonce), ASSOCIATED, buffer, &Tag::from(*tag));
    decrypted.ok().map(|()| content)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.as_bytes().into())
}
