//! Photos and downloads in both directions.

use serde_json::json;

use crate::world::{World, png, png_of_size};
use crate::{ADA, GRACE};

fn upload(bytes: Vec<u8>, caption: &str) -> reqwest::multipart::Form {
    let part = reqwest::multipart::Part::bytes(bytes).file_name("fox.png");
    reqwest::multipart::Form::new().text("chat_id", "1001").text("caption", caption.to_owned()).part("photo", part)
}

#[tokio::test]
async fn a_photo_goes_to_the_person_and_again_by_its_id() {
    let world = World::start().await;
    let sent = world.send_photo(upload(png(320, 240), "a fox")).await;
    let photo = sent.result()["photo"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&photo["width"], &photo["height"]), (&json!(320), &json!(240)));
    let calls = world.telegram.calls();
    assert_eq!(calls[0].params["photo"]["bytes"], png(320, 240).len());
    let again = json!({ "chat_id": GRACE, "photo": photo["file_id"] });
    world.call("sendPhoto", again).await.result();
    let shown = world.chat(GRACE).await["messages"][0]["photo"].clone();
    let bytes = world.bytes(&format!("{}/_sim/{}", world.telegram.url(), shown["url"].as_str().unwrap())).await;
    assert_eq!(bytes, png(320, 240));
}

#[tokio::test]
async fn a_photo_has_its_limits() {
    let world = World::start().await;
    let mut big = png(320, 240);
    big.resize((10 << 20) + 1, 0);
    let too_big = "Bad Request: file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes";
    world.send_photo(upload(big, "")).await.refused(400, too_big);
    for (width, height) in [(5001, 5000), (2100, 100)] {
        world
            .send_photo(upload(png_of_size(width, height), ""))
            .await
            .refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS");
    }
    world.send_photo(upload(b"no picture".to_vec(), "")).await.refused(400, "Bad Request: IMAGE_PROCESS_FAILED");
    let long = upload(png(320, 240), &"x".repeat(1025));
    world.send_photo(long).await.refused(400, "Bad Request: message caption is too long");
    let nothing = world.call("sendPhoto", json!({ "chat_id": ADA })).await;
    nothing.refused(400, "Bad Request: there is no photo in the request");
}

#[tokio::test]
async fn a_persons_photo_can_be_downloaded_from_its_path() {
    let mut world = World::start().await;
    world.set_webhook().await;
    let form = upload(png(640, 480), "what is this?");
    world.send(|http| http.post(format!("{}/_sim/photos", world.telegram.url())).multipart(form)).await;
    let delivery = world.delivery().await;
    let message = &delivery.body["message"];
    assert_eq!(message["caption"], "what is this?");
    assert_eq!(message["photo"][0]["width"], 90, "a thumbnail comes first");
    let file_id = &message["photo"].as_array().unwrap().last().unwrap()["file_id"];
    let file = world.call("getFile", json!({ "file_id": file_id })).await;
    let path = file.result()["file_path"].as_str().unwrap();
    let bytes = world.bytes(&format!("{}/file/bot{}/{path}", world.telegram.url(), world.token)).await;
    assert_eq!(bytes, png(640, 480));
    let unknown = world.call("getFile", json!({ "file_id": "nothing" })).await;
    unknown.refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable");
    let big = vec![0_u8; (20 << 20) + 1];
    world.send(|http| http.put(format!("{}/_sim/files/big", world.telegram.url())).body(big)).await;
    world.call("getFile", json!({ "file_id": "big" })).await.refused(400, "Bad Request: file is too big");
}
