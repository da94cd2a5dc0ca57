//! `mesh-filters mesh curl`: a request into a running mesh, once or often, and who answered.

mod say;
mod send;
mod target;
mod tls;

use clap::Args;
use envoy::client::Request;

use super::find::Which;
use super::seen;
use crate::curl::CurlOptions;
use crate::ending::{Ending, Failure};
use crate::output::Output;
use send::Sending;
use target::Target;

/// Send a request into a running mesh, from a workload or from outside, and say who answered
///
/// From a workload it goes through its sidecar, so with its identity and by its routes; from outside it goes to the
/// gateway that has the URL's port. The answer of a workload says whom it called in turn, and so is shown as a tree; of
/// many answers, each is counted. Options are curl's, and what a shell's history has of it can be pasted.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters mesh curl http://bookinfo.example/productpage
  $ mesh-filters mesh curl productpage http://reviews:9080/reviews/0 -H 'end-user: jason' -v
  $ mesh-filters mesh curl productpage http://reviews:9080/ --count 2000
  $ mesh-filters mesh curl sleep http://httpbin:8000/delay/1s --count 10 --parallel 10
  $ mesh-filters mesh curl sleep http://httpbin:8000/headers --format json | jq '.answers[0]'

Exit codes: 0 every request was answered, whatever the status, 1 one was not, 2 it could not be done.")]
pub(crate) struct Curl {
    /// `[WORKLOAD] URL`: a workload is called by its name or its label `app`; without one the request comes from outside
    #[arg(value_name = "REQUEST")]
    words: Vec<String>,
    /// Send it this often, over connections that are kept
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// So many of them at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    parallel: u32,
    /// The gateway to go through, where several have the port
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    curl: CurlOptions,
}

impl Curl {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let (from, url) = words(&self.words, self.curl.url())?;
        let sent = self.curl.request(None, url)?;
        let body = self.curl.body()?;
        let running = seen::running(&self.which)?;
        let target = Target::find(&running, from, self.gateway.as_deref(), &sent)?;
        let mut request = Request::new(&sent.method, &target.path)
            .authority(&target.authority)
            .body(body);
        for (name, value) in &sent.headers {
            if !name.eq_ignore_ascii_case("host") {
                request = request.header(name, value);
            }
        }
        let sending = Sending {
            target: target.clone(),
            request: request.clone(),
            count: self.count,
            parallel: self.parallel,
        };
        let outcome = sending.send()?;
        let is_verbose = self.curl.is_verbose();
        output.say(
            || say::text(&target, &request, &outcome, is_verbose),
            || say::json(&target, &outcome),
        );
        Ok(match outcome.unanswered {
            0 => Ending::Fine,
            _ => Ending::Found,
        })
    }
}

/// Who asks, and the URL. A command that was pasted has the word `curl` before it.
fn words<'a>(
    words: &'a [String],
    url: Option<&'a str>,
) -> Result<(Option<&'a str>, &'a str), Failure> {
    let words = words
        .iter()
        .map(String::as_str)
        .filter(|word| *word != "curl");
    let words: Vec<&str> = words.chain(url).collect();
    match words.as_slice() {
        [url] => Ok((None, url)),
        [from, url] if !from.contains(['/', ':']) => Ok((Some(from), url)),
        [] => Err(Failure::new(
            "no request is given; write `[WORKLOAD] URL`, as in `productpage http://reviews:9080/`",
        )),
        _ => Err(Failure::new(
            "more than `[WORKLOAD] URL` is given; a method is said by `-X`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn who_asks_stands_before_the_url() {
        let read = |given: &str| {
            let given: Vec<String> = given.split(' ').map(str::to_owned).collect();
            let read = words(&given, None);
            read.map(|(from, url)| (from.map(str::to_owned), url.to_owned()))
                .map_err(|failure| failure.to_string())
        };
        let from = |from: Option<&str>, url: &str| Ok((from.map(str::to_owned), url.to_owned()));
        assert_eq!(read("http://a/"), from(None, "http://a/"));
        assert_eq!(read("sleep a/b"), from(Some("sleep"), "a/b"));
        assert_eq!(
            read("sleep curl http://a/"),
            from(Some("sleep"), "http://a/")
        );
        assert!(read("http://a/ http://b/").is_err());
        assert!(words(&[], None).is_err());
        let given = ["sleep".to_owned()];
        assert_eq!(words(&given, Some("a/")).unwrap(), (Some("sleep"), "a/"));
    }
}
