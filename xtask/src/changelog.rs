//! What CHANGELOG.md says of a version: Keep a Changelog's headings, `## [1.2.3] - 2026-01-31`.

/// What stands in place of the date as long as a version is not released.
pub(crate) const PENDING: &str = "Unreleased";

/// The newest version of the changelog.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Newest<'a> {
    pub(crate) version: &'a str,
    /// A day, or [`PENDING`].
    pub(crate) date: &'a str,
    /// What changed, as Markdown.
    pub(crate) notes: &'a str,
}

/// The first version of the text.
pub(crate) fn newest(text: &str) -> Result<Newest<'_>, String> {
    let problem = |what: &str| format!("CHANGELOG.md: {what}");
    let start = heading(text, 0).ok_or_else(|| {
        problem("no version; write `## [1.2.3] - Unreleased` above what the next one changes")
    })?;
    let after = text.get(start..).unwrap_or_default();
    let (line, rest) = after.split_once('\n').unwrap_or((after, ""));
    let (version, date) = line
        .strip_prefix("## [")
        .and_then(|line| line.split_once("] - "))
        .ok_or_else(|| problem(&format!("`{line}` is not `## [1.2.3] - 2026-01-31`")))?;
    let date = date.trim_end();
    if date != PENDING && !is_day(date) {
        return Err(problem(&format!(
            "[{version}]: `{date}` is neither a day (2026-01-31) nor `{PENDING}`"
        )));
    }
    let end = heading(rest, 0).unwrap_or(rest.len());
    let notes = rest.get(..end).unwrap_or_default().trim();
    if notes.is_empty() {
        return Err(problem(&format!("[{version}] says nothing that changed")));
    }
    Ok(Newest {
        version,
        date,
        notes,
    })
}

/// Where the next heading of a version begins.
fn heading(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    for line in text.get(from..)?.split_inclusive('\n') {
        if line.starts_with("## ") {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// Whether it is a day as ISO 8601 writes it; which months have 31 is not looked at.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let number = |part: &str, digits: usize, most: u16| {
        part.len() == digits && part.parse::<u16>().is_ok_and(|n| n >= 1 && n <= most)
    };
    number(year, 4, 9999) && number(month, 2, 12) && number(day, 2, 31)
}

#[cfg(test)]
mod tests {
    use super::{Newest, newest};

    #[test]
    fn the_first_version_is_the_newest() {
        let text = "# Changelog\n\nWords.\n\n## [0.2.0] - Unreleased\n\n### Added\n\n- A.\n\n## [0.1.0] - 2026-01-31\n\n- B.\n";
        assert_eq!(
            newest(text),
            Ok(Newest {
                version: "0.2.0",
                date: "Unreleased",
                notes: "### Added\n\n- A."
            })
        );
        let text = "## [0.1.0] - 2026-01-31\n- B.";
        assert_eq!(newest(text).map(|newest| newest.date), Ok("2026-01-31"));
    }

    #[test]
    fn what_is_no_version_is_refused_with_what_to_write() {
        for (text, problem) in [
            (
                "# Changelog\n",
                "CHANGELOG.md: no version; write `## [1.2.3] - Unreleased` above what the next one changes",
            ),
            (
                "## [Unreleased]\n- A.\n",
                "CHANGELOG.md: `## [Unreleased]` is not `## [1.2.3] - 2026-01-31`",
            ),
            (
                "## [0.1.0] - soon\n- A.\n",
                "CHANGELOG.md: [0.1.0]: `soon` is neither a day (2026-01-31) nor `Unreleased`",
            ),
            (
                "## [0.1.0] - 2026-13-01\n- A.\n",
                "CHANGELOG.md: [0.1.0]: `2026-13-01` is neither a day (2026-01-31) nor `Unreleased`",
            ),
            (
                "## [0.1.0] - 2026-01-31\n\n## [0.0.9] - 2025-01-31\n- A.\n",
                "CHANGELOG.md: [0.1.0] says nothing that changed",
            ),
        ] {
            assert_eq!(newest(text), Err(problem.to_owned()), "{text}");
        }
    }
}
