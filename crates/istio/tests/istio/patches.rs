//! What istiod does with each kind of patch, as tables: one row is one patch to a small bootstrap, the
//! names it leaves behind, and the notes.

use istio::base::{self, Destination};
use istio::{Context, EnvoyFilter, Proxy, Rendered, apply};
use serde_json::{Value, json};
use std::net::SocketAddr;

const MANAGER: &str = "envoy.filters.network.http_connection_manager";
const ROUTER: &str = "envoy.filters.http.router";
const NEW: &str = "{name: new}";

#[test]
fn http_filters() {
    let sub_filter = |name| http_filter_clause(MANAGER, name);
    let clauses = [
        ("cors", sub_filter("cors")),
        ("router", sub_filter(ROUTER)),
        ("absent", sub_filter("rbac")),
        (
            "alias",
            http_filter_clause("envoy.http_connection_manager", "cors"),
        ),
    ];
    // `jwt` gets its configuration by ECDS, so no merge reaches it.
    let rows = "
        all     ADD                    -> jwt cors router new -- lands after
        cors    ADD                    -> jwt cors router new -- lands after
        all     INSERT_FIRST           -> new jwt cors router
        cors    INSERT_FIRST           -> new jwt cors router
        all     INSERT_BEFORE          -> new jwt cors router
        cors    INSERT_BEFORE          -> jwt new cors router
        router  INSERT_BEFORE          -> jwt cors new router
        absent  INSERT_BEFORE          -> jwt cors router     -- INSERT_BEFORE matched no http filter
        alias   INSERT_BEFORE          -> jwt cors router     -- deprecated filter name & matched no
        all     INSERT_AFTER           -> jwt cors router new -- lands after
        cors    INSERT_AFTER           -> jwt cors new router
        absent  INSERT_AFTER           -> jwt cors router     -- INSERT_AFTER matched no http filter
        all     REPLACE                -> jwt cors router     -- it names no filter
        cors    REPLACE                -> jwt new router
        absent  REPLACE                -> jwt cors router     -- REPLACE matched no http filter
        all     REMOVE                 -> jwt cors router     -- it names no filter
        cors    REMOVE                 -> jwt router
        absent  REMOVE                 -> jwt cors router     -- REMOVE matched no http filter
        all     MERGE                  -> jwt new new         -- renames `cors` & renames `envoy
        cors    MERGE                  -> jwt new router
        absent  MERGE                  -> jwt cors router     -- MERGE matched no http filter
        cors    MERGE_AND_REPLACE_LIST -> jwt cors router     -- has no effect on http filters";
    check("HTTP_FILTER", &clauses, rows, |out| {
        names(&manager(out)["http_filters"])
    });
}

#[test]
fn network_filters() {
    let in_one = |rest: &str| format!("{{listener: {{filterChain: {{name: one{rest}}}}}}}");
    let clauses = [
        ("one", in_one("")),
        ("first", in_one(", filter: {name: first}")),
        ("absent", in_one(", filter: {name: absent}")),
    ];
    let rows = "
        one     ADD                    -> first manager new
        one     INSERT_FIRST           -> new first manager
        one     INSERT_BEFORE          -> new first manager
        first   INSERT_BEFORE          -> new first manager
        one     INSERT_AFTER           -> first manager new
        first   INSERT_AFTER           -> first new manager
        absent  INSERT_AFTER           -> first manager       -- matched no network filter
        one     REPLACE                -> first manager       -- it names no filter
        first   REPLACE                -> new manager
        one     REMOVE                 -> first manager       -- it names no filter
        first   REMOVE                 -> manager
        one     MERGE                  -> new new             -- renames `envoy & renames `first`
        first   MERGE                  -> new manager
        first   MERGE_AND_REPLACE_LIST -> first manager       -- has no effect on network filters";
    check("NETWORK_FILTER", &clauses, rows, |out| {
        names(&chain(out)["filters"])
    });
}

#[test]
fn listener_filters() {
    let named = |name: &str| format!("{{listener: {{listenerFilter: {name}}}}}");
    let clauses = [("b", named("b")), ("absent", named("absent"))];
    let rows = "
        all     ADD                    -> a b new
        all     INSERT_FIRST           -> new a b
        all     INSERT_BEFORE          -> new a b
        b       INSERT_BEFORE          -> a new b
        absent  INSERT_BEFORE          -> a b     -- matched no listener filter
        all     INSERT_AFTER           -> a b new
        b       INSERT_AFTER           -> a b new
        all     REPLACE                -> a b     -- it names no filter
        b       REPLACE                -> a new
        all     REMOVE                 -> a b     -- it names no filter
        b       REMOVE                 -> a
        all     MERGE                  -> a b     -- it names no filter
        b       MERGE_AND_REPLACE_LIST -> a b     -- has no effect on listener filters";
    check("LISTENER_FILTER", &clauses, rows, |out| {
        names(&listener(out)["listener_filters"])
    });

    let value = "{name: b, typedConfig: {'@type': t/B, perConnectionBufferLimitBytes: 9}}";
    let merged = render(&patch("LISTENER_FILTER", &named("b"), "MERGE", value));
    assert_eq!(merged.notes, [""; 0]);
    let configuration = &listener(&merged.bootstrap)["listener_filters"][1]["typed_config"];
    assert_eq!(configuration["per_connection_buffer_limit_bytes"], 9);
}

#[test]
fn listeners() {
    let clauses = [
        ("outbound", "{context: SIDECAR_OUTBOUND}".to_string()),
        ("name", "{listener: {name: '0.0.0.0_8080'}}".to_string()),
        ("port", "{listener: {portNumber: 8080}}".to_string()),
        ("absent", "{listener: {portNumber: 9}}".to_string()),
    ];
    let rows = "
        all       ADD                    -> 0.0.0.0_8080 new
        outbound  ADD                    -> 0.0.0.0_8080 new
        all       ADD {}                 -> 0.0.0.0_8080     -- without a name
        all       INSERT_FIRST           -> 0.0.0.0_8080 new
        all       INSERT_BEFORE          -> 0.0.0.0_8080 new
        all       INSERT_AFTER           -> 0.0.0.0_8080 new
        name      REPLACE                -> 0.0.0.0_8080     -- REPLACE has no effect on listeners
        name      REMOVE                 ->
        port      REMOVE                 ->
        absent    REMOVE                 -> 0.0.0.0_8080     -- REMOVE matched no listener
        port      MERGE                  -> new
        port      MERGE_AND_REPLACE_LIST -> new
        absent    MERGE                  -> 0.0.0.0_8080     -- MERGE matched no listener";
    check("LISTENER", &clauses, rows, |out| {
        names(&out["static_resources"]["listeners"])
    });
}

#[test]
fn filter_chains() {
    let chain = |clause: &str| format!("{{listener: {{filterChain: {clause}}}}}");
    let clauses = [
        ("two", chain("{name: two}")),
        ("sni", chain("{sni: one.test}")),
        ("wildcard", chain("{sni: '*.test'}")),
        ("tls", chain("{transportProtocol: tls}")),
        ("raw", chain("{transportProtocol: raw_buffer}")),
        ("protocols", chain("{applicationProtocols: 'http/1.1,h2'}")),
        ("h3", chain("{applicationProtocols: 'h2,h3'}")),
        ("port", chain("{destinationPort: 443}")),
        ("other-port", chain("{destinationPort: 80}")),
    ];
    let rows = "
        all         ADD {name: new, filters: [{name: tcp}]}          -> one two new
        all         INSERT_FIRST {name: new, filters: [{name: tcp}]} -> one two new
        all         ADD                    -> one two -- without filters
        all         REPLACE                -> one two -- REPLACE has no effect on filter chains
        all         REMOVE                 ->
        two         MERGE                  -> one new
        two         MERGE_AND_REPLACE_LIST -> one new
        sni         REMOVE                 -> two
        wildcard    REMOVE                 -> one two -- REMOVE matched no filter chain
        tls         REMOVE                 -> two
        raw         REMOVE                 -> one two -- matched no
        protocols   REMOVE                 -> two
        h3          REMOVE                 -> one two -- matched no
        port        REMOVE                 -> two
        other-port  REMOVE                 -> one two -- matched no";
    check("FILTER_CHAIN", &clauses, rows, |out| {
        names(&listener(out)["filter_chains"])
    });
}

#[test]
fn route_configurations() {
    let clauses = [
        (
            "port",
            "{routeConfiguration: {portNumber: 8080}}".to_string(),
        ),
        ("name", "{routeConfiguration: {name: '8080'}}".to_string()),
        (
            "absent",
            "{routeConfiguration: {portNumber: 80}}".to_string(),
        ),
    ];
    let rows = "
        all     MERGE                  -> new
        all     MERGE_AND_REPLACE_LIST -> new
        port    MERGE                  -> new
        name    MERGE                  -> new
        absent  MERGE                  -> 8080 -- MERGE matched no route configuration
        all     ADD                    -> 8080 -- ADD has no effect
        all     INSERT_FIRST           -> 8080 -- INSERT_FIRST has no effect
        all     REPLACE                -> 8080 -- REPLACE has no effect
        all     REMOVE                 -> 8080 -- REMOVE has no effect";
    check("ROUTE_CONFIGURATION", &clauses, rows, |out| {
        names(&json!([manager(out)["route_config"]]))
    });
}

#[test]
fn virtual_hosts() {
    let host = |clause: &str| format!("{{routeConfiguration: {{vhost: {clause}}}}}");
    let clauses = [
        ("x", host("{name: 'x:80'}")),
        ("domain", host("{domainName: y}")),
        ("absent", host("{domainName: z}")),
    ];
    let rows = "
        all     ADD                    -> x:80 y:80 new
        x       INSERT_BEFORE          -> x:80 y:80 new
        x       REPLACE                -> new y:80
        all     REPLACE                -> new new
        x       REMOVE                 -> y:80
        all     REMOVE                 ->
        domain  REMOVE                 -> x:80
        absent  REMOVE                 -> x:80 y:80 -- REMOVE matched no virtual host
        x       MERGE                  -> new y:80
        x       MERGE_AND_REPLACE_LIST -> new y:80";
    check("VIRTUAL_HOST", &clauses, rows, |out| {
        names(&manager(out)["route_config"]["virtual_hosts"])
    });
}

#[test]
fn routes() {
    let in_x = |rest: &str| format!("{{routeConfiguration: {{vhost: {{name: 'x:80'{rest}}}}}}}");
    let clauses = [
        ("x", in_x("")),
        ("r2", in_x(", route: {name: r2}")),
        ("absent", in_x(", route: {name: r4}")),
        ("any", in_x(", route: {action: ANY}")),
        ("forwards", in_x(", route: {action: ROUTE}")),
        ("redirects", in_x(", route: {action: REDIRECT}")),
        ("answers", in_x(", route: {action: DIRECT_RESPONSE}")),
    ];
    let rows = "
        x          ADD                    -> r1 r2 r3 new
        r2         ADD                    -> r1 r2 r3 new
        x          INSERT_BEFORE          -> new r1 r2 r3
        r2         INSERT_BEFORE          -> r1 new r2 r3
        x          INSERT_AFTER           -> r1 r2 r3 new
        r2         INSERT_AFTER           -> r1 r2 new r3
        absent     INSERT_AFTER           -> r1 r2 r3     -- INSERT_AFTER matched no route
        x          INSERT_FIRST           -> new r1 r2 r3
        r2         INSERT_FIRST           -> new r1 r2 r3
        absent     INSERT_FIRST           -> r1 r2 r3     -- INSERT_FIRST matched no route
        r2         REPLACE                -> r1 r2 r3     -- REPLACE has no effect on routes
        x          REMOVE                 ->
        r2         REMOVE                 -> r1 r3
        any        REMOVE                 ->
        forwards   REMOVE                 -> r2 r3
        redirects  REMOVE                 -> r1 r3
        answers    REMOVE                 -> r1 r2
        r2         MERGE                  -> r1 new r3
        r2         MERGE_AND_REPLACE_LIST -> r1 new r3";
    check("HTTP_ROUTE", &clauses, rows, |out| {
        names(&manager(out)["route_config"]["virtual_hosts"][0]["routes"])
    });
}

#[test]
fn clusters() {
    let cluster = |clause: &str| format!("{{cluster: {clause}}}");
    let clauses = [
        ("outbound", "{context: SIDECAR_OUTBOUND}".to_string()),
        ("inbound", "{context: SIDECAR_INBOUND}".to_string()),
        ("gateway", "{context: GATEWAY}".to_string()),
        ("name", cluster("{name: 'outbound|80||a'}")),
        // With a name, nothing else is compared.
        (
            "name-and-port",
            cluster("{name: 'outbound|80||a', portNumber: 9}"),
        ),
        ("port", cluster("{portNumber: 80}")),
        ("subset", cluster("{subset: v1}")),
        ("service", cluster("{service: a}")),
        ("own-service", cluster("{service: own}")),
        ("absent", cluster("{service: b}")),
    ];
    let rows = "
        all            ADD                    -> outbound|80||a outbound|80|v1|a inbound|8080|| new
        outbound       ADD                    -> outbound|80||a outbound|80|v1|a inbound|8080|| new
        inbound        ADD                    -> outbound|80||a outbound|80|v1|a inbound|8080|| new
        gateway        ADD                    -> outbound|80||a outbound|80|v1|a inbound|8080||
        all            INSERT_FIRST           -> outbound|80||a outbound|80|v1|a inbound|8080|| new
        all            REPLACE                -> outbound|80||a outbound|80|v1|a inbound|8080|| -- has no effect
        all            REMOVE                 ->
        outbound       REMOVE                 -> inbound|8080||
        inbound        REMOVE                 -> outbound|80||a outbound|80|v1|a
        name           REMOVE                 -> outbound|80|v1|a inbound|8080||
        name-and-port  REMOVE                 -> outbound|80|v1|a inbound|8080||
        port           REMOVE                 -> inbound|8080||
        subset         REMOVE                 -> outbound|80||a inbound|8080||
        service        REMOVE                 -> inbound|8080||
        own-service    REMOVE                 -> outbound|80||a outbound|80|v1|a
        absent         REMOVE                 -> outbound|80||a outbound|80|v1|a inbound|8080|| -- matched no cluster
        subset         MERGE                  -> outbound|80||a new inbound|8080||
        subset         MERGE_AND_REPLACE_LIST -> outbound|80||a new inbound|8080||";
    check("CLUSTER", &clauses, rows, |out| {
        names(&out["static_resources"]["clusters"])
    });
}

#[test]
fn any_context_adds_only_where_istio_says() {
    let cluster = patch("CLUSTER", "{}", "ADD", NEW);
    let listener = patch("LISTENER", "{}", "ADD", "{name: new, address: {}}");
    for context in [
        Context::SidecarInbound,
        Context::SidecarOutbound,
        Context::Gateway,
    ] {
        let proxy = proxy(context);
        // Both halves of a sidecar share their clusters: one comes with the outbound half, not two.
        let out = apply(fixture(), &[parse(&cluster)], &proxy).unwrap();
        let count = names(&out.bootstrap["static_resources"]["clusters"]);
        assert_eq!(
            count.iter().filter(|name| *name == "new").count(),
            1,
            "{context:?}"
        );
        let out = apply(fixture(), &[parse(&listener)], &proxy).unwrap();
        let added = names(&out.bootstrap["static_resources"]["listeners"]).contains(&"new".into());
        assert_eq!(added, context != Context::SidecarInbound, "{context:?}");
        assert_eq!(out.notes.is_empty(), added, "{context:?}: {:?}", out.notes);
    }
}

#[test]
fn what_is_added_is_not_patched_further_down() {
    let host = patch(
        "VIRTUAL_HOST",
        "{}",
        "ADD",
        "{name: new, routes: [{name: kept}]}",
    );
    let route = patch("HTTP_ROUTE", "{}", "REMOVE", "");
    let out = render(&format!("{route}\n{host}"));
    let hosts = &manager(&out.bootstrap)["route_config"]["virtual_hosts"];
    assert_eq!(names(&hosts[0]["routes"]), [""; 0]);
    assert_eq!(names(&hosts[2]["routes"]), ["kept"]);

    let chain = patch(
        "FILTER_CHAIN",
        "{}",
        "ADD",
        "{name: new, filters: [{name: kept}]}",
    );
    let filter = patch("NETWORK_FILTER", "{}", "INSERT_FIRST", "{name: tap}");
    let out = render(&format!("{chain}\n{filter}"));
    assert_eq!(
        names(&listener(&out.bootstrap)["filter_chains"][2]["filters"]),
        ["kept"]
    );
}

#[test]
fn a_removed_virtual_host_cannot_come_back_in_the_same_push() {
    let clause = "{routeConfiguration: {vhost: {name: 'x:80'}}}";
    let remove = patch("VIRTUAL_HOST", clause, "REMOVE", "");
    let add = patch("VIRTUAL_HOST", "{}", "ADD", "{name: 'x:80'}");
    let out = render(&format!("{remove}\n{add}"));
    assert_eq!(
        names(&manager(&out.bootstrap)["route_config"]["virtual_hosts"]),
        ["y:80"]
    );
}

#[test]
fn merging_a_filter_merges_its_configuration_of_the_same_type() {
    let clause = &http_filter_clause(MANAGER, "cors");
    let same = "{typedConfig: {'@type': type.googleapis.com/t.Cors, someList: [2], plain: 1}}";
    let out = render(&patch("HTTP_FILTER", clause, "MERGE", same));
    let cors = &manager(&out.bootstrap)["http_filters"][1];
    assert_eq!(
        cors["typed_config"],
        json!({ "@type": "type.googleapis.com/t.Cors", "some_list": [1, 2], "plain": 1 })
    );
    assert_eq!(cors["name"], "cors");
    assert_eq!(out.notes, [""; 0]);

    let other = "{typedConfig: {'@type': type.googleapis.com/t.Fault, plain: 1}}";
    let out = render(&patch("HTTP_FILTER", clause, "MERGE", other));
    assert_eq!(
        manager(&out.bootstrap)["http_filters"][1]["typed_config"]["plain"],
        Value::Null
    );
    assert!(
        out.notes[0].contains("its type is `t.Cors`, not `t.Fault`"),
        "{:?}",
        out.notes
    );

    let ecds = clause.replace("cors", "jwt");
    let out = render(&patch("HTTP_FILTER", &ecds, "MERGE", NEW));
    assert!(
        out.notes[0].contains("`jwt` has no typed_config"),
        "{:?}",
        out.notes
    );
}

#[test]
fn a_transport_socket_shadows_the_rest_of_its_patch() {
    let tls = |field: &str| format!("{{name: tls, typed_config: {{'@type': t/Tls, {field}}}}}");
    let value = format!("{{transport_socket: {}, name: lost}}", tls("b: 2"));
    let start = format!("{{transport_socket: {}}}", tls("a: 1"));
    let clause = "{listener: {filterChain: {name: one}}}";

    // The first patch finds no socket and merges whole, the second finds one of its name.
    let first = patch("FILTER_CHAIN", clause, "MERGE", &start);
    let second = patch("FILTER_CHAIN", clause, "MERGE", &value);
    let out = render(&format!("{first}\n{second}"));
    assert_eq!(chain(&out.bootstrap)["name"], "one");
    let merged = json!({ "@type": "t/Tls", "a": 1, "b": 2 });
    assert_eq!(
        chain(&out.bootstrap)["transport_socket"]["typed_config"],
        merged
    );
    assert!(
        out.notes[0].contains("other fields are ignored"),
        "{:?}",
        out.notes
    );

    let clause = "{cluster: {name: 'inbound|8080||'}}";
    let second = patch("CLUSTER", clause, "MERGE", &value);
    let first = patch("CLUSTER", clause, "MERGE", &start);
    let out = render(&format!("{first}\n{second}"));
    let cluster = &out.bootstrap["static_resources"]["clusters"][2];
    assert_eq!(cluster["name"], "inbound|8080||");
    assert_eq!(cluster["transport_socket"]["typed_config"], merged);

    // Another name replaces the socket; beside transport_socket_matches it is dropped.
    let raw = patch(
        "CLUSTER",
        clause,
        "MERGE",
        "{transport_socket: {name: raw}}",
    );
    let out = render(&format!("{first}\n{raw}"));
    let socket = &out.bootstrap["static_resources"]["clusters"][2]["transport_socket"];
    assert_eq!(*socket, json!({ "name": "raw" }));
    let matches = "{transport_socket_matches: [{name: m, transport_socket: {name: tls}}]}";
    let out = render(&format!(
        "{}\n{raw}",
        patch("CLUSTER", clause, "MERGE", matches)
    ));
    assert!(
        out.notes[0].contains("no transport_socket_matches entry"),
        "{:?}",
        out.notes
    );
}

#[test]
fn extension_configurations_answer_requests_only() {
    let value = "{name: jwt, typedConfig: {'@type': t/Jwt}}";
    let out = render(&patch(
        "EXTENSION_CONFIG",
        "{context: GATEWAY}",
        "ADD",
        value,
    ));
    assert_eq!(names(&json!(out.extension_configs)), ["jwt"]);
    assert_eq!(out.notes, [""; 0]);
    let out = render(&patch("EXTENSION_CONFIG", "{}", "ADD", NEW));
    assert!(
        out.notes[0].contains("no filter asks for `new`"),
        "{:?}",
        out.notes
    );
    let asks = "{name: asks, configDiscovery: {configSource: {ads: {}}}}";
    let out = render(&patch("HTTP_FILTER", "{}", "INSERT_FIRST", asks));
    assert!(out.notes[0].contains("`asks` waits"), "{:?}", out.notes);
    let out = render(&patch("EXTENSION_CONFIG", "{}", "REMOVE", ""));
    assert!(
        out.notes[0].contains("REMOVE has no effect"),
        "{:?}",
        out.notes
    );
}

#[test]
fn bootstrap_patches_merge_in_any_context() {
    let value = "{statsFlushInterval: 1s, staticResources: {clusters: [{name: new}]}}";
    let removal = patch("CLUSTER", "{}", "REMOVE", "");
    let merge = patch("BOOTSTRAP", "{context: GATEWAY}", "MERGE", value);
    let out = render(&format!("{removal}\n{merge}"));
    assert_eq!(out.bootstrap["stats_flush_interval"], "1s");
    assert_eq!(
        names(&out.bootstrap["static_resources"]["clusters"]),
        ["new"]
    );
    let out = render(&patch("BOOTSTRAP", "{}", "ADD", value));
    assert!(
        out.notes[0].contains("ADD has no effect"),
        "{:?}",
        out.notes
    );
}

#[test]
fn shipped_shapes_find_their_place_in_the_bases() {
    let before_router = |context: &str, port: u16| {
        patch(
            "HTTP_FILTER",
            &format!(
                "{{context: {context}, listener: {{portNumber: {port}, filterChain: {{filter: {{name: {MANAGER}, subFilter: {{name: envoy.filters.http.router}}}}}}}}}}"
            ),
            "INSERT_BEFORE",
            HEADER_TO_METADATA,
        )
    };
    for (context, word, bootstrap) in bases() {
        let filters = [
            parse(&before_router(word, 8080)),
            parse(&before_router(word, 9)),
        ];
        let out = apply(bootstrap, &filters[..1], &proxy(context)).unwrap();
        assert_eq!(out.notes, [""; 0], "{context:?}");
        let http_filters = names(&manager(&out.bootstrap)["http_filters"]);
        assert_eq!(
            http_filters[3], "envoy.filters.http.header_to_metadata",
            "{context:?}"
        );
        let out = apply(out.bootstrap, &filters[1..], &proxy(context)).unwrap();
        assert_eq!(out.notes.len(), 1, "{context:?}: another port");
    }
}

/// Every value of the fixture in turn, replaced by what should not stand there, under patches of every
/// kind: whatever a bootstrap holds, nothing panics.
#[test]
fn no_bootstrap_is_too_odd_to_be_patched() {
    let clauses = [
        "{}",
        "{listener: {portNumber: 8080, listenerFilter: a}}",
        "{listener: {filterChain: {name: one, filter: {name: first}}}}",
        &http_filter_clause(MANAGER, "cors"),
        "{routeConfiguration: {portNumber: 8080, vhost: {name: 'x:80', route: {name: r2}}}}",
        "{cluster: {service: a}}",
    ];
    let value = "{name: new, filters: [{name: a}], transport_socket: {name: tls}}";
    let mut patches = Vec::new();
    for apply_to in [
        "LISTENER",
        "FILTER_CHAIN",
        "LISTENER_FILTER",
        "NETWORK_FILTER",
        "HTTP_FILTER",
        "ROUTE_CONFIGURATION",
        "VIRTUAL_HOST",
        "HTTP_ROUTE",
        "CLUSTER",
        "EXTENSION_CONFIG",
        "BOOTSTRAP",
    ] {
        for clause in clauses {
            for operation in ["MERGE", "ADD", "INSERT_BEFORE", "INSERT_AFTER", "REPLACE"] {
                let patch = patch(apply_to, clause, operation, value);
                // Those with a clause of another class are refused when they are read.
                patches.extend(EnvoyFilter::parse(&resource(&patch)));
            }
        }
    }
    assert!(patches.len() > 150, "{}", patches.len());
    let mut places = Vec::new();
    pointers(&fixture(), String::new(), &mut places);
    assert!(places.len() > 80, "{}", places.len());
    for place in places {
        for odd in [
            json!(null),
            json!(7),
            json!("odd"),
            json!([7]),
            json!({"name": 7}),
        ] {
            let mut bootstrap = fixture();
            *bootstrap.pointer_mut(&place).unwrap() = odd;
            // An error is as good as a result here.
            let _ = apply(bootstrap, &patches, &proxy(Context::SidecarOutbound));
        }
    }
}

fn pointers(value: &Value, place: String, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, format!("{place}/{index}"), all);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(field, format!("{place}/{name}"), all);
            }
        }
        _ => {}
    }
    all.push(place);
}

const HEADER_TO_METADATA: &str = "{name: envoy.filters.http.header_to_metadata, typedConfig: {'@type': type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config, requestRules: [{header: x-version, onHeaderPresent: {metadataNamespace: envoy.lb, key: version}}]}}";

fn bases() -> [(Context, &'static str, Value); 3] {
    let destination = Destination {
        host: "reviews.default.svc.cluster.local",
        port: 8080,
        endpoint: endpoint(),
    };
    [
        (
            Context::SidecarInbound,
            "SIDECAR_INBOUND",
            base::sidecar_inbound(8080, endpoint()),
        ),
        (
            Context::SidecarOutbound,
            "SIDECAR_OUTBOUND",
            base::sidecar_outbound(&destination),
        ),
        (
            Context::Gateway,
            "GATEWAY",
            base::gateway(8080, &destination),
        ),
    ]
}

fn endpoint() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9999))
}

/// Runs each row against the fixture, as a sidecar's outbound half: clause, operation and perhaps a
/// value, then the names left behind and words of each note.
fn check(
    apply_to: &str,
    clauses: &[(&str, String)],
    rows: &str,
    found: impl Fn(&Value) -> Vec<String>,
) {
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (input, outcome) = row.split_once("->").unwrap();
        let (expected, notes) = outcome.split_once("--").unwrap_or((outcome, ""));
        let (clause, change) = input.split_once(' ').unwrap();
        let (operation, value) = change.trim().split_once(' ').unwrap_or((change.trim(), ""));
        let clause = match clauses.iter().find(|(name, _)| *name == clause) {
            Some((_, clause)) => clause,
            None if clause == "all" => "{}",
            None => panic!("{row}: no clause of that name"),
        };
        let value = match (operation, value) {
            ("REMOVE", _) => "",
            (_, "") => NEW,
            (_, value) => value,
        };
        let out = render(&patch(apply_to, clause, operation, value));
        let names = found(&out.bootstrap).join(" ");
        let names = names.replace(ROUTER, "router").replace(MANAGER, "manager");
        assert_eq!(names, expected.trim(), "{row}");
        let notes: Vec<&str> = notes
            .split('&')
            .map(str::trim)
            .filter(|words| !words.is_empty())
            .collect();
        assert_eq!(out.notes.len(), notes.len(), "{row}: {:?}", out.notes);
        for (note, words) in out.notes.iter().zip(notes) {
            assert!(note.contains(words), "{row}: {note}");
        }
    }
}

fn http_filter_clause(filter: &str, sub_filter: &str) -> String {
    format!(
        "{{listener: {{filterChain: {{filter: {{name: {filter}, subFilter: {{name: {sub_filter}}}}}}}}}}}"
    )
}

fn render(patches: &str) -> Rendered {
    apply(
        fixture(),
        &[parse(patches)],
        &proxy(Context::SidecarOutbound),
    )
    .unwrap()
}

fn proxy(context: Context) -> Proxy {
    let mut proxy = Proxy::new(context, "default");
    proxy.services = vec!["own".into()];
    proxy
}

fn parse(patches: &str) -> EnvoyFilter {
    EnvoyFilter::parse(&resource(patches)).unwrap_or_else(|error| panic!("{error}\n{patches}"))
}

fn resource(patches: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {{name: test}}\n\
         spec:\n  configPatches:\n{patches}"
    )
}

fn patch(apply_to: &str, clause: &str, operation: &str, value: &str) -> String {
    let value = if value.is_empty() {
        String::new()
    } else {
        format!(", value: {value}")
    };
    format!(
        "  - {{applyTo: {apply_to}, match: {clause}, patch: {{operation: {operation}{value}}}}}"
    )
}

fn names(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .map(|item| item["name"].as_str().unwrap_or_default().to_string())
        .collect()
}

fn listener(bootstrap: &Value) -> &Value {
    &bootstrap["static_resources"]["listeners"][0]
}

fn chain(bootstrap: &Value) -> &Value {
    &listener(bootstrap)["filter_chains"][0]
}

/// The configuration of the first connection manager.
fn manager(bootstrap: &Value) -> &Value {
    let filters = chain(bootstrap)["filters"].as_array().unwrap();
    &filters
        .iter()
        .find(|filter| filter["name"] == MANAGER)
        .unwrap()["typed_config"]
}

fn fixture() -> Value {
    let routes = json!({
        "name": "8080",
        "virtual_hosts": [
            {
                "name": "x:80",
                "domains": ["x"],
                "routes": [
                    { "name": "r1", "route": { "cluster": "c" } },
                    { "name": "r2", "redirect": {} },
                    { "name": "r3", "direct_response": {} },
                ],
            },
            { "name": "y:80", "domains": ["y"], "routes": [{ "name": "r1" }] },
        ],
    });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "route_config": routes,
        "http_filters": [
            { "name": "jwt", "config_discovery": { "config_source": { "path_config_source": {} } } },
            {
                "name": "cors",
                "typed_config": { "@type": "type.googleapis.com/t.Cors", "some_list": [1] },
            },
            { "name": "envoy.filters.http.router", "typed_config": { "@type": "t/Router" } },
        ],
    });
    json!({ "static_resources": {
        "listeners": [{
            "name": "0.0.0.0_8080",
            "address": { "socket_address": { "port_value": 8080 } },
            "listener_filters": [
                { "name": "a", "typed_config": { "@type": "t/A" } },
                { "name": "b", "typed_config": { "@type": "t/B" } },
            ],
            "filter_chains": [
                {
                    "name": "one",
                    "filter_chain_match": {
                        "server_names": ["one.test"],
                        "transport_protocol": "tls",
                        "application_protocols": ["h2", "http/1.1"],
                        "destination_port": 443,
                    },
                    "filters": [
                        { "name": "first", "typed_config": { "@type": "t/First" } },
                        { "name": MANAGER, "typed_config": manager },
                    ],
                },
                { "name": "two", "filters": [{ "name": "only" }] },
            ],
        }],
        "clusters": [
            { "name": "outbound|80||a" },
            { "name": "outbound|80|v1|a" },
            { "name": "inbound|8080||" },
        ],
    } })
}
