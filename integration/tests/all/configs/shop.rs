//! `envoy-configs/local/all.yaml`, a shop's gateway: the page that goes through it, and whoever tries to get
//! around it.

mod attacks;
mod gateway;
mod page;
mod traffic;

use gateway::Shop;

const FILE: &str = "envoy-configs/local/all.yaml";

/// In one Envoy, one after the other: what attacks leave behind is part of what comes after them.
#[test]
fn nobody_gets_around_the_gateway() {
    let shop = Shop::open();
    attacks::no_spelling_of_a_path_leads_to_the_back_office(&shop);
    attacks::no_header_makes_an_address(&shop);
    attacks::no_forged_token_is_one(&shop);
    attacks::what_breaks_the_protocol_is_refused(&shop);
    assert_eq!(shop.inside(), 0);
    traffic::the_staff_gets_in_by_one_spelling(&shop);
    traffic::limits_count_who_asks(&shop);
    traffic::services_see_what_the_gateway_says(&shop);
    traffic::faults_are_for_a_load_test(&shop);
}
