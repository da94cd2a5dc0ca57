//! The parts of a good token in other arrangements.

use serde_json::json;

/// The three parts, cut and joined in other ways.
pub(super) fn shapes(good: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = &parts[..] else {
        unreachable!("a good token has three parts")
    };
    let last = signature.len() - 1;
    // The last character holds bits that mean nothing, unless the length is a multiple of three.
    let unused_bits = |part: &str| {
        let (rest, last) = part.split_at(part.len() - 1);
        const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let index = ALPHABET.find(last).unwrap_or_default() ^ 1;
        format!("{rest}{}", &ALPHABET[index..=index])
    };
    let pad = |part: &str| format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4));
    let standard = |part: &str| part.replace('-', "+").replace('_', "/");
    let of = |a: &str, b: &str, c: &str| format!("{a}.{b}.{c}");
    vec![
        ("right", good.to_owned()),
        ("one part", (*header).to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("no signature", of(header, payload, "")),
        ("no payload", of(header, "", signature)),
        ("no header", of("", payload, signature)),
        ("only dots", "..".to_owned()),
        ("dot before", format!(".{good}")),
        ("dot after", format!("{good}.")),
        (
            "dots everywhere",
            format!("..{header}...{payload}..{signature}.."),
        ),
        ("four parts", format!("{good}.x")),
        ("five parts", format!("{good}.x.y")),
        ("a token twice", format!("{good}.{good}")),
        ("slash for a dot", good.replace('.', "/")),
        ("padded header", of(&pad(header), payload, signature)),
        ("padded payload", of(header, &pad(payload), signature)),
        ("padded signature", of(header, payload, &pad(signature))),
        ("too much padding", format!("{}=", pad(good))),
        (
            "padding in the middle",
            of(&format!("=={header}"), payload, signature),
        ),
        (
            "standard alphabet",
            of(&standard(header), &standard(payload), &standard(signature)),
        ),
        (
            "unused bits of the header",
            of(&unused_bits(header), payload, signature),
        ),
        (
            "unused bits of the payload",
            of(header, &unused_bits(payload), signature),
        ),
        (
            "unused bits of the signature",
            of(header, payload, &unused_bits(signature)),
        ),
        (
            "impossible length",
            of(header, &format!("{payload}A"), signature),
        ),
        (
            "blank in the header",
            of(
                &format!("{} {}", &header[..4], &header[4..]),
                payload,
                signature,
            ),
        ),
        (
            "tab in the signature",
            of(
                header,
                payload,
                &format!("{}\t{}", &signature[..4], &signature[4..]),
            ),
        ),
        (
            "star in the header",
            of(&format!("*{header}"), payload, signature),
        ),
        (
            "star in the payload",
            of(header, &format!("*{payload}"), signature),
        ),
        (
            "star in the signature",
            of(header, payload, &format!("*{signature}")),
        ),
        ("a character short", of(header, payload, &signature[..last])),
        (
            "JSON serialization",
            json!({"payload": payload, "protected": header, "signature": signature}).to_string(),
        ),
        (
            "five parts like JWE",
            format!("{header}.{payload}.{signature}.{signature}.{signature}"),
        ),
        ("quoted", format!("\"{good}\"")),
        ("zeros", "0".repeat(200)),
        ("empty object three times", "e30.e30.e30".to_owned()),
    ]
}
