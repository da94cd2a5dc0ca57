//! Where the value of a tag comes from.

use std::borrow::Cow;

use sdk_helpers::matcher::PathTemplate;

use crate::attribute::{Phase, View};
use crate::claim::Claim;
use crate::expression::Expression;
use crate::formatter::Format;

/// One of six kinds.
#[derive(Debug)]
pub enum TagSource {
    /// Always the same.
    Literal(String),
    /// The first value of a request header.
    Header {
        /// Its name, in lower case.
        name: String,
        /// Where there is no such header.
        default: Option<String>,
    },
    /// A format of Envoy's access log.
    Format(Format),
    /// CEL.
    Expression(Expression),
    /// A claim of the verified token.
    Claim(Claim),
}

/// What an expression comes to that fails, as in Istio's own filter.
pub const UNKNOWN: &[u8] = b"unknown";

impl TagSource {
    /// From when on there is a value.
    pub fn phase(&self) -> Phase {
        match self {
            TagSource::Literal(_) | TagSource::Header { .. } | TagSource::Claim(_) => {
                Phase::Request
            }
            TagSource::Format(format) => format.phase,
            TagSource::Expression(expression) => expression.phase,
        }
    }

    /// Whether it may have a value later where it has none now.
    pub fn comes_late(&self) -> bool {
        match self {
            TagSource::Literal(_) | TagSource::Header { .. } | TagSource::Claim(_) => false,
            TagSource::Format(format) => format.comes_late(),
            TagSource::Expression(expression) => expression.comes_late(),
        }
    }

    /// How many looks at the headers of the request it takes.
    pub fn headers(&self) -> usize {
        match self {
            TagSource::Literal(_) | TagSource::Claim(_) => 0,
            TagSource::Header { .. } => 1,
            TagSource::Format(format) => format.headers(),
            TagSource::Expression(expression) => expression.headers(),
        }
    }

    /// The value, not yet clean; `None` where there is none.
    pub fn value<'a>(&'a self, view: &View<'a>) -> Option<Cow<'a, [u8]>> {
        let text = |text: &'a String| Cow::Borrowed(text.as_bytes());
        match self {
            TagSource::Literal(literal) => Some(text(literal)),
            TagSource::Header { name, default } => {
                let sent = view.request.and_then(|request| request.first(name));
                let sent = sent.map(Cow::Borrowed);
                sent.or_else(|| default.as_ref().map(text))
            }
            TagSource::Format(format) => format.write(view).map(Cow::Owned),
            TagSource::Expression(expression) => expression.evaluate(view),
            TagSource::Claim(claim) => claim.read(view.claims, view.world).map(Cow::Owned),
        }
    }

    /// What stands in for a value that there is not; `None` for no tag at all.
    pub fn missing(&self) -> Option<&'static [u8]> {
        matches!(self, TagSource::Expression(_)).then_some(UNKNOWN)
    }
}

/// A path template with the text that stands for every path it matches.
#[derive(Debug)]
pub struct Template {
    template: PathTemplate,
    text: String,
}

/// The template that stands for every value that there is.
pub const ANY: &str = "/{**}";

impl Template {
    /// Compiles `/orders/{id}`: a name in braces is one segment, `{**}` any number of them.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn compile(text: &str) -> Result<Self, String> {
        let template = PathTemplate::compile_named(text)?;
        let text = text.to_owned();
        Ok(Template { template, text })
    }

    /// Whether it leaves no path over, of whatever characters.
    pub fn is_any(&self) -> bool {
        self.text == ANY
    }

    /// The text, if the template matches a path; a query does not count.
    pub fn of(&self, path: &[u8]) -> Option<&str> {
        let is_any = self.is_any() && !path.is_empty() && path != UNKNOWN;
        let path = path.split(|byte| *byte == b'?').next()?;
        (is_any || self.template.matches(path)).then_some(self.text.as_str())
    }
}
