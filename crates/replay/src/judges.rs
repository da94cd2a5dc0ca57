//! What becomes of an entry of a log under policies, as far as the entry says enough.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use explain::{Arrived, Closest, Judge, Outcome};
use sdk_helpers::claims::Claims;

use crate::entry::{Claimed, Entry, Value};
use crate::field::Field;
use crate::policies::{Assumption, Policies};

/// What is decided of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// This, and why; no reason where no policy speaks of the request.
    Known(Outcome, String),
    /// It depends on what the log does not say: places in [`Policies::needs`].
    Unknown(Vec<usize>),
}

/// Policies, and those with assumptions about what entries do not say.
pub(crate) struct Judges<'p> {
    policies: &'p Policies,
    whole: Judge,
    /// By what is missing: the most permissive, and the most restrictive.
    assumed: HashMap<Vec<usize>, Option<(Judge, Judge)>>,
}

/// A log has one format, or a few; beyond so many nothing is assumed, and nothing known.
const MOST_FORMATS: usize = 64;

impl<'p> Judges<'p> {
    pub(crate) fn new(policies: &'p Policies) -> Result<Self, String> {
        Ok(Judges {
            policies,
            whole: policies.judge(None)?,
            assumed: HashMap::new(),
        })
    }

    /// What is decided of a request.
    pub(crate) fn verdict(&mut self, met: &Met<'_>) -> Verdict {
        self.decide(met, false).0
    }

    /// The rule that came closest to allowing a request that is refused.
    pub(crate) fn closest(&mut self, met: &Met<'_>) -> Option<Closest> {
        self.decide(met, true).1
    }

    /// A path as it may be shown.
    pub(crate) fn shown(&self, path: &str) -> String {
        self.whole.shown_path(path)
    }

    fn decide(&mut self, met: &Met<'_>, wants_closest: bool) -> (Verdict, Option<Closest>) {
        let needs = self.policies.needs().iter().enumerate();
        let missing = needs.filter(|(_, need)| !met.has(&need.field));
        let missing: Vec<usize> = missing.map(|(place, _)| place).collect();
        let headers = met.headers();
        let arrived = met.arrived(&headers);
        if missing.is_empty() {
            return match self.whole.judge(&arrived, wants_closest) {
                Ok(judged) => (
                    Verdict::Known(judged.outcome, judged.reason),
                    judged.closest,
                ),
                Err(_) => (Verdict::Unknown(missing), None),
            };
        }
        let Some((permissive, restrictive)) = self.assuming(&missing) else {
            return (Verdict::Unknown(missing), None);
        };
        let most = permissive.judge(&arrived, wants_closest);
        let least = restrictive.judge(&arrived, false);
        match (most, least) {
            // Whatever is missing, these reasons are true.
            (Ok(most), Ok(_)) if most.outcome != Outcome::Allow => {
                (Verdict::Known(most.outcome, most.reason), most.closest)
            }
            (Ok(_), Ok(least)) if least.outcome == Outcome::Allow => {
                (Verdict::Known(least.outcome, least.reason), None)
            }
            _ => (Verdict::Unknown(missing), None),
        }
    }

    fn assuming(&mut self, missing: &[usize]) -> Option<&mut (Judge, Judge)> {
        if !self.assumed.contains_key(missing) {
            if self.assumed.len() >= MOST_FORMATS {
                return None;
            }
            let needs = self.policies.needs();
            let fields = missing.iter().filter_map(|place| needs.get(*place));
            let fields: Vec<Field> = fields.map(|need| need.field.clone()).collect();
            let judge = |permissive: bool| {
                let assumption = Assumption {
                    missing: &fields,
                    permissive,
                };
                self.policies.judge(Some(&assumption)).ok()
            };
            let both = judge(true).zip(judge(false));
            self.assumed.insert(missing.to_vec(), both);
        }
        self.assumed.get_mut(missing)?.as_mut()
    }
}

/// What an entry says of a request, as far as policies ask.
pub(crate) struct Met<'e> {
    entry: &'e Entry<'e>,
    names: &'e [String],
    direct: Option<IpAddr>,
    client: Option<IpAddr>,
    local: Option<SocketAddr>,
    local_text: String,
    claims: Option<Rc<Claims>>,
}

impl<'e> Met<'e> {
    /// Takes what is asked for: `names` are the headers among it.
    pub(crate) fn new(entry: &'e Entry<'e>, asked: &'e Asked) -> Self {
        let address = |asks: bool, value: &Value<'_>| {
            let text = value.text().filter(|_| asks)?;
            let ip = text
                .parse::<SocketAddr>()
                .map(|address| address.ip())
                .or_else(|_| text.parse::<IpAddr>());
            ip.ok()
        };
        let local = entry.local.text().filter(|_| asked.local);
        let local: Option<SocketAddr> = local.and_then(|text| text.parse().ok());
        let claims = match &entry.claims {
            Claimed::Claims(claims) if asked.claims => Some(Rc::new(Claims::new(claims.clone()))),
            _ => None,
        };
        Met {
            entry,
            names: &asked.headers,
            direct: address(asked.direct, &entry.direct),
            client: address(asked.client, &entry.client),
            local_text: local.map_or_else(String::new, |local| local.to_string()),
            local,
            claims,
        }
    }

    /// Whether it is known.
    fn has(&self, field: &Field) -> bool {
        let entry = self.entry;
        match field {
            Field::Method => entry.method.text().is_some(),
            Field::Path => entry.path.text().is_some(),
            Field::Authority => entry.authority.text().is_some(),
            Field::Peer => !entry.peer.is_absent(),
            Field::Client => self.client.is_some(),
            Field::Direct => self.direct.is_some(),
            Field::Local => self.local.is_some(),
            Field::ServerName => !entry.server_name.is_absent(),
            Field::Header(name) => !entry.header(name).is_absent(),
            Field::Claims => entry.claims != Claimed::Absent,
            Field::Provider(_) | Field::Metadata(_) => false,
        }
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let names = self.names.iter();
        let there = names.filter_map(|name| Some((name.as_str(), self.entry.header(name).text()?)));
        there.collect()
    }

    fn arrived<'a>(&'a self, headers: &'a [(&'a str, &'a str)]) -> Arrived<'a> {
        let entry = self.entry;
        Arrived {
            method: entry.method.text().unwrap_or_default(),
            authority: entry.authority.text().unwrap_or_default(),
            path: entry.path.text().unwrap_or_default(),
            headers,
            peer: entry.peer.text(),
            claims: self.claims.clone(),
            direct: self.direct,
            client: self.client,
            local: &self.local_text,
            // Where it is not known, no condition on it is left but those of assumptions.
            port: self.local.map_or(80, |local| local.port()),
            server_name: entry.server_name.text(),
        }
    }
}

/// What several sets of policies ask for together.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    path: bool,
    method: bool,
    authority: bool,
    peer: bool,
    direct: bool,
    client: bool,
    local: bool,
    server_name: bool,
    claims: bool,
    headers: Vec<String>,
}

impl Asked {
    pub(crate) fn of<'p>(policies: impl Iterator<Item = &'p Policies>) -> Self {
        let mut asked = Asked::default();
        for need in policies.flat_map(Policies::needs) {
            match &need.field {
                Field::Method => asked.method = true,
                Field::Path => asked.path = true,
                Field::Authority => asked.authority = true,
                Field::Peer => asked.peer = true,
                Field::Client => asked.client = true,
                Field::Direct => asked.direct = true,
                Field::Local => asked.local = true,
                Field::ServerName => asked.server_name = true,
                Field::Claims => asked.claims = true,
                // It stands in every request, at its own place.
                Field::Header(name) if name == ":path" => asked.path = true,
                Field::Header(name) => {
                    if !asked.headers.contains(name) {
                        asked.headers.push(name.clone());
                    }
                }
                Field::Provider(_) | Field::Metadata(_) => {}
            }
        }
        asked
    }

    /// All that decides what becomes of an entry, so that one with the same is decided alike: every field that is
    /// asked for, with its length. False where that is too much to remember.
    pub(crate) fn key(&self, entry: &Entry<'_>, key: &mut Vec<u8>) -> bool {
        key.clear();
        // Claims are seldom the same twice.
        if self.claims && matches!(entry.claims, Claimed::Claims(_)) {
            return false;
        }
        key.push(u8::from(entry.claims == Claimed::Absent));
        let fields = [
            (self.method, &entry.method),
            (self.path, &entry.path),
            (self.authority, &entry.authority),
            (self.peer, &entry.peer),
            (self.direct, &entry.direct),
            (self.client, &entry.client),
            (self.local, &entry.local),
            (self.server_name, &entry.server_name),
        ];
        let asked = fields.iter().filter(|(asked, _)| *asked);
        let headers = self.headers.iter().map(|name| entry.header(name));
        for value in asked.map(|(_, value)| *value).chain(headers) {
            let (tag, text) = match value {
                Value::Absent => (0, ""),
                Value::Nothing => (1, ""),
                Value::Text(text) => (2, text.as_ref()),
            };
            key.push(tag);
            key.extend_from_slice(&text.len().to_le_bytes());
            key.extend_from_slice(text.as_bytes());
        }
        key.len() <= LONGEST_KEY
    }
}

const LONGEST_KEY: usize = 1 << 10;
