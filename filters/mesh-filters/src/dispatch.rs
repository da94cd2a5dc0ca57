//! From a stage to its filter. Each filter keeps its type, so that a call to one is a call, its memory
//! stands in the stream's, and nothing is allocated to tell them apart.

/// What is done with the filter of a stage; `$none` where there is no such stage.
macro_rules! filter_at {
    ($chain:ident, $stage:expr, $filter:ident => $what:expr, $none:expr) => {{
        macro_rules! of {
            ($own:ident) => {
                match &$chain.filters.$own {
                    Some($filter) => $what,
                    None => $none,
                }
            };
        }
        match $chain.order.get($stage) {
            Some($crate::Place::Custom) => of!(custom),
            Some($crate::Place::Tokens) => of!(tokens),
            Some($crate::Place::Policies) => of!(policies),
            Some($crate::Place::Limits) => of!(limits),
            Some($crate::Place::Faults) => of!(faults),
            Some($crate::Place::Tags) => of!(tags),
            None => $none,
        }
    }};
}

/// The same with what the filter remembers of the stream.
macro_rules! filter_with_memory {
    ($chain:ident, $memory:ident, $stage:expr, ($filter:ident, $own:ident) => $what:expr, $none:expr) => {{
        macro_rules! of {
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
        match $chain.order.get($stage) {
            Some($crate::Place::Custom) => of!(custom),
            Some($crate::Place::Tokens) => of!(tokens),
            Some($crate::Place::Policies) => of!(policies),
            Some($crate::Place::Limits) => of!(limits),
            Some($crate::Place::Faults) => of!(faults),
            Some($crate::Place::Tags) => of!(tags),
            None => $none,
        }
    }};
}

pub(crate) use {filter_at, filter_with_memory};
