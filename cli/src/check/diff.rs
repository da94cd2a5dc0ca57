//! What changes in a file, as `diff -u` shows it.

use anstyle::Style;
use similar::TextDiff;

use crate::output::{BAD, GOOD, QUIET};

/// The lines that change, with three around them; nothing where none does.
pub(super) fn unified(name: &str, before: &str, after: &str) -> String {
    let lines = TextDiff::from_lines(before, after);
    let mut diff = lines.unified_diff();
    let diff = diff.context_radius(3).header(name, name).to_string();
    diff.split_inclusive('\n').map(coloured).collect()
}

fn coloured(line: &str) -> String {
    let (text, end) = match line.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (line, ""),
    };
    let style = match text.get(..1) {
        Some("-") => BAD,
        Some("+") => GOOD,
        Some("@") => QUIET,
        _ => Style::new(),
    };
    format!("{style}{text}{style:#}{end}")
}

#[cfg(test)]
mod tests {
    use super::unified;

    fn plain(before: &str, after: &str) -> String {
        anstream::adapter::strip_str(&unified("a.yaml", before, after)).to_string()
    }

    #[test]
    fn a_line_that_changes_is_shown_with_those_around_it() {
        assert_eq!(
            plain("1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\n4\nfive\n6\n7\n"),
            "--- a.yaml\n+++ a.yaml\n@@ -2,6 +2,6 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n"
        );
        assert_eq!(plain("1\n", "1\n"), "");
        assert_eq!(
            plain("a: x", "a: y"),
            "--- a.yaml\n+++ a.yaml\n@@ -1 +1 @@\n-a: x\n\\ No newline at end of file\n+a: y\n\\ No newline at end of file\n"
        );
    }

    #[test]
    fn line_ends_of_both_kinds_stay() {
        assert!(plain("a\r\nb\r\n", "a\r\nc\r\n").ends_with(" a\r\n-b\r\n+c\r\n"));
    }
}
