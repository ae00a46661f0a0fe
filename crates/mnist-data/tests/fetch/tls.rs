//! TLS without a choice for the whole process.

use std::net::TcpListener;
use std::thread;

use crate::small::Root;

/// The program that uses this crate may choose another provider of cryptography later, which works once.
#[test]
fn no_provider_is_chosen_for_the_process() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/data", listener.local_addr().unwrap());
    // Every connection is cut, so that a handshake begins and fails.
    thread::spawn(move || listener.incoming().for_each(drop));
    let attempts = Root::new().fails(&[&url]);
    assert!(attempts[0].tries > 1, "{attempts:?}");
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
