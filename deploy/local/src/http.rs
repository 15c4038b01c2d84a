//! HTTP clients with this project's one TLS: rustls on ring, with the roots compiled in.

use std::sync::Arc;

use reqwest::ClientBuilder;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// For services on this machine: a proxy of the user's is not asked.
pub fn loopback() -> ClientBuilder {
    internet().no_proxy()
}

/// For real services.
pub fn internet() -> ClientBuilder {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls)
}
