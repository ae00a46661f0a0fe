//! Several processes, and processes that are killed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::server::{Request, Server, head};
use crate::small::{LARGE, NAME, Root, body, entry, large_entry};

/// In a child process, what to fetch and where to.
const URL: &str = "MNIST_DATA_TEST_URL";
const ROOT: &str = "MNIST_DATA_TEST_ROOT";
const IS_LARGE: &str = "MNIST_DATA_TEST_IS_LARGE";

/// This very test as a process of its own, which then fetches.
fn child(root: &Root, url: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "processes::a_process_of_its_own_fetches"])
        .env(URL, url)
        .env(ROOT, root.path())
        .stdout(Stdio::null());
    for proxy in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(proxy).env_remove(proxy.to_uppercase());
    }
    command
}

fn spawn(root: &Root, url: &str) -> Child {
    child(root, url).spawn().unwrap()
}

#[test]
fn a_process_of_its_own_fetches() {
    if let (Ok(url), Some(root)) = (std::env::var(URL), std::env::var_os(ROOT)) {
        let large = std::env::var_os(IS_LARGE).is_some();
        let entry = if large { large_entry() } else { entry() };
        let mut fetcher = mnist_data::fetch::Fetcher::new(entry);
        fetcher = fetcher
            .root(root)
            .mirrors([url])
            .retry_policy(crate::small::policy());
        fetcher.fetch().unwrap();
        return;
    }
    let (root, server) = (Root::new(), Server::honest(body()));
    assert!(spawn(&root, &server.url).wait().unwrap().success());
    root.is_complete();
}

/// Sends the file, or the rest of it, in pieces with pauses between them.
fn slowly(
    request: &Request,
    stream: &mut TcpStream,
    body: &[u8],
    piece: usize,
    mut sent: impl FnMut(),
) -> std::io::Result<()> {
    let from = request.range.unwrap_or(0);
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
    for piece in body[from..].chunks(piece) {
        stream.write_all(piece)?;
        sent();
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

#[test]
fn two_processes_fetch_once() {
    let server = Server::start(|request, stream| slowly(request, stream, &body(), 512, || ()));
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
    let moments: Vec<u64> = moments().take(50).collect();
    // Most of the time is waited.
    let counts: Vec<(usize, usize)> = thread::scope(|scope| {
        let shares = moments.chunks(13);
        let threads: Vec<_> = shares
            .map(|moments| scope.spawn(|| killed_and_gone_on_with(moments)))
            .collect();
        let counts = threads.into_iter().map(|thread| thread.join().unwrap());
        counts.collect()
    });
    let killed: usize = counts.iter().map(|counts| counts.0).sum();
    let resumed: usize = counts.iter().map(|counts| counts.1).sum();
    assert!(killed >= 30, "killed in time: {killed} of 50");
    assert!(resumed >= 20, "gone on with: {resumed} of {killed}");
}

/// How many processes were killed before their end, at these moments, and how many of them had left a part of the file.
fn killed_and_gone_on_with(moments: &[u64]) -> (usize, usize) {
    const PIECE: usize = 16 * 1024;
    let (sender, pieces) = channel();
    let server = Server::start(move |request, stream| {
        let sender = sender.clone();
        slowly(request, stream, &LARGE, PIECE, || sender.send(()).unwrap())
    });
    let all = LARGE.len().div_ceil(PIECE) as u64;
    let (mut killed, mut resumed) = (0, 0);
    for moment in moments {
        let root = Root::large();
        let mut child = child(&root, &server.url)
            .env(IS_LARGE, "yes")
            .spawn()
            .unwrap();
        // Some die before their first step, some after the last piece, in the verification.
        'pieces: for piece in 0..moment % (all + 4) {
            while pieces.recv_timeout(Duration::from_millis(200)).is_err() {
                // On a busy machine it may be long before a process begins, but behind the last piece none comes.
                if piece >= all || child.try_wait().unwrap().is_some() {
                    break 'pieces;
                }
            }
        }
        thread::sleep(Duration::from_micros(moment % 3000));
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        if root.file(NAME).exists() {
            mnist_data::local::verify(large_entry(), root.path().join("small")).unwrap();
        }
        let (left, before) = (left(&root), server.requests().len());
        root.fetches(&[&server.url]);
        // Whatever was there is gone on with, and never fetched again.
        let later: Vec<_> = server.requests()[before..]
            .iter()
            .map(|r| r.range)
            .collect();
        match left {
            Left::Nothing => assert_eq!(later, [None]),
            Left::Some(bytes) => assert_eq!(later, [Some(bytes)]),
            Left::Everything => assert_eq!(later, []),
        }
        resumed += usize::from(matches!(left, Left::Some(_)));
        while pieces.try_recv().is_ok() {}
    }
    (killed, resumed)
}

/// What a killed process has left.
#[derive(Debug)]
enum Left {
    Nothing,
    Some(usize),
    Everything,
}

fn left(root: &Root) -> Left {
    if root.file(NAME).exists() {
        return Left::Everything;
    }
    let part = root.file(&format!("{NAME}.part"));
    let bytes = std::fs::metadata(&part).map_or(0, |about| about.len() as usize);
    let origin = std::fs::read_to_string(root.file(&format!("{NAME}.part.from")));
    // Address, validator and length, a line each: it may have died in writing them.
    let can_go_on = origin.is_ok_and(|text| text.matches('\n').count() == 3);
    match bytes {
        0 => Left::Nothing,
        _ if !can_go_on => Left::Nothing,
        _ if bytes == LARGE.len() => Left::Everything,
        _ => Left::Some(bytes),
    }
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

/// What becomes of a fetch from `url` where these variables are set.
fn with_proxy(root: &Root, url: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = child(root, url);
    command
        .envs(variables.iter().copied())
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::piped())
        .output()
        .unwrap()
}

/// A proxy that has the file itself, whatever the address.
fn proxy() -> (Server, String) {
    let server = Server::honest(body());
    let address = server.url.trim_end_matches("/data").to_owned();
    (server, address)
}

#[test]
fn a_proxy_of_the_environment_is_asked() {
    for variable in ["http_proxy", "all_proxy"] {
        let (root, (proxy, address)) = (Root::new(), proxy());
        let output = with_proxy(&root, "http://mirror.invalid/data", &[(variable, &address)]);
        assert!(output.status.success(), "{variable}: {output:?}");
        root.is_complete();
        let paths: Vec<_> = proxy.requests().into_iter().map(|r| r.path).collect();
        assert_eq!(paths, [format!("http://mirror.invalid/data/{NAME}")]);
    }
}

#[test]
fn a_proxy_is_asked_for_a_tunnel_to_a_mirror_with_tls() {
    let proxy = Server::start(|_, stream| head(stream, "403 Forbidden", &["Content-Length: 0"]));
    let address = proxy.url.trim_end_matches("/data");
    let (root, mirror) = (Root::new(), "https://mirror.invalid/data");
    for variable in ["https_proxy", "HTTPS_PROXY"] {
        let before = proxy.requests().len();
        let output = with_proxy(&root, mirror, &[(variable, address)]);
        // The test harness prints on stdout what its tests say.
        let error = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "{error}");
        assert!(
            error.contains(mirror) && error.contains("tunnel"),
            "{error}"
        );
        assert!(!root.file(NAME).exists());
        let requests = &proxy.requests()[before..];
        assert!(!requests.is_empty());
        assert!(
            requests.iter().all(|r| r.path == "mirror.invalid:443"),
            "{requests:?}"
        );
    }
}

#[test]
fn a_mirror_excepted_from_the_proxy_is_asked_itself() {
    let mirror = Server::honest(body());
    for variable in ["no_proxy", "NO_PROXY"] {
        let (root, (proxy, address)) = (Root::new(), proxy());
        let variables = [("http_proxy", &*address), (variable, "127.0.0.1")];
        let output = with_proxy(&root, &mirror.url, &variables);
        assert!(output.status.success(), "{variable}: {output:?}");
        root.is_complete();
        assert_eq!(proxy.requests().len(), 0);
    }
    assert_eq!(mirror.requests().len(), 2);
}

/// A SOCKS 5 proxy that has the file itself; the hosts that it was asked for.
fn socks() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, hosts) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().map(Result::unwrap) {
            // Version, methods: no password is one of them. RFC 1928, 3.
            let methods = take(&mut stream, 2)[1];
            take(&mut stream, methods);
            stream.write_all(&[5, 0]).unwrap();
            // Connect to a host by its name and a port. RFC 1928, 4.
            let request = take(&mut stream, 5);
            assert_eq!(request[..4], [5, 1, 0, 3]);
            let host = take(&mut stream, request[4]);
            take(&mut stream, 2);
            sender.send(String::from_utf8(host).unwrap()).unwrap();
            stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
            let mut head = [0; 4096];
            assert!(stream.read(&mut head).unwrap() > 0);
            crate::server::ok(&mut stream, &body()).unwrap();
        }
    });
    (address, hosts)
}

fn take(stream: &mut TcpStream, bytes: u8) -> Vec<u8> {
    let mut taken = vec![0; bytes.into()];
    stream.read_exact(&mut taken).unwrap();
    taken
}

#[test]
fn a_socks_proxy_is_asked_and_finds_the_host_itself() {
    let (address, hosts) = socks();
    let (root, proxy) = (Root::new(), format!("socks5h://{address}"));
    let output = with_proxy(
        &root,
        "http://mirror.invalid/data",
        &[("ALL_PROXY", &proxy)],
    );
    assert!(output.status.success(), "{output:?}");
    root.is_complete();
    assert_eq!(hosts.try_iter().collect::<Vec<_>>(), ["mirror.invalid"]);
}
