//! The values of `includeAdditionalHeadersInCheck`, in which Envoy's formatter finds operators.

use sdk_helpers::Request;

/// Text with, here and there, the first value of a header of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    /// The first of these headers that is there.
    Header(String, Option<String>),
}

impl Template {
    /// Reads `a%REQ(x-b)%c%%`.
    ///
    /// # Errors
    /// Says which operators there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            literal.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                literal.push('%');
                rest = after;
                continue;
            }
            let Some((operator, after)) = after.split_once('%') else {
                return Err("has a `%` on its own; a percent sign is written `%%`".to_owned());
            };
            let names = operator
                .strip_prefix("REQ(")
                .and_then(|names| names.strip_suffix(')'))
                .filter(|names| !names.is_empty())
                .ok_or_else(|| {
                    [
                        "has the operator `%",
                        operator,
                        "%`, and `%REQ(header)%` is the only one a wasm filter can fill in; a percent sign is written `%%`",
                    ]
                    .concat()
                })?
                .to_ascii_lowercase();
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(match names.split_once('?') {
                Some((name, other)) => Piece::Header(name.to_owned(), Some(other.to_owned())),
                None => Piece::Header(names, None),
            });
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Template(pieces))
    }

    /// The value for a request, with the bytes of its headers as they are. What is not there leaves
    /// nothing.
    pub fn fill(&self, request: &Request) -> Vec<u8> {
        let mut filled = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.extend_from_slice(text.as_bytes()),
                Piece::Header(name, other) => {
                    let other = || other.as_deref().and_then(|name| request.first(name));
                    let value = request.first(name).or_else(other).unwrap_or_default();
                    filled.extend_from_slice(value);
                }
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdk_helpers::Headers;

    fn filled(text: &str) -> String {
        let template = Template::parse(text).expect("a template");
        let pairs = [(":path", "/a"), ("x-b", "b"), ("x-b", "c")];
        let filled = template.fill(&Request::new(Headers::from_pairs(pairs)));
        String::from_utf8(filled).expect("text")
    }

    #[test]
    fn bytes_that_are_no_text_stay_as_they_are() {
        let template = Template::parse("caf%REQ(x-b)%!").expect("a template");
        let request = Request::new(Headers::from_pairs([("x-b", b"\xe9\xff")]));
        assert_eq!(template.fill(&request), b"caf\xe9\xff!");
    }

    #[test]
    fn headers_take_the_place_of_their_operator() {
        assert_eq!(filled("plain"), "plain");
        assert_eq!(filled(""), "");
        assert_eq!(filled("100%%"), "100%");
        assert_eq!(filled("https://h%REQ(:PATH)%?%REQ(X-B)%"), "https://h/a?b");
        assert_eq!(filled("%REQ(x-c?x-b)%%REQ(x-c)%."), "b.");
    }

    #[test]
    fn other_operators_are_refused() {
        for text in [
            "%",
            "50% off",
            "%START_TIME%",
            "%REQ()%",
            "%REQ(a):3%",
            "%DYNAMIC_METADATA(a)%",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
