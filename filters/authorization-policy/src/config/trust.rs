//! The mesh's trust domains: a principal of one is a principal of all.

/// The local trust domain and its aliases, as istiod pools them.
#[derive(Debug)]
pub(super) struct TrustDomains(pub(super) Vec<String>);

/// Where nothing else is said, and in a policy the local domain whatever it is called.
pub(super) const DEFAULT: &str = "cluster.local";

impl TrustDomains {
    /// The principals that one stands for, or none where its trust domain is none of the mesh's.
    pub(super) fn principals(&self, principal: &str) -> Option<Vec<String>> {
        let own = || Some(vec![principal.to_owned()]);
        let Some((domain, rest)) = principal.split_once('/') else {
            return own();
        };
        // `<domain>/ns/<namespace>/sa/<account>`: of anything else nobody knows where the domain is.
        if domain == "*" || rest.split('/').count() != 4 {
            return own();
        }
        if domain != DEFAULT && !self.0.iter().any(|known| alike(domain, known)) {
            return None;
        }
        let mut principals: Vec<String> = Vec::new();
        for known in &self.0 {
            let same = domain
                .strip_prefix('*')
                .is_some_and(|end| known.ends_with(end));
            let one = if same {
                principal.to_owned()
            } else {
                [known, "/", rest].concat()
            };
            if !principals.contains(&one) {
                principals.push(one);
            }
        }
        Some(principals)
    }

    /// The trust domains that one stands for.
    pub(super) fn domains<'a>(&'a self, domain: &'a str) -> Vec<&'a str> {
        if self.0.iter().any(|known| known == domain) {
            self.0.iter().map(String::as_str).collect()
        } else {
            vec![domain]
        }
    }
}

/// Whether one is the other, with a star at either end of either.
fn alike(one: &str, other: &str) -> bool {
    let matches = |text: &str, pattern: &str| {
        pattern
            .strip_suffix('*')
            .is_some_and(|start| text.starts_with(start))
            || pattern
                .strip_prefix('*')
                .is_some_and(|end| text.ends_with(end))
    };
    one == other || matches(one, other) || matches(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principals(principal: &str) -> Vec<String> {
        let domains = ["new-td", "old-td", "third"].map(str::to_owned);
        TrustDomains(domains.into())
            .principals(principal)
            .unwrap_or_default()
    }

    #[test]
    fn a_principal_of_one_domain_is_one_of_all() {
        let all = ["new-td/ns/a/sa/b", "old-td/ns/a/sa/b", "third/ns/a/sa/b"];
        assert_eq!(principals("old-td/ns/a/sa/b"), all);
        assert_eq!(principals("cluster.local/ns/a/sa/b"), all);
        assert_eq!(principals("old*/ns/a/sa/b"), all);
        assert_eq!(
            principals("*-td/ns/a/sa/b"),
            ["*-td/ns/a/sa/b", "third/ns/a/sa/b"]
        );
        assert_eq!(principals("other/ns/a/sa/b"), Vec::<String>::new());
    }

    #[test]
    fn what_names_no_domain_stays() {
        for principal in [
            "*",
            "*/ns/a/sa/b",
            "*/sa/b",
            "old-td/sa/b",
            "old-td/ns/a/sa/b/c",
            "a",
        ] {
            assert_eq!(principals(principal), [principal]);
        }
    }

    #[test]
    fn a_domain_of_the_mesh_is_all_of_them() {
        let domains = TrustDomains(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(domains.domains("b"), ["a", "b"]);
        assert_eq!(domains.domains("cluster.local"), ["cluster.local"]);
        assert_eq!(domains.domains("*"), ["*"]);
    }
}
