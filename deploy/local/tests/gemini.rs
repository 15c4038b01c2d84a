//! The simulated Gemini, over HTTP: it answers, shows that it remembers, and refuses in Google's words.

use local::gemini::{Gemini, Options};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

const KEY: &str = "AIza-simulated";
const CHAT: &str = "gemini-3.8-flash";
const PAINTER: &str = "gemini-nano-banana-2.1";

async fn gemini() -> Gemini {
    drop(rustls::crypto::ring::default_provider().install_default());
    Gemini::start(Options { port: 0, api_key: KEY.to_owned() }).await.unwrap()
}

fn request(gemini: &Gemini, model: &str, method: &str) -> RequestBuilder {
    Client::new().post(format!("{}/v1beta/models/{model}:{method}", gemini.url())).header("x-goog-api-key", KEY)
}

/// The status and JSON of a `generateContent`.
async fn ask(gemini: &Gemini, model: &str, body: &Value) -> (u16, Value) {
    let response = request(gemini, model, "generateContent").json(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn user(text: &str) -> Value {
    json!({"role": "user", "parts": [{"text": text}]})
}

fn model(text: &str) -> Value {
    json!({"role": "model", "parts": [{"text": text}]})
}

fn says(text: &str) -> Value {
    json!({"contents": [user(text)]})
}

fn text(answer: &Value) -> &str {
    answer["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_answer_says_that_it_is_simulated_and_echoes_the_words() {
    let gemini = gemini().await;
    let (status, answer) = ask(&gemini, CHAT, &says("hello")).await;
    assert_eq!(status, 200);
    assert!(text(&answer).contains("Simulated Gemini"), "{answer}");
    assert!(text(&answer).contains("> hello"), "{answer}");
    assert_eq!(answer["candidates"][0]["finishReason"], "STOP");
    assert_eq!(answer["modelVersion"], CHAT);
    assert!(answer["responseId"].is_string());
    let usage = &answer["usageMetadata"];
    let part = |name: &str| usage[name].as_u64().unwrap();
    let parts = part("promptTokenCount") + part("candidatesTokenCount") + part("thoughtsTokenCount");
    assert_eq!(part("totalTokenCount"), parts);
}

#[tokio::test]
async fn a_second_message_is_answered_in_the_light_of_the_first() {
    let gemini = gemini().await;
    let contents = json!({"contents": [user("my cat is called Miso"), model("A fine name."), user("and mine?")]});
    let (_, answer) = ask(&gemini, CHAT, &contents).await;
    assert!(text(&answer).contains("3 messages"), "{answer}");
    assert!(text(&answer).contains("my cat is called Miso"), "{answer}");
}
