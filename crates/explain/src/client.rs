//! Whose address a client has, where proxies in front of Envoy say so.

use std::net::IpAddr;

use sdk_helpers::address::Address;

/// The client's address as Envoy has it with `use_remote_address` and so many trusted proxies in front of it:
/// the last but `hops - 1` of `x-forwarded-for`, and the direct peer's where that is none. Several such
/// headers are one to Envoy, joined by commas.
#[must_use]
pub fn client<'a>(
    direct: IpAddr,
    forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
    hops: u32,
) -> IpAddr {
    let Some(skipped) = hops.checked_sub(1) else {
        return direct;
    };
    let entries = forwarded_for
        .rev()
        .flat_map(|value| value.rsplit(|byte| *byte == b','));
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    let entry = entries.map(<[u8]>::trim_ascii).nth(skipped);
    let text = entry.and_then(|entry| std::str::from_utf8(entry).ok());
    let address = text.and_then(Address::parse);
    address.map_or(direct, Address::ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_proxies_are_trusted_and_no_more() {
        let direct: IpAddr = "10.0.0.1".parse().unwrap();
        for (hops, values, expected) in [
            (0, &["1.1.1.1"][..], "10.0.0.1"),
            (1, &["1.1.1.1, 2.2.2.2"], "2.2.2.2"),
            (2, &["1.1.1.1, 2.2.2.2"], "1.1.1.1"),
            (3, &["1.1.1.1, 2.2.2.2"], "10.0.0.1"),
            (2, &["1.1.1.1", "2.2.2.2"], "1.1.1.1"),
            (1, &["2001:db8::1"], "2001:db8::1"),
            (1, &["unknown"], "10.0.0.1"),
            (1, &["1.1.1.1,"], "10.0.0.1"),
            (1, &[], "10.0.0.1"),
            (u32::MAX, &["1.1.1.1"], "10.0.0.1"),
        ] {
            let values = values.iter().map(|value| value.as_bytes());
            let seen = client(direct, values, hops);
            assert_eq!(seen, expected.parse::<IpAddr>().unwrap(), "{hops}");
        }
    }
}
