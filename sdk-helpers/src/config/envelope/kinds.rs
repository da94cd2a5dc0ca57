//! Which kind of object belongs to which filter.

use super::super::names::nearest;

/// A kind that a filter takes.
struct Kind {
    kind: &'static str,
    /// Its `apiVersion`s, the one to write first. None at all for a kind of ours.
    versions: &'static [&'static str],
    filter: &'static str,
}

const KINDS: [Kind; 5] = [
    Kind {
        kind: "AuthorizationPolicy",
        versions: &["security.istio.io/v1", "security.istio.io/v1beta1"],
        filter: "authorization-policy",
    },
    Kind {
        kind: "RequestAuthentication",
        versions: &["security.istio.io/v1", "security.istio.io/v1beta1"],
        filter: "request-authentication",
    },
    Kind {
        kind: "VirtualService",
        versions: &[
            "networking.istio.io/v1",
            "networking.istio.io/v1beta1",
            "networking.istio.io/v1alpha3",
        ],
        filter: "fault-injection",
    },
    Kind {
        kind: "Telemetry",
        versions: &["telemetry.istio.io/v1", "telemetry.istio.io/v1alpha1"],
        filter: "telemetry-tags",
    },
    Kind {
        kind: "RateLimit",
        versions: &[],
        filter: "rate-limit",
    },
];

/// Where objects belong that no filter takes, though people who use one have them at hand.
const ELSEWHERE: [(&[&str], &str); 5] = [
    (
        &["EnvoyFilter"],
        "belongs to Istio, which reads it; where it loads this filter, what stands under its \
         `configuration` belongs here",
    ),
    (
        &["WasmPlugin"],
        "belongs to Istio, which reads it; where it loads this filter, what stands under its \
         `pluginConfig` belongs here",
    ),
    (
        &[
            "PeerAuthentication",
            "DestinationRule",
            "Gateway",
            "HTTPRoute",
            "ServiceEntry",
            "Sidecar",
            "Service",
        ],
        "belongs to the mesh; no filter takes it",
    ),
    (
        &["ConfigMap"],
        "belongs to whoever mounts it, such as Envoy's rate limit service; what it holds for a \
         filter belongs here without it",
    ),
    (
        &[
            "handler",
            "instance",
            "rule",
            "quota",
            "memquota",
            "redisquota",
            "QuotaSpec",
            "QuotaSpecBinding",
        ],
        "belongs to Mixer, which Istio no longer has; write a quota as `limits` of the filter \
         rate-limit",
    ),
];

/// The kinds that filters take.
pub(super) fn all() -> [&'static str; KINDS.len()] {
    KINDS.map(|known| known.kind)
}

/// Why an object of another kind is none for the filter that takes `wanted`.
pub(super) fn foreign(kind: &str, wanted: &str) -> String {
    let shown = kind.escape_debug();
    if let Some(other) = KINDS.iter().find(|other| other.kind == kind) {
        return format!("{} belongs to the filter {}", one(kind), other.filter);
    }
    if let Some(advice) = elsewhere(kind) {
        return advice;
    }
    match nearest(kind, &all()) {
        Some(meant) => format!("`{shown}` is no {wanted}; did you mean `{meant}`?"),
        None => format!("`{shown}` is no {wanted}, which is the kind this filter takes"),
    }
}

/// Why an object is none for any filter.
pub(super) fn of_no_filter(kind: &str) -> String {
    if let Some(advice) = elsewhere(kind) {
        return advice;
    }
    let shown = kind.escape_debug();
    match nearest(kind, &all()) {
        Some(meant) => format!("no filter takes `{shown}`; did you mean `{meant}`?"),
        None => format!("no filter takes `{shown}`, but for {}", all().join(", ")),
    }
}

fn elsewhere(kind: &str) -> Option<String> {
    let mut known = ELSEWHERE.iter();
    let (_, advice) = known.find(|(kinds, _)| kinds.contains(&kind))?;
    Some(format!("{} {advice}", one(kind)))
}

/// What is wrong with the `apiVersion` of an object of this kind, if anything, and the one to write.
pub(super) fn wrong_version(version: &str, kind: &str) -> Option<(String, &'static str)> {
    let known = KINDS.iter().find(|known| known.kind == kind)?;
    let first = known.versions.first()?;
    (!known.versions.contains(&version)).then(|| {
        let shown = version.escape_debug();
        let problem = format!(
            "`{shown}` is no `apiVersion` of {}; write `{first}`",
            one(kind)
        );
        (problem, *first)
    })
}

/// A kind as the only word that its objects have for it, and their `apiVersion`s; nothing of one
/// that no filter takes.
pub(in super::super) fn words(kind: &str) -> (&'static [&'static str], &'static [&'static str]) {
    let known = KINDS.iter().find(|known| known.kind == kind);
    known.map_or((&[], &[]), |known| {
        (std::slice::from_ref(&known.kind), known.versions)
    })
}

/// A kind with its article.
fn one(kind: &str) -> String {
    let article = match kind.starts_with(['A', 'E', 'I', 'O', 'a', 'e', 'i', 'o']) {
        true => "an ",
        false => "a ",
    };
    [article, kind].concat()
}
