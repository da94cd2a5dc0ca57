//! Which limits a path can concern, so that a hundred limits on a hundred paths cost little more
//! than one.

use sdk_helpers::matcher::{HttpMatch, Literal};

/// The limits by the paths that their matches name.
#[derive(Debug, Default)]
pub struct Index {
    /// Sorted by text.
    paths: Vec<Path>,
    /// The lengths of these texts, each once.
    lengths: Vec<usize>,
    /// The limits that name no path, as bits.
    others: Vec<u64>,
}

#[derive(Debug)]
struct Path {
    text: Vec<u8>,
    exact: bool,
    limit: usize,
}

impl Index {
    /// Enters each limit's matches, any of which may hold; none at all is every request.
    pub fn of<'a>(limits: impl Iterator<Item = &'a [HttpMatch]>) -> Self {
        let mut index = Index::default();
        for (limit, matches) in limits.enumerate() {
            if limit % 64 == 0 {
                index.others.push(0);
            }
            let literals: Option<Vec<Literal<'_>>> = matches.iter().map(HttpMatch::path).collect();
            match literals {
                Some(literals) if !literals.is_empty() => {
                    for literal in literals {
                        index.add(literal, limit);
                    }
                }
                _ => set(&mut index.others, limit),
            }
        }
        index
    }

    fn add(&mut self, literal: Literal<'_>, limit: usize) {
        let (text, exact) = match literal {
            Literal::Exact(text) => (text, true),
            Literal::Prefix(text) => (text, false),
        };
        let at = self
            .paths
            .partition_point(|path| path.text.as_slice() <= text);
        let path = Path {
            text: text.to_vec(),
            exact,
            limit,
        };
        self.paths.insert(at, path);
        if !self.lengths.contains(&text.len()) {
            self.lengths.push(text.len());
        }
    }

    /// Adds the limits that this path finds.
    #[inline(never)]
    fn add_found(&self, path: &[u8], found: &mut [u64]) {
        for length in &self.lengths {
            let Some(start) = path.get(..*length) else {
                continue;
            };
            let first = self
                .paths
                .partition_point(|one| one.text.as_slice() < start);
            let same = self.paths.get(first..).unwrap_or_default().iter();
            for one in same.take_while(|one| one.text == start) {
                if !one.exact || *length == path.len() {
                    set(found, one.limit);
                }
            }
        }
    }

    /// Calls `visit` with every limit that a request for this path can concern, in their order,
    /// until it says so. The path is asked for only where a limit names one: asking costs.
    pub fn visit<'a>(&self, path: impl FnOnce() -> &'a [u8], mut visit: impl FnMut(usize) -> bool) {
        let path = match self.lengths.is_empty() {
            true => &[],
            false => path(),
        };
        // Up to 64 limits need no memory of their own.
        let (mut one, mut many);
        let found = match self.others.as_slice() {
            [word] => {
                one = [*word];
                one.as_mut_slice()
            }
            words => {
                many = words.to_vec();
                many.as_mut_slice()
            }
        };
        if !self.lengths.is_empty() {
            self.add_found(path, found);
        }
        for (word, bits) in found.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let bit = bits.trailing_zeros() as usize;
                if visit(word.saturating_mul(64).saturating_add(bit)) {
                    return;
                }
                bits &= bits.wrapping_sub(1);
            }
        }
    }
}

fn set(bits: &mut [u64], number: usize) {
    if let Some(word) = bits.get_mut(number / 64) {
        *word |= 1 << (number % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sdk_helpers::config::read;
    use sdk_helpers::matcher::HttpMatchWire;
    use sdk_helpers::world::fake::FakeWorld;
    use sdk_helpers::{At, Headers, Problems, Request};
    use serde_json::{Value, json};

    fn limit() -> impl Strategy<Value = Vec<Value>> {
        let one = prop_oneof![
            "(/a|/b|/c){0,3}/?".prop_map(|text| json!({"uri": {"exact": text}})),
            "(/a|/b|/c){0,3}/?".prop_map(|text| json!({"uri": {"prefix": text}})),
            Just(json!({"uri": {"prefix": "/A"}, "ignoreUriCase": true})),
            Just(json!({"uri": {"template": "/{*}/b"}})),
            Just(json!({"headers": {"x-a": {}}})),
        ];
        prop::collection::vec(one, 0..3)
    }

    proptest! {
        #[test]
        fn it_finds_what_asking_each_would_find(
            limits in prop::collection::vec(limit(), 0..150), path in "(/a|/b|/c){0,4}/?",
        ) {
            let problems = Problems::default();
            let compile = |value: &Value| {
                let wire = read::<HttpMatchWire>(value, &At::root(), &Problems::default());
                HttpMatch::compile(wire, &At::root(), &problems)
            };
            let limits: Vec<Vec<HttpMatch>> =
                limits.iter().map(|matches| matches.iter().map(compile).collect()).collect();
            prop_assert!(!problems.has_errors());
            let request = Request::new(Headers::from_pairs([(":path", &path)]));
            let world = FakeWorld::new();
            let matches = |limit: usize| {
                let matches = &limits[limit];
                matches.is_empty() || matches.iter().any(|one| one.matches(&request, &world))
            };
            let mut found = vec![];
            Index::of(limits.iter().map(Vec::as_slice)).visit(|| path.as_bytes(), |limit| {
                if matches(limit) {
                    found.push(limit);
                }
                false
            });
            let expected: Vec<usize> = (0..limits.len()).filter(|limit| matches(*limit)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_visit_ends_when_told() {
        let index = Index::of([&[][..], &[], &[]].into_iter());
        let mut seen = vec![];
        index.visit(
            || panic!("no limit names a path"),
            |limit| {
                seen.push(limit);
                limit == 1
            },
        );
        assert_eq!(seen, [0, 1]);
    }
}
