//! Curves over the epochs, as SVG that takes its colours from the page.

use std::fmt::Write;

use maud::{Markup, html};

use super::numbers;
use super::scale::Scale;

/// The drawing, in the units of its view box: about pixels where three charts stand side by side.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 74.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;
/// Points of a curve, at most: more than there are pixels say nothing.
const POINTS: usize = 400;
/// Epochs up to which each point tells its value to a pointer that rests on it.
const TOLD: usize = 120;
/// Least distance between the labels of two curves.
const APART: f64 = 29.0;

/// What the numbers of a chart are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    /// Shares of 0 to 1, shown as hundredths.
    Share,
    /// Numbers above 0 of many sizes, which get a logarithmic scale where they span more than a factor of 20.
    Positive,
    /// Numbers from 0 on.
    FromZero,
}

/// A curve: its name, the class that gives it a colour and a dash, and (epoch, value) in order.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    pub(crate) class: &'static str,
    pub(crate) points: Vec<(u64, f64)>,
}

impl Curve {
    /// A curve of those values that are there and can be drawn.
    pub(crate) fn new(
        name: &'static str,
        class: &'static str,
        points: impl Iterator<Item = (u64, Option<f64>)>,
    ) -> Self {
        let points = points.filter_map(|(epoch, value)| Some((epoch, value?)));
        let points = points.filter(|(_, value)| value.is_finite());
        Self {
            name,
            class,
            points: points.collect(),
        }
    }
}

/// A chart under its title; nothing where no curve has a point.
pub(crate) fn chart(title: &str, unit: Unit, curves: &[Curve]) -> Markup {
    let curves: Vec<&Curve> = curves
        .iter()
        .filter(|curve| !curve.points.is_empty())
        .collect();
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let (Some(first), Some(last)) = (
        all().map(|&(epoch, _)| epoch).min(),
        all().map(|&(epoch, _)| epoch).max(),
    ) else {
        return html! {};
    };
    let epochs = Scale::whole(first, last);
    let low = all().map(|&(_, value)| value).fold(f64::INFINITY, f64::min);
    let high = all()
        .map(|&(_, value)| value)
        .fold(f64::NEG_INFINITY, f64::max);
    let logarithmic = unit == Unit::Positive && low > 0.0 && high / low > 20.0;
    let values = match unit {
        _ if logarithmic => Scale::logarithmic(low, high),
        Unit::Share => Scale::linear(100.0 * low, 100.0 * high),
        Unit::Positive | Unit::FromZero => Scale::linear(low.min(0.0), high),
    };
    let shown = |value: f64| {
        if unit == Unit::Share {
            100.0 * value
        } else {
            value
        }
    };
    let x = |epoch: f64| LEFT + epochs.place(epoch) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - values.place(value) * (HEIGHT - TOP - BOTTOM);
    let bottom = HEIGHT - BOTTOM;
    let caption = format!("{title} by epoch: {}", in_words(unit, &curves));
    html! {
        figure.chart {
            figcaption { (title) @if logarithmic { span.aside { " logarithmic" } } }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(caption) {
                @for (tick, label) in values.ticks.iter().zip(values.labels()) {
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(at(y(*tick))) y2=(at(y(*tick))) {}
                    text.tick x=(LEFT - 7.0) y=(at(y(*tick) + 4.0)) text-anchor="end" {
                        (label) @if unit == Unit::Share { "\u{202f}%" }
                    }
                }
                @for (tick, label) in epochs.ticks.iter().zip(epochs.labels()) {
                    line.mark x1=(at(x(*tick))) x2=(at(x(*tick))) y1=(bottom) y2=(bottom + 4.0) {}
                    text.tick x=(at(x(*tick))) y=(bottom + 18.0) text-anchor="middle" { (label) }
                }
                line.mark x1=(LEFT) x2=(WIDTH - RIGHT) y1=(bottom) y2=(bottom) {}
                text.axis x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 5.0) text-anchor="middle" { "epoch" }
                @for curve in &curves {
                    @let points = thinned(&curve.points);
                    @let place = |&(epoch, value): &(u64, f64)| (x(epoch as f64), y(shown(value)));
                    path class=(format!("curve {}", curve.class)) d=(path(points.iter().map(place))) {}
                    @if let [.., last] = points.as_slice() {
                        @let (x, y) = place(last);
                        circle class=(format!("end {}", curve.class)) cx=(at(x)) cy=(at(y)) r="3" {}
                    }
                    @if points.len() <= TOLD {
                        @for point in &points {
                            @let (x, y) = place(point);
                            circle.told cx=(at(x)) cy=(at(y)) r="5" {
                                title { (curve.name) ", epoch " (point.0) ": " (told(unit, point.1)) }
                            }
                        }
                    }
                }
                @for (curve, y) in curves.iter().zip(label_places(&curves, |value| y(shown(value)))) {
                    text class=(format!("label {}", curve.class)) x=(WIDTH - RIGHT + 9.0) y=(at(y)) {
                        (curve.name)
                        @if let Some(last) = curve.points.last() {
                            tspan.value x=(WIDTH - RIGHT + 9.0) dy="14" { (told(unit, last.1)) }
                        }
                    }
                }
            }
        }
    }
}

/// A coordinate, to a tenth.
fn at(coordinate: f64) -> String {
    let text = format!("{coordinate:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A value with its unit.
fn told(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Share => numbers::percent(value),
        Unit::Positive | Unit::FromZero => numbers::short(value),
    }
}

/// What the curves show, for those who cannot see them.
fn in_words(unit: Unit, curves: &[&Curve]) -> String {
    let one = |curve: &&Curve| {
        let (first, last) = (curve.points.first(), curve.points.last());
        let value =
            |point: Option<&(u64, f64)>| point.map_or("none".into(), |point| told(unit, point.1));
        format!("{} from {} to {}", curve.name, value(first), value(last))
    };
    let all: Vec<String> = curves.iter().map(one).collect();
    all.join("; ")
}

/// As many points as can be told apart, the last always among them.
fn thinned(points: &[(u64, f64)]) -> Vec<(u64, f64)> {
    let every = points.len().div_ceil(POINTS).max(1);
    let mut some: Vec<(u64, f64)> = points.iter().copied().step_by(every).collect();
    if let Some(&last) = points.last()
        && some.last() != Some(&last)
    {
        some.push(last);
    }
    some
}

/// A line through all points.
fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        // Writing to a String does not fail.
        let _ = write!(path, "{command}{} {}", at(x), at(y));
    }
    path
}

/// Where the names of the curves stand: beside their ends, moved apart where those meet.
fn label_places(curves: &[&Curve], y: impl Fn(f64) -> f64) -> Vec<f64> {
    let ends = curves.iter().filter_map(|curve| curve.points.last());
    let mut places: Vec<f64> = ends.map(|&(_, value)| y(value) - 1.0).collect();
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    let (top, bottom) = (TOP + 8.0, HEIGHT - BOTTOM - 12.0);
    // Down from the top, then up from the bottom, so that neither end is left.
    let mut least = top;
    for &curve in &order {
        places[curve] = places[curve].max(least);
        least = places[curve] + APART;
    }
    let mut most = bottom;
    for &curve in order.iter().rev() {
        places[curve] = places[curve].min(most);
        most = places[curve] - APART;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::{Curve, POINTS, Unit, chart, label_places, thinned};

    fn curve(values: &[f64]) -> Curve {
        let points = values.iter().enumerate();
        Curve::new(
            "training",
            "a",
            points.map(|(at, &value)| (at as u64 + 1, Some(value))),
        )
    }

    #[test]
    fn a_curve_goes_from_its_first_to_its_last_value() {
        let drawn = chart("Loss", Unit::FromZero, &[curve(&[1.0, 0.5, 0.0])]).into_string();
        assert!(drawn.contains(r#"d="M46 12L176 101L306 190""#), "{drawn}");
        assert!(
            drawn.contains("Loss by epoch: training from 1.00 to 0"),
            "{drawn}"
        );
        assert!(drawn.contains("training, epoch 2: 0.500"), "{drawn}");
    }

    #[test]
    fn losses_of_many_sizes_get_a_logarithmic_scale() {
        let drawn = |last| chart("Loss", Unit::Positive, &[curve(&[2.3, last])]).into_string();
        assert!(drawn(0.01).contains("logarithmic"));
        assert!(!drawn(0.5).contains("logarithmic"));
        assert!(!drawn(0.0).contains("logarithmic"));
    }

    #[test]
    fn without_a_value_there_is_no_chart() {
        let empty = Curve::new(
            "validation",
            "b",
            [(1, None), (2, Some(f64::NAN))].into_iter(),
        );
        assert_eq!(chart("Loss", Unit::Positive, &[empty]).into_string(), "");
    }

    #[test]
    fn a_long_run_has_no_more_points_than_pixels_and_keeps_its_last() {
        let points: Vec<(u64, f64)> = (0..100_001).map(|at| (at, at as f64)).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS + 1);
        assert_eq!(thin.last(), points.last());
    }

    #[test]
    fn names_do_not_stand_on_each_other() {
        let curves = [curve(&[0.5]), curve(&[0.5]), curve(&[0.4])];
        let curves: Vec<&Curve> = curves.iter().collect();
        let mut places = label_places(&curves, |value| 100.0 * value);
        places.sort_by(f64::total_cmp);
        assert!(
            places.windows(2).all(|pair| pair[1] - pair[0] >= 28.9),
            "{places:?}"
        );
    }
}
