//! Comments that silence findings: `# mesh-filters: allow MF0201`.

use crate::finding::Finding;
use crate::source::Source;

const MARK: &str = "# mesh-filters: allow ";

/// A code that a comment names.
struct Allowed<'a> {
    source: usize,
    line: u64,
    column: u64,
    code: &'a str,
    is_used: bool,
}

/// A comment that silences nothing: file, line, column and code.
pub(crate) struct Unused {
    pub(crate) source: usize,
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) code: String,
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
    let unused = all.into_iter().filter(|allowed| !allowed.is_used);
    let unused = unused.map(|allowed| Unused {
        source: allowed.source,
        line: allowed.line,
        column: allowed.column,
        code: allowed.code.to_owned(),
    });
    unused.collect()
}

fn allowed(source: usize, of: &Source) -> Vec<Allowed<'_>> {
    let mut all = Vec::new();
    for (index, line) in of.text.lines().enumerate() {
        let Some((before, codes)) = line.split_once(MARK) else {
            continue;
        };
        // Codes, and then words of the writer's: why.
        let codes = codes.split([' ', ',']).filter(|code| !code.is_empty());
        let codes = codes.take_while(|word| word.starts_with("MF"));
        let column = before.chars().count();
        all.extend(codes.map(|code| Allowed {
            source,
            line: u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1),
            column: u64::try_from(column).unwrap_or(u64::MAX).saturating_add(1),
            code,
            is_used: false,
        }));
    }
    all
}
