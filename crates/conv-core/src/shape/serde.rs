//! Windows as data. The short form is `5` for 5 × 5 or `[5, 3]` for a height and a width; the long one is a table.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use super::pair::Pair;
use super::window::{Padding, Window};

/// A window's table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    size: Pair,
    stride: Option<Pair>,
    dilation: Option<Pair>,
    #[serde(default)]
    padding: Padding,
}

/// A window as it is written in data, in either form.
struct Form(Table);

impl Form {
    fn of(size: Pair) -> Self {
        Self(Table {
            size,
            stride: None,
            dilation: None,
            padding: Padding::Valid,
        })
    }

    /// The window; where no stride is given, it is moved by this.
    fn window(self, stride: impl FnOnce(Pair) -> Pair) -> Window {
        let table = self.0;
        let size = table.size;
        Window {
            size,
            stride: table.stride.unwrap_or_else(|| stride(size)),
            dilation: table.dilation.unwrap_or(1.into()),
            padding: table.padding,
        }
    }
}

/// A window that moves by 1 where no stride is given.
impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(data: D) -> Result<Self, D::Error> {
        Ok(Form::deserialize(data)?.window(|_| 1.into()))
    }
}

/// A window that moves by its own size where no stride is given, as one that pools does.
pub(crate) fn tile<'de, D: Deserializer<'de>>(data: D) -> Result<Window, D::Error> {
    Ok(Form::deserialize(data)?.window(|size| size))
}

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(data: D) -> Result<Self, D::Error> {
        data.deserialize_any(PairVisitor)
    }
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(data: D) -> Result<Self, D::Error> {
        data.deserialize_any(FormVisitor)
    }
}

fn pixels<E: Error>(found: i64) -> Result<Pair, E> {
    match usize::try_from(found) {
        Ok(pixels) => Ok(pixels.into()),
        Err(_) => Err(E::invalid_value(
            Unexpected::Signed(found),
            &"0 or more pixels",
        )),
    }
}

struct PairVisitor;

impl<'de> Visitor<'de> for PairVisitor {
    type Value = Pair;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of pixels, or [height, width]")
    }

    fn visit_i64<E: Error>(self, found: i64) -> Result<Pair, E> {
        pixels(found)
    }

    fn visit_u64<E: Error>(self, found: u64) -> Result<Pair, E> {
        pixels(i64::try_from(found).unwrap_or(i64::MAX))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Pair, A::Error> {
        let mut sizes = Vec::new();
        while let Some(size) = all.next_element::<usize>()? {
            sizes.push(size);
        }
        match sizes[..] {
            [height, width] => Ok((height, width).into()),
            _ => Err(A::Error::invalid_length(sizes.len(), &self)),
        }
    }
}

struct FormVisitor;

impl<'de> Visitor<'de> for FormVisitor {
    type Value = Form;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of pixels, [height, width], or a table with a size")
    }

    fn visit_i64<E: Error>(self, found: i64) -> Result<Form, E> {
        PairVisitor.visit_i64(found).map(Form::of)
    }

    fn visit_u64<E: Error>(self, found: u64) -> Result<Form, E> {
        PairVisitor.visit_u64(found).map(Form::of)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, all: A) -> Result<Form, A::Error> {
        PairVisitor.visit_seq(all).map(Form::of)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Form, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map)).map(Form)
    }
}
