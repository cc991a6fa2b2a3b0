//! The cryptography of rustls belongs to the program. A process has one default for it, so this test has a
//! process of its own.
#![cfg(feature = "rustls")]

use sansws_tokio::connect;
use sansws_tokio::rustls::crypto::{CryptoProvider, ring};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_client_leaves_the_default_of_rustls_to_the_program() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("wss://{}/", listener.local_addr().unwrap());
    let _serving = tokio::spawn(async move {
        loop {
            drop(listener.accept().await);
        }
    });
    let error = connect(&uri).await.unwrap_err();
    assert!(CryptoProvider::get_default().is_none());
    if error.to_string().contains("no trusted root certificates") {
        return; // such a system gives the client nothing to configure
    }
    // The client uses what the program has chosen: no cipher at all.
    let own = CryptoProvider { cipher_suites: Vec::new(), ..ring::default_provider() };
    own.install_default().unwrap();
    let error = connect(&uri).await.unwrap_err();
    assert!(error.to_string().contains("usable cipher suites"), "{error}");
}
