//! Medians and quartiles: what is left of a figure when other programs disturbed some rounds.

/// The middle of some values, and the half of them that lies around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The first quartile.
    pub low: f64,
    /// The median.
    pub median: f64,
    /// The third quartile.
    pub high: f64,
}

impl Spread {
    /// Of these values; `None` if there are none, or one is not a number.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Self {
            low: quantile(&values, 0.25),
            median: quantile(&values, 0.5),
            high: quantile(&values, 0.75),
        })
    }
}

/// The value below which this share of the sorted values lies, between two of them if need be.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    #[expect(clippy::cast_precision_loss, reason = "a handful of rounds")]
    let at = share * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the number of rounds"
    )]
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_values() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(
            spread,
            Spread {
                low: 1.75,
                median: 2.5,
                high: 3.25
            }
        );
    }

    #[test]
    fn one_value_is_its_own_spread() {
        let spread = Spread::of([7.0]).unwrap();
        assert_eq!(
            spread,
            Spread {
                low: 7.0,
                median: 7.0,
                high: 7.0
            }
        );
    }

    #[test]
    fn one_disturbed_round_does_not_move_the_median() {
        let spread = Spread::of([1.0, 1.1, 90.0, 1.2, 0.9]).unwrap();
        assert_eq!(spread.median, 1.1);
    }

    #[test]
    fn nothing_has_no_spread() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([1.0, f64::NAN]), None);
    }
}
