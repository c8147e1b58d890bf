//! Signed tokens: `header.content.signature` (§11.3).

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

use super::{digest::Digest, keys::Key};

pub(super) fn sign(key: &Key, digest: Digest, content: &[u8]) -> String {
    let signed = format!("{}.{}", digest.header(), BASE64.encode(content));
    let signature = digest.sign(key.as_bytes(), &signed);
    format!("{signed}.{}", BASE64.encode(signature))
}

/// The content, if the signature holds.
pub(super) fn verify(key: &Key, token: &str) -> Option<Vec<u8>> {
    let Parts { digest, signed, content, signature } = Parts::of(token)?;
    let signature = BASE64.decode(signature).ok()?;
    digest.verify(key.as_bytes(), signed, &signature).then(|| BASE64.decode(content).ok()).flatten()
}

/// The content, whoever signed it.
pub(super) fn unverified(token: &str) -> Option<Vec<u8>> {
    BASE64.decode(Parts::of(token)?.content).ok()
}

struct Parts<'a> {
    digest: Digest,
    /// What the signature is of.
    signed: &'a str,
    content: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    /// Exactly three, of which the first names a digest that we know.
    fn of(token: &'a str) -> Option<Parts<'a>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, content) = signed.split_once('.')?;
        let digest = Digest::of_header(header)?;
        (!content.contains('.')).then_some(Parts { digest, signed, content, signature })
    }
}
