//! Choices out of a seed.

use fastrand::Rng;

/// One of these.
pub(crate) fn one<'a, T>(dice: &mut Rng, from: &'a [T]) -> &'a T {
    &from[dice.usize(..from.len())]
}

/// Whether something happens that does so once in so many times.
pub(crate) fn once_in(dice: &mut Rng, times: usize) -> bool {
    dice.usize(..times) == 0
}

/// Some of these, in an order of their own.
pub(crate) fn some<T: Clone>(dice: &mut Rng, from: &[T], count: usize) -> Vec<T> {
    let mut all = from.to_vec();
    dice.shuffle(&mut all);
    all.truncate(count);
    all
}
