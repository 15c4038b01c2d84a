//! As much of S3 as a turn needs: whole objects, replaced under a condition.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Objects;

pub(super) fn answer(objects: &mut Objects, writes: &AtomicU64, head: &Parts, body: Bytes) -> Response {
    let path = head.uri.path();
    let holds = objects.get(path).map(|(_, tag)| tag.clone());
    if head.method != Method::PUT {
        let Some((bytes, tag)) = objects.get(path).cloned() else {
            let missing = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>";
            return (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/xml")], missing).into_response();
        };
        return ([(header::ETAG, tag)], Body::from(bytes)).into_response();
    }
    let said = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let wanted = said(header::IF_MATCH);
    let lost = wanted.is_some_and(|wanted| Some(wanted) != holds.as_deref())
        || head.headers.contains_key(header::IF_NONE_MATCH) && holds.is_some();
    if lost {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    let chunked = said(header::CONTENT_ENCODING).is_some_and(|encoding| encoding.contains("aws-chunked"));
    let body = if chunked { unchunked(&body) } else { Some(body) };
    let Some(body) = body else { return StatusCode::BAD_REQUEST.into_response() };
    let tag = format!("\"{}\"", writes.fetch_add(1, Ordering::Relaxed));
    objects.insert(path.to_owned(), (body, tag.clone()));
    [(header::ETAG, tag)].into_response()
}

/// SDKs that send a checksum behind the object send it in pieces: a length in hex, its bytes, at last a 0 and the sum.
fn unchunked(mut body: &[u8]) -> Option<Bytes> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n")?;
        let length = std::str::from_utf8(&body[..end]).ok()?.split(';').next()?;
        let length = usize::from_str_radix(length, 16).ok()?;
        if length == 0 {
            return Some(whole.into());
        }
        let rest = &body[end + 2..];
        whole.extend_from_slice(rest.get(..length)?);
        body = rest.get(length + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_sent_in_pieces_is_whole_again() {
        let sent = b"5;chunk-signature=0\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        assert_eq!(unchunked(sent).unwrap(), &b"hello!"[..]);
        assert_eq!(unchunked(b"5\r\nhell"), None);
    }
}
