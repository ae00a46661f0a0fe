//! The scale of an axis: from where to where, and which numbers stand beside it.

use super::numbers;

/// Numbers beside an axis, at most.
const TICKS: usize = 7;
/// Beyond it the sum and the difference of two numbers might not be finite.
const LARGEST: f64 = 1e100;

/// A scale with the numbers that are written beside it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
    /// In rising order, all of them within the scale.
    pub(crate) ticks: Vec<f64>,
}

impl Scale {
    /// An even scale on which all numbers from `low` to `high` have a place. Its ends are round numbers.
    pub(crate) fn linear(low: f64, high: f64) -> Self {
        let (low, high) = widened(low, high);
        let step = round_step((high - low) / (TICKS - 2) as f64);
        let first = (low / step + 1e-9).floor();
        let last = (high / step - 1e-9).ceil().min(first + TICKS as f64);
        let ticks = (0..=(last - first) as u32).map(|tick| (first + f64::from(tick)) * step);
        Self {
            low: first * step,
            high: last * step,
            logarithmic: false,
            ticks: ticks.collect(),
        }
    }

    /// An even scale of whole numbers that ends where they do.
    pub(crate) fn whole(low: u64, high: u64) -> Self {
        let (low, high) = (low as f64, high as f64);
        if low >= high {
            return Self {
                low: low - 0.5,
                high: low + 0.5,
                logarithmic: false,
                ticks: vec![low],
            };
        }
        let step = round_step((high - low) / (TICKS - 2) as f64).max(1.0);
        let first = (low / step).ceil();
        let ticks = (0..=TICKS).map(|tick| (first + tick as f64) * step);
        let mut ticks: Vec<f64> = ticks.filter(|&tick| tick <= high).collect();
        if ticks.first().is_none_or(|&first| first - low > step / 2.0) {
            ticks.insert(0, low);
        }
        Self {
            low,
            high,
            logarithmic: false,
            ticks,
        }
    }

    /// A scale on which equal factors are equally far apart, for numbers above 0.
    pub(crate) fn logarithmic(low: f64, high: f64) -> Self {
        let (low, high) = if low <= high { (low, high) } else { (1.0, 1.0) };
        let low = low.clamp(1.0 / LARGEST, LARGEST);
        let high = high.clamp(low, LARGEST);
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        for digits in [[1.0, 2.0, 5.0].as_slice(), &[1.0, 3.0], &[1.0]] {
            let all = (first..=last).flat_map(|power| {
                let digits = digits.iter();
                digits.map(move |digit| digit * 10_f64.powi(power))
            });
            let all: Vec<f64> = all.collect();
            let from = all.iter().rposition(|&tick| tick <= low * (1.0 + 1e-9));
            let to = all.iter().position(|&tick| tick >= high * (1.0 - 1e-9));
            let from = from.unwrap_or(0);
            let to = to.unwrap_or(0).max(from + 1).min(all.len() - 1);
            let few = to - from < TICKS + 2;
            // Even of whole powers there may be too many.
            let every = if few { 1 } else { (to - from) / TICKS + 1 };
            if few || digits.len() == 1 {
                return Self {
                    low: all[from],
                    high: all[to],
                    logarithmic: true,
                    ticks: all[from..=to].iter().copied().step_by(every).collect(),
                };
            }
        }
        Self::linear(low, high)
    }

    /// Where a number stands: 0 at the low end, 1 at the high one.
    pub(crate) fn place(&self, number: f64) -> f64 {
        let place = match self.logarithmic {
            false => (number - self.low) / (self.high - self.low),
            true => (number / self.low).log10() / (self.high / self.low).log10(),
        };
        if place.is_nan() {
            0.0
        } else {
            place.clamp(0.0, 1.0)
        }
    }

    /// What is written beside the axis at each tick.
    pub(crate) fn labels(&self) -> Vec<String> {
        if self.logarithmic {
            let plain = |tick: f64| match (1e-4..1e5).contains(&tick) {
                true => numbers::decimals(tick, (0.1 - tick.log10().floor()).max(0.0) as usize),
                false => numbers::short(tick),
            };
            return self.ticks.iter().map(|&tick| plain(tick)).collect();
        }
        let step = match self.ticks.as_slice() {
            [first, second, ..] => second - first,
            _ => 1.0,
        };
        let largest = self.low.abs().max(self.high.abs());
        let label = |&tick: &f64| {
            if step < 1e-4 || largest >= 1e6 {
                return numbers::short(if tick.abs() < step / 2.0 { 0.0 } else { tick });
            }
            numbers::decimals(
                tick,
                (-(step + step * 1e-9).log10().floor()).max(0.0) as usize,
            )
        };
        self.ticks.iter().map(label).collect()
    }
}

/// Two ends that are finite, in order, and apart.
fn widened(low: f64, high: f64) -> (f64, f64) {
    let (low, high) = (low.clamp(-LARGEST, LARGEST), high.clamp(-LARGEST, LARGEST));
    // NaN passes through `clamp`.
    if low.is_nan() || high.is_nan() || low > high {
        return (0.0, 1.0);
    }
    if high - low <= (1e-9 * low.abs().max(high.abs())).max(1.0 / LARGEST) {
        let around = if low.abs() < 1e-90 {
            1.0
        } else {
            0.1 * low.abs()
        };
        return (low - around, high + around);
    }
    (low, high)
}

/// The round number, 1, 2 or 5 times a power of ten, next above.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powi(step.log10().floor() as i32);
    let rounds = [1.0, 2.0, 5.0].map(|digit| digit * power);
    let above = rounds
        .into_iter()
        .find(|&round| round >= step * (1.0 - 1e-9));
    above.unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn a_linear_scale_has_round_ends_and_round_ticks() {
        let scale = Scale::linear(0.013, 2.31);
        assert_eq!(scale.labels(), ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]);
        assert_eq!(
            (scale.place(0.0), scale.place(1.25), scale.place(2.5)),
            (0.0, 0.5, 1.0)
        );
        assert_eq!(
            Scale::linear(0.9312, 0.9954).labels(),
            ["0.92", "0.94", "0.96", "0.98", "1.00"]
        );
        assert_eq!(
            Scale::linear(0.0, 0.004).labels(),
            ["0.000", "0.001", "0.002", "0.003", "0.004"]
        );
    }

    #[test]
    fn epochs_are_whole_and_end_where_they_end() {
        assert_eq!(Scale::whole(1, 30).labels(), ["1", "10", "20", "30"]);
        assert_eq!(Scale::whole(1, 3).labels(), ["1", "2", "3"]);
        assert_eq!(Scale::whole(1, 1).labels(), ["1"]);
        assert_eq!(Scale::whole(1, 1).place(1.0), 0.5);
    }

    #[test]
    fn a_logarithmic_scale_has_equal_factors_equally_far_apart() {
        let scale = Scale::logarithmic(0.031, 2.3);
        let labels = ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5"];
        assert_eq!(scale.labels(), labels);
        assert!(
            (scale.place(0.2) - scale.place(0.1) - (scale.place(2.0) - scale.place(1.0))).abs()
                < 1e-12
        );
        let labels = ["0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3"];
        assert_eq!(Scale::logarithmic(0.001, 2.5).labels(), labels);
    }

    #[test]
    fn whatever_the_numbers_few_ticks_within_the_scale() {
        let odd = [
            0.0,
            -0.0,
            1.0,
            -3.7,
            1e-300,
            1e300,
            -1e300,
            5e-324,
            1e17,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.999_999_999_9,
        ];
        for low in odd {
            for high in odd {
                for scale in [Scale::linear(low, high), Scale::logarithmic(low, high)] {
                    let ticks = &scale.ticks;
                    assert!((1..=10).contains(&ticks.len()), "{low} {high}: {scale:?}");
                    assert!(ticks.is_sorted() && ticks.iter().all(|tick| tick.is_finite()));
                    assert_eq!(scale.labels().len(), ticks.len());
                    for number in odd {
                        assert!(
                            (0.0..=1.0).contains(&scale.place(number)),
                            "{low} {high} {number}"
                        );
                    }
                }
            }
        }
    }
}
