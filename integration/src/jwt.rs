//! Tokens for tests: good ones of every algorithm, and whatever else somebody may send.
//!
//! Keys are made from their names, so that a run repeats another one byte by byte and no private
//! key lies in the repository.

mod algorithm;
mod broken;
mod compact;
mod issuer;
mod key;
mod signatures;
mod vectors;

pub use algorithm::Algorithm;
pub use broken::{Broken, all as broken, attacks};
pub use compact::{base64url, compact, decode_base64url, payload_of};
pub use issuer::{Behaviour, Issuer};
pub use key::{Key, jwks};
pub use signatures::{Signature, signatures};
pub use vectors::vectors;
