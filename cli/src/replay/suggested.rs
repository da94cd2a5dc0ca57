//! A policy that is suggested, with what a reader has to know of it.

use replay::Suggestion;

/// YAML, whose comments come first.
pub(super) fn text(suggestion: &Suggestion) -> String {
    let notes = notes(suggestion).into_iter();
    let notes: String = notes.map(|note| ["# ", &note, "\n"].concat()).collect();
    [&notes, suggestion.yaml()].concat()
}

/// What was counted, a line each.
pub(super) fn notes(suggestion: &Suggestion) -> Vec<String> {
    let mut notes = vec![format!(
        "Admits {} of {} requests of the log. Read it before you apply it: an ALLOW policy denies all else.",
        suggestion.count(),
        suggestion.lines.requests()
    )];
    let has_template = suggestion
        .admitted
        .iter()
        .any(|one| one.path.contains("{*}"));
    if has_template {
        notes.push(
            "`{*}` is any one segment: there were several numbers, UUIDs or hashes.".to_owned(),
        );
    }
    if !suggestion.knows_peers {
        notes.push(
            "The log has no `downstream_peer_uri_san`, so it does not matter who sends a request."
                .to_owned(),
        );
    }
    let counts = [
        (suggestion.refused, "were refused"),
        (
            suggestion.failed,
            "were answered with a status of 400 or more, or with none",
        ),
        (
            suggestion.unanswered,
            "were answered by nobody that the log names in `response_code_details` or `upstream_host`",
        ),
    ];
    let left_out = suggestion.left_out.iter().map(|out| (out.count, out.why));
    for (count, what) in counts.into_iter().chain(left_out) {
        if count > 0 {
            notes.push(format!("Not admitted: {count} that {what}."));
        }
    }
    notes
}
