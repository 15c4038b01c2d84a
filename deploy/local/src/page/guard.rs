//! Lets only this machine's browser in, and only from the page itself: a web site that was made to resolve to 127.0.0.1,
//! or that posts here from its own page, is refused.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::CONTENT_SECURITY_POLICY;

pub(super) async fn check(request: Request, next: Next) -> Response {
    if let Err(reason) = allowed(request.method(), request.headers()) {
        return (StatusCode::FORBIDDEN, reason).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn allowed(method: &Method, headers: &HeaderMap) -> Result<(), &'static str> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST).unwrap_or_default();
    if !matches!(without_port(host), "127.0.0.1" | "localhost") {
        return Err("This page is for this machine alone: open it as http://127.0.0.1.\n");
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let same = text(header::ORIGIN).is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
    let site = text(HeaderName::from_static("sec-fetch-site")).unwrap_or("none");
    if same && matches!(site, "same-origin" | "none") {
        return Ok(());
    }
    Err("Another site may not write here.\n")
}

fn without_port(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        allowed(&method, &headers.collect()).is_ok()
    }

    #[test]
    fn a_foreign_name_that_resolves_to_this_machine_is_refused() {
        assert!(verdict(Method::GET, &[("host", "127.0.0.1:8080")]));
        assert!(verdict(Method::GET, &[("host", "localhost")]));
        assert!(!verdict(Method::GET, &[("host", "rebound.example:8080")]));
        assert!(!verdict(Method::GET, &[("host", "127.0.0.1.example")]));
        assert!(!verdict(Method::GET, &[]));
    }

    #[test]
    fn another_site_cannot_post() {
        let host = ("host", "127.0.0.1:8080");
        assert!(verdict(Method::POST, &[host, ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")]));
        assert!(verdict(Method::POST, &[host]), "curl and tests send no origin");
        assert!(!verdict(Method::POST, &[host, ("origin", "https://evil.example")]));
        assert!(!verdict(Method::POST, &[host, ("origin", "null")]));
        assert!(!verdict(Method::POST, &[host, ("origin", "http://127.0.0.1:9090")]));
        assert!(!verdict(Method::DELETE, &[host, ("sec-fetch-site", "cross-site")]));
    }
}
