//! A mirror that brings much and then fails is not asked for ever: only bytes beyond those that
//! were there before are headway.

use std::fs;

use mnist_data::fetch::Event;

use crate::server::{Request, Server, cut, head, ok, rest, whole_or_rest};
use crate::small::{LARGE, NAME, Root};

const MOST: usize = 700_000;

/// Brings most of the file, once; what comes then?
fn most_first(
    later: impl Fn(&Request, &mut std::net::TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> Server {
    Server::start(move |request, stream| match request.number {
        0 => cut(stream, &LARGE, MOST),
        _ => later(request, stream),
    })
}

/// The bad mirror is asked twice, then the good one goes on where it failed.
fn the_good_mirror_goes_on(bad: &Server) {
    let good = Server::honest(LARGE.clone());
    Root::large().fetches(&[&bad.url, &good.url]);
    assert_eq!(bad.requests().len(), 2);
    let from: Vec<_> = good.requests().iter().map(|r| r.range).collect();
    assert_eq!(from, [Some(MOST)]);
}

#[test]
fn cut_and_then_busy() {
    let bad =
        most_first(|_, stream| head(stream, "503 Service Unavailable", &["Content-Length: 0"]));
    the_good_mirror_goes_on(&bad);
}

#[test]
fn cut_and_then_no_answer() {
    the_good_mirror_goes_on(&most_first(|_, _| Ok(())));
}

#[test]
fn cut_and_then_asking_for_a_pause() {
    let busy = |_: &Request, stream: &mut std::net::TcpStream| {
        let pause = ["Retry-After: 1", "Content-Length: 0"];
        head(stream, "503 Service Unavailable", &pause)
    };
    the_good_mirror_goes_on(&most_first(busy));
    // Alone, it is waited for.
    let alone = most_first(move |request, stream| match request.number {
        1 => busy(request, stream),
        _ => whole_or_rest(request, stream, &LARGE, "\"one\""),
    });
    Root::large().fetches(&[&alone.url]);
    assert_eq!(alone.requests().len(), 3);
}

#[test]
fn cut_and_then_busy_for_ever() {
    let bad =
        most_first(|_, stream| head(stream, "503 Service Unavailable", &["Content-Length: 0"]));
    // The first brings something, and goes on at once; then the three that policy allows.
    assert_eq!(Root::large().fails(&[&bad.url])[0].tries, 4);
    assert_eq!(bad.requests().len(), 4);
}

#[test]
fn always_cut_at_the_same_byte() {
    // This server knows no ranges.
    let bad = Server::start(|_, stream| cut(stream, &LARGE, MOST));
    let good = Server::start(|_, stream| ok(stream, &LARGE));
    Root::large().fetches(&[&bad.url, &good.url]);
    assert_eq!((bad.requests().len(), good.requests().len()), (2, 1));
    assert_eq!(Root::large().fails(&[&bad.url])[0].tries, 4);
}

#[test]
fn a_part_of_an_earlier_run_is_no_headway() {
    let root = Root::large();
    let dying = most_first(|_, stream| head(stream, "404 Not Found", &["Content-Length: 0"]));
    root.fails(&[&dying.url]);
    let part = root.file(&format!("{NAME}.part"));
    assert_eq!(fs::metadata(&part).unwrap().len(), MOST as u64);
    let bad =
        Server::start(|_, stream| head(stream, "503 Service Unavailable", &["Content-Length: 0"]));
    assert_eq!(root.fails(&[&bad.url])[0].tries, 3);
    let good = Server::honest(LARGE.clone());
    root.fetches(&[&bad.url, &good.url]);
    assert_eq!((bad.requests().len(), good.requests().len()), (4, 1));
}

#[test]
fn headway_goes_on_at_once() {
    // Ten answers of a tenth each: more than the retries, and no pause between them.
    let server = Server::start(|request, stream| match request.range {
        None => cut(stream, &LARGE, 100_000),
        Some(from) => {
            let stop = (from + 100_000).min(LARGE.len());
            rest_until(stream, from, stop)
        }
    });
    let root = Root::large();
    let (sender, events) = std::sync::mpsc::channel();
    let observer = move |event: &Event<'_>| {
        if matches!(event, Event::Pausing { .. }) {
            sender.send(()).unwrap();
        }
    };
    root.fetcher(&[&server.url])
        .observer(observer)
        .fetch()
        .unwrap();
    root.is_complete();
    assert_eq!(events.iter().count(), 0);
    assert_eq!(server.requests().len(), LARGE.len().div_ceil(100_000));
}

fn rest_until(stream: &mut std::net::TcpStream, from: usize, stop: usize) -> std::io::Result<()> {
    if stop == LARGE.len() {
        return rest(stream, &LARGE, from, "\"one\"");
    }
    let (total, last) = (LARGE.len(), LARGE.len() - 1);
    let headers = [
        format!("Content-Length: {}", total - from),
        format!("Content-Range: bytes {from}-{last}/{total}"),
    ];
    let headers = headers.each_ref().map(String::as_str);
    head(stream, "206 Partial Content", &headers)?;
    std::io::Write::write_all(stream, &LARGE[from..stop])
}
