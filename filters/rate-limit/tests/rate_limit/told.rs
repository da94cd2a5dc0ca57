//! What a client is told is left: what is there, whoever refuses, and whoever is faster.

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use rate_limit::RateLimit;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::world::{Attributes, Contended, Roll, Step, Timestamp, World};
use sdk_helpers::{BackgroundEvent, Decision, Filter, HeaderEdit, Headers, Request, load};
use serde_json::{Value, json};

fn filter(config: &Value) -> RateLimit {
    let loaded = load::<RateLimit>(config.to_string().as_bytes(), &FakeWorld::new());
    loaded.expect("a configuration").filter
}

/// Whether a request passed, and what each limit that counted it has left.
fn send(
    filter: &RateLimit,
    world: &dyn World,
    headers: &[(String, String)],
) -> (bool, BTreeMap<String, u32>) {
    let request = Request::new(Headers::from_pairs(headers.iter().cloned()));
    let (passed, headers) = match filter.on_request(&request, world, &mut None) {
        Decision::Reply(reply) => (false, reply.headers),
        Decision::Continue(edits) => {
            let header = |edit| match edit {
                HeaderEdit::AddPart(name, value) => (name.into(), value.to_vec()),
                other => panic!("{other:?}"),
            };
            (true, edits.response.into_iter().map(header).collect())
        }
        other => panic!("{other:?}"),
    };
    let told = headers.iter().find(|(name, _)| name == "ratelimit");
    let told = told.map_or("", |(_, value)| std::str::from_utf8(value).unwrap());
    let left = told.split(", ").filter(|one| !one.is_empty()).map(|one| {
        let mut fields = one.split(';');
        let name = fields.next().unwrap().trim_matches('"').to_owned();
        let left = fields.next().unwrap().strip_prefix("r=").unwrap();
        (name, left.parse().unwrap())
    });
    (passed, left.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// While time stands still every limit has what it had, less what passed.
    #[test]
    fn every_limit_is_told_of_as_it_is(
        bursts in prop::collection::vec(1u32..8, 1..4),
        requests in prop::collection::vec(prop::collection::vec((any::<bool>(), 1u32..5), 3), 1..30),
    ) {
        let limits: Vec<Value> = bursts.iter().enumerate().map(|(index, burst)| json!({
            "name": index.to_string(), "requests": burst, "per": "1h",
            "match": [{"headers": {format!("x-in-{index}"): {}}}],
            "cost": {"header": format!("x-cost-{index}"), "max": 9},
        })).collect();
        let (filter, world) = (filter(&json!({"limits": limits})), FakeWorld::new());
        let mut left = bursts.clone();
        for request in requests {
            let mut headers = vec![];
            let mut fits = true;
            let wanted = || request.iter().enumerate().take(bursts.len()).filter(|(_, (counts, _))| *counts);
            for (index, (_, cost)) in wanted() {
                headers.push((format!("x-in-{index}"), String::new()));
                headers.push((format!("x-cost-{index}"), cost.to_string()));
                fits &= *cost <= left[index];
            }
            if fits {
                wanted().for_each(|(index, (_, cost))| left[index] -= cost);
            }
            let expected = wanted().map(|(index, _)| (index.to_string(), left[index])).collect();
            prop_assert_eq!(send(&filter, &world, &headers), (fits, expected));
        }
    }
}

/// A world in which another worker's request comes before one of the steps.
struct Raced<'a> {
    world: &'a FakeWorld,
    other: &'a dyn Fn(),
    /// How many steps before it.
    before: Cell<usize>,
}

impl Attributes for Raced<'_> {
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        self.world.property(path)
    }
}

impl World for Raced<'_> {
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
        if self.before.get() == 0 {
            (self.other)();
        }
        self.before.set(self.before.get().wrapping_sub(1));
        self.world.update(cell, step)
    }

    fn host_function(&self, name: &str, argument: &[u8]) -> Option<Vec<u8>> {
        self.world.host_function(name, argument)
    }
}

/// What was taken and put back again is told of as there.
#[test]
fn a_race_that_is_lost_costs_the_others_nothing() {
    let config = json!({"limits": [
        {"name": "wide", "match": [{"headers": {"x-both": {}}}], "requests": 5, "per": "1h"},
        {"name": "narrow", "requests": 1, "per": "1h"},
    ]});
    let both = [("x-both".to_owned(), String::new())];
    let left =
        |wide, narrow| BTreeMap::from([("wide".to_owned(), wide), ("narrow".to_owned(), narrow)]);
    // Two looks and two charges: the other empties the narrow one before each of them.
    for before in 0..4 {
        let (filter, world) = (filter(&config), FakeWorld::new());
        // The seed is chosen, which is a step too.
        let _ = filter.background(BackgroundEvent::Loaded, &world);
        let other = || assert!(send(&filter, &world, &[]).0);
        let raced = Raced {
            world: &world,
            other: &other,
            before: Cell::new(before),
        };
        assert_eq!(
            send(&filter, &raced, &both),
            (false, left(5, 0)),
            "{before}"
        );
        assert_eq!(
            send(&filter, &world, &both),
            (false, left(5, 0)),
            "{before}"
        );
    }
}
