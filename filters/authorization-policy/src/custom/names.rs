//! Lists of header names as MeshConfig has them.

use sdk_helpers::config::is_token;

/// Header names: `x-user`, `x-auth-*`, `*-token`. The case of letters does not count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeaderNames(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq)]
enum Pattern {
    Exact(String),
    Prefix(String),
    Suffix(String),
}

impl HeaderNames {
    /// Adds one. A star in front is looked at first, as Istio does.
    ///
    /// # Errors
    /// Says what a name may be.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        if text.is_empty() {
            return Err("must not be empty".to_owned());
        }
        if text == "*" {
            return Err(
                "`*` alone is not taken, nor by Istio; write `prefix*` or `*suffix`".to_owned(),
            );
        }
        let lower = text.to_ascii_lowercase();
        let name = lower.strip_prefix('*').or_else(|| lower.strip_suffix('*'));
        let name = name.unwrap_or(&lower);
        // A pattern may begin in the middle of a pseudo header's name.
        if !is_token(name.strip_prefix(':').unwrap_or(name)) {
            let shown = text.escape_debug();
            return Err(format!(
                "`{shown}` is no name of a header, and no beginning or end of one"
            ));
        }
        self.0.push(if let Some(rest) = lower.strip_prefix('*') {
            Pattern::Suffix(rest.to_owned())
        } else if let Some(rest) = lower.strip_suffix('*') {
            Pattern::Prefix(rest.to_owned())
        } else {
            Pattern::Exact(lower)
        });
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a name, which is in lower case, is one of these.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::Exact(exact) => name == exact,
            Pattern::Prefix(prefix) => name.starts_with(prefix.as_str()),
            Pattern::Suffix(suffix) => name.ends_with(suffix.as_str()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> HeaderNames {
        let mut names = HeaderNames::default();
        for text in texts {
            names.add(text).expect("a name");
        }
        names
    }

    #[test]
    fn a_star_stands_at_one_end() {
        let names = names(&["X-User", "x-auth-*", "*-Token", "*a*"]);
        for name in [
            "x-user",
            "x-auth-",
            "x-auth-role",
            "-token",
            "my-token",
            "za*",
        ] {
            assert!(names.contains(name), "{name}");
        }
        for name in ["x-users", "x-aut", "x-token-", "za"] {
            assert!(!names.contains(name), "{name}");
        }
    }

    #[test]
    fn a_star_alone_and_nothing_are_refused() {
        let mut names = HeaderNames::default();
        assert!(names.add("*").is_err() && names.add("").is_err());
        assert!(names.is_empty());
    }

    #[test]
    fn a_name_is_a_token() {
        let mut names = HeaderNames::default();
        for name in ["x-user_1", "X", ":path", "x-*", "*:path"] {
            assert_eq!(names.add(name), Ok(()), "{name:?}");
        }
        for name in ["a b", "a\r\nb", "a:", "é", "x *", "* x", ":"] {
            assert!(names.add(name).is_err(), "{name:?}");
        }
    }
}
