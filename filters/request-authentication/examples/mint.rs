//! Makes the tokens and key sets that the cases hold:
//!
//! ```text
//! cargo run -p request-authentication --example mint -- token <key> <header> <payload>
//! cargo run -p request-authentication --example mint -- jwks <key>…
//! ```
//!
//! `<header>` and `<payload>` are JSON; the header's `alg` says how to sign. The keys are those of
//! `tests/mint/keys.json`, which are good for nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic is how a test fails"
)]

#[path = "../tests/mint/mod.rs"]
mod mint;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["token", key, header, payload] => {
            let json = |text: &str| serde_json::from_str(text).expect("JSON");
            println!("{}", mint::signed(key, &json(header), &json(payload)));
        }
        ["jwks", keys @ ..] => println!("{}", mint::jwks(keys)),
        _ => {
            eprintln!("usage: mint token <key> <header> <payload> | mint jwks <key>…");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
