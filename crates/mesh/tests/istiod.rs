//! What istiod writes where a reader might expect something else, found in its own code and golden files.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support: a panic is how a test fails"
)]

use std::collections::BTreeMap;
use std::path::Path;

use documents::Document;
use mesh::model::Model;
use mesh::{Addresses, Certificates, Mesh, Outside};
use serde_json::{Value, json};

/// A client and two services, one with two ports.
const BASE: &str = "
kind: Pod
metadata: {name: client, labels: {app: client}}
spec: {containers: [{name: client, image: client}]}
---
kind: Service
metadata: {name: a}
spec: {selector: {app: a}, ports: [{name: http, port: 80}, {name: http-more, port: 8000}]}
---
kind: Service
metadata: {name: b}
spec: {selector: {app: b}, ports: [{name: http, port: 8000}]}
---
kind: Pod
metadata: {name: a, labels: {app: a}}
spec: {serviceAccountName: a, containers: [{name: a, image: a, ports: [{containerPort: 80}, {containerPort: 8000}]}]}
";

fn model(more: &str) -> Model {
    let text = format!("{BASE}---\n{more}");
    Model::read(&Document::read_text("a.yaml", &text).unwrap()).0
}

/// A file of the client's sidecar, or of the only gateway.
fn written(model: &Model, gateway: bool, file: &str) -> Value {
    let addresses = Addresses::assign(model, 10);
    let certificates = Certificates {
        chain: "/run/chain.pem".into(),
        key: "/run/key.pem".into(),
        roots: "/run/roots.pem".into(),
    };
    let mesh = Mesh {
        model,
        addresses: &addresses,
        trust_domain: "cluster.local",
        outside: Outside::RegistryOnly,
    };
    let folder = Path::new("/run");
    let address = addresses.gateway(1);
    let proxy = match gateway {
        true => mesh.gateway(&mesh.gateways()[0], address, &certificates, folder),
        false => mesh.sidecar(&model.workloads[0], address, &certificates, folder),
    };
    let files = proxy.files(folder, ([127, 0, 0, 1], 0).into());
    let found = files.into_iter().find(|(name, _)| {
        *name == file || file == "routes.json" && mesh::proxy::files::has_routes(name)
    });
    found.unwrap().1["resources"].clone()
}

/// What the client is told, host by host.
fn hosts(model: &Model) -> BTreeMap<String, Value> {
    by_name(&written(model, false, "routes.json")[0]["virtual_hosts"])
}

/// What a gateway serves at its first port.
fn gateway_hosts(model: &Model) -> BTreeMap<String, Value> {
    by_name(&written(model, true, "routes.json")[0]["virtual_hosts"])
}

/// The clusters of the client, or of a gateway.
fn clusters(model: &Model, gateway: bool) -> BTreeMap<String, Value> {
    by_name(&written(model, gateway, "clusters.json"))
}

fn by_name(list: &Value) -> BTreeMap<String, Value> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| (one["name"].as_str().unwrap().to_owned(), one.clone()))
        .collect()
}

fn virtual_service(name: &str, spec: &str) -> String {
    format!("---\nkind: VirtualService\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

#[test]
fn spans_are_called_by_the_service_where_a_route_leads_to_one() {
    let routes = "{hosts: [a], http: [{match: [{uri: {exact: /one}}], route: [{destination: {host: b}}]}, \
        {match: [{uri: {prefix: /two}}], redirect: {uri: /}}, \
        {route: [{destination: {host: a}, weight: 1}, {destination: {host: b}, weight: 1}]}]}";
    let model = model(&virtual_service("paths", routes));
    let host = &hosts(&model)["a.default.svc.cluster.local:80"];
    let operations: Vec<&Value> = (0..3)
        .map(|index| &host["routes"][index]["decorator"]["operation"])
        .collect();
    assert_eq!(
        operations,
        [
            "b.default.svc.cluster.local:8000/one",
            "paths:80/two*",
            "paths:80/*"
        ]
    );
}

#[test]
fn a_copy_keeps_its_host_and_a_rewrite_forwards_none() {
    let spec = "{hosts: [a], http: [{rewrite: {uri: /x}, mirror: {host: b}, route: [{destination: {host: a}}]}]}";
    let model = model(&virtual_service("a", spec));
    let route = &hosts(&model)["a.default.svc.cluster.local:80"]["routes"][0]["route"];
    let copies = &route["request_mirror_policies"];
    assert_eq!(copies[0]["disable_shadow_host_suffix_append"], true);
    assert_eq!(route["append_x_forwarded_host"], Value::Null);
}

#[test]
fn of_two_virtual_services_for_a_host_the_first_that_has_routes_for_the_client_counts() {
    let other = "{hosts: [a], http: [{match: [{sourceLabels: {app: other}}], route: [{destination: {host: b}}]}]}";
    let (first, second) = (
        virtual_service("first", other),
        virtual_service(
            "second",
            "{hosts: [a], http: [{name: second, route: [{destination: {host: b}}]}]}",
        ),
    );
    let wildcard = virtual_service(
        "all",
        "{hosts: ['*.default.svc.cluster.local'], http: [{name: all, route: [{destination: {host: b}}]}]}",
    );
    let name = |more: &str, host: &str| {
        let hosts = hosts(&model(more));
        hosts[host]["routes"][0]["name"].as_str().map(str::to_owned)
    };
    let (a, b) = (
        "a.default.svc.cluster.local:80",
        "b.default.svc.cluster.local:8000",
    );
    let more = [wildcard.as_str(), &first, &second].concat();
    assert_eq!(name(&more, a).as_deref(), Some("second"));
    assert_eq!(name(&more, b).as_deref(), Some("all"));
    // A wildcard does not stand in for one that names the host, and has none for this client.
    let more = [wildcard.as_str(), &first].concat();
    assert_eq!(name(&more, a).as_deref(), Some("default"));
}

#[test]
fn a_host_that_no_service_has_is_known_at_the_ports_of_those_beside_it() {
    let spec = "{hosts: [b, shop.example], http: [{route: [{destination: {host: b}}]}]}";
    let with_service = hosts(&model(&virtual_service("b", spec)));
    assert_eq!(
        with_service["shop.example:8000"]["domains"],
        json!(["shop.example:8000"])
    );
    let alone = "{hosts: [shop.example], http: [{route: [{destination: {host: b}}]}]}";
    let alone = hosts(&model(&virtual_service("b", alone)));
    assert_eq!(
        alone["shop.example:80"]["domains"],
        json!(["shop.example", "shop.example:80"])
    );
    assert!(!alone.contains_key("shop.example:8000"));
}

#[test]
fn a_wildcard_of_a_virtual_service_is_for_every_host_of_the_gateway_that_ends_so() {
    let gateway = "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec: {servers: [\
        {port: {number: 80, name: http, protocol: HTTP}, hosts: [one.shop.example, two.shop.example, other.example]}]}\n";
    let wildcard = virtual_service(
        "shop",
        "{hosts: ['*.shop.example'], gateways: [edge], http: [{route: [{destination: {host: b}}]}]}",
    );
    let served = gateway_hosts(&model(&[gateway, &wildcard].concat()));
    let names: Vec<&String> = served.keys().collect();
    assert_eq!(names, ["one.shop.example:80", "two.shop.example:80"]);
    // Without any route Envoy says so: 404, and the flag NR.
    let nothing = gateway_hosts(&model(gateway));
    assert_eq!(nothing["blackhole:80"]["routes"], json!([]));
}

#[test]
fn nobody_speaks_mutual_tls_to_a_port_that_does_not_take_it() {
    let disabled = "kind: PeerAuthentication\nmetadata: {name: a}\n\
        spec: {selector: {matchLabels: {app: a}}, portLevelMtls: {8000: {mode: DISABLE}}}\n";
    let clusters = clusters(&model(disabled), false);
    let mode = |port: u16| {
        let name = format!("outbound|{port}||a.default.svc.cluster.local");
        let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/metadata/filter_metadata/\
                        envoy.transport_socket_match";
        clusters[&name].pointer(endpoint).cloned()
    };
    assert_eq!(mode(80), Some(json!({"tlsMode": "istio"})));
    assert_eq!(mode(8000), None);
}

/// How a cluster speaks to whoever answers.
fn speaks(cluster: &Value) -> &str {
    let options =
        "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let options = cluster.pointer(options).unwrap();
    let explicit = "/explicit_http_config/http2_protocol_options";
    match (
        options.get("use_downstream_protocol_config"),
        options.pointer(explicit),
    ) {
        (Some(_), _) => "what its client does",
        (_, Some(_)) => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

#[test]
fn http2_stays_http2_on_its_whole_way() {
    let service = "kind: Service\nmetadata: {name: c}\nspec: {selector: {app: a}, ports: [\
        {name: grpc, port: 9000}, {name: any, port: 9001}, {name: http, port: 9002}]}\n---\n\
        apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec: {}\n";
    let model = model(service);
    let all = clusters(&model, false);
    let of_gateway = clusters(&model, true);
    let addresses = Addresses::assign(&model, 10);
    let workload = &model.workloads[1];
    let address = addresses.of(workload).next().unwrap();
    for (port, expected, alpn) in [
        (9000, "HTTP/2", json!(["istio", "h2"])),
        (9001, "what its client does", json!(["istio"])),
        (9002, "HTTP/1.1", json!(["istio"])),
    ] {
        let cluster = &all[&format!("outbound|{port}||c.default.svc.cluster.local")];
        assert_eq!(speaks(cluster), expected, "{port}");
        // Whoever calls a gateway may speak what the workload does not.
        let guarded = if port == 9001 { "HTTP/1.1" } else { expected };
        let name = cluster["name"].as_str().unwrap();
        assert_eq!(speaks(&of_gateway[name]), guarded, "{port}");
        let context =
            "/transport_socket_matches/0/transport_socket/typed_config/common_tls_context";
        let context = cluster.pointer(context).unwrap();
        assert_eq!(context["alpn_protocols"], alpn, "{port}");
        // The workload is spoken to as its port says.
        let process = addresses.process(address, port, true);
        let (service, leading) = model.leading_to(workload, port).unwrap();
        assert_eq!(service.host, "c.default.svc.cluster.local");
        let inbound = mesh::listeners::inbound_cluster(port, process, leading.protocol, None);
        assert_eq!(speaks(&inbound), expected, "{port}");
    }
}

#[test]
fn a_rule_that_demands_mutual_tls_asks_for_the_identities_behind_the_service() {
    let rule = |tls: &str| {
        let text = format!(
            "kind: DestinationRule\nmetadata: {{name: a}}\nspec: {{host: a, trafficPolicy: {{tls: {tls}}}}}\n"
        );
        let all = clusters(&model(&text), false);
        all["outbound|80||a.default.svc.cluster.local"].clone()
    };
    let context = "/transport_socket/typed_config/common_tls_context";
    let names = format!("{context}/validation_context/match_typed_subject_alt_names");
    let asked = |tls: &str| rule(tls).pointer(&names).cloned();
    let identity = |name: &str| Some(json!([{"san_type": "URI", "matcher": {"exact": name}}]));
    assert_eq!(
        asked("{mode: ISTIO_MUTUAL}"),
        identity("spiffe://cluster.local/ns/default/sa/a")
    );
    assert_eq!(
        asked("{mode: ISTIO_MUTUAL, subjectAltNames: [spiffe://other]}"),
        identity("spiffe://other")
    );
    // Who believes anybody asks for no name either.
    let upstream = "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions/\
                    upstream_http_protocol_options/auto_san_validation";
    for (tls, validates) in [
        ("{mode: SIMPLE}", true),
        ("{mode: SIMPLE, insecureSkipVerify: true}", false),
        ("{mode: SIMPLE, subjectAltNames: [a.example]}", false),
    ] {
        assert_eq!(
            rule(tls).pointer(upstream),
            Some(&json!(validates)),
            "{tls}"
        );
    }
}

#[test]
fn the_names_of_a_service_entry_are_asked_for_where_its_rule_has_none() {
    let entry = "kind: ServiceEntry\nmetadata: {name: out}\nspec: {hosts: [out.example], resolution: NONE, \
        subjectAltNames: [own.example], ports: [{number: 443, name: http, protocol: HTTP}]}\n---\n\
        kind: DestinationRule\nmetadata: {name: out}\nspec: {host: out.example, trafficPolicy: {tls: ";
    let names = "/transport_socket/typed_config/common_tls_context/validation_context/match_typed_subject_alt_names/0/matcher";
    for (tls, expected) in [
        ("{mode: SIMPLE, sni: out.example}", "own.example"),
        (
            "{mode: SIMPLE, subjectAltNames: [other.example]}",
            "other.example",
        ),
    ] {
        let all = clusters(&model(&format!("{entry}{tls}}}}}")), false);
        let cluster = &all["outbound|443||out.example"];
        assert_eq!(
            cluster.pointer(names),
            Some(&json!({"exact": expected})),
            "{tls}"
        );
        // Envoy takes a cluster that finds its hosts by itself with names of one's own only where this is said.
        let insecure = "/cluster_type/typed_config/allow_insecure_cluster_options";
        assert_eq!(cluster.pointer(insecure), Some(&json!(true)), "{tls}");
    }
}
