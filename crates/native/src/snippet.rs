//! Envoy's own configuration, whole or any part of it: a bootstrap, a listener, a connection manager, filters, a
//! route.

use crate::chain::{self, Attached, Chain, Override};
use crate::expression::Expression;
use crate::kind::{self, Kind};
use crate::limit::action::both;
use crate::limit::condition::{Condition, of_headers, present};
use crate::node::{Message, Node};
use crate::text::{self, Matcher, Named, Text};

const ELSEWHERE: &str = "it stays where it is: a configuration of ours is of filters alone";
const MANAGER: &str = "network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER: &str = "envoy.filters.http.router";

impl<'a> Chain<'a> {
    /// Reads a document, whatever part of Envoy's configuration it is.
    pub(crate) fn snippet(&mut self, node: &Node<'a>) {
        if node.value().is_array() {
            for entry in node.elements() {
                self.snippet(&entry);
            }
            return;
        }
        let has = |name: &str| node.field(name).is_some();
        let kind = node.text_of("@type");
        if let Some(typed) = kind::typed(node)
            && let Some(filter) = typed.filter()
        {
            self.filters.push((filter, typed.body));
        } else if has("static_resources") || has("staticResources") {
            self.bootstrap(node);
        } else if has("resources") {
            self.resources(node);
        } else if has("filter_chains") || has("filterChains") {
            self.listener(node);
        } else if has("http_filters") || has("httpFilters") || kind.ends_with(MANAGER) {
            self.manager(node);
        } else if has("filters") {
            self.filter_chain(node);
        } else if has("typed_config") || has("typedConfig") {
            self.filter(node);
        } else if has("virtual_hosts") || has("virtualHosts") {
            self.routes(node);
        } else if has("domains") {
            self.virtual_host(node, &[]);
        } else {
            self.route(node, &Expression::always());
        }
    }

    fn bootstrap(&mut self, node: &Node<'a>) {
        let mut message = node.message();
        if let Some(resources) = message.take("static_resources") {
            let mut resources = resources.message();
            for listener in elements(resources.take("listeners")) {
                self.listener(&listener);
            }
            resources.end_elsewhere(ELSEWHERE);
        }
        message.end_elsewhere(ELSEWHERE);
    }

    /// A file of xDS.
    fn resources(&mut self, node: &Node<'a>) {
        let mut message = node.message();
        for resource in elements(message.take("resources")) {
            self.snippet(&resource);
        }
        message.end_elsewhere(ELSEWHERE);
    }

    fn listener(&mut self, node: &Node<'a>) {
        let mut message = node.message();
        let chains = elements(message.take("filter_chains"));
        let default = message.take("default_filter_chain");
        for chain in chains.iter().chain(&default) {
            self.filter_chain(chain);
        }
        message.end_elsewhere(ELSEWHERE);
    }

    fn filter_chain(&mut self, node: &Node<'a>) {
        let mut message = node.message();
        for filter in elements(message.take("filters")) {
            let mut filter_message = filter.message();
            let config = filter_message.take("typed_config");
            filter_message.take("name");
            match config.as_ref().and_then(kind::typed) {
                Some(typed) if typed.name.ends_with(MANAGER) => self.manager(&typed.body),
                _ => filter.lost("no connection manager of HTTP", ELSEWHERE),
            }
            filter_message.end();
        }
        message.end_elsewhere(ELSEWHERE);
    }

    fn manager(&mut self, node: &Node<'a>) {
        let mut message = node.message();
        let filters = elements(message.take("http_filters"));
        if self.filters.is_empty() {
            for filter in &filters {
                self.filter(filter);
            }
        } else if filters.iter().any(|it| kind::is_mentioned(it.value())) {
            node.problem(
                "is a second chain of filters, and a configuration is one chain; convert them one by one",
            );
        }
        if let Some(routes) = message.take("route_config") {
            self.routes(&routes);
        }
        message.end_elsewhere(ELSEWHERE);
    }

    /// An HTTP filter of a chain.
    pub(crate) fn filter(&mut self, node: &Node<'a>) {
        let mut message = node.message();
        let name = message.take("name").map(|it| it.text()).unwrap_or_default();
        let config = message.take("typed_config");
        let disabled = message.take("disabled").filter(|it| it.flag());
        message.lose("is_optional", "a filter of ours is always there");
        message.end();
        let typed = config.as_ref().and_then(kind::typed);
        match typed.as_ref().and_then(|typed| Some((typed.filter()?, typed))) {
            Some((kind, typed)) => match disabled {
                Some(disabled) => disabled.lost(
                    format!("`{name}` is turned off"),
                    "nothing is converted of it; routes that turn it on are not known to a wasm filter",
                ),
                None => self.filters.push((kind, typed.body.clone())),
            },
            None if name == ROUTER => {}
            None => node.lost(
                format!("filter `{name}` is not one that is converted"),
                "it stays where it is, beside the converted filters",
            ),
        }
    }

    fn routes(&mut self, node: &Node<'a>) {
        let mut message = node.message();
        let hosts = elements(message.take("virtual_hosts"));
        let mut named = Vec::new();
        for host in &hosts {
            let listed = host.field("domains").map(|it| it.texts());
            named.extend(listed.unwrap_or_default());
        }
        for host in &hosts {
            self.virtual_host(host, &named);
        }
        self.per_filter(&mut message, &Expression::always(), false);
        message.end_elsewhere(ELSEWHERE);
    }

    /// `all` are the domains of all virtual hosts.
    fn virtual_host(&mut self, node: &Node<'a>, all: &[&str]) {
        let mut message = node.message();
        message.take("name");
        let domains = message.take("domains").map(|it| it.texts());
        let domains = domains.unwrap_or_default();
        let others: Vec<&str> = all
            .iter()
            .copied()
            .filter(|it| !domains.contains(it))
            .collect();
        let scope = match (others.is_empty(), domains.contains(&"*")) {
            (true, _) => Expression::always(),
            (false, true) => chain::domains(&others).not(),
            (false, false) => chain::domains(&domains),
        };
        for route in elements(message.take("routes")) {
            self.route(&route, &scope);
        }
        self.per_filter(&mut message, &scope, false);
        message.end_elsewhere(ELSEWHERE);
    }

    fn route(&mut self, node: &Node<'a>, host: &Expression<Condition>) {
        let mut message = node.message();
        let name = message.take("name").map(|it| it.text());
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        let has_own = name.is_none() && kind::is_mentioned(node.value());
        let matched = has_own.then(|| message.take("match")).flatten();
        let scope = match (&name, &matched) {
            (Some(name), _) => chain::route(name),
            (None, Some(matched)) => {
                matched.lost(
                    "a route without a `name` is told apart by its `match`",
                    "requests that an earlier route takes are counted too, where both match; give the route a `name`",
                );
                route_match(matched)
            }
            _ => Expression::always(),
        };
        let scope = both(host.clone(), scope);
        self.per_filter(&mut message, &scope, true);
        message.end_elsewhere(ELSEWHERE);
    }

    /// What a route, a virtual host or all of them say of filters.
    pub(crate) fn per_filter(
        &mut self,
        message: &mut Message<'a>,
        scope: &Expression<Condition>,
        is_route: bool,
    ) {
        if let Some(configs) = message.take("typed_per_filter_config") {
            for (name, config) in configs.entries() {
                let of = kind::typed(&config);
                match of.and_then(|typed| Some((typed.of_route()?, typed))) {
                    Some((kind, typed)) => self.overrides.push(Override {
                        kind,
                        node: typed.body,
                        scope: scope.clone(),
                    }),
                    None => config.lost(
                        format!("what is said of `{name}` for some routes is not converted"),
                        "it stays where it is",
                    ),
                }
            }
        }
        let mut attach = |node: Option<Node<'a>>| {
            self.attached.extend(node.map(|node| Attached {
                node,
                scope: scope.clone(),
                is_route,
            }));
        };
        attach(message.take("rate_limits"));
        if let Some(action) = message.take("route") {
            let mut action = action.message();
            attach(action.take("rate_limits"));
            action.lose(
                "include_vh_rate_limits",
                "`rate_limits` of virtual hosts count on all routes of theirs",
            );
            action.end_elsewhere(ELSEWHERE);
        }
    }
}

/// The elements of a list that may be absent.
pub(crate) fn elements<'a>(node: Option<Node<'a>>) -> Vec<Node<'a>> {
    node.map(|node| node.elements()).unwrap_or_default()
}

/// A RouteMatch.
fn route_match(node: &Node<'_>) -> Expression<Condition> {
    let mut message = node.message();
    let mut all = Vec::new();
    let path = |text: Text, ignore_case: bool| {
        Expression::Atom(Condition::Path(Matcher { text, ignore_case }))
    };
    let case = message.take("case_sensitive").is_none_or(|it| it.flag());
    if let Some(prefix) = message.take("prefix") {
        all.push(path(Text::Prefix(prefix.text().to_owned()), !case));
    }
    if let Some(exact) = message.take("path") {
        all.push(path(Text::Exact(exact.text().to_owned()), !case));
    }
    if let Some(regex) = message.take("safe_regex") {
        all.push(path(text::regex_text(&regex), false));
    }
    for header in elements(message.take("headers")) {
        all.push(of_headers(text::header(&header)));
    }
    for parameter in elements(message.take("query_parameters")) {
        all.push(query(&parameter));
    }
    let is_read = message.is_read();
    message.end();
    if !is_read {
        all.push(Expression::Unknown);
    }
    // The prefix of any path says nothing.
    all.retain(|one| !matches!(one, Expression::Atom(Condition::Path(Matcher { text: Text::Prefix(text), .. })) if text == "/"));
    Expression::All(all)
}

/// A QueryParameterMatcher.
fn query(node: &Node<'_>) -> Expression<Condition> {
    let mut message = node.message();
    let name = message.take("name").map(|it| it.text()).unwrap_or_default();
    let value = message.take("string_match");
    let present = message
        .take("present_match")
        .is_none_or(|it| it.flag())
        .then(present);
    message.end();
    let matcher = match &value {
        Some(value) => text::matcher(value),
        None => present,
    };
    match matcher {
        Some(matcher) => Expression::Atom(Condition::Query(Named {
            name: name.to_owned(),
            matcher,
        })),
        None => Expression::Unknown,
    }
}

/// Filters that stand in another order than ours do.
pub(crate) fn tell_of_order(filters: &[(Kind, Node<'_>)]) {
    let place = |kind: Kind| match kind {
        Kind::JwtAuthn => 0,
        Kind::Rbac => 1,
        Kind::LocalRateLimit | Kind::RateLimit => 2,
        Kind::Fault => 3,
    };
    let mut last = 0;
    for (kind, node) in filters {
        if place(*kind) < last {
            node.lost(
                "that this filter stands behind those before it is not carried over",
                "the one module has its filters in one order: request authentication, authorization, limits, faults. For another order load them one by one",
            );
        }
        last = last.max(place(*kind));
    }
}
