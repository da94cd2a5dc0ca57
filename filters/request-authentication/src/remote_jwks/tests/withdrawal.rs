//! An issuer that takes its keys back.

use super::*;

/// A proxy of three VMs that has had keys for a minute.
fn served() -> Proxy {
    let mut proxy = Proxy::new(3, remote);
    proxy.run(Duration::from_secs(60));
    for vm in 0..3 {
        assert_eq!(proxy.ask(vm, "one"), (true, Duration::ZERO));
    }
    proxy
}

/// The keys that count in a VM, and their number.
fn counts(proxy: &Proxy, vm: usize) -> Option<(usize, u32)> {
    let (set, generation) = proxy.sets[vm].current(proxy.world.now())?;
    Some((set.size(), generation))
}

/// A set that has no key to verify with.
fn no_keys() -> [Vec<u8>; 5] {
    [
        r#"{"keys":[]}"#,
        r#"{"keys":[{"kty":"RSA","kid":"one","n":"AQAB","e":"AQAB"}]}"#,
        r#"{"keys":[{"kty":"X","kid":"one"}]}"#,
        r#"{"keys":[{}]}"#,
        r#"{"one":"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
}

#[test]
fn a_set_without_keys_takes_them_from_every_vm() {
    for text in no_keys() {
        let mut proxy = served();
        let before: Vec<_> = (0..3).map(|vm| counts(&proxy, vm)).collect();
        proxy.says = http("200", text.clone());
        proxy.run(INTERVAL + POLL * 2);
        for (vm, before) in before.into_iter().enumerate() {
            let after = counts(&proxy, vm);
            assert_eq!(after.map(|(size, _)| size), Some(0));
            // What was verified under the old keys is asked about anew.
            assert_ne!(
                after.map(|(_, number)| number),
                before.map(|(_, number)| number)
            );
            // At once: nobody waits for keys that were taken back.
            assert_eq!(proxy.ask(vm, "one"), (false, Duration::ZERO));
            assert_eq!(proxy.sets[vm].size(proxy.world.now()), 0);
            assert_eq!(proxy.sets[vm].failures(), 0);
        }
        let [line] = proxy.lines.as_slice() else {
            panic!("{:?}", proxy.lines);
        };
        assert!(line.contains(": a key set that has no key"), "{line}");
        assert!(
            line.ends_with("; tokens are refused until it has one"),
            "{line}"
        );
    }
}

#[test]
fn a_vm_that_starts_afterwards_knows_it_at_once() {
    let mut proxy = served();
    proxy.says = http("200", set(&[]));
    proxy.run(INTERVAL);
    let mut young = RemoteJwks::new(remote());
    young.read_shared(&proxy.world);
    assert!(young.current(proxy.world.now()).unwrap().0.is_empty());
    // And with keys of its configuration: those that were fetched are the ones that count.
    let mut with_fallback = RemoteJwks::new(Remote {
        fallback: Some(KeySet::read(&set(&["one"])).unwrap().set),
        ..remote()
    });
    with_fallback.read_shared(&proxy.world);
    let counting = with_fallback.current(proxy.world.now());
    assert!(counting.unwrap().0.is_empty());
}

#[test]
fn no_failure_and_no_time_brings_them_back() {
    let mut proxy = served();
    proxy.says = http("200", set(&[]));
    proxy.run(INTERVAL);
    for says in [
        http("200", b"{}".to_vec()),
        http("200", b"<html>".to_vec()),
        http("404", set(&["one"])),
        CallResult::Failed,
    ] {
        proxy.says = says;
        proxy.run(Duration::from_secs(7_200));
        assert_eq!(counts(&proxy, 1).map(|(size, _)| size), Some(0));
        assert!(!proxy.ask(1, "one").0);
    }
}

#[test]
fn a_set_with_keys_brings_tokens_back() {
    let mut proxy = served();
    proxy.says = http("200", set(&[]));
    proxy.run(INTERVAL * 3);
    // The age is that of keys, of which there are none.
    assert!(proxy.sets[0].age(proxy.world.now()).unwrap() >= 600);
    proxy.says = http("200", set(&["one", "two"]));
    // A token that comes is reason enough to ask, though not to wait.
    assert_eq!(proxy.ask(2, "two"), (false, Duration::ZERO));
    proxy.run(EARLY_FETCH + POLL * 2);
    for vm in 0..3 {
        assert!(proxy.ask(vm, "one").0 && proxy.ask(vm, "two").0);
    }
    assert!(proxy.sets[0].age(proxy.world.now()).unwrap() < 20);
}

#[test]
fn tokens_of_a_withdrawn_issuer_are_a_fetch_every_ten_seconds() {
    let mut proxy = served();
    proxy.says = http("200", set(&[]));
    proxy.run(INTERVAL);
    let before = proxy.fetches;
    for number in 0..6_000usize {
        assert_eq!(proxy.ask(number % 3, "one"), (false, Duration::ZERO));
        proxy.run(Duration::from_millis(10));
    }
    assert!(
        (5..=8).contains(&(proxy.fetches - before)),
        "{}",
        proxy.fetches
    );
    // And one line in the log.
    assert_eq!(proxy.lines.len(), 1);
}

#[test]
fn an_issuer_that_begins_without_keys_is_no_failure() {
    let mut proxy = Proxy::new(2, remote);
    proxy.says = http("200", set(&[]));
    proxy.run(Duration::from_secs(30));
    assert_eq!(proxy.ask(0, "one"), (false, Duration::ZERO));
    assert_eq!(proxy.sets[1].age(proxy.world.now()), Some(29));
}

/// A VM whose answer came after its lease had gone to another one may have asked before the keys
/// were withdrawn.
#[test]
fn a_late_answer_brings_nothing_back() {
    let mut proxy = Proxy::new(2, remote);
    assert!(proxy.sets[0].poll(&proxy.world).call.is_some());
    proxy.due[0] = Timestamp::from_nanos(u64::MAX);
    proxy.says = http("200", set(&[]));
    proxy.run(Duration::from_secs(20));
    assert_eq!(counts(&proxy, 1).map(|(size, _)| size), Some(0));
    let _ = proxy.sets[0].answered(&http("200", set(&["one"])), &proxy.world);
    assert_eq!(counts(&proxy, 0).map(|(size, _)| size), Some(0));
    let mut young = RemoteJwks::new(remote());
    young.read_shared(&proxy.world);
    assert!(young.current(proxy.world.now()).unwrap().0.is_empty());
}

/// Should the text be another one than was agreed on, it is not believed, and fetched anew.
#[test]
fn keys_that_nobody_vouches_for_are_fetched_anew() {
    let mut proxy = served();
    proxy.says = http("200", set(&["two"]));
    proxy.run(INTERVAL);
    let cell = proxy.sets[0].jwks_key.clone();
    let old = set(&["one"]);
    let _ = proxy.world.update(&cell, &mut |_| Some(old.clone()));
    proxy.sets[1] = RemoteJwks::new(remote());
    let before = proxy.fetches;
    proxy.due[1] = proxy.world.now();
    proxy.run(POLL * 3);
    assert_eq!(proxy.fetches, before + 1);
    let counting = proxy.sets[1].current(proxy.world.now()).unwrap().0;
    assert!(counting.knows(Some("two")) && !counting.knows(Some("one")));
}
