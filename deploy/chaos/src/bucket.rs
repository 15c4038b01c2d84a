//! A bucket as S3 has it, as far as the worker speaks it: objects, ETags, conditional writes.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

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
        Ok([(header::ETAG, self.write(key, bytes))].into_response())
    }

    /// Under another key, as it is.
    pub fn copy(&mut self, from: &str, to: &str) -> Response {
        let Some((_, bytes)) = self.objects.get(from) else { return error(StatusCode::NOT_FOUND, "NoSuchKey") };
        let bytes = bytes.clone();
        let etag = self.write(to, bytes);
        let modified = "2026-11-22T00:00:00.000Z";
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CopyObjectResult><ETag>{etag}</ETag><LastModified>{modified}\
             </LastModified></CopyObjectResult>"
        );
        ([(header::CONTENT_TYPE, "application/xml")], body).into_response()
    }

    /// What it holds is cut short: a beginning of JSON, and no more.
    pub fn corrupt(&mut self, key: &str) {
        let Some((_, bytes)) = self.objects.get(key) else { return };
        let half = bytes.slice(..bytes.len() / 2);
        self.write(key, half);
    }

    pub fn is_corrupt(&self, key: &str) -> bool {
        let parse = |bytes| serde_json::from_slice::<Value>(bytes);
        self.objects.get(key).is_some_and(|(_, bytes)| parse(bytes).is_err())
    }

    fn write(&mut self, key: &str, bytes: Bytes) -> String {
        self.writes += 1;
        self.objects.insert(key.to_owned(), (self.writes, bytes));
        etag(self.writes)
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
    fn what_was_corrupted_can_be_set_aside_as_it_is() {
        let mut bucket = Bucket::default();
        let _stored = bucket.put("k", &HeaderMap::new(), Bytes::from_static(b"{}"));
        assert!(!bucket.is_corrupt("k"));
        bucket.corrupt("k");
        assert_eq!(bucket.copy("k", "aside").status(), 200);
        assert!(bucket.is_corrupt("k") && bucket.is_corrupt("aside"));
        assert_eq!(put(&mut bucket, header::IF_MATCH, &etag(1)), 412, "it is another object now");
        assert_eq!(bucket.copy("nothing", "x").status(), 404);
    }

    #[test]
    fn a_forgetful_bucket_takes_all_and_has_nothing() {
        let mut bucket = Bucket::new(true);
        assert_eq!(put(&mut bucket, header::IF_MATCH, "\"x\""), 200);
        assert_eq!(bucket.get("k").status(), 404);
    }
}
