//! A bucket as S3 has it, as far as the worker speaks it: objects, ETags, conditional writes.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

#[derive(Default)]
pub struct Bucket {
    objects: BTreeMap<String, (u64, Bytes)>,
    writes: u64,
    /// Takes everything and remembers nothing: the worker is without its memory.
    forgetful: bool,
}

impl Bucket {
    pub fn new(forgetful: bool) -> Self {
        Self { forgetful, ..Self::default() }
    }

    pub fn get(&self, key: &str) -> Response {
        match self.objects.get(key).filter(|_| !self.forgetful) {
            Some((version, bytes)) => ([(header::ETAG, etag(*version))], bytes.clone()).into_response(),
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
        }
    }

    /// `Err` without effect.
    pub fn put(&mut self, key: &str, headers: &HeaderMap, bytes: Bytes) -> Result<Response, Box<Response>> {
        let condition = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let version = self.objects.get(key).map(|(version, _)| *version);
        match (condition(header::IF_MATCH), condition(header::IF_NONE_MATCH), version) {
            _ if self.forgetful => {}
            (Some(_), _, None) => return Err(error(StatusCode::NOT_FOUND, "NoSuchKey").into()),
            (Some(wanted), _, Some(version)) if wanted != etag(version) => return Err(precondition_failed().into()),
            (None, Some("*"), Some(_)) => return Err(precondition_failed().into()),
            _ => {}
        }
        self.writes += 1;
        self.objects.insert(key.to_owned(), (self.writes, bytes));
        Ok([(header::ETAG, etag(self.writes))].into_response())
    }

    pub fn objects(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.objects.iter().map(|(key, (_, bytes))| (key.as_str(), bytes))
    }
}

pub fn error(status: StatusCode, code: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}

fn precondition_failed() -> Response {
    error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed")
}

fn etag(version: u64) -> String {
    format!("\"{version:032x}\"")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn put(bucket: &mut Bucket, name: header::HeaderName, value: &str) -> u16 {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]);
        bucket.put("k", &headers, Bytes::new()).unwrap_or_else(|refused| *refused).status().as_u16()
    }

    #[test]
    fn a_write_is_refused_when_the_object_is_another() {
        let mut bucket = Bucket::default();
        assert_eq!(put(&mut bucket, header::IF_MATCH, "\"x\""), 404);
        assert_eq!(put(&mut bucket, header::IF_NONE_MATCH, "*"), 200);
        assert_eq!(put(&mut bucket, header::IF_NONE_MATCH, "*"), 412);
        assert_eq!(put(&mut bucket, header::IF_MATCH, &etag(1)), 200);
        assert_eq!(put(&mut bucket, header::IF_MATCH, &etag(1)), 412);
        assert_eq!(bucket.get("k").headers()[header::ETAG].to_str().unwrap(), etag(2));
    }

    #[test]
    fn a_forgetful_bucket_takes_all_and_has_nothing() {
        let mut bucket = Bucket::new(true);
        assert_eq!(put(&mut bucket, header::IF_MATCH, "\"x\""), 200);
        assert_eq!(bucket.get("k").status(), 404);
    }
}
