//! A line of an access log: the names are those of Istio's JSON log, with a few beside them.

mod value;

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;

pub(crate) use value::{Claimed, Text, Value};

/// A line: what it says of a request, and of what was answered.
#[derive(Debug, Default)]
pub(crate) struct Entry<'a> {
    pub(crate) method: Value<'a>,
    pub(crate) path: Value<'a>,
    pub(crate) authority: Value<'a>,
    pub(crate) peer: Value<'a>,
    pub(crate) client: Value<'a>,
    pub(crate) direct: Value<'a>,
    pub(crate) local: Value<'a>,
    pub(crate) server_name: Value<'a>,
    pub(crate) claims: Claimed,
    pub(crate) start_time: Value<'a>,
    pub(crate) code: Value<'a>,
    pub(crate) details: Value<'a>,
    pub(crate) upstream: Value<'a>,
    headers: Vec<(Cow<'a, str>, Value<'a>)>,
    user_agent: Value<'a>,
    forwarded_for: Value<'a>,
    request_id: Value<'a>,
}

impl<'a> Entry<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// Why it is none. Nothing of it is quoted.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, String> {
        let entry: Entry<'_> =
            serde_json::from_slice(line).map_err(|error| match error.classify() {
                Category::Eof => "is no JSON: it ends early".to_owned(),
                Category::Data => "is no JSON object".to_owned(),
                Category::Syntax | Category::Io => {
                    format!("is no JSON, at character {}", error.column())
                }
            })?;
        if entry.is_empty() {
            return Err(
                "has none of the fields of an access log, such as `method` and `path`".to_owned(),
            );
        }
        Ok(entry)
    }

    fn is_empty(&self) -> bool {
        let fields = [&self.method, &self.path, &self.authority, &self.peer];
        fields.iter().all(|field| matches!(field, Value::Absent))
    }

    /// What it says of a header, whose name is in lower case.
    pub(crate) fn header(&self, name: &str) -> &Value<'a> {
        let mut headers = self.headers.iter();
        if let Some((_, value)) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return value;
        }
        match name {
            ":path" => &self.path,
            "user-agent" => &self.user_agent,
            "x-forwarded-for" => &self.forwarded_for,
            "x-request-id" => &self.request_id,
            _ => &Value::Absent,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entry<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Line;

        impl<'de> Visitor<'de> for Line {
            type Value = Entry<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry<'de>, A::Error> {
                let mut entry = Entry::default();
                while let Some(Text(name)) = map.next_key()? {
                    let place = match name.as_ref() {
                        "method" => &mut entry.method,
                        "path" => &mut entry.path,
                        "authority" => &mut entry.authority,
                        "downstream_peer_uri_san" => &mut entry.peer,
                        "downstream_remote_address" => &mut entry.client,
                        "downstream_direct_remote_address" => &mut entry.direct,
                        "downstream_local_address" => &mut entry.local,
                        "requested_server_name" => &mut entry.server_name,
                        "start_time" => &mut entry.start_time,
                        "response_code" => &mut entry.code,
                        "response_code_details" => &mut entry.details,
                        "upstream_host" => &mut entry.upstream,
                        "user_agent" => &mut entry.user_agent,
                        "x_forwarded_for" => &mut entry.forwarded_for,
                        "request_id" => &mut entry.request_id,
                        "claims" => {
                            entry.claims = map.next_value()?;
                            continue;
                        }
                        "request_headers" => {
                            entry.headers = map.next_value::<value::Headers<'de>>()?.0;
                            continue;
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    *place = map.next_value()?;
                }
                Ok(entry)
            }
        }

        deserializer.deserialize_map(Line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Entry<'_> {
        Entry::parse(line.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_absent_is_not_what_the_request_does_not_have() {
        let line = r#"{"method":"GET","path":"/a\u0001b","response_code":200,"upstream_host":"-",
            "downstream_peer_uri_san":null,"request_headers":{"X-Plan":"gold","x-none":null},
            "user_agent":"curl","bytes_sent":7,"nested":{"method":"POST"}}"#;
        let entry = parse(line);
        assert_eq!(entry.method.text(), Some("GET"));
        assert_eq!(entry.path.text(), Some("/a\u{1}b"));
        assert_eq!(entry.code.text(), Some("200"));
        assert_eq!(entry.upstream, Value::Nothing);
        assert_eq!(entry.peer, Value::Nothing);
        assert_eq!(entry.authority, Value::Absent);
        assert_eq!(entry.header("x-plan").text(), Some("gold"));
        assert_eq!(*entry.header("x-none"), Value::Nothing);
        assert_eq!(*entry.header("x-other"), Value::Absent);
        assert_eq!(entry.header("user-agent").text(), Some("curl"));
    }

    #[test]
    fn claims_are_an_object_or_its_text() {
        let claims = |line: &str| parse(line).claims;
        let one = serde_json::json!({"iss": "a"});
        for line in [
            r#"{"path":"/","claims":{"iss":"a"}}"#,
            r#"{"path":"/","claims":"{\"iss\":\"a\"}"}"#,
            r#"{"path":"/","claims":{"payload":{"iss":"a"}}}"#,
        ] {
            assert_eq!(claims(line), Claimed::Claims(one.clone()), "{line}");
        }
        for line in [
            r#"{"path":"/","claims":null}"#,
            r#"{"path":"/","claims":"-"}"#,
        ] {
            assert_eq!(claims(line), Claimed::Nothing, "{line}");
        }
        for line in [
            r#"{"path":"/"}"#,
            r#"{"path":"/","claims":"x"}"#,
            r#"{"path":"/","claims":[1]}"#,
        ] {
            assert_eq!(claims(line), Claimed::Absent, "{line}");
        }
    }

    #[test]
    fn what_is_no_entry_is_told_without_a_word_of_it() {
        for (line, problem) in [
            ("{\"method\":\"secret\"", "is no JSON: it ends early"),
            ("secret", "is no JSON, at character 1"),
            ("[\"secret\"]", "is no JSON object"),
            (
                "{\"secret\":1}",
                "has none of the fields of an access log, such as `method` and `path`",
            ),
        ] {
            assert_eq!(
                Entry::parse(line.as_bytes()).unwrap_err(),
                problem,
                "{line}"
            );
        }
    }
}
