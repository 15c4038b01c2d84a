//! What the worker cannot read, on the queue or in the bucket: a clear class, and nobody else is harmed.

use local::fault::Fault;

use super::once::HELLO_AGAIN;
use crate::support::{ADA, GRACE, NOTHING, World, envelope, fault, status, text};

#[tokio::test]
async fn a_body_that_is_no_envelope_stays_and_stops_nobody_else() {
    let world = World::start("undecodable").await;
    let of_version =
        |version: u32| envelope("9", "9", HELLO_AGAIN).replace(r#""version":1"#, &format!(r#""version":{version}"#));
    let bodies = [
        "this is no envelope".to_owned(),
        r#"{"Records":[{"eventSource":"aws:s3"}]}"#.to_owned(),
        of_version(2),
        of_version(4_000_000_000),
        envelope("9", "no conversation", "{}"),
        envelope("9", "9", r#"["no update"]"#),
        envelope("9", "9", r#"{"message":{"text":"without an id"}}"#),
    ];
    for (group, body) in bodies.iter().enumerate() {
        world.queue.send(&format!("group-{group}"), &format!("{group}"), body).await.unwrap();
    }
    world.writes(ADA, "hello");
    world.deliver().await;
    assert_eq!(world.work().await.len(), bodies.len());
    assert_eq!(world.said_since(0, ADA).len(), 1);
    let classes: Vec<_> = world.logged("turn failed").iter().map(|line| line["Class"].clone()).collect();
    assert_eq!(classes, ["undecodable"; 7]);
}

#[tokio::test]
async fn an_envelope_of_the_version_before_is_answered() {
    let world = World::start("version-0").await;
    let body = envelope("424242", "1001", HELLO_AGAIN).replace(r#""version":1"#, r#""version":0"#);
    world.queue.send("1001", "424242", &body).await.unwrap();
    assert_eq!(world.work().await, NOTHING);
    assert_eq!(world.said_since(0, ADA).len(), 1);
}

#[tokio::test]
async fn a_conversation_that_cannot_be_read_is_put_aside_and_begun_anew() {
    let world = World::start("unreadable").await;
    let older = br#"{"version":0,"turns":["in a shape of long ago"]}"#.to_vec();
    let too_large = vec![b' '; 16 * 1024 * 1024 + 1];
    for (chat_id, object) in [(ADA, b"{broken".to_vec()), (GRACE, older), (ALAN, too_large)] {
        world.invite(chat_id).await;
        let key = format!("conversations/{chat_id}.json");
        world.put_object(&key, &object).await;
        assert_eq!(world.says(chat_id, "hello").await.len(), 1);
        assert!(world.history(&chat_id.to_string()).await.contains("hello"));
        let aside = format!("{key}.unreadable-");
        let aside = world.objects().await.into_iter().find(|key| key.starts_with(&aside)).unwrap();
        assert!(world.object(&aside).await.unwrap() == object, "{aside}: {} bytes", object.len());
    }
}

const ALAN: i64 = 1003;

#[tokio::test]
async fn what_cannot_be_put_aside_is_not_overwritten() {
    let world = World::start("not-aside").await;
    world.put_object("conversations/1001.json", b"{broken").await;
    world.door.faults().order(fault("CopyObject", status(403)));
    world.writes(ADA, "hello");
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    let kept = world.work_on(&batch).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(world.history("1001").await, "{broken");
    assert_eq!(world.logged("turn failed")[0]["Class"], "configuration");
    world.release(&kept).await;
    assert_eq!(world.work().await, NOTHING);
    assert_eq!(world.objects().await.len(), 2);
}

const KNOWN: &str = r#"{"version":0,"turns":[{"update_id":1,"tokens":9,"contents":[{"role":"user","parts":[{"text":"we like foxes"}]},{"role":"model","parts":[{"text":"so do I"}]}]}],"done":[1],"pending":[]}"#;

/// There is none yet: what says that it is older and has this shape is taken for what it is.
#[tokio::test]
async fn a_conversation_of_an_older_worker_goes_on() {
    let world = World::start("older").await;
    world.put_object("conversations/1001.json", KNOWN.as_bytes()).await;
    assert_eq!(world.says(ADA, "what do we like?").await.len(), 1);
    assert!(world.last_question().concat().contains("we like foxes"));
    assert!(world.history("1001").await.starts_with(r#"{"version":1,"#));
    assert_eq!(world.objects().await.len(), 1, "nothing is put aside");
}

#[tokio::test]
async fn a_bucket_that_is_closed_harms_nobody_else_and_nothing_in_it() {
    let world = World::start("closed-bucket").await;
    world.put_object("conversations/1001.json", KNOWN.as_bytes()).await;
    world.door.faults().order(Fault { chat_id: Some(ADA), ..fault("GetObject", status(403)) });
    world.writes(ADA, "what do we like?");
    world.writes(GRACE, "hello");
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    let kept = world.work_on(&batch).await;
    assert_eq!((kept.len(), world.said_since(0, GRACE).len()), (1, 1));
    assert_eq!(world.logged("turn failed")[0]["Class"], "configuration");
    assert_eq!(world.history("1001").await, KNOWN);
    world.release(&kept).await;
    assert_eq!(world.work().await, NOTHING);
    assert!(world.last_question().concat().contains("we like foxes"));
}

#[tokio::test]
async fn without_its_bucket_the_bot_is_out_of_order_until_it_has_one() {
    let mut world = World::start_with("no-bucket", &[("S3_BUCKET", "a-bucket-of-yesterday")]).await;
    let written = world.writes(ADA, "hello");
    world.deliver().await;
    world.exhaust().await;
    let said = world.said_since(0, ADA);
    assert!(text(&said[0]).starts_with("I am out of order"), "{}", text(&said[0]));
    assert_eq!((said.len(), world.asked()), (1, 0));
    for line in world.logged("turn failed") {
        assert_eq!((&line["level"], &line["Class"]), (&"ERROR".into(), &"configuration".into()), "{line}");
    }
    world.deploy(&[]).await;
    world.replay().await;
    world.exhaust().await;
    assert_eq!(world.said_since(0, ADA).len(), 2);
    assert!(world.history("1001").await.contains(&written.update_id.to_string()));
}

#[tokio::test]
async fn a_conversation_of_a_newer_worker_is_left_alone() {
    let world = World::start("newer").await;
    world.put_object("conversations/1001.json", br#"{"version":99,"of_tomorrow":true}"#).await;
    world.writes(ADA, "hello");
    world.writes(GRACE, "hello");
    world.deliver().await;
    world.exhaust().await;
    assert_eq!(world.history("1001").await, r#"{"version":99,"of_tomorrow":true}"#);
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
    assert_eq!(world.said_since(0, GRACE).len(), 1, "the others are not harmed");
    assert!(text(&world.said_since(0, ADA)[0]).contains("Reference"), "and she hears of it");
}
