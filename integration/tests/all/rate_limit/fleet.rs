//! A fleet of proxies with one limit: two Envoys, a rate limit service made of limitador, and a
//! real Redis behind it, which dies.

use std::net::SocketAddr;
use std::time::Duration;

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::Envoy;
use integration::listener::{Listener, bootstrap, cluster};
use integration::service::Service;
use limitador::limit::Limit;
use serde_json::{Value, json};

use crate::rate_limit::{FILTER, limiter};

/// The limit of `filters/rate-limit/service/limitador.yaml`, with another number.
fn users(most: u64) -> Limit {
    let config: Value = {
        let text = include_str!("../../../../filters/rate-limit/service/limitador.yaml");
        let limits: Vec<Value> = serde_saphyr::from_str(text).unwrap();
        limits.into_iter().next().unwrap()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |field: &str| {
        config[field]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect::<Vec<_>>()
    };
    let conditions = list("conditions")
        .into_iter()
        .map(|text| text.try_into().unwrap());
    let variables = list("variables")
        .into_iter()
        .map(|text| text.try_into().unwrap());
    Limit::new(
        text(&config["namespace"]),
        most,
        3600,
        conditions,
        variables,
    )
}

/// A proxy whose listeners are alike but for what they do without an answer.
fn proxy(service: SocketAddr) -> Envoy {
    let listener = |failure_mode: &str| {
        let config = json!({
            "limits": [{"name": "user", "key": [{"constant": "user"}, {"header": "end-user"}], "global": true}],
            "global": {"domain": "productpage-ratelimit", "cluster": "rls", "timeout": "5s",
                "failureMode": failure_mode, "statusOnError": if failure_mode == "deny" { json!(503) } else { Value::Null }},
        });
        Listener::new(failure_mode).module(FILTER, &stripped(config))
    };
    let listeners = [listener("allow"), listener("deny")];
    Envoy::builder(bootstrap(listeners, [cluster("rls", service, true)]))
        .workers(2)
        .start()
}

/// Without the fields that are null.
fn stripped(mut config: Value) -> Value {
    let fields = config["global"].as_object_mut().unwrap();
    fields.retain(|_, value| !value.is_null());
    config
}

#[test]
fn two_proxies_share_one_limit_until_its_redis_dies() {
    let redis = Service::redis();
    let service = limiter::start(redis.addr(), vec![users(30)]);
    let proxies = [proxy(service.addr()), proxy(service.addr())];
    let clients = |mode: &str| -> Vec<Client> {
        proxies
            .iter()
            .map(|proxy| Client::http1(proxy.addr(mode)))
            .collect()
    };

    // Both at once, more than the limit between them.
    let admitted: usize = std::thread::scope(|scope| {
        let runs: Vec<_> = clients("deny")
            .into_iter()
            .map(|client| {
                scope.spawn(move || {
                    let request = |_| client.get("/").header("end-user", "jason").request();
                    let answers = client.burst(40, 4, request);
                    answers.iter().filter(|answer| answer.status == 200).count()
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    assert_eq!(admitted, 30);
    for client in clients("allow") {
        let jason = client.get("/").header("end-user", "jason").send();
        assert_eq!(jason.status, 429);
        assert_eq!(jason.header("x-envoy-ratelimited"), Some("true"));
        assert_eq!(client.get("/").header("end-user", "tom").send().status, 200);
    }

    drop(redis);

    for client in clients("allow") {
        assert_eq!(
            client.get("/").header("end-user", "jason").send().status,
            200
        );
    }
    for client in clients("deny") {
        let answer = client.get("/").header("end-user", "tom").send();
        assert_eq!((answer.status, answer.body.len()), (503, 0));
    }
    for proxy in &proxies {
        for (reason, most) in [("service_error_allowed", 1), ("service_error_denied", 1)] {
            let name = format!("wasmcustom.mesh_filters.rate-limit.{reason}");
            assert_eq!(proxy.admin().stat(&name), most, "{reason}");
        }
    }
}

/// The file that is shipped, its service on another port.
#[test]
fn the_shipped_file_asks_the_service_it_documents() {
    let redis = Service::redis();
    let service = limiter::start(redis.addr(), vec![users(2)]);
    let file = Shipped::read("envoy-configs/local/rate-limit-global.yaml");
    let port = format!("port_value: {}", service.addr().port());
    let envoy = file
        .with("port_value: 8081", &port)
        // A machine that runs tests may be slower than a service.
        .with("timeout: 20ms", "timeout: 5s")
        .any_ports()
        .envoy()
        .start();
    let client = Client::http1(envoy.addr("ingress")).deadline(Duration::from_secs(20));
    let send = |user: &str| {
        client
            .get("/productpage")
            .header("end-user", user)
            .send()
            .status
    };
    assert_eq!(
        [send("jason"), send("jason"), send("jason")],
        [200, 200, 429]
    );
    assert_eq!(send("tom"), 200);
    let read = |message: &[u8]| limiter::read(message);
    let (domain, descriptors, hits) = read(&service.requests()[0].messages()[0]);
    assert_eq!((domain.as_str(), hits), ("productpage-ratelimit", 1));
    assert_eq!(descriptors[0]["end-user"], "jason");
}
