//! What an attacker may send, byte for byte: both filters answer alike, no VM dies of it, and the next
//! good request is served.

use std::collections::BTreeMap;
use std::time::Duration;

use integration::client::{Client, raw};
use integration::envoy::{Capability, lacks_in_part};
use integration::shared::Shared;
use serde_json::{Value, json};

use crate::authorization_policy::rig::{Manager, native, ours};

const NORMALIZATIONS: [&str; 4] = ["NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"];

/// Request targets that have fooled somebody before.
const PATHS: &[&[u8]] = &[
    b"/admin",
    b"/ADMIN",
    b"//admin",
    b"///admin",
    b"/admin/",
    b"/admin//",
    b"/./admin",
    b"/x/../admin",
    b"/x/..;/admin",
    b"/..//admin",
    b"/../../admin",
    b"/admin/..",
    b"/admin/.",
    b"/admin/../x",
    b"/%61dmin",
    b"/%41dmin",
    b"/%2561dmin",
    b"/admin%2fx",
    b"/admin%2Fx",
    b"/admin%5cx",
    b"/admin%5Cx",
    b"/x%2f..%2fadmin",
    b"/x/%2e%2e/admin",
    b"/x/%2E./admin",
    b"/%2e/admin",
    b"/x\\..\\admin",
    b"\\admin",
    b"/admin\\x",
    b"/admin;v=1",
    b"/admin;/x",
    b"/;/admin",
    b"/admin?",
    b"/admin?x=/y",
    b"/?/admin",
    b"/x?/../admin",
    b"/admin#",
    b"/admin#x",
    b"/#/admin",
    b"/admin#?x",
    b"/admin%3f",
    b"/admin%23",
    b"/admin%00",
    b"/admin%",
    b"/admin%2",
    b"/admin%zz",
    b"/admin\x7f",
    b"/admin\x80",
    b"/admin\xff\xfe",
    b"/adm\xc3\xadn",
    b"/\xc0\xafadmin",
    b"/%c0%afadmin",
    b"/admin\t",
    b"/admin x",
    b"/admin\"x\"",
    b"/admin<x>",
    b"/admin[x]",
    b"/admin{x}",
    b"/admin|x",
    b"/admin^x",
    b"/admin`x",
    b"/admin/a/b",
    b"/admin/*",
    b"/admin/{*}",
    b"*",
    b"admin",
    b"/",
    b"http://other.example/admin",
    b"http://other.example",
    b"http://other.example?x",
    b"HTTP://OTHER.example/admin#x",
    b"https://app.example/admin",
    b"http://app.example:80/admin",
    b"//app.example/admin",
];

/// Header lines, each of a request to `/x`.
const LINES: &[&[u8]] = &[
    b"host: app.example",
    b"host: APP.Example",
    b"host: app.example:80",
    b"host: app.example:",
    b"host: app.example.",
    b"host: .app.example",
    b"host: user@app.example",
    b"host: app.example/x",
    b"host: app.example\\x",
    b"host: app.example#x",
    b"host: app.example?x",
    b"host: app%2eexample",
    b"host: app.example\x80",
    b"host: [::1]",
    b"host:",
    b"host: app.example\r\nhost: other.example",
    b"host: other.example\r\nhost: app.example",
    b"host: app.example, other.example",
    b"host: app.example\r\nx-a: secret",
    b"host: app.example\r\nX-A: secret",
    b"host: app.example\r\nx-a: Secret",
    b"host: app.example\r\nx-a:secret",
    b"host: app.example\r\nx-a: \t secret \t",
    b"host: app.example\r\nx-a: public\r\nx-a: secret",
    b"host: app.example\r\nx-a: secret\r\nx-a: public",
    b"host: app.example\r\nx-a: public,secret",
    b"host: app.example\r\nx-a:",
    b"host: app.example\r\nx-a: \r\nx-a: secret",
    b"host: app.example\r\nx-a: \xff\xfe",
    b"host: app.example\r\nx-a: secret\x80",
    b"host: app.example\r\nx-a: \x01secret",
    b"host: app.example\r\nx_a: secret",
    b"host: app.example\r\nx-a : secret",
    b"host: app.example\r\nx-a: se\r\n cret",
    b"host: app.example\r\ncookie: a=1\r\ncookie: b=2",
    b"host: app.example\r\ncookie: a=1; b=2",
    b"host: app.example\r\nx-forwarded-for: 10.0.0.1",
    b"host: app.example\r\nx-forwarded-for: 10.0.0.1, 192.0.2.1",
    b"host: app.example\r\nx-forwarded-for: 192.0.2.1, 10.0.0.1",
    b"host: app.example\r\nx-forwarded-for: 192.0.2.1\r\nx-forwarded-for: 10.0.0.1",
    b"host: app.example\r\nx-forwarded-for: 10.0.0.1\r\nx-forwarded-for: 192.0.2.1",
    b"host: app.example\r\nx-forwarded-for: 10.0.0.1,",
    b"host: app.example\r\nx-forwarded-for: ,10.0.0.1",
    b"host: app.example\r\nx-forwarded-for: \"10.0.0.1\"",
    b"host: app.example\r\nx-forwarded-for: 10.0.0.1:80",
    b"host: app.example\r\nx-forwarded-for: [10.0.0.1]",
    b"host: app.example\r\nx-forwarded-for: 010.0.0.1",
    b"host: app.example\r\nx-forwarded-for: 0x0a000001",
    b"host: app.example\r\nx-forwarded-for: 167772161",
    b"host: app.example\r\nx-forwarded-for: ::ffff:10.0.0.1",
    b"host: app.example\r\nx-forwarded-for: ::ffff:a00:1",
    b"host: app.example\r\nx-forwarded-for: 64:ff9b::10.0.0.1",
    b"host: app.example\r\nx-forwarded-for: fe80::1%eth0",
    b"host: app.example\r\nx-forwarded-for: \xff",
    b"host: app.example\r\nforwarded: for=10.0.0.1",
    b"host: app.example\r\nx-real-ip: 10.0.0.1",
    b"host: app.example\r\nauthorization: Bearer x",
    b"host: app.example\r\nauthorization: Bearer \xff.\xff.\xff",
    b"host: app.example\r\ncontent-type: application/grpc",
    b"host: app.example\r\ncontent-type: application/grpc+json",
    b"host: app.example\r\nconnection: x-a\r\nx-a: secret",
    b"host: app.example\r\nx-forwarded-client-cert: URI=spiffe://cluster.local/ns/default/sa/sleep",
];

const METHODS: &[&[u8]] = &[
    b"GET", b"get", b"HEAD", b"OPTIONS", b"CONNECT", b"PRI", b"BREW", b"GET\x80", b"TRACE",
];

/// What protects and what lets through, by every attribute that those requests play with.
fn configurations() -> Vec<Value> {
    let operation = |fields: Value| json!([{"to": [{"operation": fields}]}]);
    let source = |fields: Value| json!([{"from": [{"source": fields}]}]);
    let when =
        |key: &str, field: &str, values: Value| json!([{"when": [{"key": key, field: values}]}]);
    let rules = [
        operation(json!({"paths": ["/admin"]})),
        operation(json!({"paths": ["/admin*"]})),
        operation(json!({"paths": ["*/admin", "*x"]})),
        operation(json!({"notPaths": ["/x", "/admin/*"]})),
        operation(json!({"paths": ["/admin/{*}", "/{**}/admin"]})),
        operation(json!({"notPaths": ["/{**}"]})),
        operation(json!({"paths": ["*"]})),
        operation(json!({"hosts": ["app.example", "other.example:*"]})),
        operation(json!({"notHosts": ["app.*", "*"]})),
        operation(json!({"hosts": ["*.example"], "methods": ["GET"]})),
        operation(json!({"notMethods": ["*T"]})),
        source(json!({"remoteIpBlocks": ["10.0.0.0/8"]})),
        source(json!({"notRemoteIpBlocks": ["10.0.0.0/8", "::ffff:0:0/96"]})),
        source(json!({"ipBlocks": ["127.0.0.1"]})),
        source(json!({"requestPrincipals": ["*"]})),
        source(json!({"notPrincipals": ["*"]})),
        when("request.headers[x-a]", "values", json!(["secret"])),
        when("request.headers[x-a]", "notValues", json!(["secret"])),
        when("request.headers[x-a]", "values", json!(["*"])),
        when("request.headers[x-a]", "values", json!(["*t"])),
        when("request.headers[cookie]", "values", json!(["a=1*"])),
        when("request.headers[host]", "values", json!(["app.example"])),
        when("request.headers[:path]", "values", json!(["*admin*", "/x"])),
        when(
            "request.headers[x-forwarded-client-cert]",
            "values",
            json!(["*"]),
        ),
        when("source.principal", "values", json!(["*"])),
    ];
    let policy = |action: &str, rules: &Value| json!({"name": "p", "namespace": "ns", "action": action, "rules": rules});
    rules
        .iter()
        .flat_map(|rules| {
            ["ALLOW", "DENY"].map(|action| json!({"policies": [policy(action, rules)]}))
        })
        .collect()
}

/// The request of such a head, and the end of its connection.
fn bytes(method: &[u8], path: &[u8], lines: &[u8]) -> Vec<u8> {
    [
        method,
        b" ",
        path,
        b" HTTP/1.1\r\n",
        lines,
        b"\r\nconnection: close\r\n\r\n",
    ]
    .concat()
}

fn requests() -> Vec<Vec<u8>> {
    let long = vec![b'a'; 40 * 1024];
    let mut all: Vec<Vec<u8>> = PATHS
        .iter()
        .map(|path| bytes(b"GET", path, b"host: app.example"))
        .collect();
    all.extend(LINES.iter().map(|lines| bytes(b"GET", b"/x", lines)));
    all.extend(
        METHODS
            .iter()
            .map(|method| bytes(method, b"/admin", b"host: app.example")),
    );
    all.push(bytes(
        b"GET",
        &[b"/admin", &long[..]].concat(),
        b"host: app.example",
    ));
    all.push(bytes(
        b"GET",
        b"/x",
        &[b"host: app.example\r\nx-a: ", &long[..], b"secret"].concat(),
    ));
    let same = "x-a: public\r\n".repeat(300);
    all.push(bytes(
        b"GET",
        b"/x",
        format!("{same}x-a: secret\r\nhost: app.example").as_bytes(),
    ));
    all.push(b"GET /admin HTTP/1.0\r\n\r\n".to_vec());
    all.push(b"GET /admin\r\n\r\n".to_vec());
    all.push(b"GET /x HTTP/1.1\r\nhost: app.example\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nabc".to_vec());
    all
}

/// Whether a name stands in two lines.
fn repeats_a_header(request: &[u8]) -> bool {
    let lines = request.split(|byte| *byte == b'\n').skip(1);
    let names =
        lines.filter_map(|line| Some(line.split_at(line.iter().position(|b| *b == b':')?).0));
    let mut names: Vec<_> = names.map(<[u8]>::to_ascii_lowercase).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    names.len() < all
}

/// An answer without the line that says when.
fn visible(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let lines = text.lines().filter(|line| !line.starts_with("date: "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn hostile_requests_are_decided_alike_and_leave_a_good_one_served() {
    let configurations = configurations();
    let mut requests = requests();
    // How these are decided is told by `repeated`.
    if lacks_in_part(Capability::RepeatedHeaders) {
        requests.retain(|request| !repeats_a_header(request));
    }
    let mut statuses = BTreeMap::new();
    for normalization in NORMALIZATIONS {
        let manager = Manager(vec![
            ("max_request_headers_kb", json!(96)),
            (
                "common_http_protocol_options",
                json!({"max_headers_count": 2000}),
            ),
            // Envoy waits a second for a client that could still be sending; this one is not.
            ("delayed_close_timeout", json!("0s")),
        ])
        .paths(normalization)
        .trusted_proxies((normalization == "BASE").then_some(1));
        let listeners = configurations
            .iter()
            .enumerate()
            .flat_map(|(index, config)| {
                [
                    native(&format!("native-{index}"), config, &manager),
                    ours(&format!("ours-{index}"), config, &manager),
                ]
            });
        let good = json!({"policies": [{"name": "good", "namespace": "ns", "action": "DENY", "rules": [
            {"to": [{"operation": {"paths": ["/good"]}}]},
        ]}]});
        let listeners: Vec<_> = listeners.chain([ours("good", &good, &manager)]).collect();
        let envoy = Shared::start(listeners, []);
        for (index, config) in configurations.iter().enumerate() {
            // A share of them for each configuration, and each share for some: all pairs take minutes.
            for request in requests.iter().skip(index % 5).step_by(5) {
                let [theirs, mine] = ["native", "ours"].map(|side| {
                    let addr = envoy.addr(&format!("{side}-{index}"));
                    visible(&raw(addr, request, Duration::from_secs(5)))
                });
                assert_eq!(
                    mine,
                    theirs,
                    "{normalization}: {config}\n{}",
                    request.escape_ascii()
                );
                let status = mine.split(' ').nth(1).unwrap_or("none").to_owned();
                *statuses.entry(status).or_insert(0) += 1;
            }
        }
        let client = Client::http1(envoy.addr("good"));
        for _ in 0..8 {
            assert_eq!(client.get("/good").send().status, 403);
            assert_eq!(client.get("/other").send().status, 200);
        }
        let log = envoy.log();
        assert!(
            !log.contains("Function: proxy_") && !log.contains("panicked at"),
            "a VM died"
        );
    }
}

/// A request without a path, where CONNECT is taken at all.
#[test]
fn connect_has_no_path_to_match() {
    let rule = |fields: Value| json!({"to": [{"operation": fields}]});
    let rules = [
        rule(json!({"paths": ["*"]})),
        rule(json!({"paths": ["/*", "*3"]})),
        rule(json!({"paths": ["/{**}"]})),
        rule(json!({"notPaths": ["*"]})),
        rule(json!({"notPaths": ["/{**}"]})),
        rule(json!({"methods": ["CONNECT"], "hosts": ["app.example:443"]})),
        json!({"when": [{"key": "request.headers[:path]", "values": ["*"]}]}),
        json!({"when": [{"key": "request.headers[:path]", "notValues": ["*"]}]}),
    ];
    let mut cases = Vec::new();
    for rule in &rules {
        for action in ["ALLOW", "DENY"] {
            cases.push(json!({"policies": [
                {"name": "p", "namespace": "ns", "action": action, "rules": [rule]},
            ]}));
        }
    }
    let manager = Manager(vec![
        ("upgrade_configs", json!([{"upgrade_type": "CONNECT"}])),
        ("delayed_close_timeout", json!("0s")),
    ]);
    let listeners = cases.iter().enumerate().flat_map(|(index, config)| {
        [
            native(&format!("native-{index}"), config, &manager),
            ours(&format!("ours-{index}"), config, &manager),
        ]
    });
    let envoy = Shared::start(listeners.collect::<Vec<_>>(), []);
    let request = bytes(b"CONNECT", b"app.example:443", b"host: app.example:443");
    let mut refused = 0;
    for (index, config) in cases.iter().enumerate() {
        let [theirs, mine] = ["native", "ours"].map(|side| {
            let addr = envoy.addr(&format!("{side}-{index}"));
            visible(&raw(addr, &request, Duration::from_secs(5)))
        });
        assert_eq!(mine, theirs, "{config}");
        refused += usize::from(mine.starts_with("HTTP/1.1 403 "));
    }
    // Each rule holds or it does not, so one action of the two refuses.
    assert_eq!(refused, rules.len());
}
