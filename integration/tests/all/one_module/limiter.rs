//! The rate limit service that some limits ask: who calls itself `two` is over.

use integration::upstream::{Answer, Recorded};
use sdk_helpers::protobuf::Message;
use serde_json::{Value, json};

use crate::rate_limit::limiter;

/// Its cluster.
pub(crate) const CLUSTER: &str = "limiter";
const KEY: &str = "x-key";

/// What it answers.
pub(crate) fn answer(request: &Recorded) -> Answer {
    let (_, descriptors, _) = limiter::read(&request.messages()[0]);
    let over = descriptors.iter().any(|entries| entries[KEY] == "two");
    let header = |name: &str, value: &str| Message::new().bytes(1, name).bytes(3, value);
    let message = Message::new()
        .number(1, if over { 2 } else { 1 })
        .message(3, &header("x-from-limiter", "1"))
        .message(4, &header("x-custom", "counted"));
    Answer::grpc(&message.into_bytes())
}

/// What a configuration says of it.
pub(crate) fn global() -> Value {
    json!({"domain": "d", "cluster": CLUSTER, "timeout": "10s", "failureMode": "deny"})
}

/// A limit that it counts.
pub(crate) fn limit(name: &str) -> Value {
    json!({"name": name, "key": [{"header": KEY}], "onMissingKey": "skip", "global": true})
}
