//! What a proxy has of Envoy's own filters, whatever it was written as: the filters in their order, and what
//! routes say of them.

use crate::expression::Expression;
use crate::kind::Kind;
use crate::limit::action::{self, Item, both};
use crate::limit::condition::{Condition, exactly};
use crate::node::Node;
use crate::text::{Matcher, Named, Text};

/// All that was found.
#[derive(Debug, Default)]
pub(crate) struct Chain<'a> {
    pub(crate) filters: Vec<(Kind, Node<'a>)>,
    pub(crate) overrides: Vec<Override<'a>>,
    pub(crate) attached: Vec<Attached<'a>>,
}

/// `typed_per_filter_config`: what a filter is for some routes.
#[derive(Debug)]
pub(crate) struct Override<'a> {
    pub(crate) kind: Kind,
    pub(crate) node: Node<'a>,
    pub(crate) scope: Expression<Condition>,
}

/// `rate_limits` of a route or a virtual host.
#[derive(Debug)]
pub(crate) struct Attached<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) scope: Expression<Condition>,
    pub(crate) is_route: bool,
}

impl<'a> Attached<'a> {
    /// What of them a filter of this stage counts, within what it is for.
    pub(crate) fn items(
        attached: &[Self],
        stage: u64,
        within: &Expression<Condition>,
    ) -> Vec<(Item<'a>, Expression<Condition>)> {
        let mut all = Vec::new();
        let is_on_routes = attached.iter().any(|one| one.is_route);
        for one in attached {
            for item in action::items(&one.node) {
                if item.stage != stage {
                    continue;
                }
                if is_on_routes && !one.is_route {
                    item.node.lost(
                        "that `rate_limits` of a route stand in place of those of its virtual host is not carried over",
                        "those of the virtual host count on such routes as well: more is refused. A filter with `vh_rate_limits: INCLUDE` does so, too",
                    );
                }
                all.push((item, both(within.clone(), one.scope.clone())));
            }
        }
        all
    }
}

/// That a request is for one of these domains of a virtual host, as Envoy compares them: in any case.
pub(crate) fn domains(domains: &[&str]) -> Expression<Condition> {
    let authority = |text: Text| {
        Expression::Atom(Condition::Header(Named {
            name: ":authority".to_owned(),
            matcher: Matcher {
                text,
                ignore_case: true,
            },
        }))
    };
    let one = |domain: &&str| {
        if *domain == "*" {
            return Expression::always();
        }
        if let Some(end) = domain.strip_prefix('*') {
            return authority(Text::Suffix(end.to_owned()));
        }
        match domain.strip_suffix('*') {
            Some(start) => authority(Text::Prefix(start.to_owned())),
            None => authority(Text::Exact((*domain).to_owned())),
        }
    };
    Expression::Any(domains.iter().map(one).collect())
}

/// That a request is of the route of this name.
pub(crate) fn route(name: &str) -> Expression<Condition> {
    Expression::Atom(Condition::Route(name.to_owned()))
}

/// That a header has this value.
pub(crate) fn header(name: &str, value: &str) -> Expression<Condition> {
    Expression::Atom(Condition::Header(Named {
        name: name.to_owned(),
        matcher: exactly(value),
    }))
}
