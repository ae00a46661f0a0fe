//! One HTML file out of many: styles, scripts, phrases, modules and data stand in it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::module::Built;

/// Files of other places that the page shows or reads: as texts by these names, and as bytes.
const TEXTS: [(&str, &str); 4] = [
    ("printed-page", "tests/golden/chapter-10-conv.txt"),
    ("block-starts", "crates/page/web/listing.json"),
    ("listing-python", "benches/peers/listing_book.py"),
    ("listing-rust", "crates/conv-core/examples/chapter.rs"),
];
const BYTES: [(&str, &str); 5] = [
    ("model", "crates/page/web/quick.safetensors"),
    (
        "train-images",
        "crates/mnist-data/data/train-images-idx3-ubyte.gz",
    ),
    (
        "train-labels",
        "crates/mnist-data/data/train-labels-idx1-ubyte.gz",
    ),
    (
        "test-images",
        "crates/mnist-data/data/t10k-images-idx3-ubyte.gz",
    ),
    (
        "test-labels",
        "crates/mnist-data/data/t10k-labels-idx1-ubyte.gz",
    ),
];

/// The page.
pub(super) fn page(root: &Path, simd128: &Built, relaxed: &Built) -> Result<String> {
    let web = root.join("crates/page/web");
    let mut styles = String::new();
    for file in files(&web.join("styles"), "css")? {
        styles += &text(&file)?;
    }
    // A module imports another by its bare name, which this map leads to its text: so they stay the modules that they
    // are, from a file as well, where scripts may load nothing.
    let mut imports = Vec::new();
    for file in files(&web.join("modules"), "js")? {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let source = STANDARD.encode(text(&file)?);
        imports.push(format!(
            "\"{name}\":\"data:text/javascript;charset=utf-8;base64,{source}\""
        ));
    }
    let mut first = String::new();
    for language in ["en", "zh"] {
        let phrases = text(&web.join(format!("phrases/{language}.json")))?;
        inert(&mut first, &format!("phrases-{language}"), &phrases);
    }
    let mut last = String::new();
    for (name, file) in TEXTS {
        inert(&mut last, name, &text(&root.join(file))?);
    }
    inert(&mut last, "worker", &text(&web.join("worker.js"))?);
    for (name, module) in [("simd128", simd128), ("relaxed", relaxed)] {
        inert(&mut last, &format!("{name}-script"), &module.script);
        let packed = packed(&gzip(&module.wasm)?)?;
        inert(&mut last, &format!("{name}-wasm"), &packed);
    }
    for (name, file) in BYTES {
        let file = root.join(file);
        let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
        inert(&mut last, name, &packed(&bytes)?);
    }
    let mut page = text(&web.join("index.html"))?;
    for (mark, content) in [
        ("<!-- styles -->", format!("<style>\n{styles}</style>")),
        (
            "<!-- imports -->",
            format!(
                "<script type=\"importmap\">{{\"imports\":{{{}}}}}</script>",
                imports.join(",")
            ),
        ),
        (
            "<!-- phrases -->",
            format!("{first}<script>\n{}</script>", text(&web.join("early.js"))?),
        ),
        ("<!-- data -->", last),
    ] {
        ensure!(
            page.matches(mark).count() == 1,
            "index.html has not one {mark}"
        );
        page = page.replace(mark, &content);
    }
    Ok(page)
}

/// A text that the page carries and no browser runs.
fn inert(page: &mut String, name: &str, text: &str) {
    // Within a script only its end, and the beginning of another, mean something.
    let text = text
        .replace("</script", "<\\/script")
        .replace("<!--", "<\\!--");
    let _ = writeln!(
        page,
        "<script type=\"text/plain\" id=\"{name}\">{text}</script>"
    );
}

/// Bytes as a text: how many there are, in four bytes of which the first is the least, then they, then zeros to a multiple
/// of four; all of it in Z85, which takes five characters for four bytes where base64 takes more.
fn packed(bytes: &[u8]) -> Result<String> {
    let mut all = u32::try_from(bytes.len())?.to_le_bytes().to_vec();
    all.extend(bytes);
    all.resize(all.len().next_multiple_of(4), 0);
    Ok(z85::encode(all))
}

/// The files of a folder with this extension, by name.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn text(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| file.display().to_string())
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_end_its_script() {
        let mut page = String::new();
        inert(&mut page, "name", "a </script> <!-- <script>");
        assert_eq!(page.matches("</script").count(), 1);
        assert!(!page.contains("<!--"));
    }

    /// Whatever the modules compute, all else is where it should be.
    #[test]
    fn everything_stands_in_the_page() {
        let root = crate::workspace::root().unwrap();
        let module = |script: &str| Built {
            wasm: b"\0asm".to_vec(),
            script: script.to_owned(),
        };
        let page = page(root, &module("one();"), &module("two();")).unwrap();
        for name in [
            "phrases-en",
            "phrases-zh",
            "relaxed-wasm",
            "test-images",
            "printed-page",
        ] {
            assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
        }
        assert!(page.contains("one();") && page.contains("two();"));
        // Each name is there once.
        let mut names: Vec<&str> = page.split(" id=\"").skip(1).collect();
        for name in &mut names {
            *name = name.split('"').next().unwrap_or_default();
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        // Nothing is loaded from anywhere.
        for outside in ["src=\"http", "href=\"http", "@import", "url(http"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
