//! Two workers with one update: whoever wrote first is respected.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use local::fault::Kind;

use crate::support::{ADA, NOTHING, World, fault};

#[tokio::test]
async fn a_send_that_another_worker_made_meanwhile_counts() {
    let world = World::start("overtaken").await;
    world.telegram.faults().order(fault("sendMessage", Kind::BreakAfter));
    world.writes(ADA, "hello");
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    let kept = world.work_on(&batch).await;
    world.release(&kept).await;

    // The worker loads this, and before it can sign for the second send, another one has made it, in vain as well.
    let once = world.history("1001").await;
    let twice = once.replace(r#""unconfirmed":1"#, r#""unconfirmed":2"#);
    assert_ne!(once, twice);
    world.door.overtake("conversations/1001.json", twice.as_bytes());
    assert_eq!(world.work().await.len(), 1);
    assert_eq!(world.said_since(0, ADA).len(), 1, "the other one's was the one repetition");
    assert!(world.history("1001").await.contains(r#""unconfirmed":2"#));
}

#[tokio::test]
async fn of_two_workers_with_one_update_the_one_that_stores_its_answer_first_sends_it() {
    let world = World::start("fence").await;
    let until_ms = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap() + 60_000;
    let update_id = world.writes(ADA, "hello").update_id;
    let pending = format!(
        r#"{{"version":1,"pending":[{{"update_id":{update_id},"reply_to":1,"pieces":[{{"text":{{"text":"Hello!","entities":[]}}}}],"next":0,"unconfirmed":1,"claim":{{"by":"another","until_ms":{until_ms}}},"turn":null}}]}}"#
    );
    world.deliver().await;
    world.door.overtake("conversations/1001.json", pending.as_bytes());
    let batch = world.queue.receive().await.unwrap();
    let kept = world.work_on(&batch).await;
    let wait_s = world.waits_s();
    assert!(kept.len() == 1 && (50..=62).contains(&wait_s[0]), "until the other one's send is over: {wait_s:?}");
    assert_eq!(world.history("1001").await, pending);

    // It has sent it, just before this worker answers by itself again.
    world.put_object("conversations/1001.json", br#"{"version":1}"#).await;
    world.door.overtake("conversations/1001.json", format!(r#"{{"version":1,"done":[{update_id}]}}"#).as_bytes());
    world.release(&kept).await;
    assert_eq!(world.work().await, NOTHING);
    assert_eq!((world.said_since(0, ADA).len(), world.asked()), (0, 2));
}

#[tokio::test]
async fn the_progress_of_another_worker_is_not_overwritten() {
    let world = World::start("progress").await;
    world.telegram.faults().order(fault("sendMessage", Kind::Slow { ms: 1_500 }));
    world.writes(ADA, "a long answer, please");
    world.deliver().await;
    let rival = async {
        world.telegram.call_matching(Duration::from_secs(15), |call| call.method == "sendMessage").await.unwrap();
        // Another one has confirmed two parts meanwhile, and let go of the answer before the third.
        let mut object: serde_json::Value = serde_json::from_str(&world.history("1001").await).unwrap();
        let pending = &mut object["pending"][0];
        assert!(pending["pieces"].as_array().unwrap().len() >= 3);
        (pending["next"], pending["unconfirmed"]) = (2.into(), 0.into());
        pending["claim"] = serde_json::json!({ "by": "", "until_ms": 0 });
        world.put_object("conversations/1001.json", object.to_string().as_bytes()).await;
    };
    let (kept, ()) = tokio::join!(world.work(), rival);
    assert_eq!(kept.len(), 1);
    assert!(world.history("1001").await.contains(r#""next":2"#));
    assert_eq!(world.said_since(0, ADA).len(), 1, "the second part is not sent again");
}
