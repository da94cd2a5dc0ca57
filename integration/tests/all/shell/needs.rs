//! What a filter decides beyond its needs is refused, by the name of what is missing; it never hangs.

use wasm_host::{Host, Level, State, World};

use crate::shell::in_wasm::{MS, get, load, well};

fn errors(host: &Host) -> Vec<String> {
    let log = host.log().into_iter();
    log.filter(|(level, _)| *level == Level::Error)
        .map(|(_, line)| line)
        .collect()
}

#[test]
fn a_decision_without_its_callbacks_fails_closed_at_once() {
    for (path, capability) in [
        ("/delay", "delays"),
        ("/wait", "waits"),
        ("/http", "http_calls"),
        ("/grpc", "grpc_calls"),
        ("/response", "response_edits"),
    ] {
        let host = load("beyond", &World::new(), b"");
        let stream = get(&host, path);
        let reply = stream.reply().unwrap_or_else(|| panic!("{path}"));
        assert_eq!(reply.status, 500, "{path}");
        assert_eq!(
            errors(&host),
            [format!(
                "beyond: decided what it has no callbacks for; set `{capability}: true` in the \
                 filter's NEEDS"
            )]
        );
        assert!(host.calls().is_empty());
        // Others are none the worse for it.
        assert_eq!(get(&host, "/").state(), State::Continued);
        well(&host);
    }
}

#[test]
fn a_timer_without_its_callback_is_not_set() {
    let host = load("beyond", &World::new(), br#"{ "background": true }"#);
    assert_eq!(
        errors(&host),
        [
            "beyond: in the background decided what it has no callbacks for; set `background: true` in \
          the filter's NEEDS"
        ]
    );
    host.advance(2 * MS);
    assert_eq!(get(&host, "/").state(), State::Continued);
    well(&host);
}
