//! Addresses and blocks of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IP address. One of version 4 and one of version 6 are never the same, nor in the same block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    v6: bool,
    /// From the left: an address of version 4 has the upper 32 bits.
    bits: u128,
}

impl Address {
    /// Reads `10.0.0.1` or `2001:db8::1`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Address {
                v6: false,
                bits: u128::from(address.to_bits()) << 96,
            });
        }
        let address = text.parse::<Ipv6Addr>().ok()?;
        Some(Address {
            v6: true,
            bits: address.to_bits(),
        })
    }

    /// Reads an address as Envoy prints it, with or without a port: `10.0.0.1:80`,
    /// `[2001:db8::1]:80`. A pipe or an internal address is none.
    pub fn of_peer(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let host = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?.0,
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => host,
                _ => text,
            },
        };
        // The scope of a link-local address.
        Self::parse(host.split_once('%').map_or(host, |(host, _)| host))
    }

    /// As the standard library has it.
    pub fn ip(self) -> IpAddr {
        #[allow(clippy::cast_possible_truncation, reason = "the upper 32 bits")]
        match self.v6 {
            false => IpAddr::V4(Ipv4Addr::from_bits((self.bits >> 96) as u32)),
            true => IpAddr::V6(Ipv6Addr::from_bits(self.bits)),
        }
    }

    /// Whether it is one of version 6.
    pub fn is_v6(self) -> bool {
        self.v6
    }

    /// The block of this size around it; `bits` is at most 32 in version 4 and 128 in version 6.
    pub fn block(self, bits: u8) -> Cidr {
        let mask = u128::MAX
            .checked_shl(128u32.saturating_sub(bits.into()))
            .unwrap_or(0);
        Cidr {
            first: Address {
                v6: self.v6,
                bits: self.bits & mask,
            },
            bits,
        }
    }
}

/// A block of addresses, a single one among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    first: Address,
    bits: u8,
}

impl Cidr {
    /// Reads a block or a single address as istiod does. Bits behind the block may be set:
    /// `10.1.2.3/8` is `10.0.0.0/8`.
    ///
    /// # Errors
    /// Says what such a block looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let block = match text.split_once('/') {
            None => Address::parse(text).map(|one| one.block(if one.v6 { 128 } else { 32 })),
            Some((address, bits)) => Address::parse(address).and_then(|address| {
                let digits = bits.bytes().all(|byte| byte.is_ascii_digit());
                let plain = digits && (bits == "0" || !bits.starts_with('0'));
                let bits = bits.parse::<u8>().ok().filter(|_| plain)?;
                (bits <= if address.v6 { 128 } else { 32 }).then(|| address.block(bits))
            }),
        };
        block.ok_or_else(|| {
            format!(
                "`{text}` is neither an IP address nor a block of them such as `10.0.0.0/8` or \
                 `2001:db8::/32`"
            )
        })
    }

    /// Whether an address is in it.
    pub fn contains(&self, address: Address) -> bool {
        address.block(self.bits).first == self.first
    }

    /// Whether it has every address that another has.
    pub fn covers(&self, other: &Cidr) -> bool {
        self.bits <= other.bits && self.contains(other.first)
    }

    /// The block of this many bits around it, which are to be no more than its own.
    pub fn wider(&self, bits: u8) -> Cidr {
        self.first.block(bits)
    }

    /// How many bits its addresses share.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether its addresses are of version 6.
    pub fn is_v6(&self) -> bool {
        self.first.v6
    }

    /// Bytes that no other block of its size and version has.
    pub fn first(&self) -> [u8; 16] {
        self.first.bits.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn contains(block: &str, address: &str) -> bool {
        Cidr::parse(block)
            .expect("a block")
            .contains(Address::parse(address).expect("an address"))
    }

    #[test]
    fn blocks_hold_their_addresses() {
        for (block, inside, outside) in [
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("10.1.2.3/8", "10.255.0.1", "11.0.0.1"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "1.2.3.4"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("::1", "::1", "::2"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4", "1.2.3.4"),
        ] {
            assert!(contains(block, inside), "{block} {inside}");
            assert!(!contains(block, outside), "{block} {outside}");
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in [
            "",
            "a",
            "10.0.0",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "010.0.0.1",
            "1.2.3.4/8/8",
            "fe80::1%eth0/64",
            "10.0.0.1:80",
            "[::1]",
            " 10.0.0.1",
            "10.0.0.0/-1",
            "*",
        ] {
            assert!(Cidr::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_peer_is_read_as_envoy_prints_it() {
        let read = |text: &str| Address::of_peer(text.as_bytes());
        let is = Address::parse;
        assert_eq!(read("10.0.0.1:0"), is("10.0.0.1"));
        assert_eq!(read("10.0.0.1"), is("10.0.0.1"));
        assert_eq!(read("[2001:db8::1]:443"), is("2001:db8::1"));
        assert_eq!(read("2001:db8::1"), is("2001:db8::1"));
        assert_eq!(read("[fe80::1%2]:80"), is("fe80::1"));
        for text in [
            "",
            "-",
            "/tmp/a.sock",
            "@abstract",
            "envoy://internal/",
            "[",
            "[]:1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(Address::of_peer(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn a_block_is_its_first_bits(one in any::<u32>(), other in any::<u32>(), bits in 0u8..=32) {
            let (one, other) = (Ipv4Addr::from(one), Ipv4Addr::from(other));
            let shift = 32 - u32::from(bits);
            let same = (one.to_bits() ^ other.to_bits()).checked_shr(shift).unwrap_or(0) == 0;
            prop_assert_eq!(contains(&format!("{one}/{bits}"), &other.to_string()), same);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9a-f:./%\\[\\]]{0,30}") {
            let _ = (Cidr::parse(&text), Address::of_peer(text.as_bytes()));
        }
    }
}
