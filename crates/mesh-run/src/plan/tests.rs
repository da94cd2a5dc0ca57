use documents::File;

use super::*;

const SHOP: &str = "
apiVersion: v1
kind: Service
metadata: {name: page}
spec: {selector: {app: page}, ports: [{name: http, port: 80, targetPort: 9080}]}
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec: {selector: {app: nobody}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: page-v1}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: page, version: v1}, annotations: {mesh-filters/calls: \"page.other,nobody\"}}
    spec: {serviceAccountName: page, containers: [{name: page, image: page, ports: [{containerPort: 9080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: plain, labels: {app: plain, sidecar.istio.io/inject: 'false'}, annotations: {mesh-filters/calls: page}}
spec: {containers: [{name: plain, image: plain, ports: [{containerPort: 80}]}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
";

fn objects(text: &str) -> Objects {
    let (name, text) = ("shop.yaml".to_owned(), text.to_owned());
    let path = None;
    Objects::of(vec![File { name, text, path }]).unwrap()
}

fn settings() -> Settings {
    Settings {
        folder: "/run/mesh".into(),
        ..Settings::default()
    }
}

fn plan(text: &str, before: Option<&Plan>) -> Plan {
    Plan::new(&objects(text), &settings(), 10, before).unwrap()
}

fn listens(plan: &Plan) -> Vec<String> {
    plan.listens().iter().map(ToString::to_string).collect()
}

#[test]
fn everything_has_its_place() {
    let plan = plan(SHOP, None);
    let names: Vec<&str> = plan.proxies.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "istio-ingressgateway.istio-system",
            "page-v1.default",
            "page-v1@2.default"
        ]
    );
    assert_eq!(
        listens(&plan),
        [
            "127.10.0.1:8080",
            "127.10.0.1:15000",
            "127.10.1.0:9080",
            "127.10.1.0:15000",
            "127.10.1.0:15080",
            "127.10.1.1:9080",
            "127.10.1.1:15000",
            "127.10.1.1:15080",
            "127.10.1.2:8080",
            "127.11.1.0:9080",
            "127.11.1.1:9080",
        ]
    );
    let moved: Vec<String> = plan
        .listens_in(20)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(moved.first().unwrap(), "127.20.0.1:8080");
    assert_eq!(moved.last().unwrap(), "127.21.1.1:9080");

    let servers = plan.servers.iter();
    let servers: Vec<_> = servers
        .map(|one| (one.name.as_str(), &one.workload))
        .collect();
    let (name, page) = &servers[1];
    assert_eq!((*name, page.version.as_str()), ("page-v1@2.default", "v1"));
    assert_eq!(
        page.identity.as_deref(),
        Some("spiffe://cluster.local/ns/default/sa/page")
    );
    // By its sidecar, and, without one, straight to whoever answers.
    let calls = page
        .calls
        .iter()
        .map(|call| format!("{} {}", call.service, call.address));
    assert_eq!(
        calls.collect::<Vec<_>>(),
        ["page.other 127.10.1.1:15080", "nobody:80 127.10.1.1:15080"]
    );
    let (name, plain) = &servers[2];
    assert_eq!((*name, plain.identity.as_ref()), ("plain.default", None));
    assert_eq!(plain.calls[0].address.to_string(), "127.10.1.0:9080");
}

#[test]
fn what_does_nothing_is_said_with_its_place() {
    let plan = plan(SHOP, None);
    let said: Vec<String> = plan.notes.iter().map(ToString::to_string).collect();
    for wanted in [
        "shop.yaml:7:1: no workload answers for nobody.default.svc.cluster.local: requests for it are answered with 503 (UH)",
        "shop.yaml:12:1: page-v1 calls page.other, and no Service or ServiceEntry has that host and port: its sidecar treats it \
         as a host outside of the mesh",
        "shop.yaml:32:7: kind HTTPRoute: it does nothing in this mesh",
    ] {
        assert!(said.iter().any(|one| one == wanted), "{wanted}\n{said:#?}");
    }
}

#[test]
fn a_change_changes_the_files_of_those_whom_it_concerns() {
    let before = plan(SHOP, None);
    let same = plan(SHOP, Some(&before));
    assert_eq!(before.proxies, same.proxies);
    let more = "---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: page}
spec: {hosts: [page], http: [{timeout: 1s, route: [{destination: {host: page}}]}]}
";
    let after = plan(&[SHOP, more].concat(), Some(&before));
    let changed = |plan: &Plan| {
        let all = plan.proxies.iter().flat_map(|(name, proxy)| {
            let was = &before.proxies[name].files;
            let files = proxy.files.iter().filter(|file| !was.contains(file));
            files.map(move |(file, _)| format!("{name} {file}"))
        });
        all.collect::<Vec<_>>()
    };
    assert_eq!(
        changed(&after),
        [
            "page-v1.default routes.json",
            "page-v1@2.default routes.json"
        ]
    );
    // A file says which version it is, but for the one that is read once.
    for (file, text) in &after.proxies["page-v1.default"].files {
        let is_watched = *file != files::BOOTSTRAP;
        assert_eq!(text.contains("\"version_info\""), is_watched, "{file}");
    }
}

#[test]
fn a_process_of_the_users_has_no_server_of_ours() {
    let elsewhere = |name: &str| Settings {
        elsewhere: vec![(name.to_owned(), ([127, 0, 0, 1], 9080).into())],
        ..settings()
    };
    let plan = Plan::new(&objects(SHOP), &elsewhere("page"), 10, None).unwrap();
    let servers: Vec<&str> = plan.servers.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(servers, ["plain.default"]);
    let clusters = &plan.proxies["page-v1.default"].files;
    let (_, clusters) = clusters
        .iter()
        .find(|(file, _)| *file == files::CLUSTERS)
        .unwrap();
    assert!(!clusters.contains("127.11."), "{clusters}");
    for (name, part) in [
        ("plain", "has no sidecar"),
        ("nobody", "no workload has that name"),
    ] {
        let problem = Plan::new(&objects(SHOP), &elsewhere(name), 10, None).unwrap_err();
        assert!(problem.to_string().contains(part), "{problem}");
    }
}
