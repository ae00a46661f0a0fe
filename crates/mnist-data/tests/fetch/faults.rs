//! What a mirror can do wrong, one test each: it ends in the verified file or in an error that names
//! the address and the cause, and nothing unverified has the final name.

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use mnist_data::fetch::Event;

use crate::server::{Server, cut, head, ok};
use crate::small::{Root, body, content, gzipped};

/// A mirror that fails for good is asked once, and the next one delivers.
fn the_next_mirror_delivers(bad: &Server, cause: &str) {
    let attempts = Root::new().fails(&[&bad.url]);
    assert!(attempts[0].cause.contains(cause), "{}", attempts[0]);
    assert_eq!(attempts[0].tries, 1, "{}", attempts[0]);
    let good = Server::honest(body());
    Root::new().fetches(&[&bad.url, &good.url]);
    assert_eq!(good.requests().len(), 1);
}

/// The same for failures that may pass: they are tried again.
fn is_tried_again(bad: &Server, cause: &str) {
    is_tried_again_in(Root::new, bad, &[cause]);
}

/// The same, where it is chance which of several causes is found first.
fn is_tried_again_in(root: fn() -> Root, bad: &Server, causes: &[&str]) {
    let attempts = root().fails(&[&bad.url]);
    let known = causes.iter().any(|cause| attempts[0].cause.contains(cause));
    assert!(known, "{}", attempts[0]);
    assert_eq!(attempts[0].tries, 3, "{}", attempts[0]);
    let good = Server::honest(body());
    root().fetches(&[&bad.url, &good.url]);
}

#[test]
fn not_found() {
    let server = Server::start(|_, stream| head(stream, "404 Not Found", &["Content-Length: 0"]));
    the_next_mirror_delivers(&server, "404 Not Found");
}

#[test]
fn busy_and_then_fine() {
    let server = Server::start(|request, stream| match request.number {
        0 | 1 => head(stream, "503 Service Unavailable", &["Content-Length: 0"]),
        _ => ok(stream, &body()),
    });
    Root::new().fetches(&[&server.url]);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn always_busy() {
    let server = Server::start(|_, stream| {
        head(stream, "503 Service Unavailable", &["Content-Length: 4"])?;
        stream.write_all(b"busy")
    });
    is_tried_again(&server, "503 Service Unavailable");
}

#[test]
fn a_pause_that_is_asked_for_is_made() {
    let server = Server::start(|request, stream| match request.number {
        0 => head(
            stream,
            "429 Too Many Requests",
            &["Retry-After: 1", "Content-Length: 0"],
        ),
        _ => ok(stream, &body()),
    });
    let root = Root::new();
    let (sender, pauses) = std::sync::mpsc::channel();
    let observer = move |event: &Event<'_>| {
        if let Event::Pausing { pause } = event {
            sender.send(*pause).unwrap();
        }
    };
    root.fetcher(&[&server.url])
        .observer(observer)
        .fetch()
        .unwrap();
    let pauses: Vec<Duration> = pauses.iter().collect();
    assert_eq!(pauses.len(), 1);
    // The backoff alone would be 5 ms; the answer took a moment to get here.
    assert!(pauses[0] > Duration::from_millis(500) && pauses[0] <= Duration::from_secs(1));
}

#[test]
fn a_pause_is_waited_for_while_another_mirror_uses_up_its_tries() {
    let server = Server::start(|request, stream| match request.number {
        0 => head(
            stream,
            "503 Service Unavailable",
            &["Retry-After: 1", "Content-Length: 0"],
        ),
        _ => ok(stream, &body()),
    });
    let hopeless = Server::start(|_, _| Ok(()));
    Root::new().fetches(&[&server.url, &hopeless.url]);
    assert_eq!(server.requests().len(), 2, "not before the pause is over");
    assert_eq!(hopeless.requests().len(), 3);
}

#[test]
fn a_pause_that_is_too_long_is_not() {
    let server = Server::start(|_, stream| {
        head(
            stream,
            "503 Service Unavailable",
            &["Retry-After: 3600", "Content-Length: 0"],
        )
    });
    the_next_mirror_delivers(&server, "asks to wait 3600 s");
}

#[test]
fn redirected() {
    let good = Server::honest(body());
    let target = format!("Location: {}/elsewhere", good.url);
    let server =
        Server::start(move |_, stream| head(stream, "302 Found", &[&target, "Content-Length: 0"]));
    Root::new().fetches(&[&server.url]);
    assert_eq!(good.requests()[0].path, "/data/elsewhere");
}

#[test]
fn redirected_in_a_circle() {
    let server = Server::start(|request, stream| {
        let next = format!("Location: /data/{}", request.number);
        head(stream, "302 Found", &[&next, "Content-Length: 0"])
    });
    the_next_mirror_delivers(&server, "redirect");
    assert!(server.requests().len() <= 2 * 7);
}

#[test]
fn stalled_before_the_answer() {
    let server = Server::start(|_, _| {
        thread::sleep(Duration::from_secs(3));
        Ok(())
    });
    is_tried_again_in(Root::hasty, &server, &["stalled: ", "timed out"]);
}

#[test]
fn stalled_in_the_middle() {
    let server = Server::start(|_, stream| {
        cut(stream, &body(), 5_000)?;
        thread::sleep(Duration::from_secs(3));
        Ok(())
    });
    is_tried_again_in(Root::hasty, &server, &["stalled: ", "timed out"]);
}

#[test]
fn a_trickle() {
    let server = Server::start(|_, stream| {
        cut(stream, &body(), 0)?;
        for byte in body() {
            stream.write_all(&[byte])?;
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    });
    is_tried_again_in(Root::hasty, &server, &["stalled: "]);
}

#[test]
fn a_trickle_below_the_least_speed() {
    let server = Server::start(|_, stream| {
        cut(stream, &body(), 0)?;
        // At most 50,000 bytes a second, each piece well before the stall time.
        for piece in body().chunks(1_000) {
            stream.write_all(piece)?;
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    });
    is_tried_again_in(|| Root::demanding(100_000), &server, &["stalled: "]);
    Root::demanding(1).fetches(&[&server.url]);
}

#[test]
fn cut_at_every_tenth() {
    for tenth in 0..10 {
        // This server knows no ranges.
        let server = Server::start(move |request, stream| match request.number {
            0 => cut(stream, &body(), body().len() * tenth / 10),
            _ => ok(stream, &body()),
        });
        Root::new().fetches(&[&server.url]);
        assert_eq!(server.requests().len(), 2, "{tenth}");
    }
}

#[test]
fn always_cut() {
    let server = Server::start(|_, stream| cut(stream, &body(), body().len() / 2));
    is_tried_again(&server, "after 20");
}

#[test]
fn always_cut_without_saying_how_long_it_is() {
    let server = Server::start(|_, stream| {
        head(stream, "200 OK", &[])?;
        stream.write_all(&body()[..20_000])
    });
    is_tried_again(&server, "gzip stream is damaged");
}

#[test]
fn a_length_beyond_any_right_file() {
    let server = Server::start(|_, stream| {
        head(stream, "200 OK", &["Content-Length: 1099511627776"])?;
        stream.write_all(&body())
    });
    the_next_mirror_delivers(&server, "the server promises 1099511627776");
}

#[test]
fn a_length_that_is_too_short() {
    let server = Server::start(|_, stream| {
        head(stream, "200 OK", &["Content-Length: 1000"])?;
        stream.write_all(&body())
    });
    the_next_mirror_delivers(&server, "gzip stream is damaged");
}

#[test]
fn no_end() {
    let server = Server::start(|_, stream| {
        head(stream, "200 OK", &[])?;
        stream.write_all(&[0x1f, 0x8b])?;
        loop {
            stream.write_all(&[0; 4096])?;
        }
    });
    the_next_mirror_delivers(&server, "received more");
}

#[test]
fn wrong_bytes() {
    let mut wrong = content();
    wrong[12_345] ^= 1;
    let server = Server::start(move |_, stream| ok(stream, &gzipped(&wrong)));
    the_next_mirror_delivers(&server, "expected SHA-256");
}

#[test]
fn damaged_gzip() {
    let server = Server::start(move |_, stream| {
        let mut damaged = body();
        damaged[12_345] ^= 1;
        ok(stream, &damaged)
    });
    the_next_mirror_delivers(&server, "the gzip stream is damaged: corrupt");
}

#[test]
fn a_web_page_under_its_own_type() {
    let server = Server::start(|_, stream| {
        head(
            stream,
            "200 OK",
            &[
                "Content-Type: text/html; charset=utf-8",
                "Content-Length: 14",
            ],
        )?;
        stream.write_all(b"<html>.</html>")
    });
    the_next_mirror_delivers(&server, "web page (text/html; charset=utf-8)");
}

#[test]
fn a_web_page_under_the_type_of_a_file() {
    let server = Server::start(|_, stream| ok(stream, b"<html>busy</html>"));
    the_next_mirror_delivers(&server, "web page");
}

#[test]
fn a_gzip_bomb() {
    let bomb = gzipped(&vec![0; 30 << 20]);
    assert!(bomb.len() < 40_000, "small enough to be downloaded");
    let server = Server::start(move |_, stream| ok(stream, &bomb));
    the_next_mirror_delivers(&server, "bytes after the last element: expected 40000");
}

#[test]
fn a_closed_connection() {
    let server = Server::start(|_, _| Ok(()));
    is_tried_again_in(Root::new, &server, &["connection closed", "reset"]);
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let attempts = Root::new().fails(&[&url]);
    assert!(
        attempts[0].cause.to_lowercase().contains("refused"),
        "{}",
        attempts[0]
    );
    assert_eq!(attempts[0].tries, 3);
}

#[test]
fn an_address_that_is_none() {
    let attempts = Root::new().fails(&["not an address"]);
    assert!(
        attempts[0].cause.contains("builder error"),
        "{}",
        attempts[0]
    );
    assert_eq!(attempts[0].tries, 1);
}

#[test]
fn every_mirror_fails_in_its_own_way() {
    let absent = Server::start(|_, stream| head(stream, "404 Not Found", &["Content-Length: 0"]));
    let page = Server::start(|_, stream| ok(stream, b"<html></html>"));
    let attempts = Root::new().fails(&[&absent.url, &page.url]);
    assert!(attempts[0].cause.contains("404") && attempts[1].cause.contains("web page"));
}
