//! The page around the sections: one file that fetches nothing and runs nothing.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::numbers;

const STYLE: &str = include_str!("style.css");
/// A browser is told to load nothing: neither scripts nor anything from elsewhere.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
/// A page with this icon asks for no other.
const ICON: &str = "data:,";

/// What each of two runs has in all charts and tables: a letter, and by it a colour and a dash.
pub(crate) const LETTERS: [&str; 2] = ["A", "B"];
pub(crate) const CLASSES: [&str; 2] = ["a", "b"];

/// A part of the page with a title of its own, to which the page's first lines point.
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) body: Markup,
}

impl Section {
    pub(crate) fn new(id: &'static str, title: &'static str, body: Markup) -> Self {
        Self { id, title, body }
    }
}

/// The whole page.
pub(crate) fn page(title: &str, head: &Markup, notes: &[String], sections: &[Section]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                link rel="icon" href=(ICON);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header { (head) }
                    @if !notes.is_empty() {
                        aside.notes aria-label="Notes" {
                            @for note in notes { p { (note) } }
                        }
                    }
                    nav aria-label="Sections" {
                        @for section in sections { a href=(format!("#{}", section.id)) { (section.title) } " " }
                    }
                    @for section in sections {
                        section id=(section.id) aria-labelledby=(format!("{}-title", section.id)) {
                            h2 id=(format!("{}-title", section.id)) { (section.title) }
                            (section.body)
                        }
                    }
                    footer {
                        "Made by trainer " (env!("CARGO_PKG_VERSION")) ". This file is whole: it fetches nothing and runs nothing."
                    }
                }
            }
        }
    };
    page.into_string()
}

/// The letter of a run, in its colour.
pub(crate) fn tag(at: usize) -> Markup {
    html! { span class=(format!("tag {}", CLASSES[at])) { (LETTERS[at]) } }
}

/// Figures in large type, each under its name: (name, figure, what more there is to say).
pub(crate) fn figures(figures: &[(&str, String, String)]) -> Markup {
    html! {
        dl.large {
            @for (name, figure, more) in figures {
                div {
                    dt { (name) }
                    dd { (figure) @if !more.is_empty() { " " small { (more) } } }
                }
            }
        }
    }
}

/// What is shown only when asked for.
pub(crate) fn folded(title: &str, body: &Markup) -> Markup {
    html! { details { summary { (title) } (body) } }
}

/// A text as it stands, in a box of its own.
pub(crate) fn text(label: &str, text: &str) -> Markup {
    html! { pre.scroll tabindex="0" role="region" aria-label=(label) { (text) } }
}

/// A command, broken where it has no room, so that all of it can be seen and copied.
pub(crate) fn command(label: &str, text: &str) -> Markup {
    html! { pre.command aria-label=(label) { (text) } }
}

/// A whole number that may be missing.
pub(crate) fn count(number: Option<u64>) -> String {
    number.map_or("—".into(), numbers::count)
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::{STYLE, Section, page};

    /// The relative luminance of sRGB, as WCAG 2 defines it.
    fn luminance(rgb: [f64; 3]) -> f64 {
        let linear = rgb.map(|channel| match channel / 255.0 {
            low if low <= 0.040_45 => low / 12.92,
            high => ((high + 0.055) / 1.055).powf(2.4),
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// A variable of the light or the dark theme.
    fn colour(theme: usize, name: &str) -> [f64; 3] {
        let start = format!("--{name}: #");
        let value = STYLE
            .split(&start)
            .nth(theme + 1)
            .expect("it is in both themes");
        let digits: String = value.chars().take_while(char::is_ascii_hexdigit).collect();
        let digits = match digits.len() {
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
            _ => digits,
        };
        [0, 2, 4]
            .map(|at| f64::from(u8::from_str_radix(&digits[at..at + 2], 16).expect("a colour")))
    }

    #[test]
    fn every_text_can_be_read_on_its_ground_in_both_themes() {
        let orange = [224.0, 102.0, 15.0];
        for theme in [0, 1] {
            let of = |name| colour(theme, name);
            let ground = of("ground");
            // The darkest cell of a confusion matrix.
            let cell = [0, 1, 2].map(|at| 0.6 * orange[at] + 0.4 * ground[at]);
            for (text, ground) in [
                (of("text"), ground),
                (of("text"), of("faint")),
                (of("text"), of("notice")),
                (of("text"), cell),
                (of("quiet"), ground),
                (of("quiet"), of("faint")),
                (of("a"), ground),
                (of("b"), ground),
                (of("a"), of("faint")),
                (of("b"), of("faint")),
            ] {
                let contrast = contrast(text, ground);
                assert!(
                    contrast >= 4.5,
                    "theme {theme}: {text:?} on {ground:?} has {contrast}"
                );
            }
        }
    }

    #[test]
    fn what_comes_from_a_file_is_text_and_no_more() {
        let hostile = "<script>alert('x')</script>\"&";
        let sections = [Section::new(
            "one",
            "One",
            html! { p title=(hostile) { (hostile) } },
        )];
        let page = page(
            hostile,
            &html! { h1 { (hostile) } },
            &[hostile.to_owned()],
            &sections,
        );
        assert!(!page.contains("<script"), "{page}");
        assert_eq!(
            page.matches("&lt;script&gt;alert('x')&lt;/script&gt;&quot;&amp;")
                .count(),
            5
        );
    }
}
