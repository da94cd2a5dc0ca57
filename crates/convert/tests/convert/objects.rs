//! What comes of objects as people have them, and what is told of it.

use convert::{Context, Converted, Form, Location, Modules, Placement, read, write};
use documents::Document;
use policies::{Selection, Settings};
use serde_json::json;

fn converted(text: &str) -> Converted {
    problems_or(text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems_or(text: &str) -> Result<Converted, String> {
    let documents = Document::read_text("a.yaml", text).unwrap();
    let read = read(&documents, &Settings::default(), Modules::Whole);
    read.map_err(|problems| {
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

const FAULT: &str = "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ratings, namespace: shop}
spec:
  hosts: [ratings]
  http:
  - fault: {delay: {percentage: {value: 10.0}, fixedDelay: 5s}}
    route: [{destination: {host: ratings, subset: v1}}]
";
const POLICY: &str = "
apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  selector: {matchLabels: {app: reviews}}
  rules:
  - from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}]
    to: [{operation: {methods: [GET]}}]
";
const OTHER: &str = "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: other, namespace: shop}
spec: {selector: {matchLabels: {app: ratings}}, rules: [{}]}
";

#[test]
fn a_fault_is_the_clients_and_asks_for_its_hosts() {
    let fault = converted(FAULT);
    let entry = &fault.configurations[0].tree["faultInjection"]["http"][0];
    assert!(
        entry["match"][0]["headers"][":authority"]["regex"]
            .as_str()
            .unwrap()
            .contains("ratings")
    );
    assert_eq!(entry.get("route"), None);
    let losses: Vec<&str> = fault.losses.iter().map(|loss| loss.path.as_str()).collect();
    assert_eq!(losses, ["spec.exportTo"]);
    assert!(
        fault.notes[0].starts_with("a.yaml:9:12: spec.http[0].route: stays in the VirtualService"),
        "{:?}",
        fault.notes
    );
    let placement = Placement::default();
    assert_eq!(placement.context(&fault), Context::Outbound);
    assert_eq!(placement.losses(&fault, Form::EnvoyFilter), []);
    let inbound = Placement {
        context: Some(Context::Inbound),
        ..Placement::default()
    };
    let losses = inbound.losses(&fault, Form::WasmPlugin);
    assert!(
        losses[0].consequence.contains("retries and timeouts"),
        "{losses:?}"
    );
}

#[test]
fn a_fault_of_a_gateway_is_for_gateways() {
    let edge = converted(&FAULT.replace("  hosts:", "  gateways: [edge]\n  hosts:"));
    let placement = Placement::default();
    assert_eq!(placement.context(&edge), Context::Gateway);
    assert_eq!(placement.losses(&edge, Form::EnvoyFilter), []);
    let outbound = Placement {
        context: Some(Context::Outbound),
        ..Placement::default()
    };
    let losses = outbound.losses(&edge, Form::EnvoyFilter);
    assert_eq!(losses[0].what, "is for the gateways edge alone");
}

#[test]
fn a_policy_keeps_its_workload_and_what_is_wider_is_told() {
    let policy = converted(POLICY);
    assert_eq!(policy.losses, []);
    let text = write(&policy, Form::WasmPlugin, &Placement::default()).unwrap();
    for line in [
        "  namespace: shop\n",
        "      app: reviews\n",
        "- mode: SERVER\n",
        "failStrategy: FAIL_RELOAD\n",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let wider = POLICY
        .replace("  selector: {matchLabels: {app: reviews}}\n", "")
        .replace("viewer", "all");
    let both = converted(&format!("{POLICY}---{wider}"));
    assert_eq!(
        both.configurations[0].tree["authorizationPolicy"]["policies"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(both.losses.len(), 1);
    assert_eq!(
        both.losses[0].what,
        "is for all workloads of the namespace `shop`"
    );
    let problem = problems_or(&format!("{POLICY}---{OTHER}")).unwrap_err();
    assert_eq!(
        problem,
        "a.yaml:11:1: is for another workload than what stands at a.yaml:2:1: of `app=ratings` in the namespace `shop`, \
         and of `app=reviews` in the namespace `shop`; one module has one configuration, so name the workload that it \
         is for with `--namespace` and `--labels`"
    );
}

#[test]
fn where_an_object_is_told_by_its_targets() {
    let gateway = "selector: {matchLabels: {app: reviews}}";
    let to = |target: &str| POLICY.replace(gateway, &format!("targetRefs: [{target}]"));
    let edge = converted(&to(
        "{group: gateway.networking.k8s.io, kind: Gateway, name: edge}",
    ));
    let text = write(&edge, Form::WasmPlugin, &Placement::default()).unwrap();
    assert!(
        text.contains("    kind: Gateway\n    name: edge\n"),
        "{text}"
    );
    let problem = problems_or(&to("{kind: Service, name: reviews}")).unwrap_err();
    assert!(problem.contains("name the `Gateway`"), "{problem}");
    // Whose faults they are is nothing of a policy's namespace.
    let both = converted(&format!(
        "{FAULT}---{}",
        POLICY.replace("namespace: shop", "namespace: other")
    ));
    assert_eq!(both.workload.unwrap().namespace, "other");
}

#[test]
fn who_names_a_workload_is_told_of_the_others() {
    let documents = Document::read_text("a.yaml", &format!("{POLICY}---{OTHER}")).unwrap();
    let settings = Settings {
        selection: Some(Selection {
            namespace: "shop".to_owned(),
            labels: [("app".to_owned(), "ratings".to_owned())].into(),
        }),
        ..Settings::default()
    };
    let read = read(&documents, &settings, Modules::Whole).unwrap();
    assert_eq!(
        read.configurations[0].tree["authorizationPolicy"]["policies"][0]["name"],
        "other"
    );
    assert_eq!(
        read.notes,
        ["a.yaml:2:1: AuthorizationPolicy `viewer` is for other workloads, and not converted"]
    );
}

#[test]
fn what_a_filter_refuses_is_not_converted() {
    let problem = problems_or(&POLICY.replace("methods", "method")).unwrap_err();
    assert!(problem.starts_with("a.yaml:9:"), "{problem}");
    assert!(
        problem.contains("spec.rules[0].to[0].operation.method"),
        "{problem}"
    );
}

#[test]
fn a_module_lies_where_its_loader_can_reach_it() {
    let policy = converted(POLICY);
    let at = |form: Form, module: &str, sum: Option<&str>| {
        let placement = Placement {
            module: Some(module.parse::<Location>().unwrap()),
            sha256: sum.map(str::to_owned),
            ..Placement::default()
        };
        write(&policy, form, &placement)
    };
    let refused = |form, module| at(form, module, None).unwrap_err();
    assert!(refused(Form::EnvoyFilter, "oci://a/b:1").contains("`--to wasmplugin`"));
    assert!(refused(Form::Envoy, "https://a.example/b.wasm").contains("`--sha256`"));
    assert!(refused(Form::WasmPlugin, "b.wasm").contains("begins without `/`"));
    let fetched = at(
        Form::EnvoyFilter,
        "https://a.example/b.wasm",
        Some("0123456789"),
    )
    .unwrap();
    assert!(
        fetched.contains("cluster: \"outbound|443||a.example\""),
        "{fetched}"
    );
    assert!(
        fetched.contains("vm_id: mesh-filters-01234567\n"),
        "{fetched}"
    );
    let plugin = at(Form::TrafficExtension, "/b.wasm", None).unwrap();
    assert!(plugin.contains("    url: \"file:///b.wasm\"\n"), "{plugin}");
}

#[test]
fn what_envoy_does_not_show_is_shown_where_that_can_be() {
    let policy = converted(&POLICY.replace(
        "principals: [cluster.local/ns/shop/sa/web]",
        "ipBlocks: [10.0.0.0/8]",
    ));
    let placement = Placement::default();
    for form in [Form::EnvoyFilter, Form::Envoy] {
        let text = write(&policy, form, &placement).unwrap();
        let (before, after) = text.split_once("mesh_filters.peer.address").unwrap();
        assert!(
            !before.contains("root_id") && after.contains("root_id"),
            "{text}"
        );
        assert_eq!(placement.losses(&policy, form), []);
    }
    let losses = placement.losses(&policy, Form::WasmPlugin);
    assert_eq!(losses.len(), 1);
    assert!(
        losses[0].consequence.contains("allows nobody"),
        "{losses:?}"
    );
}

/// What tutorials print, in our own words: each is converted, and what it really does is said.
#[test]
fn the_objects_of_tutorials_are_converted_and_told() {
    let tokens = "
apiVersion: security.istio.io/v1beta1
kind: RequestAuthentication
metadata: {name: tokens}
spec:
  selector: {matchLabels: {app: httpbin}}
  jwtRules: [{issuer: a@example, jwksUri: 'https://keys.example/jwks.json'}]
";
    let tags = "
apiVersion: telemetry.istio.io/v1alpha1
kind: Telemetry
metadata: {name: mesh-default, namespace: istio-system}
spec:
  tracing:
  - randomSamplingPercentage: 100.0
    customTags: {my-tag: {literal: {value: '123'}}}
";
    let metrics = "
apiVersion: telemetry.istio.io/v1alpha1
kind: Telemetry
metadata: {name: mesh-metrics, namespace: istio-system}
spec:
  metrics:
  - providers: [{name: prometheus}]
    overrides:
    - match: {metric: REQUEST_COUNT, mode: CLIENT_AND_SERVER}
      tagOverrides: {response_code: {operation: UPSERT, value: response.code}}
";
    let log = "
apiVersion: telemetry.istio.io/v1alpha1
kind: Telemetry
metadata: {name: log, namespace: istio-system}
spec: {accessLogging: [{providers: [{name: envoy}]}]}
";
    let limit = "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: limit, namespace: istio-system}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match: {context: SIDECAR_INBOUND, listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}}
    patch:
      operation: INSERT_BEFORE
      value:
        name: envoy.filters.http.ratelimit
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
          domain: page
          rate_limit_service: {grpc_service: {envoy_grpc: {cluster_name: limits}}, transport_api_version: V3}
";
    for (text, told) in [
        (FAULT, "take `fault` out of it"),
        (POLICY, ""),
        (tokens, ""),
        (tags, "a filter cannot steer the tracer"),
        (metrics, "is `response.code` already"),
        (log, "a filter cannot turn on Envoy's access log"),
        (limit, "refused: "),
    ] {
        let said = match problems_or(text) {
            Ok(it) => {
                let losses = it.losses.iter().map(ToString::to_string);
                losses
                    .chain(it.notes.clone())
                    .collect::<Vec<_>>()
                    .join("\n")
            }
            Err(problems) => format!("refused: {problems}"),
        };
        assert!(said.contains(told), "{text}: {said}");
    }
}

/// Outputs are checked by our own rules, and come to be where they are meant to by istiod's.
#[test]
fn outputs_are_fine_and_are_applied() {
    for (text, context) in [
        (POLICY, istio::Context::SidecarInbound),
        (FAULT, istio::Context::SidecarOutbound),
    ] {
        let read = converted(text);
        for form in [
            Form::EnvoyFilter,
            Form::WasmPlugin,
            Form::TrafficExtension,
            Form::Envoy,
            Form::Config,
        ] {
            let text = write(&read, form, &Placement::default()).unwrap();
            let source = check::Source {
                name: "out.yaml".to_owned(),
                text: text.clone(),
            };
            let report = check::check(&[source], &check::Options::default());
            let found = report
                .findings
                .iter()
                .filter(|it| it.severity == check::Severity::Error);
            assert_eq!(found.count(), 0, "{form:?}: {report:?}\n{text}");
            let proxy = istio::Proxy::new(context, "shop").label("app", "reviews");
            let base = match context {
                istio::Context::SidecarInbound => {
                    istio::base::sidecar_inbound(9080, ([127, 0, 0, 1], 9080).into())
                }
                _ => istio::base::sidecar_outbound(&istio::base::Destination {
                    host: "ratings.shop.svc.cluster.local",
                    port: 9080,
                    endpoint: ([127, 0, 0, 1], 9080).into(),
                }),
            };
            let (filters, plugins) = match form {
                Form::EnvoyFilter => (istio::EnvoyFilter::parse_all(&text).unwrap(), Vec::new()),
                Form::WasmPlugin | Form::TrafficExtension => (
                    Vec::new(),
                    istio::TrafficExtension::parse_all(&text).unwrap(),
                ),
                _ => continue,
            };
            let resources = istio::Resources {
                envoy_filters: &filters,
                traffic_extensions: &plugins,
            };
            let fetch = |_: &istio::Download<'_>| Ok("dist/mesh-filters.wasm".into());
            let rendered =
                istio::render(base, resources, &proxy, istio::Delivery::Inline(&fetch)).unwrap();
            assert_eq!(rendered.notes, [""; 0], "{form:?}");
            assert_eq!(rendered.applied.len(), 1, "{form:?}");
            assert!(
                rendered.bootstrap.to_string().contains("mesh-filters.wasm")
                    || form == Form::EnvoyFilter
            );
        }
    }
}

#[test]
fn what_policies_ask_is_a_cluster_of_the_file() {
    let tokens = converted(
        "
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens}
spec: {jwtRules: [{issuer: i, jwksUri: 'https://issuer.example/keys'}]}
",
    );
    let text = write(&tokens, Form::Envoy, &Placement::default()).unwrap();
    let file = &Document::read_text("a.yaml", &text).unwrap()[0];
    let clusters = &file.object().value()["static_resources"]["clusters"];
    let names: Vec<_> = clusters
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(
        names,
        [&json!("upstream"), &json!("outbound|443||issuer.example")]
    );
}
