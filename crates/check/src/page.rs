//! The page of the documentation that lists the rules.

use crate::fix::fixed_where;
use crate::rules::rules;

/// `docs/check-rules.md`, made of the rules: a row of a table for each, and below that each at length.
#[must_use]
pub fn page() -> String {
    let mut page = "# What `mesh-filters check` finds

Made of the rules themselves, which are in `crates/check/src/rules`. `mesh-filters check --explain CODE` says the
same of one. An error is refused by whoever reads the file; a warning is accepted, and does something else than
its writer may think. A comment `# mesh-filters: allow CODE` on the line or the one above silences one.

| code | severity | what |
|---|---|---|
"
    .to_owned();
    for rule in rules() {
        let anchor = rule.code.to_ascii_lowercase();
        page.push_str(&format!(
            "| [{}](#{anchor}) | {} | {} |\n",
            rule.code, rule.severity, rule.title
        ));
    }
    for rule in rules() {
        let fixed = match fixed_where(rule.code) {
            Some(when) => format!("\n\n`--fix` mends it where {when}."),
            None => String::new(),
        };
        page.push_str(&format!(
            "\n## {}\n\n{}, {}. {}\n\n{}.{fixed}\n\nFound:\n\n```yml\n{}\n```\n\nNot found:\n\n```yml\n{}\n```\n",
            rule.code,
            capital(rule.title),
            rule.severity,
            rule.text.trim(),
            rule.help.trim_end_matches('.'),
            rule.bad.trim(),
            rule.good.trim()
        ));
    }
    page
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}
