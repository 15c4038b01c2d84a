//! The end of a run and the next one: nothing is left running, and nothing said is forgotten.

use std::net::TcpStream;
use std::time::Duration;

use tokio::time::Instant;

use crate::ADA;
use crate::processes;
use crate::run::{Run, folder};

#[tokio::test]
async fn an_interrupted_run_ends_whole_and_the_next_one_remembers() {
    let folder = folder();
    let mut run = Run::start(&folder, &[]).await;
    run.asks(ADA, ADA, "I like foxes").await;
    let ports =
        ["page", "aws", "telegram", "gemini"].map(|name| run.place(name).trim_start_matches("http://").to_owned());
    ports.iter().for_each(|port| drop(TcpStream::connect(port).unwrap()));
    if cfg!(target_os = "linux") {
        let started = processes::of(folder.path());
        assert!(started.iter().any(|process| process.contains("bin/ministack")), "{started:#?}");
        assert!(started.iter().any(|process| process.contains("bootstrap")), "{started:#?}");
    }

    run.interrupt();
    assert_eq!(run.ended().await.code(), Some(0), "{}", run.output());
    // A killed process is gone once its parent, or init, has heard of it.
    let deadline = Instant::now() + Duration::from_secs(10);
    while !processes::of(folder.path()).is_empty() {
        assert!(Instant::now() < deadline, "still there: {:#?}", processes::of(folder.path()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for port in &ports {
        assert!(TcpStream::connect(port).is_err(), "{port} is still served");
    }
    assert!(!run.ready_file().exists());

    // On other ports, which must not matter.
    let run = Run::start(&folder, &[]).await;
    assert_eq!(run.said(ADA).await.len(), 1);
    let answer = run.asks(ADA, ADA, "what do I like?").await;
    assert!(answer.contains("Before this one, you wrote: I like foxes"), "{answer}");
    assert_eq!(run.said(ADA).await.len(), 2);
}
