use super::*;
use sdk_helpers::{config, fields};
use serde_json::{Value, json};

fn checked(entries: Value) -> (Vec<Provider>, Vec<String>, Vec<String>) {
    fields! {
        struct Whole {
            p: Vec<ProviderWire>,
        }
    }
    let problems = Problems::default();
    let whole = config::read::<Whole>(&json!({"p": entries}), &At::root(), &problems);
    let root = At::root();
    let providers = check(whole.p.unwrap_or_default(), &root.field("p"), &problems);
    let text =
        |errors: Vec<sdk_helpers::ConfigError>| errors.iter().map(ToString::to_string).collect();
    (
        providers,
        text(problems.errors()),
        text(problems.warnings()),
    )
}

fn errors(entries: Value) -> Vec<String> {
    let (_, errors, warnings) = checked(entries);
    assert_eq!(warnings, Vec::<String>::new());
    errors
}

fn http(fields: Value) -> Value {
    let mut service = json!({"service": "authz.example", "port": 80});
    for (name, value) in fields.as_object().expect("fields") {
        service[name] = value.clone();
    }
    json!([{"name": "a", "envoyExtAuthzHttp": service}])
}

#[test]
fn istios_defaults_are_these() {
    let (providers, errors, warnings) = checked(json!([
        {"name": "a", "envoyExtAuthzGrpc": {"service": "authz.ns.svc.cluster.local", "port": 9000}}
    ]));
    assert_eq!((errors.len(), warnings.len()), (0, 0));
    assert_eq!(
        providers,
        [Provider {
            name: "a".to_owned(),
            cluster: "outbound|9000||authz.ns.svc.cluster.local".to_owned(),
            timeout: Duration::from_secs(600),
            fail_open: false,
            status_on_error: 403,
            protocol: Protocol::Grpc,
        }]
    );
}

#[test]
fn every_field_of_a_http_service_is_read() {
    let (providers, errors, warnings) = checked(http(json!({
        "service": "ns/authz.example",
        "timeout": "0.25s",
        "failOpen": true,
        "statusOnError": "503",
        "clearRouteCache": true,
        "pathPrefix": "/check",
        "includeRequestHeadersInCheck": ["Cookie", "x-*"],
        "includeAdditionalHeadersInCheck": {"X-Fixed": "1"},
        "headersToUpstreamOnAllow": ["x-user"],
        "headersToDownstreamOnAllow": ["*-cookie"],
        "headersToDownstreamOnDeny": ["content-type"],
    })));
    assert_eq!((errors, warnings), (vec![], vec![]));
    let [provider] = &providers[..] else {
        panic!("{providers:?}");
    };
    assert_eq!(provider.cluster, "outbound|80||authz.example");
    assert_eq!(provider.timeout, Duration::from_millis(250));
    assert_eq!((provider.fail_open, provider.status_on_error), (true, 503));
    let Protocol::Http(http) = &provider.protocol else {
        panic!("{provider:?}");
    };
    assert_eq!(http.path_prefix, "/check");
    assert!(http.include.contains("cookie") && http.include.contains("x-a"));
    assert_eq!(http.additional[0].0, "x-fixed");
    assert!(http.to_upstream_on_allow.contains("x-user"));
    assert!(http.to_downstream_on_allow.contains("set-cookie"));
    assert!(http.to_downstream_on_deny.contains("content-type"));
}

#[test]
fn a_cluster_stands_for_service_and_port() {
    let (providers, errors, _) =
        checked(json!([{"name": "a", "envoyExtAuthzHttp": {"cluster": "my-authz"}}]));
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(providers[0].cluster, "my-authz");
    let both = http(json!({"cluster": "my-authz"}));
    assert_eq!(checked(both).0[0].cluster, "my-authz");
}

#[test]
fn what_names_no_service_is_refused() {
    assert_eq!(
        errors(json!([
            {"name": "a", "envoyExtAuthzHttp": {}},
            {"name": "b", "envoyExtAuthzHttp": {"service": "a b", "port": 0}},
            {"name": "c", "envoyExtAuthzHttp": {"service": "*.example", "port": 65536}},
            {"name": "d", "envoyExtAuthzGrpc": {"service": "ns/10.0.0.1/x", "port": 1}},
            {"name": "e", "envoyExtAuthzGrpc": {"cluster": ""}},
        ])),
        [
            "p[1].envoyExtAuthzHttp.port: `0` is not a whole number between 1 and 65535",
            "p[2].envoyExtAuthzHttp.port: `65536` is not a whole number between 1 and 65535",
            "p[0].envoyExtAuthzHttp.service: is missing; name the service, or Envoy's `cluster`",
            "p[0].envoyExtAuthzHttp.port: is missing; name the port of the service",
            "p[1].envoyExtAuthzHttp.service: `a b` is no service; write its host, `authz.example.svc.cluster.local`, or `namespace/host`",
            "p[2].envoyExtAuthzHttp.service: `*.example` is no service; write its host, `authz.example.svc.cluster.local`, or `namespace/host`",
            "p[3].envoyExtAuthzGrpc.service: `ns/10.0.0.1/x` is no service; write its host, `authz.example.svc.cluster.local`, or `namespace/host`",
            "p[4].envoyExtAuthzGrpc.cluster: must be the name of one of Envoy's clusters",
        ]
    );
    for host in ["authz", "10.0.0.1", "::1", "ns/authz.example", "a-1.b"] {
        assert_eq!(
            errors(http(json!({"service": host}))),
            Vec::<String>::new(),
            "{host}"
        );
    }
}

#[test]
fn names_are_unique_and_of_one_kind() {
    let service = json!({"cluster": "c"});
    assert_eq!(
        errors(json!([
            {"envoyExtAuthzHttp": service},
            {"name": "a"},
            {"name": "a", "envoyExtAuthzHttp": service, "envoyExtAuthzGrpc": service},
            {"name": "a", "envoyExtAuthzHttp": service},
            {"name": "a", "envoyExtAuthzGrpc": service},
        ])),
        [
            "p[0].name: `` is no name that statistics and logs can carry: 1 to 317 of `A-Z a-z 0-9 . _ - / ~`",
            "p[1]: must have one of `envoyExtAuthzHttp` and `envoyExtAuthzGrpc`",
            "p[2]: must have one of `envoyExtAuthzHttp` and `envoyExtAuthzGrpc`",
            "p[4].name: `a` is another provider's name too",
        ]
    );
}

#[test]
fn other_kinds_of_provider_mean_nothing_here() {
    for kind in [
        "zipkin",
        "lightstep",
        "datadog",
        "stackdriver",
        "opencensus",
        "skywalking",
        "opentelemetry",
        "prometheus",
        "envoyFileAccessLog",
        "envoyHttpAls",
        "envoyTcpAls",
        "envoyOtelAls",
    ] {
        assert_eq!(
            errors(json!([{"name": "a", kind: {"service": "x", "port": 1}}])),
            [
                "p[0]: is no external authorization service: of MeshConfig's providers only `envoyExtAuthzHttp` and `envoyExtAuthzGrpc` mean something here; remove it"
            ],
            "{kind}"
        );
    }
}

#[test]
fn a_body_is_never_sent() {
    let sentence = "includeRequestBodyInCheck: is not supported: this filter decides when the headers are there and never holds a body; remove it, or leave this policy to Istio";
    let body = json!({"maxRequestBytes": 10});
    assert_eq!(
        errors(http(json!({"includeRequestBodyInCheck": body}))),
        [format!("p[0].envoyExtAuthzHttp.{sentence}")]
    );
    assert_eq!(
        errors(
            json!([{"name": "a", "envoyExtAuthzGrpc": {"cluster": "c", "includeRequestBodyInCheck": body}}])
        ),
        [format!("p[0].envoyExtAuthzGrpc.{sentence}")]
    );
}

#[test]
fn what_a_value_may_be() {
    for (fields, error) in [
        (
            json!({"timeout": "0s"}),
            "timeout: `0s` is too short; at least `1ms`, since to Envoy 0 is no end at all",
        ),
        (
            json!({"timeout": "soon"}),
            "timeout: `soon` is not a duration such as `250ms`, `5s` or `1m30s`",
        ),
        (
            json!({"statusOnError": "teapot"}),
            "statusOnError: `teapot` is no status that Envoy can answer with; write one such as \"403\" or \"503\"",
        ),
        (
            json!({"statusOnError": "100"}),
            "statusOnError: `100` is no status that Envoy can answer with; write one such as \"403\" or \"503\"",
        ),
        (
            json!({"statusOnError": "499"}),
            "statusOnError: `499` is no status that Envoy can answer with; write one such as \"403\" or \"503\"",
        ),
        (
            json!({"pathPrefix": "check"}),
            "pathPrefix: `check` must begin with `/`",
        ),
        (
            json!({"pathPrefix": "/a b"}),
            "pathPrefix: `/a b` holds what no path may: white space, `#`, or letters beyond ASCII, which are written as `%c3%a9`",
        ),
        (
            json!({"headersToUpstreamOnAllow": ["x", "*"]}),
            "headersToUpstreamOnAllow[1]: `*` alone is not taken, nor by Istio; write `prefix*` or `*suffix`",
        ),
        (
            json!({"headersToDownstreamOnDeny": [""]}),
            "headersToDownstreamOnDeny[0]: must not be empty",
        ),
        (
            json!({"includeAdditionalHeadersInCheck": {"host": "x"}}),
            "includeAdditionalHeadersInCheck.host: is no name of a header that can be added; `host` and those with a colon in front are the request's own",
        ),
        (
            json!({"includeAdditionalHeadersInCheck": {":path": "x"}}),
            "includeAdditionalHeadersInCheck[\":path\"]: is no name of a header that can be added; `host` and those with a colon in front are the request's own",
        ),
        (
            json!({"includeAdditionalHeadersInCheck": {"x": "a\r\nb"}}),
            "includeAdditionalHeadersInCheck.x: has a value of several lines, which no header can have",
        ),
        (
            json!({"includeAdditionalHeadersInCheck": {"x": "%START_TIME%"}}),
            "includeAdditionalHeadersInCheck.x: has the operator `%START_TIME%`, and `%REQ(header)%` is the only one a wasm filter can fill in; a percent sign is written `%%`",
        ),
        (
            json!({"includeAdditionalHeadersInCheck": {"x": "5%"}}),
            "includeAdditionalHeadersInCheck.x: has a `%` on its own; a percent sign is written `%%`",
        ),
    ] {
        assert_eq!(
            errors(http(fields)),
            [format!("p[0].envoyExtAuthzHttp.{error}")]
        );
    }
}

#[test]
fn a_grpc_service_has_fewer_fields() {
    assert_eq!(
        errors(json!([{"name": "a", "envoyExtAuthzGrpc": {"cluster": "c", "pathPrefix": "/x", "headersToDownstreamOnDeny": []}}])),
        ["headersToDownstreamOnDeny", "pathPrefix"].map(|field| format!(
            "p[0].envoyExtAuthzGrpc.{field}: is no field of `envoyExtAuthzGrpc`: a gRPC service sees every header and names the changes itself; remove it"
        ))
    );
}

#[test]
fn what_is_deprecated_or_changes_nothing_is_said() {
    let warned = |fields| checked(http(fields)).2;
    assert_eq!(
        warned(json!({"includeHeadersInCheck": ["x"]})),
        [
            "p[0].envoyExtAuthzHttp.includeHeadersInCheck: is deprecated; it is `includeRequestHeadersInCheck` now"
        ]
    );
    assert_eq!(
        warned(json!({"includeHeadersInCheck": ["x"], "includeRequestHeadersInCheck": ["y"]})),
        [
            "p[0].envoyExtAuthzHttp.includeHeadersInCheck: changes nothing beside `includeRequestHeadersInCheck`; remove it"
        ]
    );
    assert_eq!(
        warned(json!({"clearRouteCache": false})),
        [
            "p[0].envoyExtAuthzHttp.clearRouteCache: changes nothing: Envoy looks for the route again whenever a wasm filter changes a request header"
        ]
    );
    let (providers, ..) = checked(http(json!({"includeHeadersInCheck": ["x"]})));
    assert!(matches!(&providers[0].protocol, Protocol::Http(http) if http.include.contains("x")));
}
