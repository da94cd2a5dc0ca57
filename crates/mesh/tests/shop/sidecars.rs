//! What a Sidecar tells of what its workload calls.

use crate::support::{Shop, find, hosts, resources};

/// The services that a workload's sidecar has clusters of, by the first part of their names.
fn called(more: &str, workload: &str) -> Vec<String> {
    let (shop, _) = Shop::with(more);
    let clusters = resources(&shop.sidecar(workload), "clusters.json");
    let names = clusters
        .iter()
        .filter_map(|(name, _)| name.strip_prefix("outbound|"))
        .filter_map(|name| name.rsplit('|').next()?.split('.').next());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.dedup();
    names
}

fn sidecar(namespace: &str, spec: &str) -> String {
    format!("kind: Sidecar\nmetadata: {{name: a, namespace: {namespace}}}\nspec: {spec}\n---\n")
}

#[test]
fn hosts_are_those_of_its_egress() {
    for (hosts, expected) in [
        ("[./*]", vec!["page", "reviews"]),
        ("['*/*']", vec!["page", "reviews", "orders"]),
        ("[back/*]", vec!["orders"]),
        (
            "[default/reviews.default.svc.cluster.local]",
            vec!["reviews"],
        ),
        ("['*/*.back.svc.cluster.local']", vec!["orders"]),
        ("['~/*']", vec![]),
        ("[back/reviews.default.svc.cluster.local]", vec![]),
    ] {
        let text = sidecar("default", &format!("{{egress: [{{hosts: {hosts}}}]}}"));
        assert_eq!(called(&text, "page-v1"), expected, "{hosts}");
        // Another namespace's is none of its business.
        assert_eq!(called(&text, "orders").len(), 3, "{hosts}");
    }
    assert_eq!(called("", "page-v1").len(), 3);
}

#[test]
fn the_nearest_one_counts() {
    let root = sidecar("istio-system", "{egress: [{hosts: ['~/*']}]}");
    assert_eq!(called(&root, "page-v1"), [""; 0]);
    let own = root.clone() + &sidecar("default", "{egress: [{hosts: [./*]}]}");
    assert_eq!(called(&own, "page-v1"), ["page", "reviews"]);
    assert_eq!(called(&own, "orders"), [""; 0]);
    let selected = own
        + &sidecar(
            "default",
            "{workloadSelector: {labels: {app: page}}, egress: [{hosts: [back/*]}]}",
        );
    assert_eq!(called(&selected, "page-v1"), ["orders"]);
    assert_eq!(called(&selected, "reviews-v1"), ["page", "reviews"]);
}

#[test]
fn where_the_routes_that_it_tells_lead_is_told_as_well() {
    let text = sidecar("default", "{egress: [{hosts: [./*]}]}")
        + "kind: VirtualService
metadata: {name: page-to-orders}
spec: {hosts: [page], http: [{route: [{destination: {host: orders.back.svc.cluster.local}}]}]}
";
    assert_eq!(called(&text, "page-v1"), ["page", "reviews", "orders"]);
}

#[test]
fn what_nobody_knows_goes_where_it_says() {
    for (mode, name) in [("REGISTRY_ONLY", "block_all"), ("ALLOW_ANY", "allow_any")] {
        let text = sidecar(
            "default",
            &format!("{{outboundTrafficPolicy: {{mode: {mode}}}}}"),
        ) + "outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n";
        let (shop, _) = Shop::with(&text);
        let routes = &resources(&shop.sidecar("page-v1"), "routes.json")[0].1;
        find(&hosts(routes), name);
        let routes = &resources(&shop.sidecar("orders"), "routes.json")[0].1;
        find(&hosts(routes), "block_all");
    }
}

#[test]
fn what_a_local_mesh_has_otherwise_is_said() {
    let text = sidecar(
        "default",
        "{ingress: [{port: {number: 80}}], egress: [{port: {number: 80}, hosts: [reviews]}]}",
    );
    let (_, said) = Shop::with(&text);
    for what in [
        "listeners of its own for what others call",
        "port of what is called",
        "\"reviews\" has no namespace before it",
    ] {
        assert!(said.iter().any(|said| said.contains(what)), "{said:?}");
    }
}

#[test]
fn of_two_services_with_one_name_the_first_has_the_cluster() {
    let text = "kind: ServiceEntry
metadata: {name: again}
spec: {hosts: [page.default.svc.cluster.local], ports: [{number: 9080, protocol: HTTP}, {number: 9081, protocol: HTTP}]}
";
    let (shop, _) = Shop::with(text);
    let clusters = resources(&shop.sidecar("reviews-v1"), "clusters.json");
    let named = |port: u16| {
        let name = format!("outbound|{port}||page.default.svc.cluster.local");
        clusters.iter().filter(|(one, _)| *one == name).count()
    };
    assert_eq!([named(9080), named(9081)], [1, 1]);
}
