use super::Regex;
use proptest::prelude::*;

fn regex(pattern: &str) -> Regex {
    Regex::compile(pattern).unwrap_or_else(|problem| panic!("{problem}"))
}

fn matches(pattern: &str, value: impl AsRef<[u8]>) -> bool {
    regex(pattern).matches(value.as_ref())
}

#[test]
fn the_whole_value_must_match() {
    assert!(matches("a|ab", "ab") && matches("/reviews/[0-9]+", "/reviews/12"));
    assert!(!matches("a", "ab") && !matches("b", "ab") && !matches("a", "a\n"));
    assert!(matches("|", "") && matches("(|a)*", "aa") && matches("(a*)*", ""));
    assert!(matches("^a$", "a") && matches(r"\Aa\z", "a") && !matches("a^b", "ab"));
    assert!(!matches("a$", "a\n") && !matches("a$", "a\nb"));
    assert!(matches("(?m)a$(?s).^b", "a\nb") && !matches("a$(?s).^b", "a\nb"));
    assert!(matches(r"a\b.\bb", "a b") && matches(r"a\Bb", "ab") && !matches(r"a\bb", "ab"));
}

/// The single bytes that a pattern takes, as Envoy 1.40 was seen to.
#[test]
fn a_character_is_a_byte() {
    for (pattern, ranges) in [
        (r".", &[(0x00, 0x09), (0x0b, 0xff)][..]),
        (r"(?s).", &[(0x00, 0xff)]),
        (r"\C", &[(0x00, 0xff)]),
        (r"\p{Any}", &[(0x00, 0xff)]),
        (r"\xe9", &[(0xe9, 0xe9)]),
        (r"\x{0000000000e9}", &[(0xe9, 0xe9)]),
        (r"\351", &[(0xe9, 0xe9)]),
        (r"\0", &[(0, 0)]),
        (r"(?i)\xe9", &[(0xe9, 0xe9)]),
        (r"(?i)\xb5", &[(0xb5, 0xb5)]),
        (r"(?i)[\xe0-\xfe]", &[(0xe0, 0xfe)]),
        ("é*", &[(0xc3, 0xc3)]),
        ("(?i)[à]", &[(0xa0, 0xa0), (0xc3, 0xc3)]),
        (r"(?i)k", &[(b'K', b'K'), (b'k', b'k')]),
        (r"(?i)[^k]", &[(0x00, b'J'), (b'L', b'j'), (b'l', 0xff)]),
        (
            r"(?i)[[:^upper:]]",
            &[(0x00, b'@'), (b'[', b'`'), (b'{', 0xff)],
        ),
        (r"[^\D\d]", &[]),
        (r"[[:^ascii:]]", &[(0x80, 0xff)]),
        (r"\s", &[(0x09, 0x0a), (0x0c, 0x0d), (0x20, 0x20)]),
        (r"[[:space:]]", &[(0x09, 0x0d), (0x20, 0x20)]),
        (
            r"\W",
            &[
                (0x00, b'/'),
                (b':', b'@'),
                (b'[', b'^'),
                (b'`', b'`'),
                (b'{', 0xff),
            ],
        ),
        (
            r"\pN",
            &[(b'0', b'9'), (0xb2, 0xb3), (0xb9, 0xb9), (0xbc, 0xbe)],
        ),
        (r"\pC", &[(0x00, 0x1f), (0x7f, 0x9f), (0xad, 0xad)]),
        (r"\p{Lu}", &[(b'A', b'Z'), (0xc0, 0xd6), (0xd8, 0xde)]),
        (
            r"(?i)\p{Lu}",
            &[(b'A', b'Z'), (b'a', b'z'), (0xc0, 0xd6), (0xd8, 0xde)],
        ),
        (
            r"\P{^L}",
            &[
                (b'A', b'Z'),
                (b'a', b'z'),
                (0xaa, 0xaa),
                (0xb5, 0xb5),
                (0xba, 0xba),
                (0xc0, 0xd6),
                (0xd8, 0xf6),
                (0xf8, 0xff),
            ],
        ),
        (r"[]a-]", &[(b'-', b'-'), (b']', b']'), (b'a', b'a')]),
        (r"[a-b-c]", &[(b'-', b'-'), (b'a', b'c')]),
        (r"[\d-z]", &[(b'-', b'-'), (b'0', b'9'), (b'z', b'z')]),
    ] {
        let regex = regex(pattern);
        for byte in 0..=255u8 {
            let expected = ranges.iter().any(|(a, b)| (*a..=*b).contains(&byte));
            assert_eq!(regex.matches(&[byte]), expected, "{pattern} {byte:#04x}");
        }
    }
}

#[test]
fn a_pattern_is_the_bytes_it_is_written_in() {
    assert!(!matches("caf.", "café") && matches("caf..", "café") && matches("café", "café"));
    assert!(!matches("café", b"caf\xe9") && matches(r"caf\xe9", b"caf\xe9"));
    assert!(matches("é*", b"\xc3\xa9\xa9") && !matches("é*", "éé"));
    assert!(matches(r"\Qa.é\E", "a.é") && matches(r"\Qab\E*", "abb"));
}

#[test]
fn braces_that_hold_no_count_are_text() {
    for text in [
        "a{,3}",
        "a{3",
        "a{3,",
        "a{02}",
        "a{1}{",
        "a{99999999999}",
        "a{-1}",
    ] {
        if text == "a{1}{" {
            assert!(matches(text, "a{"));
        } else {
            assert!(matches(text, text), "{text}");
        }
    }
    assert!(matches("(a{100}){10}", "a".repeat(1000)) && matches("a{2,3}", "aaa"));
    assert!(!matches("a{2,3}", "a") && !matches("a{2,3}", "aaaa") && matches("a{2,}b", "aaab"));
}

/// What Envoy 1.40 was seen to take, beyond what other tests have.
#[test]
fn what_envoy_takes_is_taken() {
    for pattern in [
        r"\_",
        "^*",
        "$*",
        r"\b*",
        "a(?i)*",
        "(?)",
        "(?-i)a",
        "(?i-i)a",
        "(?P<n>a)",
        "(?<n>a)",
        "(?P<1>a)",
        r"\Qa",
        r"a\Q\E*",
        r"\07",
        r"\377",
        "[^]a]",
        "[-a]",
        "[[:alpha]",
        "[:alpha:]",
        "[[.a.]]",
        "[[=a=]]",
        r"\p{^L}",
        r"\p{Latin}",
        r"\p{Common}",
        "(?s)a",
        "(?U)a*",
        "a|",
        "()",
        "a{2}?",
        "a??",
        r"\.",
        r"\-",
        r"\/",
        r"\ ",
        r"[\_]",
        "(?i:a)b",
        "a{0}",
        "(a{0}){1000}",
        "(?:a{10,}){100}",
        r"\pN*",
        r"\C{3}",
        "(?m-s:^.$)",
        r"\p{Zl}",
    ] {
        regex(pattern);
    }
}

/// What Envoy 1.40 was seen to refuse.
#[test]
fn what_envoy_refuses_is_refused() {
    for (pattern, part) in [
        ("", "must not be empty"),
        (r"\é", "escape"),
        ("a**", "repetition of a repetition"),
        ("a*?*", "repetition of a repetition"),
        ("a{2}{3}", "repetition of a repetition"),
        ("a++", "repetition of a repetition"),
        ("a{1001}", "more than 1000"),
        ("(a{2}){501}", "more than 1000"),
        ("(?:a{10,}){101}", "more than 1000"),
        ("((a{0}){1000}){1000}", "more than 1000"),
        ("a{3,2}", "ends before it begins"),
        ("*", "nothing stands before `*`"),
        ("(*)", "nothing stands before `*`"),
        ("|+", "nothing stands before `+`"),
        ("(?i)*", "nothing stands before"),
        ("(?i-)a", "behind `(?`"),
        ("(?--i)a", "behind `(?`"),
        ("(?P<>a)", "name of a group"),
        ("(?P<né>a)", "name of a group"),
        ("(?<n", "name of a group"),
        ("(?P=n)", "behind `(?`"),
        ("(?=a)", "behind `(?`"),
        ("(?#x)", "behind `(?`"),
        ("(?x)a #", "behind `(?`"),
        ("(?i", "behind `(?`"),
        (r"\E", "`\\E` is no escape"),
        (r"\Z", "`\\Z` is no escape"),
        (r"\1", "`\\1` is no escape"),
        (r"\777", "`\\7` is no escape"),
        (r"\x{}", "`\\x` is no escape"),
        (r"\x{100}", "`\\x` is no escape"),
        (r"\x4", "`\\x` is no escape"),
        (r"\x{+1}", "`\\x` is no escape"),
        ("a\\", "stands at the end"),
        ("[]", "a `]` is missing"),
        ("[a", "a `]` is missing"),
        ("[b-a]", "ends before it begins"),
        ("[é-a]", "ends before it begins"),
        (r"[a-\d]", "`\\d` is no escape"),
        (r"[\b]", "`\\b` is no escape"),
        ("[[:foo:]]", "is no class"),
        (r"\pX", "no category"),
        (r"\p{Cn}", "no category"),
        (r"\p", "no category"),
        (r"\p{L", "a `}` is missing"),
        ("(", "a `)` is missing"),
        ("((a)", "a `)` is missing"),
        ("a)", "unexpected `)`"),
        ("a)|(b", "unexpected `)`"),
    ] {
        let problem = Regex::compile(pattern).map(drop).unwrap_err();
        assert!(problem.contains(part), "{pattern}: {problem}");
    }
}

#[test]
fn what_is_too_large_is_refused() {
    for (pattern, part) in [
        ("a".repeat(1025), "1025 bytes"),
        (format!("{}a{}", "(".repeat(201), ")".repeat(201)), "deep"),
        ("(?:.?a){1000}b".to_owned(), "larger than"),
        (".{1000}".repeat(100), "larger than"),
    ] {
        let problem = Regex::compile(&pattern).map(drop).unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }
    assert!(matches(&".{0,1000}".repeat(2), "a".repeat(2000)));
}

/// However many states the values lead to, they are forgotten in time.
#[test]
fn states_do_not_pile_up() {
    let regex = regex("(?s).*a.{400}");
    let mut random = 1u32;
    for _ in 0..3 {
        let mut value = Vec::new();
        for _ in 0..5_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            value.push(if random >> 31 == 0 { b'a' } else { b'b' });
        }
        let expected = value[value.len() - 401] == b'a';
        assert_eq!(regex.matches(&value), expected);
    }
    let bytes = regex.states.borrow().memory_usage();
    assert!(bytes < 1 << 20, "{bytes}");
}

/// Patterns that mean the same to the `regex` crate reading bytes.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[abé.]",
        Just(r"\xff".to_owned()),
        Just(r"\w".to_owned()),
        Just(r"\D".to_owned()),
        Just("[a-c]".to_owned()),
        Just("[^ab]".to_owned()),
        Just(r"\b".to_owned()),
        Just("^".to_owned()),
        Just("$".to_owned()),
        Just("(?i:B)".to_owned()),
        Just("(?s:.)".to_owned()),
        Just("(?m:^|$)".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|parts| format!("(?:{})", parts.join("|"))),
            (
                inner,
                prop_oneof!["[*+?]", "\\{[0-2]\\}", "\\{1,3\\}", "\\{2,\\}"]
            )
                .prop_map(|(part, times)| format!("(?:{part}){times}")),
        ]
    })
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(&b"abcB\xc3\xa9 1"[..]),
        1 => prop::sample::select(&b"\n\0\xff\x80_"[..]),
    ];
    prop::collection::vec(byte, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn it_agrees_with_the_regex_crate(pattern in pattern(), values in prop::collection::vec(value(), 8)) {
        // There a count stands for whole characters.
        let theirs = pattern.replace('é', r"\xc3\xa9");
        let theirs = regex::bytes::RegexBuilder::new(&format!("^(?:{theirs})$"))
            .unicode(false)
            .build();
        if let (Ok(ours), Ok(theirs)) = (Regex::compile(&pattern), theirs) {
            for value in values {
                prop_assert_eq!(ours.matches(&value), theirs.is_match(&value), "{} {:?}", pattern, value);
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(
        pattern in r"[ab(){}\[\]|*+?^$.\\,0-9?:xQEPpié-]{0,24}",
        value in prop::collection::vec(any::<u8>(), 0..10),
    ) {
        if let Ok(regex) = Regex::compile(&pattern) {
            let _ = regex.matches(&value);
        }
    }
}
