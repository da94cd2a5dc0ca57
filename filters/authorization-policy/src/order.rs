//! Sorting, once for all that is sorted: each kind of element would add its own kilobytes.

use std::cmp::Ordering;

/// Puts numbers in order; equals stay as they are.
pub(crate) fn sort(numbers: &mut [u32], compare: &dyn Fn(u32, u32) -> Ordering) {
    numbers.sort_by(|one, other| compare(*one, *other));
}

/// The numbers from 0 to `count - 1`, in order.
pub(crate) fn sorted(count: usize, compare: &dyn Fn(u32, u32) -> Ordering) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0u32..).take(count).collect();
    sort(&mut numbers, compare);
    numbers
}
