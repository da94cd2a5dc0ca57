//! How far a stream has come in a chain.

use std::rc::Rc;

use smallvec::SmallVec;

use crate::claims::{self, Claims};
use crate::decision::Record;
use crate::headers::HeaderEdit;
use crate::world::{Attributes, Contended, Roll, Step, Timestamp, World};

/// How far a stream has come in a [`Chain`](super::Chain), and what the filters that it has passed left
/// behind.
#[derive(Debug, Default)]
pub struct Passage {
    /// How many filters have been asked.
    reached: usize,
    claims: Option<Rc<Claims>>,
    /// Filter state, the last value of each name.
    state: Vec<(Rc<str>, Rc<[u8]>)>,
    /// Changes to the response, and the filter they are of.
    response: SmallVec<[(usize, Vec<HeaderEdit>); 1]>,
}

impl Passage {
    /// On to the next of so many filters: the one to ask now, or none after the last.
    pub fn next(&mut self, stages: usize) -> Option<usize> {
        let next = self.reached;
        (next < stages).then(|| {
            self.reached = next.saturating_add(1);
            next
        })
    }

    /// The filter that was asked last: whose decision it is.
    pub fn stage(&self) -> usize {
        self.reached.saturating_sub(1)
    }

    /// The filters that see the response, in the order they do. Those behind the one that answered
    /// never saw the request, and Envoy's filters have it the same way.
    pub fn response_stages(&self) -> impl Iterator<Item = usize> + use<> {
        (0..self.reached).rev()
    }

    /// Hands what a filter left over to those that come after it.
    pub fn hand_over(&mut self, record: Record) {
        if record.claims.is_some() {
            self.claims = record.claims;
        }
        for (key, value) in record.state {
            match self.state.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) => *known = value,
                None => self.state.push((key, value)),
            }
        }
    }

    /// Keeps what the filter whose decision it is wants changed in the response, whoever gives it.
    pub fn change_response(&mut self, edits: Vec<HeaderEdit>) {
        if !edits.is_empty() {
            self.response.push((self.stage(), edits));
        }
    }

    /// Whether any filter wanted anything changed in the response.
    pub fn changes_response(&self) -> bool {
        !self.response.is_empty()
    }

    /// What a filter wanted changed in the response, in order.
    pub fn response_edits(&self, stage: usize) -> impl Iterator<Item = &HeaderEdit> {
        let of_it = move |(of, _): &&(usize, Vec<HeaderEdit>)| *of == stage;
        self.response
            .iter()
            .filter(of_it)
            .flat_map(|(_, edits)| edits)
    }

    /// The response has been given, with all that was to be changed in it.
    pub fn respond(&mut self) {
        self.response.clear();
    }

    /// The filter whose decision it is answers: its answer has the headers that it is to have. Those
    /// before it change it as they would any other.
    pub fn answer(&mut self) {
        let stage = self.stage();
        self.response.retain(|(of, _)| *of != stage);
    }
}

/// The world as a filter sees it behind others: with what they handed over.
pub struct HandedOver<'a> {
    /// The world without.
    pub world: &'a dyn World,
    /// Where it comes from.
    pub passage: &'a Passage,
    /// Whether filter state has the claims too: what reads them there finds what the host has.
    pub claims_in_state: bool,
    /// See [`World::shows_stream`].
    pub shows_stream: bool,
}

impl Attributes for HandedOver<'_> {
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        if let ["filter_state", key] = path
            && let Some(key) = key.strip_prefix("wasm.")
        {
            if let Some((_, value)) = self.passage.state.iter().find(|(of, _)| **of == *key) {
                return Some(value.to_vec());
            }
            if key == claims::STATE
                && let (Some(claims), true) = (&self.passage.claims, self.claims_in_state)
            {
                return Some(claims.json().to_vec());
            }
        }
        self.world.property(path)
    }

    fn claims(&self) -> Option<Rc<Claims>> {
        self.passage.claims.clone().or_else(|| self.world.claims())
    }
}

impl World for HandedOver<'_> {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn monotonic(&self) -> u64 {
        self.world.monotonic()
    }

    fn roll(&self) -> Roll {
        self.world.roll()
    }

    fn active(&self) -> u64 {
        self.world.active()
    }

    fn update(&self, cell: &str, step: &mut Step<'_>) -> Result<(), Contended> {
        self.world.update(cell, step)
    }

    fn shows_stream(&self) -> bool {
        self.shows_stream
    }

    fn host_function(&self, name: &str, argument: &[u8]) -> Option<Vec<u8>> {
        self.world.host_function(name, argument)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fake::FakeWorld;
    use serde_json::json;

    fn set(name: &'static str) -> HeaderEdit {
        HeaderEdit::Set(name.into(), b"1".to_vec())
    }

    fn names(passage: &Passage) -> Vec<(usize, Vec<&str>)> {
        let stages = passage.response_stages();
        let of = |stage| passage.response_edits(stage).map(HeaderEdit::name);
        stages.map(|stage| (stage, of(stage).collect())).collect()
    }

    #[test]
    fn each_filter_is_asked_once_and_in_order() {
        let mut passage = Passage::default();
        assert_eq!(passage.next(2), Some(0));
        assert_eq!(passage.stage(), 0);
        assert_eq!(passage.next(2), Some(1));
        assert_eq!(passage.stage(), 1);
        assert_eq!(passage.next(2), None);
        assert_eq!(passage.stage(), 1);
        assert_eq!(Passage::default().next(0), None);
    }

    #[test]
    fn the_response_passes_those_that_saw_the_request_backwards() {
        let mut passage = Passage::default();
        assert_eq!(names(&passage), []);
        passage.next(4);
        passage.change_response(vec![set("a"), set("b")]);
        passage.next(4);
        passage.next(4);
        passage.change_response(vec![set("c")]);
        assert_eq!(
            names(&passage),
            [(2, vec!["c"]), (1, vec![]), (0, vec!["a", "b"])]
        );
        passage.answer();
        assert_eq!(
            names(&passage),
            [(2, vec![]), (1, vec![]), (0, vec!["a", "b"])]
        );
    }

    #[test]
    fn what_is_left_is_seen_by_those_that_come_after() {
        let world = FakeWorld::new();
        world.set_property(&["filter_state", "wasm.tag"], "of the host");
        world.set_property(&["filter_state", "tag"], "another");
        let mut passage = Passage::default();
        let seen = |passage: &Passage, path: &[&str], claims_in_state| {
            let world = &world;
            let handed_over = HandedOver {
                world,
                passage,
                claims_in_state,
                shows_stream: true,
            };
            handed_over.property(path)
        };
        let tag = ["filter_state", "wasm.tag"];
        assert_eq!(seen(&passage, &tag, true), Some(b"of the host".to_vec()));
        for value in ["1", "2"] {
            let claims = Some(Rc::new(Claims::new(json!({"sub": value}))));
            passage.hand_over(Record {
                state: vec![("tag".into(), value.as_bytes().into())],
                claims,
                ..Record::default()
            });
        }
        passage.hand_over(Record::default());
        assert_eq!(seen(&passage, &tag, true), Some(b"2".to_vec()));
        let other = ["filter_state", "tag"];
        assert_eq!(seen(&passage, &other, true), Some(b"another".to_vec()));
        let json = Some(br#"{"sub":"2"}"#.to_vec());
        assert_eq!(seen(&passage, &claims::PATH, true), json);
        assert_eq!(seen(&passage, &claims::PATH, false), None);
        let handed_over = HandedOver {
            world: &world,
            passage: &passage,
            claims_in_state: false,
            shows_stream: false,
        };
        assert!(!handed_over.shows_stream());
        let claims = Claims::read(&handed_over).expect("claims");
        assert_eq!(*claims, Claims::new(json!({"sub": "2"})));
    }
}
