//! HTTP, as far as a mirror needs it.

use std::io::{Read, Write};
use std::time::Duration;

use reqwest::blocking::Client;
use reqwest::{Certificate, redirect};

/// No answer and no byte for so long is a stall.
const STALL: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
const REDIRECTS: usize = 5;

/// Writes the body of an address to `out`; says in words what went wrong.
pub(super) fn download(url: &str, out: &mut impl Write, limit: u64) -> Result<(), String> {
    let mut response = client()?.get(url).send().map_err(|error| chain(&error))?;
    if !response.status().is_success() {
        return Err(format!("the server answered {}", response.status()));
    }
    let promised = response.content_length();
    if promised.is_some_and(|bytes| bytes > limit) {
        return Err(format!(
            "expected at most {limit} bytes, the server promises more"
        ));
    }
    let mut buffer = vec![0; 64 * 1024];
    let mut received = 0;
    loop {
        let read = response
            .read(&mut buffer)
            .map_err(|error| format!("after {received} bytes: {}", chain(&error)))?;
        if read == 0 {
            break;
        }
        received += read as u64;
        if received > limit {
            return Err(format!(
                "expected at most {limit} bytes, the server sends more"
            ));
        }
        out.write_all(&buffer[..read])
            .map_err(|error| error.to_string())?;
    }
    match promised {
        Some(promised) if promised != received => {
            Err(format!("expected {promised} bytes, received {received}"))
        }
        _ => Ok(()),
    }
}

/// TLS by rustls with the system's certificates and, for bare machines, Mozilla's; proxies as the
/// environment says.
fn client() -> Result<Client, String> {
    // An error means that the program has chosen a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|certificate| Certificate::from_der(certificate))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| chain(&error))?;
    Client::builder()
        .user_agent(concat!("mnist-data/", env!("CARGO_PKG_VERSION")))
        .tls_certs_merge(roots)
        .connect_timeout(CONNECT)
        .timeout(STALL)
        .redirect(redirect::Policy::limited(REDIRECTS))
        .build()
        .map_err(|error| chain(&error))
}

/// The whole reason: reqwest's own message leaves the cause to `source`.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
