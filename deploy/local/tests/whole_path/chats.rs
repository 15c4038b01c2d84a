//! The two ends of the path: what people write and read at the simulated Telegram, and what is in the bucket.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::run::{PATIENCE, Run};

impl Run {
    /// Somebody writes; the message's id.
    pub(crate) async fn writes(&self, chat: i64, from: i64, text: &str) -> i64 {
        let message = json!({ "chat_id": chat, "from_id": from, "text": text });
        self.post("telegram", "messages", &message).await["message_id"].as_i64().unwrap()
    }

    /// A new private chat, with a person of that name; its id.
    pub(crate) async fn new_chat(&self, id: i64, first_name: &str) -> i64 {
        self.post("telegram", "chats", &json!({ "id": id, "type": "private", "first_name": first_name })).await;
        id
    }

    /// Orders a fault from `telegram` or `gemini`.
    pub(crate) async fn order(&self, service: &str, fault: Value) {
        self.post(service, "faults", &fault).await;
    }

    async fn post(&self, service: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/_sim/{path}", self.place(service));
        let answer = self.http.post(url).json(body).send().await.unwrap();
        let (status, words) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {words}");
        serde_json::from_str(&words).unwrap_or_default()
    }

    /// What `telegram` or `gemini` answers below `/_sim`.
    pub(crate) async fn look(&self, service: &str, path: &str) -> Value {
        let url = format!("{}/_sim/{path}", self.place(service));
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// Waits until no update is on its way: neither at Telegram, nor on the queue, nor in the worker's hands.
    pub(crate) async fn settle(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // In the order of the path, so that nothing slips by.
            let waiting = self.look("telegram", "state").await["webhook"]["pending_update_count"].clone();
            let queue = self.depth("QueueUrl").await;
            if waiting == 0 && queue == ["0", "0"] {
                assert_eq!(self.depth("DlqUrl").await, ["0", "0"], "in the DLQ");
                return;
            }
            assert!(Instant::now() < deadline, "on their way: {waiting} at Telegram, {queue:?} in the queue");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many messages are visible in a queue, and how many are not. Asked of SQS: the page's numbers may be 1 s old.
    async fn depth(&self, queue: &str) -> [String; 2] {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let question = json!({ "QueueUrl": self.place(queue), "AttributeNames": names });
        let answer = self.aws("AmazonSQS.GetQueueAttributes", "1.0", &question).await;
        names.map(|name| answer["Attributes"][name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned())
    }

    /// A call of the emulated AWS in its JSON protocol, which wants no signature.
    pub(crate) async fn aws(&self, target: &str, version: &str, question: &Value) -> Value {
        let request = self.http.post(self.place("aws")).header("X-Amz-Target", target);
        let request = request.header("Content-Type", format!("application/x-amz-json-{version}"));
        request.body(question.to_string()).send().await.unwrap().json().await.unwrap()
    }

    /// All that the bot has said in a chat.
    pub(crate) async fn said(&self, chat: i64) -> Vec<Value> {
        let state = self.look("telegram", "state").await;
        let chats = state["chats"].as_array().unwrap();
        let chat = chats.iter().find(|found| found["id"] == chat).unwrap();
        let messages = chat["messages"].as_array().unwrap();
        messages.iter().filter(|message| message["from"]["is_bot"] == true).cloned().collect()
    }

    /// Writes, waits until all is quiet, and reads the answer, of which there is one: it quotes the question.
    pub(crate) async fn asks(&self, chat: i64, from: i64, text: &str) -> String {
        let question = self.writes(chat, from, text).await;
        self.settle().await;
        self.answer(chat, question).await
    }

    /// The one answer to a message.
    pub(crate) async fn answer(&self, chat: i64, question: i64) -> String {
        let said = self.said(chat).await;
        let answers: Vec<&Value> = said.iter().filter(|said| said["reply_to"]["message_id"] == question).collect();
        let [answer] = answers[..] else { panic!("{} answers to {question} in {said:#?}", answers.len()) };
        answer["text"].as_str().unwrap().to_owned()
    }

    /// The turns in the bucket, each as its user's and its model's words.
    pub(crate) async fn history(&self, conversation: &str) -> Vec<[String; 2]> {
        let bucket = self.place("ConversationsBucketName");
        let url = format!("{}/{bucket}/conversations/{conversation}.json", self.place("aws"));
        let object: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        let turns = object["turns"].as_array().unwrap_or_else(|| panic!("no turns: {object}"));
        turns.iter().map(|turn| ["user", "model"].map(|role| words(turn, role))).collect()
    }
}

fn words(turn: &Value, role: &str) -> String {
    let contents = turn["contents"].as_array().unwrap().iter().filter(|content| content["role"] == role);
    let parts = contents.flat_map(|content| content["parts"].as_array().unwrap());
    parts.filter_map(|part| part["text"].as_str()).collect()
}
