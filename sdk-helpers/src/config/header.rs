//! Names of headers, wherever a configuration has one.

use super::problems::{At, Problems};

/// Pseudo headers that a request has.
const PSEUDO: [&str; 5] = [":method", ":path", ":authority", ":scheme", ":protocol"];

/// Reads the name of a header in lower case, as Envoy has them. A pseudo header of requests is one
/// where it makes sense to ask for it.
pub fn header_name(name: &str, pseudo: bool, at: &At<'_>, problems: &Problems) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let problem = match lower.strip_prefix(':') {
        None if is_token(&lower) => return Some(lower),
        Some(_) if pseudo && PSEUDO.contains(&lower.as_str()) => return Some(lower),
        Some(_) if pseudo => "is no pseudo header of a request",
        Some(_) if PSEUDO.contains(&lower.as_str()) => {
            "is a pseudo header, which cannot stand here"
        }
        None if name.trim() != name => "is not a valid header name: it has white space around it",
        _ => "is not a valid header name",
    };
    problems.error(at, format!("`{}` {problem}", name.escape_debug()));
    None
}

/// Whether a text can be the name of a header (RFC 9110 §5.6.2, a token).
pub fn is_token(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(name: &str, pseudo: bool) -> Result<String, String> {
        let problems = Problems::default();
        header_name(name, pseudo, &At::root(), &problems)
            .ok_or_else(|| problems.errors()[0].to_string())
    }

    #[test]
    fn a_name_is_read_in_lower_case() {
        assert_eq!(read("X-User", false), Ok("x-user".to_owned()));
        assert_eq!(read(":Path", true), Ok(":path".to_owned()));
    }

    #[test]
    fn what_is_no_name_says_why() {
        for (name, pseudo, problem) in [
            ("", true, "`` is not a valid header name"),
            ("x a", true, "`x a` is not a valid header name"),
            ("x\na: b", false, "`x\\na: b` is not a valid header name"),
            (
                "x-a ",
                false,
                "`x-a ` is not a valid header name: it has white space around it",
            ),
            ("é", false, "`é` is not a valid header name"),
            (
                ":path",
                false,
                "`:path` is a pseudo header, which cannot stand here",
            ),
            (
                ":status",
                true,
                "`:status` is no pseudo header of a request",
            ),
            (":", false, "`:` is not a valid header name"),
        ] {
            assert_eq!(read(name, pseudo), Err(problem.to_owned()), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_a_token_or_refused(name in ".{0,8}", pseudo in any::<bool>()) {
            if let Ok(lower) = read(&name, pseudo) {
                prop_assert!(is_token(lower.trim_start_matches(':')));
                prop_assert_eq!(lower, name.to_ascii_lowercase());
            }
        }
    }
}
