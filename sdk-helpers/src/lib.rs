//! What every filter shares.
