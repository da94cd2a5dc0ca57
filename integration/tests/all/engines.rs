//! Languages that users write in and Envoy reads: what its own engines answer, beside what ours do.

mod evaluated_here;
mod expressions;
mod places;
mod regexes;
