//! What the demo tries, and what it expects of each: the whole script, as data.

use std::time::Duration;

use super::sample::Sample;

/// A file of `envoy-configs/` and what is tried with it.
pub(super) struct Scene {
    pub(super) title: &'static str,
    pub(super) file: &'static str,
    /// Whose reasons and counters are shown, by the name that the file's access log has for each.
    pub(super) filters: &'static [(&'static str, &'static str)],
    pub(super) steps: &'static [Step],
}

/// One request.
pub(super) struct Step {
    pub(super) what: &'static str,
    pub(super) path: &'static str,
    /// `$NAME` in a value is what the comment of the file calls so.
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) expect: Expect,
}

/// What has to come of it.
pub(super) struct Expect {
    pub(super) status: u16,
    pub(super) at_least: Duration,
    /// One of these: the reasons of all filters that gave one, each by its name in the access log where
    /// there are several filters.
    pub(super) reasons: &'static [&'static str],
    pub(super) reaches_upstream: bool,
}

/// All five filters, in one module.
pub(super) const ALL: Scene = Scene {
    title: "One module, all five filters: what each said of one request after another",
    file: "envoy-configs/local/mesh-filters.yaml",
    filters: &[
        ("token", "request-authentication"),
        ("policy", "authorization-policy"),
        ("limit", "rate-limit"),
        ("fault", "fault-injection"),
    ],
    steps: &[
        Step {
            what: "what is open to everybody",
            path: "/health",
            headers: &[],
            expect: passes(
                0,
                &["token=anonymous  policy=allow:shop/health.rules[0]  class=good"],
            ),
        },
        Step {
            what: "no token: the closest rule, and its first condition that failed",
            path: "/orders",
            headers: &[],
            expect: refused(
                403,
                &["token=anonymous  \
                   policy=no_allow:shop/orders.rules[0].from[0].source.requestPrincipals  class=bad"],
            ),
        },
        Step {
            what: "a forged token, of which nobody behind is asked",
            path: "/orders/0",
            headers: &[("authorization", "Bearer $TOKEN.")],
            expect: refused(401, &["token=malformed  class=bad"]),
        },
        Step {
            what: "a good one, with the claim that the rule asks for; the limit counts by its user",
            path: "/orders/1",
            headers: &[("authorization", "Bearer $TOKEN")],
            expect: passes(0, &[PASSED]),
        },
        Step {
            what: "the same user asks for an error",
            path: "/orders/2",
            headers: &[("authorization", "Bearer $TOKEN"), ("x-chaos", "abort")],
            expect: refused(
                503,
                &["token=verified:demo  policy=allow:shop/orders.rules[0]  \
                   fault=abort:chaos  user=testing@secure.istio.io  class=bad"],
            ),
        },
        Step {
            what: "and for half a second of delay",
            path: "/orders/3",
            headers: &[("authorization", "Bearer $TOKEN"), ("x-chaos", "delay")],
            expect: passes(
                500,
                &["token=verified:demo  policy=allow:shop/orders.rules[0]  \
                   fault=delay:slow  user=testing@secure.istio.io  class=good"],
            ),
        },
        Step {
            what: "three a minute for a user: the fourth is refused",
            path: "/orders/4",
            headers: &[("authorization", "Bearer $TOKEN")],
            expect: refused(
                429,
                &[
                    "token=verified:demo  policy=allow:shop/orders.rules[0]  limit=limited:per-user  \
                   user=testing@secure.istio.io  class=bad",
                ],
            ),
        },
        Step {
            what: "DENY comes before ALLOW and before any limit",
            path: "/admin",
            headers: &[("authorization", "Bearer $TOKEN")],
            expect: refused(
                403,
                &["token=verified:demo  policy=deny:shop/no-admin.rules[0]  \
                   user=testing@secure.istio.io  class=bad"],
            ),
        },
    ],
};

const PASSED: &str = "token=verified:demo  policy=allow:shop/orders.rules[0]  \
                      user=testing@secure.istio.io  class=good";

/// What a reason is when there was nothing to give one for.
pub(super) const NOTHING: &str = "-";

/// Faults.
pub(super) const FAULTS: Scene = Scene {
    title: "What if something fails: delays and errors on purpose",
    file: "envoy-configs/local/fault-injection.yaml",
    filters: &[("reason", "fault-injection")],
    steps: STEPS,
};

const STEPS: &[Step] = &[
    Step {
        what: "a plain request (one in ten of these waits 5 s)",
        path: "/",
        headers: &[],
        expect: passes(0, &[NOTHING, "delay:reviews-fault"]),
    },
    Step {
        what: "jason asks for ratings, which a rule aborts for him",
        path: "/ratings",
        headers: &[("end-user", "jason")],
        expect: refused(503, &["abort:ratings-abort"]),
    },
    Step {
        what: "jason asks for reviews, which a rule delays by 500 ms",
        path: "/reviews",
        headers: &[("end-user", "jason")],
        expect: passes(500, &["delay:reviews-delay"]),
    },
    Step {
        what: "a request that asks for an error itself",
        path: "/try",
        headers: &[("x-envoy-fault-abort-request", "418")],
        expect: refused(418, &["abort:try"]),
    },
    Step {
        what: "a request that asks for a delay itself, in milliseconds",
        path: "/try",
        headers: &[("x-envoy-fault-delay-request", "300")],
        expect: passes(300, &["delay:try"]),
    },
    Step {
        what: "a rule in shadow: what it would do is logged and counted, and not done",
        path: "/orders/7/items",
        headers: &[],
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
