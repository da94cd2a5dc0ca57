//! Policies and requests drawn at random from few enough values that they meet.

mod alone;
mod policies;
mod requests;

use fastrand::Rng;

pub(crate) use alone::{About, Alone, conditions, requests};
pub(crate) use policies::config;
pub(crate) use requests::{Drawn, drawn};

/// One of these.
fn one<'a>(dice: &mut Rng, values: &[&'a str]) -> &'a str {
    values[dice.usize(..values.len())]
}

/// True once in so many times.
fn once_in(dice: &mut Rng, times: u32) -> bool {
    dice.u32(..times) == 0
}
