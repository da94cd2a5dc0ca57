//! Keys that are no headers: what Envoy itself says of a connection and a route.

use integration::client::Client;
use integration::envoy::Envoy;
use integration::listener::{bootstrap, cluster};
use integration::upstream::Upstream;
use serde_json::{Value, json};

use crate::rate_limit::ours;

fn once(key: Value) -> Value {
    json!({"limits": [{"name": "once", "key": [key], "onMissingKey": "skip", "requests": 1, "per": "1h"}]})
}

#[test]
fn the_clients_address_is_the_one_that_envoy_trusts() {
    let key = json!({"remoteAddress": {"v4PrefixMaskLen": 24, "v6PrefixMaskLen": 48}});
    let listener = ours(&once(key))
        .manager("use_remote_address", json!(true))
        .manager("xff_num_trusted_hops", json!(1));
    let envoy = Envoy::builder(bootstrap([listener], [])).start();
    let client = Client::http1(envoy.addr("ours"));
    let send = |from: &str| {
        client
            .get("/")
            .header("x-forwarded-for", from)
            .send()
            .status
    };
    assert_eq!(send("203.0.113.7"), 200);
    assert_eq!(send("203.0.113.99"), 429);
    assert_eq!(send("203.0.114.7"), 200);
    // What stands before the trusted hop is the client's own invention.
    assert_eq!(send("1.2.3.4, 203.0.113.7"), 429);
    assert_eq!(send("2001:db8:1::1"), 200);
    assert_eq!(send("2001:db8:1:ffff::2"), 429);
    assert_eq!(send("2001:db8:2::1"), 200);
}

#[test]
fn the_destination_is_the_routes_cluster() {
    let upstream = Upstream::start();
    let route = |path: &str, cluster: &str| json!({"match": {"prefix": path}, "route": {"cluster": cluster}});
    let names = [
        "outbound|9080||reviews.default.svc.cluster.local",
        "ratings",
    ];
    let listener = ours(&once(json!({"destination": {}})))
        .routes(vec![route("/reviews", names[0]), route("/", names[1])]);
    let clusters = names.map(|name| cluster(name, upstream.addr(), false));
    let envoy = Envoy::builder(bootstrap([listener], clusters)).start();
    let client = Client::http1(envoy.addr("ours"));
    let send = |path: &str| client.get(path).send().status;
    assert_eq!(send("/reviews/1"), 200);
    assert_eq!(send("/reviews/2"), 429);
    assert_eq!(send("/ratings/1"), 200);
    assert_eq!(send("/ratings/2"), 429);
    assert_eq!(upstream.count(), 2);
}

/// Buckets belong to the plugin's name and the limit's.
#[test]
fn listeners_share_a_bucket_by_the_names_of_plugin_and_limit() {
    let config = json!({"limits": [{"name": "once", "requests": 2, "per": "1h"}]});
    let named = |listener: &str, plugin: &str| {
        let mut built = integration::listener::Listener::new(listener)
            .module(crate::rate_limit::FILTER, &config)
            .build();
        let name =
            "/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config/name";
        *built.pointer_mut(name).unwrap() = json!(plugin);
        built
    };
    let listeners = [
        named("one", "shared"),
        named("two", "shared"),
        named("three", "apart"),
    ];
    let config = json!({"static_resources": {"listeners": listeners}});
    let envoy = Envoy::builder(integration::envoy::Config::from_value(config)).start();
    let left = |listener| {
        let answer = Client::http1(envoy.addr(listener)).get("/").send();
        answer.header("x-ratelimit-remaining").map(str::to_owned)
    };
    assert_eq!(left("one").as_deref(), Some("1"));
    assert_eq!(left("two").as_deref(), Some("0"));
    assert_eq!(left("three").as_deref(), Some("1"));
}
