//! One HTTP client, with this project's one TLS: rustls on ring, the roots compiled in.

use std::time::Duration;

use anyhow::Result;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// # Errors
/// When TLS cannot be set up.
pub fn client() -> Result<reqwest::Client> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30));
    Ok(client.build()?)
}
