//! Values of any bytes over HTTP/2, where Envoy lets them through: both filters decide alike.

use fastrand::Rng;
use integration::client::{Answered, Fields, Frames};
use integration::envoy::{Capability, has, lacks_in_part};
use integration::shared::Shared;
use serde_json::{Value, json};

use crate::authorization_policy::rig::{Manager, native, ours};

const REQUESTS: usize = 1_500;

/// What a value may be compared with, wherever it stands.
fn rules() -> Vec<Value> {
    let operation = |fields: Value| json!({"to": [{"operation": fields}]});
    let header = |name: &str, values: Value| json!({"when": [{"key": format!("request.headers[{name}]"), "values": values}]});
    let no_token = json!([{"source": {"notRequestPrincipals": ["*"]}}]);
    vec![
        operation(json!({"paths": ["*"]})),
        operation(json!({"notPaths": ["*"]})),
        operation(json!({"paths": ["/a*", "*b"]})),
        operation(json!({"paths": ["/é*", "*é"]})),
        operation(json!({"paths": ["/{*}", "/{*}/b"]})),
        operation(json!({"notPaths": ["/{**}"]})),
        json!({"from": no_token, "to": [{"operation": {"paths": ["/orders*", "*"]}}]}),
        header("x-a", json!(["*"])),
        header("x-a", json!(["a*", "*b"])),
        header("x-a", json!(["é", "*é"])),
        header("cookie", json!(["*"])),
        header(":path", json!(["*"])),
        json!({"when": [{"key": "request.headers[x-a]", "notValues": ["a*", "*"]}]}),
    ]
}

/// Bytes that a header may hold, those that are no text among them.
fn bytes(random: &mut Rng) -> Vec<u8> {
    const LIKELY: &[&[u8]] = &[
        b"a",
        b"b",
        b"/",
        b"\xc3\xa9",
        b"\xc3",
        b"\xa9",
        b"\xff",
        b"\x80",
        b"\t",
        b"%ff",
    ];
    let mut value = Vec::new();
    for _ in 0..random.usize(..6) {
        match random.u8(..3) {
            0 => value.push(random.u8(0x21..)),
            _ => value.extend_from_slice(LIKELY[random.usize(..LIKELY.len())]),
        }
    }
    value.retain(|byte| *byte != 0x7f);
    value
}

#[test]
fn bytes_that_are_no_text_are_decided_alike() {
    let mut random = Rng::with_seed(0x5eed);
    let mut requests: Vec<(Vec<u8>, Vec<u8>)> = (0..REQUESTS)
        .map(|_| {
            let mut path = bytes(&mut random);
            path.insert(0, b'/');
            path.retain(|byte| *byte != b'\t' && *byte != b'#');
            (path, bytes(&mut random))
        })
        .chain([
            (b"/a/b\xff".to_vec(), vec![]),
            (b"/orders\xff".to_vec(), vec![]),
        ])
        .collect();
    // What ours make of the others is told by the cases, whatever the Envoy.
    if lacks_in_part(Capability::RegexesOfBytes) {
        requests.retain(|(path, value)| {
            let are_text = [path, value].map(|bytes| std::str::from_utf8(bytes).is_ok());
            are_text == [true, true]
        });
    }
    let fields: Vec<[(&str, &[u8]); 2]> = requests
        .iter()
        .map(|(_, value)| [("x-a", value.as_slice()), ("cookie", value)])
        .collect();
    let cases: Vec<Value> = rules()
        .into_iter()
        .flat_map(|rule| ["ALLOW", "DENY"].map(|action| (rule.clone(), action)))
        .map(|(rule, action)| {
            json!({"policies": [
                {"name": "p", "namespace": "ns", "action": action, "rules": [rule]},
            ]})
        })
        .collect();
    // Without normalization a path arrives as it was sent, and with it Envoy escapes what is no text.
    for normalization in ["NONE", "BASE"] {
        let manager = Manager::default().paths(normalization);
        let listeners = cases.iter().enumerate().flat_map(|(index, config)| {
            [
                native(&format!("native-{index}"), config, &manager)
                    .manager("access_log", json!([])),
                ours(&format!("ours-{index}"), config, &manager).manager("access_log", json!([])),
            ]
        });
        let envoy = Shared::start(listeners.collect::<Vec<_>>(), []);
        let mut refused = 0;
        for (index, config) in cases.iter().enumerate() {
            let sent = || {
                let pairs = requests.iter().zip(&fields);
                pairs.map(|((path, _), fields)| (path, &fields[..] as &Fields<'_>))
            };
            let [theirs, mine] = ["native", "ours"]
                .map(|side| Frames::connect(envoy.addr(&format!("{side}-{index}"))).get(sent()));
            for (((path, value), mine), theirs) in requests.iter().zip(&mine).zip(&theirs) {
                assert_eq!(
                    mine,
                    theirs,
                    "{normalization}: {config}\npath {} x-a {}",
                    path.escape_ascii(),
                    value.escape_ascii()
                );
                refused += usize::from(*mine == Answered::Otherwise);
            }
        }
        assert!(refused > requests.len(), "only {refused} were refused");
    }
}

/// What is no text is something: `*` is it. For RE2 over UTF-8, which Envoy's own RBAC had before 1.39, it
/// is not, and so it passed.
#[test]
fn a_byte_that_is_no_text_is_no_way_around_a_deny() {
    let config = json!({"policies": [{
        "name": "all", "namespace": "ns", "action": "DENY",
        "rules": [{"to": [{"operation": {"paths": ["*"]}}]}],
    }]});
    let manager = Manager::default().paths("NONE");
    let listeners = [
        native("native", &config, &manager),
        ours("ours", &config, &manager),
    ];
    let envoy = Shared::start(listeners, []);
    let [theirs, mine] = ["native", "ours"].map(|side| {
        let fields: &Fields<'_> = &[];
        let paths = [&b"/a"[..], b"/\xff"];
        Frames::connect(envoy.addr(side)).get(paths.map(|path| (path, fields)))
    });
    assert_eq!(mine, [Answered::Otherwise, Answered::Otherwise]);
    let native = match has(Capability::RegexesOfBytes) {
        true => Answered::Otherwise,
        false => Answered::Ok,
    };
    assert_eq!(theirs, [Answered::Otherwise, native]);
}
