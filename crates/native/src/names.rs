//! Names of policies and limits, which stand in reasons and metrics.

/// A name of letters that ours take, which nothing among `taken` has; `otherwise` where nothing is left of it.
pub(crate) fn unique(name: &str, otherwise: &str, taken: &mut Vec<String>) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-/~".contains(c);
    let mut clean: String = name
        .chars()
        .map(|c| if legal(c) { c } else { '-' })
        .take(100)
        .collect();
    clean = clean.trim_matches('-').to_owned();
    if clean.is_empty() {
        otherwise.clone_into(&mut clean);
    }
    let mut unique = clean.clone();
    let mut number = 2u32;
    while taken.contains(&unique) {
        unique = format!("{clean}-{number}");
        number = number.saturating_add(1);
    }
    taken.push(unique.clone());
    unique
}
