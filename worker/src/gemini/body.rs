//! A request as it goes out. A photo's base64 is made piece by piece while it is sent: whole, it would lie in memory
//! beside the photo, and a photo may have 20 MB.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::{Body, Bytes, Frame, SizeHint};

/// A multiple of three: so the pieces' base64 is that of the whole.
const PIECE_BYTES: usize = 48 * 1024;
/// Where the base64 belongs. Nobody's words look like it: inside a string, JSON escapes the quotes.
const GAP: &str = r#""data":"""#;

/// `json` as it is, or with the photo in its last gap.
pub(super) fn body(json: String, photo: Option<Arc<Vec<u8>>>) -> reqwest::Body {
    let Some(photo) = photo else { return json.into() };
    let left = (json.len() + photo.len().div_ceil(3) * 4) as u64;
    reqwest::Body::wrap(Pieces { pieces: pieces(&json, photo), left })
}

struct Pieces<I> {
    pieces: I,
    /// Bytes: in the end, the request's length.
    left: u64,
}

impl<I: Iterator<Item = String> + Unpin> Body for Pieces<I> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.next();
        self.left -= piece.as_ref().map_or(0, String::len) as u64;
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece.into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

fn pieces(json: &str, photo: Arc<Vec<u8>>) -> impl Iterator<Item = String> + use<> {
    // The last: only the history comes before the question.
    let gap = json.rfind(GAP).map_or(json.len(), |gap| gap + GAP.len() - 1);
    let (head, tail) = json.split_at(gap);
    let (head, tail) = (head.to_owned(), tail.to_owned());
    let photo = (0..photo.len().div_ceil(PIECE_BYTES)).map(move |piece| {
        let rest = &photo[piece * PIECE_BYTES..];
        STANDARD.encode(&rest[..rest.len().min(PIECE_BYTES)])
    });
    [head].into_iter().chain(photo).chain([tail])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_photo_stands_in_its_gap_whole() {
        let history = r#"{"text":"he said \"data\":\"\""},{"inlineData":{"data":""}}"#;
        let json = format!(r#"[{history},{{"mimeType":"image/png","data":""}},{{"text":"and \"data\":\"\"?"}}]"#);
        for bytes in [1, 2, 3, PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 1] {
            let photo: Vec<u8> = (0..bytes).map(|byte| byte as u8).collect();
            let sent: String = pieces(&json, Arc::new(photo.clone())).collect();
            let expected = json
                .replace(r#""image/png","data":"""#, &format!(r#""image/png","data":"{}""#, STANDARD.encode(&photo)));
            assert!(sent == expected, "{bytes} bytes");
            let length = reqwest::Body::size_hint(&body(json.clone(), Some(Arc::new(photo)))).exact();
            assert_eq!(length, Some(sent.len() as u64));
        }
    }
}
