//! What of a test run took longest.

use std::cmp::Reverse;
use std::fmt::Write;
use std::time::Duration;

/// How many are named.
const NAMED: usize = 10;

/// The slowest of these with their seconds, the slowest first.
pub(crate) fn table(title: &str, all: &[(Duration, String)]) -> String {
    let mut all: Vec<_> = all.iter().collect();
    all.sort_by_key(|(took, _)| Reverse(*took));
    let mut text = format!("seconds  {title}\n");
    for (took, name) in all.into_iter().take(NAMED) {
        let _ = writeln!(text, "{:>7.1}  {name}", took.as_secs_f64());
    }
    text.push('\n');
    text
}
