//! Many VMs and one issuer, by a clock of the test's own.

mod withdrawal;

use super::*;
use crate::config::url::Url;
use crate::config::{Origin, Remote};
use crate::policy::KeyLookup;
use proptest::prelude::*;
use sdk_helpers::Headers;
use sdk_helpers::world::fake::FakeWorld;

/// Two secrets with their names: nothing here is verified.
fn set(kids: &[&str]) -> Vec<u8> {
    let keys: Vec<String> = kids
        .iter()
        .map(|kid| format!(r#"{{"kty":"oct","kid":"{kid}","k":"{}"}}"#, "A".repeat(43)))
        .collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(",")).into_bytes()
}

fn remote() -> Remote {
    Remote {
        origin: Origin::Jwks(Url::read("https://issuer.example/jwks").unwrap()),
        cluster: None,
        timeout: Duration::from_secs(5),
        interval: Duration::from_secs(300),
        max_stale: Duration::from_secs(3600),
        fallback: None,
    }
}

fn http(status: &str, body: Vec<u8>) -> CallResult {
    CallResult::Http {
        headers: Headers::from_pairs([(":status", status)]),
        body,
    }
}

/// A proxy: VMs that share cells, and calls that are out.
struct Proxy {
    world: FakeWorld,
    sets: Vec<RemoteJwks>,
    due: Vec<Timestamp>,
    calls: Vec<(usize, Timestamp)>,
    /// What the issuer says, and how long it takes.
    says: CallResult,
    takes: Duration,
    fetches: usize,
    /// All that was said in the log.
    lines: Vec<String>,
}

impl Proxy {
    fn new(vms: usize, remote: impl Fn() -> Remote) -> Self {
        let world = FakeWorld::new();
        world.set_now(Timestamp::from_secs(1_000_000));
        let due = vec![world.now(); vms];
        Proxy {
            sets: (0..vms).map(|_| RemoteJwks::new(remote())).collect(),
            world,
            due,
            calls: vec![],
            says: http("200", set(&["one"])),
            takes: Duration::from_millis(30),
            fetches: 0,
            lines: vec![],
        }
    }

    fn sent(&mut self, vm: usize, result: FetchResult) {
        self.lines.extend(result.lines);
        if result.call.is_some() {
            self.fetches += 1;
            self.calls
                .push((vm, self.world.now().saturating_add(self.takes)));
        }
        self.due[vm] = self
            .world
            .now()
            .saturating_add(self.sets[vm].again(self.world.now()));
    }

    /// Lets time pass, every timer and answer at its time.
    fn run(&mut self, time: Duration) {
        let end = self.world.now().saturating_add(time);
        loop {
            let timer = self.due.iter().min().copied().unwrap();
            let answer = self.calls.iter().map(|(_, at)| *at).min();
            let next = answer.map_or(timer, |at| at.min(timer));
            if next > end {
                break;
            }
            self.world.set_now(next.max(self.world.now()));
            if answer == Some(next) {
                let place = self.calls.iter().position(|(_, at)| *at == next).unwrap();
                let (vm, _) = self.calls.remove(place);
                let says = self.says.clone();
                let result = self.sets[vm].answered(&says, &self.world);
                self.sent(vm, result);
            } else {
                let vm = self.due.iter().position(|at| *at == timer).unwrap();
                let result = self.sets[vm].poll(&self.world);
                self.sent(vm, result);
            }
        }
        self.world.set_now(end);
    }

    /// A request with a token of this `kid`, which waits if it has to; as the shell does, the
    /// background work is done at once then. How it fared, and how long it took.
    fn ask(&mut self, vm: usize, kid: &str) -> (bool, Duration) {
        let begin = self.world.now();
        let deadline = begin.saturating_add(self.sets[vm].longest_wait());
        let mut waited = false;
        loop {
            let now = self.world.now();
            let wait_deadline = (now < deadline).then_some(deadline);
            match self.sets[vm].find(Some(kid), wait_deadline, waited, now, &self.world) {
                KeyLookup::Keys(set, _) => {
                    return (set.knows(Some(kid)), now.saturating_since(begin));
                }
                KeyLookup::None => return (false, now.saturating_since(begin)),
                KeyLookup::Wait => {
                    if !waited {
                        self.due[vm] = now;
                    }
                    waited = true;
                    self.run(Duration::from_millis(10));
                }
            }
        }
    }
}

const INTERVAL: Duration = Duration::from_secs(300);

#[test]
fn one_fetch_an_interval_whatever_the_number_of_vms() {
    for vms in [1, 2, 17] {
        let mut proxy = Proxy::new(vms, remote);
        proxy.run(Duration::from_secs(2));
        assert_eq!(proxy.fetches, 1);
        for vm in 0..vms {
            assert!(proxy.sets[vm].current(proxy.world.now()).is_some());
        }
        proxy.run(INTERVAL * 10);
        assert!((11..=12).contains(&proxy.fetches), "{}", proxy.fetches);
    }
}

#[test]
fn the_first_requests_wait_for_the_first_keys() {
    let mut proxy = Proxy::new(3, remote);
    for vm in 0..3 {
        let (known, took) = proxy.ask(vm, "one");
        assert!(known && took < Duration::from_millis(100), "{took:?}");
    }
    assert_eq!(proxy.fetches, 1);
}

/// What one request of a VM reads from shared data, the others that wait there are woken for.
#[test]
fn who_waits_is_told_what_another_request_saw_first() {
    let proxy = Proxy::new(2, remote);
    let [mut here, mut there] = <[RemoteJwks; 2]>::try_from(proxy.sets).unwrap();
    let (world, now) = (&proxy.world, proxy.world.now());
    let deadline = Some(now.saturating_add(here.longest_wait()));
    assert!(matches!(
        here.find(Some("one"), deadline, false, now, world),
        KeyLookup::Wait
    ));
    let _ = there.poll(world);
    let _ = there.answered(&proxy.says, world);
    assert!(matches!(
        here.find(Some("one"), deadline, false, now, world),
        KeyLookup::Keys(..)
    ));
    assert!(here.poll(world).changed);
    assert!(!here.poll(world).changed);
}

#[test]
fn an_issuer_that_is_not_there_is_waited_for_and_no_longer_than_a_request_can() {
    let mut proxy = Proxy::new(2, remote);
    proxy.says = CallResult::Failed;
    let (known, took) = proxy.ask(0, "one");
    assert!(!known && took <= Duration::from_secs(5), "{took:?}");
    // Meanwhile it was asked again and again, with pauses that grow.
    assert!((3..=6).contains(&proxy.fetches), "{}", proxy.fetches);
    proxy.run(Duration::from_secs(600));
    assert!(proxy.fetches < 30, "{}", proxy.fetches);
    // Between two tries nobody waits.
    let (known, took) = proxy.ask(1, "one");
    assert!(!known && took <= Duration::from_secs(5));
    proxy.says = http("200", set(&["one"]));
    proxy.run(LONGEST_BACK_OFF * 2);
    assert_eq!(proxy.ask(1, "one"), (true, Duration::ZERO));
}

#[test]
fn an_outage_of_ten_minutes_is_not_noticed() {
    let mut proxy = Proxy::new(2, remote);
    proxy.run(Duration::from_secs(1));
    let good = proxy.says.clone();
    proxy.says = http("503", vec![]);
    for _ in 0..60 {
        proxy.run(Duration::from_secs(10));
        for vm in 0..2 {
            assert_eq!(proxy.ask(vm, "one"), (true, Duration::ZERO));
        }
    }
    assert!(proxy.sets[0].failures() > 0);
    assert_eq!(proxy.sets[0].age(proxy.world.now()), Some(600));
    proxy.says = good;
    proxy.run(LONGEST_BACK_OFF * 2);
    assert_eq!(proxy.sets[1].failures(), 0);
    assert!(proxy.sets[1].age(proxy.world.now()).unwrap() < 120);
}

#[test]
fn keys_that_nobody_could_fetch_again_end() {
    let mut proxy = Proxy::new(1, remote);
    proxy.run(Duration::from_secs(1));
    proxy.says = http("404", vec![]);
    proxy.run(Duration::from_secs(3590));
    assert!(proxy.ask(0, "one").0);
    proxy.run(Duration::from_secs(20));
    assert!(!proxy.ask(0, "one").0);
    assert!(proxy.sets[0].current(proxy.world.now()).is_none());
}

#[test]
fn keys_of_the_configuration_stand_in() {
    let with = || Remote {
        fallback: Some(KeySet::read(&set(&["inline"])).unwrap().set),
        ..remote()
    };
    let mut proxy = Proxy::new(1, with);
    proxy.says = CallResult::Failed;
    assert_eq!(proxy.ask(0, "inline"), (true, Duration::ZERO));
    assert!(!proxy.ask(0, "one").0);
    proxy.says = http("200", set(&["one"]));
    proxy.run(LONGEST_BACK_OFF * 2);
    // Those that were fetched are the ones that count.
    assert!(proxy.ask(0, "one").0);
    assert!(!proxy.ask(0, "inline").0);
}

#[test]
fn a_rotation_costs_one_fetch_and_refuses_nobody() {
    let mut proxy = Proxy::new(4, remote);
    proxy.run(Duration::from_secs(100));
    assert_eq!(proxy.fetches, 1);
    let before = proxy.sets[0].generation;
    proxy.says = http("200", set(&["one", "two"]));
    for vm in 0..4 {
        let (known, took) = proxy.ask(vm, "two");
        assert!(known && took < Duration::from_millis(100), "{took:?}");
    }
    assert_eq!(proxy.fetches, 2);
    assert_ne!(proxy.sets[0].generation, before);
    // And then the old key is withdrawn.
    proxy.says = http("200", set(&["two"]));
    proxy.run(INTERVAL + POLL * 2);
    for vm in 0..4 {
        assert!(
            !proxy.sets[vm]
                .current(proxy.world.now())
                .unwrap()
                .0
                .knows(Some("one"))
        );
    }
}

#[test]
fn the_same_keys_once_more_change_nothing() {
    let mut proxy = Proxy::new(2, remote);
    proxy.run(INTERVAL * 5);
    assert!(proxy.fetches > 4);
    assert_eq!(
        proxy
            .sets
            .iter()
            .map(|jwks| jwks.generation)
            .collect::<Vec<_>>(),
        [1, 1]
    );
}

#[test]
fn a_flood_of_unknown_names_is_a_fetch_every_ten_seconds() {
    let mut proxy = Proxy::new(2, remote);
    proxy.run(Duration::from_secs(1));
    for number in 0..6_000u32 {
        let (known, took) = proxy.ask(number as usize % 2, &format!("k{number}"));
        assert!(!known && took < Duration::from_millis(100), "{took:?}");
        proxy.run(Duration::from_millis(10));
    }
    assert!((6..=8).contains(&proxy.fetches), "{}", proxy.fetches);
    assert!(
        proxy
            .sets
            .iter()
            .all(|jwks| jwks.unknown_kids.len() <= MOST_UNKNOWN_KIDS)
    );
    // A rotation in the midst of it is seen at the next of them.
    proxy.says = http("200", set(&["one", "two"]));
    proxy.run(EARLY_FETCH);
    assert!(proxy.ask(0, "two").0);
}

#[test]
fn a_name_the_issuer_does_not_know_is_remembered_for_a_while() {
    let mut proxy = Proxy::new(1, remote);
    proxy.run(Duration::from_secs(1));
    for _ in 0..5 {
        assert!(!proxy.ask(0, "bad").0);
        proxy.run(EARLY_FETCH);
    }
    assert_eq!(proxy.fetches, 2);
    proxy.run(UNKNOWN_KID_FOR);
    assert!(!proxy.ask(0, "bad").0);
    assert_eq!(proxy.fetches, 3);
}

#[test]
fn unknown_names_wait_for_nobody_while_the_issuer_is_away() {
    let mut proxy = Proxy::new(1, remote);
    proxy.run(Duration::from_secs(1));
    proxy.says = CallResult::Failed;
    assert!(!proxy.ask(0, "two").0);
    let fetches = proxy.fetches;
    for number in 0..20 {
        assert_eq!(proxy.ask(0, &format!("k{number}")), (false, Duration::ZERO));
    }
    assert_eq!(proxy.fetches, fetches);
}

#[test]
fn a_vm_that_dies_with_the_lease_holds_nobody_up_for_long() {
    let mut proxy = Proxy::new(2, remote);
    let result = proxy.sets[0].poll(&proxy.world);
    assert!(result.call.is_some());
    proxy.due[0] = Timestamp::from_nanos(u64::MAX);
    proxy.run(Duration::from_secs(10));
    assert_eq!(proxy.fetches, 0);
    proxy.run(Duration::from_secs(2));
    assert_eq!(proxy.fetches, 1);
    assert!(proxy.ask(1, "one").0);
    // Should it come back after all, what it says does not count.
    let late = proxy.sets[0].answered(&CallResult::Failed, &proxy.world);
    assert_eq!(proxy.sets[0].failures(), 0);
    assert!(late.fetched.is_some());
}

#[test]
fn a_clock_that_is_set_back_holds_nothing_up() {
    let mut proxy = Proxy::new(1, remote);
    proxy.run(Duration::from_secs(1));
    proxy.world.set_now(Timestamp::from_secs(500_000));
    proxy.due = vec![proxy.world.now()];
    proxy.run(Duration::from_secs(2));
    assert_eq!(proxy.fetches, 2);
    assert!(proxy.ask(0, "one").0);
}

/// What one answer to the first fetch comes to.
fn first(answer: &CallResult, remote: impl Fn() -> Remote) -> (Proxy, FetchResult) {
    let mut proxy = Proxy::new(1, remote);
    assert!(proxy.sets[0].poll(&proxy.world).call.is_some());
    let result = proxy.sets[0].answered(answer, &proxy.world);
    (proxy, result)
}

#[test]
fn what_is_no_key_set_is_a_failure_and_the_line_says_what_came() {
    let pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    for (answer, kind, what) in [
        (
            CallResult::Unsent,
            FailureKind::Unreachable,
            "no such cluster",
        ),
        (
            CallResult::Failed,
            FailureKind::Unreachable,
            "the answer broke off",
        ),
        (http("503", vec![]), FailureKind::Unreachable, "status 503"),
        (
            http("503", b"no healthy upstream".to_vec()),
            FailureKind::Unreachable,
            "no healthy host",
        ),
        (
            http(
                "503",
                b"upstream connect error or disconnect/reset before headers".to_vec(),
            ),
            FailureKind::Unreachable,
            "no connection",
        ),
        (
            http("504", b"upstream request timeout".to_vec()),
            FailureKind::Unreachable,
            "no answer in 5 s",
        ),
        (
            http("504", set(&["one"])),
            FailureKind::Unreachable,
            "status 504",
        ),
        (
            http("302", set(&["one"])),
            FailureKind::Status,
            "status 302, and redirects are not followed",
        ),
        (
            http("500", set(&["one"])),
            FailureKind::Status,
            "status 500",
        ),
        (http("\n", vec![]), FailureKind::Status, "status \\n"),
        (
            http("200", b" <!doctype html>".to_vec()),
            FailureKind::Invalid,
            "an answer that is HTML or XML, not JSON",
        ),
        (
            http("200", vec![]),
            FailureKind::Invalid,
            "an answer that is empty",
        ),
        (
            http("200", b"{}".to_vec()),
            FailureKind::Invalid,
            "an answer that has no `keys`",
        ),
        (
            http("200", br#"{"keys":null}"#.to_vec()),
            FailureKind::Invalid,
            "an answer that `keys` is no list",
        ),
        (
            http("200", pem),
            FailureKind::Invalid,
            "an answer that is PEM",
        ),
        (
            http("200", vec![b' '; 2 * 1024 * 1024]),
            FailureKind::Invalid,
            "larger than 256 KiB",
        ),
    ] {
        let (proxy, result) = first(&answer, remote);
        assert_eq!(result.fetched, Some(Fetched::Failed(kind)), "{what}");
        let line = format!(
            "https://issuer.example/jwks through cluster `outbound|443||issuer.example`: {what}"
        );
        assert!(
            result.lines.len() == 1 && result.lines[0].starts_with(&line),
            "{:?}",
            result.lines
        );
        assert!(result.changed);
        assert_eq!(proxy.sets[0].failures(), 1);
    }
}

#[test]
fn what_goes_on_failing_is_told_every_ten_minutes() {
    let mut proxy = Proxy::new(3, remote);
    proxy.says = http("404", vec![]);
    proxy.run(Duration::from_secs(3600));
    assert!(proxy.fetches > 100);
    assert!((6..=7).contains(&proxy.lines.len()), "{:?}", proxy.lines);
    // Another cause is told at once.
    proxy.says = CallResult::Unsent;
    proxy.run(LONGEST_BACK_OFF * 2);
    assert!(proxy.lines.last().unwrap().ends_with("no such cluster"));
}

#[test]
fn discovery_asks_the_issuer_where_its_keys_are() {
    let discovery = || Remote {
        origin: Origin::Discovery(
            Url::read("https://a.example/.well-known/openid-configuration").unwrap(),
        ),
        ..remote()
    };
    let place = |result: FetchResult| match result.call {
        Some(Call::Http {
            cluster, headers, ..
        }) => {
            let path = headers
                .iter()
                .find(|(name, _)| name == ":path")
                .unwrap()
                .1
                .clone();
            (cluster, String::from_utf8(path).unwrap())
        }
        other => panic!("{other:?}"),
    };
    let mut proxy = Proxy::new(1, discovery);
    let jwks = &mut proxy.sets[0];
    assert_eq!(
        place(jwks.poll(&proxy.world)),
        (
            "outbound|443||a.example".to_owned(),
            "/.well-known/openid-configuration".to_owned()
        )
    );
    let says = http(
        "200",
        br#"{"issuer":"x","jwks_uri":"http://b.example:81/k?v=1"}"#.to_vec(),
    );
    assert_eq!(
        place(jwks.answered(&says, &proxy.world)),
        ("outbound|81||b.example".to_owned(), "/k?v=1".to_owned())
    );
    let result = jwks.answered(&http("200", set(&["one"])), &proxy.world);
    assert_eq!(result.fetched, Some(Fetched::Keys));
    for (document, what) in [
        ("{}", "without `jwks_uri`"),
        (r#"{"jwks_uri":7}"#, "without `jwks_uri`"),
        (
            r#"{"jwks_uri":"file:///etc"}"#,
            "whose `jwks_uri` URI scheme `file` is not supported; use `https` or `http`",
        ),
        ("<", "that is no JSON"),
    ] {
        let (_, result) = first(&http("200", document.into()), discovery);
        assert_eq!(result.fetched, Some(Fetched::Failed(FailureKind::Invalid)));
        let line = format!(
            "https://a.example/.well-known/openid-configuration through cluster \
             `outbound|443||a.example`: an OpenID configuration {what}"
        );
        assert_eq!(result.lines, [line]);
    }
    let secret = r#"{"jwks_uri":"https://user:s3cret@b.example/k?s3cret"}"#;
    let (_, result) = first(&http("200", secret.into()), discovery);
    assert!(!result.lines[0].contains("s3cret"), "{:?}", result.lines);
    // A cluster that is named is asked for both.
    let named = || Remote {
        cluster: Some("keys".to_owned()),
        ..discovery()
    };
    let mut proxy = Proxy::new(1, named);
    assert_eq!(place(proxy.sets[0].poll(&proxy.world)).0, "keys");
    assert_eq!(place(proxy.sets[0].answered(&says, &proxy.world)).0, "keys");
}

/// Kubernetes serves `application/jwk-set+json` alone, and firewalls refuse whom they do not know.
#[test]
fn a_fetch_says_what_it_takes_and_who_asks() {
    let plain = || Remote {
        origin: Origin::Jwks(Url::read("http://a.example:81/k?v=1").unwrap()),
        ..remote()
    };
    for (remote, scheme) in [(remote(), "https"), (plain(), "http")] {
        let Some(Call::Http { headers, .. }) = RemoteJwks::new(remote).poll(&FakeWorld::new()).call
        else {
            panic!("no call");
        };
        let header = |name: &str| {
            let mut named = headers.iter().filter(|(known, _)| known == name);
            let value = named
                .next()
                .map(|(_, value)| std::str::from_utf8(value).unwrap());
            assert!(named.next().is_none());
            value
        };
        assert_eq!(header(":scheme"), Some(scheme));
        assert_eq!(
            header("accept"),
            Some("application/json, application/jwk-set+json, */*")
        );
        let ours = concat!("mesh-filters/", env!("CARGO_PKG_VERSION"));
        assert_eq!(header("user-agent"), Some(ours));
    }
}

proptest! {
    #[test]
    fn no_cell_panics(bytes in prop::collection::vec(any::<u8>(), 0..80), now in any::<u64>()) {
        let state = SharedState::decode(Some(&bytes));
        let now = Timestamp::from_nanos(now);
        let remote = remote();
        let _ = (state.is_leased(now, &remote), state.next_fetch(now, &remote), state.lease(1, true, now, &remote));
        prop_assert_eq!(SharedState::decode(Some(&state.encode())), state);
    }

    /// Whatever the issuer does, it is asked by one VM at a time, and whoever waits gets an answer in
    /// time.
    #[test]
    fn nobody_waits_for_longer_than_it_can(
        vms in 1usize..4,
        phases in prop::collection::vec((0usize..4, 0u64..400, 0u64..7_000, 0usize..3), 1..8),
    ) {
        let mut proxy = Proxy::new(vms, remote);
        for (says, seconds, takes, kid) in phases {
            proxy.says = match says {
                0 => http("200", set(&["one"])),
                1 => http("200", set(&["one", "two"])),
                2 => CallResult::Failed,
                _ => http("404", vec![]),
            };
            proxy.takes = Duration::from_millis(takes.min(5_000));
            let (_, took) = proxy.ask(kid % vms, ["one", "two", "three"][kid]);
            prop_assert!(took <= Duration::from_millis(5_020), "{took:?}");
            prop_assert!(proxy.calls.len() <= 1);
            proxy.run(Duration::from_secs(seconds));
            prop_assert!(proxy.calls.len() <= 1);
        }
    }
}
