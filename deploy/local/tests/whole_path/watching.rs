//! What an operator sees of the bot: the commands of `deploy/operate.sh` that look at it, against a whole run, by the
//! real AWS CLI.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::run::{PATIENCE, Run, shared};

impl Run {
    /// What a command prints, after it ended well.
    async fn operate(&self, args: &[&str]) -> String {
        let output = self.operating(args).output().await.unwrap();
        let words = |bytes| String::from_utf8(bytes).unwrap();
        assert!(output.status.success(), "{args:?}: {}", words(output.stderr));
        words(output.stdout)
    }

    /// What SQS tells CloudWatch on AWS, and nobody on the emulated one.
    async fn measures_oldest_message(&self, age_s: f64) {
        let queue = self.place("QueueUrl").rsplit('/').next().unwrap();
        let dimensions = json!([{ "Name": "QueueName", "Value": queue }]);
        let datum = json!({ "MetricName": "ApproximateAgeOfOldestMessage", "Dimensions": dimensions, "Value": age_s });
        let put = json!({ "Namespace": "AWS/SQS", "MetricData": [datum] });
        self.aws("GraniteServiceVersion20100801.PutMetricData", "1.0", &put).await;
    }

    fn operating(&self, args: &[&str]) -> Command {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        let binaries = std::path::Path::new(env!("CARGO_BIN_EXE_local")).parent().unwrap();
        let path = format!("{}:{}", root.join(".venv/bin").display(), std::env::var("PATH").unwrap());
        let port = self.place("aws").rsplit(':').next().unwrap().to_owned();
        let mut command = Command::new(root.join("deploy/operate.sh"));
        command.args(args).env_clear().env("PATH", path).env("FUNCTIONS_DIR", binaries);
        command.env("LOCAL", "1").env("LOCAL_AWS_PORT", port).current_dir(&root).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

#[tokio::test]
async fn an_update_is_traced_measured_and_logged_without_a_word_of_it() {
    let (_turn, run) = shared().await;
    let ada = run.new_chat(1701, "Lovelace").await;
    let refused = json!({ "method": "*", "kind": { "status": { "code": 503 } } });
    run.order("gemini", refused).await;
    run.asks(ada, ada, "hello canary-words").await;
    let log = run.operate(&["logs"]).await;
    let queued = log.lines().rfind(|line| line.contains("queued · update ")).unwrap();
    let update = queued.split("update ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert!(log.contains(&format!("turn ended · update {update} ")), "both functions' lines: {log}");
    assert!(!log.contains("_aws") && !log.contains("START "), "{log}");

    let trace = run.operate(&["trace", update]).await;
    let steps =
        ["ingress accepted and queued", "failed after ", "transient", "attempt 2", "Gemini answered", "in 1 part "];
    for step in steps {
        assert!(trace.contains(step), "{step:?} is missing: {trace}");
    }
    run.measures_oldest_message(12.0).await;
    let metrics = run.operate(&["metrics"]).await;
    let oldest = metrics.lines().find(|line| line.contains("oldest")).unwrap();
    assert!(oldest.contains("12.0 s") && oldest.contains('█'), "from CloudWatch: {metrics}");
    for row in ["accepted", "turn", "tokens in", "messages", "transient"] {
        let line = metrics.lines().find(|line| line.contains(row)).unwrap_or_else(|| panic!("no {row}: {metrics}"));
        assert!(line.contains('█'), "{line}");
    }
    let cost = run.operate(&["cost"]).await;
    assert!(cost.lines().any(|line| line.starts_with("Gemini, text") && !line.contains(" 0 tokens in")), "{cost}");
    for words in ["canary", "Lovelace"] {
        assert!(![&log, &trace, &metrics, &cost].iter().any(|printed| printed.contains(words)), "{words}");
    }

    let unknown = run.operating(&["trace", "1"]).output().await.unwrap();
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert!(!unknown.status.success() && told.contains("nothing about update 1"), "{told}");
}

#[tokio::test]
async fn the_state_of_everything_is_told_at_a_glance() {
    let (_turn, run) = shared().await;
    run.settle().await;
    let status = run.operate(&["status"]).await;
    for line in ["deployed", "ingress", "worker", "trigger", "queue", "dead letters", "alarms"] {
        let well = format!("✔ {line:<13}");
        assert!(status.contains(&well), "{line} is not well: {status}");
    }
    // A delivery that failed on a busy machine, and came again, is told for an hour.
    assert!(status.contains("webhook      set, 0 waiting at Telegram"), "{status}");
}

#[tokio::test]
async fn a_followed_log_shows_each_line_once_as_it_comes() {
    let (_turn, run) = shared().await;
    let grace = run.new_chat(1702, "Hopper").await;
    run.asks(grace, grace, "one").await;
    let ended = |line: &str| line.contains("turn ended");
    let before = run.operate(&["logs"]).await.lines().filter(|line| ended(line)).count();
    assert!(before > 0);
    let mut following = run.operating(&["logs", "--follow"]).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    run.asks(grace, grace, "two").await;
    let mut seen = Vec::new();
    while seen.iter().filter(|line: &&String| ended(line)).count() <= before {
        let next = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("the line does not come");
        let line = next.unwrap().expect("it ended");
        assert!(!seen.contains(&line), "{line} came twice");
        seen.push(line);
    }
}
