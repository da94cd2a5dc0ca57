//! What not every version of Envoy can do: the one table that tests and pages go by.

use crate::Version;

/// Something of Envoy's own that a test compares with, or that a configuration uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capability {
    /// A span's tag may be a format, such as one that shows filter state: `custom_tags[].value` of a
    /// connection manager.
    FormatsInSpans,
    /// The access logger `envoy.access_loggers.stats`.
    StatsAccessLogger,
    /// A module is given a boolean that an expression evaluates to, or that metadata has.
    Booleans,
    /// `ext_authz` knows `error_response` of a service that speaks gRPC.
    AuthorizationErrors,
    /// `ext_authz` passes on the headers with which a service that speaks HTTP refuses, and has its
    /// `status_on_error` where that does not answer.
    RefusalsOverHttp,
    /// `remote_address_match` among the actions of a rate limit.
    RemoteAddressMatch,
    /// RBAC matches each value of a repeated header alone.
    RepeatedHeaders,
    /// A regex is about bytes: `.` and what Istio's `*` becomes match one that is no UTF-8.
    RegexesOfBytes,
    /// `jwt_authn` takes headers that a claim is written to out of every request, also of a CORS preflight
    /// and of one that another of its rules accepts.
    NoForgedClaims,
}

/// The versions without a capability, and what they do in its place.
struct Row {
    /// The one that lacks it; none where all older ones do.
    from: Option<Version>,
    /// The first that has it again.
    until: Version,
    instead: &'static str,
}

impl Capability {
    /// Every one of them, in the order of the versions that brought them.
    pub const ALL: [Self; 9] = [
        Self::FormatsInSpans,
        Self::StatsAccessLogger,
        Self::Booleans,
        Self::AuthorizationErrors,
        Self::RefusalsOverHttp,
        Self::RemoteAddressMatch,
        Self::RepeatedHeaders,
        Self::RegexesOfBytes,
        Self::NoForgedClaims,
    ];

    /// Whether this version has it.
    pub fn is_in(self, version: &Version) -> bool {
        let Row { from, until, .. } = self.row();
        *version >= until || from.is_some_and(|from| *version < from)
    }

    /// The versions that lack it, as people say it: `before 1.38`.
    pub fn lacking(self) -> String {
        let Row { from, until, .. } = self.row();
        match from {
            None => format!("before {}", until.minor()),
            Some(from) => from.to_string(),
        }
    }

    /// What a version that lacks it does instead.
    pub fn instead(self) -> &'static str {
        self.row().instead
    }

    fn row(self) -> Row {
        let before = |minor, instead| Row {
            from: None,
            until: Version::new(1, minor, 0),
            instead,
        };
        match self {
            Self::FormatsInSpans => before(
                37,
                "`custom_tags[].value` is refused, so no span has a tag from filter state",
            ),
            Self::StatsAccessLogger => before(37, "there is no `envoy.access_loggers.stats`"),
            Self::Booleans => before(
                37,
                "a boolean of an expression or of metadata reaches no module",
            ),
            Self::AuthorizationErrors => before(
                37,
                "`ext_authz` takes an `error_response` for a refusal with 403",
            ),
            Self::RefusalsOverHttp => Row {
                from: Some(Version::new(1, 37, 0)),
                until: Version::new(1, 37, 1),
                instead: "`ext_authz` drops headers of a refusal over HTTP, and answers 403 for any error",
            },
            Self::RemoteAddressMatch => {
                before(38, "`remote_address_match` in a rate limit is refused")
            }
            Self::RepeatedHeaders => before(
                38,
                "RBAC takes the values of a repeated header joined by commas",
            ),
            Self::RegexesOfBytes => before(
                39,
                "a regex is about UTF-8, so `*` in RBAC matches no other bytes",
            ),
            Self::NoForgedClaims => before(
                40,
                "`jwt_authn` leaves a forged claim header in a preflight, and in what another rule accepts",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_lacks_what_came_later() {
        let lacking = |version: Version| {
            let all = Capability::ALL.into_iter();
            all.filter(|capability| !capability.is_in(&version))
                .collect::<Vec<_>>()
        };
        assert_eq!(lacking(Version::new(1, 40, 0)), []);
        let last = &Capability::ALL[Capability::ALL.len() - 2..];
        assert_eq!(lacking(Version::new(1, 39, 3)), last[1..]);
        assert_eq!(lacking(Version::new(1, 38, 2)), last);
        let later = &Capability::ALL[4..];
        assert_eq!(lacking(Version::new(1, 37, 0)), later);
        assert_eq!(lacking(Version::new(1, 37, 1)), later[1..]);
        let of_1_36 = lacking(Version::new(1, 36, 4));
        assert!(of_1_36.contains(&Capability::FormatsInSpans));
        // A fault of one version, not of those before.
        assert!(!of_1_36.contains(&Capability::RefusalsOverHttp));
        assert_eq!(of_1_36.len(), 8);
    }

    #[test]
    fn what_a_version_does_instead_is_said() {
        assert_eq!(Capability::RepeatedHeaders.lacking(), "before 1.38");
        assert_eq!(Capability::RefusalsOverHttp.lacking(), "1.37.0");
        for capability in Capability::ALL {
            let instead = capability.instead();
            assert!(!instead.is_empty() && !instead.ends_with('.'), "{instead}");
        }
    }
}
