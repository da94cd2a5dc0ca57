//! Trust domains that go by several names.

/// What a principal of no particular mesh writes for the mesh's own trust domain.
const LOCAL: &str = "cluster.local";

/// A mesh's trust domain, then its aliases.
#[derive(Debug)]
pub(super) struct Domains(Vec<String>);

impl Domains {
    pub(super) fn new(own: String, aliases: Vec<String>) -> Self {
        let mut domains = vec![own];
        domains.extend(aliases);
        Self(domains)
    }

    /// Principals under each name of their trust domain, where it is one of the mesh's.
    pub(super) fn principals(&self, values: &[String]) -> Vec<String> {
        let mut all = Vec::new();
        for value in values {
            let parts: Vec<&str> = value.split('/').collect();
            match parts.split_first() {
                Some((domain, rest)) if rest.len() == 4 && self.means(domain) => {
                    let mut names: Vec<String> = Vec::new();
                    for own in &self.0 {
                        let name = match ends_as(own, domain) {
                            true => value.clone(),
                            false => format!("{own}/{}", rest.join("/")),
                        };
                        if !names.contains(&name) {
                            names.push(name);
                        }
                    }
                    all.extend(names);
                }
                _ => all.push(value.clone()),
            }
        }
        all
    }

    /// Trust domains, with all names of the mesh's where one of them is listed.
    pub(super) fn expanded(&self, values: &[String]) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for value in values {
            let names = match self.0.contains(value) {
                true => self.0.as_slice(),
                false => std::slice::from_ref(value),
            };
            for name in names {
                if !all.contains(name) {
                    all.push(name.clone());
                }
            }
        }
        all
    }

    fn means(&self, domain: &str) -> bool {
        let known = |own: &String| {
            own == domain
                || own == "*"
                || begins_as(own, domain)
                || begins_as(domain, own)
                || ends_as(own, domain)
                || ends_as(domain, own)
        };
        domain != "*" && (domain == LOCAL || self.0.iter().any(known))
    }
}

fn begins_as(text: &str, pattern: &str) -> bool {
    pattern
        .strip_suffix('*')
        .is_some_and(|prefix| text.starts_with(prefix))
}

fn ends_as(text: &str, pattern: &str) -> bool {
    pattern
        .strip_prefix('*')
        .is_some_and(|suffix| text.ends_with(suffix))
}
