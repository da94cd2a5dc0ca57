//! Alternatives as rules of a policy: sources, operations and what holds for all of them.

use sdk_helpers::matcher::PathTemplate;
use serde_json::{Map, Value, json};

use super::attribute::{Attribute, Clause};
use super::{Alternatives, MOST};
use crate::expression::{Atom as _, Conjunction, Literal, TooMany, product};
use crate::node::Node;

/// The rules of what both sides ask for. `unknown` is what a condition is taken for that a rule cannot say.
pub(super) fn rules(
    permissions: &Alternatives,
    principals: &Alternatives,
    unknown: bool,
    node: &Node<'_>,
    consequence: &str,
) -> Result<Vec<Value>, TooMany> {
    if let Some(rule) = one_rule(permissions, principals) {
        return Ok(vec![rule]);
    }
    let mut rules = Vec::new();
    for all in product(permissions, principals, MOST)? {
        let all = match narrowed(&all) {
            Narrowed::Never => continue,
            Narrowed::Whole(all) => all,
            Narrowed::Part(all) => {
                tell(node, consequence);
                if !unknown {
                    continue;
                }
                all
            }
        };
        let rule = Rule::of(&all).written();
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    Ok(rules)
}

fn tell(node: &Node<'_>, consequence: &str) {
    node.lost(
        "two matchers of the path, or the host, that both have to hold have no word in a policy",
        consequence,
    );
}

/// One rule for all sources and all operations, as istiod's policies are; none where they need several.
fn one_rule(permissions: &Alternatives, principals: &Alternatives) -> Option<Value> {
    let (operations, mut when) = side(permissions, &Attribute::operation)?;
    let (sources, more) = side(principals, &Attribute::source)?;
    when.extend(more);
    let mut rule = Map::new();
    for (field, inner, lists) in [("from", "source", sources), ("to", "operation", operations)] {
        if !lists.iter().any(Map::is_empty) {
            let lists: Vec<Value> = lists.into_iter().map(|one| json!({inner: one})).collect();
            rule.insert(field.to_owned(), lists.into());
        }
    }
    if !when.is_empty() {
        let when: Option<Vec<Value>> = when.iter().map(condition).collect();
        rule.insert("when".to_owned(), when?.into());
    }
    Some(Value::Object(rule))
}

/// The lists of each alternative, and conditions beside them.
type Side = (Vec<Map<String, Value>>, Conjunction<Clause>);

/// The lists of one side and what all of its alternatives have besides.
fn side(
    alternatives: &Alternatives,
    list: &dyn Fn(&Attribute) -> Option<[&'static str; 2]>,
) -> Option<Side> {
    let (first, _) = alternatives.split_first()?;
    let besides = |all: &Conjunction<Clause>| -> Conjunction<Clause> {
        let beside = all.iter().filter(|it| list(&it.atom.attribute).is_none());
        beside.cloned().collect()
    };
    let when = besides(first);
    let mut lists = Vec::new();
    for all in alternatives {
        let mine = besides(all);
        if mine.len() != when.len() || !mine.iter().all(|it| when.contains(it)) {
            return None;
        }
        let mut written = Map::new();
        for literal in all {
            if let Some(names) = list(&literal.atom.attribute)
                && !put(&mut written, names, literal)
            {
                return None;
            }
        }
        lists.push(written);
    }
    Some((lists, when))
}

/// A rule of one source and one operation.
#[derive(Default)]
struct Rule {
    source: Map<String, Value>,
    operation: Map<String, Value>,
    when: Vec<Value>,
}

impl Rule {
    fn of(all: &Conjunction<Clause>) -> Self {
        let mut rule = Rule::default();
        for literal in all {
            let attribute = &literal.atom.attribute;
            let in_list = match (attribute.source(), attribute.operation()) {
                (Some(names), _) => put(&mut rule.source, names, literal),
                (None, Some(names)) => put(&mut rule.operation, names, literal),
                (None, None) => false,
            };
            if !in_list {
                rule.when.extend(condition(literal));
            }
        }
        rule
    }

    fn written(self) -> Value {
        let mut rule = Map::new();
        if !self.source.is_empty() {
            rule.insert("from".to_owned(), json!([{"source": self.source}]));
        }
        if !self.operation.is_empty() {
            rule.insert("to".to_owned(), json!([{"operation": self.operation}]));
        }
        if !self.when.is_empty() {
            rule.insert("when".to_owned(), self.when.into());
        }
        Value::Object(rule)
    }
}

/// Puts a condition into a list, where none is yet that it would be added to.
fn put(
    lists: &mut Map<String, Value>,
    names: [&'static str; 2],
    literal: &Literal<Clause>,
) -> bool {
    let [values, not_values] = names;
    let name = if literal.negated { not_values } else { values };
    // Istio takes accounts by themselves alone.
    let is_account = |name: &str| matches!(name, "serviceAccounts" | "notServiceAccounts");
    let is_name = |name: &str| {
        matches!(
            name,
            "principals" | "notPrincipals" | "namespaces" | "notNamespaces"
        )
    };
    let are_apart = lists
        .keys()
        .any(|other| is_account(name) && is_name(other) || is_name(name) && is_account(other));
    let is_too_long = is_account(name) && literal.atom.values.len() > 16;
    if are_apart || is_too_long || lists.contains_key(name) {
        return false;
    }
    lists.insert(name.to_owned(), json!(literal.atom.values));
    true
}

/// A condition in `when`; none where there is no key for it.
fn condition(literal: &Literal<Clause>) -> Option<Value> {
    let key = literal.atom.attribute.key()?;
    let field = if literal.negated {
        "notValues"
    } else {
        "values"
    };
    Some(json!({"key": key, field: literal.atom.values}))
}

/// What becomes of conditions of which each list can have one.
enum Narrowed {
    /// A rule can say them all.
    Whole(Conjunction<Clause>),
    /// It can say these, and not the others.
    Part(Conjunction<Clause>),
    /// No request is so.
    Never,
}

/// With one condition on each of what has a list and no key: the path and the host.
fn narrowed(all: &Conjunction<Clause>) -> Narrowed {
    let mut kept: Conjunction<Clause> = Vec::new();
    let mut is_whole = true;
    for literal in all {
        let has_key = literal.atom.attribute.key().is_some();
        let first = kept.iter_mut().find(|other| {
            !has_key
                && other.negated == literal.negated
                && other.atom.attribute == literal.atom.attribute
        });
        let Some(first) = first else {
            kept.push(literal.clone());
            continue;
        };
        if literal.negated {
            if let Some(joined) = first.atom.or(&literal.atom) {
                first.atom = joined;
            }
            continue;
        }
        match both(&first.atom, &literal.atom) {
            Some(values) if values.is_empty() => return Narrowed::Never,
            Some(values) => first.atom.values = values,
            None => is_whole = false,
        }
    }
    if is_whole {
        Narrowed::Whole(kept)
    } else {
        Narrowed::Part(kept)
    }
}

/// Values that are among both; none where there is no writing them.
fn both(one: &Clause, other: &Clause) -> Option<Vec<String>> {
    let mut values = Vec::new();
    for left in &one.values {
        for right in &other.values {
            let value = narrower(left, right, one.attribute == Attribute::Host)?;
            values.extend(value.filter(|it| !values.contains(it)));
        }
    }
    Some(values)
}

/// The value that says both, if there is one; none where texts of both have no one form.
fn narrower(left: &str, right: &str, ignore_case: bool) -> Option<Option<String>> {
    let folded = |text: &str| match ignore_case {
        true => text.to_ascii_lowercase(),
        false => text.to_owned(),
    };
    let (one, other) = (folded(left), folded(right));
    let keep = |text: &str| Some(Some(text.to_owned()));
    if one == other || other == "*" {
        return keep(left);
    }
    if one == "*" {
        return keep(right);
    }
    match (Form::of(&one), Form::of(&other)) {
        (Form::Exact(text), form) => Some(form.takes(text).then(|| left.to_owned())),
        (form, Form::Exact(text)) => Some(form.takes(text).then(|| right.to_owned())),
        (Form::Prefix(one), Form::Prefix(other)) if one.starts_with(other) => keep(left),
        (Form::Prefix(one), Form::Prefix(other)) if other.starts_with(one) => keep(right),
        (Form::Suffix(one), Form::Suffix(other)) if one.ends_with(other) => keep(left),
        (Form::Suffix(one), Form::Suffix(other)) if other.ends_with(one) => keep(right),
        (Form::Prefix(_), Form::Prefix(_)) | (Form::Suffix(_), Form::Suffix(_)) => Some(None),
        _ => None,
    }
}

/// A value of a list.
enum Form<'a> {
    Exact(&'a str),
    Prefix(&'a str),
    Suffix(&'a str),
    Template(&'a str),
}

impl<'a> Form<'a> {
    fn of(value: &'a str) -> Self {
        if PathTemplate::is_template(value) {
            return Form::Template(value);
        }
        if let Some(end) = value.strip_prefix('*') {
            return Form::Suffix(end);
        }
        match value.strip_suffix('*') {
            Some(start) => Form::Prefix(start),
            None => Form::Exact(value),
        }
    }

    fn takes(&self, text: &str) -> bool {
        match self {
            Form::Exact(exact) => *exact == text,
            Form::Prefix(start) => text.starts_with(start),
            Form::Suffix(end) => text.ends_with(end),
            Form::Template(template) => PathTemplate::compile(template)
                .is_ok_and(|template| template.matches(text.as_bytes())),
        }
    }
}
