//! The relaxed instructions of a WebAssembly module. But for the multiply-add, whose rounding is asked for when a program
//! starts, an engine may answer them as it likes.

use std::collections::BTreeMap;

use anyhow::Result;
use wasmparser::{Parser, Payload};

/// How many there are.
#[derive(Debug, PartialEq)]
pub(crate) struct Relaxed {
    pub(crate) multiply_adds: usize,
    /// The names of all others, each with how often it is there.
    pub(crate) others: Vec<String>,
}

/// Counts those of a module.
pub(crate) fn count(module: &[u8]) -> Result<Relaxed> {
    let mut counts = BTreeMap::<String, usize>::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::CodeSectionEntry(body) = payload? else {
            continue;
        };
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let name = format!("{:?}", operators.read()?);
            if name.contains("Relaxed") {
                *counts.entry(name).or_default() += 1;
            }
        }
    }
    let multiply_adds = counts.remove("F32x4RelaxedMadd").unwrap_or(0);
    let others = counts.iter().map(|(name, count)| format!("{count} {name}"));
    Ok(Relaxed {
        multiply_adds,
        others: others.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with one function of this body, from no values to nothing.
    fn module(body: &[u8]) -> Vec<u8> {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        // A type, a function of it, and its code, without locals.
        module.extend([1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0]);
        let size = u8::try_from(body.len() + 2).unwrap();
        module.extend([10, size + 2, 1, size, 0]);
        module.extend(body);
        module.push(0x0b);
        module
    }

    #[test]
    fn the_multiply_add_is_counted_and_the_others_are_named() {
        const SPLAT: [u8; 4] = [0x41, 0, 0xfd, 0x11];
        // f32x4.relaxed_madd is 0xfd 0x105, f32x4.relaxed_min is 0xfd 0x10d.
        let multiply_add = [&SPLAT[..], &SPLAT, &SPLAT, &[0xfd, 0x85, 2, 0x1a]].concat();
        let minimum = [&SPLAT[..], &SPLAT, &[0xfd, 0x8d, 2, 0x1a]].concat();
        let twice = [&multiply_add[..], &minimum, &multiply_add].concat();
        assert_eq!(
            count(&module(&twice)).unwrap(),
            Relaxed {
                multiply_adds: 2,
                others: vec!["1 F32x4RelaxedMin".to_owned()],
            }
        );
        assert!(count(b"no module").is_err());
    }
}
