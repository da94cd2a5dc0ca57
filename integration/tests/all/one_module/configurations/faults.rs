//! What goes wrong on purpose: always or never, since dice are each chain's own.

use fastrand::Rng;
use serde_json::{Value, json};

use super::Kind;
use crate::one_module::pick::{once_in, one};

pub(super) fn configuration(dice: &mut Rng, kind: Kind) -> Value {
    if kind == Kind::Native {
        let mut entry = json!({"name": "fault", "fault": fixed(dice)});
        if !once_in(dice, 4) {
            entry["match"] = json!([{"headers": {"x-fault": {"exact": "yes"}}}]);
        }
        return json!({"http": [entry]});
    }
    let count = 1 + dice.usize(..3);
    let entries: Vec<Value> = (0..count).map(|n| entry(dice, n)).collect();
    let mut config = json!({"http": entries});
    if once_in(dice, 4) {
        config["maxActiveFaults"] = json!(0);
    }
    config
}

fn fixed(dice: &mut Rng) -> Value {
    let share = |dice: &mut Rng| json!({"value": if once_in(dice, 4) { 0 } else { 100 }});
    let delay = json!({"percentage": share(dice), "fixedDelay": "3ms"});
    let abort = json!({"percentage": share(dice), "httpStatus": *one(dice, &[503, 418])});
    match dice.u8(..3) {
        0 => json!({"delay": delay}),
        1 => json!({"abort": abort}),
        _ => json!({"delay": delay, "abort": abort}),
    }
}

fn entry(dice: &mut Rng, n: usize) -> Value {
    let mut entry = json!({"name": format!("f{n}"), "match": matches(dice), "fault": fixed(dice)});
    let all = json!({"numerator": 100});
    if once_in(dice, 3) {
        entry["fault"] = json!({
            "delay": {"percentage": all, "headerDelay": {}},
            "abort": {"percentage": all, "headerAbort": {}},
        });
    }
    if once_in(dice, 5) {
        entry["shadow"] = json!(true);
    }
    if once_in(dice, 6) {
        entry["expires"] = json!(*one(
            dice,
            &["2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"]
        ));
    }
    if once_in(dice, 5) {
        entry["fault"] = json!({"abort": {"percentage": all, "grpcStatus": "UNAVAILABLE"}});
    }
    if once_in(dice, 8) {
        // It exempts what it matches.
        entry.as_object_mut().unwrap().remove("fault");
    }
    entry
}

fn matches(dice: &mut Rng) -> Value {
    one(
        dice,
        &[
            json!([{"headers": {"x-fault": {"exact": "yes"}}}]),
            json!([{"headers": {"x-sub": {"exact": "ann"}}}]),
            json!([{"headers": {"x-custom": {"exact": "edited"}}}]),
            json!([{"claims": {"plan": {"exact": "gold"}}, "uri": {"prefix": "/a"}}]),
            json!([{"withoutHeaders": {"authorization": {}}, "method": {"exact": "POST"}}]),
            json!([{"queryParams": {"token": {}}}]),
        ],
    )
    .clone()
}
