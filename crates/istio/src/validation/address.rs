//! Addresses: of IP, blocks of them, and sockets of Unix.

use std::net::IpAddr;

/// What an address of a socket begins with.
const UNIX: &str = "unix://";

/// Whether it is an address of IP. Go's reader, which istiod uses, takes a zone behind one of version 6.
pub(super) fn is_ip(text: &str) -> bool {
    match text.split_once('%') {
        Some((address, zone)) => {
            !zone.is_empty() && address.contains(':') && address.parse::<IpAddr>().is_ok()
        }
        None => text.parse::<IpAddr>().is_ok(),
    }
}

/// An address of IP.
pub(super) fn ip(text: &str) -> Result<(), String> {
    match is_ip(text) {
        true => Ok(()),
        false => Err(format!("`{}` is no IP address", text.escape_debug())),
    }
}

/// An address of IP, or a block of them: `10.0.0.0/8`.
pub(super) fn block(text: &str) -> Result<(), String> {
    let Some((address, bits)) = text.split_once('/') else {
        return ip(text);
    };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => 0,
    };
    // No sign, and no zero before another digit: Go's reader refuses them.
    let is_plain =
        bits.bytes().all(|byte| byte.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    let is_block = most > 0 && is_plain && bits.parse::<u32>().is_ok_and(|bits| bits <= most);
    match is_block {
        true => Ok(()),
        false => Err(format!(
            "`{}` is no block of IP addresses such as `10.0.0.0/8`",
            text.escape_debug()
        )),
    }
}

/// The path behind `unix://`, where that is what it begins with.
pub(super) fn unix(text: &str) -> Option<&str> {
    text.strip_prefix(UNIX)
}

/// A path of a socket: of a file, or `@` and a name.
pub(super) fn socket(path: &str) -> Result<(), String> {
    let is_file = path.starts_with('/') && !path.ends_with('/');
    match is_file || path.starts_with('@') {
        true => Ok(()),
        false => Err(format!(
            "`{}` is no socket: behind `unix://` a path from the root to a file, or `@` and a name",
            path.escape_debug()
        )),
    }
}
