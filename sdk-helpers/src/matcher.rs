//! Matchers that more than one filter takes, with Istio's meaning.

mod http;
mod regex;
mod source;
mod string;
mod template;
mod wildcard;

pub use crate::address::{Address, Cidr};
pub use http::{HttpMatch, HttpMatchWire, Literal, plain};
pub use regex::Regex;
pub use source::{BlocksWire, SourceMatch};
pub use string::{StringMatch, StringMatchWire};
pub use template::PathTemplate;
pub use wildcard::{Wildcard, is_line};
