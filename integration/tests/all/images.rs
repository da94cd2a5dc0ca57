//! Images as people build them, and what the verifier says of modules against a real Envoy.

mod dockerfile;
mod imports;
