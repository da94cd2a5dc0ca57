//! EnvoyFilters that put Envoy's own filters into a proxy of Istio's.

use crate::chain::{self, Chain};
use crate::expression::Expression;
use crate::kind;
use crate::limit::action::both;
use crate::limit::condition::Condition;
use crate::node::Node;
use crate::snippet::elements;

const STAYS: &str = "it is not of a filter's configuration: keep this patch";
const NOT_HERE: &str =
    "a configuration is for whatever proxy loads it; say it where the module is loaded";

impl<'a> Chain<'a> {
    /// Reads an EnvoyFilter.
    pub(crate) fn envoy_filter(&mut self, node: &Node<'a>) {
        let mut message = node.message();
        message.take("apiVersion");
        message.take("kind");
        message.take("metadata");
        message.take("status");
        if let Some(spec) = message.take("spec") {
            let mut spec = spec.message();
            for field in ["workloadSelector", "targetRefs", "priority"] {
                spec.lose(field, NOT_HERE);
            }
            for patch in elements(spec.take("configPatches")) {
                self.patch(&patch);
            }
            spec.end();
        }
        message.end();
    }

    fn patch(&mut self, node: &Node<'a>) {
        let mut message = node.message();
        let target = message.take("applyTo").map(|it| it.text());
        let matched = message.take("match");
        let patch = message.take("patch");
        message.end();
        let Some(patch) = patch else {
            node.problem("has no `patch`");
            return;
        };
        let mut inner = patch.message();
        let operation = inner.take("operation").map(|it| it.text());
        let operation = operation.unwrap_or_default();
        let value = inner.take("value");
        inner.lose("filterClass", NOT_HERE);
        inner.end();
        let target = target.unwrap_or_default();
        let scope = matched.map(|it| scope(&it, target));
        let scope = scope.unwrap_or_else(Expression::always);
        let Some(value) = value.filter(|_| operation != "REMOVE") else {
            node.lost(format!("{operation} of {target} is not converted"), STAYS);
            return;
        };
        match target {
            "HTTP_FILTER" => {
                if operation == "MERGE" {
                    patch.lost(
                        "what this is merged into is not known here",
                        "it is converted as if it were the whole filter",
                    );
                }
                self.filter(&value);
            }
            "HTTP_ROUTE" | "VIRTUAL_HOST" | "ROUTE_CONFIGURATION" => {
                let mut message = value.message();
                self.per_filter(&mut message, &scope, target == "HTTP_ROUTE");
                message.end_elsewhere(STAYS);
            }
            "CLUSTER" => value.lost(
                format!("cluster `{}` is not converted", value.text_of("name")),
                "a limit that is `global` asks its service through it: keep this patch",
            ),
            _ if kind::is_mentioned(value.value()) => {
                node.problem(&format!(
                    "a patch of {target} with one of these filters is not read; patch HTTP_FILTER, HTTP_ROUTE or VIRTUAL_HOST"
                ));
            }
            _ => node.lost(format!("a patch of {target} is not converted"), STAYS),
        }
    }
}

/// Which requests a patch of routes is for.
fn scope(node: &Node<'_>, target: &str) -> Expression<Condition> {
    let mut message = node.message();
    message.lose("context", NOT_HERE);
    message.lose("proxy", NOT_HERE);
    if let Some(listener) = message.take("listener") {
        listener.lost("where the filter is put is not carried over", NOT_HERE);
    }
    if let Some(cluster) = message.take("cluster") {
        cluster.lost("which cluster is patched is not carried over", STAYS);
    }
    let routes = message.take("routeConfiguration");
    message.end();
    let mut all = Expression::always();
    let Some(routes) = routes.filter(|_| target != "HTTP_FILTER") else {
        return all;
    };
    let mut routes = routes.message();
    for field in ["name", "portNumber", "portName", "gateway"] {
        routes.lose(
            field,
            "its limits count the requests of every port and gateway of the proxy that loads them; load it where it is for",
        );
    }
    if let Some(host) = routes.take("vhost") {
        let mut host_message = host.message();
        if let Some(name) = host_message.take("name") {
            all = both(all, virtual_host(&name));
        }
        host_message.lose(
            "domainName",
            "the name of the virtual host says which it is",
        );
        if let Some(route) = host_message.take("route") {
            let mut route = route.message();
            let name = route.take("name").map(|it| it.text());
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                all = both(all, chain::route(name));
            }
            if let Some(action) = route.take("action")
                && action.text() != "ANY"
            {
                action.lost(
                    "`action` is not carried over",
                    "routes of any action are counted",
                );
            }
            route.end();
        }
        host_message.end();
    }
    routes.end();
    all
}

/// A virtual host by the name that istiod gives it: `inbound|http|8080`, `host:port`.
fn virtual_host(node: &Node<'_>) -> Expression<Condition> {
    let name = node.text();
    // As istiod takes it: any.
    if name.is_empty() {
        return Expression::always();
    }
    if let Some(port) = name.strip_prefix("inbound|http|") {
        return match port.parse() {
            // 0 is what istiod names that of a port it was not told.
            Ok(0) | Err(_) => Expression::always(),
            Ok(port) => Expression::Atom(Condition::Port(port)),
        };
    }
    let Some((host, port)) = name
        .rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok())
    else {
        node.lost(
            format!("which hosts `{name}` is for is not known"),
            "the requests of every host are counted",
        );
        return Expression::always();
    };
    if host == "*" {
        return Expression::always();
    }
    node.lost(
        "a virtual host is told apart by `:authority`",
        "requests by another of its names, an address for instance, are not counted",
    );
    let mut names = vec![host.to_owned()];
    // Names of a service of Kubernetes, as istiod lists them.
    if let Some(short) = host.strip_suffix(".svc.cluster.local") {
        names.push(format!("{short}.svc"));
        names.push(short.to_owned());
        names.extend(short.split('.').next().map(str::to_owned));
    }
    let ports = names.iter().map(|name| format!("{name}:{port}"));
    let all: Vec<String> = names.iter().cloned().chain(ports).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    chain::domains(&all)
}
