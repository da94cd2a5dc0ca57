//! Matchers that more than one filter takes, with Istio's meaning.

mod http;
mod string;
mod template;

pub use http::{HttpMatch, HttpMatchWire, is_header_name};
pub use string::{StringMatch, StringMatchWire};
pub use template::PathTemplate;
