//! A command line with a curl command pasted into it.

use std::ffi::OsString;

/// curl's options of one letter that take a value, which may stand right behind the letter.
const WITH_VALUE: &str = "XHdFTubAerowDcmxE";

/// The arguments of the program, as its parser takes them: behind the word `curl` of `explain`, `-f` is curl's
/// `--fail` if the policies are named before.
pub(crate) fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut given: Vec<OsString> = given.collect();
    let is_verb = given.get(1).is_some_and(|verb| verb == "explain");
    let curl = given.iter().position(|word| word == "curl");
    let Some(curl) = curl.filter(|_| is_verb) else {
        return given;
    };
    let is_file = |word: &OsString| {
        let word = word.to_string_lossy();
        word.starts_with("--file") || word.starts_with("-f")
    };
    if !given.iter().take(curl).any(is_file) {
        return given;
    }
    let pasted = given.split_off(curl);
    given.extend(pasted.into_iter().filter_map(without_fail));
    given
}

/// Letters of options without the `f` among them; none where nothing is left.
fn without_fail(word: OsString) -> Option<OsString> {
    let Some(letters) = word.to_str().and_then(|word| word.strip_prefix('-')) else {
        return Some(word);
    };
    if letters.starts_with('-') || !letters.contains('f') {
        return Some(word);
    }
    // What stands behind a letter that takes a value is that value.
    let end = letters
        .find(|letter| WITH_VALUE.contains(letter))
        .unwrap_or(letters.len());
    let (options, value) = letters.split_at_checked(end)?;
    let options: String = options.chars().filter(|letter| *letter != 'f').collect();
    let rest = [&options, value].concat();
    (!rest.is_empty()).then(|| ["-", &rest].concat().into())
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn the_f_behind_curl_is_its_own() {
        for (given, taken) in [
            ("x explain -f p curl -fsSL a", "x explain -f p curl -sSL a"),
            ("x explain -f p curl -f a", "x explain -f p curl a"),
            (
                "x explain -f p curl -sXfoo -Hf:1 -- a",
                "x explain -f p curl -sXfoo -Hf:1 -- a",
            ),
            (
                "x explain --file=p curl --fail -df a",
                "x explain --file=p curl --fail -df a",
            ),
            // Ours, where no policies were named.
            ("x explain curl a -f p", "x explain curl a -f p"),
            ("x check curl -f", "x check curl -f"),
        ] {
            let given = given.split(' ').map(Into::into);
            let taken: Vec<std::ffi::OsString> = taken.split(' ').map(Into::into).collect();
            assert_eq!(arguments(given), taken);
        }
    }
}
