//! What anybody outside can tell of an exchange: what the client got, and what the upstream saw.

use integration::client::{Broken, Response};
use serde_json::Value;

type Fields = Vec<(String, String)>;

/// What a client writes into headers that are for claims.
pub(crate) const FORGED: &str = "forged";

/// An exchange from the outside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Visible {
    /// The status, or 0 where there was no answer.
    pub(crate) status: u16,
    /// Headers, by name; those of one name in their order.
    pub(crate) headers: Fields,
    /// The body, unless the upstream wrote it.
    pub(crate) body: String,
    /// What the upstream saw, where it was asked.
    pub(crate) upstream: Option<Upstream>,
}

/// What the upstream saw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Upstream {
    pub(crate) path: String,
    pub(crate) headers: Fields,
}

impl Visible {
    /// Headers that differ for reasons of their own: time, and the connection's age.
    const PASSING: [&str; 3] = ["date", "server", "x-envoy-upstream-service-time"];

    pub(crate) fn of(answer: Result<Response, Broken>) -> Self {
        let Ok(response) = answer else {
            return Self {
                status: 0,
                headers: Fields::new(),
                body: "no answer".to_owned(),
                upstream: None,
            };
        };
        let upstream = Upstream::read(&response);
        let mut headers: Fields = response
            .headers
            .iter()
            .filter(|(name, _)| !Self::PASSING.contains(&name.as_str()))
            // As long as what it says, which is compared itself.
            .filter(|(name, _)| upstream.is_none() || name != "content-length")
            .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()))
            .collect();
        headers.sort_by(|a, b| a.0.cmp(&b.0));
        Self {
            status: response.status,
            headers,
            body: match upstream {
                Some(_) => String::new(),
                None => response.text(),
            },
            upstream,
        }
    }

    /// In a few words: `200`, `401 Jwt is expired`.
    pub(crate) fn outcome(&self) -> String {
        let grpc = self.headers.iter().find(|(name, _)| name == "grpc-message");
        let said = grpc.map_or(self.body.as_str(), |(_, message)| message);
        format!("{} {said}", self.status).trim_end().to_owned()
    }

    /// Whether it is a refusal by either filter.
    pub(crate) fn www_authenticate(&self) -> bool {
        self.headers
            .iter()
            .any(|(name, _)| name == "www-authenticate")
    }

    /// What is not the same, in a few lines.
    pub(crate) fn unlike(&self, other: &Self) -> String {
        let mut lines = Vec::new();
        let mut compare = |what: &str, a: &Fields, b: &Fields| {
            let only = |a: &Fields, b: &Fields| -> Vec<String> {
                let rest = a.iter().filter(|field| !b.contains(field));
                rest.map(|(name, value)| format!("{name}: {value}"))
                    .collect()
            };
            lines.push(format!("{what}: {:?}, {:?}", only(a, b), only(b, a)));
        };
        compare("client", &self.headers, &other.headers);
        match (&self.upstream, &other.upstream) {
            (Some(a), Some(b)) => {
                compare("upstream", &a.headers, &b.headers);
                if a.path != b.path {
                    lines.push(format!("path: {}, {}", a.path, b.path));
                }
            }
            (a, b) => lines.push(format!("upstream: {}, {}", a.is_some(), b.is_some())),
        }
        lines.join("; ")
    }

    /// Takes out of what the upstream saw the headers that the client forged and the other did not let
    /// through: how many there were.
    pub(crate) fn forget_forged(&mut self, other: &Self) -> usize {
        let (Some(upstream), Some(other)) = (&mut self.upstream, &other.upstream) else {
            return 0;
        };
        let before = upstream.headers.len();
        let headers = &mut upstream.headers;
        headers.retain(|field| field.1 != FORGED || other.headers.contains(field));
        before - upstream.headers.len()
    }

    /// The values of a header that the upstream saw.
    #[track_caller]
    pub(crate) fn upstream_values(&self, name: &str) -> Vec<&str> {
        let Some(upstream) = &self.upstream else {
            panic!("the upstream was not asked: {self:?}");
        };
        let named = upstream.headers.iter().filter(|(field, _)| field == name);
        named.map(|(_, value)| value.as_str()).collect()
    }
}

impl Upstream {
    fn read(response: &Response) -> Option<Self> {
        let echo: Value = serde_json::from_slice(&response.body).ok()?;
        let pair =
            |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
        let mut headers: Fields = echo["headers"]
            .as_array()?
            .iter()
            .filter_map(pair)
            .collect();
        headers.sort_by(|a, b| a.0.cmp(&b.0));
        Some(Self {
            path: echo["path"].as_str()?.to_owned(),
            headers,
        })
    }
}
