//! The parts of a key.

use sdk_helpers::config::header_name;
use sdk_helpers::matcher::PathTemplate;
use sdk_helpers::{At, Problems, claims};

use super::wire::{MaskWire, PartWire};
use crate::key::{KeyPart, KeySource};

/// Checks the parts of a key.
pub(super) fn check(parts: Vec<PartWire>, at: &At<'_>, problems: &Problems) -> Vec<KeyPart> {
    if parts.is_empty() {
        problems.error(at, "has no parts; leave it out, or give it some");
    }
    parts
        .into_iter()
        .enumerate()
        .filter_map(|(index, part)| part.check(&at.index(index), problems))
        .collect()
}

/// What a part can be, for messages.
const KINDS: &str = "`claim`, `header`, `cookie`, `query`, `path`, `pathTemplates`, `method`, `host`, \
                     `remoteAddress`, `principal`, `destination`, `constant`";

impl PartWire {
    fn check(self, at: &At<'_>, problems: &Problems) -> Option<KeyPart> {
        let mut found = 0u32;
        let mut source = None;
        let mut take = |part: Option<Option<(KeySource, String)>>| {
            if let Some(part) = part {
                found = found.saturating_add(1);
                source = part;
            }
        };
        take(
            self.claim
                .map(|name| claim(name, &at.field("claim"), problems)),
        );
        take(self.header.map(|name| {
            let name = header_name(&name, true, &at.field("header"), problems)?;
            Some((KeySource::Header(name.clone()), name))
        }));
        take(self.cookie.map(|name| {
            let name = filled(name, &at.field("cookie"), problems)?;
            Some((KeySource::Cookie(name.clone()), name))
        }));
        take(self.query.map(|name| {
            let name = filled(name, &at.field("query"), problems)?;
            Some((KeySource::Query(name.clone()), name))
        }));
        take(
            self.path
                .map(|_| Some((KeySource::Path, "path".to_owned()))),
        );
        take(
            self.path_templates
                .map(|list| templates(list, &at.field("pathTemplates"), problems)),
        );
        take(
            self.method
                .map(|_| Some((KeySource::Method, "method".to_owned()))),
        );
        take(
            self.host
                .map(|_| Some((KeySource::Host, "host".to_owned()))),
        );
        take(
            self.remote_address
                .map(|mask| mask.check(&at.field("remoteAddress"), problems)),
        );
        take(
            self.principal
                .map(|_| Some((KeySource::Principal, "principal".to_owned()))),
        );
        take(
            self.destination
                .map(|_| Some((KeySource::Destination, "destination_cluster".to_owned()))),
        );
        take(
            self.constant
                .map(|text| Some((KeySource::Constant(text), "generic_key".to_owned()))),
        );
        if found != 1 {
            problems.error(at, format!("must be exactly one of {KINDS}"));
            return None;
        }
        let (source, descriptor) = source?;
        let descriptor = match self.descriptor_key {
            Some(name) => filled(name, &at.field("descriptorKey"), problems)?,
            None => descriptor,
        };
        Some(KeyPart { source, descriptor })
    }
}

impl MaskWire {
    fn check(self, at: &At<'_>, problems: &Problems) -> Option<(KeySource, String)> {
        let length = |given: Option<u32>, default: u8, most: u8, field: &str| {
            let length = given.map_or(Some(default), |given| u8::try_from(given).ok());
            let legal = length.filter(|length| *length <= most);
            if legal.is_none() {
                let given = given.unwrap_or_default();
                problems.error(
                    &at.field(field),
                    format!("{given} is not a number of bits between 0 and {most}"),
                );
            }
            legal
        };
        let v4 = length(self.v4_prefix_mask_len, 32, 32, "v4PrefixMaskLen");
        // One subscriber is usually given 64 bits of addresses to choose from.
        let v6 = length(self.v6_prefix_mask_len, 64, 128, "v6PrefixMaskLen");
        let source = KeySource::RemoteAddress { v4: v4?, v6: v6? };
        Some((source, "remote_address".to_owned()))
    }
}

pub(super) fn claim_path(name: &str, at: &At<'_>, problems: &Problems) -> Option<Vec<String>> {
    let path = claims::path(name);
    if path.is_none() {
        problems.error(
            at,
            format!("`{name}` names no claim; write `sub`, `realm.roles`, or `[a.b][c]` for names with dots"),
        );
    }
    path
}

fn claim(name: String, at: &At<'_>, problems: &Problems) -> Option<(KeySource, String)> {
    let path = claim_path(&name, at, problems)?;
    Some((KeySource::Claim(path), name))
}

fn templates(list: Vec<String>, at: &At<'_>, problems: &Problems) -> Option<(KeySource, String)> {
    if list.is_empty() {
        problems.error(at, "has no templates; write some such as `/orders/{*}`");
    }
    let mut templates = Vec::with_capacity(list.len());
    for (index, text) in list.into_iter().enumerate() {
        match PathTemplate::compile(&text) {
            Ok(template) => templates.push((text, template)),
            Err(problem) => problems.error(&at.index(index), problem),
        }
    }
    Some((KeySource::PathTemplates(templates), "path".to_owned()))
}

fn filled(text: String, at: &At<'_>, problems: &Problems) -> Option<String> {
    if text.is_empty() {
        problems.error(at, "is empty");
        return None;
    }
    Some(text)
}
