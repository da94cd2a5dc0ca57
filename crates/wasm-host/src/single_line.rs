//! Headers that Envoy keeps on one line: a further value joins the first behind a comma.
//!
//! Measured on Envoy 1.40. It matters to whoever looks for a second `authorization`: there is never
//! one, only a longer first. Names that are on neither list keep their values apart.

const BOTH: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cache-control",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-envoy-attempt-count",
    "x-request-id",
];

const REQUEST: &[&str] = &[
    ":authority",
    ":method",
    ":path",
    ":protocol",
    ":scheme",
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "pragma",
    "proxy-connection",
    "referer",
    "te",
    "user-agent",
    "x-client-trace-id",
    "x-envoy-downstream-service-cluster",
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-envoy-original-path",
    "x-envoy-retry-on",
    "x-envoy-upstream-rq-timeout-ms",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
];

const RESPONSE: &[&str] = &[
    ":status",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "age",
    "date",
    "etag",
    "expires",
    "grpc-message",
    "grpc-status",
    "last-modified",
    "location",
    "proxy-status",
    "server",
    "vary",
    "x-envoy-decorator-operation",
    "x-envoy-degraded",
    "x-envoy-immediate-health-check-fail",
    "x-envoy-ratelimited",
    "x-envoy-upstream-canary",
    "x-envoy-upstream-service-time",
];

/// Whose headers a map holds, which decides what it keeps on one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Nobody's: trailers, answers, what a test has written down.
    #[default]
    Nobody,
    Request,
    Response,
}

impl Owner {
    pub(crate) fn joins(self, name: &[u8]) -> bool {
        let own = match self {
            Self::Nobody => return false,
            Self::Request => REQUEST,
            Self::Response => RESPONSE,
        };
        let mut names = BOTH.iter().chain(own);
        names.any(|single| single.as_bytes() == name)
    }
}
