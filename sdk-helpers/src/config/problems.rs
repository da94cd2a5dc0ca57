//! What is wrong with a configuration, and where.

use std::cell::RefCell;
use std::fmt;

use serde_json::{Map, Value};

use super::names::{nearest, none_of, place, surely};
use super::remedy::{Problem, Remedy, Scope};

/// One problem of a configuration. Shown as `path: problem`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigError {
    /// The path of the field: `http[0].fault.abort.httpStatus`. Empty for the whole configuration.
    pub at: String,
    /// What is wrong and what to do about it, in lower case.
    pub problem: String,
}

/// What a user wrote may be quoted whole in a problem, and be a book.
const LONGEST_PROBLEM: usize = 800;

impl ConfigError {
    /// Makes an error of one line, whatever is quoted in it.
    pub(super) fn new(at: String, problem: &str) -> Self {
        let mut line = String::with_capacity(problem.len());
        for (count, character) in problem.chars().enumerate() {
            if count == LONGEST_PROBLEM {
                line.push('…');
                break;
            }
            if character.is_control() {
                line.extend(character.escape_default());
            } else {
                line.push(character);
            }
        }
        ConfigError { at, problem: line }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "{}: {}", self.at, self.problem)
        }
    }
}

/// The place of a field in a configuration. Cheap to extend; written out only when needed.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Written(&'a str),
    Field(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    /// The whole configuration.
    pub const fn root() -> Self {
        At {
            parent: None,
            step: Step::Root,
        }
    }

    /// A place that was written out before.
    pub const fn written(path: &'a str) -> Self {
        At {
            parent: None,
            step: Step::Written(path),
        }
    }

    /// Whether it is where a configuration begins: the whole of it, or a place that was written out.
    pub(super) const fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    /// A field of the mapping here.
    pub const fn field<'b>(&'b self, name: &'b str) -> At<'b>
    where
        'a: 'b,
    {
        At {
            parent: Some(self),
            step: Step::Field(name),
        }
    }

    /// An element of the list here.
    pub const fn index<'b>(&'b self, index: usize) -> At<'b>
    where
        'a: 'b,
    {
        At {
            parent: Some(self),
            step: Step::Index(index),
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Written(path) => f.write_str(path),
            Step::Index(index) => write!(f, "[{index}]"),
            // A key of a map may hold anything, a dot among it.
            Step::Field(name) if !is_plain(name) => write!(f, "[{name:?}]"),
            Step::Field(name) => {
                let first = self
                    .parent
                    .is_none_or(|at| matches!(at.step, Step::Root | Step::Written("")));
                write!(f, "{}{name}", if first { "" } else { "." })
            }
        }
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Everything found so far.
#[derive(Debug, Default)]
pub struct Problems {
    found: RefCell<Found>,
}

#[derive(Debug, Default)]
struct Found {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    /// Which of the errors are of a value of the wrong kind.
    misfits: Vec<usize>,
    /// Paths of which nothing is told any more: what is wrong there follows from an error.
    told: Vec<String>,
    /// Where what stands at a path was written, where that is another.
    moved: Map<String, Value>,
}

impl Found {
    /// Whether what stands at a path, or around it, is of the wrong kind.
    fn is_misfit(&self, path: &str) -> bool {
        let misfits = self.misfits.iter();
        let mut misfits = misfits.filter_map(|place| self.errors.get(*place));
        misfits.any(|misfit| contains(&misfit.error.at, path))
    }

    /// Where a user finds what stands at a path.
    fn written(&self, path: String) -> String {
        if self.moved.is_empty() {
            return path;
        }
        let ends = path.char_indices().rev();
        let ends = ends
            .filter(|(_, c)| matches!(c, '.' | '['))
            .map(|(at, _)| at);
        for end in std::iter::once(path.len()).chain(ends) {
            let (start, rest) = path.split_at(end);
            if let Some(written) = self.moved.get(start).and_then(Value::as_str) {
                let rest = match written.is_empty() {
                    true => rest.trim_start_matches('.'),
                    false => rest,
                };
                return [written, rest].concat();
            }
        }
        path
    }
}

/// More than a person reads at once; the rest is counted.
const MOST: usize = 100;

impl Problems {
    /// Reports that the configuration cannot be used. A field that did not even have the right
    /// kind of value has been reported as such, and is not reported again for what it lacks.
    pub fn error(&self, at: &At<'_>, problem: impl Into<String>) {
        self.add_error(at, &problem.into(), Scope::Everyone, None);
    }

    /// The same of what not everybody refuses who takes the object.
    pub fn error_of(&self, scope: Scope, at: &At<'_>, problem: impl Into<String>) {
        self.add_error(at, &problem.into(), scope, None);
    }

    /// The same where it may be known what mends it.
    pub fn error_with(&self, at: &At<'_>, problem: impl Into<String>, remedy: Option<Remedy>) {
        self.add_error(at, &problem.into(), Scope::Everyone, remedy);
    }

    /// Reports a text that is none of those it may be.
    pub fn none_of(&self, at: &At<'_>, text: &str, known: &[&str]) {
        let meant = surely(text, known).map(|meant| Remedy::Write(meant.into()));
        self.add_error(at, &none_of(text, known), Scope::Everyone, meant);
    }

    fn add_error(&self, at: &At<'_>, problem: &str, scope: Scope, remedy: Option<Remedy>) {
        let mut found = self.found.borrow_mut();
        let at = found.written(at.to_string());
        if !found.is_misfit(&at) && !found.told.contains(&at) {
            let error = ConfigError::new(at, problem);
            found.errors.push(Problem {
                error,
                scope,
                remedy,
            });
        }
    }

    /// Reports something legal that surely was not meant.
    pub fn warn(&self, at: &At<'_>, problem: impl Into<String>) {
        self.add_warning(at, &problem.into(), Scope::Everyone, None);
    }

    /// The same of what is so for some only who take the object.
    pub fn warn_of(&self, scope: Scope, at: &At<'_>, problem: impl Into<String>) {
        self.add_warning(at, &problem.into(), scope, None);
    }

    /// Reports a field that a mapping does not have.
    pub fn unknown(&self, at: &At<'_>, name: &str, known: &[&str]) {
        let problem = match nearest(name, known) {
            Some(meant) => format!("unknown field; did you mean `{meant}`?"),
            None => "unknown field".to_owned(),
        };
        let meant = surely(name, known).map(|meant| Remedy::Rename(meant.to_owned()));
        self.add_error(&at.field(name), &problem, Scope::Everyone, meant);
    }

    /// Reports a field that nothing knows and nobody refuses.
    pub fn warn_of_name(&self, at: &At<'_>, name: &str, known: &[&str], problem: String) {
        let meant = surely(name, known).map(|meant| Remedy::Rename(meant.to_owned()));
        self.add_warning(&at.field(name), &problem, Scope::Everyone, meant);
    }

    fn add_warning(&self, at: &At<'_>, problem: &str, scope: Scope, remedy: Option<Remedy>) {
        let mut found = self.found.borrow_mut();
        let at = found.written(at.to_string());
        // What was read in place of a misfit was never said.
        if !found.is_misfit(&at) {
            let error = ConfigError::new(at, problem);
            found.warnings.push(Problem {
                error,
                scope,
                remedy,
            });
        }
    }

    /// Reports a value of the wrong kind; made while the tree is read, before anything is checked.
    pub(super) fn misfit(&self, at: &At<'_>, problem: impl Into<String>) {
        self.misfit_with(at, problem, None);
    }

    /// The same where it is known what was meant.
    pub(super) fn misfit_with(
        &self,
        at: &At<'_>,
        problem: impl Into<String>,
        remedy: Option<Remedy>,
    ) {
        let mut found = self.found.borrow_mut();
        let at = found.written(at.to_string());
        let place = found.errors.len();
        found.misfits.push(place);
        let error = ConfigError::new(at, &problem.into());
        found.errors.push(Problem {
            error,
            scope: Scope::Everyone,
            remedy,
        });
    }

    /// Keeps quiet about this place, and no other: what will be missed there is missing because of
    /// an error that was told.
    pub(super) fn follow_up(&self, at: &At<'_>) {
        let mut found = self.found.borrow_mut();
        let at = found.written(at.to_string());
        if found.told.len() < MOST {
            found.told.push(at);
        }
    }

    /// From now on everything is told by where it was written: by path, and by the beginning of one.
    pub(super) fn written(&self, moved: Map<String, Value>) {
        self.found.borrow_mut().moved.extend(moved);
    }

    /// Reports the fields that stand there in both spellings: one of them would not count.
    pub(super) fn spelt_once(&self, map: &Map<String, Value>, known: &[&str], at: &At<'_>) {
        for name in map.keys() {
            let field = place(name, known).and_then(|place| known.get(place));
            if let Some(field) = field.filter(|field| *field != name && map.contains_key(**field)) {
                let problem = format!("stands here as `{field}` too; remove one");
                self.misfit(&at.field(name), problem);
            }
        }
    }

    /// Whether the configuration cannot be used.
    pub fn has_errors(&self) -> bool {
        self.count() > 0
    }

    /// Whether what stands in this place cannot be used, wherever it was written.
    pub fn has_errors_at(&self, at: &At<'_>) -> bool {
        let found = self.found.borrow();
        let at = at.to_string();
        let written = found.written(at.clone());
        let moved = found.moved.iter().filter(|(path, _)| contains(&at, path));
        let mut places = moved
            .filter_map(|(_, written)| written.as_str())
            .chain([at.as_str(), written.as_str()]);
        let is_wrong = |place| found.errors.iter().any(|it| contains(place, &it.error.at));
        !found.errors.is_empty() && places.any(is_wrong)
    }

    /// The number of errors so far.
    pub(super) fn count(&self) -> usize {
        self.found.borrow().errors.len()
    }

    /// The errors, in the order found; past a hundred, their number.
    pub fn errors(&self) -> Vec<ConfigError> {
        let all = self.errors_in_full().into_iter();
        all.map(|problem| problem.error).collect()
    }

    /// The same with whom they are of, and what would mend them.
    pub fn errors_in_full(&self) -> Vec<Problem> {
        let found = self.found.borrow();
        let mut errors: Vec<_> = found.errors.iter().take(MOST).cloned().collect();
        let more = found.errors.len().saturating_sub(MOST);
        if more > 0 {
            let more = ConfigError {
                at: String::new(),
                problem: format!("{more} more errors"),
            };
            errors.push(more.into());
        }
        errors
    }

    /// The warnings, in the order found.
    pub fn warnings(&self) -> Vec<ConfigError> {
        let all = self.warnings_in_full().into_iter();
        all.map(|problem| problem.error).collect()
    }

    /// The same with whom they are of, and what would mend them.
    pub fn warnings_in_full(&self) -> Vec<Problem> {
        self.found.borrow().warnings.clone()
    }
}

/// Whether `outer` is `inner` or a part of the tree around it.
fn contains(outer: &str, inner: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || outer.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_a_user_would_write_it() {
        let root = At::root();
        let http = root.field("http");
        let first = http.index(0);
        let headers = first.field("headers");
        assert_eq!(headers.field("x-y").to_string(), "http[0].headers.x-y");
        assert_eq!(headers.field("a.b").to_string(), "http[0].headers[\"a.b\"]");
        assert_eq!(root.to_string(), "");
        let inside = At::written("rateLimit");
        assert_eq!(inside.field("limits").to_string(), "rateLimit.limits");
        assert_eq!(At::written("").field("limits").to_string(), "limits");
    }

    #[test]
    fn a_misfit_hides_what_follows_from_it() {
        let problems = Problems::default();
        let root = At::root();
        let (a, ab) = (root.field("a"), root.field("ab"));
        problems.misfit(&a, "a mapping is expected here");
        problems.error(&a, "is missing");
        problems.error(&a.field("b"), "is missing");
        problems.error(&ab, "is missing");
        problems.warn(&a.field("b"), "changes nothing");
        problems.warn(&ab, "changes nothing");
        assert_eq!(problems.warnings().len(), 1);
        let shown: Vec<String> = problems.errors().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["a: a mapping is expected here", "ab: is missing"]);
    }

    #[test]
    fn a_place_is_right_whatever_is_wrong_elsewhere() {
        let problems = Problems::default();
        let root = At::root();
        let (a, b) = (root.field("a"), root.field("b"));
        assert!(!problems.has_errors_at(&root));
        problems.error(&a.field("x"), "is missing");
        let wrong = [root, a, b].map(|at| problems.has_errors_at(&at));
        assert_eq!(wrong, [true, true, false]);
        let moved = [("b.y".to_owned(), Value::from("a.x"))];
        problems.written(moved.into_iter().collect());
        assert!(problems.has_errors_at(&b));
        let y = b.field("y");
        assert!(problems.has_errors_at(&y) && !problems.has_errors_at(&b.field("z")));
    }

    #[test]
    fn an_error_is_one_line_of_bounded_length() {
        let problems = Problems::default();
        problems.error(
            &At::root().field("a\nb"),
            format!("`x\r\ny` {}", "z".repeat(10_000)),
        );
        let shown = problems.errors()[0].to_string();
        assert!(shown.starts_with("[\"a\\nb\"]: `x\\r\\ny` zzz"), "{shown}");
        assert!(shown.len() < 1_000 && shown.ends_with('…'));
    }

    #[test]
    fn a_flood_of_errors_is_counted() {
        let problems = Problems::default();
        for index in 0..150 {
            problems.error(&At::root().index(index), "wrong");
        }
        assert_eq!(problems.errors().len(), 101);
        assert_eq!(problems.errors()[100].to_string(), "50 more errors");
    }
}
