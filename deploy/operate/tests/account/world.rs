//! An emulated AWS, a Telegram and a Gemini for one bot, and an operator at the shell.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use local::gemini::Gemini;
use local::ministack::{AWS_IDENTITY, Ministack, Options};
use local::telegram::{Incoming, Telegram};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::Instant;

pub(crate) const ADA: i64 = 1001;
/// A command takes some seconds, on a busy machine several times that; only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
const DEAD: &str = "http://127.0.0.1:9";

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
}

pub(crate) struct World {
    pub(crate) aws: Ministack,
    pub(crate) telegram: Telegram,
    pub(crate) gemini: Option<Gemini>,
    pub(crate) folder: TempDir,
    /// What the operator has in the environment.
    pub(crate) given: Vec<(&'static str, String)>,
    /// All that any command has printed.
    pub(crate) printed: String,
}

impl World {
    /// With nothing deployed, and nothing in the operator's environment but where the services are.
    pub(crate) async fn start(token: &str, key: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let venv = root().join(".venv");
        let state_dir = Some(folder.path().join("aws"));
        let aws = Ministack::start(Options { venv, port: 0, state_dir, env: Vec::new() }).await.unwrap();
        let telegram = telegram(&folder, &aws, token, 0).await;
        let gemini = gemini(key, 0).await;
        let given = vec![
            ("TELEGRAM_API_URL", telegram.url()),
            ("GEMINI_API_URL", format!("{}/v1beta", gemini.url())),
            ("ALLOWED_CHATS", "*".to_owned()),
        ];
        let (binaries, cut) = (folder.path().join("binaries"), folder.path().join("cut"));
        fs::create_dir(&binaries).unwrap();
        fs::create_dir(&cut).unwrap();
        std::os::unix::fs::symlink(root().join("deploy/operate/tests/account/cut.sh"), cut.join("aws")).unwrap();
        for name in ["operate", "replay", "ingress", "worker"] {
            let built = Path::new(env!("CARGO_BIN_EXE_operate")).with_file_name(name);
            assert!(built.exists(), "{name} is missing: `cargo build --workspace` builds it");
            std::os::unix::fs::symlink(built, binaries.join(name)).unwrap();
        }
        Self { aws, telegram, gemini: Some(gemini), folder, given, printed: String::new() }
    }

    /// Sets a variable in the operator's environment; an empty one is unset.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.given.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            self.given.push((name, value.to_owned()));
        }
    }

    /// Runs a command to its end: `deploy-all.sh`, or `operate.sh info`.
    pub(crate) async fn run(&mut self, command: &str) -> Ended {
        let output = self.command(command).output().await.unwrap();
        let ended = Ended::from(output);
        self.printed.push_str(&ended.out);
        ended
    }

    /// Runs a command that must do well; what it printed.
    pub(crate) async fn does(&mut self, command: &str) -> String {
        let ended = self.run(command).await;
        assert_eq!(ended.code, 0, "{command}:\n{}", ended.out);
        ended.out
    }

    /// Runs a command that must refuse; what it printed.
    pub(crate) async fn refuses(&mut self, command: &str) -> String {
        let ended = self.run(command).await;
        assert_eq!(ended.code, 1, "{command}:\n{}", ended.out);
        ended.out
    }

    /// Runs a command that is cut off at one call of the AWS CLI, `before` or `after` it: `after ssm put-parameter`.
    pub(crate) async fn cut(&mut self, command: &str, point: &str) -> String {
        self.set("CUT", point);
        let ended = self.run(command).await;
        self.set("CUT", "");
        // Killed itself, or with a shell around it.
        assert!([-1, 137].contains(&ended.code), "{command} {point}: {}:\n{}", ended.code, ended.out);
        ended.out
    }

    pub(crate) fn begin(&self, command: &str) -> Child {
        self.command(command).process_group(0).stdout(Stdio::piped()).spawn().unwrap()
    }

    fn command(&self, command: &str) -> Command {
        let mut words = command.split(' ');
        let mut command = Command::new(root().join("deploy").join(words.next().unwrap()));
        let mut path = format!("{}:{}", root().join(".venv/bin").display(), std::env::var("PATH").unwrap());
        if self.given.iter().any(|(name, _)| *name == "CUT") {
            path = format!("{}:{path}", self.folder.path().join("cut").display());
        }
        command.args(words).env_clear().envs(AWS_IDENTITY).env("PATH", path).env("AWS_ENDPOINT_URL", self.aws.url());
        command.env("HTTP_PROXY", DEAD).env("HTTPS_PROXY", DEAD).env("NO_PROXY", "127.0.0.1,localhost");
        command.env("HOME", std::env::var("HOME").unwrap()).envs(self.given.iter().cloned());
        command.env("FUNCTIONS_DIR", self.folder.path().join("binaries")).current_dir(root());
        command.env("CARGO_TARGET_DIR", self.folder.path().join("target"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// The worker as a later commit might have it: the same but for a note in the binary.
    pub(crate) async fn change_the_workers_code(&self, to: &str) {
        let original = Path::new(env!("CARGO_BIN_EXE_operate")).with_file_name("worker");
        let (worker, note) = (self.folder.path().join("binaries/worker"), self.folder.path().join("note"));
        fs::write(&note, to).unwrap();
        fs::remove_file(&worker).unwrap();
        let section = format!(".note.changed={}", note.display());
        let mut command = Command::new("objcopy");
        command.args(["--strip-debug", "--add-section", &section]).arg(original).arg(&worker);
        assert!(command.status().await.unwrap().success());
    }

    /// What an AWS CLI call prints.
    pub(crate) async fn aws(&self, args: &[&str]) -> String {
        let mut command = self.command("operate.sh");
        let mut aws = Command::new(root().join(".venv/bin/aws"));
        aws.args(args).args(["--endpoint-url", &self.aws.url()]).env_clear();
        aws.envs(command.as_std_mut().get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ended = Ended::from(aws.output().await.unwrap());
        assert_eq!(ended.code, 0, "{args:?}: {}", ended.out);
        ended.out
    }

    /// What is in the zips.
    pub(crate) async fn unpacked(&self) -> String {
        let script = "import sys, zipfile\nfor zip in sys.argv[1:]: sys.stdout.buffer.write(zipfile.ZipFile(zip).read('bootstrap'))";
        let zips = ["ingress", "worker"].map(|name| self.folder.path().join(format!("target/lambda/local/{name}.zip")));
        let output = Command::new("python3").args(["-c", script]).args(zips).output().await.unwrap();
        assert!(output.stdout.len() > 1_000_000, "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Ada writes; her message's id.
    pub(crate) fn writes(&self, text: &str) -> i64 {
        let message: Incoming = serde_json::from_value(json!({ "chat_id": ADA, "text": text })).unwrap();
        self.telegram.user_writes(message).unwrap().message_id
    }

    /// Waits for the one answer to a message.
    pub(crate) async fn answer(&self, question: i64) {
        let answers = |call: &local::telegram::Call| {
            call.method == "sendMessage"
                && call.status == 200
                && call.params["reply_parameters"]["message_id"] == question
        };
        let answer = self.telegram.call_matching(PATIENCE, answers).await;
        assert!(answer.is_some(), "{question} is not answered; {}", self.last_words());
        assert_eq!(self.telegram.calls().iter().filter(|call| answers(call)).count(), 1, "answered twice");
    }

    /// Which messages the latest `count` answers quote, oldest first.
    pub(crate) fn answered_lately(&self, count: usize) -> Vec<i64> {
        let answers = self.telegram.calls().into_iter().filter(|call| call.method == "sendMessage");
        let quoted: Vec<_> =
            answers.filter_map(|call| call.params["reply_parameters"]["message_id"].as_i64()).collect();
        quoted[quoted.len().saturating_sub(count)..].to_vec()
    }

    pub(crate) async fn asks(&self, text: &str) {
        let question = self.writes(text);
        self.answer(question).await;
    }

    /// A call of the Bot API past the operator's commands.
    pub(crate) async fn tells_telegram(&self, token: &str, method: &str, params: &Value) {
        let http = local::http::loopback().build().unwrap();
        let call = http.post(format!("{}/bot{token}/{method}", self.telegram.url())).json(params);
        assert!(call.send().await.unwrap().status().is_success());
    }

    /// The last `setWebhook` that the bot's operator made.
    pub(crate) fn webhook_secret(&self) -> String {
        let calls = self.telegram.calls();
        let set = calls.iter().rfind(|call| call.method == "setWebhook").unwrap();
        set.params["secret_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn calls_of(&self, method: &str) -> usize {
        self.telegram.calls().iter().filter(|call| call.method == method).count()
    }

    pub(crate) async fn stack(&self, name: &str) -> Value {
        let answer = self.aws(&["cloudformation", "describe-stacks", "--stack-name", name, "--output", "json"]).await;
        serde_json::from_str::<Value>(&answer).unwrap()["Stacks"][0].clone()
    }

    /// Everybody with the old token is refused from now on.
    pub(crate) async fn revoke_the_token(&mut self, new: &str) {
        let port = port(&self.telegram.url());
        self.telegram.stop().unwrap();
        self.telegram = telegram(&self.folder, &self.aws, new, port).await;
    }

    pub(crate) async fn replace_the_key(&mut self, new: &str) {
        let port = port(&self.gemini.take().unwrap().url());
        self.gemini = Some(gemini(new, port).await);
    }

    pub(crate) fn emulators_log(&self) -> String {
        fs::read_to_string(self.aws.log_file()).unwrap()
    }

    fn last_words(&self) -> String {
        let log = self.emulators_log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let out = format!("{}{}", text(&output.stdout), text(&output.stderr));
        Self { code: output.status.code().unwrap_or(-1), out }
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The port may be taken for a moment by the one before.
async fn telegram(folder: &TempDir, aws: &Ministack, token: &str, port: u16) -> Telegram {
    let deadline = Instant::now() + Duration::from_secs(10);
    let options = || local::telegram::Options {
        port,
        token: token.to_owned(),
        gateway: Some(aws.url()),
        state_file: Some(folder.path().join("telegram.json")),
        retry_unit: Duration::from_millis(200),
        ..local::telegram::Options::default()
    };
    loop {
        match Telegram::start(options()).await {
            Ok(telegram) => return telegram,
            Err(error) => assert!(Instant::now() < deadline, "{error:#}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// As Telegram's.
async fn gemini(key: &str, port: u16) -> Gemini {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match Gemini::start(local::gemini::Options { port, api_key: key.to_owned() }).await {
            Ok(gemini) => return gemini,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn port(url: &str) -> u16 {
    url.rsplit(':').next().unwrap().parse().unwrap()
}
