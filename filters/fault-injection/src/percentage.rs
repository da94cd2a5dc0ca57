//! A share of requests, as Istio and Envoy write it.

use sdk_helpers::{At, Problems, Roll, fields, words};

fields! {
    /// `percentage: {value: 0.1}` as Istio has it, or Envoy's
    /// `{numerator: 1, denominator: TEN_THOUSAND}`.
    #[derive(Clone, PartialEq)]
    pub struct PercentageWire {
        /// share of requests, in millionths as istiod computes them
        value: f64 { kind: "0, or 0.0001 to 100", default: "never", istio: "same", within: Some((0.0, 100.0)) },
        /// in place of `value`
        numerator: u32 { kind: "whole number", istio: "Envoy `FractionalPercent`" },
        /// what `numerator` counts in
        denominator: Denominator { default: "`HUNDRED`", istio: "Envoy `FractionalPercent`" },
    }
}

words! {
    /// Envoy's denominators.
    #[derive(Default)]
    pub enum Denominator {
        /// Whole percents.
        #[default]
        Hundred = "HUNDRED",
        /// Hundredths of a percent.
        TenThousand = "TEN_THOUSAND",
        /// What Istio's `percentage` becomes.
        Million = "MILLION",
    }
}

impl Denominator {
    const fn value(self) -> u32 {
        match self {
            Denominator::Hundred => 100,
            Denominator::TenThousand => 10_000,
            Denominator::Million => 1_000_000,
        }
    }
}

/// A share, and what a header that lowers it is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentage {
    /// Of a million requests; more than a million for "always".
    millionths: u64,
    /// What a unit of the header is, in millionths: the configured denominator's, or a percent
    /// where the share was written as one. istiod makes millionths of that, in which nobody thinks
    /// who sends a header.
    unit: u32,
}

/// A percent in millionths.
const PERCENT: u32 = Roll::SIDES / 100;

impl Percentage {
    /// Fires on no request.
    pub const NEVER: Self = Percentage {
        millionths: 0,
        unit: PERCENT,
    };

    /// Envoy's FractionalPercent.
    fn fraction(numerator: u32, denominator: Denominator) -> Self {
        let unit = Roll::SIDES / denominator.value();
        Percentage {
            millionths: u64::from(numerator).saturating_mul(unit.into()),
            unit,
        }
    }

    /// Istio's deprecated `percent`. Istio casts it without a look: beyond 100, and below 0, it
    /// fires always.
    pub fn from_percent(percent: i32) -> Self {
        Percentage::fraction(percent.cast_unsigned(), Denominator::Hundred)
    }

    /// Checks what a user wrote at `at`.
    pub fn check(wire: &PercentageWire, at: &At<'_>, problems: &Problems) -> Option<Self> {
        match (wire.value, wire.numerator) {
            (Some(_), Some(_)) => {
                problems.error(at, "set `value` (Istio) or `numerator` (Envoy), not both");
                None
            }
            (None, Some(numerator)) => Some(Percentage::fraction(
                numerator,
                wire.denominator.unwrap_or_default(),
            )),
            (value, None) => {
                if wire.denominator.is_some() {
                    problems.error(
                        &at.field("denominator"),
                        "means nothing without `numerator`",
                    );
                    return None;
                }
                if value.is_none() {
                    problems.warn(
                        at,
                        "has no `value`, which is 0: this never fires, as in Istio",
                    );
                }
                let value = value.unwrap_or(0.0);
                if value != 0.0 && !(0.0001..=100.0).contains(&value) {
                    problems.error(
                        &at.field("value"),
                        format!("{value} is neither 0 nor between 0.0001 and 100"),
                    );
                    return None;
                }
                // Istio's own arithmetic, to the last bit: some decimals lose a millionth.
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and 1,000,000; truncated as istiod does"
                )]
                let millionths = (value * 10_000.0) as u64;
                Some(Percentage {
                    millionths,
                    unit: PERCENT,
                })
            }
        }
    }

    /// The same with a number from a header, which can lower it but not raise it (Envoy's
    /// `HeaderPercentageProvider`).
    pub fn at_most(self, number: Option<u32>) -> Self {
        let asked = number.map(|number| u64::from(number).saturating_mul(self.unit.into()));
        Percentage {
            millionths: asked.map_or(self.millionths, |asked| asked.min(self.millionths)),
            ..self
        }
    }

    /// Whether a request with this roll is one of them.
    pub fn hits(self, roll: Roll) -> bool {
        u64::from(roll.value()) < self.per_million()
    }

    /// Of a million requests, how many; more than a million for "always".
    pub fn per_million(self) -> u64 {
        self.millionths
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn istio(value: f64) -> Result<Percentage, String> {
        let problems = Problems::default();
        let wire = PercentageWire {
            value: Some(value),
            ..Default::default()
        };
        Percentage::check(&wire, &At::root(), &problems)
            .ok_or_else(|| problems.errors()[0].to_string())
    }

    #[test]
    fn a_value_becomes_millionths_as_istiod_computes_them() {
        for (value, millionths) in [
            (0.0, 0),
            (0.0001, 1),
            (0.07, 700),
            (0.1, 1_000),
            (10.0, 100_000),
            (100.0, 1_000_000),
            // 0.0029 * 10000 is 28.999999999999996 in doubles.
            (0.0029, 28),
            (1.1, 11_000),
            (33.3333, 333_333),
        ] {
            assert_eq!(istio(value).unwrap().per_million(), millionths, "{value}");
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused() {
        for value in [-1.0, 0.00001, 100.0001, 1e300] {
            let error = istio(value).unwrap_err();
            assert!(
                error.starts_with("value: ") && error.contains("neither 0 nor between"),
                "{error}"
            );
        }
    }

    #[test]
    fn percent_is_cast_as_istio_casts_it() {
        assert_eq!(Percentage::from_percent(7).per_million(), 70_000);
        for always in [100, 150, -1, i32::MIN] {
            assert!(
                Percentage::from_percent(always).hits(Roll::new(999_999)),
                "{always}"
            );
        }
        assert!(!Percentage::from_percent(0).hits(Roll::new(0)));
    }

    #[test]
    fn a_header_lowers_and_never_raises() {
        let half = Percentage::fraction(50, Denominator::Hundred);
        assert_eq!(half.at_most(Some(7)).per_million(), 70_000);
        assert_eq!(half.at_most(Some(u32::MAX)), half);
        assert_eq!(half.at_most(None), half);
    }

    #[test]
    fn a_header_is_counted_in_what_was_configured() {
        let of = |share: Percentage, number| share.at_most(Some(number)).per_million();
        let value = |value| istio(value).expect("a share");
        for (number, share) in [
            (0, 0),
            (1, 10_000),
            (50, 500_000),
            (100, 1_000_000),
            (250, 1_000_000),
        ] {
            assert_eq!(of(value(100.0), number), share, "{number} %");
            assert_eq!(
                of(Percentage::from_percent(100), number),
                share,
                "{number} %"
            );
        }
        assert_eq!(of(value(10.0), 50), 100_000);
        assert_eq!(of(value(0.5), 1), 5_000);
        let whole =
            |denominator: Denominator| Percentage::fraction(denominator.value(), denominator);
        assert_eq!(of(whole(Denominator::Hundred), 7), 70_000);
        assert_eq!(of(whole(Denominator::TenThousand), 7), 700);
        assert_eq!(of(whole(Denominator::Million), 7), 7);
    }

    proptest! {
        /// Envoy computes `random % denominator < numerator`.
        #[test]
        fn odds_are_envoys(numerator in 0u32..12_000, kind in 0..3) {
            let denominator = [Denominator::Hundred, Denominator::TenThousand, Denominator::Million][kind as usize];
            let share = Percentage::fraction(numerator, denominator);
            let ours = share.per_million().min(1_000_000);
            let theirs = u64::from(numerator.min(denominator.value())) * u64::from(1_000_000 / denominator.value());
            prop_assert_eq!(ours, theirs);
            prop_assert_eq!(share.hits(Roll::new(0)), numerator > 0);
            prop_assert_eq!(share.hits(Roll::new(999_999)), numerator >= denominator.value());
        }

        /// Envoy takes the smaller of the header and the configured numerator as its numerator.
        #[test]
        fn a_header_is_envoys_numerator(numerator: u32, header: u32, kind in 0..3) {
            let denominator = [Denominator::Hundred, Denominator::TenThousand, Denominator::Million][kind as usize];
            let share = Percentage::fraction(numerator, denominator).at_most(Some(header));
            prop_assert_eq!(share, Percentage::fraction(numerator.min(header), denominator));
        }
    }
}
