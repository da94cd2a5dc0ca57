//! What something may cost, as one writes it: `ours <= floor + 0.7 µs`.
//!
//! A side is a sum of products of numbers and figures, with spaces between all words. A figure is
//! `variant` (what it adds to a request) or `variant.figure`; see [`Figure::named`] for the names.

use std::fmt;

use serde::Deserialize;

use super::figure::Figure;

/// Units and how many of the report's own units (µs, bytes) they are.
const UNITS: [(&str, f64); 9] = [
    ("ns", 0.001),
    ("µs", 1.0),
    ("us", 1.0),
    ("ms", 1_000.0),
    ("s", 1_000_000.0),
    ("B", 1.0),
    ("kB", 1_000.0),
    ("KB", 1_000.0),
    ("MB", 1_000_000.0),
];

/// A limit: the left side is at most the right side.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Budget {
    text: String,
    left: Sum,
    right: Sum,
}

/// Terms with their signs.
#[derive(Debug, Clone, PartialEq)]
struct Sum(Vec<(f64, Vec<Factor>)>);

/// What is multiplied, or divided by.
#[derive(Debug, Clone, PartialEq)]
struct Factor {
    divides: bool,
    value: Operand,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Number(f64),
    Figure(String, Figure),
}

impl Budget {
    /// The variants it speaks of.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.figures().map(|(variant, _)| variant)
    }

    /// What kind of figure it is about: that of the left side.
    pub fn figure(&self) -> Figure {
        self.figures()
            .next()
            .map_or(Figure::Cost, |(_, figure)| figure)
    }

    /// Both sides, given what each figure is; `None` where one of them is not known.
    pub fn sides(&self, known: impl Fn(&str, Figure) -> Option<f64>) -> Option<(f64, f64)> {
        Some((self.left.value(&known)?, self.right.value(&known)?))
    }

    fn figures(&self) -> impl Iterator<Item = (&str, Figure)> {
        let terms = self.left.0.iter().chain(&self.right.0);
        let factors = terms.flat_map(|(_, factors)| factors);
        factors.filter_map(|factor| match &factor.value {
            Operand::Figure(variant, figure) => Some((variant.as_str(), *figure)),
            Operand::Number(_) => None,
        })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Budget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let sides: Vec<Vec<&str>> = text
            .split(['≤'])
            .flat_map(|part| part.split("<="))
            .map(|side| side.split_whitespace().collect())
            .collect();
        let [left, right] = &sides[..] else {
            return Err(format!("`{text}`: write `ours <= limit`"));
        };
        let side = |words| Sum::read(words).map_err(|problem| format!("`{text}`: {problem}"));
        let (left, right) = (side(left)?, side(right)?);
        Ok(Self { text, left, right })
    }
}

impl Sum {
    /// Reads alternately a value, maybe its unit, and an operator.
    fn read(words: &[&str]) -> Result<Self, String> {
        let mut words = words.iter().peekable();
        let (mut terms, mut sign, mut factors, mut divides) = (Vec::new(), 1.0, Vec::new(), false);
        loop {
            let word = words.next().ok_or("something is missing")?;
            let mut value = Operand::read(word)?;
            if let Operand::Number(number) = &mut value
                && let Some(unit) = words.peek().and_then(|word| unit(word))
            {
                *number *= unit;
                words.next();
            }
            factors.push(Factor { divides, value });
            let Some(operator) = words.next() else {
                terms.push((sign, factors));
                return Ok(Self(terms));
            };
            divides = *operator == "/";
            match *operator {
                "*" | "×" | "/" => continue,
                "+" | "-" => terms.push((sign, std::mem::take(&mut factors))),
                other => return Err(format!("`{other}` is no operator")),
            }
            sign = if *operator == "-" { -1.0 } else { 1.0 };
        }
    }

    fn value(&self, known: &impl Fn(&str, Figure) -> Option<f64>) -> Option<f64> {
        let mut sum = 0.0;
        for (sign, factors) in &self.0 {
            let mut product = *sign;
            for factor in factors {
                let value = match &factor.value {
                    Operand::Number(number) => *number,
                    Operand::Figure(variant, figure) => known(variant, *figure)?,
                };
                product = if factor.divides {
                    product / value
                } else {
                    product * value
                };
            }
            sum += product;
        }
        Some(sum)
    }
}

impl Operand {
    fn read(word: &str) -> Result<Self, String> {
        if let Ok(number) = word.parse() {
            return Ok(Self::Number(number));
        }
        let (variant, figure) = match word.split_once('.') {
            None => (word, Figure::Cost),
            Some((variant, name)) => {
                let figure = Figure::named(name);
                (
                    variant,
                    figure.ok_or_else(|| format!("no figure is named `{name}`"))?,
                )
            }
        };
        if !variant.starts_with(char::is_alphabetic) {
            return Err(format!("`{word}` is neither a number nor a variant"));
        }
        Ok(Self::Figure(variant.to_owned(), figure))
    }
}

fn unit(word: &str) -> Option<f64> {
    UNITS
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, size)| *size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(text: &str) -> Budget {
        Budget::try_from(text.to_owned()).unwrap()
    }

    fn sides(text: &str) -> Option<(f64, f64)> {
        budget(text).sides(|variant, figure| match (variant, figure) {
            ("ours", Figure::Cost) => Some(2.0),
            ("floor", Figure::Cost) => Some(1.5),
            ("native-10", Figure::P99) => Some(200_000.0),
            ("ours", Figure::Bytes) => Some(439_000.0),
            _ => None,
        })
    }

    #[test]
    fn limits_are_computed_as_written() {
        assert_eq!(sides("ours <= floor + 0.7 µs"), Some((2.0, 2.2)));
        assert_eq!(sides("ours ≤ 1.5 * floor"), Some((2.0, 2.25)));
        assert_eq!(sides("ours <= floor / 3 - 1 ns"), Some((2.0, 0.499)));
        assert_eq!(
            sides("native-10.p99 <= 0.1 s"),
            Some((200_000.0, 100_000.0))
        );
        assert_eq!(sides("ours.bytes <= 500 KB"), Some((439_000.0, 500_000.0)));
        assert_eq!(sides("ours <= nobody"), None);
    }

    #[test]
    fn it_knows_what_it_speaks_of() {
        let budget = budget("ours.p99 <= 1.1 * native.p99");
        assert_eq!(budget.variants().collect::<Vec<_>>(), ["ours", "native"]);
        assert_eq!(budget.figure(), Figure::P99);
        assert_eq!(budget.to_string(), "ours.p99 <= 1.1 * native.p99");
    }

    #[test]
    fn nonsense_is_refused() {
        for (text, problem) in [
            ("ours", "write `ours <= limit`"),
            ("ours <= 1 <= 2", "write `ours <= limit`"),
            ("ours <=", "something is missing"),
            ("ours <= 1 +", "something is missing"),
            ("ours <= 1 parsec", "`parsec` is no operator"),
            ("ours.weight <= 1", "no figure is named `weight`"),
            (
                "ours <= 3native",
                "`3native` is neither a number nor a variant",
            ),
        ] {
            let error = Budget::try_from(text.to_owned()).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }
}
