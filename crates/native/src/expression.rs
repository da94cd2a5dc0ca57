//! Conditions of Envoy's, which nest as they like, as alternatives of plain lists, which is all that policies
//! of ours have.

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression<A> {
    /// All of them; none at all always holds.
    All(Vec<Expression<A>>),
    /// Any of them; none at all never holds.
    Any(Vec<Expression<A>>),
    Not(Box<Expression<A>>),
    Atom(A),
    /// What ours has no word for. What it is taken for is up to whoever asks.
    Unknown,
}

/// What a condition is made of.
pub(crate) trait Atom: Clone + PartialEq {
    /// One that holds where either does, if there is such a one.
    fn or(&self, other: &Self) -> Option<Self>;
}

/// An atom that holds, or that does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal<A> {
    pub(crate) atom: A,
    pub(crate) negated: bool,
}

/// Literals that all hold.
pub(crate) type Conjunction<A> = Vec<Literal<A>>;

/// How many pairs are looked at for each alternative that there may be.
const PAIRS: usize = 16;

/// There would be more alternatives than anybody reads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl<A> Expression<A> {
    pub(crate) fn always() -> Self {
        Expression::All(Vec::new())
    }

    pub(crate) fn not(self) -> Self {
        Expression::Not(Box::new(self))
    }

    pub(crate) fn map<B>(self, atom: &mut dyn FnMut(A) -> Expression<B>) -> Expression<B> {
        let mut all = |list: Vec<Self>| list.into_iter().map(|one| one.map(atom)).collect();
        match self {
            Expression::All(list) => Expression::All(all(list)),
            Expression::Any(list) => Expression::Any(all(list)),
            Expression::Not(one) => one.map(atom).not(),
            Expression::Atom(one) => atom(one),
            Expression::Unknown => Expression::Unknown,
        }
    }
}

impl<A: Atom> Expression<A> {
    /// Its alternatives, at most `most`. `unknown` is what an unknown condition is taken for, and its opposite
    /// as well: with `false` they hold for no more than the expression does, with `true` for no less.
    pub(crate) fn alternatives(
        &self,
        unknown: bool,
        most: usize,
    ) -> Result<Vec<Conjunction<A>>, TooMany> {
        Ok(absorbed(self.under(false, unknown, most)?))
    }

    fn under(
        &self,
        negated: bool,
        unknown: bool,
        most: usize,
    ) -> Result<Vec<Conjunction<A>>, TooMany> {
        match (self, negated) {
            (Expression::Unknown, _) => Ok(if unknown {
                vec![Vec::new()]
            } else {
                Vec::new()
            }),
            (Expression::Not(one), _) => one.under(!negated, unknown, most),
            (Expression::Atom(atom), _) => Ok(vec![vec![Literal {
                atom: atom.clone(),
                negated,
            }]]),
            (Expression::All(list), false) | (Expression::Any(list), true) => {
                let mut all = vec![Vec::new()];
                for one in list {
                    all = product(&all, &one.under(negated, unknown, most)?, most)?;
                }
                Ok(all)
            }
            (Expression::Any(list), false) | (Expression::All(list), true) => {
                let mut any = Vec::new();
                for one in list {
                    for conjunction in one.under(negated, unknown, most)? {
                        add(&mut any, conjunction);
                    }
                    if any.len() > most {
                        return Err(TooMany);
                    }
                }
                // One that always holds needs no others.
                if any.iter().any(Vec::is_empty) {
                    any = vec![Vec::new()];
                }
                Ok(any)
            }
        }
    }
}

/// Both: each alternative with each.
pub(crate) fn product<A: Atom>(
    left: &[Conjunction<A>],
    right: &[Conjunction<A>],
    most: usize,
) -> Result<Vec<Conjunction<A>>, TooMany> {
    // Pairs may come to nothing, or to the same, and are work all the same.
    if left.len().saturating_mul(right.len()) > most.saturating_mul(PAIRS) {
        return Err(TooMany);
    }
    let mut all = Vec::new();
    for one in left {
        for other in right {
            let mut both = one.clone();
            for literal in other {
                narrow(&mut both, literal);
            }
            if !is_contradictory(&both) {
                add(&mut all, both);
            }
            if all.len() > most {
                return Err(TooMany);
            }
        }
    }
    Ok(absorbed(all))
}

/// Without the alternatives that ask for more than another does.
fn absorbed<A: Atom>(all: Vec<Conjunction<A>>) -> Vec<Conjunction<A>> {
    let asks_more = |(index, one): (usize, &Conjunction<A>)| {
        let mut others = all.iter().enumerate().filter(|(other, _)| *other != index);
        others.any(|(other, less)| {
            less.iter().all(|literal| one.contains(literal))
                // Of two alike the first is kept.
                && (less.len() < one.len() || other < index)
        })
    };
    let kept = all.iter().enumerate().filter(|one| !asks_more(*one));
    kept.map(|(_, one)| one.clone()).collect()
}

/// Adds an alternative; two of one atom are one alternative where one atom can say both.
fn add<A: Atom>(any: &mut Vec<Conjunction<A>>, conjunction: Conjunction<A>) {
    if any.contains(&conjunction) {
        return;
    }
    if let [
        Literal {
            atom,
            negated: false,
        },
    ] = conjunction.as_slice()
    {
        for other in any.iter_mut() {
            if let [
                Literal {
                    atom: first,
                    negated: false,
                },
            ] = other.as_mut_slice()
                && let Some(joined) = first.or(atom)
            {
                *first = joined;
                return;
            }
        }
    }
    any.push(conjunction);
}

/// Adds what must hold as well; of two opposites one atom can say that neither holds.
fn narrow<A: Atom>(all: &mut Conjunction<A>, literal: &Literal<A>) {
    if all.contains(literal) {
        return;
    }
    if literal.negated {
        for other in all.iter_mut().filter(|other| other.negated) {
            if let Some(joined) = other.atom.or(&literal.atom) {
                other.atom = joined;
                return;
            }
        }
    }
    all.push(literal.clone());
}

fn is_contradictory<A: Atom>(all: &Conjunction<A>) -> bool {
    all.iter().any(|one| {
        all.iter()
            .any(|other| one.atom == other.atom && one.negated != other.negated)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// That one of a few attributes has one of some values, as bits.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Among(usize, u8);

    impl Atom for Among {
        fn or(&self, other: &Self) -> Option<Self> {
            (self.0 == other.0).then_some(Among(self.0, self.1 | other.1))
        }
    }

    impl Among {
        fn holds(&self, values: [u8; 3]) -> bool {
            values
                .get(self.0)
                .is_some_and(|value| self.1 & (1 << value) != 0)
        }
    }

    fn expression() -> impl Strategy<Value = Expression<Among>> {
        let leaf = prop_oneof![
            8 => (0..3usize, 1..15u8).prop_map(|(attribute, values)| Expression::Atom(Among(attribute, values))),
            1 => Just(Expression::Unknown),
        ];
        leaf.prop_recursive(4, 20, 3, |inner| {
            let list = prop::collection::vec(inner.clone(), 0..4);
            prop_oneof![
                list.clone().prop_map(Expression::All),
                list.prop_map(Expression::Any),
                inner.prop_map(Expression::not),
            ]
        })
    }

    /// What it is, with every unknown condition held for true, or for false, whichever is asked for.
    fn holds(expression: &Expression<Among>, values: [u8; 3], unknown: bool) -> bool {
        let all = |list: &[Expression<Among>]| list.iter().all(|one| holds(one, values, unknown));
        let any = |list: &[Expression<Among>]| list.iter().any(|one| holds(one, values, unknown));
        match expression {
            Expression::All(list) => all(list),
            Expression::Any(list) => any(list),
            Expression::Not(one) => !holds(one, values, !unknown),
            Expression::Atom(atom) => atom.holds(values),
            Expression::Unknown => unknown,
        }
    }

    proptest! {
        /// Whatever an unknown condition turns out to be, no more holds with `false`, and no less with `true`.
        #[test]
        fn alternatives_are_what_they_are_made_of(expression in expression(), unknown: bool) {
            let Ok(alternatives) = expression.alternatives(unknown, 200) else {
                return Ok(());
            };
            prop_assert!(alternatives.len() <= 200);
            for index in 0..64u8 {
                let values = [index % 4, index / 4 % 4, index / 16];
                let found = alternatives.iter().any(|all| {
                    all.iter().all(|literal| literal.atom.holds(values) != literal.negated)
                });
                prop_assert_eq!(found, holds(&expression, values, unknown), "{:?}", values);
            }
        }
    }
}
