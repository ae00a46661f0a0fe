//! Several processes, and processes that are killed.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::server::{Request, Server, head};
use crate::small::{NAME, Root, body};

/// In a child process, what to fetch and where to.
const URL: &str = "MNIST_DATA_TEST_URL";
const ROOT: &str = "MNIST_DATA_TEST_ROOT";

/// This very test as a process of its own, which then fetches.
fn spawn(root: &Root, url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::a_process_of_its_own_fetches"])
        .env(URL, url)
        .env(ROOT, root.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_process_of_its_own_fetches() {
    if let (Ok(url), Some(root)) = (std::env::var(URL), std::env::var_os(ROOT)) {
        let mut fetcher = mnist_data::fetch::Fetcher::new(crate::small::entry());
        fetcher = fetcher
            .root(root)
            .mirrors([url])
            .patience(crate::small::patience());
        fetcher.fetch().unwrap();
        return;
    }
    let (root, server) = (Root::new(), Server::honest(body()));
    assert!(spawn(&root, &server.url).wait().unwrap().success());
    root.is_complete();
}

/// Sends the file, or the rest of it, in pieces of a kilobyte with pauses between them.
fn slowly(
    request: &Request,
    stream: &mut TcpStream,
    pause: Duration,
    mut sent: impl FnMut(),
) -> std::io::Result<()> {
    let (body, from) = (body(), request.range.unwrap_or(0));
    let range = format!(
        "Content-Range: bytes {from}-{}/{}",
        body.len() - 1,
        body.len()
    );
    let length = format!("Content-Length: {}", body.len() - from);
    let status = if from > 0 {
        "206 Partial Content"
    } else {
        "200 OK"
    };
    head(stream, status, &[&range, &length, "ETag: \"one\""])?;
    for piece in body[from..].chunks(1024) {
        stream.write_all(piece)?;
        sent();
        thread::sleep(pause);
    }
    Ok(())
}

#[test]
fn two_processes_fetch_once() {
    let server =
        Server::start(|request, stream| slowly(request, stream, Duration::from_millis(5), || ()));
    let root = Root::new();
    let children = [spawn(&root, &server.url), spawn(&root, &server.url)];
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    root.is_complete();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_process_killed_at_any_moment_is_gone_on_with() {
    let (sender, pieces) = channel();
    let server = Server::start(move |request, stream| {
        let sender = sender.clone();
        slowly(request, stream, Duration::from_millis(1), || {
            sender.send(()).unwrap();
        })
    });
    let (mut killed, mut resumed) = (0, 0);
    for moment in moments().take(50) {
        let root = Root::new();
        let mut child = spawn(&root, &server.url);
        // Some die before their first step, some after all 40 pieces, in the verification.
        for _ in 0..moment % 44 {
            if pieces.recv_timeout(Duration::from_millis(200)).is_err() {
                break;
            }
        }
        thread::sleep(Duration::from_micros(moment % 3000));
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        if root.file(NAME).exists() {
            mnist_data::fetch::verify(crate::small::entry(), &root.path().join("small")).unwrap();
        }
        let before = server.requests().len();
        root.fetches(&[&server.url]);
        let later = &server.requests()[before..];
        resumed += later
            .iter()
            .filter(|request| request.range.is_some())
            .count();
        while pieces.try_recv().is_ok() {}
    }
    assert!(killed >= 30, "killed in time: {killed} of 50");
    assert!(resumed >= 10, "gone on with: {resumed} of {killed}");
}

/// The same numbers every time, without a pattern.
fn moments() -> impl Iterator<Item = u64> {
    let mut state = 7_u64;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state >> 33
    })
}

#[cfg(unix)]
#[test]
fn proxies_of_the_environment_are_honoured() {
    let proxy = Server::start(|request, stream| {
        assert!(
            request.path.starts_with("http://mirror.invalid/data/"),
            "{}",
            request.path
        );
        crate::server::ok(stream, &body())
    });
    let root = Root::new();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::a_process_of_its_own_fetches"])
        .env(URL, "http://mirror.invalid/data")
        .env(ROOT, root.path())
        .env("http_proxy", proxy.url.trim_end_matches("/data"))
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(child.success());
    root.is_complete();
    assert_eq!(proxy.requests().len(), 1);
}
