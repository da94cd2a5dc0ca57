//! The keys that tokens are verified with.

pub mod certificate;
mod der;
pub mod jwk;
pub mod set;
pub mod verify;

pub use set::KeySet;
