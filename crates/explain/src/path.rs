//! What Envoy's connection manager makes of a path before any filter sees it.
//!
//! Sources: Istio's MeshConfig, `pathNormalization`; Envoy's `normalize_path`, `merge_slashes` and
//! `path_with_escaped_slashes_action` of its HTTP connection manager. Measured on Envoy 1.40.

mod canonical;

use canonical::canonical;

/// Istio's `pathNormalization.normalization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalization {
    /// A path is taken as it is.
    None,
    /// Dot segments are resolved, backslashes are slashes, and unreserved characters are not escaped.
    /// Istio's `DEFAULT` is the same.
    #[default]
    Base,
    /// The same, and several slashes are one.
    MergeSlashes,
    /// The same, and escaped slashes and backslashes are unescaped first.
    DecodeAndMergeSlashes,
}

impl Normalization {
    /// By Istio's name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "NONE" => Self::None,
            "BASE" | "DEFAULT" => Self::Base,
            "MERGE_SLASHES" => Self::MergeSlashes,
            "DECODE_AND_MERGE_SLASHES" => Self::DecodeAndMergeSlashes,
            _ => return None,
        })
    }

    /// What becomes of `:path`, whose query stays as it is and whose fragment is cut, as Istio has Envoy do
    /// it. None where Envoy answers 400.
    #[must_use]
    pub fn apply(self, whole: &[u8]) -> Option<Vec<u8>> {
        let whole = until(whole, b'#');
        let path = until(whole, b'?');
        let query = whole.get(path.len()..).unwrap_or_default();
        if self == Self::None {
            return Some(whole.to_vec());
        }
        let mut path = match self {
            Self::DecodeAndMergeSlashes => canonical(&unescape_slashes(path))?,
            _ => canonical(path)?,
        };
        if matches!(self, Self::MergeSlashes | Self::DecodeAndMergeSlashes) {
            path = merge_slashes(path);
        }
        path.extend_from_slice(query);
        Some(path)
    }
}

fn until(text: &[u8], end: u8) -> &[u8] {
    text.split(|byte| *byte == end).next().unwrap_or_default()
}

/// `%2F` and `%5C`, in either case, as what they stand for.
fn unescape_slashes(path: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match rest {
            [b'%', b'2', b'F' | b'f', after @ ..] => (b'/', after),
            [b'%', b'5', b'C' | b'c', after @ ..] => (b'\\', after),
            _ => (*first, after),
        };
        plain.push(byte);
        rest = after;
    }
    plain
}

/// One slash where there are several; one at either end stays.
fn merge_slashes(path: Vec<u8>) -> Vec<u8> {
    if !path.windows(2).any(|two| two == b"//") {
        return path;
    }
    let segments = path.split(|byte| *byte == b'/');
    let segments: Vec<&[u8]> = segments.filter(|segment| !segment.is_empty()).collect();
    let mut merged = Vec::with_capacity(path.len());
    if path.first() == Some(&b'/') {
        merged.push(b'/');
    }
    merged.extend(segments.join(&b'/'));
    if path.last() == Some(&b'/') {
        merged.push(b'/');
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(normalization: Normalization, path: &str) -> Option<String> {
        let seen = normalization.apply(path.as_bytes())?;
        Some(String::from_utf8(seen).unwrap())
    }

    #[test]
    fn each_step_of_istios_does_more_than_the_one_before() {
        use Normalization::{Base, DecodeAndMergeSlashes, MergeSlashes, None};
        for (path, none, base, merged, decoded) in [
            ("/a/../b", "/a/../b", "/b", "/b", "/b"),
            ("/a/./b/.", "/a/./b/.", "/a/b/", "/a/b/", "/a/b/"),
            ("/a%2e%2E/b", "/a%2e%2E/b", "/a../b", "/a../b", "/a../b"),
            ("/a/%2e%2E/b", "/a/%2e%2E/b", "/b", "/b", "/b"),
            ("/a\\b", "/a\\b", "/a/b", "/a/b", "/a/b"),
            ("//a///b//", "//a///b//", "//a///b//", "/a/b/", "/a/b/"),
            ("/a%2Fb", "/a%2Fb", "/a%2Fb", "/a%2Fb", "/a/b"),
            (
                "/a%5c..%2fb",
                "/a%5c..%2fb",
                "/a%5c..%2fb",
                "/a%5c..%2fb",
                "/b",
            ),
            ("/%41%7e%2d", "/%41%7e%2d", "/A~-", "/A~-", "/A~-"),
            (
                "/a%3fb?c=../d",
                "/a%3fb?c=../d",
                "/a%3fb?c=../d",
                "/a%3fb?c=../d",
                "/a%3fb?c=../d",
            ),
            ("/a?b#c", "/a?b", "/a?b", "/a?b", "/a?b"),
            ("/a#b?c", "/a", "/a", "/a", "/a"),
            ("/..", "/..", "/", "/", "/"),
            ("//", "//", "//", "//", "//"),
        ] {
            for (how, expected) in [
                (None, none),
                (Base, base),
                (MergeSlashes, merged),
                (DecodeAndMergeSlashes, decoded),
            ] {
                assert_eq!(seen(how, path).as_deref(), Some(expected), "{how:?} {path}");
            }
        }
    }

    #[test]
    fn an_escaped_nul_is_refused_unless_paths_are_taken_as_they_are() {
        assert_eq!(seen(Normalization::Base, "/a%00"), None);
        assert_eq!(seen(Normalization::None, "/a%00").as_deref(), Some("/a%00"));
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_as_it_is(parts in prop::collection::vec(prop::sample::select(vec![
            "/", "a", ".", "..", "\\", "%", "%2f", "%5C", "%2e", "%41", "é", "%zz", "?", "//", "%25", "2", "5",
        ]), 0..12)) {
            use Normalization::{Base, MergeSlashes};
            let path = format!("/{}", parts.concat());
            for how in [Normalization::None, Base, MergeSlashes] {
                if let Some(once) = how.apply(path.as_bytes()) {
                    let path = until(&once, b'?');
                    prop_assert_eq!(how.apply(path), Some(path.to_vec()));
                }
            }
        }

        #[test]
        fn no_path_panics(path in prop::collection::vec(any::<u8>(), 0..40)) {
            for how in [Normalization::None, Normalization::Base, Normalization::MergeSlashes, Normalization::DecodeAndMergeSlashes] {
                let _ = how.apply(&path);
            }
        }
    }
}
