//! The dice of a worker: SplitMix64, because in wasm a multiplication to 128 bits is a function of its
//! own, and a throw may be all that a filter does with a request.

use std::cell::Cell;

/// Numbers of which each is as likely as any other.
#[derive(Debug)]
pub(crate) struct Dice(Cell<u64>);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Dice(Cell::new(seed))
    }

    pub(crate) fn throw(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the published generator.
    #[test]
    fn it_is_the_generator_that_it_says() {
        let dice = Dice::new(1_234_567);
        let numbers = [(); 5].map(|()| dice.throw());
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }
}
