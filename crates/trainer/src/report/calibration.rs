//! Whether the network is as often right as it says it is.

use maud::{Markup, html};

use super::numbers;
use crate::evaluation::Calibration;

const SIZE: f64 = 380.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
/// The plot ends here, and below it stand the counts.
const PLOT: f64 = SIZE - 118.0;
const COUNTS: (f64, f64) = (SIZE - 106.0, SIZE - 44.0);

/// The diagram: accuracy by confidence, and below it how many images had that confidence.
pub(crate) fn diagram(calibration: &Calibration) -> Markup {
    let x = |share: f64| LEFT + share * (SIZE - LEFT - RIGHT);
    let y = |share: f64| PLOT - share * (PLOT - TOP);
    let bins = &calibration.bins;
    let images: usize = bins.iter().map(|bin| bin.images).sum();
    let most = bins.iter().map(|bin| bin.images).max().unwrap_or(0).max(1) as f64;
    let words = format!(
        "Accuracy by confidence, in {} bins; expected calibration error {}",
        bins.len(),
        numbers::percent(calibration.error)
    );
    html! {
        figure.calibration {
            svg viewBox=(format!("0 0 {SIZE} {SIZE}")) role="img" aria-label=(words) {
                @for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
                    line.grid x1=(LEFT) x2=(SIZE - RIGHT) y1=(at(y(tick))) y2=(at(y(tick))) {}
                    text.tick x=(LEFT - 7.0) y=(at(y(tick) + 4.0)) text-anchor="end" { (100.0 * tick) "\u{202f}%" }
                    text.tick x=(at(x(tick))) y=(SIZE - 26.0) text-anchor=(if tick == 1.0 { "end" } else { "middle" }) {
                        (100.0 * tick) "\u{202f}%"
                    }
                }
                @for bin in bins {
                    @if let (Some(accuracy), Some(confidence)) = (bin.accuracy, bin.confidence) {
                        @let told = format!(
                            "confidence {}, accuracy {}, {} images",
                            numbers::percent(confidence),
                            numbers::percent(accuracy),
                            numbers::count(bin.images as u64)
                        );
                        @let width = at(x(bin.to) - x(bin.from) - 2.0);
                        rect.bar x=(at(x(bin.from) + 1.0)) y=(at(y(accuracy))) width=(width) height=(at(PLOT - y(accuracy))) {
                            title { (told) }
                        }
                        line.confidence x1=(at(x(bin.from) + 1.0)) x2=(at(x(bin.to) - 1.0)) y1=(at(y(confidence))) y2=(at(y(confidence))) {}
                        @let height = (bin.images as f64 / most * (COUNTS.1 - COUNTS.0)).max(0.75);
                        rect.count x=(at(x(bin.from) + 1.0)) y=(at(COUNTS.1 - height)) width=(width) height=(at(height)) {
                            title { (told) }
                        }
                    }
                }
                line.diagonal x1=(LEFT) y1=(PLOT) x2=(SIZE - RIGHT) y2=(TOP) {}
                line.mark x1=(LEFT) x2=(SIZE - RIGHT) y1=(PLOT) y2=(PLOT) {}
                line.mark x1=(LEFT) x2=(SIZE - RIGHT) y1=(COUNTS.1) y2=(COUNTS.1) {}
                text.axis x=(LEFT + 8.0) y=(TOP + 14.0) { "accuracy" }
                text.axis x=(LEFT + 8.0) y=(COUNTS.0 + 10.0) { "images" }
                text.axis x=((LEFT + SIZE - RIGHT) / 2.0) y=(SIZE - 6.0) text-anchor="middle" { "confidence" }
            }
            figcaption {
                "Expected calibration error: " strong { (numbers::percent(calibration.error)) }
                ", the mean over the " (numbers::count(images as u64)) " images of the distance between a bar (how \
                 often the network was right) and its tick (how sure it was). On the dashed line both are the same."
            }
        }
    }
}

/// A coordinate, to a tenth.
fn at(coordinate: f64) -> String {
    format!("{coordinate:.1}")
}
