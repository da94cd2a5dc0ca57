//! The life of a configuration: refused whole at start and at an update, with what is wrong in any of its
//! parts; replaced while limits count.

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::listener::cluster;
use integration::service::wait::until;
use integration::updates;
use integration::upstream::Upstream;
use serde_json::{Value, json};

use crate::one_module::everything::{NAME, assert_serves, configuration, one, use_up};
use crate::one_module::{SOON, service};

/// One thing wrong in each part.
fn bad() -> Value {
    let mut config = configuration();
    config["requestAuthentication"]["jwtRules"][0]["jwks"] = json!("no keys");
    config["authorizationPolicy"]["policies"][0]["action"] = json!("REFUSE");
    config["rateLimit"]["limits"][0]["requests"] = json!(0);
    config["faultInjection"]["http"][0]["fault"]["abort"]["httpStatus"] = json!(600);
    config["telemetryTags"]["tags"][0]["expression"] = json!("request.path");
    config
}

/// Where each of them is.
const PLACES: [&str; 5] = [
    "requestAuthentication.jwtRules[0].jwks: ",
    "authorizationPolicy.policies[0].action: ",
    "rateLimit.limits[0].requests: 0 would refuse every request; at least 1",
    "faultInjection.http[0].fault.abort.httpStatus: 600 is not a status between 200 and 599",
    "telemetryTags.tags[0]: ",
];

fn told(log: &str) {
    for place in PLACES {
        updates::told_once(log, place, |line, place| line.contains(place));
    }
}

#[test]
fn a_bad_configuration_is_refused_at_start_with_what_is_wrong_in_each_part() {
    told(&updates::refused_at_start(one(&bad())));
}

#[test]
fn a_bad_update_changes_nothing_and_a_good_one_everything() {
    let authorizer = Upstream::with(|request| service::answer(&request));
    let clusters = json!([cluster(service::CLUSTER, authorizer.addr(), false)]);
    let listener = one(&configuration()).build();
    let envoy = updates::builder(&[listener], |bootstrap| {
        bootstrap["static_resources"] = json!({"clusters": clusters});
    });
    let envoy = envoy.workers(2).start();
    use_up(envoy.addr(NAME));
    assert_serves(&envoy);

    // Wrong in all parts, then in one of each.
    let mut refused = vec![bad()];
    for part in [
        "requestAuthentication",
        "authorizationPolicy",
        "rateLimit",
        "faultInjection",
        "telemetryTags",
    ] {
        let mut config = configuration();
        config[part] = bad()[part].clone();
        // Taken, it would do nothing of this.
        config["faultInjection"]["http"][0]["name"] = json!("new");
        refused.push(config);
    }
    for (count, config) in (1..).zip(&refused) {
        update(&envoy, config);
        let rejected = "listener_manager.lds.update_rejected";
        envoy.admin().wait_stat(rejected, |n| n >= count, SOON);
    }
    told_of(&envoy);
    assert_serves(&envoy);

    let mut good = configuration();
    good["authorizationPolicy"]["policies"][1]["rules"][0]["to"][0]["operation"]["paths"] =
        json!(["/other"]);
    good.as_object_mut().unwrap().remove("faultInjection");
    update(&envoy, &good);
    let status = |path: &str| {
        let answer = Client::http1(envoy.addr(NAME)).try_send(Request::get(path));
        answer.ok().map(|answer| answer.status)
    };
    let taken = until(SOON, || (status("/other") == Some(403)).then_some(()));
    assert!(taken.is_some(), "the good update was not taken");
    assert_eq!([status("/admin"), status("/abort")], [Some(200), Some(200)]);
    assert_eq!(status("/counted"), Some(429), "counts outlive updates");
}

fn update(envoy: &Envoy, config: &Value) {
    updates::update(envoy, &[one(config).build()]);
}

fn told_of(envoy: &Envoy) {
    for place in PLACES {
        envoy.wait_log(place, SOON);
    }
}
