//! Blocks of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::node::Node;

/// Reads a CidrRange. Without a length it is every address of its kind, as in Envoy; bits beyond the length do not
/// count.
pub(crate) fn block(node: &Node<'_>) -> Option<String> {
    let mut message = node.message();
    let address = message.take("address_prefix").map(|it| it.text());
    let length = message.take("prefix_len").map_or(0, |it| it.whole());
    message.end();
    let Some(Ok(address)) = address.map(str::parse::<IpAddr>) else {
        node.problem("has no address as its `address_prefix`");
        return None;
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = u32::try_from(length).unwrap_or(most).min(most);
    Some(format!("{}/{length}", masked(address, length)))
}

fn masked(address: IpAddr, length: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX
                .checked_shl(32u32.saturating_sub(length))
                .unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX
                .checked_shl(128u32.saturating_sub(length))
                .unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}
