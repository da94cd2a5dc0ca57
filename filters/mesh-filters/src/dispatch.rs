//! From a stage to its filter. Each filter keeps its type, so that a call to one is a call, its memory
//! stands in the stream's, and nothing is allocated to tell them apart.

/// Calls a macro with the field of the filter of a stage; `$none` where there is no such stage.
macro_rules! field_at {
    ($chain:ident, $stage:expr, $with:ident, $none:expr) => {
        match $chain.order.get($stage) {
            Some($crate::Place::Custom) => $with!(custom),
            Some($crate::Place::Tokens) => $with!(tokens),
            Some($crate::Place::Policies) => $with!(policies),
            Some($crate::Place::Limits) => $with!(limits),
            Some($crate::Place::Faults) => $with!(faults),
            Some($crate::Place::Tags) => $with!(tags),
            None => $none,
        }
    };
}

/// What is done with the filter of a stage.
macro_rules! filter_at {
    ($chain:ident, $stage:expr, $filter:ident => $what:expr, $none:expr) => {{
        macro_rules! with {
            ($of:ident) => {
                match &$chain.filters.$of {
                    Some($filter) => $what,
                    None => $none,
                }
            };
        }
        $crate::dispatch::field_at!($chain, $stage, with, $none)
    }};
}

/// The same with what the filter remembers of the stream.
macro_rules! filter_with_memory {
    ($chain:ident, $memory:ident, $stage:expr, ($filter:ident, $own:ident) => $what:expr, $none:expr) => {{
        macro_rules! with {
            ($of:ident) => {
                match &$chain.filters.$of {
                    Some($filter) => {
                        let $own = &mut $memory.$of;
                        $what
                    }
                    None => $none,
                }
            };
        }
        $crate::dispatch::field_at!($chain, $stage, with, $none)
    }};
}

pub(crate) use {field_at, filter_at, filter_with_memory};
