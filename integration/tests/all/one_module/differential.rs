//! Generated configurations and requests, in one Envoy: what modules of one filter each decide, one module
//! decides, and Envoy's own filters where they can say the same. Whatever can be seen of it is compared.

use std::collections::BTreeMap;

use fastrand::Rng;
use integration::envoy::{Capability, lacks};
use serde_json::{Value, json};

use crate::one_module::chains::{Chain, FILTERS};
use crate::one_module::configurations::{Kind, configuration};
use crate::one_module::rig::{Batch, Rig};
use crate::one_module::sent::{Sent, sent};

/// What everything is made from. Printed, so that a failure can be repeated.
const SEED: u64 = 0x2911_2026;
/// Configurations, every third of which Envoy's own filters can say too.
const CONFIGURATIONS: usize = 24;
/// Requests to each.
const REQUESTS: usize = 36;

/// A configuration and its requests.
struct Drawn {
    kind: Kind,
    config: Value,
    sent: Vec<Sent>,
}

fn drawn(number: usize) -> Drawn {
    let mut dice = Rng::with_seed(
        SEED + number as u64 + std::env::var("XSEED").map_or(0, |s| s.parse().unwrap()),
    );
    let kind = if number.is_multiple_of(3) {
        Kind::Native
    } else {
        Kind::Any
    };
    let config = configuration(&mut dice, number, kind);
    let sent = (0..REQUESTS)
        .map(|n| sent(&mut dice, number, n, kind))
        .collect();
    Drawn { kind, config, sent }
}

#[test]
fn five_modules_one_module_and_envoys_own_filters_decide_alike() {
    // Spans are told apart by a tag.
    if lacks(Capability::FormatsInSpans) || lacks(Capability::RefusalsOverHttp) {
        return;
    }
    println!("seed {SEED:#x}");
    let all: Vec<Drawn> = (0..CONFIGURATIONS).map(drawn).collect();
    let mut chains = Vec::new();
    for (number, drawn) in all.iter().enumerate() {
        for chain in [Chain::Five, Chain::One, Chain::Native] {
            if chain != Chain::Native || drawn.kind == Kind::Native {
                chains.push((chain, number));
            }
        }
    }
    let listeners: Vec<(Chain, String, &Value)> = chains
        .iter()
        .map(|(chain, number)| (*chain, chain.name(*number), &all[*number].config))
        .collect();
    let rig = Rig::start(&listeners);
    let requests: Vec<&[Sent]> = chains
        .iter()
        .map(|(_, number)| all[*number].sent.as_slice())
        .collect();
    let mut batches: Vec<Batch> = listeners
        .iter()
        .zip(&requests)
        .map(|((_, name, _), requests)| rig.send(name, requests))
        .collect();
    rig.complete(&mut batches, &requests);

    let by_chain: BTreeMap<(usize, String), &Batch> = chains
        .iter()
        .zip(&batches)
        .map(|((chain, number), batch)| ((*number, format!("{chain:?}")), batch))
        .collect();
    let mut verdict = Verdict::default();
    for (number, drawn) in all.iter().enumerate() {
        let batch = |chain: Chain| by_chain.get(&(number, format!("{chain:?}")));
        let five = batch(Chain::Five).unwrap();
        verdict.tally(five);
        if let Some(one) = batch(Chain::One) {
            verdict.compare(drawn, "five modules, one module", five, one, false);
        }
        if let Some(native) = batch(Chain::Native) {
            verdict.compare(drawn, "five modules, Envoy's own", five, native, true);
        }
    }
    verdict.settle();
}

/// All that is wrong, and what was met.
#[derive(Default)]
struct Verdict {
    wrong: Vec<String>,
    outcomes: BTreeMap<String, usize>,
}

/// What must have been met, and how often, to say that it was compared.
const MET: [(&str, usize); 25] = [
    ("via_upstream", 200),
    ("request-authentication verified", 80),
    ("request-authentication anonymous", 80),
    ("request-authentication missing", 5),
    ("request-authentication preflight", 10),
    ("request-authentication expired", 2),
    ("request-authentication signature", 3),
    ("request-authentication unknown_kid", 1),
    ("request-authentication shadow_", 1),
    ("authorization-policy deny", 20),
    ("authorization-policy no_allow", 10),
    ("authorization-policy allow", 20),
    ("authorization-policy audit", 5),
    ("authorization-policy dry_run_", 20),
    ("authorization-policy custom_allow", 30),
    ("authorization-policy custom_deny", 20),
    ("authorization-policy custom_error", 5),
    ("rate-limit limited", 50),
    ("rate-limit missing_key", 5),
    ("rate-limit shadow_", 3),
    ("rate-limit candidate_", 5),
    ("fault-injection abort", 10),
    ("fault-injection delay", 10),
    ("fault-injection shadow_", 3),
    ("fault-injection overflow", 1),
];

impl Verdict {
    /// Counts what modules of one filter each decided, by filter and reason.
    fn tally(&mut self, batch: &Batch) {
        for exchange in &batch.exchanges {
            let mut met = |outcome: String| *self.outcomes.entry(outcome).or_default() += 1;
            if exchange.field("details") == Some(json!("via_upstream")) {
                met("via_upstream".to_owned());
            }
            for (_, filter) in FILTERS {
                let reasons = exchange.field(filter).unwrap_or_default();
                for reason in reasons.as_str().into_iter().flat_map(|all| all.split(',')) {
                    let kind = reason.split(':').next().unwrap_or_default();
                    met(format!("{filter} {kind}"));
                }
            }
        }
    }

    /// Two batches that should be alike; from the outside alone, or in all that can be seen.
    fn compare(&mut self, drawn: &Drawn, what: &str, a: &Batch, b: &Batch, outside: bool) {
        let mut wrong = Vec::new();
        for (n, sent) in drawn.sent.iter().enumerate() {
            let (a, b) = (&a.exchanges[n], &b.exchanges[n]);
            let unlike = match outside {
                true => a.outside().unlike(&b.outside()),
                false => a.told_by_the_last().unlike(&b.told_by_the_last()),
            };
            if !unlike.is_empty() {
                let Sent { request, http2, .. } = sent;
                let unlike = unlike.join("\n  ");
                wrong.push(format!(
                    "request {n}, http2: {http2}\n  {request}\n  {unlike}"
                ));
            }
        }
        if !outside && a.counted != b.counted {
            let only = |a: &Batch, b: &Batch| -> Vec<String> {
                let rest = a
                    .counted
                    .iter()
                    .filter(|(name, count)| b.counted.get(*name) != Some(count));
                rest.map(|(name, count)| format!("{name}: {count}"))
                    .collect()
            };
            wrong.push(format!("counters {:#?} {:#?}", only(a, b), only(b, a)));
        }
        if !wrong.is_empty() {
            let few: Vec<&str> = wrong.iter().take(3).map(String::as_str).collect();
            self.wrong.push(format!(
                "{what}: {} of {} differ: {}\n{}",
                a.listener,
                wrong.len(),
                drawn.config,
                few.join("\n")
            ));
        }
    }

    #[track_caller]
    fn settle(self) {
        let few: Vec<&str> = self.wrong.iter().take(10).map(String::as_str).collect();
        let count = self.wrong.len();
        assert!(
            self.wrong.is_empty(),
            "{count} configurations:\n{}",
            few.join("\n\n")
        );
        for (part, least) in MET {
            let met = self
                .outcomes
                .iter()
                .filter(|(outcome, _)| outcome.starts_with(part));
            let met: usize = met.map(|(_, count)| count).sum();
            assert!(met >= least, "{met} times {part}: {:#?}", self.outcomes);
        }
        println!("{:#?}", self.outcomes);
    }
}
