use super::super::kind::{Anything, FieldKind, Map};
use super::*;

crate::fields! {
    struct Outer {
        /// some of them
        inner: Vec<Inner> { default: "none" },
        by_name as "byName": Map<Inner>,
        one: Named { kind: "a | b" },
        _other as "other": Anything,
    }
}

crate::fields! {
    struct Inner {
        /// how
        /// many
        count: u32 { istio: "same", within: Some((1.0, 10_000.0)) },
        /// which
        word: String { words: &["a", "b"] },
    }
}

crate::fields! {
    struct Named as "named" {
        /// whether
        flag: bool,
    }
}

fn page(page: &str) -> Result<String, String> {
    rewrite(page, &Outer::describe().into_table())
}

#[test]
fn every_field_with_a_meaning_has_a_row() {
    let shown: Vec<(String, String, String)> = rows(&Outer::describe().into_table())
        .into_iter()
        .map(|row| (row.path, row.kind, row.meaning))
        .collect();
    let rows = [
        ("inner[]", "list", "some of them"),
        ("inner[].count", "1–10,000", "how many"),
        ("inner[].word", "`a`, `b`", "which"),
        ("byName.<name>.count", "1–10,000", "how many"),
        ("byName.<name>.word", "`a`, `b`", "which"),
    ];
    let owned = |(a, b, c): (&str, &str, &str)| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(shown, rows.map(owned));
}

#[test]
fn tables_of_a_page_are_written_anew() {
    let text = "a\n<!-- fields: x -->\nold\n<!-- fields end -->\nb\n\
                <!-- fields of byName: x -->\n<!-- fields end -->\n\
                <!-- fields of named: x -->\n<!-- fields end -->\n";
    let anew = "a\n<!-- fields: x -->\n\
                | field | type | default | meaning | Istio / Envoy |\n\
                |---|---|---|---|---|\n\
                | `inner[]` | list | none | some of them | – |\n\
                | `inner[].count` | 1–10,000 | – | how many | same |\n\
                | `inner[].word` | `a`, `b` | – | which | – |\n\
                <!-- fields end -->\nb\n\
                <!-- fields of byName: x -->\n\
                | field | type | meaning | Istio / Envoy |\n\
                |---|---|---|---|\n\
                | `byName.<name>.count` | 1–10,000 | how many | same |\n\
                | `byName.<name>.word` | `a`, `b` | which | – |\n\
                <!-- fields end -->\n\
                <!-- fields of named: x -->\n\
                | field | type | meaning |\n\
                |---|---|---|\n\
                | `flag` | true or false | whether |\n\
                <!-- fields end -->\n";
    assert_eq!(page(text).as_deref(), Ok(anew));
    assert_eq!(page(anew).as_deref(), Ok(anew));
}

#[test]
fn a_page_that_asks_for_nothing_or_for_what_is_not_there_is_an_error() {
    for (text, problem) in [
        ("a\n", "has no table of fields"),
        ("<!-- fields: x -->\n", "is not followed by"),
        (
            "<!-- fields of two: x -->\n<!-- fields end -->\n",
            "no field and no mapping is called `two`",
        ),
    ] {
        let error = page(text).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn a_bar_does_not_end_a_cell() {
    let row = Row {
        path: "a".to_owned(),
        kind: "b | c".to_owned(),
        default: String::new(),
        meaning: "d".to_owned(),
        istio: String::new(),
    };
    assert!(markdown(&[row]).ends_with("| `a` | b \\| c | d |\n"));
}
