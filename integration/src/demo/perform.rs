//! Going through the script, and comparing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::by_hand::{self, Address};
use super::script::{ALL, Expect, FAULTS, NOTHING, SAMPLE, Scene, Step};
use super::stage::{Stage, are_free};
use super::{Shipped, print, sample};
use crate::client::{Client, Request};
use crate::engines::module_path;
use crate::envoy::VERSION;

/// What came of it.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) elapsed: Duration,
    /// The reasons of all filters that gave one.
    pub(super) said: Vec<(String, String)>,
    pub(super) reached_upstream: bool,
}

/// Goes through all of it and prints; the failure says how much went wrong.
pub(super) fn run(stage: &Stage, keep: bool) -> Result<(), String> {
    for module in ["mesh-filters", "fault-injection"] {
        module_path(module);
    }
    println!("\nEnvoy {VERSION}, with a small service behind it.");
    let mut wrong = all(stage)?;
    let file = Shipped::read(FAULTS.file);
    let documented = keep && are_free(&file);
    wrong += faults(stage, &file, documented)?;

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

/// How often each reason was given, by the name of its filter in the access log.
pub(super) type Reasons = BTreeMap<(String, String), u64>;

fn all(stage: &Stage) -> Result<usize, String> {
    let file = Shipped::read(ALL.file);
    start(stage, &ALL, &file, false)?;
    let client = Client::http1(stage.addr());
    let mut reasons = Reasons::new();
    let wrong = steps(stage, &ALL, &file, &client, &mut reasons);
    print::legend();
    Ok(wrong + usize::from(!print::counters(stage, &ALL, &reasons)))
}

fn faults(stage: &Stage, file: &Shipped, documented: bool) -> Result<usize, String> {
    start(stage, &FAULTS, file, documented)?;
    let client = Client::http1(stage.addr());
    // In the background, for it lasts as long as its delays do.
    let background = SAMPLE.send(&client);
    let mut reasons = Reasons::new();
    let mut wrong = steps(stage, &FAULTS, file, &client, &mut reasons);
    println!();
    let outcome = SAMPLE.outcome(stage, background);
    sample::print(&SAMPLE, &outcome);
    wrong += usize::from(!outcome.is_plausible(&SAMPLE));
    for reason in outcome.reasons {
        let of_it = ("reason".to_owned(), reason);
        *reasons.entry(of_it).or_default() += 1;
    }
    Ok(wrong + usize::from(!print::counters(stage, &FAULTS, &reasons)))
}

fn start(stage: &Stage, scene: &Scene, file: &Shipped, documented: bool) -> Result<(), String> {
    println!("\n{}\n({})\n", scene.title, scene.file);
    let running = file.clone().service(stage.upstream().addr());
    let running = if documented {
        running
    } else {
        running.any_ports()
    };
    stage.start(running.envoy())
}

fn steps(
    stage: &Stage,
    scene: &Scene,
    file: &Shipped,
    client: &Client,
    reasons: &mut Reasons,
) -> usize {
    let mut wrong = 0;
    let is_chain = scene.filters.len() > 1;
    print::heading(is_chain);
    for (number, step) in (1..).zip(scene.steps) {
        let seen = step.take(stage, file, client);
        for said in &seen.said {
            *reasons.entry(said.clone()).or_default() += 1;
        }
        let problems = step.expect.problems(&seen);
        wrong += usize::from(!problems.is_empty());
        print::row(number, step, &seen, is_chain, &problems);
    }
    wrong
}

impl Step {
    fn take(&self, stage: &Stage, file: &Shipped, client: &Client) -> Seen {
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
        let response = client.send(self.request(file));
        let line = stage.lines(path, lines + 1).swap_remove(lines);
        Seen {
            status: response.status,
            elapsed: response.elapsed,
            said: line.said,
            reached_upstream: arrived() > before,
        }
    }

    fn request(&self, file: &Shipped) -> Request {
        let request = Request::get(self.path);
        self.headers.iter().fold(request, |request, (name, value)| {
            request.header(name, file.filled(value))
        })
    }
}

impl Seen {
    /// What was said, as the script has it.
    pub(super) fn text(&self) -> String {
        match self.said.as_slice() {
            [] => NOTHING.to_owned(),
            [(name, reason)] if name == "reason" => reason.clone(),
            several => {
                let texts = several.iter();
                let texts: Vec<_> = texts.map(|(name, what)| format!("{name}={what}")).collect();
                texts.join("  ")
            }
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
                self.reasons.contains(&seen.text().as_str()),
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
