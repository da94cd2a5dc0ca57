//! Where the value of a tag comes from.

use sdk_helpers::matcher::PathTemplate;

use crate::attribute::{Phase, View};
use crate::expression::Expression;
use crate::formatter::Format;

/// One of five kinds.
#[derive(Debug)]
pub enum Source {
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
}

/// What an expression comes to that fails, as in Istio's own filter.
const UNKNOWN: &[u8] = b"unknown";

impl Source {
    /// From when on there is a value.
    pub fn phase(&self) -> Phase {
        match self {
            Source::Literal(_) | Source::Header { .. } => Phase::Request,
            Source::Format(format) => format.phase,
            Source::Expression(expression) => expression.phase,
        }
    }

    /// The value, not yet clean; `None` for no tag at all.
    pub fn value(&self, view: &View<'_>) -> Option<Vec<u8>> {
        let text = |text: &String| text.clone().into_bytes();
        match self {
            Source::Literal(literal) => Some(text(literal)),
            Source::Header { name, default } => {
                let sent = view.request.and_then(|request| request.first(name));
                sent.map(<[u8]>::to_vec)
                    .or_else(|| default.as_ref().map(text))
            }
            Source::Format(format) => format.write(view),
            Source::Expression(expression) => Some(
                expression
                    .evaluate(view)
                    .unwrap_or_else(|| UNKNOWN.to_vec()),
            ),
        }
    }
}

/// A path template with the text that stands for every path it matches.
#[derive(Debug)]
pub struct Template {
    template: PathTemplate,
    text: String,
}

impl Template {
    /// Compiles `/orders/{id}`: a name in braces is one segment, `{**}` any number of them.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn compile(text: &str) -> Result<Self, String> {
        let segments: Vec<&str> = text
            .split('/')
            .map(|segment| {
                let name = segment
                    .strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'));
                let is_name = name.is_some_and(|name| {
                    !name.is_empty()
                        && name
                            .chars()
                            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
                });
                if is_name { "{*}" } else { segment }
            })
            .collect();
        let template = PathTemplate::compile(&segments.join("/"))
            .map_err(|problem| problem.replace(&segments.join("/"), text))?;
        let text = text.to_owned();
        Ok(Template { template, text })
    }

    /// The text, if the template matches a path; a query does not count.
    pub fn of(&self, path: &[u8]) -> Option<&str> {
        let path = path.split(|byte| *byte == b'?').next()?;
        self.template.matches(path).then_some(self.text.as_str())
    }
}
