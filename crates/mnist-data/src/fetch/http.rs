//! One HTTP request on a thread of its own, so that whoever waits for it may stop waiting.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime};

use reqwest::blocking::{Client, Response};
use reqwest::header::{
    CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use reqwest::{StatusCode, redirect};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::Verifier;

const REDIRECTS: usize = 5;
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait to be written.
const QUEUE: usize = 4;

pub(super) struct Request {
    pub(super) url: String,
    /// Where to go on; with 0 the whole file is asked for.
    pub(super) from: u64,
    /// Go on only if the file is still this one.
    pub(super) if_range: Option<String>,
    pub(super) connect: Duration,
    /// For the answer, and for each read.
    pub(super) read: Duration,
}

/// What the server says about what follows.
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) content_type: Option<String>,
    pub(super) content_range: Option<ContentRange>,
    /// Bytes that follow.
    pub(super) length: Option<u64>,
    pub(super) validator: Option<String>,
    pub(super) retry_after: Option<Duration>,
}

/// `Content-Range: bytes START-…/TOTAL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub(super) start: u64,
    pub(super) total: Option<u64>,
}

pub(super) enum Message {
    Head(Box<Head>),
    Chunk(Vec<u8>),
    End,
    Failed {
        cause: String,
        /// Whether it is pointless to ask again.
        permanent: bool,
    },
}

/// Sends the request. The thread ends by itself, at the latest after its time-outs, once nobody
/// listens any more.
pub(super) fn send(request: Request) -> Receiver<Message> {
    let (sender, receiver) = sync_channel(QUEUE);
    let failed = sender.clone();
    let spawned = thread::Builder::new()
        .name("mnist-data fetch".to_owned())
        .spawn(move || {
            let last =
                transfer(&request, &sender).map_or_else(|message| message, |()| Message::End);
            // Nobody listens after a cancelled fetch.
            let _ = sender.send(last);
        });
    if let Err(error) = spawned {
        let _ = failed.send(Message::Failed {
            cause: error.to_string(),
            permanent: false,
        });
    }
    receiver
}

fn transfer(request: &Request, sender: &SyncSender<Message>) -> Result<(), Message> {
    let client = client(request)?;
    let mut get = client.get(&request.url);
    if request.from > 0 {
        get = get.header(RANGE, format!("bytes={}-", request.from));
        if let Some(validator) = &request.if_range {
            get = get.header(IF_RANGE, validator);
        }
    }
    let mut response = get.send().map_err(failed)?;
    if sender
        .send(Message::Head(Box::new(head(&response))))
        .is_err()
    {
        return Ok(());
    }
    loop {
        let mut chunk = vec![0; CHUNK];
        let read = response.read(&mut chunk).map_err(|error| Message::Failed {
            cause: chain(&error),
            permanent: false,
        })?;
        if read == 0 {
            return Ok(());
        }
        chunk.truncate(read);
        if sender.send(Message::Chunk(chunk)).is_err() {
            return Ok(());
        }
    }
}

fn failed(error: reqwest::Error) -> Message {
    let permanent = error.is_redirect() || error.is_builder();
    // Whoever shows the cause shows the address, too.
    Message::Failed {
        cause: chain(&error.without_url()),
        permanent,
    }
}

/// A client for one request; proxies as the environment says.
fn client(request: &Request) -> Result<Client, Message> {
    let tls = tls().map_err(|error| Message::Failed {
        cause: chain(&error),
        permanent: true,
    })?;
    Client::builder()
        .user_agent(concat!("mnist-data/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls)
        .connect_timeout(request.connect)
        .timeout(request.read)
        .redirect(redirect::Policy::limited(REDIRECTS))
        .build()
        .map_err(failed)
}

/// TLS by rustls with the system's certificates and, for bare machines, Mozilla's. The provider of
/// the cryptography is this client's own: the one of the process is for the program to choose.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider))?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous() // The verifier is the platform's, which rustls does not know.
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn head(response: &Response) -> Head {
    let header = |name: HeaderName| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    // A weak validator does not promise the same bytes and is not for ranges.
    let tag = header(ETAG).filter(|tag| !tag.starts_with("W/"));
    Head {
        status: response.status(),
        content_type: header(CONTENT_TYPE),
        content_range: header(CONTENT_RANGE)
            .as_deref()
            .and_then(ContentRange::parse),
        length: response.content_length(),
        validator: tag.or_else(|| header(LAST_MODIFIED)),
        retry_after: header(RETRY_AFTER).and_then(|text| pause(text.trim())),
    }
}

/// `Retry-After`: seconds, or a date.
fn pause(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (start, _) = range.split_once('-')?;
        let total = if total == "*" {
            None
        } else {
            Some(total.parse().ok()?)
        };
        Some(Self {
            start: start.parse().ok()?,
            total,
        })
    }
}

/// The whole reason: reqwest's own message leaves the cause to `source`.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_content_ranges() {
        let range = |start, total| Some(ContentRange { start, total });
        assert_eq!(ContentRange::parse("bytes 5-9/10"), range(5, Some(10)));
        assert_eq!(ContentRange::parse("bytes 5-9/*"), range(5, None));
        for wrong in [
            "",
            "bytes",
            "bytes */10",
            "bytes 5/10",
            "items 5-9/10",
            "bytes -1-9/10",
        ] {
            assert_eq!(ContentRange::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reads_pauses() {
        assert_eq!(pause("120"), Some(Duration::from_secs(120)));
        let soon = SystemTime::now() + Duration::from_secs(100);
        let until = pause(&httpdate::fmt_http_date(soon)).unwrap();
        assert!(until <= Duration::from_secs(100) && until > Duration::from_secs(90));
        assert_eq!(pause("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(pause("soon"), None);
    }
}
