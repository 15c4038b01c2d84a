//! The simulated Telegram over HTTP, as a bot and as a person meet it.

mod control;
mod faults;
mod files;
mod get_updates;
mod sending;
mod webhook;
mod world;

use serde_json::json;
use world::World;

const ADA: i64 = 1001;
const GRACE: i64 = 1002;
const FOX_CLUB: i64 = -1_001_234_567_890;

#[tokio::test]
async fn a_bot_introduces_itself_however_it_is_asked() {
    let world = World::start().await;
    for method in ["getMe", "getme", "GETME"] {
        let me = world.call(method, json!({})).await;
        assert_eq!(me.result()["username"], "lambdagram_bot");
        assert_eq!(me.result()["can_read_all_group_messages"], true);
    }
    world.send(|http| http.get(world.method_url("getMe"))).await.result();
}

#[tokio::test]
async fn a_wrong_token_is_unauthorized_and_a_malformed_one_not_found() {
    let world = World::start().await;
    let at = |path: &str| format!("{}{path}", world.telegram.url());
    world.send(|http| http.get(at("/bot123:wrong/getMe"))).await.refused(401, "Unauthorized");
    world.send(|http| http.get(at("/botwrong/getMe"))).await.refused(404, "Not Found");
    world.send(|http| http.get(at("/elsewhere"))).await.refused(404, "Not Found");
    world.call("sendFox", json!({})).await.refused(404, "Not Found: method not found");
}

#[tokio::test]
async fn parameters_come_in_four_ways() {
    let world = World::start().await;
    let url = world.method_url("sendMessage");
    let pairs = [("chat_id", "1001"), ("text", "fox & friends")];
    let query = url::Url::parse_with_params(&url, pairs).unwrap();
    let form = query.query().unwrap().to_owned();
    let in_query = world.send(|http| http.get(query.as_str())).await;
    let content = "application/x-www-form-urlencoded";
    let in_form = world.send(|http| http.post(&url).header("Content-Type", content).body(form)).await;
    let in_json = world.call("sendMessage", json!({ "chat_id": "1001", "text": "fox & friends" })).await;
    let multipart = reqwest::multipart::Form::new().text("chat_id", "1001").text("text", "fox & friends");
    let in_multipart = world.send(|http| http.post(&url).multipart(multipart)).await;
    for answer in [in_query, in_form, in_json, in_multipart] {
        assert_eq!(answer.result()["text"], "fox & friends");
    }
}

#[tokio::test]
async fn what_the_bot_sends_is_shown_and_recorded() {
    let world = World::start().await;
    let sent = world.call("sendMessage", json!({ "chat_id": ADA, "text": "hi" })).await;
    assert_eq!(sent.result()["text"], "hi");
    assert_eq!(world.chat(ADA).await["messages"][0]["text"], "hi");
    let call = &world.get("calls").await[0];
    assert_eq!((&call["method"], &call["chat_id"]), (&json!("sendMessage"), &json!(ADA)));
    assert_eq!(
        (&call["effect"], &call["http_status"], &call["params"]["text"]),
        (&json!(true), &json!(200), &json!("hi"))
    );
}
