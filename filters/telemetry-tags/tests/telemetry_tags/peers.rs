//! Who is on the other side, for each kind of proxy, as Istio's own filter derives it.

use crate::world;
use crate::world::{ENDPOINT, Proxy, SERVICE, world};
use prost::Message as _;
use prost_types::{Struct, Value, value::Kind};
use sdk_helpers::world::fake::FakeWorld;

const SLEEP: &str = "spiffe://cluster.local/ns/sleepers/sa/sleep";
const RATINGS: &str = "spiffe://cluster.global/ns/default/sa/ratings";

/// What Istio's peer metadata filter leaves in filter state.
fn peer(fields: &[(&str, &str)]) -> Vec<u8> {
    let value = |text: &str| Value {
        kind: Some(Kind::StringValue(text.to_owned())),
    };
    let fields = fields
        .iter()
        .map(|(name, text)| ((*name).to_owned(), value(text)));
    Struct {
        fields: fields.collect(),
    }
    .encode_to_vec()
}

fn workload() -> Vec<u8> {
    peer(&[
        ("workload", "test-deployment"),
        ("namespace", "test-namespace"),
        ("service", "canonical-name"),
        ("revision", "v1"),
        ("app", "test-app"),
        ("version", "test-app-v1"),
        ("cluster", "test-cluster"),
        ("identity", RATINGS),
    ])
}

fn services(world: &FakeWorld, fields: &[(&str, &str)]) {
    world.set_property(&["xds", "cluster_name"], "outbound|80||service");
    for (name, value) in fields {
        world.set_property(&[&SERVICE[..], &[*name]].concat(), *value);
    }
}

#[track_caller]
fn labels(config: &str, world: &FakeWorld, expected: &[(&str, &str)]) {
    let mut proxy = Proxy::new(&format!(r#"{{"metrics": [{{}}] {config}}}"#));
    proxy.send(world, &[]);
    let labels = proxy.labels("istio_requests_total");
    for (name, value) in expected {
        let found = labels.get(*name).map(String::as_str);
        assert_eq!(found.unwrap_or_default(), *value, "{name}: {labels:?}");
    }
}

#[test]
fn a_servers_peer_is_what_its_object_says_and_its_namespace_what_its_certificate_says() {
    let world = world();
    world.set_property(&["filter_state", "downstream_peer"], workload());
    let expected = [
        ("reporter", "destination"),
        ("source_workload", "test-deployment"),
        ("source_workload_namespace", "test-namespace"),
        ("source_canonical_service", "canonical-name"),
        ("source_canonical_revision", "v1"),
        ("source_app", "test-app"),
        ("source_version", "test-app-v1"),
        ("source_cluster", "test-cluster"),
        // An object is no certificate.
        ("source_principal", "unknown"),
        ("connection_security_policy", "none"),
    ];
    let server = r#", "reporter": "destination""#;
    labels(server, &world, &expected);

    world.set_property(&["connection", "uri_san_peer_certificate"], SLEEP);
    labels(
        server,
        &world,
        &[
            ("source_workload_namespace", "sleepers"),
            ("source_principal", SLEEP),
        ],
    );
    // What Istio's HBONE listener says goes before the certificate of the connection.
    let inner = "spiffe://cluster.local/ns/inner/sa/x";
    world.set_property(&["filter_state", "io.istio.peer_principal"], inner);
    labels(
        server,
        &world,
        &[
            ("source_workload_namespace", "inner"),
            ("source_principal", inner),
        ],
    );
}

#[test]
fn a_clients_peer_is_its_object_or_what_stands_beside_its_endpoint() {
    let client = r#", "reporter": "source""#;
    let world = world();
    world.set_property(&ENDPOINT, "ratings-v1;default;ratings;v1;server-cluster");
    services(
        &world,
        &[
            ("host", "server.default.svc.cluster.local"),
            ("name", "server"),
            ("namespace", "server"),
        ],
    );
    labels(
        client,
        &world,
        &[
            ("destination_workload", "ratings-v1"),
            ("destination_workload_namespace", "default"),
            ("destination_service", "server.default.svc.cluster.local"),
            ("destination_service_name", "server"),
            ("destination_service_namespace", "server"),
            ("destination_cluster", "server-cluster"),
            ("destination_app", "unknown"),
            ("destination_version", "unknown"),
            ("destination_principal", "unknown"),
            ("connection_security_policy", "unknown"),
        ],
    );
    // Istio takes all five parts or none.
    world.set_property(&ENDPOINT, "ratings-v1;default");
    labels(
        client,
        &world,
        &[
            ("destination_workload", "unknown"),
            ("destination_workload_namespace", "unknown"),
            ("destination_canonical_revision", "latest"),
        ],
    );
    world.set_property(&["filter_state", "upstream_peer"], workload());
    labels(
        client,
        &world,
        &[
            ("destination_workload", "test-deployment"),
            ("destination_principal", RATINGS),
            // By the identity that stands in for a certificate.
            ("destination_workload_namespace", "default"),
        ],
    );
}

#[test]
fn a_client_knows_the_namespace_by_the_servers_certificate() {
    let world = world();
    let bookinfo = "spiffe://cluster.local/ns/bookinfo/sa/reviews";
    world.set_property(&["upstream", "uri_san_peer_certificate"], bookinfo);
    labels(
        r#", "reporter": "source""#,
        &world,
        &[
            ("destination_principal", bookinfo),
            ("destination_workload_namespace", "bookinfo"),
            ("destination_service_namespace", "bookinfo"),
            ("destination_service", "unknown"),
        ],
    );
}

#[test]
fn a_waypoint_names_the_endpoint_and_not_itself() {
    let waypoint = r#", "reporter": "waypoint""#;
    let world = world();
    let own = "spiffe://cluster.local/ns/istio-system/sa/waypoint";
    world.set_property(&["connection", "uri_san_local_certificate"], own);
    world.set_property(&["connection", "uri_san_peer_certificate"], SLEEP);
    world.set_property(&["filter_state", "upstream_peer"], workload());
    labels(
        waypoint,
        &world,
        &[
            ("reporter", "waypoint"),
            ("source_principal", SLEEP),
            ("destination_principal", RATINGS),
            ("destination_workload_namespace", "test-namespace"),
            ("destination_canonical_revision", "v1"),
            ("connection_security_policy", "mutual_tls"),
            // istiod turns the host header off for waypoints.
            ("destination_service", "unknown"),
            ("destination_service_name", "unknown"),
            ("destination_service_namespace", "unknown"),
        ],
    );
    let unknown = world::world();
    unknown.set_property(&ENDPOINT, "ratings-v1;default;ratings;v1;server-cluster");
    labels(
        waypoint,
        &unknown,
        &[
            ("destination_workload", "unknown"),
            ("destination_canonical_revision", "unknown"),
            ("destination_principal", "unknown"),
            ("connection_security_policy", "none"),
        ],
    );
}

#[test]
fn the_host_header_names_a_service_only_where_it_may() {
    let world = world();
    let none = [
        ("destination_service", "unknown"),
        ("destination_service_name", "unknown"),
    ];
    labels(r#", "reporter": "source""#, &world, &none);
    labels(
        r#", "reporter": "source", "disableHostHeaderFallback": false"#,
        &world,
        &[
            ("destination_service", "app.example"),
            ("destination_service_name", "app.example"),
        ],
    );
    // An outbound sidecar has it on by itself.
    world.set_property(&["xds", "listener_direction"], 2i64.to_le_bytes());
    world.set_property(&["xds", "node", "id"], "sidecar~10.0.0.1~a~b");
    labels("", &world, &[("destination_service", "app.example")]);
    world.set_property(&["xds", "node", "id"], "router~10.0.0.1~a~b");
    labels("", &world, &none);
    // Names that stand for no service at all.
    world.set_property(&["xds", "cluster_name"], "PassthroughCluster");
    let passed = [
        ("destination_service", "unknown"),
        ("destination_service_name", "PassthroughCluster"),
    ];
    labels("", &world, &passed);
    world.set_property(&["xds", "cluster_name"], "some");
    world.set_property(&["xds", "route_name"], "block_all");
    labels(
        "",
        &world,
        &[("destination_service_name", "BlackHoleCluster")],
    );
}

#[test]
fn a_service_is_known_by_whatever_its_metadata_has() {
    let world = world();
    services(&world, &[("name", "ratings"), ("namespace", "bookinfo")]);
    labels(
        r#", "reporter": "source""#,
        &world,
        &[
            ("destination_service", "unknown"),
            ("destination_service_name", "ratings"),
            ("destination_service_namespace", "bookinfo"),
        ],
    );
}
