//! Graphs of pages that an Envoy could have written.

use proptest::prelude::*;

use super::*;
use crate::running::tests::shop;

fn stats(cluster: &str, counters: &[(&str, u64)]) -> Vec<Value> {
    let named = |(name, value): &(&str, u64)| json!({"name": format!("cluster.{cluster}.{name}"), "value": value});
    counters.iter().map(named).collect()
}

fn host(address: &str, total: u64, errors: u64, is_ejected: bool) -> Value {
    let (address, port) = address.rsplit_once(':').unwrap();
    let mut stats = vec![json!({"name": "rq_total", "value": total.to_string()})];
    if errors > 0 {
        stats.push(json!({"name": "rq_error", "value": errors.to_string()}));
    }
    let mut health = json!({"eds_health_status": "HEALTHY"});
    if is_ejected {
        health["failed_outlier_check"] = true.into();
    }
    json!({
        "address": {"socket_address": {"address": address, "port_value": port.parse::<u16>().unwrap()}},
        "stats": stats,
        "health_status": health,
    })
}

const PAGE: &str = "outbound|9080||productpage.default.svc.cluster.local";
const REVIEWS: &str = "outbound|9080||reviews.default.svc.cluster.local";
const NARROW: &str = "outbound|443|v2|api.example.com";

fn counted(times: u64) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let page = stats(
        PAGE,
        &[
            ("upstream_rq_2xx", 100 * times),
            ("upstream_cx_total", 2),
            ("ssl.handshake", 2),
        ],
    );
    let clusters = json!({"cluster_statuses": [
        {"name": PAGE, "host_statuses": [host("127.10.1.0:9080", 100 * times, 0, false)]},
        {"name": "xds-grpc"},
    ]});
    snapshot.add("istio-ingressgateway", &json!({"stats": page}), &clusters);
    let mut calls = stats(
        REVIEWS,
        &[
            ("upstream_rq_2xx", 90 * times),
            ("upstream_rq_4xx", 4 * times),
            ("upstream_rq_5xx", 6 * times),
            ("internal.upstream_rq_5xx", 6 * times),
            ("retry.upstream_rq_5xx", times),
            ("upstream_rq_503", 6 * times),
            ("upstream_rq_retry", times),
            ("upstream_cx_total", 1),
        ],
    );
    calls.extend(stats(
        NARROW,
        &[
            ("upstream_rq_5xx", times),
            ("upstream_rq_pending_overflow", times),
        ],
    ));
    calls.extend(stats(
        "outbound|9080||idle.default.svc.cluster.local",
        &[("upstream_rq_2xx", 0)],
    ));
    let clusters = json!({"cluster_statuses": [{"name": REVIEWS, "host_statuses": [
        host("127.10.1.1:9080", 50 * times, 0, false),
        host("127.10.1.2:9080", 30 * times, 6 * times, true),
        host("127.10.1.3:9080", 20 * times, 0, false),
    ]}]});
    snapshot.add("productpage-v1", &json!({"stats": calls}), &clusters);
    snapshot
}

#[test]
fn who_calls_whom_is_a_table() {
    let graph = Graph::of(&shop(), &counted(1), None);
    let expected = "\
FROM                  TO                      REQUESTS  ERRORS
istio-ingressgateway  productpage:9080             100       -  mTLS
                        └─ productpage-v1          100       -
productpage-v1        api.example.com:443 v2         1       1  1 beyond the pool
                      reviews:9080                 100       6  plaintext, 4 refused (4xx), 1 sent again
                        └─ reviews-v1               50       -
                        └─ reviews-v2               50       6  a replica is left out, because it failed
";
    assert_eq!(graph.text(), expected);
    let json = graph.json();
    assert_eq!(json["edges"][2]["to"][1]["errors"], 6);
    assert_eq!(json["edges"][0]["mutualTls"], true);
}

#[test]
fn rates_are_of_what_came_since() {
    let since = counted(3).since(&counted(1));
    let graph = Graph::of(&shop(), &since, Some(10.0));
    let text = graph.text();
    assert!(
        text.contains("productpage:9080             200  20.0/s       -  mTLS\n"),
        "{text}"
    );
    // One that began anew.
    let since = counted(1).since(&counted(3));
    assert_eq!(
        Graph::of(&shop(), &since, Some(10.0)).edges[0]
            .counts
            .requests(),
        100
    );
    let nothing = counted(1).since(&counted(1));
    let graph = Graph::of(&shop(), &nothing, Some(2.0));
    // Who is left out is seen all the same.
    assert_eq!(graph.edges.len(), 1);
    assert_eq!(graph.edges[0].to[0].ejected, 1);
    let empty = Graph::of(&shop(), &Snapshot::default(), None);
    assert!(
        empty.text().starts_with("nobody has called anybody"),
        "{}",
        empty.text()
    );
}

#[test]
fn a_picture_has_every_name_once_and_is_the_same_each_time() {
    let graph = Graph::of(&shop(), &counted(1), None);
    let svg = graph.svg();
    assert_eq!(svg, Graph::of(&shop(), &counted(1), None).svg());
    for name in [
        "istio-ingressgateway",
        "productpage-v1",
        "reviews-v1",
        "reviews-v2",
        "api.example.com:443 v2",
    ] {
        let shown = format!(">{name}</text>");
        assert_eq!(svg.matches(&shown).count(), 1, "{name}\n{svg}");
    }
    // Who neither calls nor is called is left out.
    assert!(!svg.contains("legacy"));
    assert!(svg.contains("50, 6 failed"), "{svg}");
    assert!(svg.contains("stroke-dasharray"), "{svg}");
}

#[test]
fn services_stand_in_the_order_of_their_names() {
    let mut snapshot = Snapshot::default();
    let mut calls = Vec::new();
    for (subset, name) in [("v1", "reviews"), ("", "details"), ("", "reviews")] {
        let cluster = format!("outbound|9080|{subset}|{name}.default.svc.cluster.local");
        calls.extend(stats(&cluster, &[("upstream_rq_2xx", 1)]));
    }
    snapshot.add("page", &json!({"stats": calls}), &Value::Null);
    let graph = Graph::of(&shop(), &snapshot, None);
    let services: Vec<&str> = graph
        .edges
        .iter()
        .map(|edge| edge.service.as_str())
        .collect();
    assert_eq!(
        services,
        ["details:9080", "reviews:9080", "reviews:9080 v1"]
    );
}

#[test]
fn a_circle_is_drawn_too() {
    let mut snapshot = Snapshot::default();
    for (from, to) in [
        ("productpage-v1", "127.10.1.1:9080"),
        ("reviews-v1", "127.10.1.0:9080"),
        ("reviews-v1", "127.10.1.1:9080"),
    ] {
        let cluster = format!("outbound|80||{to}");
        let calls = stats(&cluster, &[("upstream_rq_2xx", 1)]);
        let clusters = json!({"cluster_statuses": [{"name": cluster, "host_statuses": [host(to, 1, 0, false)]}]});
        snapshot.add(from, &json!({"stats": calls}), &clusters);
    }
    let svg = Graph::of(&shop(), &snapshot, None).svg();
    assert_eq!(svg.matches("<path d=\"M").count(), 4, "{svg}");
}

#[test]
fn what_a_proxy_answers_itself_is_nobodys() {
    let mut snapshot = Snapshot::default();
    let mut page = stats(REVIEWS, &[("upstream_rq_2xx", 5), ("upstream_rq_5xx", 1)]);
    page.extend(stats("PassthroughCluster", &[("upstream_rq_2xx", 2)]));
    for (name, value) in [
        ("2xx", 7),
        ("4xx", 3),
        ("5xx", 2),
        ("total", 12),
        ("completed", 12),
    ] {
        page.push(json!({"name": format!("http.http_proxy.downstream_rq_{name}"), "value": value}));
    }
    snapshot.add("productpage-v1", &json!({"stats": page}), &Value::Null);
    let graph = Graph::of(&shop(), &snapshot, None);
    let expected = "\
FROM            TO                             REQUESTS  ERRORS
productpage-v1  outside of the mesh                   2       -
                reviews:9080                          6       1
                nobody: answered by its proxy         4       1  3 refused (4xx)
";
    assert_eq!(graph.text(), expected);
    assert_eq!(graph.json()["ownProxy"][0]["clientErrors"], 3);
    let since = snapshot.since(&snapshot);
    assert_eq!(Graph::of(&shop(), &since, Some(1.0)).own, BTreeMap::new());
}

#[test]
fn names_are_no_markup() {
    let mut snapshot = Snapshot::default();
    let evil = "outbound|80|<v1>|\"><script>alert('&')</script>\u{1b}[31m";
    let calls = stats(evil, &[("upstream_rq_5xx", 1)]);
    snapshot.add("a<b", &json!({"stats": calls}), &Value::Null);
    let graph = Graph::of(&shop(), &snapshot, None);
    let svg = graph.svg();
    assert!(!svg.contains("<script"), "{svg}");
    assert!(svg.contains("&lt;script"), "{svg}");
    assert!(!graph.text().contains('\u{1b}'));
}

proptest! {
    #[test]
    fn any_page_is_read(name in "\\PC{0,20}", cluster in "\\PC{0,30}", value in any::<u64>()) {
        let mut snapshot = Snapshot::default();
        let cluster = format!("outbound|{cluster}");
        let mut calls = stats(&cluster, &[("upstream_rq_2xx", value), ("upstream_rq_5xx", value), ("upstream_rq_2xx", value)]);
        calls.push(Value::Null);
        snapshot.add(&name, &json!({"stats": calls}), &json!({"cluster_statuses": [{"name": cluster, "host_statuses": [1, {}]}]}));
        let graph = Graph::of(&shop(), &snapshot, Some(0.0));
        let svg = graph.svg();
        let opened = svg.matches("<g>").count();
        prop_assert_eq!(opened, svg.matches("</g>").count());
        prop_assert!(graph.text().lines().count() > 0);
    }
}
