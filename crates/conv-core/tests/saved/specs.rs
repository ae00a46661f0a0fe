//! Specs as data: short forms, defaults, and what is refused.

use conv_core::ops::pool::Pool;
use conv_core::shape::{Padding, Window};
use conv_core::spec::Layer;

fn window(json: &str) -> Result<Window, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn a_window_may_be_short() {
    let square = Window::new(5, 5);
    assert_eq!(window("5"), Ok(square));
    assert_eq!(window("[5, 5]"), Ok(square));
    assert_eq!(window(r#"{"size": 5}"#), Ok(square));
    assert_eq!(window("[5, 3]"), Ok(Window::new(5, 3)));
    assert_eq!(
        window(r#"{"size": [5, 3], "stride": 2, "dilation": [1, 2], "padding": "same"}"#),
        Ok(Window::new(5, 3)
            .stride(2)
            .dilation((1, 2))
            .padding(Padding::Same))
    );
}

#[test]
fn what_a_window_says_of_itself_reads_back() {
    let window = Window::new(5, 3).stride((2, 1)).padding(Padding::Explicit {
        top: 1,
        bottom: 2,
        left: 3,
        right: 4,
    });
    let json = serde_json::to_string(&window).unwrap();
    assert_eq!(serde_json::from_str::<Window>(&json).unwrap(), window);
}

#[test]
fn a_window_that_is_none_is_refused_with_what_it_may_be() {
    for (json, words) in [
        ("-1", "-1"),
        (r#""5""#, "a number of pixels, [height, width], or a table"),
        ("[1, 2, 3]", "length 3"),
        (r#"{"size": "a"}"#, "a number of pixels, or [height, width]"),
        (r#"{"size": 5, "strid": 2}"#, "strid"),
        (r#"{"stride": 2}"#, "missing field `size`"),
        ("1.5", "1.5"),
    ] {
        let error = window(json).unwrap_err();
        assert!(error.contains(words), "{json}: {error}");
    }
}

#[test]
fn a_pooling_window_moves_by_its_own_size() {
    let layer = |json: &str| serde_json::from_str::<Layer>(json).unwrap();
    let pool = |window| Layer::Pool {
        pool: Pool::Max,
        window,
    };
    assert_eq!(
        layer(r#"{"type": "pool", "pool": "max", "window": 2}"#),
        pool(Window::new(2, 2).stride(2))
    );
    assert_eq!(
        layer(r#"{"type": "pool", "pool": "max", "window": {"size": 3, "stride": 1}}"#),
        pool(Window::new(3, 3))
    );
}
