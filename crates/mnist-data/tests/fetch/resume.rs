//! A later attempt goes on where an earlier one ended, but only with the same file.

use std::fs;
use std::io::Write;
use std::thread;
use std::time::Duration;

use mnist_data::ErrorKind;
use mnist_data::fetch::{Cancel, Event};

use crate::server::{Server, cut, head, ok, rest, whole_or_rest};
use crate::small::{Root, body, content, gzipped};

const HALF: usize = 20_000;

/// Cuts the first answer in half, and answers later requests in another way.
fn half_first(
    later: impl Fn(&crate::server::Request, &mut std::net::TcpStream) -> std::io::Result<()>
    + Send
    + Sync
    + 'static,
) -> Server {
    Server::start(move |request, stream| match request.number {
        0 => cut(stream, &body(), HALF),
        _ => later(request, stream),
    })
}

fn ranges(server: &Server) -> Vec<Option<usize>> {
    server
        .requests()
        .iter()
        .map(|request| request.range)
        .collect()
}

/// Another file of the same length, as far as gzip goes.
fn changed() -> Vec<u8> {
    let mut changed = content();
    changed.reverse();
    gzipped(&changed)
}

#[test]
fn goes_on_at_every_tenth() {
    for tenth in 1..10 {
        let at = body().len() * tenth / 10;
        let server = Server::start(move |request, stream| match request.number {
            0 => cut(stream, &body(), at),
            _ => whole_or_rest(request, stream, &body(), "\"one\""),
        });
        Root::new().fetches(&[&server.url]);
        let requests = server.requests();
        assert_eq!(ranges(&server), [None, Some(at)]);
        assert_eq!(requests[1].if_range.as_deref(), Some("\"one\""));
    }
}

#[test]
fn goes_on_in_small_steps() {
    let server = Server::start(|request, stream| {
        let body = body();
        let from = request.range.unwrap_or(0);
        let stop = (from + 15_000).min(body.len());
        if from == 0 {
            return cut(stream, &body, stop);
        }
        let headers = [
            format!("Content-Length: {}", body.len() - from),
            format!(
                "Content-Range: bytes {from}-{}/{}",
                body.len() - 1,
                body.len()
            ),
        ];
        head(
            stream,
            "206 Partial Content",
            &headers.each_ref().map(String::as_str),
        )?;
        stream.write_all(&body[from..stop])
    });
    Root::new().fetches(&[&server.url]);
    assert_eq!(ranges(&server), [None, Some(15_000), Some(30_000)]);
}

#[test]
fn range_ignored() {
    let server = half_first(|_, stream| ok(stream, &body()));
    Root::new().fetches(&[&server.url]);
    assert_eq!(ranges(&server), [None, Some(HALF)]);
}

#[test]
fn range_answered_wrongly() {
    let server = half_first(|request, stream| match request.range {
        Some(_) => rest(stream, &body(), HALF - 1, "\"one\""),
        None => ok(stream, &body()),
    });
    Root::new().fetches(&[&server.url]);
    assert_eq!(ranges(&server), [None, Some(HALF), None]);
}

#[test]
fn range_refused() {
    let server = half_first(|request, stream| match request.range {
        Some(_) => head(stream, "416 Range Not Satisfiable", &["Content-Length: 0"]),
        None => ok(stream, &body()),
    });
    Root::new().fetches(&[&server.url]);
    assert_eq!(ranges(&server), [None, Some(HALF), None]);
}

#[test]
fn file_changed_between_two_ranges() {
    // What came first was the old file; a server that knows `If-Range` sends the new one whole.
    let server = Server::start(|request, stream| match request.number {
        0 => cut(stream, &changed(), HALF),
        _ => whole_or_rest(request, stream, &body(), "\"two\""),
    });
    Root::new().fetches(&[&server.url]);
    assert_eq!(ranges(&server), [None, Some(HALF)]);
}

#[test]
fn file_changed_and_the_server_only_says_so() {
    let server = Server::start(|request, stream| match (request.number, request.range) {
        (0, _) => cut(stream, &changed(), HALF),
        (_, Some(from)) => rest(stream, &body(), from, "\"two\""),
        (_, None) => ok(stream, &body()),
    });
    Root::new().fetches(&[&server.url]);
    assert_eq!(ranges(&server), [None, Some(HALF), None]);
}

#[test]
fn file_changed_and_the_server_says_nothing() {
    // Only the digest can tell.
    let server = Server::start(|request, stream| match (request.number, request.range) {
        (0, _) => cut(stream, &changed(), HALF),
        (_, Some(from)) => rest(stream, &body(), from, "\"one\""),
        (_, None) => ok(stream, &body()),
    });
    Root::new().fetches(&[&server.url]);
    assert_eq!(ranges(&server), [None, Some(HALF), None]);
}

#[test]
fn another_mirror_goes_on() {
    let dying = Server::start(|request, stream| match request.number {
        0 => cut(stream, &body(), HALF),
        _ => Ok(()),
    });
    let other = Server::honest(body());
    Root::new().fetches(&[&dying.url, &other.url]);
    assert_eq!(ranges(&other), [Some(HALF)]);
}

#[test]
fn another_mirror_with_another_packing_starts_anew() {
    let dying = Server::start(|_, stream| cut(stream, &body(), HALF));
    let mut two = gzipped(&content()[..30_000]);
    two.extend(gzipped(&content()[30_000..]));
    let other = Server::honest(two);
    Root::new().fetches(&[&dying.url, &other.url]);
    assert_eq!(ranges(&other), [Some(HALF), None]);
}

#[test]
fn a_server_that_is_cut_for_ever_and_knows_no_ranges_is_given_up() {
    // The same 40,000 bytes each time are no headway after the first.
    let server = Server::start(|_, stream| {
        head(stream, "200 OK", &["Content-Length: 40999"])?;
        stream.write_all(&body()[..40_000])
    });
    assert_eq!(Root::new().fails(&[&server.url])[0].tries, 3);
}

#[test]
fn a_failed_fetch_is_gone_on_with_by_the_next_one() {
    let root = Root::new();
    let dying = Server::start(|request, stream| match request.number {
        0 => cut(stream, &body(), HALF),
        _ => head(stream, "404 Not Found", &["Content-Length: 0"]),
    });
    root.fails(&[&dying.url]);
    let server = Server::honest(body());
    root.fetches(&[&server.url]);
    assert_eq!(ranges(&server), [Some(HALF)]);
}

#[test]
fn a_cancelled_fetch_ends_soon_and_is_gone_on_with() {
    let root = Root::new();
    let server = Server::start(|request, stream| match request.number {
        0 => {
            cut(stream, &body(), HALF)?;
            thread::sleep(Duration::from_secs(2));
            Ok(())
        }
        _ => whole_or_rest(request, stream, &body(), "\"one\""),
    });
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let observer = move |event: &Event<'_>| {
        if matches!(event, Event::Progress { bytes, .. } if *bytes == HALF as u64) {
            stop.cancel();
        }
    };
    let mut fetcher = root
        .fetcher(&[&server.url])
        .cancel(&cancel)
        .observer(observer);
    let error = fetcher.fetch().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Cancelled), "{error}");
    root.fetches(&[&server.url]);
    assert_eq!(ranges(&server), [None, Some(HALF)]);
}

#[test]
fn a_pause_can_be_cancelled() {
    let server = Server::start(|_, stream| {
        head(
            stream,
            "503 Service Unavailable",
            &["Retry-After: 3", "Content-Length: 0"],
        )
    });
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let observer = move |event: &Event<'_>| {
        if matches!(event, Event::Pausing { .. }) {
            stop.cancel();
        }
    };
    let root = Root::new();
    let mut fetcher = root
        .fetcher(&[&server.url])
        .cancel(&cancel)
        .observer(observer);
    assert!(matches!(
        fetcher.fetch().unwrap_err().kind(),
        ErrorKind::Cancelled
    ));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_password_in_an_address_is_sent_and_never_shown() {
    let server = half_first(|_, stream| head(stream, "404 Not Found", &["Content-Length: 0"]));
    let address = server.url.replace("http://", "http://me:secret@");
    let (root, broken) = (Root::new(), "http//me:secret@nowhere");
    let (sender, told) = std::sync::mpsc::channel();
    let observer = move |event: &Event<'_>| sender.send(format!("{event:?}")).unwrap();
    let mut fetcher = root.fetcher(&[&address, broken]).observer(observer);
    let error = fetcher.fetch().unwrap_err();
    drop(fetcher);
    let origin = fs::read_to_string(root.file("file.gz.part.from")).unwrap();
    let mut said: Vec<String> = told.iter().collect();
    said.extend([error.to_string(), format!("{error:?}"), origin]);
    assert!(said.len() > 5);
    for text in &said {
        assert!(!text.contains("secret"), "{text}");
    }
    assert!(error.to_string().contains(&server.url), "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
    for request in server.requests() {
        // me:secret
        assert_eq!(request.authorization.as_deref(), Some("Basic bWU6c2VjcmV0"));
    }
    // The address without the password is the same file's.
    assert_eq!(server.requests()[1].if_range.as_deref(), Some("\"one\""));
}
