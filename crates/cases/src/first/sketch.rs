//! A request in the making.

use serde_json::{Map, Value, json};

/// One request with what another asks for beside; where both ask for something, it is the first's.
pub(super) fn over(one: &Map<String, Value>, base: &Map<String, Value>) -> Map<String, Value> {
    let mut both = base.clone();
    for (name, value) in one {
        let merged = match (value, both.get(name)) {
            (Value::Object(value), Some(Value::Object(base))) => over(value, base).into(),
            _ => value.clone(),
        };
        both.insert(name.clone(), merged);
    }
    both
}

/// What a case has beside its name and what it expects.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch {
    method: Option<String>,
    path: Option<String>,
    query: Vec<String>,
    authority: Option<String>,
    headers: Map<String, Value>,
    claims: Map<String, Value>,
    attributes: Map<String, Value>,
    dice: bool,
    before: u64,
}

impl Sketch {
    pub(super) fn method(&mut self, method: String) {
        self.method = Some(method);
    }

    pub(super) fn path(&mut self, path: String) {
        let root = if path.starts_with('/') { "" } else { "/" };
        self.path = Some([root, &path].concat());
    }

    pub(super) fn query(&mut self, name: &str, value: &str) {
        self.query.push(format!("{name}={value}"));
    }

    pub(super) fn authority(&mut self, authority: String) {
        self.authority = Some(authority);
    }

    pub(super) fn header(&mut self, name: &str, value: String) {
        self.headers.insert(name.to_lowercase(), value.into());
    }

    /// A claim by the names on the way to it.
    pub(super) fn claim(&mut self, path: &[&str], value: String) {
        let mut at = &mut self.claims;
        let Some((last, way)) = path.split_last() else {
            return;
        };
        for name in way {
            let inner = at.entry(*name).or_insert_with(|| json!({}));
            let Value::Object(inner) = inner else {
                return;
            };
            at = inner;
        }
        at.insert((*last).to_owned(), value.into());
    }

    pub(super) fn attribute(&mut self, path: &str, value: impl Into<Value>) {
        self.attributes.insert(path.to_owned(), value.into());
    }

    /// The peer of a mesh, by the end of its SPIFFE identity.
    pub(super) fn peer(&mut self, identity: &str) {
        let identity = identity.trim_start_matches("spiffe://");
        // What a pattern leaves of one that may begin anyhow.
        let domain = if identity.starts_with('/') {
            "cluster.local"
        } else {
            ""
        };
        let identity = [domain, identity].concat();
        self.attribute(
            "connection/uri_san_peer_certificate",
            format!("spiffe://{identity}"),
        );
        self.attribute("connection/mtls", 1);
    }

    /// The lowest rolls, which every percentage but none reaches.
    pub(super) fn lowest_rolls(&mut self) {
        self.dice = true;
    }

    /// The same request so often before it.
    pub(super) fn before(&mut self, times: u64) {
        self.before = times;
    }

    pub(super) fn into_case(self) -> Map<String, Value> {
        let mut request = Map::new();
        let mut path = self.path;
        if !self.query.is_empty() {
            let query = self.query.join("&");
            path = Some(format!("{}?{query}", path.as_deref().unwrap_or("/")));
        }
        let texts = [
            ("method", self.method),
            ("path", path),
            ("authority", self.authority),
        ];
        for (name, value) in texts {
            request.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        let mut case = Map::new();
        let put = |into: &mut Map<String, Value>, name: &str, map: Map<String, Value>| {
            if !map.is_empty() {
                into.insert(name.to_owned(), map.into());
            }
        };
        put(&mut request, "headers", self.headers);
        put(&mut case, "request", request);
        put(&mut case, "claims", self.claims);
        put(&mut case, "attributes", self.attributes);
        if self.dice {
            case.insert("dice".to_owned(), json!([0, 0]));
        }
        if self.before > 0 {
            case.insert("before".to_owned(), json!([{"times": self.before}]));
        }
        case
    }
}
