//! Bodies that Telegram would never send, and the status that each gets.

/// What it is, the body, the status.
pub(crate) fn bodies() -> Vec<(String, Vec<u8>, u64)> {
    let mut all = Vec::new();
    all.extend(NOT_JSON.iter().map(|body| (*body, 400)));
    all.extend(WRONG_TYPES.iter().map(|body| (*body, 400)));
    all.extend(TWICE.iter().map(|body| (*body, 400)));
    let mut all: Vec<_> =
        all.into_iter().map(|(body, status)| (body.to_owned(), body.as_bytes().to_vec(), status)).collect();
    let named = [
        ("2 MB of one word", message_with(&"x".repeat(2_000_000)).into_bytes(), 413),
        ("2 MB of nothing", vec![b' '; 2_000_000], 413),
        ("10,000 arrays", format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes(), 400),
        ("10,000 arrays without an end", "[".repeat(10_000).into_bytes(), 400),
        ("10,000 objects in an update", deep("{\"a\":", "}").into_bytes(), 400),
        ("10,000 arrays in an update", deep("[", "]").into_bytes(), 400),
        ("not UTF-8", b"\xff\xfe\xfd".to_vec(), 400),
        ("not UTF-8 inside of a string", [&b"{\"update_id\":1,\"x\":\"\xc3\x28\"}"[..]].concat(), 400),
        ("a surrogate in UTF-8", [&b"{\"update_id\":1,\"x\":\"\xed\xa0\xbd\"}"[..]].concat(), 400),
        ("UTF-16", "{\"update_id\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect(), 400),
        ("a byte order mark", "\u{feff}{\"update_id\":1}".as_bytes().to_vec(), 400),
        ("gzip", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0x56, 0x2a], 400),
        ("zeros", vec![0; 64], 400),
    ];
    all.extend(named.map(|(what, body, status)| (what.to_owned(), body, status)));
    let whole = message_with("cut");
    all.extend((0..whole.len()).step_by(7).map(|at| (whole[..at].to_owned(), whole.as_bytes()[..at].to_vec(), 400)));
    all
}

fn message_with(text: &str) -> String {
    format!(r#"{{"update_id":1,"message":{{"chat":{{"id":1001}},"text":"{text}"}}}}"#)
}

fn deep(open: &str, close: &str) -> String {
    let nested = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    format!(r#"{{"update_id":1,"message":{{"chat":{{"id":1001}},"nested":{nested}}}}}"#)
}

const NOT_JSON: &[&str] = &[
    "",
    " ",
    "hello",
    "update_id=1&message=hello",
    "{'update_id':1}",
    "{update_id:1}",
    r#"{"update_id":1,}"#,
    r#"{"update_id":1}{"update_id":2}"#,
    r#"{"update_id":1} and more"#,
    r#"{"update_id":NaN}"#,
    r#"{"update_id":01}"#,
    r#"{"update_id":1,"x":"\x"}"#,
    r#"{"update_id":1,"x":"\ud8"}"#,
    "{\"update_id\":1,\"x\":\"a raw \u{0} in a string\"}",
    "{\"update_id\":1,\"x\":\"a raw\nnew line in a string\"}",
    "<xml/>",
];

const WRONG_TYPES: &[&str] = &[
    "null",
    "true",
    "1",
    "\"update\"",
    "[]",
    "{}",
    r#"[{"update_id":1}]"#,
    r#"{"message":{"chat":{"id":1001}}}"#,
    r#"{"update_id":null,"message":{"chat":{"id":1001}}}"#,
    r#"{"update_id":"1","message":{"chat":{"id":1001}}}"#,
    r#"{"update_id":-1,"message":{"chat":{"id":1001}}}"#,
    r#"{"update_id":1.5,"message":{"chat":{"id":1001}}}"#,
    r#"{"update_id":1e3,"message":{"chat":{"id":1001}}}"#,
    r#"{"update_id":1e999,"message":{"chat":{"id":1001}}}"#,
    r#"{"update_id":18446744073709551616,"message":{"chat":{"id":1001}}}"#,
    r#"{"update_id":{},"message":{"chat":{"id":1001}}}"#,
    r#"{"update_id":1,"message":"hello"}"#,
    r#"{"update_id":1,"message":7}"#,
    r#"{"update_id":1,"message":{}}"#,
    r#"{"update_id":1,"message":{"chat":1001}}"#,
    r#"{"update_id":1,"message":{"chat":{}}}"#,
    r#"{"update_id":1,"message":{"chat":{"id":null}}}"#,
    r#"{"update_id":1,"message":{"chat":{"id":"1001"}}}"#,
    r#"{"update_id":1,"message":{"chat":{"id":"@fox_club"}}}"#,
    r#"{"update_id":1,"message":{"chat":{"id":1001.5}}}"#,
    r#"{"update_id":1,"message":{"chat":{"id":9223372036854775808}}}"#,
    r#"{"update_id":1,"message":{"chat":{"id":1001},"message_thread_id":"5","is_topic_message":true}}"#,
    r#"{"update_id":1,"message":{"chat":{"id":1001},"message_thread_id":5,"is_topic_message":"yes"}}"#,
];

/// Two answers to the same question: which one the worker would read is anybody's guess.
const TWICE: &[&str] = &[
    r#"{"update_id":1,"update_id":2,"message":{"chat":{"id":1001}}}"#,
    r#"{"update_id":1,"message":{"chat":{"id":1001}},"message":{"chat":{"id":1002}}}"#,
    r#"{"update_id":1,"message":{"chat":{"id":1001},"chat":{"id":1002}}}"#,
    r#"{"update_id":1,"message":{"chat":{"id":1001,"id":1002}}}"#,
];
