//! What Gemini said goes into the history, and back to Gemini, byte for byte: a signature over other bytes is refused.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use crate::support::{ADA, World};

/// Written as no serializer of ours writes: blanks, an order of its own, escapes, a number, a field that we do not know.
const PART: &str =
    r#"{ "thoughtSignature" : "c2lnbmVk+\/==",  "text":"caf\u00e9 \ud83e\udd8a \/", "newField":{"b":1.50,"a":[ ]} }"#;

/// A Gemini that answers every question with this part; what it is asked comes through the channel.
fn gemini_that_says(part: &str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1beta", listener.local_addr().unwrap());
    let answer = format!(
        r#"{{"candidates":[{{"content":{{"parts":[{part}],"role":"model"}},"finishReason":"STOP"}}],"usageMetadata":{{}}}}"#
    );
    let (asked, questions) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let length = stream.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty());
            let length = length
                .filter_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
            let mut body = vec![0; length.sum()];
            stream.read_exact(&mut body).unwrap();
            // Nobody may be listening any more.
            drop(asked.send(String::from_utf8(body).unwrap()));
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
            stream.get_mut().write_all([head.as_bytes(), answer.as_bytes()].concat().as_slice()).unwrap();
        }
    });
    (url, questions)
}

#[tokio::test]
async fn what_gemini_said_is_kept_and_shown_to_it_again_byte_for_byte() {
    let (url, questions) = gemini_that_says(PART);
    let world = World::start_with("bytes", &[("GEMINI_API_URL", &url)]).await;
    for words in ["hello", "and now?"] {
        assert_eq!(world.says(ADA, words).await.len(), 1);
    }
    assert_eq!(world.history("1001").await.matches(PART).count(), 2, "as the bucket holds it");
    let questions: Vec<_> = questions.try_iter().collect();
    assert_eq!(questions.iter().map(|asked| asked.matches(PART).count()).collect::<Vec<_>>(), [0, 1]);
}
