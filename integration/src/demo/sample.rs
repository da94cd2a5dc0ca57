//! A percentage, shown as what it is: so many of many.

use std::ops::RangeInclusive;
use std::panic::resume_unwind;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::print::latency;
use super::stage::Stage;
use crate::client::{Client, Request, Response};

/// Many like requests at once, of which some are delayed.
pub(super) struct Sample {
    pub(super) path: &'static str,
    pub(super) count: usize,
    pub(super) delay: Duration,
    pub(super) reason: &'static str,
    pub(super) asked: &'static str,
    pub(super) plausible: RangeInclusive<usize>,
}

/// What became of them.
pub(super) struct Outcome {
    pub(super) reasons: Vec<String>,
    /// By the client's clock.
    delayed: usize,
    /// By Envoy's access log.
    logged: usize,
    slowest_other: Duration,
    answered: usize,
}

impl Sample {
    /// Sends them all, on connections of their own.
    pub(super) fn send(&self, client: &Client) -> JoinHandle<Vec<Response>> {
        let (client, count, path) = (client.clone(), self.count, self.path);
        thread::spawn(move || client.burst(count, count, |_| Request::get(path)))
    }

    /// Waits for the answers, and for what Envoy wrote about them.
    pub(super) fn outcome(&self, stage: &Stage, sent: JoinHandle<Vec<Response>>) -> Outcome {
        let responses = sent.join().unwrap_or_else(|panic| resume_unwind(panic));
        let lines = stage.lines(self.path, self.count);
        let (late, others): (Vec<_>, Vec<_>) = responses
            .iter()
            .map(|response| response.elapsed)
            .partition(|elapsed| *elapsed >= self.delay);
        let reasons: Vec<_> = lines
            .into_iter()
            .flat_map(|line| line.said)
            .map(|(_, reason)| reason)
            .collect();
        Outcome {
            delayed: late.len(),
            logged: reasons
                .iter()
                .filter(|reason| *reason == self.reason)
                .count(),
            slowest_other: others.into_iter().max().unwrap_or_default(),
            answered: responses
                .iter()
                .filter(|response| response.status == 200)
                .count(),
            reasons,
        }
    }
}

impl Outcome {
    /// Whether the filter did what it was told, as far as chance lets anybody say.
    pub(super) fn is_plausible(&self, sample: &Sample) -> bool {
        self.answered == sample.count
            && self.delayed == self.logged
            && sample.plausible.contains(&self.delayed)
    }
}

/// Says it in numbers.
pub(super) fn print(sample: &Sample, outcome: &Outcome) {
    let Sample {
        path, count, asked, ..
    } = sample;
    let delay = sample.delay.as_secs();
    println!(
        "The fault of Istio's tutorial, {asked} of requests wait {delay} s, on {count} requests at once:"
    );
    println!(
        "  {path}: {} of {count} were delayed by {delay} s ({asked} asked for), reason {}",
        outcome.delayed, sample.reason
    );
    println!(
        "  and the slowest of the others took {}",
        latency(outcome.slowest_other)
    );
    if !outcome.is_plausible(sample) {
        println!(
            "  EXPECTED: {count} answers of 200 ({} are), {} to {} of them delayed, as many as the log \
             says ({})",
            outcome.answered,
            sample.plausible.start(),
            sample.plausible.end(),
            outcome.logged
        );
    }
    println!();
}
