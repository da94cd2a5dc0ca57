//! The signature algorithms of RFC 7518 §3.1 and RFC 8037 §3.1, as a token's header names them.

/// What a token may be signed with. `none` is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5.
    Rs(Hash),
    /// RSASSA-PSS, with a salt as long as the hash.
    Ps(Hash),
    /// ECDSA on the curve that belongs to the hash: P-256, P-384, P-521.
    Es(Hash),
    /// HMAC.
    Hs(Hash),
    /// Ed25519.
    EdDsa,
}

/// SHA-2 by its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The algorithm of this name, which is case-sensitive.
    pub fn named(name: &str) -> Option<Self> {
        if name == "EdDSA" {
            return Some(Algorithm::EdDsa);
        }
        let (family, bits) = name.split_at_checked(2)?;
        let hash = match bits {
            "256" => Hash::Sha256,
            "384" => Hash::Sha384,
            "512" => Hash::Sha512,
            _ => return None,
        };
        match family {
            "RS" => Some(Algorithm::Rs(hash)),
            "PS" => Some(Algorithm::Ps(hash)),
            "ES" => Some(Algorithm::Es(hash)),
            "HS" => Some(Algorithm::Hs(hash)),
            _ => None,
        }
    }
}

impl Hash {
    /// The length of its output in bytes.
    pub const fn size(self) -> usize {
        match self {
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }

    /// As Envoy's `verify_signature` calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Hash::Sha256 => "sha256",
            Hash::Sha384 => "sha384",
            Hash::Sha512 => "sha512",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thirteen_and_nothing_else() {
        for name in [
            "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
            "HS256", "HS384", "HS512", "EdDSA",
        ] {
            assert!(Algorithm::named(name).is_some(), "{name}");
        }
        for name in [
            "none", "None", "NONE", "", "R", "RS", "rs256", "RS256 ", "RS1", "ES256K", "eddsa",
            "RSA-OAEP", "é256",
        ] {
            assert_eq!(Algorithm::named(name), None, "{name}");
        }
    }
}
