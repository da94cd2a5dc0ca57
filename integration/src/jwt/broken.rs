//! Tokens with one thing wrong, or one thing odd, each with its name.

mod confused;
mod shapes;
mod texts;

use serde_json::{Value, json};

use super::{Key, base64url, signatures};
use confused::confused;
use shapes::shapes;
use texts::texts;

/// One token.
#[derive(Debug, Clone)]
pub struct Broken {
    /// What is the matter with it.
    pub name: String,
    /// The token, all of it characters that a header can carry.
    pub token: String,
}

/// Claims with values of every kind in the places that mean something.
fn claims() -> Vec<(String, String)> {
    const NUMBERS: [&str; 18] = [
        "-1",
        "-0",
        "0",
        "0.0",
        "1",
        "1.5",
        "4102444800.9",
        "4102444800e0",
        "41024448e2",
        "1e18",
        "1e19",
        "1e30",
        "9007199254740993",
        "9223372036854775808",
        "18446744073709550516",
        "18446744073709551615",
        "18446744073709551616",
        "-1e-400",
    ];
    const KINDS: [&str; 9] = [
        "null",
        "true",
        "\"\"",
        "\"x\"",
        "\"4102444800\"",
        "[]",
        "{}",
        "[1]",
        "1",
    ];
    const AUDIENCES: [&str; 8] = [
        r#"["api"]"#,
        r#"["x", "api", "y"]"#,
        r#"["api", 1]"#,
        r#"["api", null]"#,
        r#"[["api"]]"#,
        r#"["API"]"#,
        r#"["https://api/"]"#,
        r#""http://api""#,
    ];
    let mut all = Vec::new();
    for name in ["exp", "nbf", "iat"] {
        let values = NUMBERS.iter().chain(&KINDS);
        all.extend(values.map(|value| (name.to_owned(), (*value).to_owned())));
    }
    for name in ["sub", "jti", "iss", "aud", "other"] {
        all.extend(KINDS.map(|value| (name.to_owned(), value.to_owned())));
    }
    all.extend(AUDIENCES.map(|value| ("aud".to_owned(), value.to_owned())));
    all
}

/// Headers with values of every kind in the places that mean something. `%` stands for the right
/// algorithm, `#` for the right `kid`.
const HEADERS: [&str; 45] = [
    r##"{"kid":"#"}"##,
    r##"{"alg":null,"kid":"#"}"##,
    r##"{"alg":1,"kid":"#"}"##,
    r##"{"alg":["%"],"kid":"#"}"##,
    r##"{"alg":"","kid":"#"}"##,
    r##"{"alg":"none","kid":"#"}"##,
    r##"{"alg":"None","kid":"#"}"##,
    r##"{"alg":"NONE","kid":"#"}"##,
    r##"{"alg":"nOnE","kid":"#"}"##,
    r##"{"alg":"% ","kid":"#"}"##,
    r##"{"alg":"rs256","kid":"#"}"##,
    r##"{"alg":"RS1","kid":"#"}"##,
    r##"{"alg":"RS256x","kid":"#"}"##,
    r##"{"alg":"ES256K","kid":"#"}"##,
    r##"{"alg":"Ed25519","kid":"#"}"##,
    r##"{"alg":"EDDSA","kid":"#"}"##,
    r##"{"alg":"HS256","kid":"#"}"##,
    r##"{"alg":"RS256","kid":"#"}"##,
    r##"{"alg":"RS384","kid":"#"}"##,
    r##"{"alg":"PS256","kid":"#"}"##,
    r##"{"alg":"ES256","kid":"#"}"##,
    r##"{"alg":"ES384","kid":"#"}"##,
    r##"{"alg":"ES512","kid":"#"}"##,
    r##"{"alg":"EdDSA","kid":"#"}"##,
    r##"{"alg":"%"}"##,
    r##"{"alg":"%","kid":""}"##,
    r##"{"alg":"%","kid":"unknown"}"##,
    r##"{"alg":"%","kid":"../../../../dev/null"}"##,
    r##"{"alg":"%","kid":null}"##,
    r##"{"alg":"%","kid":1}"##,
    r##"{"alg":"%","kid":["#"]}"##,
    r##"{"alg":"%","kid":"#","typ":"at+jwt"}"##,
    r##"{"alg":"%","kid":"#","typ":1}"##,
    r##"{"alg":"%","kid":"#","cty":"JWT"}"##,
    r##"{"alg":"%","kid":"#","b64":false}"##,
    r##"{"alg":"%","kid":"#","crit":[]}"##,
    r##"{"alg":"%","kid":"#","crit":["exp"],"exp":1}"##,
    r##"{"alg":"%","kid":"#","crit":["b64"],"b64":false}"##,
    r##"{"alg":"%","kid":"#","crit":["https://x.example/ext"],"https://x.example/ext":1}"##,
    r##"{"alg":"%","kid":"#","crit":"b64"}"##,
    r##"{"alg":"%","kid":"#","jku":"http://attacker.example/jwks.json"}"##,
    r##"{"alg":"%","kid":"#","x5u":"http://attacker.example/x.pem"}"##,
    r##"{"alg":"%","kid":"#","x5c":["MIIB"]}"##,
    r##"{"alg":"%","alg":"none","kid":"#"}"##,
    r##"{"alg":"none","alg":"%","kid":"#"}"##,
];

/// All of them, made from good claims; those whose signature is good were signed by this key.
pub fn all(key: &Key, claims_of_good: &Value) -> Vec<Broken> {
    let mut all = Vec::new();
    let mut add = |name: String, token: String| all.push(Broken { name, token });
    let (header, payload) = (key.header().to_string(), claims_of_good.to_string());
    let good = key.token(claims_of_good);
    for (name, token) in shapes(&good) {
        add(format!("shape: {name}"), token);
    }
    for (name, text) in texts(inside(&header)) {
        add(format!("header: {name}"), key.token_of(text, &payload));
    }
    for (name, text) in texts(inside(&payload)) {
        add(format!("payload: {name}"), key.token_of(&header, text));
    }
    for header in HEADERS {
        let text = header
            .replace('%', key.algorithm().name())
            .replace('#', key.kid());
        add(format!("header: {header}"), key.token_of(text, &payload));
    }
    for (name, value) in claims() {
        add(
            format!("claim: {name} is {value}"),
            key.token_of(&header, with(claims_of_good, &name, &value)),
        );
    }
    for name in ["iss", "sub", "aud", "exp"] {
        let mut claims = claims_of_good.clone();
        if let Some(fields) = claims.as_object_mut() {
            fields.remove(name);
        }
        add(format!("claim: no {name}"), key.token(&claims));
    }
    let (message, _) = good.rsplit_once('.').expect("three parts");
    for signature in signatures(key, message.as_bytes()) {
        let token = format!("{message}.{}", base64url(signature.bytes));
        add(format!("signature: {}", signature.name), token);
    }
    all.extend(attacks(key, claims_of_good));
    all
}

/// Those that need no key of the issuer's: none of them is to be taken, by anybody.
pub fn attacks(key: &Key, claims: &Value) -> Vec<Broken> {
    let broken = |(name, token): (&str, String)| Broken {
        name: format!("attack: {name}"),
        token,
    };
    let attacks = confused(key, &claims.to_string());
    attacks.into_iter().map(broken).collect()
}

/// What is between the braces of an object.
fn inside(object: &str) -> &str {
    &object[1..object.len() - 1]
}

/// The claims with one of them as this text.
fn with(claims: &Value, name: &str, value: &str) -> String {
    let mut claims = claims.clone();
    claims[name] = json!("%");
    let placeholder = format!("{}:\"%\"", Value::from(name));
    claims
        .to_string()
        .replace(&placeholder, &format!("{}:{value}", Value::from(name)))
}
