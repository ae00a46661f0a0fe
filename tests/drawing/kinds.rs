//! Kinds of pictures that people have of digits.

use ndarray::{Array2, ArrayView2, Axis};

use super::canvas::{Canvas, Colour, both, drawn, enlarged, grey, skeleton};
use super::random::Random;

/// Their names, and how a file of each is made.
pub const KINDS: [(&str, Kind); 16] = [
    ("plain", plain),
    ("tight", tight),
    ("frame", frame),
    ("page", page),
    ("dust", dust),
    ("bar", bar),
    ("card", card),
    ("vignette", vignette),
    ("shadow", shadow),
    ("noise", noise),
    ("jpeg", jpeg),
    ("scale", scale),
    ("small", small),
    ("thin", thin),
    ("thick", thick),
    ("colour", colour),
];

/// Makes the file of a picture of a digit (28, 28).
pub type Kind = fn(ArrayView2<'_, u8>, &mut Random) -> Vec<u8>;

/// Paper and pen.
fn colours(random: &mut Random) -> (Colour, Colour) {
    let (paper, pen) = dark_on_light(random);
    match random.chance(0.3) {
        true => (pen, paper),
        false => (paper, pen),
    }
}

fn dark_on_light(random: &mut Random) -> (Colour, Colour) {
    (
        grey(random.between(180.0, 255.0)),
        grey(random.between(0.0, 80.0)),
    )
}

/// Pixels along the side of the digit's 28 × 28.
fn side(random: &mut Random) -> usize {
    random.by_ratio(56.0, 420.0) as usize
}

/// A digit on paper with more margins of up to `more` times its side.
fn sheet(
    image: ArrayView2<'_, u8>,
    random: &mut Random,
    side: usize,
    (paper, pen): (Colour, Colour),
    more: f32,
) -> Canvas {
    let mut margin = || (random.unit() * more * side as f32) as usize;
    let [top, bottom, left, right] = [margin(), margin(), margin(), margin()];
    let mut canvas = Canvas::new((side + top + bottom, side + left + right), paper);
    canvas.draw(&enlarged(image, side), (top, left), pen);
    canvas
}

fn plain(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, colours) = (side(random), colours(random));
    sheet(image, random, side, colours, 0.8).png()
}

/// Cut to the digit, or up to two pixels around it.
fn tight(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, (paper, pen)) = (side(random), colours(random));
    let by = side as f32 / 28.0;
    let extent = |axis: usize| {
        let lines = image.axis_iter(Axis(axis));
        let inked: Vec<bool> = lines
            .map(|line| line.iter().any(|&level| level > 60))
            .collect();
        let first = inked.iter().position(|&inked| inked).unwrap_or(0);
        let last = inked.iter().rposition(|&inked| inked).unwrap_or(27);
        let pixels = |line: usize| (line as f32 * by) as usize;
        (pixels(first), pixels(last + 1))
    };
    let ((top, bottom), (left, right)) = (extent(0), extent(1));
    let ink = enlarged(image, side);
    let cut = Array2::from_shape_fn((bottom - top, right - left), |(y, x)| {
        ink[[top + y, left + x]]
    });
    let margin = random.below(3);
    let mut canvas = Canvas::new(
        (bottom - top + 2 * margin, right - left + 2 * margin),
        paper,
    );
    canvas.draw(&cut, (margin, margin), pen);
    canvas.png()
}

/// A line around it, at the edge or close to it.
fn frame(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, (paper, pen)) = (side(random), colours(random));
    let mut canvas = sheet(image, random, side, (paper, pen), 0.5);
    let width = 1 + random.below((side / 30).max(1));
    let start = match random.chance(0.3) {
        true => 1 + random.below((side / 30).max(1)),
        false => 0,
    };
    let part = if random.chance(0.6) {
        1.0
    } else {
        random.between(0.2, 1.0)
    };
    let line = grey(paper[0] + part * (pen[0] - paper[0]));
    let (rows, columns) = (canvas.height(), canvas.width());
    let end = start + width;
    canvas.fill(start..end, start..columns - start, line);
    canvas.fill(rows - end..rows - start, start..columns - start, line);
    canvas.fill(start..rows - start, start..end, line);
    canvas.fill(start..rows - start, columns - end..columns - start, line);
    canvas.png()
}

/// A canvas in a page that has the colour of the ink or another one.
fn page(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, (paper, pen)) = (side(random), colours(random));
    let inner = sheet(image, random, side, (paper, pen), 0.4);
    let other = grey(random.between(0.0, 255.0));
    let as_ink = random.chance(0.8) || (other[0] - paper[0]).abs() < 60.0;
    let page = if as_ink { pen } else { other };
    let mut margin = || (random.between(0.03, 0.3) * side as f32) as usize + 1;
    let [top, bottom, left, right] = [margin(), margin(), margin(), margin()];
    let shape = (inner.height() + top + bottom, inner.width() + left + right);
    let mut canvas = Canvas::new(shape, page);
    canvas.lay(&inner, (top, left));
    canvas.png()
}

fn dust(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, (paper, pen)) = (side(random), colours(random));
    let mut canvas = sheet(image, random, side, (paper, pen), 1.2);
    for _ in 0..1 + random.below(10) {
        let size = 1 + random.below((side / 40).max(1));
        let (y, x) = (random.below(canvas.height()), random.below(canvas.width()));
        let level = paper[0] + (pen[0] - paper[0]) * random.unit();
        canvas.fill(y..y + size, x..x + size, grey(level));
    }
    canvas.png()
}

/// One or two edges dark.
fn bar(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, (paper, pen)) = (side(random), colours(random));
    let inner = sheet(image, random, side, (paper, pen), 0.4);
    let thick = (random.between(0.02, 0.15) * side as f32) as usize + 1;
    let line = match random.chance(0.5) {
        true => pen,
        false => grey((pen[0] + paper[0]) / 2.0),
    };
    let (rows, columns) = (inner.height() + 2 * thick, inner.width() + 2 * thick);
    let mut canvas = Canvas::new((rows, columns), paper);
    canvas.lay(&inner, (thick, thick));
    for _ in 0..1 + random.below(2) {
        match random.below(4) {
            0 => canvas.fill(0..thick, 0..columns, line),
            1 => canvas.fill(rows - thick..rows, 0..columns, line),
            2 => canvas.fill(0..rows, 0..thick, line),
            _ => canvas.fill(0..rows, columns - thick..columns, line),
        }
    }
    canvas.png()
}

/// A card on a desk, turned by up to nine degrees.
fn card(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, (paper, pen)) = (side(random), dark_on_light(random));
    let inner = sheet(image, random, side, (paper, pen), 0.3);
    let desk = random.between(40.0, 150.0).min(paper[0] - 50.0);
    let desk = [
        desk,
        desk * random.between(0.8, 1.0),
        desk * random.between(0.6, 1.0),
    ];
    let more = 2 * (random.between(0.15, 0.6) * side as f32) as usize
        + inner.height().max(inner.width()) / 5;
    let (rows, columns) = (inner.height() + more, inner.width() + more);
    let mut canvas = Canvas::new((rows, columns), desk);
    for pixel in &mut canvas.pixels {
        let grain = 6.0 * random.normal();
        *pixel = pixel.map(|level| level + grain);
    }
    let tangent = random.between(-0.16, 0.16);
    let length = (1.0 + tangent * tangent).sqrt();
    let middle = |length: usize| length as f32 / 2.0;
    for ((y, x), pixel) in canvas.pixels.indexed_iter_mut() {
        let (down, right) = (y as f32 - middle(rows), x as f32 - middle(columns));
        let own_y = (down - tangent * right) / length + middle(inner.height());
        let own_x = (tangent * down + right) / length + middle(inner.width());
        let inside = own_y >= 0.0 && own_x >= 0.0;
        if let Some(colour) = inner
            .pixels
            .get((own_y as usize, own_x as usize))
            .filter(|_| inside)
        {
            *pixel = *colour;
        }
    }
    canvas.png()
}

/// Corners that get less light.
fn vignette(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, (dark, light)) = (side(random), dark_on_light(random));
    let colours = if random.chance(0.2) {
        (light, dark)
    } else {
        (dark, light)
    };
    let mut canvas = sheet(image, random, side, colours, 0.5);
    let (most, power) = (random.between(0.3, 0.75), random.between(1.5, 4.0));
    canvas.light(|y, x| {
        let from_middle = ((y - 0.5).powi(2) + (x - 0.5).powi(2)).sqrt() * 2_f32.sqrt();
        1.0 - most * from_middle.powf(power)
    });
    canvas.png()
}

/// A side that gets less light, behind an edge that is sharp or soft.
fn shadow(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, colours) = (side(random), dark_on_light(random));
    let mut canvas = sheet(image, random, side, colours, 0.5);
    let (down, right) = random.between(0.0, std::f32::consts::TAU).sin_cos();
    let (place, width) = (random.between(-0.4, 0.4), random.between(0.004, 0.3));
    let left_over = random.between(0.4, 0.8);
    canvas.light(|y, x| {
        let inside = (y - 0.5) * down + (x - 0.5) * right - place;
        1.0 - (1.0 - left_over) * (inside / width + 0.5).clamp(0.0, 1.0)
    });
    canvas.png()
}

/// Normal noise, grey or coloured; or black and white pixels.
fn noise(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, colours) = (side(random), colours(random));
    let mut canvas = sheet(image, random, side, colours, 0.5);
    if random.chance(0.6) {
        let (deviation, coloured) = (random.between(5.0, 50.0), random.chance(0.5));
        for pixel in &mut canvas.pixels {
            let common = random.normal();
            for level in pixel {
                let own = if coloured { random.normal() } else { common };
                *level = (*level + deviation * own).clamp(0.0, 255.0);
            }
        }
    } else {
        let part = random.between(0.002, 0.03);
        for pixel in &mut canvas.pixels {
            if random.chance(part) {
                *pixel = grey(if random.chance(0.5) { 0.0 } else { 255.0 });
            }
        }
    }
    canvas.png()
}

fn jpeg(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, colours) = (side(random), colours(random));
    let canvas = sheet(image, random, side, colours, 0.6);
    canvas.jpeg(random.between(6.0, 50.0) as u8)
}

/// From half of the digit's own pixels to a hundred times as many.
fn scale(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, colours) = (random.by_ratio(14.0, 3000.0) as usize, colours(random));
    sheet(image, random, side, colours, 0.0).png()
}

/// A small digit anywhere on a large sheet, with up to two specks.
fn small(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (paper, pen) = colours(random);
    let (rows, columns) = (500 + random.below(1100), 500 + random.below(1100));
    let side = (random.between(0.05, 0.12) * rows.max(columns) as f32) as usize;
    let mut canvas = Canvas::new((rows, columns), paper);
    let place = (random.below(rows - side), random.below(columns - side));
    canvas.draw(&enlarged(image, side), place, pen);
    for _ in 0..random.below(3) {
        let size = 1 + random.below(2);
        let (y, x) = (random.below(rows), random.below(columns));
        canvas.fill(y..y + size, x..x + size, pen);
    }
    canvas.png()
}

fn with_strokes(random: &mut Random, (paper, pen): (Colour, Colour), ink: &Array2<f32>) -> Vec<u8> {
    let side = ink.nrows();
    let margin = (random.between(0.1, 0.6) * side as f32) as usize;
    let mut canvas = Canvas::new((side + 2 * margin, side + 2 * margin), paper);
    canvas.draw(ink, (margin, margin), pen);
    canvas.png()
}

/// The digit's middle lines, from one pixel to a pixel of the digit wide.
fn thin(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, colours) = (side(random).min(280), colours(random));
    let lines = skeleton(&enlarged(image, side));
    let radius = random.between(0.5, (0.02 * side as f32).max(0.51));
    with_strokes(random, colours, &drawn(&lines, radius))
}

/// With a pen of 3 to 4 pixels of the digit along its middle lines.
fn thick(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let (side, colours) = (side(random).min(280), colours(random));
    let ink = enlarged(image, side);
    let radius = random.between(0.055, 0.075) * side as f32;
    let thick = drawn(&skeleton(&ink), radius);
    with_strokes(random, colours, &both(&thick, &ink))
}

/// Paper and pen of different colours, some of equal luma.
fn colour(image: ArrayView2<'_, u8>, random: &mut Random) -> Vec<u8> {
    let pairs = [
        ([255.0, 255.0, 255.0], [255.0, 235.0, 0.0]),
        ([0.0, 128.0, 0.0], [255.0, 52.0, 0.0]),
        ([0.0, 60.0, 0.0], [202.0, 0.0, 0.0]),
        ([250.0, 240.0, 220.0], [30.0, 50.0, 170.0]),
        ([120.0, 120.0, 255.0], [160.0, 130.0, 30.0]),
        ([255.0, 255.0, 255.0], [120.0, 220.0, 255.0]),
        ([20.0, 20.0, 60.0], [255.0, 140.0, 0.0]),
        ([230.0, 60.0, 150.0], [80.0, 140.0, 70.0]),
    ];
    let (side, pair) = (side(random), pairs[random.below(pairs.len())]);
    let canvas = sheet(image, random, side, pair, 0.6);
    match random.chance(0.3) {
        true => canvas.jpeg(80),
        false => canvas.png(),
    }
}
