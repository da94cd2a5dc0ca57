//! What a VM that dies takes along: all filters of its worker at once, which is what one module means. So
//! what its failure policy says, it says of all.

use std::io::Write;
use std::net::TcpStream;

use integration::client::{Client, Request};
use integration::envoy::{Config, Envoy, Scratch};
use integration::listener::{Listener, cluster};
use integration::service::wait::until;
use integration::upstream::Upstream;
use serde_json::json;

use crate::one_module::chains::MODULE;
use crate::one_module::everything::{ASKED, NAME, configuration, observed, telling, use_up};
use crate::one_module::{SOON, service};
use crate::trapping::trapping;

/// An Envoy of one worker, whose VM dies when the authorization service has answered.
struct Mortal {
    envoy: Envoy,
    upstream: Upstream,
    _authorizer: Upstream,
}

impl Mortal {
    fn under(policy: &str) -> Self {
        let upstream = Upstream::start();
        let authorizer = Upstream::with(|request| service::answer(&request));
        let scratch = Scratch::new().unwrap();
        let path = trapping(MODULE, "proxy_on_http_call_response", &scratch);
        let path = path.to_str().unwrap();
        let listener = Listener::new(NAME).module_at(MODULE, path, &configuration(), policy);
        let mut listener = observed(listener).to("upstream").build();
        let plugin = "/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config";
        if policy == "FAIL_RELOAD" {
            let plugin = listener.pointer_mut(plugin).unwrap();
            plugin["reload_config"] = json!({"backoff": {"base_interval": "0.05s"}});
        }
        let clusters = [
            cluster("upstream", upstream.addr(), false),
            cluster(service::CLUSTER, authorizer.addr(), false),
        ];
        let config = json!({"static_resources": {"listeners": [listener], "clusters": clusters}});
        let envoy = Envoy::builder(Config::from_value(config))
            .args(["--file-flush-interval-msec", "10"])
            .scratch(scratch)
            .workers(1)
            .start();
        use_up(envoy.addr(NAME));
        Self {
            envoy,
            upstream,
            _authorizer: authorizer,
        }
    }

    fn status(&self, request: &Request) -> u16 {
        Client::http1(self.envoy.addr(NAME))
            .send(request.clone())
            .status
    }

    /// Ends the VM for the time of this number. The request that it dies of hangs, as all that it held,
    /// until its client leaves.
    fn kill(&self, time: usize) {
        let mut asking = TcpStream::connect(self.envoy.addr(NAME)).unwrap();
        let head = format!("GET {ASKED} HTTP/1.1\r\nhost: x\r\n\r\n");
        asking.write_all(head.as_bytes()).unwrap();
        let death = "Function: proxy_on_http_call_response failed";
        let dead = || (self.envoy.log().matches(death).count() == time).then_some(());
        assert!(until(SOON, dead).is_some(), "no death");
        self.upstream.forget();
    }
}

/// Those of [`telling`] that need no answer of the service.
fn without_asking() -> impl Iterator<Item = (Request, u16)> {
    let asked = |request: &Request| request.first(service::ASKED).is_some();
    telling()
        .into_iter()
        .filter(move |(request, _)| !asked(request))
}

#[test]
fn fail_reload_brings_every_filter_back_and_no_limit_forgets() {
    let mortal = Mortal::under("FAIL_RELOAD");
    for time in 1..=2 {
        mortal.kill(time);
        let back = || (mortal.status(&Request::get("/")) == 200).then_some(());
        assert!(until(SOON, back).is_some(), "no VM serves");
        for (request, status) in without_asking() {
            assert_eq!(mortal.status(&request), status, "{request}");
        }
        mortal.envoy.wait_log("\"sub\":\"jason\"", SOON);
    }
}

#[test]
fn fail_closed_refuses_everything_from_then_on() {
    let mortal = Mortal::under("FAIL_CLOSED");
    mortal.kill(1);
    for (request, _) in without_asking() {
        assert_eq!(mortal.status(&request), 503, "{request}");
    }
    assert_eq!(mortal.upstream.count(), 0);
}

/// Why the files that we ship do not open: with the tags the policies would be gone.
#[test]
fn failing_open_would_let_everything_pass() {
    let mortal = Mortal::under("FAIL_OPEN");
    mortal.kill(1);
    for (request, _) in without_asking() {
        assert_eq!(mortal.status(&request), 200, "{request}");
    }
}
