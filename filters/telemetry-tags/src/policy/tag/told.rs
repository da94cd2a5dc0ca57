//! A tag in words.

use super::Tag;
use crate::tag_source::TagSource;

impl Tag {
    /// Whether there is one on this side.
    pub(in crate::policy) fn is_for(&self, side: usize) -> bool {
        self.modes.get(side).is_some_and(|here| *here)
    }

    /// Where its value comes from.
    pub(in crate::policy) fn told(&self) -> String {
        match &self.source {
            TagSource::Literal(text) => format!("literal {text:?}"),
            TagSource::Header {
                name,
                default: None,
            } => format!("header {name}"),
            TagSource::Header {
                name,
                default: Some(default),
            } => {
                format!("header {name}, else {default:?}")
            }
            TagSource::Format(_) => "access log format".to_owned(),
            TagSource::Expression(expression) => format!("expression {}", expression.text()),
            TagSource::Claim(claim) => format!("claim {}", claim.name()),
        }
    }
}
