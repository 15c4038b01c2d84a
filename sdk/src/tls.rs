//! Whom the functions trust.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use shared::env;

/// TLS on ring. The roots are compiled in; `SSL_CERT_FILE` names others, as a server of one's own needs.
///
/// # Errors
/// When that file cannot be read as certificates.
pub fn client_config() -> Result<ClientConfig, String> {
    let config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots()?).with_no_client_auth())
}

fn roots() -> Result<RootCertStore, String> {
    let Some(file) = env::optional("SSL_CERT_FILE") else {
        return Ok(RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()));
    };
    let unreadable = |error: &dyn std::fmt::Display| format!("SSL_CERT_FILE {file}: {error}");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&file).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    Ok(roots)
}
