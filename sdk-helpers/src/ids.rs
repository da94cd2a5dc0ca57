//! Lists whose entries are known by a number of their own type: the id of an outcome finds no gauge.
//!
//! Only a list makes ids, of what is added to it, so an id never names what is not there, and nobody
//! counts places.

use std::marker::PhantomData;

/// An id of one kind.
pub trait Id: Copy + sealed::Place {}

mod sealed {
    /// What an id is within this crate: a place in its list.
    pub trait Place {
        fn of(place: usize) -> Self;
        fn place(self) -> usize;
    }
}

/// Makes an [`Id`].
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(usize);

        impl Id for $name {}

        impl sealed::Place for $name {
            fn of(place: usize) -> Self {
                $name(place)
            }

            fn place(self) -> usize {
                self.0
            }
        }
    };
}

id! {
    /// One of a filter's [`Outcomes`](crate::Outcomes).
    OutcomeId
}

id! {
    /// One of a filter's [`Gauges`](crate::Gauges).
    GaugeId
}

id! {
    /// One of the series that a filter adds samples to; see [`Filter::series`](crate::Filter::series).
    SeriesId
}

/// A list of `T`, each known by an id.
#[derive(Debug, Clone)]
pub struct ById<I, T> {
    list: Vec<T>,
    id: PhantomData<fn() -> I>,
}

impl<I, T> Default for ById<I, T> {
    fn default() -> Self {
        ById::new()
    }
}

impl<I, T> ById<I, T> {
    /// An empty one.
    pub const fn new() -> Self {
        ById {
            list: Vec::new(),
            id: PhantomData,
        }
    }

    /// All of them, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.list.iter()
    }

    /// What is known of each, by the same ids.
    pub fn map<U>(&self, what: impl FnMut(&T) -> U) -> ById<I, U> {
        ById {
            list: self.list.iter().map(what).collect(),
            id: PhantomData,
        }
    }
}

impl<I: Id, T> ById<I, T> {
    /// Adds one.
    pub fn add(&mut self, one: T) -> I {
        let id = I::of(self.list.len());
        self.list.push(one);
        id
    }

    /// The one of this id; none where the id is of another list.
    pub fn get(&self, id: I) -> Option<&T> {
        self.list.get(id.place())
    }

    /// What is kept of one that another list knows; its default if nothing was kept yet.
    pub fn kept(&mut self, id: I) -> Option<&mut T>
    where
        T: Default,
    {
        let place = id.place();
        if self.list.len() <= place {
            self.list.resize_with(place.saturating_add(1), T::default);
        }
        self.list.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_finds_what_it_was_given_for() {
        let mut list = ById::<GaugeId, &str>::default();
        let (a, b) = (list.add("a"), list.add("b"));
        assert_eq!((list.get(a), list.get(b)), (Some(&"a"), Some(&"b")));
        let lengths = list.map(|text| text.len());
        assert_eq!(lengths.get(b), Some(&1));
        assert_eq!(ById::<GaugeId, &str>::new().get(b), None);
        assert_eq!(list.iter().collect::<Vec<_>>(), [&"a", &"b"]);
    }

    #[test]
    fn what_is_kept_beside_a_list_begins_as_its_default() {
        let mut list = ById::<SeriesId, ()>::new();
        let (first, second) = (list.add(()), list.add(()));
        let mut kept = ById::<SeriesId, Option<u32>>::new();
        *kept.kept(second).expect("a place") = Some(7);
        assert_eq!(kept.kept(first), Some(&mut None));
        assert_eq!(kept.get(second), Some(&Some(7)));
    }
}
