//! The simulated Gemini, over HTTP: it answers, shows that it remembers, and refuses in Google's words.

#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local::gemini::{Gemini, Options};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tiny_skia::{Color, Pixmap};

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

fn stream(gemini: &Gemini) -> RequestBuilder {
    let url = format!("{}/v1beta/models/{CHAT}:streamGenerateContent?alt=sse", gemini.url());
    Client::new().post(url).header("x-goog-api-key", KEY)
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

#[tokio::test]
async fn keys_models_and_json_are_checked_before_anything_else() {
    let gemini = gemini().await;
    let url = format!("{}/v1beta/models/{CHAT}:generateContent", gemini.url());
    let missing = Client::new().post(&url).json(&says("hello")).send().await.unwrap();
    assert_eq!(missing.status(), 403);
    assert_eq!(missing.json::<Value>().await.unwrap()["error"]["status"], "PERMISSION_DENIED");

    let wrong = Client::new().post(&url).header("x-goog-api-key", "wrong").json(&says("hello")).send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    let error = wrong.json::<Value>().await.unwrap();
    assert_eq!(error["error"]["details"][0]["reason"], "API_KEY_INVALID");
    assert_eq!(error["error"]["message"], "API key not valid. Please pass a valid API key.");

    for gone in ["gemini-2.5-flash-image", "gemini-3.1-flash-image", "gemini-9"] {
        let (status, error) = ask(&gemini, gone, &says("hello")).await;
        assert_eq!((status, &error["error"]["status"]), (404, &json!("NOT_FOUND")), "{gone}");
    }
    let broken = request(&gemini, CHAT, "generateContent").body("{\"contents\": [").send().await.unwrap();
    assert_eq!(broken.status(), 400);
}

#[tokio::test]
async fn a_deprecated_model_is_routed_and_only_model_version_tells() {
    let gemini = gemini().await;
    let (_, answer) = ask(&gemini, "gemini-3.7-flash", &says("hello")).await;
    assert_eq!(answer["modelVersion"], "gemini-3.8-flash");
    let (_, answer) = ask(&gemini, "gemini-3.5-flash", &says("hello")).await;
    assert_eq!(answer["modelVersion"], "gemini-3.6-flash");
}

#[tokio::test]
async fn a_key_can_be_checked_without_cost() {
    let gemini = gemini().await;
    let list = Client::new().get(format!("{}/v1beta/models", gemini.url())).header("x-goog-api-key", KEY);
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    let names: Vec<_> =
        list["models"].as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert!(
        names.contains(&"models/gemini-3.8-flash") && names.contains(&"models/gemini-nano-banana-2.1"),
        "{names:?}"
    );
    let counted = request(&gemini, CHAT, "countTokens").json(&says("hello there")).send().await.unwrap();
    assert_eq!(counted.json::<Value>().await.unwrap()["totalTokens"], 3);
}

/// Asks and expects a 400 whose message begins so.
async fn refused(gemini: &Gemini, model: &str, body: Value, message: &str) {
    let (status, error) = ask(gemini, model, &body).await;
    let told = error["error"]["message"].as_str().unwrap_or_default();
    assert_eq!(
        (status, &error["error"]["status"]),
        (400, &json!("INVALID_ARGUMENT")),
        "{body} was answered with {error}"
    );
    assert!(told.starts_with(message), "{body} was refused with: {told}");
}

fn with(field: &str, value: Value) -> Value {
    let mut body = says("hello");
    body[field] = value;
    body
}

#[tokio::test]
async fn names_and_types_outside_the_schema_are_refused() {
    let gemini = gemini().await;
    let unknown = "Invalid JSON payload received. Unknown name";
    refused(
        &gemini,
        CHAT,
        with("system_prompt", json!("x")),
        &format!("{unknown} \"system_prompt\": Cannot find field."),
    )
    .await;
    let nested = with("generationConfig", json!({"thinking": 1}));
    refused(&gemini, CHAT, nested, &format!("{unknown} \"thinking\" at 'generation_config': Cannot find field.")).await;
    let number = json!({"contents": [{"role": "user", "parts": [{"text": 7}]}]});
    refused(&gemini, CHAT, number, "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 7").await;
    let level = with("generationConfig", json!({"thinkingConfig": {"thinkingLevel": "A_LOT"}}));
    refused(&gemini, CHAT, level, "Invalid value at 'generation_config.thinking_config.thinking_level'").await;
    let category = with("safetySettings", json!([{"category": "RUDE", "threshold": "OFF"}]));
    refused(&gemini, CHAT, category, "Invalid value at 'safety_settings[0].category'").await;
    let snake_case = json!({"contents": [user("hello")], "system_instruction": {"parts": [{"text": "be brief"}]},
        "generation_config": {"max_output_tokens": 100, "thinking_config": {"thinking_level": "low"}}});
    assert_eq!(ask(&gemini, CHAT, &snake_case).await.0, 200);
}

#[tokio::test]
async fn turns_out_of_order_are_refused() {
    let gemini = gemini().await;
    refused(&gemini, CHAT, json!({"contents": []}), "* GenerateContentRequest.contents: contents is not specified")
        .await;
    let ends = json!({"contents": [user("hello"), model("hi")]});
    refused(&gemini, CHAT, ends, "Requests ending with a model turn are not supported.").await;
    let assistant = json!({"contents": [{"role": "assistant", "parts": [{"text": "hi"}]}, user("hello")]});
    refused(&gemini, CHAT, assistant, "Please use a valid role: user, model.").await;
    let empty = json!({"contents": [{"role": "user", "parts": []}]});
    refused(&gemini, CHAT, empty, "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.")
        .await;
    let nothing = json!({"contents": [{"role": "user", "parts": [{"thought": true}]}]});
    refused(&gemini, CHAT, nothing, "* GenerateContentRequest.contents[0].parts[0].data: required oneof").await;
}

#[tokio::test]
async fn parameters_that_a_model_no_longer_takes_are_refused() {
    let gemini = gemini().await;
    let config = |config: Value| with("generationConfig", config);
    let minimal = || config(json!({"thinkingConfig": {"thinkingLevel": "MINIMAL"}}));
    refused(&gemini, CHAT, minimal(), "Thinking level MINIMAL is not supported").await;
    refused(&gemini, "gemini-4-neon", minimal(), "Thinking level MINIMAL is not supported").await;
    assert_eq!(ask(&gemini, "gemini-3.6-flash", &minimal()).await.0, 200);
    let budget = config(json!({"thinkingConfig": {"thinkingBudget": 100}}));
    refused(&gemini, CHAT, budget, "Thinking budget is not supported").await;
    refused(&gemini, CHAT, config(json!({"candidateCount": 2})), "Multiple candidates is not enabled").await;
    refused(&gemini, "gemini-4-argon", config(json!({"presencePenalty": 1})), "Penalty is not enabled").await;
    let image = config(json!({"responseModalities": ["TEXT", "IMAGE"]}));
    refused(&gemini, CHAT, image, "The requested combination of response modalities (TEXT, IMAGE)").await;
    let small = config(json!({"imageConfig": {"imageSize": "512"}}));
    refused(&gemini, PAINTER, small, "image_size \"512\" is not supported").await;
    refused(&gemini, PAINTER, config(json!({"imageConfig": {"aspectRatio": "5:7"}})), "aspect_ratio \"5:7\"").await;
}

fn tool() -> Value {
    let parameters = json!({"type": "OBJECT", "properties": {"prompt": {"type": "STRING"}}, "required": ["prompt"]});
    json!([{"functionDeclarations": [{"name": "generate_image", "description": "draws", "parameters": parameters}]}])
}

#[tokio::test]
async fn a_request_for_a_picture_becomes_a_signed_call_of_the_tool() {
    let gemini = gemini().await;
    let (_, answer) = ask(&gemini, CHAT, &json!({"contents": [user("Please draw a fox")], "tools": tool()})).await;
    let part = &answer["candidates"][0]["content"]["parts"][0];
    assert_eq!(part["functionCall"]["name"], "generate_image");
    assert_eq!(part["functionCall"]["args"], json!({"prompt": "a fox"}));
    assert!(part["thoughtSignature"].as_str().is_some_and(|signature| !signature.is_empty()));
    let (_, without) = ask(&gemini, CHAT, &says("Please draw a fox")).await;
    assert!(text(&without).contains("no tool"), "{without}");
}

#[tokio::test]
async fn a_call_needs_its_response_and_its_signature() {
    let gemini = gemini().await;
    let call = |signature: Option<&str>| {
        let mut part = json!({"functionCall": {"name": "generate_image", "args": {"prompt": "a fox"}}});
        if let Some(signature) = signature {
            part["thoughtSignature"] = signature.into();
        }
        json!({"role": "model", "parts": [part]})
    };
    let response =
        |name: &str| json!({"role": "user", "parts": [{"functionResponse": {"name": name, "response": {"ok": true}}}]});
    let body = |turns: Vec<Value>| json!({"contents": turns, "tools": tool()});

    let unanswered = body(vec![user("draw a fox"), call(Some("c2ln")), user("well?")]);
    refused(&gemini, CHAT, unanswered, "Please ensure that the number of function response parts").await;
    let stray = body(vec![user("draw a fox"), model("no"), response("generate_image")]);
    refused(&gemini, CHAT, stray, "Please ensure that function response turn comes immediately after").await;
    let other = body(vec![user("draw a fox"), call(Some("c2ln")), response("paint")]);
    refused(&gemini, CHAT, other, "Function response for \"paint\"").await;
    let unsigned = body(vec![user("draw a fox"), call(None), response("generate_image")]);
    refused(&gemini, CHAT, unsigned, "Function call is missing a thought_signature").await;

    for signature in ["c2ln", "skip_thought_signature_validator"] {
        let good = body(vec![user("draw a fox"), call(Some(signature)), response("generate_image")]);
        let (status, answer) = ask(&gemini, CHAT, &good).await;
        assert_eq!(status, 200, "{answer}");
        assert!(text(&answer).contains("Here is the picture"), "{answer}");
    }
    // An earlier turn's call needs none.
    let earlier =
        body(vec![user("draw a fox"), call(None), response("generate_image"), model("there"), user("thanks")]);
    assert_eq!(ask(&gemini, CHAT, &earlier).await.0, 200);
}

#[tokio::test]
async fn a_stream_ends_with_a_chunk_without_words_but_with_reason_usage_and_signature() {
    let gemini = gemini().await;
    let response = stream(&gemini).json(&says("hello")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let body = response.text().await.unwrap();
    assert!(!body.contains("[DONE]"));
    let chunks: Vec<Value> = body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|json| serde_json::from_str(json).unwrap())
        .collect();
    let (last, before) = chunks.split_last().unwrap();
    let words: String = before.iter().map(text).collect();
    assert!(before.len() > 1 && words.contains("> hello"), "{words}");
    assert!(before.iter().all(|chunk| chunk["candidates"][0]["finishReason"].is_null()));
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert_eq!(text(last), "");
    assert!(last["candidates"][0]["content"]["parts"][0]["thoughtSignature"].is_string());
    assert!(last["usageMetadata"]["candidatesTokenCount"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_picture_is_a_png_of_the_asked_shape_with_a_signature() {
    let gemini = gemini().await;
    let body =
        json!({"contents": [user("a fox by the sea")], "generationConfig": {"imageConfig": {"aspectRatio": "16:9"}}});
    let (status, answer) = ask(&gemini, PAINTER, &body).await;
    assert_eq!(status, 200, "{answer}");
    let parts = answer["candidates"][0]["content"]["parts"].as_array().unwrap();
    assert!(parts[0]["text"].as_str().unwrap().contains("simulated"));
    assert_eq!(parts[1]["inlineData"]["mimeType"], "image/png");
    assert!(parts[1]["thoughtSignature"].is_string());
    let bytes = STANDARD.decode(parts[1]["inlineData"]["data"].as_str().unwrap()).unwrap();
    let picture = Pixmap::decode_png(&bytes).unwrap();
    assert_eq!((picture.width(), picture.height()), (1365, 768));
    assert_eq!(gemini.calls()[0].response["parts"][1]["png_bytes"], bytes.len(), "the log keeps no pictures");
}

#[tokio::test]
async fn a_photo_is_described_from_its_bytes() {
    let gemini = gemini().await;
    let mut picture = Pixmap::new(64, 48).unwrap();
    picture.fill(Color::from_rgba8(20, 140, 140, 255));
    let data = STANDARD.encode(picture.encode_png().unwrap());
    let sent = |mime: &str, data: &str| json!({"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": mime, "data": data}}, {"text": "what is it?"}]}]});
    let (_, answer) = ask(&gemini, CHAT, &sent("image/png", &data)).await;
    assert!(text(&answer).contains("**64 × 48** pixels") && text(&answer).contains("mostly *teal*"), "{answer}");
    assert!(gemini.calls()[0].request["contents"][0]["parts"][0]["inlineData"]["data"]["bytes"].is_number());
    refused(&gemini, CHAT, sent("image/gif", &data), "Unsupported MIME type: image/gif").await;
    refused(&gemini, CHAT, sent("image/png", "aGVsbG8="), "Unable to process input image").await;
    refused(
        &gemini,
        CHAT,
        sent("image/png", "%%%"),
        "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES)",
    )
    .await;
}

#[tokio::test]
async fn magic_words_show_the_rare_endings() {
    let gemini = gemini().await;
    let (_, blocked) = ask(&gemini, CHAT, &says("an unsafe prompt")).await;
    assert_eq!(blocked["promptFeedback"]["blockReason"], "SAFETY");
    assert!(blocked["candidates"].is_null());
    for (model, words, reason) in [
        (CHAT, "an unsafe answer", "SAFETY"),
        (CHAT, "max tokens", "MAX_TOKENS"),
        (CHAT, "empty", "STOP"),
        (PAINTER, "no image", "NO_IMAGE"),
        (PAINTER, "unsafe picture", "IMAGE_SAFETY"),
    ] {
        let (status, answer) = ask(&gemini, model, &says(words)).await;
        assert_eq!((status, &answer["candidates"][0]["finishReason"]), (200, &json!(reason)), "{words}");
        let parts = answer["candidates"][0]["content"]["parts"].as_array().map_or(0, Vec::len);
        assert_eq!(parts, usize::from(matches!(reason, "MAX_TOKENS" | "NO_IMAGE")), "{words}: {answer}");
    }
    let (_, long) = ask(&gemini, CHAT, &says("a long answer")).await;
    assert!(text(&long).chars().count() > 10_000 && text(&long).contains("```rust"));
    let (_, formatted) = ask(&gemini, CHAT, &says("show me formatting")).await;
    assert!(text(&formatted).contains("| animal |"));
}

#[tokio::test]
async fn faults_are_worded_as_googles_and_used_up() {
    let gemini = gemini().await;
    let order = |fault: Value| Client::new().post(format!("{}/_sim/faults", gemini.url())).json(&fault).send();
    for kind in [
        json!({"too_many_requests": {"retry_after_s": 17}}),
        json!({"status": {"code": 503}}),
        json!({"status": {"code": 500}}),
    ] {
        assert!(order(json!({"method": "generateContent", "kind": kind})).await.unwrap().status().is_success());
    }
    let (status, error) = ask(&gemini, CHAT, &says("hello")).await;
    assert_eq!((status, &error["error"]["status"]), (429, &json!("RESOURCE_EXHAUSTED")));
    assert_eq!(error["error"]["details"][1]["retryDelay"], "17s");
    assert!(error["error"]["details"][0]["violations"][0]["quotaId"].is_string());
    let (status, error) = ask(&gemini, CHAT, &says("hello")).await;
    assert_eq!((status, &error["error"]["message"]), (503, &json!("The model is overloaded. Please try again later.")));
    let (status, error) = ask(&gemini, CHAT, &says("hello")).await;
    assert_eq!((status, &error["error"]["status"]), (500, &json!("INTERNAL")));
    assert_eq!(ask(&gemini, CHAT, &says("hello")).await.0, 200);

    order(json!({"method": "generateContent", "kind": "break_before"})).await.unwrap();
    assert!(request(&gemini, CHAT, "generateContent").json(&says("hello")).send().await.is_err());
    let statuses: Vec<_> = gemini.calls().iter().map(|call| call.http_status).collect();
    assert_eq!(statuses, [Some(429), Some(503), Some(500), Some(200), None]);
    let charged: Vec<_> = gemini.calls().iter().map(|call| call.response["charged_tokens"].is_number()).collect();
    assert_eq!(charged, [false, false, false, true, false]);
}
