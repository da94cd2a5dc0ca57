//! The fields of a mapping as one table: what reads them, and all that is said of them.

use super::reader::Node;

/// Defines the mapping that a user writes from one list of its fields:
///
/// ```
/// use sdk_helpers::config::kind::DurationText;
///
/// sdk_helpers::fields! {
///     /// A delay and how often.
///     pub struct DelayWire {
///         /// how long the request is held
///         pub fixed_delay as "fixedDelay": DurationText { kind: "duration, ≥ 1 ms", istio: "same" },
///         /// of a hundred requests, how many
///         pub percent: u32 { default: "0", istio: "same", within: Some((0.0, 100.0)) },
///     }
/// }
///
/// # let _ = DelayWire::default();
/// ```
///
/// Each field is a name, the name a user writes where that is another (in camel case; snake case is
/// read too), its [kind](super::kind::FieldKind), and what else there is to say of it
/// ([`Notes`](super::table::Notes)); its comment is its meaning, as the README has it. A field in
/// the struct is an `Option` of what its kind is read into: nothing where the field is absent or null.
///
/// `struct X as "Y"` names a mapping that stands in several places and is described in one.
///
/// `[spec]` behind a kind says that the field belongs to the `spec` of an object of Kubernetes, and
/// `[spec: "changes nothing here"]` that a mesh reads it and the filter does not, with the reason.
/// [`Envelope`](super::Envelope) takes those from `X::SPEC`, `X::LISTS` and `X::PASSED_OVER`; `X::FIELDS` are all names.
#[macro_export]
macro_rules! fields {
    (
        $(#[doc = $about:literal])*
        $(#[derive($($derive:ident),* $(,)?)])?
        $vis:vis struct $table:ident $(as $called:literal)? {
            $(
                $(#[doc = $meaning:literal])*
                $field_vis:vis $field:ident $(as $written:literal)? : $kind:ty
                $([$spec:ident $(: $why:literal)?])?
                $({ $($note:ident : $says:expr),* $(,)? })?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Default, $($($derive),*)?)]
        $vis struct $table {
            $(
                $(#[doc = $meaning])*
                $field_vis $field:
                    ::core::option::Option<<$kind as $crate::config::kind::FieldKind>::Value>,
            )*
        }

        #[allow(dead_code, reason = "only a configuration and its entries have an envelope")]
        impl $table {
            /// The names of all fields.
            $vis const FIELDS: &'static [&'static str] =
                &[$($crate::written!($field $(as $written)?)),*];
            const IN_SPEC: &'static [bool] = &[$($crate::in_spec!($($spec)?)),*];
            /// Those that belong to the `spec` of an object.
            $vis const SPEC: &'static [&'static str] =
                &$crate::picked!("", $table::FIELDS, $table::IN_SPEC);
            const IS_LIST: &'static [bool] = &[$(
                $crate::in_spec!($($spec)?) && <$kind as $crate::config::kind::FieldKind>::IS_LIST
            ),*];
            /// The lists among those.
            $vis const LISTS: &'static [&'static str] =
                &$crate::picked!("", $table::FIELDS, $table::IS_LIST);
            const WHY: &'static [(&'static str, &'static str)] = &[$(
                ($crate::written!($field $(as $written)?), concat!($($($why)?)?))
            ),*];
            const IS_PASSED: &'static [bool] = &[$(!concat!($($($why)?)?).is_empty()),*];
            /// Those that say nothing to a filter, with the reason.
            $vis const PASSED_OVER: &'static [(&'static str, &'static str)] =
                &$crate::picked!(("", ""), $table::WHY, $table::IS_PASSED);
        }

        impl $crate::config::kind::FieldKind for $table {
            type Value = $table;

            fn read(node: $crate::config::Node<'_>) -> $table {
                #[derive(Clone, Copy)]
                #[allow(non_camel_case_types, reason = "named as the fields are")]
                enum Place { $($field),* }
                const PLACES: &[Place] = &[$(Place::$field),*];
                $crate::config::fields::read($table::FIELDS, node, |wire: &mut $table, place, node| {
                    match PLACES.get(place) {
                        $(
                            Some(Place::$field) => {
                                $crate::config::kind::read_into::<$kind>(&mut wire.$field, node);
                            }
                        )*
                        None => {}
                    }
                })
            }

            fn describe() -> $crate::config::table::Type {
                use $crate::config::table;
                table::Type::Table(table::Table {
                    called: None $(.or(Some($called)))?,
                    name: stringify!($table),
                    about: table::sentence(&[$($about),*]),
                    fields: vec![
                        $(table::Field {
                            name: $crate::written!($field $(as $written)?),
                            kind: <$kind as $crate::config::kind::FieldKind>::describe(),
                            meaning: table::sentence(&[$($meaning,)* $($($why)?)?]),
                            notes: $crate::notes!($($($note: $says),*)?),
                        }),*
                    ],
                })
            }
        }

    };
}

/// The name that a user writes.
#[doc(hidden)]
#[macro_export]
macro_rules! written {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident as $written:literal) => {
        $written
    };
}

/// Whether a field belongs to a `spec`.
#[doc(hidden)]
#[macro_export]
macro_rules! in_spec {
    () => {
        false
    };
    (spec) => {
        true
    };
}

/// Reads a mapping by the names of its fields.
#[doc(hidden)]
pub fn read<T: Default>(
    fields: &[&str],
    node: Node<'_>,
    read: impl Fn(&mut T, usize, Node<'_>),
) -> T {
    let mut wire = T::default();
    node.fields(fields, &mut |place, node| read(&mut wire, place, node));
    wire
}

/// The elements of a list of which it is true.
#[doc(hidden)]
#[macro_export]
macro_rules! picked {
    ($empty:expr, $list:expr, $is:expr) => {
        $crate::config::fields::picked::<_, { $crate::config::fields::count($is) }>(
            $empty, $list, $is,
        )
    };
}

#[doc(hidden)]
pub const fn count(mut is: &[bool]) -> usize {
    let mut count = 0;
    while let [first, rest @ ..] = is {
        if *first {
            count += 1;
        }
        is = rest;
    }
    count
}

#[doc(hidden)]
#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse it"
)]
pub const fn picked<T: Copy, const COUNT: usize>(
    empty: T,
    mut list: &[T],
    mut is: &[bool],
) -> [T; COUNT] {
    let mut picked = [empty; COUNT];
    let mut next = 0;
    while let ([element, list_left @ ..], [first, is_left @ ..]) = (list, is) {
        if *first {
            picked[next] = *element;
            next += 1;
        }
        (list, is) = (list_left, is_left);
    }
    picked
}

/// What is said of a field.
#[doc(hidden)]
#[macro_export]
macro_rules! notes {
    () => {
        $crate::config::table::Notes::NONE
    };
    ($($note:ident : $says:expr),+) => {
        $crate::config::table::Notes {
            $($note: $says,)+
            ..$crate::config::table::Notes::NONE
        }
    };
}

/// Defines an enum of the words that a field may be, each written as the literal behind it. Where it
/// is none of them, which is reported, the first stands in for it.
#[macro_export]
macro_rules! words {
    (
        $(#[$about:meta])*
        $vis:vis enum $words:ident {
            $(#[$first_about:meta])*
            $first:ident = $first_word:literal
            $(, $(#[$rest_about:meta])* $rest:ident = $rest_word:literal)* $(,)?
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $words {
            $(#[$first_about])*
            $first,
            $($(#[$rest_about])* $rest),*
        }

        impl $words {
            const WORDS: &'static [&'static str] = &[$first_word, $($rest_word),*];

            /// As a user writes it.
            #[allow(dead_code, reason = "for messages, where there are any")]
            $vis const fn word(self) -> &'static str {
                match self {
                    $words::$first => $first_word,
                    $($words::$rest => $rest_word),*
                }
            }
        }

        impl $crate::config::kind::FieldKind for $words {
            type Value = $words;

            fn read(node: $crate::config::Node<'_>) -> $words {
                const ALL: &[$words] = &[$words::$first, $($words::$rest),*];
                let word = ALL.get(node.one_of($words::WORDS));
                word.copied().unwrap_or($words::$first)
            }

            fn describe() -> $crate::config::table::Type {
                $crate::config::table::Type::Words($words::WORDS)
            }
        }
    };
}
