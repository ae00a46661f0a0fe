//! The page around the sections: one file that fetches nothing and runs nothing.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::numbers;

const STYLE: &str = include_str!("style.css");
/// A browser is told to load nothing: neither scripts nor anything from elsewhere.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
/// A page with this icon asks for no other.
const ICON: &str = "data:,";

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

/// A whole number that may be missing.
pub(crate) fn count(number: Option<u64>) -> String {
    number.map_or("—".into(), numbers::count)
}
