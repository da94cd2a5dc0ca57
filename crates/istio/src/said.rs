//! What the parser of YAML says of a text, taken apart.

use crate::Position;

/// A parser's message without its place and the excerpt that it draws, for who shows both in a way of their own.
#[must_use]
pub fn alone(problem: &str) -> String {
    let line = problem.lines().find(|line| !line.trim().is_empty());
    let line = line.unwrap_or_default().trim();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let (_, problem) = placed(line);
    // What a program that uses the parser could do about it is of no use to who wrote the file.
    let (problem, _) = problem
        .split_once(", set DuplicateKeyPolicy")
        .unwrap_or((problem, ""));
    let limits = ["budget breached", "recursion limit exceeded"];
    if limits.iter().any(|limit| problem.starts_with(limit)) {
        return "it has more in it than is read, of values, of depth or of aliases; make several files of it".to_owned();
    }
    problem.to_owned()
}

/// The place in a parser's message, `line 3 column 5: …` or `… at line 3, column 5`, and the rest of it.
#[must_use]
pub fn placed(problem: &str) -> (Option<Position>, &str) {
    let position = |line: &str, column: &str| {
        let (line, column) = (line.parse().ok()?, column.parse().ok()?);
        Some(Position { line, column })
    };
    let before = || {
        let (place, rest) = problem.strip_prefix("line ")?.split_once(": ")?;
        let (line, column) = place.split_once(" column ")?;
        Some((position(line, column)?, rest))
    };
    let behind = || {
        let (rest, place) = problem.rsplit_once(" at line ")?;
        let (line, column) = place.split_once(", column ")?;
        Some((position(line, column)?, rest))
    };
    match before().or_else(behind) {
        Some((position, rest)) => (Some(position), rest),
        None => (None, problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Object;

    fn said(text: &str) -> String {
        alone(&Object::read_all(text).unwrap_err().to_string())
    }

    #[test]
    fn it_is_told_without_its_place() {
        assert_eq!(said("a: [b\nc: }"), "illegal placement of ':' indicator");
        assert_eq!(said("a: 1\na: 2"), "`a` stands here twice; remove one");
    }

    #[test]
    fn what_is_too_much_is_told_in_words() {
        let problem = "it has more in it than is read, of values, of depth or of aliases; make several files of it";
        assert_eq!(said(&"[".repeat(5000)), problem);
        assert_eq!(said(&"- 1\n".repeat(300_000)), problem);
    }
}
