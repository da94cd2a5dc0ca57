//! Envoy's own filter and ours side by side, asked the same.

use std::collections::BTreeMap;

use integration::client::{Broken, Client, Request, Response};
use integration::envoy::Envoy;
use integration::jwt_authn;
use integration::listener::{Listener, bootstrap, cluster};
use integration::upstream::Upstream;
use serde_json::json;

use crate::request_authentication::FILTER;
use crate::request_authentication::differences::Difference;
use crate::request_authentication::rules::Setup;
use crate::request_authentication::visible::Visible;

/// Connections at a time: enough that both workers have some.
const CONCURRENCY: usize = 4;

/// One Envoy with a pair of listeners for each set of rules.
pub(crate) struct Pairs {
    envoy: Envoy,
    pub(crate) setups: Vec<Setup>,
    _upstream: Upstream,
}

/// What became of one request in the two filters.
pub(crate) struct Pair {
    pub(crate) theirs: Visible,
    pub(crate) ours: Visible,
}

impl Pairs {
    pub(crate) fn start(setups: Vec<Setup>) -> Self {
        let upstream = Upstream::start();
        let listeners = setups.iter().flat_map(|setup| {
            let native = Listener::new(&format!("native {}", setup.name));
            let ours = Listener::new(&format!("ours {}", setup.name));
            [
                jwt_authn::filter(native, &setup.rules),
                ours.module(FILTER, &json!({"jwtRules": setup.rules})),
            ]
        });
        let listeners = listeners.map(|listener| {
            listener
                .to("upstream")
                // What Envoy makes up by itself would differ from one request to the next.
                .manager("generate_request_id", json!(false))
                .manager("max_request_headers_kb", json!(96))
        });
        let cluster = cluster("upstream", upstream.addr(), false);
        let envoy = Envoy::builder(bootstrap(listeners, [cluster]))
            .workers(2)
            .start();
        Self {
            envoy,
            setups,
            _upstream: upstream,
        }
    }

    /// Sends one request to both filters under the first set of rules.
    pub(crate) fn ask_first(&self, request: Request) -> Pair {
        let mut answers = self.ask(&self.setups[0], false, &[request]);
        answers.pop().unwrap()
    }

    /// Sends each request to both filters.
    pub(crate) fn ask(&self, setup: &Setup, http2: bool, requests: &[Request]) -> Vec<Pair> {
        let ask = |side: &str| {
            let addr = self.envoy.addr(&format!("{side} {}", setup.name));
            let client = if http2 {
                Client::http2(addr)
            } else {
                Client::http1(addr)
            };
            let send = |index: usize| requests[index].clone().authority("app.example");
            let answers = client.try_burst(requests.len(), CONCURRENCY, send);
            // Envoy may close a connection whose last request it answered early, while the next
            // one is on its way.
            let again = |(index, answer): (usize, Result<Response, Broken>)| {
                answer.or_else(|_| client.try_send(send(index)))
            };
            let answers: Vec<_> = answers.into_iter().enumerate().map(again).collect();
            answers.into_iter().map(Visible::of)
        };
        ask("native")
            .zip(ask("ours"))
            .map(|(theirs, ours)| Pair { theirs, ours })
            .collect()
    }
}

/// Compares, and says all that is wrong at once.
#[derive(Default)]
pub(crate) struct Verdict {
    wrong: Vec<String>,
    outcomes: BTreeMap<String, usize>,
    met: BTreeMap<&'static str, usize>,
}

impl Verdict {
    /// Two answers that should be alike, or differ as the table says.
    pub(crate) fn compare(&mut self, what: &str, pair: &Pair, expected: &[&'static Difference]) {
        let outcomes = (pair.theirs.outcome(), pair.ours.outcome());
        let known = expected
            .iter()
            .find(|difference| difference.is(&outcomes.0, &outcomes.1));
        if pair.theirs != pair.ours {
            match known {
                Some(difference) => *self.met.entry(difference.name).or_default() += 1,
                None if outcomes.0 == outcomes.1 => {
                    let problem = pair.theirs.unlike(&pair.ours);
                    self.wrong.push(format!("{problem}\n  {what}"));
                }
                None => {
                    let problem = format!("native `{}`, ours `{}`", outcomes.0, outcomes.1);
                    self.wrong.push(format!("{problem}\n  {what}"));
                }
            }
        }
        *self.outcomes.entry(outcomes.0).or_default() += 1;
    }

    /// Fails with everything that differed.
    #[track_caller]
    pub(crate) fn settle(self) -> (BTreeMap<String, usize>, BTreeMap<&'static str, usize>) {
        let shown: Vec<&str> = self.wrong.iter().take(60).map(String::as_str).collect();
        assert!(
            self.wrong.is_empty(),
            "{} differences:\n{}",
            self.wrong.len(),
            shown.join("\n")
        );
        (self.outcomes, self.met)
    }
}
