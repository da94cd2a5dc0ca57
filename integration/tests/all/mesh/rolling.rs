//! A release that takes over while requests come: none fails, and at the end none is for the old one.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use integration::client::Client;
use integration::mesh::{Mesh, shipped_text, version_of};
use integration::service::wait::until;

use super::rows::get;

/// How many connections ask at once, one request after the other.
const CLIENTS: usize = 3;
/// How many requests each step is looked at for.
const EACH: usize = 1_000;
const SOON: Duration = Duration::from_secs(120);

/// What came of requests, by the step in which each began and ended: an even one holds still, an odd one is a change.
#[derive(Default)]
struct Load {
    step: AtomicUsize,
    is_over: AtomicBool,
    answers: Mutex<BTreeMap<(usize, String), usize>>,
}

impl Load {
    fn ask(&self, client: &Client) {
        let connection = client.connect();
        while !self.is_over.load(Ordering::SeqCst) {
            let began = self.step.load(Ordering::SeqCst);
            let answer = connection.try_send(get("reviews:9080", "/reviews/0"));
            let ended = self.step.load(Ordering::SeqCst);
            // What was under way at the end of a change belongs to the change.
            let step = if began == ended {
                ended
            } else {
                began.min(ended) | 1
            };
            let what = match &answer {
                Ok(answer) => version_of(answer),
                Err(broken) => broken.to_string(),
            };
            let broke = answer.is_err();
            let mut answers = self.answers.lock().unwrap();
            *answers.entry((step, what)).or_default() += 1;
            drop(answers);
            if broke {
                return;
            }
        }
    }

    /// Those of a step, by version.
    fn of(&self, step: usize) -> BTreeMap<String, usize> {
        let answers = self.answers.lock().unwrap();
        let own = answers.iter().filter(|((one, _), _)| *one == step);
        own.map(|((_, what), count)| (what.clone(), *count))
            .collect()
    }

    /// Waits until a step has been looked at for long enough.
    #[track_caller]
    fn settle(&self, step: usize) -> BTreeMap<String, usize> {
        let enough = || (self.of(step).values().sum::<usize>() >= EACH).then_some(());
        assert!(until(SOON, enough).is_some(), "{:?}", self.answers.lock());
        self.of(step)
    }
}

#[test]
fn nothing_fails_while_a_release_takes_over() {
    let mesh = Mesh::up(&["bookinfo", "split"]);
    let weights = |v1: u32, v2: u32| {
        let text = shipped_text("split");
        let text = text.replace("weight: 80", &format!("weight: {v1}"));
        text.replace("weight: 20", &format!("weight: {v2}"))
    };
    mesh.apply("split", &weights(90, 10));
    let page = mesh.from("productpage-v1");
    let load = Load::default();
    let steps = std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| load.ask(&page));
        }
        // Whatever becomes of the steps, the load ends.
        let over = Over(&load.is_over);
        let mut steps = vec![load.settle(0)];
        for (v1, v2) in [(50, 50), (0, 100)] {
            load.step.fetch_add(1, Ordering::SeqCst);
            mesh.apply("split", &weights(v1, v2));
            let step = load.step.fetch_add(1, Ordering::SeqCst) + 1;
            steps.push(load.settle(step));
        }
        drop(over);
        steps
    });
    let answers = load.answers.lock().unwrap().clone();
    let failed: Vec<_> = answers
        .iter()
        .filter(|((_, what), _)| !["v1", "v2"].contains(&what.as_str()))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    let of = |step: usize, version: &str| steps[step].get(version).copied().unwrap_or_default();
    let all = |step: usize| steps[step].values().sum::<usize>();
    // There is no second chance here as where shares are measured, so it is the move that is looked at.
    for (step, share) in [(0, 0.1), (1, 0.5)] {
        let found = of(step, "v2") as f64 / all(step) as f64;
        assert!((found - share).abs() < 0.07, "{share}: {:?}", steps[step]);
    }
    assert_eq!((of(2, "v1"), of(2, "v2")), (0, all(2)));
}

/// Ends the load when dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
