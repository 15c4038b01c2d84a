//! `list` and `show`: what lies there and why, without changing it and without people's words.

use serde_json::json;

use crate::support::{WORDS, World};

#[tokio::test]
async fn an_empty_queue_says_so_kindly() {
    let world = World::start("empty").await;
    let listed = world.run(&["list"]).await;
    assert_eq!((listed.code, &*listed.out), (0, "The dead-letter queue is empty: every update found its end.\n"));
    let replayed = world.run(&["replay"]).await;
    assert_eq!((replayed.code, &*replayed.out), (0, "The dead-letter queue is empty: there is nothing to do.\n"));
}

#[tokio::test]
async fn list_says_whose_update_failed_how_long_ago_and_why() {
    let world = World::start("list").await;
    world.dead(501, "-1001234567890:42", 7500).await;
    world.dead(502, "7", 93_700).await;
    world.dead(503, "-1001234567890:42", 93_700).await;
    world.remembers("-1001234567890:42", &[(501, "configuration", "Gemini: 404 NOT_FOUND model gone\u{1b}[31m")]).await;
    let listed = world.run(&["list"]).await;
    let lines: Vec<Vec<&str>> = listed.out.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
    let cells: Vec<Vec<&str>> =
        lines.iter().map(|line| line.iter().copied().filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(cells[0], ["CONVERSATION", "UPDATE", "AGE", "ATTEMPTS", "CLASS", "LAST ERROR"]);
    let gone = "Gemini: 404 NOT_FOUND model gone\u{fffd}[31m";
    assert_eq!(cells[1], ["-1001234567890:42", "501", "2h 5m", "12", "configuration", gone]);
    assert_eq!(cells[2], ["-1001234567890:42", "503", "1d 2h", "-", "unknown", "-"]);
    assert_eq!(cells[3], ["7", "502", "1d 2h", "-", "unknown", "-"]);
    assert_eq!(listed.out.lines().last(), Some("3 messages of 2 conversations."));
    assert!(!listed.out.contains(WORDS) && listed.code == 0);
    assert_eq!(world.dlq.depth().await.unwrap(), (3, 0), "all are free again");
}

#[tokio::test]
async fn list_in_json_has_the_same() {
    let world = World::start("list-json").await;
    world.dead(501, "7", 7500).await;
    world.remembers("7", &[(501, "transient", "Telegram: 502")]).await;
    let listed = world.json(&["list"]).await;
    let message = &listed["messages"][0];
    let expected = json!([501, "7", "transient", "Telegram: 502", 12, "conversations/7.json", false]);
    let names = ["update_id", "conversation", "class", "error", "attempts", "object", "foreign"];
    assert_eq!(json!(names.map(|name| &message[name])), expected);
    assert!((7500..7560).contains(&message["age_s"].as_u64().unwrap()));
    assert_eq!(json!(["not_seen", "held_elsewhere"].map(|name| &listed[name])), json!([0, 0]));
}

#[tokio::test]
async fn what_lies_behind_the_first_ten_of_a_conversation_is_counted() {
    let world = World::start("behind").await;
    for update_id in 1..=13 {
        world.dead(update_id, "7", 60).await;
    }
    let listed = world.run(&["list"]).await;
    let says = "10 messages of 1 conversation.\n3 more could not be looked at: ";
    assert!(listed.out.contains(says), "{}", listed.out);
    assert_eq!(world.left().await, (1..=13).collect::<Vec<u64>>());
}

#[tokio::test]
async fn what_another_one_holds_is_counted() {
    let world = World::start("held").await;
    world.dead(1, "7", 60).await;
    world.dlq.receive().await.unwrap();
    let listed = world.run(&["list"]).await;
    assert!(listed.out.contains("1 is held by another run"), "{}", listed.out);
    assert!(!listed.out.contains("empty"));
}

#[tokio::test]
async fn show_tells_everything_and_peoples_words_only_when_asked() {
    let world = World::start("show").await;
    world.dead(501, "7", 60).await;
    world.remembers("7", &[(501, "transient", "Telegram: 502")]).await;
    let shown = world.run(&["show", "501"]).await;
    assert_eq!(shown.code, 0);
    for part in ["update id      501\n", "class          transient\n", "kind           message\n", "Telegram: 502"] {
        assert!(shown.out.contains(part), "{part} {}", shown.out);
    }
    assert!(!shown.out.contains(WORDS));
    assert!(world.run(&["show", "501", "--with-text"]).await.out.contains(WORDS));
    assert_eq!(world.json(&["show", "501"]).await["text"], json!(null));
    let with_text = world.json(&["show", "501", "--with-text"]).await;
    assert_eq!(with_text["text"]["message"]["text"], format!("{WORDS} é\u{1}"));

    let message_id = with_text["message_id"].as_str().unwrap();
    assert_eq!(world.json(&["show", message_id]).await["update_id"], 501);
    let missing = world.run(&["show", "502"]).await;
    assert_eq!((missing.code, &*missing.err), (3, "Not found: 502\n"));
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
}

#[tokio::test]
async fn a_foreign_message_is_listed_as_such_and_its_body_is_not_quoted() {
    let world = World::start("foreign-list").await;
    world.dlq.send("who knows", "1", WORDS).await.unwrap();
    let listed = world.run(&["list", "--foreign"]).await;
    assert!(listed.out.contains("undecodable  not an envelope"), "{}", listed.out);
    assert!(!listed.out.contains(WORDS));
    let listed = world.json(&["list", "--foreign"]).await;
    let id = listed["messages"][0]["message_id"].as_str().unwrap();
    assert!(!world.run(&["show", id]).await.out.contains(WORDS));
    assert!(world.run(&["show", id, "--with-text"]).await.out.contains(WORDS));
    // A plain list leaves nothing out.
    let plain = world.json(&["list"]).await;
    assert_eq!(plain["messages"][0]["foreign"], true);
}

#[tokio::test]
async fn a_wrong_command_line_ends_with_2_and_an_unreachable_service_with_1() {
    let world = World::start("codes").await;
    for wrong in [
        &["replay", "--older-than", "soon"][..],
        &["replay", "--rate", "0"],
        &["show"],
        &["send"],
        &[],
        &["list", "--dlq-url", ""],
    ] {
        assert_eq!(world.run(wrong).await.code, 2, "{wrong:?}");
    }
    let gone = world.run(&["list", "--dlq-url", &format!("{}x", world.dlq.url)]).await;
    assert_eq!(gone.code, 1, "{gone:?}");
    assert!(gone.err.contains("the dead-letter queue"), "{}", gone.err);
    let help = world.run(&["--help"]).await;
    assert!(help.code == 0 && help.out.contains("Examples:") && help.out.contains("Exit codes:"));
}

#[tokio::test]
async fn without_the_bucket_the_list_is_there_and_says_why_the_reasons_are_not() {
    let world = World::start("no-bucket").await;
    world.dead(1, "7", 60).await;
    let listed = world.run(&["list", "--s3-bucket", "there-is-none"]).await;
    assert!(listed.code == 0 && listed.out.contains("the bucket did not tell why: NoSuchBucket"), "{listed:?}");
    // Choosing by class on such grounds would choose wrongly.
    let replayed = world.run(&["replay", "--class", "unknown", "--s3-bucket", "there-is-none"]).await;
    assert_eq!(replayed.code, 1, "{replayed:?}");
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
}
