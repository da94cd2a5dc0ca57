//! Who gets another quota, or none.

use sdk_helpers::config::header_name;
use sdk_helpers::matcher::{SourceMatch, StringMatchWire, Wildcard, plain};
use sdk_helpers::{At, Problems};

use super::key::claim_path;
use super::wire::{QuotaWire, TierWire, WhenWire};
use super::{Text, Tier, When};

impl TierWire {
    /// The tier, and its quota where it has one.
    pub(super) fn check(
        self,
        at: &At<'_>,
        problems: &Problems,
    ) -> (Option<Tier>, Option<QuotaWire>) {
        let at_when = at.field("when");
        let when = match self.when {
            Some(when) => when.check(&at_when, problems),
            None => {
                problems.error(&at_when, "is missing: whose tier it is");
                None
            }
        };
        let unlimited = self.unlimited.unwrap_or(false);
        if unlimited {
            for (field, there) in [
                ("requests", self.requests.is_some()),
                ("per", self.per.is_some()),
                ("burst", self.burst.is_some()),
            ] {
                if there {
                    problems.error(
                        &at.field(field),
                        "means nothing beside `unlimited: true`; remove one of the two",
                    );
                }
            }
        }
        let quota = QuotaWire {
            requests: self.requests,
            per: self.per,
            burst: self.burst,
        };
        (
            when.map(|when| Tier { when, unlimited }),
            (!unlimited).then_some(quota),
        )
    }
}

impl WhenWire {
    fn check(self, at: &At<'_>, problems: &Problems) -> Option<When> {
        let by_source = self.source_cidr.is_some() || self.not_source_cidr.is_some();
        let source = SourceMatch::compile(self.source_cidr, self.not_source_cidr, at, problems);
        let like = StringMatchWire {
            exact: self.exact,
            prefix: self.prefix,
            suffix: self.suffix,
            contains: self.contains,
            regex: self.regex,
        };
        match (self.claim, self.header) {
            (Some(claim), None) if !by_source => {
                let path = claim_path(&claim, &at.field("claim"), problems);
                let text = text(self.values, like, at, problems);
                Some(When::Claim(path?, text?))
            }
            (None, Some(header)) if !by_source => {
                let name = header_name(&header, true, &at.field("header"), problems);
                let text = text(self.values, like, at, problems);
                Some(When::Header(name?, text?))
            }
            (None, None) if by_source => {
                if self.values.is_some() || like != StringMatchWire::default() {
                    problems.error(
                        at,
                        "says what a text is beside `sourceCIDR`, which has none; remove one of the two",
                    );
                }
                Some(When::Source(source))
            }
            _ => {
                problems.error(
                    at,
                    "must have exactly one of `claim`, `header`, `sourceCIDR`",
                );
                None
            }
        }
    }
}

fn text(
    values: Option<Vec<String>>,
    like: StringMatchWire,
    at: &At<'_>,
    problems: &Problems,
) -> Option<Text> {
    match (values, like != StringMatchWire::default()) {
        (None, true) => plain(like, at, problems).map(Text::Like),
        (Some(values), false) if !values.is_empty() => Some(Text::OneOf(
            values.iter().map(|text| Wildcard::compile(text)).collect(),
        )),
        (_, false) => {
            problems.error(
                &at.field("values"),
                "is missing: at least one value; `*` is any",
            );
            None
        }
        (Some(_), true) => {
            problems.error(
                &at.field("values"),
                "cannot stand beside `exact`, `prefix`, `suffix`, `contains` or `regex`",
            );
            None
        }
    }
}
