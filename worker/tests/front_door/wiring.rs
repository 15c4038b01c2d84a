//! The environment: who may talk to the bot, where secrets come from, what is said when something is missing, what is logged.

use local::fault::{Fault, Kind};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::metrics::without_times;
use crate::support::{ADA, FOX_CLUB, GRACE, KEY, World, fault, start_worker, text};

#[tokio::test]
async fn nobody_is_let_in_unless_named_and_who_is_refused_learns_the_id_once() {
    let world = World::start_with("refused", &[("ALLOWED_CHATS", "")]).await;
    let said = world.says(ADA, "hello").await;
    assert_eq!(said.len(), 1);
    assert!(text(&said[0]).contains("1001"), "{}", text(&said[0]));
    assert_eq!(world.says(ADA, "hello?").await.len(), 0, "told once");
    assert_eq!(world.says(ADA, "/start").await.len(), 0);
    assert_eq!(world.says(GRACE, "hello").await.len(), 1, "each learns it");
    assert_eq!(world.says(FOX_CLUB, "hello all").await.len(), 0, "and not those who did not ask");
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn a_chat_or_a_person_can_be_let_in() {
    let world = World::start_with("let-in", &[("ALLOWED_CHATS", "1002, -1001234567890")]).await;
    assert!(text(&world.says(GRACE, "hello").await[0]).contains("hello"));
    assert!(text(&world.says(FOX_CLUB, "@lambdagram_bot hello").await[0]).contains("hello"));
    assert!(!text(&world.says(ADA, "hello").await[0]).contains("hello"));
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn secrets_come_from_ssm_by_name() {
    let aws = local::aws::shared().await.unwrap();
    let token = format!("{}:AAH5simulated-token-of-no-worth-xyz", local::corpus::BOT_ID);
    for (name, value) in [("/fox/token", token.as_str()), ("/fox/key", KEY)] {
        put_secret(&aws.url(), name, value).await;
    }
    let env = [
        ("TELEGRAM_TOKEN", ""),
        ("TELEGRAM_TOKEN_PARAM", "/fox/token"),
        ("GEMINI_API_KEY", ""),
        ("GEMINI_API_KEY_PARAM", "/fox/key"),
    ];
    let world = World::start_with("ssm", &env).await;
    assert!(text(&world.says(ADA, "hello").await[0]).contains("hello"));
}

#[tokio::test]
async fn the_connection_to_the_bucket_is_opened_while_the_secrets_are_on_their_way() {
    let bind = || async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
    let (ssm, s3) = (bind().await, bind().await);
    let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let (ssm_url, s3_url) = (url(&ssm), url(&s3));
    let env = [
        ("AWS_ENDPOINT_URL_SSM", ssm_url.as_str()),
        ("AWS_ENDPOINT_URL_S3", s3_url.as_str()),
        ("QUEUE_URL", "http://127.0.0.1:9/q.fifo"),
        ("S3_BUCKET", "bucket"),
        ("TELEGRAM_TOKEN_PARAM", "/fox/token"),
        ("GEMINI_API_KEY_PARAM", "/fox/key"),
    ];
    let answers = async {
        let (mut asked, _) = ssm.accept().await.unwrap();
        assert!(asked.read(&mut [0; 4_096]).await.unwrap() > 0);
        // SSM keeps its answer until the bucket has heard from the worker.
        let _opened = s3.accept().await.unwrap();
        let body =
            json!({ "Parameters": [{ "Name": "/fox/token", "Value": "1:t" }, { "Name": "/fox/key", "Value": "k" }] });
        let body = body.to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        asked.write_all((head + &body).as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        started = start_worker(&env) => drop(started.unwrap()),
        () = answers => {}
    }
}

async fn put_secret(endpoint: &str, name: &str, value: &str) {
    let body = json!({ "Name": name, "Value": value, "Type": "SecureString", "Overwrite": true });
    let put = local::http::loopback().build().unwrap().post(endpoint).body(body.to_string());
    let put = put
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "AmazonSSM.PutParameter")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=0",
        );
    assert!(put.send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn what_it_needs_and_lacks_is_said_at_the_start() {
    let all = [
        ("QUEUE_URL", "http://127.0.0.1:9/q.fifo"),
        ("S3_BUCKET", "bucket"),
        ("TELEGRAM_TOKEN", "1:canary-token"),
        ("GEMINI_API_KEY", "canary-key"),
    ];
    for missing in all.map(|(name, _)| name) {
        let env: Vec<_> = all.into_iter().filter(|(name, _)| *name != missing).collect();
        let Err(error) = start_worker(&env).await else { panic!("it started without {missing}") };
        assert!(error.to_string().contains(missing), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let bad = [all.as_slice(), &[("ALLOWED_CHATS", "@ada")]].concat();
    let Err(error) = start_worker(&bad).await else { panic!("it started") };
    assert!(error.to_string().contains("ALLOWED_CHATS"), "{error}");
}

#[tokio::test]
async fn its_log_has_no_words_and_no_secrets() {
    let world = World::start("log").await;
    let written = world.writes(ADA, "canary-words about a lantern");
    for words in ["canary-words again, draw a fox", "this is an unsafe prompt with canary-words", "/help"] {
        world.writes(GRACE, words);
    }
    world.telegram.faults().order(Fault { chat_id: Some(ADA), ..fault("sendMessage", Kind::BreakBefore) });
    world.gemini.faults().order(fault("generateContent", Kind::Status { code: 503, description: None }));
    world.deliver().await;
    world.wait_for_work().await;
    assert_eq!(world.said_since(0, GRACE).len(), 3);
    let log = without_times(&world.worker.finish().await);
    assert!(log.contains(&written.update_id.to_string()), "{log}");
    for secret in ["canary", "lantern", "no-worth", "1001", "1002", "Ada", "Grace", "Simulated"] {
        assert!(!log.contains(secret), "{secret:?} is in the log:\n{log}");
    }
}
