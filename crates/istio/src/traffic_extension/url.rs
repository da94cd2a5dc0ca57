//! What Istio makes of a `url`: the rules of Go's `net/url`, since whether a module is fetched, and
//! how, hangs on them. `host:5000/image` is one of the texts that other readers take otherwise.

/// The schemes that istiod lets pass; none stands for `oci`.
const SCHEMES: [&str; 5] = ["", "file", "http", "https", "oci"];

/// What istiod's validation says.
pub(super) fn check(url: &str) -> Result<(), String> {
    if url.is_empty() {
        return Err("url field needs to be set".to_owned());
    }
    let scheme = match requested(url) {
        Ok(scheme) => {
            parsed(url)?;
            scheme
        }
        // It tries again with a scheme before it, and tells the first error if that is none either.
        Err(problem) => {
            let with_scheme = format!("http://{url}");
            let scheme = requested(&with_scheme)
                .map_err(|_| format!("failed to parse url: parse {url:?}: {problem}"))?;
            parsed(&with_scheme)?;
            scheme
        }
    };
    if !SCHEMES.contains(&scheme.as_str()) {
        return Err(format!("url contains unsupported scheme: {scheme}"));
    }
    Ok(())
}

/// The URL as it is sent to the proxy: with a scheme.
///
/// # Errors
/// istiod cannot read it, and gives the whole resource up.
pub(super) fn sent(url: &str) -> Result<String, String> {
    let (before, fragment) = cut_fragment(url);
    let scheme = parse(before, false)?;
    unescape(fragment, Part::Path)?;
    let rest = url.get(scheme.len()..).unwrap_or_default();
    Ok(match (scheme.as_str(), rest.starts_with("//")) {
        ("", true) => format!("oci:{url}"),
        ("", false) => format!("oci://{url}"),
        (scheme, _) => format!("{scheme}{rest}"),
    })
}

/// Go's `ParseRequestURI`, which knows no fragments; the scheme.
fn requested(url: &str) -> Result<String, String> {
    parse(url, true)
}

/// Go's `Parse`, as the second step of validation.
fn parsed(url: &str) -> Result<(), String> {
    let (before, fragment) = cut_fragment(url);
    let read = parse(before, false).and_then(|_| unescape(fragment, Part::Path));
    read.map_err(|problem| format!("failed to strict parse url: parse {url:?}: {problem}"))
}

fn cut_fragment(url: &str) -> (&str, &str) {
    url.split_once('#').unwrap_or((url, ""))
}

/// The scheme in lower case, empty where there is none.
fn parse(url: &str, via_request: bool) -> Result<String, String> {
    if url.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    if url.is_empty() && via_request {
        return Err("empty url".to_owned());
    }
    if url == "*" {
        return Ok(String::new());
    }
    let (scheme, rest) = split_scheme(url)?;
    let (rest, _query) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            // Opaque, as `mailto:someone` is: nothing more is read.
            return Ok(scheme.to_ascii_lowercase());
        }
        if via_request {
            return Err("invalid URI for request".to_owned());
        }
        let first = rest.split('/').next().unwrap_or_default();
        if first.contains(':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let has_authority = !scheme.is_empty() || (!via_request && !rest.starts_with("///"));
    let path = match rest.strip_prefix("//").filter(|_| has_authority) {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            check_authority(authority)?;
            path
        }
        None => rest,
    };
    unescape(path, Part::Path)?;
    Ok(scheme.to_ascii_lowercase())
}

fn split_scheme(url: &str) -> Result<(&str, &str), String> {
    for (place, byte) in url.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if place > 0 => {}
            b':' if place == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok(url.split_once(':').unwrap_or(("", url))),
            _ => break,
        }
    }
    Ok(("", url))
}

fn check_authority(authority: &str) -> Result<(), String> {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    check_host(host)?;
    let Some(user) = user else {
        return Ok(());
    };
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !user.chars().all(is_fine) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    unescape(user, Part::Path)
}

fn check_host(host: &str) -> Result<(), String> {
    let port = if host.starts_with('[') {
        let Some((_, port)) = host.rsplit_once(']') else {
            return Err("missing ']' in host".to_owned());
        };
        port
    } else {
        let place = host.rfind(':').unwrap_or(host.len());
        host.split_at(place).1
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_port = port.is_empty() || port.starts_with(':');
    if !is_port || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("invalid port {port:?} after host"));
    }
    unescape(host, Part::Host)
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Host,
    Path,
}

/// Whether every `%` begins an escape that may stand there, and every letter of a host is one.
fn unescape(text: &str, part: Part) -> Result<(), String> {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first == '%' { 3 } else { first.len_utf8() };
        if first == '%' {
            let escape: String = rest.chars().take(3).collect();
            let digits = escape.get(1..).unwrap_or_default();
            let value = u8::from_str_radix(digits, 16).ok();
            let is_escape =
                digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            // In a host only what is no ASCII is escaped, and a percent sign itself.
            let may_stand = part == Part::Path || value.is_some_and(|v| v >= 0x80 || v == 0x25);
            if !is_escape || !may_stand {
                return Err(format!("invalid URL escape {escape:?}"));
            }
        } else if part == Part::Host
            && first.is_ascii()
            && !(first.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"".contains(first))
        {
            return Err(format!(
                "invalid character {:?} in host name",
                first.to_string()
            ));
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_validation_says() {
        for url in [
            "oci://registry.example/mesh-filters:0.1.0",
            "OCI://registry.example/mesh-filters@sha256:abc",
            "https://modules.example:8443/a.wasm?x=%zz",
            "file:///var/lib/a.wasm",
            "registry.example/mesh-filters:0.1.0",
            "test",
            "http://[::1]:80/a.wasm",
            "http://user:pw@host/",
            "http://test/%41#%41",
            "*",
            // Wrong, but with another `http://` before them they would not be.
            "127.0.0.1:5000/mesh-filters:0.1.0",
            "http://a b/",
            "http://host:x/",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        for (url, problem) in [
            ("", "url field needs to be set"),
            (
                "fake://example.com",
                "url contains unsupported scheme: fake",
            ),
            // What stands before a colon is a scheme.
            (
                "localhost:5000/mesh-filters:0.1.0",
                "url contains unsupported scheme: localhost",
            ),
            (
                "registry.example:5000/mesh-filters",
                "url contains unsupported scheme: registry.example",
            ),
            (
                "#%blah$#@",
                "failed to parse url: parse \"#%blah$#@\": invalid URI for request",
            ),
            (
                "http://h/%zz",
                "failed to parse url: parse \"http://h/%zz\": invalid URL escape \"%zz\"",
            ),
            (
                "http://a\tb",
                "failed to parse url: parse \"http://a\\tb\": net/url: invalid control character in URL",
            ),
            (
                "http://h/?x#%zz",
                "failed to strict parse url: parse \"http://h/?x#%zz\": invalid URL escape \"%zz\"",
            ),
        ] {
            assert_eq!(check(url), Err(problem.to_owned()), "{url}");
        }
    }

    #[test]
    fn what_the_proxy_is_sent() {
        for (url, sent_as) in [
            ("oci://a/b:1", "oci://a/b:1"),
            ("HTTPS://a/b", "https://a/b"),
            ("a/b:1", "oci://a/b:1"),
            ("test", "oci://test"),
            ("//a/b", "oci://a/b"),
        ] {
            assert_eq!(sent(url).as_deref(), Ok(sent_as), "{url}");
        }
        for (url, problem) in [
            (
                "127.0.0.1:5000/mesh-filters:0.1.0",
                "first path segment in URL cannot contain colon",
            ),
            ("http://a b/", "invalid character \" \" in host name"),
            ("http://host:x/", "invalid port \":x\" after host"),
            ("http://[::1/", "missing ']' in host"),
            ("http://h%41/", "invalid URL escape \"%41\""),
            ("http://a<b@h/", "net/url: invalid userinfo"),
            (":a", "missing protocol scheme"),
        ] {
            assert_eq!(sent(url), Err(problem.to_owned()), "{url}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(url in "\\PC*|[a-z%:/@#?\\[\\]0-9 ]{0,20}") {
            let _ = check(&url);
            let _ = sent(&url);
        }
    }
}
