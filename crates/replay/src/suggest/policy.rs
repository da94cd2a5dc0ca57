//! What is admitted as the rules of a policy, and as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Bound;

use sdk_helpers::matcher::PathTemplate;
use serde_json::{Map, Value, json};

use super::path::shape;
use super::{Admitted, Suggest, Who};

/// A rule: who may do the same.
#[derive(Debug)]
pub(super) struct Rule {
    /// All of one kind.
    who: Vec<Who>,
    operations: Vec<Operation>,
}

/// Methods and paths, each of the ones with each of the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Operation {
    methods: BTreeSet<String>,
    paths: BTreeSet<String>,
    /// Paths of others that the templates among `paths` would admit.
    not_paths: BTreeSet<String>,
}

/// The fewest rules that say exactly what is admitted.
pub(super) fn rules(admitted: &[Admitted]) -> Vec<Numbered<'_>> {
    let mut by_who: BTreeMap<&Who, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for one in admitted {
        let paths = by_who.entry(&one.who).or_default();
        paths.entry(&one.path).or_default().insert(&one.method);
    }
    let all = admitted.iter().map(|one| one.path.as_str());
    // A number that was seen by itself is one of those that templates are for.
    let is_plain = |path: &&str| shape(path).is_ok_and(|shape| shape.template.is_none());
    let plain: BTreeSet<&str> = all.filter(is_plain).collect();
    let mut rules: BTreeMap<(u8, Vec<Operation>), Vec<Who>> = BTreeMap::new();
    for (who, paths) in by_who {
        let mut by_methods: BTreeMap<BTreeSet<&str>, BTreeSet<&str>> = BTreeMap::new();
        for (path, methods) in paths {
            by_methods.entry(methods).or_default().insert(path);
        }
        let owned = |texts: &BTreeSet<&str>| texts.iter().map(|text| (*text).to_owned()).collect();
        let operations = by_methods.iter().map(|(methods, paths)| Operation {
            methods: owned(methods),
            not_paths: owned(&others(paths, &plain)),
            paths: owned(paths),
        });
        let kind = match who {
            Who::Principal(_) => 0,
            Who::Unknown => 1,
            Who::Unsaid => 2,
        };
        let same = rules.entry((kind, operations.collect())).or_default();
        same.push(who.clone());
    }
    let rules = rules.into_iter();
    let mut rules: Vec<Rule> = rules
        .map(|((_, operations), who)| Rule { who, operations })
        .collect();
    rules.sort_by(|one, other| one.who.cmp(&other.who));
    let numbered = |rule| Numbered { rule, admitted };
    rules.into_iter().map(numbered).collect()
}

/// What templates among `paths` admit of `plain` paths that are none of them.
fn others<'a>(paths: &BTreeSet<&str>, plain: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let templates = paths.iter().filter(|path| PathTemplate::is_template(path));
    let templates = templates.filter_map(|path| PathTemplate::compile(path).ok());
    let mut found = BTreeSet::new();
    for template in templates {
        let start = String::from_utf8(template.literal_start()).unwrap_or_default();
        let from = (Bound::Included(start.as_str()), Bound::Unbounded);
        let near = plain.range::<str, _>(from);
        let near = near.take_while(|path| path.starts_with(&start));
        found.extend(
            near.filter(|path| template.matches(path.as_bytes()) && !paths.contains(**path)),
        );
    }
    found
}

/// A rule, with all that was counted.
#[derive(Debug)]
pub(super) struct Numbered<'a> {
    rule: Rule,
    admitted: &'a [Admitted],
}

impl Numbered<'_> {
    fn count(&self, of: impl Fn(&Admitted) -> bool) -> u64 {
        let counted = self.admitted.iter().filter(|one| of(one));
        counted.fold(0, |sum, one| sum.saturating_add(one.count))
    }

    fn source(&self) -> Option<Value> {
        match self.rule.who.first()? {
            Who::Principal(_) => Some(json!({"principals": self.principals()})),
            Who::Unknown => Some(json!({"notPrincipals": ["*"]})),
            Who::Unsaid => None,
        }
    }

    fn principals(&self) -> Vec<&str> {
        let who = self.rule.who.iter();
        let names = who.filter_map(|who| match who {
            Who::Principal(name) => Some(name.as_str()),
            Who::Unknown | Who::Unsaid => None,
        });
        names.collect()
    }

    fn tree(&self) -> Value {
        let mut rule = Map::new();
        let from = self.source().map(|source| json!([{"source": source}]));
        rule.extend(from.map(|from| ("from".to_owned(), from)));
        let to = self.rule.operations.iter().map(|operation| {
            let mut lists = json!({"methods": operation.methods, "paths": operation.paths});
            if let Some(lists) = lists.as_object_mut()
                && !operation.not_paths.is_empty()
            {
                lists.insert("notPaths".to_owned(), json!(operation.not_paths));
            }
            json!({"operation": lists})
        });
        rule.insert("to".to_owned(), to.collect());
        Value::Object(rule)
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let who = &self.rule.who;
        match who.first() {
            Some(Who::Principal(_)) => {
                writeln!(text, "  - from:\n    - source:\n        principals:")?;
                for name in self.principals() {
                    let count = self.count(|one| one.who == Who::Principal(name.to_owned()));
                    writeln!(text, "        - {}  # {}", quoted(name), requests(count))?;
                }
                writeln!(text, "    to:")?;
            }
            Some(Who::Unknown) => writeln!(
                text,
                "  # No certificate: plaintext.\n  - from:\n    - source:\n        notPrincipals: [\"*\"]\n    to:"
            )?,
            Some(Who::Unsaid) | None => writeln!(
                text,
                "  # The log does not say who sent these, so anybody may.\n  - to:"
            )?,
        }
        for operation in &self.rule.operations {
            let methods: Vec<String> = operation.methods.iter().map(|one| quoted(one)).collect();
            writeln!(
                text,
                "    - operation:\n        methods: [{}]",
                methods.join(", ")
            )?;
            writeln!(text, "        paths:")?;
            for path in &operation.paths {
                let count = self.count(|one| {
                    one.path == *path
                        && operation.methods.contains(&one.method)
                        && who.contains(&one.who)
                });
                writeln!(text, "        - {}  # {}", quoted(path), requests(count))?;
            }
            if !operation.not_paths.is_empty() {
                writeln!(
                    text,
                    "        # Others were answered there, or other methods.\n        notPaths:"
                )?;
            }
            for path in &operation.not_paths {
                writeln!(text, "        - {}", quoted(path))?;
            }
        }
        Ok(())
    }
}

/// The policy.
pub(super) fn tree(suggest: &Suggest, rules: &[Numbered<'_>]) -> Value {
    let mut metadata = json!({"name": suggest.name});
    if let (Some(metadata), Some(namespace)) = (metadata.as_object_mut(), &suggest.namespace) {
        metadata.insert("namespace".to_owned(), namespace.as_str().into());
    }
    let mut spec = Map::new();
    if !suggest.labels.is_empty() {
        spec.insert(
            "selector".to_owned(),
            json!({"matchLabels": suggest.labels}),
        );
    }
    spec.insert("action".to_owned(), "ALLOW".into());
    spec.insert(
        "rules".to_owned(),
        rules.iter().map(Numbered::tree).collect(),
    );
    json!({
        "apiVersion": API,
        "kind": KIND,
        "metadata": metadata,
        "spec": spec,
    })
}

const API: &str = "security.istio.io/v1";
const KIND: &str = "AuthorizationPolicy";

/// The same with counts.
pub(super) fn yaml(suggest: &Suggest, rules: &[Numbered<'_>]) -> String {
    let mut text = String::new();
    // Into memory, which does not fail.
    let _ = write(&mut text, suggest, rules);
    text
}

fn write(text: &mut String, suggest: &Suggest, rules: &[Numbered<'_>]) -> std::fmt::Result {
    writeln!(text, "apiVersion: {API}\nkind: {KIND}\nmetadata:")?;
    writeln!(text, "  name: {}", quoted(&suggest.name))?;
    if let Some(namespace) = &suggest.namespace {
        writeln!(text, "  namespace: {}", quoted(namespace))?;
    }
    writeln!(text, "spec:")?;
    if !suggest.labels.is_empty() {
        writeln!(text, "  selector:\n    matchLabels:")?;
        for (name, value) in &suggest.labels {
            writeln!(text, "      {}: {}", quoted(name), quoted(value))?;
        }
    }
    writeln!(text, "  action: ALLOW\n  rules:")?;
    rules.iter().try_for_each(|rule| rule.write(text))
}

/// As JSON has it, which is YAML.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn requests(count: u64) -> String {
    match count {
        1 => "1 request".to_owned(),
        count => format!("{count} requests"),
    }
}
