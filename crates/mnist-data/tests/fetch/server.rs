//! A server on loopback that can do everything wrong.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// No test needs more requests to one server.
const ENOUGH: usize = 1000;

#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Counted from 0.
    pub(crate) number: usize,
    pub(crate) path: String,
    /// The first byte asked for.
    pub(crate) range: Option<usize>,
    pub(crate) if_range: Option<String>,
    pub(crate) authorization: Option<String>,
}

/// Answers until the process ends.
pub(crate) struct Server {
    /// The address of a folder.
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn start(
        answer: impl Fn(&Request, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/data", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || {
                    // A client that gives up in the middle is part of what is tested.
                    let _ = stream.and_then(|stream| converse(stream, &seen, &*answer));
                });
            }
        });
        Self { url, requests }
    }

    /// Serves one file, as a good server does.
    pub(crate) fn honest(body: Vec<u8>) -> Self {
        Self::start(move |request, stream| whole_or_rest(request, stream, &body, "\"one\""))
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn converse(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request, &mut TcpStream) -> io::Result<()>,
) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    let mut request = Request {
        number: 0,
        path: first.split(' ').nth(1).unwrap_or_default().to_owned(),
        range: None,
        if_range: None,
        authorization: None,
    };
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                let start = value
                    .strip_prefix("bytes=")
                    .and_then(|range| range.strip_suffix('-'));
                request.range = start.map(|start| start.parse().unwrap());
            }
            "if-range" => request.if_range = Some(value.to_owned()),
            "authorization" => request.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    {
        let mut seen = seen.lock().unwrap();
        request.number = seen.len();
        seen.push(request.clone());
    }
    if request.number >= ENOUGH {
        // A client that never gives up must not make a test that never ends.
        return head(&mut stream, "410 Gone", &["Content-Length: 0"]);
    }
    answer(&request, &mut stream)
}

pub(crate) fn head(stream: &mut TcpStream, status: &str, headers: &[&str]) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes())
}

/// `200 OK` with a body.
pub(crate) fn ok(stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    cut(stream, body, body.len())
}

/// The same, but the connection ends after so many bytes.
pub(crate) fn cut(stream: &mut TcpStream, body: &[u8], at: usize) -> io::Result<()> {
    head(
        stream,
        "200 OK",
        &[&format!("Content-Length: {}", body.len()), "ETag: \"one\""],
    )?;
    stream.write_all(&body[..at])
}

/// `206 Partial Content` from a byte on.
pub(crate) fn rest(stream: &mut TcpStream, body: &[u8], from: usize, tag: &str) -> io::Result<()> {
    let (total, last) = (body.len(), body.len() - 1);
    let headers = [
        format!("Content-Length: {}", total - from),
        format!("Content-Range: bytes {from}-{last}/{total}"),
        format!("ETag: {tag}"),
    ];
    head(
        stream,
        "206 Partial Content",
        &headers.each_ref().map(String::as_str),
    )?;
    stream.write_all(&body[from..])
}

/// What a server answers that knows ranges and `If-Range`.
pub(crate) fn whole_or_rest(
    request: &Request,
    stream: &mut TcpStream,
    body: &[u8],
    tag: &str,
) -> io::Result<()> {
    let same = request.if_range.as_deref().is_none_or(|asked| asked == tag);
    match request.range.filter(|_| same) {
        Some(from) if from >= body.len() => {
            head(stream, "416 Range Not Satisfiable", &["Content-Length: 0"])
        }
        Some(from) => rest(stream, body, from, tag),
        None => {
            let length = format!("Content-Length: {}", body.len());
            head(stream, "200 OK", &[&length, &format!("ETag: {tag}")])?;
            stream.write_all(body)
        }
    }
}
