//! Expressions that nobody thought of, of all that the filter evaluates by itself.

use sdk_helpers::At;
use telemetry_tags::expression::Expression;

/// So many expressions a listener; each is two tags, of which there may be 200.
const EXPRESSIONS: usize = 96;

/// Expressions that are evaluated here, and nothing but Envoy's when they are wrapped.
pub(super) fn expressions(seed: u64) -> Vec<String> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut found: Vec<String> = Vec::new();
    while found.len() < EXPRESSIONS {
        let leaves = &LEAVES[found.len() % LEAVES.len()];
        let depth = dice.u32(1..=4);
        let mut made = Made {
            dice: &mut dice,
            leaves,
        };
        let text = match found.len() % 5 {
            0 => made.text(depth),
            1 => made.int(depth),
            2 => made.mixed(depth),
            _ => made.bool(depth),
        };
        // A leaf alone is read as such, and one that is too much for a tree is Envoy's anyway.
        let is_whole = text.contains(' ') || text.contains('(');
        if is_whole && !found.contains(&text) && is_here(&text) {
            assert!(!is_here(&envoys(&text)), "{text}");
            found.push(text);
        }
    }
    found
}

/// The same expression, but Envoy's to evaluate.
pub(super) fn envoys(expression: &str) -> String {
    format!("[{expression}][0]")
}

fn is_here(expression: &str) -> bool {
    let parsed = Expression::parse(expression, &At::root());
    let (parsed, _) = parsed.unwrap_or_else(|problem| panic!("{expression}: {problem}"));
    parsed.is_evaluated_here()
}

pub(super) fn one<T: Copy>(dice: &mut fastrand::Rng, of: &[T]) -> T {
    of[dice.usize(..of.len())]
}

/// What an expression may read.
struct Leaves {
    texts: &'static [&'static str],
    ints: &'static [&'static str],
    bools: &'static [&'static str],
}

/// With the request, with the answer's headers, and at the end.
const LEAVES: [Leaves; 3] = [
    Leaves {
        texts: &[
            "request.path",
            "request.url_path",
            "request.query",
            "request.host",
            "request.scheme",
            "request.method",
            "request.referer",
            "request.useragent",
            "request.id",
            "request.headers['x-a']",
            "request.headers['x-b']",
            "request.headers['X-A']",
            "request.headers['x_a']",
            "request.headers['x.a']",
            "request.headers['x-many']",
            "request.headers['x-none']",
            "request.headers['cookie']",
            "request.headers[':path']",
            "request.headers[':METHOD']",
            "request.headers['host']",
            "request.headers['Host']",
            "request.headers[':authority']",
            "request.headers['user-agent']",
            "request.protocol",
            "source.address",
            "plugin_name",
            "xds.route_name",
            "xds.cluster_name",
            "connection.requested_server_name",
        ],
        ints: &["destination.port", "xds.listener_direction"],
        bools: &[
            "has(request.referer)",
            "has(request.path)",
            "has(request.url_path)",
            "has(request.query)",
            "has(request.id)",
            "has(request.headers.x_a)",
            "has(request.headers.host)",
            "has(xds.route_name)",
            "has(connection.tls_version)",
            "('x-a' in request.headers)",
            "('X-Many' in request.headers)",
            "(':path' in request.headers)",
            "('host' in request.headers)",
            "connection.mtls",
        ],
    },
    Leaves {
        texts: &[
            "response.headers['x-a']",
            "response.headers['x-b']",
            "response.headers['X-A']",
            "response.headers['x-many']",
            "response.headers['x-none']",
            "response.headers[':status']",
            "response.headers['content-type']",
            "response.headers[':authority']",
            "response.code_details",
            "upstream.address",
            "request.protocol",
        ],
        ints: &["response.code", "upstream.port"],
        bools: &[
            "has(response.headers.server)",
            "has(response.code)",
            "has(response.code_details)",
            "('x-a' in response.headers)",
            "('X-None' in response.headers)",
            "(':status' in response.headers)",
            "connection.mtls",
        ],
    },
    Leaves {
        texts: &[
            "request.headers['x-a']",
            "request.headers['x-many']",
            "request.url_path",
            "request.query",
            "request.path",
            "response.headers['x-a']",
            "response.headers['x-many']",
            "response.headers[':status']",
            "response.code_details",
        ],
        ints: &[
            "response.code",
            "response.flags",
            "response.size",
            "request.total_size",
            "response.grpc_status",
        ],
        bools: &[
            "has(request.url_path)",
            "has(request.referer)",
            "has(response.grpc_status)",
            "('x-a' in request.headers)",
            "('x-a' in response.headers)",
        ],
    },
];

struct Made<'a> {
    dice: &'a mut fastrand::Rng,
    leaves: &'static Leaves,
}

impl Made<'_> {
    fn leaf(&mut self, leaves: &[&str], literals: &[&str]) -> String {
        match self.dice.u8(..3) {
            0 => one(self.dice, literals).to_owned(),
            _ => one(self.dice, leaves).to_owned(),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        const LITERALS: [&str; 9] = [
            "''",
            "'a'",
            "'api'",
            "'/api'",
            "'GET'",
            "'caf\u{e9}'",
            "'\\xff'",
            "'12'",
            "\"it's\"",
        ];
        let Some(less) = depth.checked_sub(1) else {
            return self.leaf(self.leaves.texts, &LITERALS);
        };
        match self.dice.u8(..7) {
            0 | 1 => format!("({} + {})", self.text(less), self.text(less)),
            2 | 3 => {
                let is = self.bool(less);
                format!("({is} ? {} : {})", self.text(less), self.text(less))
            }
            4 => format!("string({})", self.mixed(less)),
            _ => self.leaf(self.leaves.texts, &LITERALS),
        }
    }

    fn int(&mut self, depth: u32) -> String {
        const LITERALS: [&str; 9] = [
            "0",
            "1",
            "-1",
            "7",
            "-3",
            "200",
            "0xff",
            "9223372036854775807",
            "-9223372036854775808",
        ];
        let Some(less) = depth.checked_sub(1) else {
            return self.leaf(self.leaves.ints, &LITERALS);
        };
        match self.dice.u8(..9) {
            0..=2 => {
                let operator = one(self.dice, &["+", "-", "*", "/", "%"]);
                format!("({} {operator} {})", self.int(less), self.int(less))
            }
            3 => format!("size({})", self.text(less)),
            4 => format!("{}.size()", self.text(less)),
            5 => format!("int({})", self.text(less)),
            6 => format!("-({})", self.int(less)),
            7 => {
                let is = self.bool(less);
                format!("({is} ? {} : {})", self.int(less), self.int(less))
            }
            _ => self.leaf(self.leaves.ints, &LITERALS),
        }
    }

    /// One kind or another.
    fn mixed(&mut self, depth: u32) -> String {
        let Some(less) = depth.checked_sub(1) else {
            return self.int(0);
        };
        match self.dice.u8(..4) {
            0 => self.text(less),
            1 => self.int(less),
            _ => {
                let is = self.bool(less);
                let (yes, no) = match self.dice.u8(..3) {
                    0 => (self.text(less), self.int(less)),
                    1 => (self.bool(less), self.mixed(less)),
                    _ => (self.int(less), self.text(less)),
                };
                format!("({is} ? {yes} : {no})")
            }
        }
    }

    fn bool(&mut self, depth: u32) -> String {
        let Some(less) = depth.checked_sub(1) else {
            return self.leaf(self.leaves.bools, &["true", "false"]);
        };
        match self.dice.u8(..14) {
            0 | 1 => {
                let operator = one(self.dice, &["==", "!=", "<", "<=", ">", ">="]);
                format!("({} {operator} {})", self.text(less), self.text(less))
            }
            2 => {
                let operator = one(self.dice, &["==", "!=", "<", "<=", ">", ">="]);
                format!("({} {operator} {})", self.int(less), self.int(less))
            }
            3 => {
                let operator = one(self.dice, &["==", "!="]);
                format!("({} {operator} {})", self.bool(less), self.bool(less))
            }
            4 => format!("{}.startsWith({})", self.text(less), self.text(less)),
            5 => format!("{}.endsWith({})", self.text(less), self.text(less)),
            6 => {
                let part = one(self.dice, &["''", "'a'", "'/'", "'\\xff'", "'caf\u{e9}'"]);
                format!("{}.contains({part})", self.text(less))
            }
            7 => format!("({} in [{}, 'a'])", self.text(less), self.text(less)),
            8 => {
                let list = [self.int(less), self.text(less), "200".to_owned()];
                format!("({} in [{}])", self.int(less), list.join(", "))
            }
            9 | 10 => format!("({} && {})", self.bool(less), self.bool(less)),
            11 => format!("({} || {})", self.bool(less), self.bool(less)),
            12 => format!("!{}", self.bool(less)),
            _ => self.leaf(self.leaves.bools, &["true", "false"]),
        }
    }
}
