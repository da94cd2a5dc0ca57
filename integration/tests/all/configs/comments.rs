//! What the comments of the files tell a reader to do.

use std::time::Duration;

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::{Capability, lacks_in_part};
use integration::upstream::Upstream;

use super::{bootstraps, curl, uses_formats_in_spans};

#[test]
fn each_curl_line_does_what_the_comment_says() {
    let mut files = bootstraps();
    if lacks_in_part(Capability::FormatsInSpans) {
        files.retain(|file| !uses_formats_in_spans(file));
    }
    for file in files {
        let curls = curl::all(&file);
        assert!(!curls.is_empty(), "{} has no curl lines", file.path());
        let envoy = file.clone().any_ports().envoy().start();
        for curl in curls {
            curl.check(&file, &envoy);
        }
    }
}

#[test]
fn a_service_of_ones_own_goes_where_the_comment_says() {
    let upstream = Upstream::start();
    let file = Shipped::read("envoy-configs/local/fault-injection.yaml");
    let envoy = file.service(upstream.addr()).any_ports().envoy().start();

    let client = Client::http1(envoy.addr("ingress")).deadline(Duration::from_secs(20));
    let response = client.get("/orders/7/items").send();

    assert_eq!(response.json().unwrap()["path"], "/orders/7/items");
}
