//! Answers, counted.

use proptest::prelude::*;

use super::*;

fn answer(name: &str, address: &str, called: &[Value]) -> Value {
    json!({"name": name, "version": "v1", "address": address, "requests": 1, "called": called})
}

fn add(tally: &mut Tally, status: u16, body: &Value) {
    tally.add(
        status,
        body.to_string().as_bytes(),
        Duration::from_millis(3),
    );
}

#[test]
fn what_is_the_same_is_counted_together() {
    let mut tally = Tally::default();
    let called = |name: &str, status: u16| {
        let inner = answer(name, "127.10.1.1", &[]);
        json!({"service": "reviews:9080", "status": status, "seconds": 0.1, "answer": inner})
    };
    let details = json!({"service": "details:9080", "status": 503, "seconds": 0.1, "text": "no healthy upstream\n"});
    for index in 0..10 {
        let name = if index < 7 {
            "reviews-v1"
        } else {
            "reviews-v2"
        };
        let calls = [details.clone(), called(name, 200)];
        add(
            &mut tally,
            200,
            &answer("productpage-v1", "127.10.1.0", &calls),
        );
    }
    tally.add(503, b"upstream connect error", Duration::from_secs(1));
    tally.add_failed("connecting to 127.10.1.0:15080: refused");
    let expected = "\
COUNT   SHARE  STATUS  ANSWERED BY
   10   83.3%     200  productpage-v1
   10   83.3%     503  └─ details:9080 → \"no healthy upstream\"
    7   58.3%     200  └─ reviews:9080 → reviews-v1
    3   25.0%     200  └─ reviews:9080 → reviews-v2 (v1)
    1    8.3%     503  \"upstream connect error\"
    1    8.3%       -  connecting to 127.10.1.0:15080: refused
";
    assert_eq!(tally.text(), expected);
    assert_eq!((tally.count(), tally.good()), (12, 10));
    let took = tally.took().unwrap();
    assert_eq!(took.median, Duration::from_millis(3));
    assert_eq!(took.longest, Duration::from_secs(1));
    let json = tally.json();
    assert_eq!(json[0]["count"], 10);
    assert_eq!(json[0]["called"][1]["name"], "reviews-v1");
    assert_eq!(
        json[2]["problem"],
        "connecting to 127.10.1.0:15080: refused"
    );
}

#[test]
fn one_request_needs_no_shares() {
    let mut tally = Tally::default();
    add(&mut tally, 200, &answer("a-v1", "127.10.1.0", &[]));
    assert_eq!(tally.text(), "   200  a-v1\n");
}

#[test]
fn replicas_are_told_apart_where_there_are_several() {
    let mut tally = Tally::default();
    for address in ["127.10.1.0", "127.10.1.1", "127.10.1.0"] {
        add(&mut tally, 200, &answer("a-v1", address, &[]));
    }
    let text = tally.text();
    assert!(
        text.contains("    2   66.6%     200  a-v1 at 127.10.1.0\n"),
        "{text}"
    );
    assert!(
        text.contains("    1   33.3%     200  a-v1 at 127.10.1.1\n"),
        "{text}"
    );
}

#[test]
fn what_is_made_up_stays_small() {
    let mut tally = Tally::default();
    for index in 0..1_000 {
        tally.add(200, index.to_string().as_bytes(), Duration::ZERO);
    }
    assert_eq!(tally.text().lines().count(), MOST + 2);
    assert!(tally.text().contains("others"));
    assert_eq!(tally.count(), 1_000);
    let mut deep = answer("a", "b", &[]);
    for _ in 0..60 {
        deep = answer("a", "b", &[json!({"service": "a", "answer": deep})]);
    }
    let mut tally = Tally::default();
    add(&mut tally, 200, &deep);
    let lines = tally.text().lines().count();
    assert!(lines <= DEPTH + 1, "{lines}");
    assert_eq!(Tally::default().took(), None);
}

proptest! {
    #[test]
    fn any_answer_is_counted_once(bodies in proptest::collection::vec("\\PC{0,40}", 1..20)) {
        let mut tally = Tally::default();
        for body in &bodies {
            tally.add(200, body.as_bytes(), Duration::ZERO);
        }
        prop_assert_eq!(tally.count(), bodies.len() as u64);
    }
}
