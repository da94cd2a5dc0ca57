use super::*;
use crate::base64::encode;
use proptest::prelude::*;

fn url(text: &[u8]) -> String {
    String::from_utf8(encode(text))
        .unwrap()
        .replace('+', "-")
        .replace('/', "_")
        .replace('=', "")
}

fn made(header: &str, payload: &str) -> String {
    format!(
        "{}.{}.c2ln",
        url(header.as_bytes()),
        url(payload.as_bytes())
    )
}

const LONGEST: usize = 16 * 1024;
const STRICT: Shape = Shape {
    longest: LONGEST,
    padded: false,
};

fn refused(text: &str) -> Option<Rejection> {
    Token::read(text.as_bytes(), STRICT).err()
}

const HEADER: &str = r#"{"alg":"RS256"}"#;

#[test]
fn a_good_token_is_read() {
    let text = made(
        r#"{"alg":"ES384","kid":"k","typ":"at+jwt","jku":"https://evil"}"#,
        r#"{"iss":"i","sub":"s","aud":["a","https://b/"],"exp":10.9,"nbf":1e1,"iat":0,"jti":"x"}"#,
    );
    let token = Token::read(text.as_bytes(), STRICT).unwrap();
    assert_eq!(token.algorithm, Algorithm::named("ES384").unwrap());
    assert_eq!((token.kid.as_deref(), token.issuer()), (Some("k"), "i"));
    assert_eq!((token.not_before, token.expires), (10, 10));
    assert_eq!(token.signature, b"sig");
    assert_eq!(token.signed, text.rsplit_once('.').unwrap().0.as_bytes());
    assert!(token.is_for(&["b".to_owned()]) && !token.is_for(&["c".to_owned()]));
}

#[test]
fn three_parts_and_none_of_them_empty() {
    let good = made(HEADER, "{}");
    assert_eq!(refused(&good), None);
    for text in ["", ".", "..", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.d"] {
        assert_eq!(refused(text), Some(Rejection::Form), "{text}");
    }
    assert_eq!(refused(&format!(".{good}")), Some(Rejection::Form));
    assert_eq!(refused(&format!("{good}.")), Some(Rejection::Form));
    assert_eq!(refused(&"a".repeat(LONGEST)), Some(Rejection::Form));
    assert_eq!(refused(&"a".repeat(LONGEST + 1)), Some(Rejection::TooLong));
}

#[test]
fn padding_is_taken_where_it_may_be_and_as_much_as_belongs_there() {
    let padded = |text: &str| String::from_utf8(encode(text.as_bytes())).unwrap();
    let shape = Shape {
        longest: LONGEST,
        padded: true,
    };
    let read = |text: &str| Token::read(text.as_bytes(), shape).err();
    let (header, payload) = (
        padded(r#"{"alg":"RS256","a":""}"#),
        padded(r#"{"iss":"i"}"#),
    );
    assert!(header.ends_with('=') && payload.ends_with('='));
    let text = format!("{header}.{payload}.c2lnbg==");
    assert_eq!(read(&text), None);
    let token = Token::read(text.as_bytes(), shape).unwrap();
    // What is signed is what was sent.
    assert_eq!(token.signed, format!("{header}.{payload}").as_bytes());
    assert_eq!((token.payload, token.issuer()), (payload.as_bytes(), "i"));
    assert_eq!(refused(&text), Some(Rejection::HeaderBase64));
    // Each part for itself, or none.
    assert_eq!(read(&format!("{header}.{}.c2ln", url(b"{}"))), None);
    assert_eq!(read(&made(HEADER, "{}")), None);
    let good = made(HEADER, "{}");
    let signed = good.rsplit_once('.').unwrap().0;
    for signature in [
        "c2ln=",
        "c2ln====",
        "c2lnbg=",
        "c2lnbg===",
        "c2==bg==",
        "=",
        "c2lnbh==",
    ] {
        let text = format!("{signed}.{signature}");
        assert_eq!(read(&text), Some(Rejection::SignatureBase64), "{text}");
    }
    assert_eq!(
        read(&format!("{header}=.{payload}.c2ln")),
        Some(Rejection::HeaderBase64)
    );
}

#[test]
fn the_longest_token_is_as_long_as_it_says() {
    let shape = Shape {
        longest: 10,
        padded: false,
    };
    let read = |text: &str| Token::read(text.as_bytes(), shape).err();
    assert_eq!(read("aaaaaaaaaa"), Some(Rejection::Form));
    assert_eq!(read("aaaaaaaaaaa"), Some(Rejection::TooLong));
}

#[test]
fn the_first_thing_wrong_is_named() {
    use {Rejection as R, TextClaim::*, TimeClaim::*};
    for (header, payload, wanted) in [
        ("[]", "{}", R::HeaderJson),
        ("null", "{}", R::HeaderJson),
        (r#"{"alg":"RS256","alg":"RS256"}"#, "{}", R::HeaderJson),
        (r#"{"alg":"RS256","x":{"a":1,"a":1}}"#, "{}", R::HeaderJson),
        ("{}", "{}", R::AlgMissing),
        (r#"{"alg":1}"#, "{}", R::AlgMissing),
        (r#"{"alg":"none"}"#, "{}", R::AlgUnknown),
        (r#"{"alg":"None"}"#, "{}", R::AlgUnknown),
        (r#"{"alg":"RS256","kid":1}"#, "{}", R::Kid),
        (r#"{"alg":"RS256","kid":null}"#, "{}", R::Kid),
        (
            r#"{"alg":"RS256","crit":["b64"],"b64":false}"#,
            "{}",
            R::Critical,
        ),
        (r#"{"alg":"RS256","crit":[]}"#, "{}", R::Critical),
        (HEADER, "[]", R::PayloadJson),
        (HEADER, "{}x", R::PayloadJson),
        (HEADER, r#"{"a":1,"a":1}"#, R::PayloadJson),
        (HEADER, r#"{"a":[{"b":1,"b":2}]}"#, R::PayloadJson),
        (HEADER, r#"{"a":1,}"#, R::PayloadJson),
        (HEADER, "\u{feff}{}", R::PayloadJson),
        (HEADER, r#"{"a":"\ud800"}"#, R::PayloadJson),
        (HEADER, r#"{"exp":1e999}"#, R::PayloadJson),
        (HEADER, r#"{"exp":01}"#, R::PayloadJson),
        (HEADER, r#"{"exp":NaN}"#, R::PayloadJson),
        (HEADER, r#"{"iss":1,"sub":1}"#, R::Text(Iss)),
        (HEADER, r#"{"sub":null,"exp":"1"}"#, R::Text(Sub)),
        (HEADER, r#"{"iat":"1"}"#, R::Time(Iat)),
        (HEADER, r#"{"iat":-1}"#, R::TimeRange(Iat)),
        (HEADER, r#"{"nbf":null}"#, R::Time(Nbf)),
        (HEADER, r#"{"nbf":1e20}"#, R::TimeRange(Nbf)),
        (HEADER, r#"{"exp":[1]}"#, R::Time(Exp)),
        (HEADER, r#"{"exp":18446744073709551615}"#, R::TimeRange(Exp)),
        (HEADER, r#"{"exp":-0.5}"#, R::TimeRange(Exp)),
        (HEADER, r#"{"jti":7,"aud":7}"#, R::Text(Jti)),
        (HEADER, r#"{"aud":7}"#, R::AudienceType),
        (HEADER, r#"{"aud":["a",7]}"#, R::AudienceType),
        (HEADER, r#"{"aud":null}"#, R::AudienceType),
    ] {
        let text = made(header, payload);
        assert_eq!(refused(&text), Some(wanted), "{header} {payload}");
    }
    // The largest double below 2^64 is a time.
    assert_eq!(
        refused(&made(HEADER, r#"{"exp":18446744073709549568}"#)),
        None
    );
}

#[test]
fn base64_has_no_second_spelling() {
    let header = url(HEADER.as_bytes());
    for (text, wanted) in [
        (format!("{header}=.e30.c2ln"), Rejection::HeaderBase64),
        (format!("{header} .e30.c2ln"), Rejection::HeaderBase64),
        (format!("{header}.e30=.c2ln"), Rejection::PayloadBase64),
        (format!("{header}.e31.c2ln"), Rejection::PayloadBase64),
        (format!("{header}.e30.c2l"), Rejection::SignatureBase64),
        (format!("{header}.e30.c2ln\t"), Rejection::SignatureBase64),
        (format!("{header}.e30.c+/n"), Rejection::SignatureBase64),
    ] {
        assert_eq!(refused(&text), Some(wanted), "{text}");
    }
}

#[test]
fn times_count_with_the_skew_and_to_the_second() {
    assert_eq!(check_times(160, 0, 100, 60), Ok(()));
    assert_eq!(check_times(161, 0, 100, 60), Err(Rejection::NotYetValid));
    assert_eq!(check_times(0, 100, 160, 60), Ok(()));
    assert_eq!(check_times(0, 100, 161, 60), Err(Rejection::Expired));
    assert_eq!(check_times(0, 0, u64::MAX, 0), Ok(()));
    assert_eq!(check_times(0, u64::MAX, u64::MAX, u64::MAX), Ok(()));
}

proptest! {
    #[test]
    fn nothing_a_client_sends_panics(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Token::read(&text, STRICT);
    }

    #[test]
    fn no_header_or_payload_panics(header in ".{0,60}", payload in ".{0,60}") {
        let _ = Token::read(made(&header, &payload).as_bytes(), STRICT);
    }
}
