//! The emulated AWS starts, answers on loopback alone, keeps what it should, and leaves no process behind.

use std::path::PathBuf;

use local::ministack::{Ministack, Options, free_port};

fn venv() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.venv")
}

fn options(port: u16, state_dir: Option<PathBuf>) -> Options {
    Options { venv: venv(), port, state_dir, env: Vec::new() }
}

async fn get(url: String) -> reqwest::Result<reqwest::Response> {
    local::http::loopback().build()?.get(url).send().await
}

#[tokio::test]
async fn what_is_in_a_bucket_outlives_a_restart_and_nothing_listens_in_between() {
    let dir = tempfile::tempdir().unwrap();
    let ministack = Ministack::start(options(0, Some(dir.path().into()))).await.unwrap();
    let (url, port) = (ministack.url(), ministack.port());
    let http = local::http::loopback().build().unwrap();
    for (path, body) in [("notes", ""), ("notes/a", "kept")] {
        let answer = http.put(format!("{url}/{path}")).body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }
    ministack.stop().await.unwrap();
    assert!(get(format!("{url}/_ministack/health")).await.is_err());

    let again = Ministack::start(options(port, Some(dir.path().into()))).await.unwrap();
    assert_eq!(get(format!("{url}/notes/a")).await.unwrap().text().await.unwrap(), "kept");
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_dropped_one_ends_too() {
    let ministack = Ministack::start(options(0, None)).await.unwrap();
    let health = format!("{}/_ministack/health", ministack.url());
    drop(ministack);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while get(health.clone()).await.is_ok() {
        assert!(std::time::Instant::now() < deadline, "still there");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Ministack::start(options(port, None)).await.err().unwrap();
    assert!(format!("{error:#}").contains(&format!("port {port} is taken")), "{error:#}");
}

#[tokio::test]
async fn a_missing_venv_is_explained() {
    let nowhere = Options { venv: "/nonexistent".into(), port: free_port().unwrap(), state_dir: None, env: vec![] };
    let error = Ministack::start(nowhere).await.err().unwrap();
    assert!(error.to_string().contains("make .venv"), "{error}");
}
