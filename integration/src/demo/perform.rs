//! Going through the script, and comparing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::by_hand::{self, Address};
use super::script::{Expect, SAMPLE, STEPS, Step};
use super::stage::{Stage, are_free};
use super::{FILE, Shipped, print, sample};
use crate::case::module_path;
use crate::client::{Client, Request};
use crate::envoy::VERSION;

/// What came of it.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) elapsed: Duration,
    pub(super) reason: String,
    pub(super) reached_upstream: bool,
}

/// Goes through all of it and prints; the failure says how much went wrong.
pub(super) fn run(stage: &Stage, keep: bool) -> Result<(), String> {
    module_path("fault-injection");
    let file = Shipped::read(FILE);
    let documented = keep && are_free(&file);
    let running = file.clone().service(stage.upstream().addr());
    let running = if documented {
        running
    } else {
        running.any_ports()
    };
    println!("\nStarting Envoy {VERSION} with {FILE},\nand a small service behind it.\n");
    stage.start(running.envoy())?;

    let client = Client::http1(stage.addr());
    // In the background, for it lasts as long as its delays do.
    let background = SAMPLE.send(&client);
    let mut reasons = BTreeMap::new();
    let mut wrong = 0;
    print::heading();
    for (number, step) in (1..).zip(STEPS) {
        let seen = step.take(stage, &client);
        *reasons.entry(seen.reason.clone()).or_default() += 1;
        let problems = step.expect.problems(&seen);
        wrong += usize::from(!problems.is_empty());
        print::row(number, step, &seen, &problems);
    }
    print::legend();
    let outcome = SAMPLE.outcome(stage, background);
    sample::print(&SAMPLE, &outcome);
    wrong += usize::from(!outcome.is_plausible(&SAMPLE));
    for reason in outcome.reasons {
        *reasons.entry(reason).or_default() += 1;
    }
    wrong += usize::from(!print::counters(stage, &reasons));

    match wrong {
        0 => {
            let address = Address::of(stage, documented || !keep, keep);
            by_hand::print(&address, stage);
            Ok(())
        }
        1 => Err("1 result is not what the demo expects; see above".to_owned()),
        _ => Err(format!(
            "{wrong} results are not what the demo expects; see above"
        )),
    }
}

impl Step {
    fn take(&self, stage: &Stage, client: &Client) -> Seen {
        let path = self.path;
        let arrived = || {
            let requests = stage.upstream().requests();
            requests
                .iter()
                .filter(|request| request.path == path)
                .count()
        };
        let lines = stage.lines(path, 0).len();
        let before = arrived();
        let response = client.send(self.request());
        let line = stage.lines(path, lines + 1).swap_remove(lines);
        Seen {
            status: response.status,
            elapsed: response.elapsed,
            reason: line.reason,
            reached_upstream: arrived() > before,
        }
    }

    fn request(&self) -> Request {
        let request = Request::get(self.path);
        match self.header {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }
}

impl Expect {
    /// What differs, in words.
    fn problems(&self, seen: &Seen) -> Vec<String> {
        let reasons = self.reasons.join(" or ");
        let least = self.at_least.as_millis();
        let upstream = if self.reaches_upstream { "yes" } else { "no" };
        [
            (
                seen.status == self.status,
                format!("status {}", self.status),
            ),
            (
                seen.elapsed >= self.at_least,
                format!("at least {least} ms"),
            ),
            (
                self.reasons.contains(&seen.reason.as_str()),
                format!("reason {reasons}"),
            ),
            (
                seen.reached_upstream == self.reaches_upstream,
                format!("upstream {upstream}"),
            ),
        ]
        .into_iter()
        .filter_map(|(well, expected)| (!well).then_some(expected))
        .collect()
    }
}
