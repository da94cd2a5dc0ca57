//! JSON that is none, or hardly.

/// Texts that are no JSON object, or hardly, made from the inside of a good one.
pub(super) fn texts(inside: &str) -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: String| text.into_bytes();
    let deep = |depth: usize| {
        format!(
            r#"{{{inside},"deep":{}{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    vec![
        ("empty", vec![]),
        ("null", text("null".into())),
        ("true", text("true".into())),
        ("number", text("1".into())),
        ("text", text(r#""text""#.into())),
        ("array", text(format!("[{{{inside}}}]"))),
        ("empty object", text("{}".into())),
        ("unfinished", text(format!("{{{inside}"))),
        ("something after", text(format!("{{{inside}}}x"))),
        ("object after", text(format!("{{{inside}}}{{}}"))),
        ("blanks around", text(format!(" \t\r\n{{{inside}}} \n"))),
        ("NUL after", text(format!("{{{inside}}}\0"))),
        ("trailing comma", text(format!("{{{inside},}}"))),
        ("single quotes", text(format!("{{{inside},'odd':'odd'}}"))),
        ("name without quotes", text(format!("{{{inside},odd:1}}"))),
        ("comment", text(format!("{{{inside}/* odd */}}"))),
        (
            "byte order mark",
            [&b"\xef\xbb\xbf{"[..], inside.as_bytes(), b"}"].concat(),
        ),
        (
            "control character in text",
            text(format!("{{{inside},\"odd\":\"a\nb\"}}")),
        ),
        (
            "UTF-16",
            format!("{{{inside}}}")
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
        ),
        (
            "bad UTF-8",
            [b"{", inside.as_bytes(), b",\"odd\":\"\xff\"}"].concat(),
        ),
        (
            "overlong UTF-8",
            [b"{", inside.as_bytes(), b",\"odd\":\"\xc0\xaf\"}"].concat(),
        ),
        (
            "surrogate in UTF-8",
            [b"{", inside.as_bytes(), b",\"odd\":\"\xed\xa0\x80\"}"].concat(),
        ),
        (
            "lone surrogate",
            text(format!(r#"{{{inside},"odd":"\ud800"}}"#)),
        ),
        (
            "surrogate pair",
            text(format!(r#"{{{inside},"odd":"\ud83d\ude00"}}"#)),
        ),
        (
            "escaped name",
            text(format!(r#"{{{inside},"o\u0064d":1}}"#)),
        ),
        (
            "unknown escape",
            text(format!(r#"{{{inside},"odd":"\x41"}}"#)),
        ),
        (
            "name twice",
            text(format!(r#"{{{inside},"odd":1,"odd":1}}"#)),
        ),
        (
            "name twice, once escaped",
            text(format!(r#"{{{inside},"odd":1,"o\u0064d":2}}"#)),
        ),
        (
            "name twice inside",
            text(format!(r#"{{{inside},"odd":{{"a":1,"a":2}}}}"#)),
        ),
        (
            "name twice in a list",
            text(format!(r#"{{{inside},"odd":[{{"a":1,"a":2}}]}}"#)),
        ),
        ("empty name", text(format!(r#"{{{inside},"":1}}"#))),
        ("leading zero", text(format!(r#"{{{inside},"odd":01}}"#))),
        ("plus", text(format!(r#"{{{inside},"odd":+1}}"#))),
        (
            "no digit before the point",
            text(format!(r#"{{{inside},"odd":.5}}"#)),
        ),
        (
            "no digit after the point",
            text(format!(r#"{{{inside},"odd":5.}}"#)),
        ),
        ("NaN", text(format!(r#"{{{inside},"odd":NaN}}"#))),
        ("infinity", text(format!(r#"{{{inside},"odd":1e999}}"#))),
        ("30 lists deep", text(deep(30))),
        ("90 lists deep", text(deep(90))),
        ("200 lists deep", text(deep(200))),
        ("20000 lists deep", text(deep(20_000))),
    ]
}
