//! A request and a response as a filter sees them.
//!
//! Fetching the header map costs about as much as the whole rest of a filter, and finding out that
//! a header is absent costs an eighth of that. So a snapshot is taken when it is first needed and
//! once, and a rule on a header that is not there is answered without one.

use std::cell::{Cell, OnceCell};

use smallvec::SmallVec;

use crate::headers::{HeaderEdit, Headers};

/// Where headers come from when they are needed.
#[derive(Debug, Clone, Copy)]
pub struct HeaderSource {
    /// Whether the header is there at all.
    pub has: fn(&str) -> bool,
    /// The first value of one header.
    pub one: fn(&str) -> Option<Vec<u8>>,
    /// The whole map.
    pub all: fn() -> Headers,
}

/// After so many single questions the whole map is the cheaper answer.
const PROBES: u8 = 4;

#[derive(Debug)]
struct Snapshot {
    source: Option<&'static HeaderSource>,
    probes: Cell<u8>,
    headers: OnceCell<Headers>,
    /// The one header that was asked for before anything else.
    alone: OnceCell<Alone>,
}

/// A header that is looked at without the map.
#[derive(Debug)]
struct Alone {
    /// Takes no memory of its own, unless it is a long one.
    name: SmallVec<[u8; 16]>,
    /// Its first value.
    value: Option<Vec<u8>>,
}

impl Snapshot {
    fn new(source: Option<&'static HeaderSource>, headers: OnceCell<Headers>) -> Self {
        Snapshot {
            source,
            probes: Cell::new(0),
            headers,
            alone: OnceCell::new(),
        }
    }

    fn headers(&self) -> &Headers {
        self.headers
            .get_or_init(|| self.source.map(|from| (from.all)()).unwrap_or_default())
    }

    /// A filter that looks at one header need not pay for the whole map; one that looks at a second
    /// one does.
    fn first(&self, name: &str) -> Option<&[u8]> {
        if let (None, Some(source)) = (self.headers.get(), self.source) {
            let alone = self.alone.get_or_init(|| Alone {
                name: SmallVec::from_slice(name.as_bytes()),
                value: (source.one)(name),
            });
            if alone.name.as_slice() == name.as_bytes() {
                return alone.value.as_deref();
            }
            if !name.starts_with(':') && !self.has(name) {
                return None;
            }
        }
        self.headers().first(name)
    }

    /// Envoy has made these changes, or will before this is asked again.
    fn apply(&mut self, edit: &HeaderEdit) {
        self.alone.take();
        // What is not taken yet will be taken with the changes in it.
        let Some(headers) = self.headers.get_mut() else {
            return;
        };
        // Of some headers Envoy joins what is added with the value there is.
        let may_join = match edit {
            HeaderEdit::Add(..) | HeaderEdit::AddPart(..) => {
                self.source.is_some() && headers.first(edit.name()).is_some()
            }
            _ => false,
        };
        match may_join {
            true => drop(self.headers.take()),
            false => headers.apply(edit),
        }
    }

    fn has(&self, name: &str) -> bool {
        if self.headers.get().is_none()
            && let Some(source) = self.source
            && self.probes.get() < PROBES
        {
            self.probes.set(self.probes.get().saturating_add(1));
            return (source.has)(name);
        }
        self.headers().first(name).is_some()
    }
}

macro_rules! snapshot_of {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(Snapshot);

        impl $name {
            /// A snapshot already taken.
            pub fn new(headers: Headers) -> Self {
                $name(Snapshot::new(None, OnceCell::from(headers)))
            }

            /// A snapshot that is taken from `source` when first needed.
            pub fn lazy(source: &'static HeaderSource) -> Self {
                $name(Snapshot::new(Some(source), OnceCell::new()))
            }

            /// All headers.
            pub fn headers(&self) -> &Headers {
                self.0.headers()
            }

            /// Whether a header is there; cheaper than its value where it is not.
            pub fn has(&self, name: &str) -> bool {
                self.0.has(name)
            }

            /// Every value of a header; `name` in lower case. A header sent twice is two values.
            pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
                let here = name.starts_with(':') || self.has(name);
                here.then(|| self.headers().values(name)).into_iter().flatten()
            }

            /// The first value of a header; `name` in lower case.
            pub fn first(&self, name: &str) -> Option<&[u8]> {
                self.0.first(name)
            }

            /// Takes a change over, which Envoy has made in what it is a snapshot of.
            pub fn apply(&mut self, edit: &HeaderEdit) {
                self.0.apply(edit);
            }

            /// As it is after these changes; it takes the whole map.
            #[must_use]
            pub fn edited(&self, edits: &[HeaderEdit]) -> Self {
                let mut headers = self.headers().clone();
                for edit in edits {
                    headers.apply(edit);
                }
                $name::new(headers)
            }
        }
    };
}

snapshot_of! {
    /// The request as it reached this filter.
    Request
}
snapshot_of! {
    /// The response as it reached this filter on its way to the client.
    Response
}

impl Request {
    /// `:method`; empty if there is none.
    pub fn method(&self) -> &[u8] {
        self.first(":method").unwrap_or_default()
    }

    /// `:authority` as sent, port included; empty if there is none.
    pub fn authority(&self) -> &[u8] {
        self.first(":authority").unwrap_or_default()
    }

    /// `:path` as sent, with its query.
    pub fn path_and_query(&self) -> &[u8] {
        self.first(":path").unwrap_or_default()
    }

    /// `:path` without its query: what Istio's `uri` matches.
    pub fn path(&self) -> &[u8] {
        split(self.path_and_query()).0
    }

    /// The raw value of the first occurrence of a query parameter, as Envoy's `query_parameters`
    /// sees it: nothing is percent-decoded, and a name without `=` has the empty value.
    pub fn query_parameter(&self, name: &str) -> Option<&[u8]> {
        split(self.path_and_query())
            .1
            .split(|byte| *byte == b'&')
            .map(|pair| match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => {
                    let (key, value) = pair.split_at(at);
                    (key, value.get(1..).unwrap_or_default())
                }
                None => (pair, [].as_slice()),
            })
            .find(|(key, _)| !key.is_empty() && *key == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// Whether this is gRPC as Envoy tells it: `content-type` is `application/grpc` or starts with
    /// `application/grpc+`.
    pub fn is_grpc(&self) -> bool {
        self.first("content-type").is_some_and(|kind| {
            kind.strip_prefix(b"application/grpc")
                .is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'+'))
        })
    }
}

impl Response {
    /// `:status`, where it is one.
    pub fn status(&self) -> Option<u16> {
        std::str::from_utf8(self.first(":status")?)
            .ok()?
            .parse()
            .ok()
    }
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().position(|byte| *byte == b'?') {
        Some(at) => {
            let (path, query) = path.split_at(at);
            (path, query.get(1..).unwrap_or_default())
        }
        None => (path, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str) -> Request {
        Request::new(Headers::from_pairs([(":path", path)]))
    }

    #[test]
    fn the_query_is_no_part_of_the_path() {
        assert_eq!(request("/a/b?c=d").path(), b"/a/b");
        assert_eq!(request("/a?").path(), b"/a");
    }

    #[test]
    fn the_first_occurrence_of_a_query_parameter_counts_raw() {
        let sent = request("/?a=%31&b&a=2&=x");
        assert_eq!(sent.query_parameter("a"), Some(b"%31".as_slice()));
        assert_eq!(sent.query_parameter("b"), Some(b"".as_slice()));
        assert_eq!(sent.query_parameter("c"), None);
        assert_eq!(sent.query_parameter(""), None);
    }

    #[test]
    fn grpc_is_told_by_its_content_type() {
        let is = |kind: &str| Request::new(Headers::from_pairs([("content-type", kind)])).is_grpc();
        assert!(is("application/grpc") && is("application/grpc+proto"));
        assert!(!is("application/grpc-web") && !is("application/json"));
    }

    #[test]
    fn an_absent_header_is_answered_without_the_map() {
        let lazy = Request::lazy(&HeaderSource {
            has: |name| name == "here",
            one: |name| (name == "here").then(Vec::new),
            all: || panic!("the map was fetched"),
        });
        assert_eq!(lazy.first("absent"), None);
        assert!(lazy.has("here"));
    }

    #[test]
    fn one_header_alone_is_had_without_the_map() {
        let lazy = Request::lazy(&HeaderSource {
            has: |_| panic!("the path is always there"),
            one: |name| (name == ":path").then(|| b"/a?b=1".to_vec()),
            all: || panic!("the map was fetched"),
        });
        assert_eq!(lazy.path(), b"/a");
        assert_eq!(lazy.query_parameter("b"), Some(b"1".as_slice()));
    }

    #[test]
    fn a_second_header_takes_the_map() {
        let lazy = Request::lazy(&HeaderSource {
            has: |name| name == "second",
            one: |name| Some(name.as_bytes().to_vec()),
            all: || Headers::from_pairs([("first", "of the map"), ("second", "2")]),
        });
        assert_eq!(lazy.first("first"), Some(b"first".as_slice()));
        assert_eq!(lazy.first("absent"), None);
        assert_eq!(lazy.first("second"), Some(b"2".as_slice()));
        assert_eq!(lazy.first("first"), Some(b"of the map".as_slice()));
    }

    #[test]
    fn changes_that_envoy_made_are_taken_over() {
        static SOURCE: HeaderSource = HeaderSource {
            has: |name| name == "x-a",
            one: |_| Some(b"one".to_vec()),
            all: || Headers::from_pairs([("x-a", "of the map"), ("x-b", "1")]),
        };
        let set = HeaderEdit::Set("x-a".into(), b"2".to_vec());
        let add = |name: &'static str| HeaderEdit::Add(name.into(), b"3".to_vec());
        let mut lazy = Request::lazy(&SOURCE);
        assert_eq!(lazy.first("x-a"), Some(b"one".as_slice()));
        // Envoy has it, so nothing that was known counts any more.
        lazy.apply(&set);
        assert_eq!(lazy.first("x-b"), Some(b"one".as_slice()));
        assert_eq!(lazy.headers().first("x-a"), Some(b"of the map".as_slice()));
        lazy.apply(&set);
        lazy.apply(&add("x-c"));
        assert_eq!(lazy.first("x-a"), Some(b"2".as_slice()));
        assert_eq!(lazy.first("x-c"), Some(b"3".as_slice()));
        // What Envoy makes of one more value, Envoy says.
        lazy.apply(&add("x-b"));
        assert_eq!(lazy.first("x-a"), Some(b"one".as_slice()));
        let mut taken = Request::new(Headers::from_pairs([("x-b", "1")]));
        taken.apply(&add("x-b"));
        assert_eq!(taken.values("x-b").count(), 2);
    }

    #[test]
    fn many_questions_take_the_map_once() {
        let lazy = Request::lazy(&HeaderSource {
            has: |_| false,
            one: |_| None,
            all: || Headers::from_pairs([("late", "1")]),
        });
        for _ in 0..PROBES {
            assert!(!lazy.has("absent"));
        }
        assert!(lazy.has("late"));
    }
}
