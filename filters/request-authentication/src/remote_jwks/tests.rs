//! Many VMs and one issuer, by a clock of the test's own.

mod withdrawal;

use super::*;
use crate::config::url::Url;
use crate::config::{Origin, Remote};
use crate::policy::Keyring;
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

fn http(status: &str, body: Vec<u8>) -> Answer {
    Answer::Http {
        headers: Headers::from_pairs([(":status", status)]),
        body,
    }
}

/// A proxy: VMs that share cells, and calls that are out.
struct Proxy {
    world: FakeWorld,
    rings: Vec<Ring>,
    due: Vec<Timestamp>,
    calls: Vec<(usize, Timestamp)>,
    /// What the issuer says, and how long it takes.
    says: Answer,
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
            rings: (0..vms).map(|_| Ring::new(remote())).collect(),
            world,
            due,
            calls: vec![],
            says: http("200", set(&["one"])),
            takes: Duration::from_millis(30),
            fetches: 0,
            lines: vec![],
        }
    }

    fn sent(&mut self, vm: usize, news: News) {
        self.lines.extend(news.lines);
        if news.call.is_some() {
            self.fetches += 1;
            self.calls
                .push((vm, self.world.now().saturating_add(self.takes)));
        }
        self.due[vm] = self
            .world
            .now()
            .saturating_add(self.rings[vm].again(self.world.now()));
    }

    /// Lets time pass, every timer and answer at its moment.
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
                let news = self.rings[vm].answered(&says, &self.world);
                self.sent(vm, news);
            } else {
                let vm = self.due.iter().position(|at| *at == timer).unwrap();
                let news = self.rings[vm].tend(&self.world);
                self.sent(vm, news);
            }
        }
        self.world.set_now(end);
    }

    /// A request with a token of this `kid`, which waits if it has to; as the shell does, the
    /// upkeep is asked at once then. How it fared, and how long it took.
    fn ask(&mut self, vm: usize, kid: &str) -> (bool, Duration) {
        let begin = self.world.now();
        let deadline = begin.saturating_add(self.rings[vm].patience());
        let mut waited = false;
        loop {
            let now = self.world.now();
            let patience = (now < deadline).then_some(deadline);
            match self.rings[vm].find(Some(kid), patience, waited, now, &self.world) {
                Keyring::Keys(set, _) => {
                    return (set.knows(Some(kid)), now.saturating_since(begin));
                }
                Keyring::Nothing => return (false, now.saturating_since(begin)),
                Keyring::Soon => {
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
            assert!(proxy.rings[vm].current(proxy.world.now()).is_some());
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

/// What one request of a VM learns from the cells, the others that wait there are told too.
#[test]
fn who_waits_is_told_what_another_request_saw_first() {
    let proxy = Proxy::new(2, remote);
    let [mut here, mut there] = <[Ring; 2]>::try_from(proxy.rings).unwrap();
    let (world, now) = (&proxy.world, proxy.world.now());
    let deadline = Some(now.saturating_add(here.patience()));
    assert!(matches!(
        here.find(Some("one"), deadline, false, now, world),
        Keyring::Soon
    ));
    let _ = there.tend(world);
    let _ = there.answered(&proxy.says, world);
    assert!(matches!(
        here.find(Some("one"), deadline, false, now, world),
        Keyring::Keys(..)
    ));
    assert!(here.tend(world).changed);
    assert!(!here.tend(world).changed);
}

#[test]
fn an_issuer_that_is_not_there_is_waited_for_and_no_longer_than_a_request_can() {
    let mut proxy = Proxy::new(2, remote);
    proxy.says = Answer::Failed;
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
    assert!(proxy.rings[0].failures() > 0);
    assert_eq!(proxy.rings[0].age(proxy.world.now()), Some(600));
    proxy.says = good;
    proxy.run(LONGEST_BACK_OFF * 2);
    assert_eq!(proxy.rings[1].failures(), 0);
    assert!(proxy.rings[1].age(proxy.world.now()).unwrap() < 120);
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
    assert!(proxy.rings[0].current(proxy.world.now()).is_none());
}

#[test]
fn keys_of_the_configuration_stand_in() {
    let with = || Remote {
        fallback: Some(KeySet::read(&set(&["inline"])).unwrap().set),
        ..remote()
    };
    let mut proxy = Proxy::new(1, with);
    proxy.says = Answer::Failed;
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
    let before = proxy.rings[0].generation;
    proxy.says = http("200", set(&["one", "two"]));
    for vm in 0..4 {
        let (known, took) = proxy.ask(vm, "two");
        assert!(known && took < Duration::from_millis(100), "{took:?}");
    }
    assert_eq!(proxy.fetches, 2);
    assert_ne!(proxy.rings[0].generation, before);
    // And then the old key is withdrawn.
    proxy.says = http("200", set(&["two"]));
    proxy.run(INTERVAL + LOOK * 2);
    for vm in 0..4 {
        assert!(
            !proxy.rings[vm]
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
            .rings
            .iter()
            .map(|ring| ring.generation)
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
            .rings
            .iter()
            .all(|ring| ring.refused.len() <= MOST_REFUSED)
    );
    // A rotation in the midst of it is seen at the next of them.
    proxy.says = http("200", set(&["one", "two"]));
    proxy.run(EARLY);
    assert!(proxy.ask(0, "two").0);
}

#[test]
fn a_name_the_issuer_does_not_know_is_remembered_for_a_while() {
    let mut proxy = Proxy::new(1, remote);
    proxy.run(Duration::from_secs(1));
    for _ in 0..5 {
        assert!(!proxy.ask(0, "bad").0);
        proxy.run(EARLY);
    }
    assert_eq!(proxy.fetches, 2);
    proxy.run(REFUSED_FOR);
    assert!(!proxy.ask(0, "bad").0);
    assert_eq!(proxy.fetches, 3);
}

#[test]
fn unknown_names_wait_for_nobody_while_the_issuer_is_away() {
    let mut proxy = Proxy::new(1, remote);
    proxy.run(Duration::from_secs(1));
    proxy.says = Answer::Failed;
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
    let news = proxy.rings[0].tend(&proxy.world);
    assert!(news.call.is_some());
    proxy.due[0] = Timestamp::from_nanos(u64::MAX);
    proxy.run(Duration::from_secs(10));
    assert_eq!(proxy.fetches, 0);
    proxy.run(Duration::from_secs(2));
    assert_eq!(proxy.fetches, 1);
    assert!(proxy.ask(1, "one").0);
    // Should it come back after all, what it says does not count.
    let late = proxy.rings[0].answered(&Answer::Failed, &proxy.world);
    assert_eq!(proxy.rings[0].failures(), 0);
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
fn first(answer: &Answer, remote: impl Fn() -> Remote) -> (Proxy, News) {
    let mut proxy = Proxy::new(1, remote);
    assert!(proxy.rings[0].tend(&proxy.world).call.is_some());
    let news = proxy.rings[0].answered(answer, &proxy.world);
    (proxy, news)
}

#[test]
fn what_is_no_key_set_is_a_failure_and_the_line_says_what_came() {
    let pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    for (answer, kind, what) in [
        (Answer::Unsent, Kind::Unreachable, "no such cluster"),
        (Answer::Failed, Kind::Unreachable, "the answer broke off"),
        (http("503", vec![]), Kind::Unreachable, "status 503"),
        (
            http("503", b"no healthy upstream".to_vec()),
            Kind::Unreachable,
            "no healthy host",
        ),
        (
            http(
                "503",
                b"upstream connect error or disconnect/reset before headers".to_vec(),
            ),
            Kind::Unreachable,
            "no connection",
        ),
        (
            http("504", b"upstream request timeout".to_vec()),
            Kind::Unreachable,
            "no answer in 5 s",
        ),
        (http("504", set(&["one"])), Kind::Unreachable, "status 504"),
        (
            http("302", set(&["one"])),
            Kind::Status,
            "status 302, and redirects are not followed",
        ),
        (http("500", set(&["one"])), Kind::Status, "status 500"),
        (http("\n", vec![]), Kind::Status, "status \\n"),
        (
            http("200", b" <!doctype html>".to_vec()),
            Kind::Invalid,
            "an answer that is HTML or XML, not JSON",
        ),
        (
            http("200", vec![]),
            Kind::Invalid,
            "an answer that is empty",
        ),
        (
            http("200", b"{}".to_vec()),
            Kind::Invalid,
            "an answer that has no `keys`",
        ),
        (
            http("200", br#"{"keys":null}"#.to_vec()),
            Kind::Invalid,
            "an answer that `keys` is no list",
        ),
        (http("200", pem), Kind::Invalid, "an answer that is PEM"),
        (
            http("200", vec![b' '; 2 * 1024 * 1024]),
            Kind::Invalid,
            "larger than 256 KiB",
        ),
    ] {
        let (proxy, news) = first(&answer, remote);
        assert_eq!(news.fetched, Some(Fetched::Failed(kind)), "{what}");
        let line = format!(
            "https://issuer.example/jwks through cluster `outbound|443||issuer.example`: {what}"
        );
        assert!(
            news.lines.len() == 1 && news.lines[0].starts_with(&line),
            "{:?}",
            news.lines
        );
        assert!(news.changed);
        assert_eq!(proxy.rings[0].failures(), 1);
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
    proxy.says = Answer::Unsent;
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
    let place = |news: News| match news.call {
        Some(Call::Http {
            cluster, headers, ..
        }) => {
            let path = headers
                .iter()
                .find(|(name, _)| name == ":path")
                .unwrap()
                .1
                .clone();
            (cluster, path)
        }
        other => panic!("{other:?}"),
    };
    let mut proxy = Proxy::new(1, discovery);
    let ring = &mut proxy.rings[0];
    assert_eq!(
        place(ring.tend(&proxy.world)),
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
        place(ring.answered(&says, &proxy.world)),
        ("outbound|81||b.example".to_owned(), "/k?v=1".to_owned())
    );
    let news = ring.answered(&http("200", set(&["one"])), &proxy.world);
    assert_eq!(news.fetched, Some(Fetched::Keys));
    for (document, what) in [
        ("{}", "without `jwks_uri`"),
        (r#"{"jwks_uri":7}"#, "without `jwks_uri`"),
        (
            r#"{"jwks_uri":"file:///etc"}"#,
            "whose `jwks_uri` URI scheme `file` is not supported; use `https` or `http`",
        ),
        ("<", "that is no JSON"),
    ] {
        let (_, news) = first(&http("200", document.into()), discovery);
        assert_eq!(news.fetched, Some(Fetched::Failed(Kind::Invalid)));
        let line = format!(
            "https://a.example/.well-known/openid-configuration through cluster \
             `outbound|443||a.example`: an OpenID configuration {what}"
        );
        assert_eq!(news.lines, [line]);
    }
    let secret = r#"{"jwks_uri":"https://user:s3cret@b.example/k?s3cret"}"#;
    let (_, news) = first(&http("200", secret.into()), discovery);
    assert!(!news.lines[0].contains("s3cret"), "{:?}", news.lines);
    // A cluster that is named is asked for both.
    let named = || Remote {
        cluster: Some("keys".to_owned()),
        ..discovery()
    };
    let mut proxy = Proxy::new(1, named);
    assert_eq!(place(proxy.rings[0].tend(&proxy.world)).0, "keys");
    assert_eq!(
        place(proxy.rings[0].answered(&says, &proxy.world)).0,
        "keys"
    );
}

/// Kubernetes serves `application/jwk-set+json` alone, and firewalls refuse whom they do not know.
#[test]
fn a_fetch_says_what_it_takes_and_who_asks() {
    let plain = || Remote {
        origin: Origin::Jwks(Url::read("http://a.example:81/k?v=1").unwrap()),
        ..remote()
    };
    for (remote, scheme) in [(remote(), "https"), (plain(), "http")] {
        let Some(Call::Http { headers, .. }) = Ring::new(remote).tend(&FakeWorld::new()).call
        else {
            panic!("no call");
        };
        let header = |name: &str| {
            let mut named = headers.iter().filter(|(known, _)| known == name);
            let value = named.next().map(|(_, value)| value.as_str());
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
        let state = State::decode(Some(&bytes));
        let now = Timestamp::from_nanos(now);
        let remote = remote();
        let _ = (state.is_leased(now, &remote), state.next_fetch(now, &remote), state.lease(1, true, now, &remote));
        prop_assert_eq!(State::decode(Some(&state.encode())), state);
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
                2 => Answer::Failed,
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
