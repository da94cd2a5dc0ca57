//! The compact form of a token: three parts of base64url between dots (RFC 7515 §3.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A token of these three parts, whatever they are.
pub fn compact(
    header: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
    signature: impl AsRef<[u8]>,
) -> String {
    let parts = [base64url(header), base64url(payload), base64url(signature)];
    parts.join(".")
}

/// Without padding, as tokens and keys have it.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of such a text.
#[track_caller]
pub fn decode_base64url(text: &str) -> Vec<u8> {
    match URL_SAFE_NO_PAD.decode(text) {
        Ok(bytes) => bytes,
        Err(error) => panic!("`{text}` is not base64url: {error}"),
    }
}

/// The middle part of a token, as it is written.
#[track_caller]
pub fn payload_of(token: &str) -> &str {
    let payload = token.split('.').nth(1);
    payload.unwrap_or_else(|| panic!("`{token}` is no token"))
}
