//! Comments that silence findings: `# mesh-filters: allow MF0201`.

use crate::finding::Finding;
use crate::fix::Edit;
use crate::source::Source;

const MARK: &str = "# mesh-filters: allow ";

/// A code that a comment names.
struct Allowed<'a> {
    source: usize,
    line: u64,
    column: u64,
    code: &'a str,
    comment: Comment<'a>,
    /// The byte of the file at which the code begins.
    start: usize,
    is_used: bool,
}

/// The line of a comment that allows.
#[derive(Clone, Copy)]
struct Comment<'a> {
    /// With its end, if it has one.
    line: &'a str,
    /// The byte of the file at which the line begins.
    start: usize,
    /// How many bytes of the line are before the comment.
    before: usize,
}

/// A comment that silences nothing: file, line, column and code.
pub(crate) struct Unused {
    pub(crate) source: usize,
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) code: String,
    /// The file without it, where whatever else is checked together with it cannot make the comment needed.
    pub(crate) edit: Option<Edit>,
}

/// Takes away what is allowed on its own line or the one above, and tells what was allowed in vain.
pub(crate) fn silence(sources: &[Source], findings: &mut Vec<Finding>) -> Vec<Unused> {
    let sources = sources.iter().enumerate();
    let mut all: Vec<Allowed<'_>> = sources.flat_map(|(at, it)| allowed(at, it)).collect();
    findings.retain(|finding| {
        let mut is_silenced = false;
        for allowed in &mut all {
            let is_near = allowed.line == finding.line || allowed.line + 1 == finding.line;
            if is_near && allowed.source == finding.source && allowed.code == finding.code {
                allowed.is_used = true;
                is_silenced = true;
            }
        }
        !is_silenced
    });
    let unused = all.iter().filter(|allowed| !allowed.is_used);
    let unused = unused.map(|allowed| Unused {
        source: allowed.source,
        line: allowed.line,
        column: allowed.column,
        code: allowed.code.to_owned(),
        edit: without(allowed, &all),
    });
    unused.collect()
}

/// What takes a code out of its comment; the whole comment where it names no other that is wanted.
fn without(allowed: &Allowed<'_>, all: &[Allowed<'_>]) -> Option<Edit> {
    let is_needless = |it: &Allowed<'_>| !it.is_used && is_of_one_object(it.code);
    if !is_needless(allowed) {
        return None;
    }
    let is_beside = |it: &&Allowed<'_>| it.source == allowed.source && it.line == allowed.line;
    let beside = || all.iter().filter(is_beside);
    let Comment {
        line,
        start,
        before,
    } = allowed.comment;
    let gone = |start: usize, end: usize| Edit {
        start,
        end,
        text: String::new(),
    };
    if beside().all(is_needless) {
        let kept = line.get(..before)?.trim_end();
        return Some(match kept.is_empty() {
            true => gone(start, start + line.len()),
            false => gone(start + kept.len(), start + line.trim_end().len()),
        });
    }
    let end = allowed.start + allowed.code.len();
    // With what keeps it apart from the next code, or from the one before if there is no next.
    let next = beside().find(|it| it.start > allowed.start);
    let last = beside().rfind(|it| it.start < allowed.start);
    match (next, last) {
        (Some(next), _) => Some(gone(allowed.start, next.start)),
        (None, Some(last)) => Some(gone(last.start + last.code.len(), end)),
        (None, None) => None,
    }
}

/// Whether a code is of findings that are there whatever else is checked: of what an object is by itself.
fn is_of_one_object(code: &str) -> bool {
    code.starts_with("MF01") && crate::rule(code).is_some()
}

fn allowed(source: usize, of: &Source) -> Vec<Allowed<'_>> {
    let mut all = Vec::new();
    let mut start = 0;
    for (number, line) in (1..).zip(of.text.split_inclusive('\n')) {
        let line_start = start;
        start += line.len();
        let Some((before, codes)) = line.split_once(MARK) else {
            continue;
        };
        let column = u64::try_from(before.chars().count()).unwrap_or(u64::MAX);
        let comment = Comment {
            line,
            start: line_start,
            before: before.len(),
        };
        let mut at = line_start + before.len() + MARK.len();
        // Codes, and then words of the writer's: why.
        for word in codes.split([' ', ',', '\r', '\n']) {
            let code_start = at;
            at += word.len() + 1;
            if word.is_empty() {
                continue;
            }
            if !word.starts_with("MF") {
                break;
            }
            all.push(Allowed {
                source,
                line: number,
                column: column.saturating_add(1),
                code: word,
                comment,
                start: code_start,
                is_used: false,
            });
        }
    }
    all
}
