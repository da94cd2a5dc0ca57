//! test module
