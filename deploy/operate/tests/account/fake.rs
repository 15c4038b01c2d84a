//! An account in trouble: an `aws` first in PATH prints what the real one prints then, word by word.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use local::gemini::Gemini;
use local::telegram::{Options, Telegram};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::world::{Ended, PATIENCE, root};

pub(crate) const TOKEN: &str = "123456789:AAHfake-token-of-no-worth";
pub(crate) const KEY: &str = "a-key-of-no-worth";

pub(crate) struct Account {
    folder: TempDir,
    script: Value,
    pub(crate) telegram: Telegram,
    pub(crate) gemini: Gemini,
}

impl Account {
    /// One in which all is well and nothing deployed.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("aws");
        fs::copy(root().join("deploy/operate/tests/account/aws.py"), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let zips = folder.path().join("target/lambda/local");
        fs::create_dir_all(&zips).unwrap();
        for function in ["ingress", "worker"] {
            fs::write(zips.join(format!("{function}.zip")), function).unwrap();
        }
        let script = json!({
            "sts get-caller-identity": [{ "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ada" }],
            "cloudformation describe-stacks": [absent()],
            "cloudformation get-template-summary": [{ "Parameters": [] }],
            "ssm get-parameters": [{ "Parameters": [], "InvalidParameters": [] }],
            "ssm put-parameter": [{ "Version": 1 }],
            "lambda get-account-settings": [{ "AccountLimit": { "ConcurrentExecutions": 30, "UnreservedConcurrentExecutions": 10 } }],
        });
        let telegram = Telegram::start(Options { token: TOKEN.to_owned(), ..Options::default() }).await.unwrap();
        let gemini = Gemini::start(local::gemini::Options { port: 0, api_key: KEY.to_owned() }).await.unwrap();
        Self { folder, script, telegram, gemini }
    }

    /// From now on, `call` has these answers in turn.
    pub(crate) fn answers(&mut self, call: &str, answers: &[Value]) {
        self.script[call] = json!(answers);
    }

    /// From now on, the CLI's own files have this setting.
    pub(crate) fn is_configured(&mut self, name: &str, value: &str) {
        self.script[format!("configure get {name}")] = json!(value);
    }

    /// From now on, `call` fails with these words.
    pub(crate) fn fails(&mut self, call: &str, words: &str) {
        self.answers(call, &[json!({ "error": words })]);
    }

    pub(crate) async fn run(&self, what: &str, env: &[(&str, &str)]) -> Ended {
        let mut command = self.command(env!("CARGO_BIN_EXE_operate"), env);
        Ended::from(command.arg(what).output().await.unwrap())
    }

    /// On a terminal, where each answer is typed once its question stands there; what was seen on it.
    pub(crate) async fn run_on_a_terminal(&self, what: &str, typed: &[(&str, &str)]) -> String {
        let none = [("TELEGRAM_TOKEN", ""), ("GEMINI_API_KEY", "")];
        let mut command = self.command("script", &none);
        let program = format!("{} {what}", env!("CARGO_BIN_EXE_operate"));
        command.args(["-qec", &program, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut seen = Vec::new();
        for (question, answer) in typed {
            while !String::from_utf8_lossy(&seen).contains(question) {
                let read = tokio::time::timeout(PATIENCE, screen.read_buf(&mut seen)).await;
                assert!(
                    read.is_ok_and(|read| read.unwrap() > 0),
                    "{question} is not asked: {}",
                    String::from_utf8_lossy(&seen)
                );
            }
            keyboard.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
        }
        screen.read_to_end(&mut seen).await.unwrap();
        child.wait().await.unwrap();
        String::from_utf8_lossy(&seen).into_owned()
    }

    fn command(&self, program: &str, env: &[(&str, &str)]) -> Command {
        fs::write(self.folder.path().join("aws.json"), self.script.to_string()).unwrap();
        drop(fs::remove_file(self.folder.path().join("calls")));
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        command.env_clear().env("PATH", path).env("AWS_REGION", "us-east-1").current_dir(root());
        command.env("TELEGRAM_API_URL", self.telegram.url()).env("TELEGRAM_TOKEN", TOKEN);
        command.env("GEMINI_API_URL", format!("{}/v1beta", self.gemini.url())).env("GEMINI_API_KEY", KEY);
        command.env("CARGO_TARGET_DIR", self.folder.path().join("target")).envs(env.iter().copied());
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// What must fail; what it printed.
    pub(crate) async fn refuses(&self, what: &str) -> String {
        let ended = self.run(what, &[]).await;
        assert_eq!(ended.code, 1, "{}", ended.out);
        ended.out
    }

    /// The calls that the last run made, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(Path::new(self.folder.path()).join("calls")).unwrap();
        calls.lines().map(str::to_owned).collect()
    }
}

/// As CloudFormation speaks of a stack that is not there.
pub(crate) fn absent() -> Value {
    error("ValidationError", "DescribeStacks", "Stack with id lambdagram-foundation does not exist")
}

pub(crate) fn error(code: &str, operation: &str, words: &str) -> Value {
    json!({ "error": format!("An error occurred ({code}) when calling the {operation} operation: {words}") })
}

pub(crate) fn stack(status: &str) -> Value {
    json!({ "Stacks": [{
        "StackName": "lambdagram-foundation", "StackId": "stack-id", "StackStatus": status,
        "Outputs": [
            { "OutputKey": "ArtifactsBucketName", "OutputValue": "artifacts" },
            { "OutputKey": "ConversationsBucketName", "OutputValue": "conversations" },
        ],
    }]})
}
