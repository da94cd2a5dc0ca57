//! Tags: ours, and the custom tags of Istio's `tracing`.

use sdk_helpers::config::{Scope, header_name};
use sdk_helpers::{At, Problems};

use super::names::{self, Labels};
use super::wire::{
    CustomTagWire, EnvironmentWire, LoggingWire, ProviderWire, TagWire, TracingWire,
};
use super::{BoundConfig, TagConfig, within};
use crate::claim::Claim;
use crate::clean::{LONGEST, clean, is_safe};
use crate::expression::Expression;
use crate::formatter::Format;
use crate::label::Label;
use crate::tag_source::{ANY, TagSource, Template};

/// More than this, and the list of values is no list any more.
pub(super) const MOST_VALUES: u32 = 10_000;

impl TagWire {
    /// How many sources are there.
    fn sources(&self) -> usize {
        let sources = [
            self.literal.is_some(),
            self.environment.is_some(),
            self.header.is_some(),
            self.formatter.is_some(),
            self.expression.is_some(),
            self.claim.is_some(),
        ];
        sources.iter().filter(|there| **there).count()
    }
}

/// A tag of Istio's has the first of ours.
impl From<CustomTagWire> for TagWire {
    fn from(wire: CustomTagWire) -> Self {
        TagWire {
            literal: wire.literal,
            environment: wire.environment,
            header: wire.header,
            formatter: wire.formatter,
            ..TagWire::default()
        }
    }
}

/// How many values there may be, and what stands for the rest.
pub(super) struct BoundWire {
    pub(super) max_values: Option<u32>,
    pub(super) overflow: Option<String>,
}

/// Checks a tag of ours and adds it.
pub(super) fn check(
    mut wire: TagWire,
    at: &At<'_>,
    problems: &Problems,
    labels: &mut Labels,
    tags: &mut Vec<TagConfig>,
) {
    let at_name = at.field("name");
    let name = wire.name.take().unwrap_or_default();
    if let Err(problem) = names::check(&name) {
        problems.error(&at_name, problem);
    } else if Label::find(&name).is_some() {
        problems.error(
            &at_name,
            format!("`{name}` is a label of Istio's; change it with `metrics[].overrides[].tagOverrides`"),
        );
    } else if tags.iter().any(|tag| tag.name == name) {
        problems.error(&at_name, format!("`{name}` is another tag's name too"));
    }
    let source = source(&mut wire, true, at, problems);
    let mut templates = Vec::new();
    for (index, text) in wire.templates.unwrap_or_default().iter().enumerate() {
        match Template::compile(text) {
            Ok(template) => templates.push(template),
            Err(problem) => problems.error(&at.field("templates").index(index), problem),
        }
    }
    if !templates.is_empty() && !templates.iter().any(Template::is_any) {
        problems.warn(
            &at.field("templates"),
            format!(
                "have no `{ANY}` for the paths that none of them matches: each of those is a value of its own, and \
                 one scan fills `maxValues` for the life of the process"
            ),
        );
    }
    if let Some(any) = templates.iter().position(Template::is_any)
        && any.saturating_add(1) < templates.len()
    {
        let problem = format!("stand behind `{ANY}`, which leaves them nothing; it comes last");
        problems.error(&at.field("templates"), problem);
    }
    let is_label = wire.label.unwrap_or(true);
    if !is_label && (wire.max_values.is_some() || wire.overflow.is_some()) {
        problems.error(
            at,
            "`maxValues` and `overflow` change nothing with `label: false`; remove them",
        );
    }
    if is_label && !name.is_empty() {
        labels.claim(&name, &at_name, problems);
    }
    let bound = BoundWire {
        max_values: wire.max_values,
        overflow: wire.overflow,
    };
    let bound = self::bound(bound, at, problems);
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

/// Checks the tracing elements, beside tags of ours; of each side the last one's tags count, as in Istio.
pub(super) fn check_tracing(
    elements: Vec<TracingWire>,
    at: &At<'_>,
    problems: &Problems,
    ours: &[TagConfig],
) -> Vec<TagConfig> {
    let mut tags: Vec<TagConfig> = Vec::new();
    if elements.len() > 1 {
        problems.warn(
            at,
            "has several elements; of each side the last `customTags` count",
        );
    }
    for (index, element) in elements.into_iter().enumerate() {
        let at = at.index(index);
        let providers = element.providers.unwrap_or_default();
        check_providers(&providers, &at, problems);
        if providers.len() > 1 {
            let at = at.field("providers");
            problems.warn(&at, "has several names; Istio takes the first");
        }
        for (field, there) in [
            (
                "disableContextPropagation",
                element.disable_context_propagation.is_some(),
            ),
            (
                "disableSpanReporting",
                element.disable_span_reporting.is_some(),
            ),
            ("enableIstioTags", element.enable_istio_tags.is_some()),
            (
                "randomSamplingPercentage",
                element.random_sampling_percentage.is_some(),
            ),
            (
                "useRequestIdForTraceSampling",
                element.use_request_id.is_some(),
            ),
        ] {
            if there {
                problems.warn_of(
                    Scope::Filter,
                    &at.field(field),
                    "changes nothing here: a filter cannot steer the tracer; set it in Envoy's \
                     `tracing` of the connection manager",
                );
            }
        }
        if element
            .random_sampling_percentage
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
        let mode = element.r#match.and_then(|wire| wire.mode);
        let modes = mode.unwrap_or_default().sides();
        tags.retain_mut(|tag| {
            tag.modes = [tag.modes[0] && !modes[0], tag.modes[1] && !modes[1]];
            tag.modes != [false; 2]
        });
        let at = at.field("customTags");
        for (name, wire) in custom {
            let at = at.field(&name);
            let Some(wire) = wire else {
                problems.error(&at, "a tag may not be null");
                continue;
            };
            if let Err(problem) = names::check(&name) {
                problems.error(&at, problem);
            } else if ours.iter().any(|tag| tag.name == name) {
                problems.error(&at, format!("`{name}` stands in `tags` too"));
            }
            let mut wire = TagWire::from(wire);
            if wire.sources() == 0 {
                // As in Istio.
                problems.warn(&at, "is no tag: it has no source");
            } else if let Some(source) = source(&mut wire, false, &at, problems) {
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
    tags
}

/// Envoy's access log is Envoy's; what a filter adds to it are tags.
pub(super) fn check_logging(elements: Option<Vec<LoggingWire>>, at: &At<'_>, problems: &Problems) {
    let Some(elements) = elements else {
        return;
    };
    problems.warn_of(
        Scope::Filter,
        at,
        "changes nothing here: a filter cannot turn on Envoy's access log; write \
         `%FILTER_STATE(wasm.mesh_filters.tag.<name>:PLAIN)%` in its format for a tag",
    );
    for (index, element) in elements.into_iter().enumerate() {
        let at = at.index(index);
        check_providers(&element.providers.unwrap_or_default(), &at, problems);
        // Istio refuses what does not parse; what it means is of no consequence here.
        if let Some(text) = element.filter.and_then(|filter| filter.expression)
            && let Err(problem) = Expression::check_syntax(&text)
        {
            problems.error(
                &at.field("filter").field("expression"),
                format!("{problem}, in `{text}`"),
            );
        }
    }
}

pub(super) fn check_providers(
    providers: &[Option<ProviderWire>],
    at: &At<'_>,
    problems: &Problems,
) {
    let at = at.field("providers");
    for (index, provider) in providers.iter().enumerate() {
        let name = provider.as_ref().and_then(|wire| wire.name.as_deref());
        if name.unwrap_or_default().is_empty() {
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

fn source(wire: &mut TagWire, ours: bool, at: &At<'_>, problems: &Problems) -> Option<TagSource> {
    if wire.sources() != 1 {
        let expression = if ours {
            ", `formatter`, `expression` or `claim`"
        } else {
            " or `formatter`"
        };
        problems.error(
            at,
            format!("must have exactly one of `literal`, `environment`, `header`{expression}"),
        );
        return None;
    }
    if let Some(wire) = wire.literal.take() {
        return literal(wire.value, &at.field("literal").field("value"), problems);
    }
    if let Some(named) = wire.environment.take() {
        return environment(named, &at.field("environment"), problems);
    }
    if let Some(wire) = wire.header.take() {
        let at = at.field("header");
        let at = at.field("name");
        let default = wire.default_value;
        let name = header_name(&wire.name.unwrap_or_default(), true, &at, problems);
        return name.map(|name| TagSource::Header { name, default });
    }
    if let Some(wire) = wire.formatter.take() {
        let at = at.field("formatter");
        let at = at.field("value");
        return match Format::parse(&wire.value.unwrap_or_default()) {
            Ok(format) => Some(TagSource::Format(format)),
            Err(problem) => {
                problems.error(&at, problem);
                None
            }
        };
    }
    if let Some(name) = wire.claim.take() {
        let claim = Claim::parse(&name);
        let claim = claim.map_err(|problem| problems.error(&at.field("claim"), problem));
        return claim.ok().map(TagSource::Claim);
    }
    let text = wire.expression.take()?;
    expression(&text, &at.field("expression"), problems).map(TagSource::Expression)
}

/// Checks an expression.
pub(super) fn expression(text: &str, at: &At<'_>, problems: &Problems) -> Option<Expression> {
    match Expression::parse(text, at) {
        Ok((expression, warning)) => {
            if let Some(warning) = warning {
                problems.warn(at, warning);
            }
            Some(expression)
        }
        Err(problem) => {
            problems.error(at, format!("{problem}, in `{text}`"));
            None
        }
    }
}

fn literal(value: Option<String>, at: &At<'_>, problems: &Problems) -> Option<TagSource> {
    let value = value.unwrap_or_default();
    if value.is_empty() {
        problems.error(at, "may not be empty");
        return None;
    }
    if value.len() > LONGEST || !value.chars().all(is_safe) {
        problems.warn_of(
            Scope::Filter,
            at,
            "has quotes, brackets or line ends, or is too long; those become `_`, and it is cut",
        );
    }
    Some(TagSource::Literal(value))
}

/// The environment is that of the VM, which Envoy fills as it is told.
fn environment(wire: EnvironmentWire, at: &At<'_>, problems: &Problems) -> Option<TagSource> {
    let name = wire.name.unwrap_or_default();
    if name.is_empty() || name.contains(['=', '\0']) {
        problems.error(&at.field("name"), "is no name of a variable");
        return None;
    }
    let value = std::env::var_os(&name).and_then(|value| value.into_string().ok());
    let value = value.or(wire.default_value);
    if value.is_none() {
        problems.warn(
            &at.field("name"),
            format!(
                "`{name}` is not set and has no `defaultValue`: there is no tag; modules see what \
                 `vm_config.environment_variables` lists"
            ),
        );
    }
    Some(TagSource::Literal(value.unwrap_or_default()))
}
