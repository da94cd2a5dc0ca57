//! Durations as Istio's objects have them.

/// Istio takes what Go does, `1h2m0.5s` and `500ms`; Envoy seconds alone.
pub(crate) fn duration(text: &str) -> Option<String> {
    let read = sdk_helpers::config::duration(text).ok()?;
    Some(format!("{}s", read.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_as_go_does() {
        for (text, expected) in [
            ("5s", Some("5s")),
            ("0", Some("0s")),
            ("1m30s", Some("90s")),
            ("500ms", Some("0.5s")),
            ("1.5h", Some("5400s")),
            ("5", None),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("1s 2", None),
        ] {
            assert_eq!(duration(text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_for_a_duration(text in ".{0,20}") {
            let _ = duration(&text);
        }

        #[test]
        fn whole_seconds_stay_what_they_are(seconds in 0_u32..1_000_000) {
            prop_assert_eq!(duration(&format!("{seconds}s")), Some(format!("{seconds}s")));
        }
    }
}
