use super::*;
use proptest::prelude::*;
use sdk_helpers::Headers;

fn header(name: &str, prefix: &str) -> HeaderLocation {
    HeaderLocation {
        name: name.to_owned().into(),
        prefix: prefix.to_owned(),
    }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn found(locations: &Locations, headers: &[(&str, &str)]) -> Vec<String> {
    let request = Request::new(Headers::from_pairs(headers.iter().copied()));
    locations
        .tokens(&request)
        .into_iter()
        .map(|found| String::from_utf8_lossy(&found.token).into_owned())
        .collect()
}

fn standard() -> Locations {
    Locations::new(vec![], vec![], vec![])
}

#[test]
fn without_places_it_is_the_bearer_token_and_then_the_parameter() {
    let sent = [
        (":path", "/a?b=1&access_token=q.r.s"),
        ("Authorization", "Bearer x.y.z"),
    ];
    assert_eq!(found(&standard(), &sent), ["x.y.z", "q.r.s"]);
    // Any place of its own turns both off.
    let cookies = Locations::new(vec![], vec![], names(&["c"]));
    assert_eq!(found(&cookies, &sent), [""; 0]);
}

#[test]
fn a_prefix_is_found_anywhere_and_in_its_own_case() {
    let one = |value: &str| found(&standard(), &[("authorization", value)]);
    assert_eq!(one("Foo Bearer x.y.z"), ["x.y.z"]);
    assert_eq!(one("Bearer   x.y.z"), ["x.y.z"]);
    assert_eq!(one("Bearer x.y.z trailing"), ["x.y.z trailing"]);
    assert_eq!(one("Bearer \"(x"), ["x"]);
    // Nothing a token begins with: the whole value is judged, and refused.
    assert_eq!(one("Bearer  !"), ["Bearer  !"]);
    for absent in ["bearer x.y.z", "Bearer", "Basic abc", "Bearerx.y.z", ""] {
        assert_eq!(one(absent), [""; 0], "{absent}");
    }
}

#[test]
fn without_a_prefix_the_whole_value_is_the_token() {
    let plain = Locations::new(vec![header("x-jwt", "")], vec![], vec![]);
    assert_eq!(found(&plain, &[("X-Jwt", " x.y.z")]), [" x.y.z"]);
    assert_eq!(found(&plain, &[("x-jwt", "")]), [""]);
}

#[test]
fn a_repeated_header_is_several_tokens_but_authorization_is_one() {
    let plain = Locations::new(vec![header("x-jwt", "")], vec![], vec![]);
    assert_eq!(found(&plain, &[("x-jwt", "a"), ("x-jwt", "b")]), ["a", "b"]);
    let twice = [
        ("authorization", "Bearer a"),
        ("authorization", "Bearer b"),
        ("authorization", "c"),
    ];
    assert_eq!(found(&standard(), &twice), ["a,Bearer b,c"]);
}

#[test]
fn places_are_looked_at_in_the_order_of_their_names() {
    let locations = Locations::new(
        vec![
            header("b", ""),
            header("a", "z "),
            header("a", "y "),
            header("b", ""),
        ],
        names(&["q", "p", "q"]),
        names(&["d", "c"]),
    );
    let sent = [
        (":path", "/?q=4&p=3"),
        ("b", "2"),
        ("a", "y 0 z 1"),
        ("cookie", "d=6; c=5"),
    ];
    assert_eq!(
        found(&locations, &sent),
        ["0 z 1", "1", "2", "3", "4", "5", "6"]
    );
}

#[test]
fn parameters_are_percent_decoded_and_the_first_counts() {
    let one = |path: &str| found(&standard(), &[(":path", path)]);
    assert_eq!(one("/?access_token=a%2Eb%2ec&access_token=d"), ["a.b.c"]);
    assert_eq!(one("/?%61ccess_token=a"), ["a"]);
    assert_eq!(one("/?access_token"), [""]);
    assert_eq!(one("/?access_token="), [""]);
    assert_eq!(one("/?access_token=a=b"), ["a=b"]);
    assert_eq!(one("/?access_token=%4"), ["%4"]);
    assert_eq!(one("/?access_token=%zz+"), ["%zz+"]);
    for absent in [
        "/",
        "/?",
        "/?Access_token=a",
        "/access_token=a",
        "/?x=access_token=a",
    ] {
        assert_eq!(one(absent), [""; 0], "{absent}");
    }
}

#[test]
fn cookies_lose_their_quotes_and_the_first_counts() {
    let locations = Locations::new(vec![], vec![], names(&["t"]));
    let one = |value: &str| found(&locations, &[("cookie", value)]);
    assert_eq!(one("s=1; t=a.b.c; t=d"), ["a.b.c"]);
    assert_eq!(one("t=\"a.b.c\""), ["a.b.c"]);
    assert_eq!(one("t=\""), ["\""]);
    assert_eq!(one("t="), [""]);
    assert_eq!(one("x; t=a=b"), ["a=b"]);
    assert_eq!(one("T=a; tt=b; t"), [""; 0]);
    let several = [("cookie", "a=1"), ("cookie", "t=2"), ("cookie", "t=3")];
    assert_eq!(found(&locations, &several), ["2"]);
}

#[test]
fn a_parameter_is_cut_out_and_nothing_else_changes() {
    let cut = |path: &str| {
        String::from_utf8(without_params(path.as_bytes(), &["access_token", "t"])).unwrap()
    };
    assert_eq!(cut("/a?access_token=x"), "/a");
    assert_eq!(
        cut("/a?b=%26c%3D1&access_token=x&%20=%0d%0a"),
        "/a?b=%26c%3D1&%20=%0d%0a"
    );
    assert_eq!(cut("/a?access_token=x&b=1&%61ccess_token&t"), "/a?b=1");
    assert_eq!(cut("/a?&access_token=x&"), "/a?&");
    assert_eq!(cut("/a"), "/a");
    assert_eq!(cut("/a?b?access_token=1"), "/a?b?access_token=1");
}

proptest! {
    #[test]
    fn nothing_a_client_sends_panics(path in prop::collection::vec(any::<u8>(), 0..60), value in prop::collection::vec(any::<u8>(), 0..60)) {
        let locations = Locations::new(
            vec![header("a", ""), header("a", "Bearer ")],
            names(&["access_token"]),
            names(&["c"]),
        );
        let request = Request::new(Headers::from_pairs([
            (":path", path.as_slice()), ("a", &value), ("authorization", &value), ("cookie", &value),
        ]));
        let _ = locations.tokens(&request);
        let _ = standard().tokens(&request);
    }

    #[test]
    fn a_cut_parameter_is_gone(path in "/[a-z]{0,3}\\?([a-c%6-7]{0,4}(=[a-c%6]{0,3})?&?){0,6}", name in "[a-c]{1,2}") {
        let rest = without_params(path.as_bytes(), &[&name]);
        let locations = Locations::new(vec![], vec![name.clone()], vec![]);
        let request = Request::new(Headers::from_pairs([(b":path".as_slice(), rest.as_slice())]));
        prop_assert!(locations.tokens(&request).is_empty());
        // Once more changes nothing.
        prop_assert_eq!(without_params(&rest, &[&name]), rest);
    }
}
