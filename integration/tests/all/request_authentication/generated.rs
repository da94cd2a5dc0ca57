//! Requests nobody would think of, out of a seed.

use fastrand::Rng;
use integration::client::Request;
use integration::jwt::{Algorithm, Key, base64url, decode_base64url};
use serde_json::{Value, json};

use crate::request_authentication::differential::now;
use crate::request_authentication::rules::{A, B, C, Place, Setup, key};
use crate::request_authentication::visible::FORGED;

/// Makes requests for one set of rules.
pub(crate) struct Generator<'a> {
    dice: Rng,
    setup: &'a Setup,
}

impl<'a> Generator<'a> {
    pub(crate) fn new(seed: u64, setup: &'a Setup) -> Self {
        Self {
            dice: Rng::with_seed(seed),
            setup,
        }
    }

    /// The next one.
    pub(crate) fn request(&mut self) -> Request {
        let mut params = vec![
            ("a".to_owned(), "1".to_owned()),
            ("z".to_owned(), String::new()),
        ];
        let mut cookies = vec!["theme=dark".to_owned()];
        let mut headers: Vec<(String, String)> = Vec::new();
        for _ in 0..self.several() {
            let token = self.token();
            match *self.pick(&self.setup.places.clone()) {
                // Several of these reach the filters as one, which a test of its own is about.
                Place::Header("authorization", _)
                    if headers.iter().any(|(name, _)| name == "authorization") => {}
                Place::Header(name, prefix) => {
                    headers.push((name.to_owned(), self.prefixed(prefix, &token)));
                }
                Place::Param(name) => params.push((name.to_owned(), token)),
                Place::Cookie(name) => cookies.push(match self.dice.bool() {
                    true => format!("{name}={token}"),
                    false => format!("{name}=\"{token}\""),
                }),
            }
        }
        // Envoy writes the parameters it leaves in this order.
        params.sort();
        params.dedup_by(|a, b| a.0 == b.0);
        let pairs: Vec<String> = params
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let path = match self.dice.u8(..4) {
            0 if pairs.len() == 2 => "/".to_owned(),
            _ => format!("/path?{}", pairs.join("&")),
        };
        let mut request = self.kind(&path);
        for (name, value) in headers {
            request = request.header(&name, value);
        }
        if cookies.len() > 1 || self.dice.bool() {
            request = request.header("cookie", cookies.join("; "));
        }
        self.forged(request)
    }

    /// Mostly one token, sometimes none or more.
    fn several(&mut self) -> usize {
        *self.pick(&[0, 1, 1, 1, 1, 1, 2, 2, 3])
    }

    /// What the request is apart from its tokens.
    fn kind(&mut self, path: &str) -> Request {
        match self.dice.u8(..12) {
            0 => Request::post(path, "body"),
            1 => Request::grpc(path, b"ping"),
            2 => Request::new("HEAD", path),
            3 => Request::new("OPTIONS", path)
                .header("origin", "https://app.example")
                .header("access-control-request-method", "POST"),
            4 => Request::new("OPTIONS", path).header("origin", "https://app.example"),
            5 => Request::new("OPTIONS", path)
                .header("origin", "")
                .header("access-control-request-method", "POST"),
            6 => Request::get(path).header("x-envoy-original-path", "/original?of=it"),
            _ => Request::get(path),
        }
    }

    /// Headers that only the filter should write.
    fn forged(&mut self, mut request: Request) -> Request {
        let names = [
            "x-payload",
            "x-sub",
            "x-groups",
            "x-a",
            "x-b",
            "x-first",
            "x-third",
            "X-Roles",
        ];
        if self.dice.u8(..4) == 0 {
            let name = *self.pick(&names);
            for _ in 0..=self.dice.u8(..2) {
                request = request.header(name, FORGED);
            }
        }
        request
    }

    fn prefixed(&mut self, prefix: &str, token: &str) -> String {
        match self.dice.u8(..16) {
            0 => format!("{}{token}", prefix.to_lowercase()),
            1 => token.to_owned(),
            // Without a prefix all of it is the token, and Envoy reads over blanks in one.
            2 if !prefix.is_empty() => format!("Foo {prefix}{token}"),
            3 if !prefix.is_empty() => format!("{prefix}   {token}"),
            4 => format!("{prefix}!{token}"),
            5 => prefix.to_owned(),
            6 => format!("{prefix}{token},"),
            7 => format!("{prefix}{token};more"),
            8 => "Basic dXNlcjpwYXNz".to_owned(),
            _ => format!("{prefix}{token}"),
        }
    }

    fn token(&mut self) -> String {
        // Mostly one that somebody trusts.
        let issuers = match self.dice.u8(..8) {
            0 => vec![A, B, C],
            _ => self.setup.issuers(),
        };
        let issuer = issuers[self.dice.usize(..issuers.len())];
        let algorithm = *self.pick(&Algorithm::ALL);
        let mut signer = key(issuer, algorithm);
        let mut claims = self.claims(issuer);
        match self.dice.u8(..20) {
            0 => claims["exp"] = json!(now() - 1_000),
            1 => claims["nbf"] = json!(now() + 1_000),
            2 => claims["aud"] = json!("somebody else"),
            3 => claims["iss"] = json!("nobody"),
            4 => signer = Key::new(algorithm, "unknown"),
            5 => {
                // The right name, and not the key.
                let theirs = Key::new(algorithm, "attacker");
                return theirs.token_of(signer.header().to_string(), claims.to_string());
            }
            6 => {
                let token = signer.token(&claims);
                let (message, signature) = token.rsplit_once('.').unwrap();
                let mut signature = decode_base64url(signature);
                signature.truncate(self.dice.usize(..signature.len()));
                return format!("{message}.{}", base64url(signature));
            }
            7 => {
                let header = json!({"alg": algorithm.name()});
                return signer.token_of(header.to_string(), claims.to_string());
            }
            8 => return format!("{}*", signer.token(&claims)),
            9 => return (*self.pick(&["", "x", "a.b.c", "e30.e30.e30"])).to_owned(),
            _ => {}
        }
        signer.token(&claims)
    }

    fn claims(&mut self, issuer: &str) -> Value {
        let mut claims = json!({"iss": issuer, "sub": "jason"});
        claims["aud"] = self
            .pick(&[
                json!("api"),
                json!("api"),
                json!(["x", "api"]),
                json!("other.example"),
                json!("http://other.example/"),
                json!([]),
            ])
            .clone();
        if self.dice.bool() {
            claims["exp"] = json!(4_102_444_800_u64);
        }
        for (name, values) in [
            (
                "groups",
                vec![
                    json!(["a", "b"]),
                    json!([]),
                    json!("one"),
                    json!([1, 2.5, null, true]),
                    json!({"k": ["v"]}),
                ],
            ),
            (
                "nested",
                vec![
                    json!({"a": {"b": "deep"}}),
                    json!({"a": 1}),
                    json!({"a": {"b": {"c": 1}}}),
                    json!([]),
                ],
            ),
            (
                "some",
                vec![
                    json!("text"),
                    json!(""),
                    json!(" blanks "),
                    json!("über"),
                    json!("\u{1f600}"),
                    json!("a,b"),
                    json!(true),
                    json!(false),
                    json!(null),
                    json!(0),
                    json!(7),
                    json!(-1),
                    json!(1.5),
                    json!(1e15),
                    json!(9_007_199_254_740_992_u64),
                    json!(-0.25),
                    json!(0.1),
                    json!(1e-7),
                ],
            ),
            (
                "roles",
                vec![json!("a b c"), json!(""), json!("  "), json!(["a b"])],
            ),
            ("scope", vec![json!("read write"), json!("read")]),
        ] {
            if self.dice.u8(..3) > 0 {
                claims[name] = self.pick(&values).clone();
            }
        }
        claims
    }

    fn pick<'b, T>(&mut self, from: &'b [T]) -> &'b T {
        &from[self.dice.usize(..from.len())]
    }
}
