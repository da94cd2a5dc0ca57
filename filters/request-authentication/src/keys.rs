//! The keys that tokens are verified with.

pub mod certificate;
mod der;
mod encode;
pub mod jwk;
pub mod key;
pub mod set;
pub mod verify;

pub use set::KeySet;
