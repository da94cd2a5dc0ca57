//! What the demo tries, and what it expects of each: the whole script, as data.

use std::time::Duration;

use super::sample::Sample;

/// A file of `envoy-configs/` and what is tried with it.
pub(super) struct Scene {
    pub(super) title: &'static str,
    pub(super) file: &'static str,
    /// Whose reasons and counters are shown.
    pub(super) filter: &'static str,
    pub(super) steps: &'static [Step],
}

/// One request.
pub(super) struct Step {
    pub(super) what: &'static str,
    pub(super) path: &'static str,
    /// `$NAME` in its value is what the comment of the file calls so.
    pub(super) header: Option<(&'static str, &'static str)>,
    pub(super) expect: Expect,
}

/// What has to come of it.
pub(super) struct Expect {
    pub(super) status: u16,
    pub(super) at_least: Duration,
    pub(super) reasons: &'static [&'static str],
    pub(super) reaches_upstream: bool,
}

/// Tokens, and what their claims allow.
pub(super) const TOKENS: Scene = Scene {
    title: "Who may what: tokens are verified, and policies decide by their claims",
    file: "envoy-configs/local/authorization-policy-claims.yaml",
    filter: "authorization-policy",
    steps: &[
        Step {
            what: "what is open to everybody",
            path: "/health",
            header: None,
            expect: passes(0, &["allow:shop/health.rules[0]"]),
        },
        Step {
            what: "no token: the closest rule, and its first condition that failed",
            path: "/orders",
            header: None,
            expect: refused(
                403,
                &["no_allow:shop/orders.rules[0].from[0].source.requestPrincipals"],
            ),
        },
        Step {
            what: "a good token with the claim that a rule asks for",
            path: "/orders/7",
            header: Some(("authorization", "Bearer $TOKEN")),
            expect: passes(0, &["allow:shop/orders.rules[0]"]),
        },
        Step {
            what: "a service, by the issuer and the subject of its token",
            path: "/orders/8",
            header: Some(("x-service-token", "$SERVICE")),
            expect: passes(0, &["allow:shop/orders.rules[1]"]),
        },
        Step {
            what: "a forged one",
            path: "/orders/9",
            header: Some(("authorization", "Bearer $TOKEN.")),
            expect: refused(401, &["malformed"]),
        },
    ],
};

/// What a reason is when there was nothing to give one for.
const NO_FAULT: &str = "-";

/// Faults.
pub(super) const FAULTS: Scene = Scene {
    title: "What if something fails: delays and errors on purpose",
    file: "envoy-configs/local/fault-injection.yaml",
    filter: "fault-injection",
    steps: STEPS,
};

const STEPS: &[Step] = &[
    Step {
        what: "a plain request (one in ten of these waits 5 s)",
        path: "/",
        header: None,
        expect: passes(0, &[NO_FAULT, "delay:reviews-fault"]),
    },
    Step {
        what: "jason asks for ratings, which a rule aborts for him",
        path: "/ratings",
        header: Some(("end-user", "jason")),
        expect: refused(503, &["abort:ratings-abort"]),
    },
    Step {
        what: "jason asks for reviews, which a rule delays by 500 ms",
        path: "/reviews",
        header: Some(("end-user", "jason")),
        expect: passes(500, &["delay:reviews-delay"]),
    },
    Step {
        what: "a request that asks for an error itself",
        path: "/try",
        header: Some(("x-envoy-fault-abort-request", "418")),
        expect: refused(418, &["abort:try"]),
    },
    Step {
        what: "a request that asks for a delay itself, in milliseconds",
        path: "/try",
        header: Some(("x-envoy-fault-delay-request", "300")),
        expect: passes(300, &["delay:try"]),
    },
    Step {
        what: "a rule in shadow: what it would do is logged and counted, and not done",
        path: "/orders/7/items",
        header: None,
        expect: passes(0, &["shadow_abort:orders-shadow"]),
    },
];

/// Beside them.
pub(super) const SAMPLE: Sample = Sample {
    path: "/productpage",
    count: 100,
    delay: Duration::from_secs(5),
    reason: "delay:reviews-fault",
    asked: "10 %",
    // Chance goes beyond these once in 30,000 runs.
    plausible: 1..=27,
};

const fn passes(at_least_ms: u64, reasons: &'static [&'static str]) -> Expect {
    Expect {
        status: 200,
        at_least: Duration::from_millis(at_least_ms),
        reasons,
        reaches_upstream: true,
    }
}

const fn refused(status: u16, reasons: &'static [&'static str]) -> Expect {
    Expect {
        status,
        at_least: Duration::ZERO,
        reasons,
        reaches_upstream: false,
    }
}
