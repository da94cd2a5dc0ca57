//! Where ours is meant to differ from Envoy's own filter, token by token.

/// Tokens that the two filters answer differently, and why.
pub(crate) struct Difference {
    /// How the names of the tokens begin.
    pub(crate) name: &'static str,
    /// How Envoy's answer begins.
    pub(crate) native: &'static str,
    /// How ours does.
    pub(crate) ours: &'static str,
    /// The reason.
    pub(crate) why: &'static str,
}

/// All of them. Each is met by some token of the catalogue, or the test fails.
#[rustfmt::skip]
pub(crate) const DIFFERENCES: &[Difference] = &[
    differs("shape: dot before", "200", "401 Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections", PARTS),
    differs("shape: dot after", "200", "401 Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections", PARTS),
    differs("shape: dots everywhere", "200", "401 Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections", PARTS),
    differs("shape: padded signature", "200", "401 Jwt signature is an invalid Base64url", BASE64),
    differs("shape: too much padding", "200", "401 Jwt signature is an invalid Base64url", BASE64),
    differs("shape: padded header", "401 Jwt verification fails", "401 Jwt header is an invalid Base64url", BASE64),
    differs("shape: unused bits of the header", "401 Jwt verification fails", "401 Jwt header is an invalid Base64url", BASE64),
    differs("shape: blank in the header", "401 Jwt verification fails", "401 Jwt header is an invalid Base64url", BASE64),
    differs("shape: padded payload", "401 Jwt verification fails", "401 Jwt payload is an invalid Base64url", BASE64),
    differs("shape: unused bits of the payload", "401 Jwt verification fails", "401 Jwt payload is an invalid Base64url", BASE64),
    differs("shape: unused bits of the signature", "200", "401 Jwt signature is an invalid Base64url", BASE64),
    differs("shape: tab in the signature", "200", "401 Jwt signature is an invalid Base64url", BASE64),
    differs("shape: a character short", "401 Jwt verification fails", "401 Jwt signature is an invalid Base64url", BASE64),
    differs("header: trailing comma", "200", "401 Jwt header is an invalid JSON", JSON),
    differs("header: single quotes", "200", "401 Jwt header is an invalid JSON", JSON),
    differs("header: name without quotes", "200", "401 Jwt header is an invalid JSON", JSON),
    differs("header: control character in text", "200", "401 Jwt header is an invalid JSON", JSON),
    differs("header: 20000 lists deep", "401 Jwt header is an invalid JSON", "401 Jwt is too long", LENGTH),
    differs("payload: trailing comma", "200", "401 Jwt payload is an invalid JSON", JSON),
    differs("payload: single quotes", "200", "401 Jwt payload is an invalid JSON", JSON),
    differs("payload: name without quotes", "200", "401 Jwt payload is an invalid JSON", JSON),
    differs("payload: control character in text", "200", "401 Jwt payload is an invalid JSON", JSON),
    differs("payload: 20000 lists deep", "401 Jwt payload is an invalid JSON", "401 Jwt is too long", LENGTH),
    differs("header: null", "401 Jwt header [alg] field is required", "401 Jwt header is an invalid JSON", JSON),
    differs("payload: null", "401 Jwt issuer is not configured", "401 Jwt payload is an invalid JSON", JSON),
    differs("header: {\"alg\":\"%\",\"kid\":\"#\",\"crit\":", "200", "401 Jwt header [crit] is not supported", CRIT),
    differs("signature: a zero longer", "200", "401 Jwt verification fails", HALVES),
    differs("claim: exp is 9007199254740993", "200", "200", DIGITS),
    differs("claim: exp is 18446744073709550516", "200", "200", DIGITS),
];

const PARTS: &str = "a token has three parts (RFC 7515 §7.1); Envoy passes over empty ones";
const BASE64: &str = "a part is base64url without padding, blanks or left-over bits (RFC 7515 §2, RFC 4648 \
                      §3.5), so that a token has one form";
const JSON: &str = "RFC 8259 has no such JSON; two readers may make two things of it";
const LENGTH: &str = "nothing of this length is worth decoding";
const CRIT: &str =
    "what is critical must be understood (RFC 7515 §4.1.11), and nothing here understands any";
const HALVES: &str = "the two numbers of an ECDSA signature have a fixed length (RFC 7518 §3.4)";
const DIGITS: &str = "a claim of more than 53 bits keeps its digits";

const fn differs(
    name: &'static str,
    native: &'static str,
    ours: &'static str,
    why: &'static str,
) -> Difference {
    Difference {
        name,
        native,
        ours,
        why,
    }
}

impl Difference {
    /// What the table says of a token in the catalogue.
    pub(crate) fn of(name: &str) -> Vec<&'static Difference> {
        let about = |difference: &&Difference| name.starts_with(difference.name);
        DIFFERENCES.iter().filter(about).collect()
    }

    /// Whether these two answers are the ones it speaks of.
    pub(crate) fn is(&self, native: &str, ours: &str) -> bool {
        native.starts_with(self.native) && ours.starts_with(self.ours)
    }
}
