//! How a service is split between versions, and how one reader gets another, on the book shop.

use integration::client::Client;
use integration::mesh::{Mesh, counts, seen, shipped_text, version_of};

use super::rows::{ask_often, get, see, shares};

/// As the page asks for reviews.
const REVIEWS: &str = "reviews:9080";

#[test]
fn the_shop_is_split_and_knows_a_reader() {
    let mesh = Mesh::up(&["bookinfo", "split"]);
    see(
        &mesh,
        &[
            ("80/20", four_fifths),
            ("90/10", nine_tenths),
            ("jason", jason),
            ("jason through the page", jason_through_the_page),
        ],
    );
}

fn four_fifths(mesh: &Mesh) {
    split(mesh, [0.8, 0.2]);
}

fn nine_tenths(mesh: &Mesh) {
    let text = shipped_text("split");
    let text = text.replace("weight: 80", "weight: 90");
    mesh.apply("split", &text.replace("weight: 20", "weight: 10"));
    split(mesh, [0.9, 0.1]);
}

#[track_caller]
fn split(mesh: &Mesh, [v1, v2]: [f64; 2]) {
    let page = mesh.from("productpage-v1");
    shares(&[("v1", v1), ("v2", v2)], || {
        let answers = ask_often(&page, 2_000, &get(REVIEWS, "/reviews/0"));
        counts(&answers, version_of)
    });
}

fn jason(mesh: &Mesh) {
    mesh.apply_shipped("jason");
    let page = mesh.from("productpage-v1");
    let everybody = get(REVIEWS, "/reviews/0");
    let jason = everybody.clone().header("end-user", "jason");
    let other = everybody.clone().header("end-user", "jasmine");
    for (request, version) in [(&jason, "v2"), (&other, "v1"), (&everybody, "v1")] {
        let answers = counts(&ask_often(&page, 200, request), version_of);
        assert_eq!(answers, [(version.to_owned(), 200)].into(), "{request}");
    }
}

/// From outside through the gateway: the page hands the header on.
fn jason_through_the_page(mesh: &Mesh) {
    let outside = Client::http1(mesh.gateway(80));
    let page = get("bookinfo.example", "/productpage");
    for (reader, version) in [("jason", "v2"), ("anybody", "v1")] {
        let answers = ask_often(&outside, 20, &page.clone().header("end-user", reader));
        for answer in &answers {
            let called = seen(answer)["called"].clone();
            let called = called.as_array().expect("calls").iter();
            let reviews = called
                .clone()
                .find(|one| one["service"] == REVIEWS || one["service"] == "reviews");
            let reviews = reviews.unwrap_or_else(|| panic!("no reviews: {answer:?}"));
            assert_eq!(reviews["answer"]["version"], version, "{reader}");
        }
    }
}
