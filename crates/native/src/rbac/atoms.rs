//! RBAC's permissions and principals as conditions of policies.

use super::Context;
use super::attribute::{self, Attribute, Clause};
use super::metadata::metadata;
use super::principal;
use crate::expression::Expression;
use crate::node::{Message, Node};
use crate::text::{self, Matcher, Named, Text};

/// A range has no more ports than these, else a policy would have to list too many.
const MOST_PORTS: u64 = 256;
const TEMPLATE: &str = "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";

fn one(attribute: Attribute, value: String) -> Expression<Clause> {
    Expression::Atom(Clause {
        attribute,
        values: vec![value],
    })
}

/// Reads a Permission.
pub(super) fn permission(node: &Node<'_>, context: Context<'_>) -> Expression<Clause> {
    let mut message = node.message();
    let mut found = common(
        &mut message,
        ["and_rules", "or_rules", "not_rule", "rules"],
        &permission,
        context,
    );
    if let Some(range) = message.take("destination_ip") {
        found = crate::address::block(&range).map(|block| one(Attribute::DestinationIp, block));
    }
    if let Some(port) = message.take("destination_port") {
        found = Some(one(Attribute::Port, port.whole().to_string()));
    }
    if let Some(range) = message.take("destination_port_range") {
        found = Some(ports(&range, context));
    }
    if let Some(name) = message.take("requested_server_name") {
        found = Some(valued(&name, Attribute::Sni, context));
    }
    if let Some(template) = message.take("uri_template") {
        found = Some(uri_template(&template, context));
    }
    if let Some(matcher) = message.take("matcher") {
        found = Some(context.unknown(
            &matcher,
            "an extension that matches has no word in a policy",
        ));
    }
    end(message, found)
}

/// Reads a Principal.
pub(super) fn principal(node: &Node<'_>, context: Context<'_>) -> Expression<Clause> {
    let mut message = node.message();
    let mut found = common(
        &mut message,
        ["and_ids", "or_ids", "not_id", "ids"],
        &principal,
        context,
    );
    if let Some(peer) = message.take("authenticated") {
        found = Some(authenticated(&peer, context));
    }
    for (field, attribute) in [
        ("direct_remote_ip", Attribute::SourceIp),
        ("source_ip", Attribute::SourceIp),
        ("remote_ip", Attribute::RemoteIp),
    ] {
        if let Some(range) = message.take(field) {
            found = crate::address::block(&range).map(|block| one(attribute, block));
        }
    }
    for field in ["filter_state", "custom"] {
        if let Some(state) = message.take(field) {
            let what = format!("`{field}` has no word in a policy");
            found = Some(context.unknown(&state, &what));
        }
    }
    end(message, found)
}

/// What is of a kind that is not known is nothing that may be left out.
fn end(message: Message<'_>, found: Option<Expression<Clause>>) -> Expression<Clause> {
    if found.is_none() && message.is_read() {
        message
            .node()
            .problem("says nothing, which Envoy refuses; `any: true` is always");
    }
    message.end_or_refuse();
    found.unwrap_or(Expression::Unknown)
}

/// Reads one side's message.
type Read<'r> = &'r dyn Fn(&Node<'_>, Context<'_>) -> Expression<Clause>;

/// What both sides have. `names` are those of all, any, none and of the list in the first two.
fn common(
    message: &mut Message<'_>,
    names: [&'static str; 4],
    read: Read<'_>,
    context: Context<'_>,
) -> Option<Expression<Clause>> {
    let [all, any, not, list] = names;
    let set = |node: &Node<'_>| {
        let mut message = node.message();
        let elements = message
            .take(list)
            .map(|it| it.elements())
            .unwrap_or_default();
        if elements.is_empty() {
            node.problem("is empty, which Envoy refuses");
        }
        message.end_or_refuse();
        elements.iter().map(|it| read(it, context)).collect()
    };
    let mut found = None;
    if let Some(all) = message.take(all) {
        found = Some(Expression::All(set(&all)));
    }
    if let Some(any) = message.take(any) {
        found = Some(Expression::Any(set(&any)));
    }
    if let Some(one) = message.take(not) {
        found = Some(read(&one, context).not());
    }
    if let Some(any) = message.take("any") {
        if !any.flag() {
            any.problem("is `true`, or not there, in Envoy");
        }
        found = Some(Expression::always());
    }
    if let Some(matcher) = message.take("header") {
        let of = text::header(&matcher);
        if of == Expression::Unknown {
            let _ = context.unknown(&matcher, "this matcher of a header has no word in a policy");
        }
        found = Some(of.map(&mut |named| header(&matcher, named, context)));
    }
    if let Some(path) = message.take("url_path") {
        let mut inner = path.message();
        let matcher = inner.take("path");
        inner.end_or_refuse();
        found = matcher.map(|it| url_path(&it, context));
    }
    if let Some(matcher) = message.take("metadata") {
        found = Some(metadata(&matcher, context));
    }
    if let Some(sourced) = message.take("sourced_metadata") {
        let mut inner = sourced.message();
        let matcher = inner.take("metadata_matcher");
        let source = inner.take("metadata_source");
        let source = source.map(|it| it.one_of(&["DYNAMIC", "ROUTE"]));
        inner.end_or_refuse();
        found = match source {
            Some("ROUTE") => {
                Some(context.unknown(&sourced, "a route's metadata has no word in a policy"))
            }
            _ => matcher.map(|it| metadata(&it, context)),
        };
    }
    found
}

/// A header that matches.
fn header(node: &Node<'_>, named: Named, context: Context<'_>) -> Expression<Clause> {
    let Named { name, matcher } = named;
    let is_host = name == ":authority" && matcher.ignore_case;
    let folded = Matcher {
        ignore_case: matcher.ignore_case && !is_host,
        text: matcher.text.clone(),
    };
    let value = match &matcher.text {
        // That a header is there; a text that is not empty is another matter.
        Text::Any => Some("*".to_owned()),
        Text::Some => None,
        _ => attribute::value(&folded),
    };
    let is_name =
        |name: &str| sdk_helpers::config::is_token(name.strip_prefix(':').unwrap_or(name));
    match value.filter(|_| is_name(&name)) {
        Some(value) if is_host => one(Attribute::Host, value),
        Some(value) => one(Attribute::Header(name), value),
        None => context.unknown(
            node,
            &format!("this matcher of header `{name}` has no word in a policy"),
        ),
    }
}

fn valued(node: &Node<'_>, attribute: Attribute, context: Context<'_>) -> Expression<Clause> {
    match text::matcher(node).as_ref().and_then(attribute::value) {
        Some(value) => one(attribute, value),
        None => context.unknown(node, "this matcher of a text has no word in a policy"),
    }
}

fn url_path(node: &Node<'_>, context: Context<'_>) -> Expression<Clause> {
    let value = text::matcher(node).as_ref().and_then(attribute::value);
    // Braces are a template's.
    match value.filter(|value| !value.contains(['{', '}'])) {
        Some(value) => one(Attribute::Path, value),
        None => context.unknown(node, "this matcher of the path has no word in a policy"),
    }
}

/// A template of Envoy's, of which policies have the stars.
fn uri_template(node: &Node<'_>, context: Context<'_>) -> Expression<Clause> {
    let mut message = node.message();
    message.take("name");
    let config = message.take("typed_config");
    message.end_or_refuse();
    let template = config
        .as_ref()
        .and_then(crate::kind::typed)
        .and_then(|typed| {
            let mut body = typed.body.message();
            let template = body.take("path_template").map(|it| it.text());
            body.end_or_refuse();
            template.filter(|_| typed.name == TEMPLATE)
        });
    let value = template
        .filter(|it| !it.contains(['{', '}']))
        .map(|template| {
            let segment = |segment: &str| match segment {
                "*" => "{*}".to_owned(),
                "**" => "{**}".to_owned(),
                plain => plain.to_owned(),
            };
            template
                .split('/')
                .map(segment)
                .collect::<Vec<_>>()
                .join("/")
        });
    let is_taken = |value: &String| {
        sdk_helpers::matcher::PathTemplate::is_template(value)
            && sdk_helpers::matcher::PathTemplate::compile(value).is_ok()
            // What stars stand in a segment are Envoy's alone.
            && !value.replace("{**}", "").replace("{*}", "").contains('*')
    };
    match value.filter(is_taken) {
        Some(value) => one(Attribute::Path, value),
        None => context.unknown(node, "this template of paths has no word in a policy"),
    }
}

/// From `start` up to `end`, which is not in it.
fn ports(node: &Node<'_>, context: Context<'_>) -> Expression<Clause> {
    let mut message = node.message();
    let start = message.take("start").map_or(0, |it| it.whole());
    let end = message.take("end").map_or(0, |it| it.whole());
    message.end_or_refuse();
    if start >= end || end > 65_536 {
        node.problem("is no range of ports");
        return Expression::Unknown;
    }
    if end.saturating_sub(start) > MOST_PORTS {
        return context.unknown(
            node,
            "a range of more than 256 ports has no word in a policy",
        );
    }
    Expression::Atom(Clause {
        attribute: Attribute::Port,
        values: (start..end).map(|port| port.to_string()).collect(),
    })
}

fn authenticated(node: &Node<'_>, context: Context<'_>) -> Expression<Clause> {
    let mut message = node.message();
    let name = message.take("principal_name");
    message.end_or_refuse();
    let Some(name) = name else {
        return context.unknown(node, "that a connection is TLS has no word in a policy");
    };
    let clause = text::matcher(&name).as_ref().and_then(principal::clause);
    match clause {
        Some(clause) => Expression::Atom(clause),
        None => context.unknown(
            &name,
            "this matcher of a certificate's name has no word in a policy, which knows SPIFFE ids",
        ),
    }
}
