//! Where each EnvoyFilter puts its filters, in a sidecar and a gateway that have all of Istio's own.

use integration::demo::Shipped;
use istio::base::{Destination, add_http_filter, gateway, sidecar_inbound, sidecar_outbound};
use istio::{Context, EnvoyFilter, Proxy, apply};
use serde_json::{Value, json};

use super::{http_filters, istio, stem};

const ENDPOINT: ([u8; 4], u16) = ([127, 0, 0, 1], 9);
/// What Istio has by itself, where a workload has policies of either kind.
const OWN: [&str; 6] = ["jwt_authn", "rbac", "grpc_stats", "fault", "cors", "router"];

/// A file, and for whom it is: a namespace, and labels.
struct Place {
    file: &'static str,
    context: Context,
    namespace: &'static str,
    labels: &'static [(&'static str, &'static str)],
    /// Its filters, and before which of Istio's they stand.
    filters: &'static [&'static str],
    before: &'static str,
}

const FIVE: &[&str] = &[
    "request-authentication",
    "authorization-policy",
    "rate-limit",
    "fault-injection",
    "telemetry-tags",
];
const ORDERS: &[(&str, &str)] = &[("app", "orders")];

const fn place(file: &'static str, filters: &'static [&'static str]) -> Place {
    Place {
        file,
        context: Context::SidecarInbound,
        namespace: "shop",
        labels: ORDERS,
        filters,
        before: "router",
    }
}

const PLACES: [Place; 12] = [
    Place {
        labels: &[("app", "orders"), ("mesh-filters", "0.1.0")],
        ..place("mesh-filters", &["mesh-filters"])
    },
    Place {
        labels: &[("app", "orders"), ("mesh-filters", "all-0.1.0")],
        ..place("all", FIVE)
    },
    place("mesh-filters-remote", &["mesh-filters"]),
    place("all-remote", FIVE),
    Place {
        context: Context::Gateway,
        namespace: "istio-ingress",
        labels: &[("istio", "ingressgateway"), ("mesh-filters", "0.1.0")],
        ..place("mesh-filters-gateway", &["mesh-filters"])
    },
    Place {
        namespace: "foo",
        labels: &[("app", "httpbin")],
        before: "jwt_authn",
        ..place("request-authentication", &["request-authentication"])
    },
    Place {
        namespace: "bookinfo",
        labels: &[("app", "reviews")],
        before: "fault",
        ..place("authorization-policy", &["peer", "authorization-policy"])
    },
    Place {
        namespace: "default",
        labels: &[("app", "httpbin")],
        ..place("rate-limit", &["rate-limit"])
    },
    Place {
        namespace: "default",
        labels: &[("app", "productpage")],
        ..place("rate-limit", &["rate-limit-global"])
    },
    Place {
        context: Context::SidecarOutbound,
        namespace: "default",
        labels: &[("app", "productpage")],
        before: "fault",
        ..place("fault-injection", &["fault-injection"])
    },
    Place {
        namespace: "default",
        labels: &[("app", "productpage")],
        ..place("telemetry-tags", &["telemetry-tags"])
    },
    Place {
        context: Context::Gateway,
        namespace: "default",
        labels: &[("app", "productpage")],
        ..place("telemetry-tags", &["telemetry-tags"])
    },
];

/// A listener with all that Istio has for policies.
fn base(context: Context) -> Value {
    let endpoint = ENDPOINT.into();
    let destination = Destination {
        host: "orders.shop.svc.cluster.local",
        port: 80,
        endpoint,
    };
    let mut base = match context {
        Context::SidecarInbound => sidecar_inbound(8000, endpoint),
        Context::SidecarOutbound => sidecar_outbound(&destination),
        _ => gateway(8080, &destination),
    };
    // A sidecar has no policies for what its workload sends.
    if context != Context::SidecarOutbound {
        for own in ["jwt_authn", "rbac"] {
            let name = format!("envoy.filters.http.{own}");
            add_http_filter(&mut base, &name, json!({})).unwrap();
        }
    }
    base
}

impl Place {
    fn proxy(&self, context: Context) -> Proxy {
        let proxy = Proxy::new(context, self.namespace);
        let labels = self.labels.iter();
        labels.fold(proxy, |proxy, (name, value)| proxy.label(name, value))
    }

    /// What the chain is to be.
    fn expected(&self, context: Context) -> Vec<String> {
        let mut names = Vec::new();
        for own in OWN {
            if own == self.before {
                names.extend(
                    self.filters
                        .iter()
                        .map(|name| format!("mesh-filters.{name}")),
                );
            }
            let policies = ["jwt_authn", "rbac"].contains(&own);
            if !(policies && context == Context::SidecarOutbound) {
                names.push(format!("envoy.filters.http.{own}"));
            }
        }
        names
    }

    fn stands(&self, text: &str, context: Context) {
        let filters = EnvoyFilter::parse_all(text).unwrap();
        let rendered = apply(base(context), &filters, &self.proxy(context)).unwrap();
        assert_eq!(rendered.notes, [""; 0], "{}", self.file);
        let names = http_filters(&rendered.bootstrap);
        assert_eq!(names, self.expected(context), "{} {context:?}", self.file);
    }
}

#[test]
fn each_filter_stands_where_its_file_says() {
    for place in &PLACES {
        place.stands(istio(place.file).text(), place.context);
    }
}

#[test]
fn every_envoy_filter_is_held_to_its_place() {
    for file in Shipped::all("envoy-configs/istio") {
        let has = file.text().contains("\nkind: EnvoyFilter\n");
        let held = PLACES.iter().any(|place| place.file == stem(&file));
        assert_eq!(has, held, "{}", file.path());
    }
}

/// What the README says of gateways: the context is all that makes a sidecar's file one for a gateway.
#[test]
fn each_of_them_goes_to_a_gateway_with_another_context() {
    for place in &PLACES {
        let text = istio(place.file).text().to_owned();
        let there = ["SIDECAR_INBOUND", "SIDECAR_OUTBOUND"].iter();
        let text = there.fold(text, |text, context| {
            text.replace(
                &format!("context: {context}"),
                &format!("context: {}", "GATEWAY"),
            )
        });
        place.stands(&text, Context::Gateway);
    }
}

#[test]
fn nobody_else_gets_them() {
    for place in &PLACES {
        let filters = EnvoyFilter::parse_all(istio(place.file).text()).unwrap();
        let proxy = Proxy::new(place.context, place.namespace).label("app", "another");
        let plain = apply(base(place.context), &[], &proxy).unwrap();
        let rendered = apply(base(place.context), &filters, &proxy).unwrap();
        assert_eq!(rendered.bootstrap, plain.bootstrap, "{}", place.file);
    }
}
