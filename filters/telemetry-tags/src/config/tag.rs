//! Tags: ours, and the custom tags of Istio's `tracing`.

use sdk_helpers::{At, Problems};

use super::wire::{BoundWire, LoggingWire, NamedWire, SourceWire, TagWire, TracingWire};
use super::{BoundConfig, TagConfig, within};
use crate::clean::{LONGEST, clean, is_safe};
use crate::expression::Expression;
use crate::formatter::Format;
use crate::label::Label;
use crate::source::{Source, Template};

/// More than this, and the list of values is no list any more.
const MOST_VALUES: u32 = 10_000;

/// Checks a tag of ours and adds it.
pub(super) fn check(wire: TagWire, at: &At<'_>, problems: &Problems, tags: &mut Vec<TagConfig>) {
    let at_name = at.field("name");
    let name = wire.name.unwrap_or_default();
    if let Err(problem) = check_name(&name) {
        problems.error(&at_name, problem);
    } else if Label::find(&name).is_some() {
        problems.error(
            &at_name,
            format!("`{name}` is a label of Istio's; change it with `metrics[].overrides[].tagOverrides`"),
        );
    } else if tags.iter().any(|tag| tag.name == name) {
        problems.error(&at_name, format!("`{name}` is another tag's name too"));
    }
    let source = source(wire.source, true, at, problems);
    let mut templates = Vec::new();
    for (index, text) in wire.templates.iter().enumerate() {
        match Template::compile(text) {
            Ok(template) => templates.push(template),
            Err(problem) => problems.error(&at.field("templates").index(index), problem),
        }
    }
    let is_label = wire.label.unwrap_or(true);
    if !is_label && (wire.bound.max_values.is_some() || wire.bound.overflow.is_some()) {
        problems.error(
            at,
            "`maxValues` and `overflow` change nothing with `label: false`; remove them",
        );
    }
    let bound = bound(wire.bound, at, problems);
    if let Some(source) = source {
        tags.push(TagConfig {
            name,
            source,
            templates,
            bound: is_label.then_some(bound),
            modes: [true; 2],
        });
    }
}

/// Checks the tracing elements; of each side the last one's tags count, as in Istio.
pub(super) fn check_tracing(
    elements: Vec<TracingWire>,
    at: &At<'_>,
    problems: &Problems,
    tags: &mut Vec<TagConfig>,
) {
    let ours = tags.len();
    if elements.len() > 1 {
        problems.warn(
            at,
            "has several elements; of each side the last `customTags` count",
        );
    }
    for (index, element) in elements.into_iter().enumerate() {
        let at = at.index(index);
        check_providers(&element.providers, &at, problems);
        for field in &element.of_tracer {
            problems.warn(
                &at.field(field),
                "changes nothing here: a filter cannot steer the tracer; set it in Envoy's \
                 `tracing` of the connection manager",
            );
        }
        if element
            .sampling
            .is_some_and(|share| !(0.0..=100.0).contains(&share))
        {
            problems.error(
                &at.field("randomSamplingPercentage"),
                "must be in the range 0.0 to 100.0",
            );
        }
        let Some(custom) = element.custom_tags else {
            continue;
        };
        let modes = [element.mode != 2, element.mode != 1];
        for tag in tags.iter_mut().skip(ours) {
            tag.modes = [tag.modes[0] && !modes[0], tag.modes[1] && !modes[1]];
        }
        let at = at.field("customTags");
        for (name, wire) in custom {
            let at = at.field(&name);
            let Some(wire) = wire else {
                problems.error(&at, "a tag may not be null");
                continue;
            };
            if let Err(problem) = check_name(&name) {
                problems.error(&at, problem);
            } else if tags.iter().take(ours).any(|tag| tag.name == name) {
                problems.error(&at, format!("`{name}` stands in `tags` too"));
            }
            if let Some(source) = source(wire, false, &at, problems) {
                tags.push(TagConfig {
                    name,
                    source,
                    templates: vec![],
                    bound: None,
                    modes,
                });
            }
        }
    }
}

/// Envoy's access log is Envoy's; what a filter adds to it are tags.
pub(super) fn check_logging(elements: Option<&[LoggingWire]>, at: &At<'_>, problems: &Problems) {
    let Some(elements) = elements else {
        return;
    };
    problems.warn(
        at,
        "changes nothing here: a filter cannot turn on Envoy's access log; write \
         `%FILTER_STATE(wasm.mesh_filters.tag.<name>:PLAIN)%` in its format for a tag",
    );
    for (index, element) in elements.iter().enumerate() {
        let at = at.index(index);
        check_providers(&element.providers, &at, problems);
        if let Some(text) = &element.expression
            && let Err(problem) = Expression::parse(text)
        {
            problems.error(
                &at.field("filter").field("expression"),
                format!("`{text}` {problem}"),
            );
        }
    }
}

pub(super) fn check_providers(providers: &[Option<String>], at: &At<'_>, problems: &Problems) {
    let at = at.field("providers");
    for (index, name) in providers.iter().enumerate() {
        if name.as_deref().unwrap_or_default().is_empty() {
            problems.error(&at.index(index).field("name"), "may not be empty");
        }
    }
}

/// Checks a bound; its defaults where nothing is said.
pub(super) fn bound(wire: BoundWire, at: &At<'_>, problems: &Problems) -> BoundConfig {
    let default = BoundConfig::default();
    let most = (default.max_values, MOST_VALUES);
    let max_values = within(wire.max_values, most, &at.field("maxValues"), problems);
    let overflow = wire.overflow.unwrap_or(default.overflow);
    if overflow.is_empty() || clean(overflow.as_bytes()) != overflow {
        problems.error(
            &at.field("overflow"),
            format!("`{overflow}` is no value a label can have: text without quotes, brackets and line ends"),
        );
    }
    BoundConfig {
        max_values,
        overflow,
    }
}

/// Checks the name of a tag or a label.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if name.is_empty() {
        return Err("is missing; a tag has a name".to_owned());
    }
    if name.len() > 64 || !name.chars().all(legal) {
        return Err(format!(
            "`{name}` is no name that statistics and logs can carry: at most 64 of `A-Z a-z 0-9 . _ - /`"
        ));
    }
    Ok(())
}

fn source(wire: SourceWire, ours: bool, at: &At<'_>, problems: &Problems) -> Option<Source> {
    let said = [
        wire.literal.is_some(),
        wire.environment.is_some(),
        wire.header.is_some(),
        wire.formatter.is_some(),
        wire.expression.is_some(),
    ];
    if said.iter().filter(|there| **there).count() != 1 {
        let expression = if ours {
            ", `formatter` or `expression`"
        } else {
            " or `formatter`"
        };
        problems.error(
            at,
            format!("must have exactly one of `literal`, `environment`, `header`{expression}"),
        );
        return None;
    }
    if let Some(value) = wire.literal {
        return literal(value, &at.field("literal").field("value"), problems);
    }
    if let Some(named) = wire.environment {
        return environment(named, &at.field("environment"), problems);
    }
    if let Some(NamedWire { name, default }) = wire.header {
        let at = at.field("header");
        let at = at.field("name");
        let name = name.unwrap_or_default().to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            problems.error(&at, format!("`{name}` is no name of a header"));
        }
        return Some(Source::Header { name, default });
    }
    if let Some(value) = wire.formatter {
        let at = at.field("formatter");
        let at = at.field("value");
        return match Format::parse(&value.unwrap_or_default()) {
            Ok(format) => Some(Source::Format(format)),
            Err(problem) => {
                problems.error(&at, problem);
                None
            }
        };
    }
    let text = wire.expression?;
    match Expression::parse(&text) {
        Ok(expression) => Some(Source::Expression(expression)),
        Err(problem) => {
            problems.error(&at.field("expression"), format!("`{text}` {problem}"));
            None
        }
    }
}

fn literal(value: Option<String>, at: &At<'_>, problems: &Problems) -> Option<Source> {
    let value = value.unwrap_or_default();
    if value.is_empty() {
        problems.error(at, "may not be empty");
        return None;
    }
    if value.len() > LONGEST || !value.chars().all(is_safe) {
        problems.warn(
            at,
            "has quotes, brackets or line ends, or is too long; those become `_`, and it is cut",
        );
    }
    Some(Source::Literal(value))
}

/// The environment is that of the VM, which Envoy fills as it is told.
fn environment(named: NamedWire, at: &At<'_>, problems: &Problems) -> Option<Source> {
    let name = named.name.unwrap_or_default();
    if name.is_empty() || name.contains(['=', '\0']) {
        problems.error(&at.field("name"), "is no name of a variable");
        return None;
    }
    let value = std::env::var_os(&name).and_then(|value| value.into_string().ok());
    let value = value.or(named.default);
    if value.is_none() {
        problems.warn(
            &at.field("name"),
            format!(
                "`{name}` is not set and has no `defaultValue`: there is no tag; modules see what \
                 `vm_config.environment_variables` lists"
            ),
        );
    }
    Some(Source::Literal(value.unwrap_or_default()))
}
