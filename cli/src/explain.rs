//! `mesh-filters explain`: what becomes of a request, and why.

mod batch;
mod human;
mod words;

use std::path::PathBuf;

use clap::Args;
use explain::{Answer, Chain, Line, Options, Rules, Session};
use sdk_helpers::Timestamp;
use serde_json::json;

use crate::clock;
use crate::ending::{Ending, Failure};
use crate::output::Output;
use crate::policies::{self, Fetching, PolicyOptions};

const EXAMPLES: &str = "\
Examples:
  $ mesh-filters explain -f policies/ GET https://shop.example/orders/7 -H 'x-plan: gold' --peer spiffe://cluster.local/ns/shop/sa/web
  $ mesh-filters explain -f policies/ curl -X POST https://shop.example/orders -H 'content-type: application/json' -d '{}'
  $ mesh-filters explain -f policies/ --jwks keys.json --jwt token.txt https://shop.example/ --at 2026-11-21T10:00:00Z
  $ mesh-filters explain -f policies/ --namespace shop --labels app=orders --requests requests.jsonl

Exit codes: 0 whatever is decided, 2 it could not be done.";

/// What answers a request, or says what is wrong with it.
type Answerer<'a> = &'a mut dyn FnMut(&Line) -> Result<Answer, String>;

/// Say what becomes of a request, filter by filter, and why
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Explain {
    /// Policies: Istio's resources, our configurations, a MeshConfig; a file, a folder, or `-` for standard input
    #[arg(short, long = "file", value_name = "PATH", required = true)]
    file: Vec<PathBuf>,
    #[command(flatten)]
    policies: PolicyOptions,
    /// How many proxies in front of Envoy say in `x-forwarded-for` who the client is
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    xff_num_trusted_hops: u32,
    /// When, as RFC 3339; now where it is left out
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Where the dice fall, 0 to 100; without it a percentage hits nobody, and is told
    #[arg(long, value_name = "PERCENT")]
    roll: Option<f64>,
    /// Requests, one line of JSON each, which are answered by a line of JSON each; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["words", "peer", "jwt", "claims", "from_ip", "port"])]
    requests: Option<PathBuf>,
    /// Show each rule of each filter with its verdict, and the headers that the upstream and the client get
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    request: words::Words,
}

impl Explain {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let now = self.now()?;
        let documents = policies::documents(&self.file)?;
        let (gathered, workload) = self.policies.gather(&documents, Fetching::Never)?;
        for note in &gathered.notes {
            anstream::eprintln!("note: {note}");
        }
        let roll = self.roll.map(explain::roll).transpose();
        let options = Options {
            normalization: policies::normalization(&gathered.mesh)?,
            trusted_hops: self.xff_num_trusted_hops,
            roll: roll.map_err(|problem| Failure::new(format!("`--roll` {problem}")))?,
            rules: self.all,
        };
        let chain = policies::load(&gathered, now, workload)?;
        let mut session = Session::new(&chain, now, options);
        let each = self
            .all
            .then(|| Rules::load(gathered.filter, &gathered.tree, now));
        let mut answer = |line: &Line| {
            let mut answer = session.answer(line)?;
            if let Some(each) = &each {
                each.add_to(&mut answer, line, options);
            }
            Ok(answer)
        };
        match &self.requests {
            Some(file) => batch::answer_all(file, &mut answer),
            None => self.one(&chain, &mut answer, output),
        }
    }

    fn one(&self, chain: &Chain, answer: Answerer<'_>, output: Output) -> Result<Ending, Failure> {
        let line = self.request.line()?;
        if line.jwt.is_some() && !chain.authenticates() {
            anstream::eprintln!(
                "note: no policy verifies tokens, so this one says nothing; for its claims to count, say `--claims`"
            );
        }
        let answer = answer(&line).map_err(Failure::new)?;
        output.say(
            || human::told(&line, &answer, self.all),
            || serde_json::to_value(&answer).unwrap_or_else(|error| json!(error.to_string())),
        );
        Ok(Ending::Fine)
    }

    fn now(&self) -> Result<Timestamp, Failure> {
        match &self.at {
            Some(at) => {
                explain::time(at).map_err(|problem| Failure::new(format!("`--at` {problem}")))
            }
            None => clock::now(),
        }
    }
}
