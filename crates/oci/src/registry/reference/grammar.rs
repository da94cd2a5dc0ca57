//! What the parts of a reference may look like, as the distribution project has it.

use std::net::Ipv6Addr;

/// The most letters of a tag.
const TAG_LIMIT: usize = 128;

/// `host[:port]`; an IPv6 address stands in brackets.
pub(super) fn is_authority(text: &str) -> bool {
    let (host, port) = host_and_port(text);
    let label = |label: &str| {
        let letters = label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        letters && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_host = bracketed(host).is_some() || host.split('.').all(label);
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

pub(super) fn host_and_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        // The colons of an IPv6 address without a port stand before its bracket.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    }
}

pub(super) fn bracketed(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// One part of a repository's name: runs of `a-z0-9` with one `.`, one or two `_` or any number of `-`
/// between them.
pub(super) fn is_component(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = |byte: Option<&u8>| byte.is_some_and(|byte| plain(*byte));
    let bytes = text.as_bytes();
    let mut separators =
        text.split(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    let separator =
        |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    ends(bytes.first()) && ends(bytes.last()) && separators.all(separator)
}

pub(super) fn is_tag(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let begins = !text.is_empty() && !text.starts_with(['.', '-']);
    begins && text.len() <= TAG_LIMIT && text.bytes().all(letter)
}
