//! The functions' code: zips in the artifacts bucket under their hash, and the way back to what ran before.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::aws::STDIN;
use crate::cloudformation::Stack;
use crate::place::{Place, given};
use crate::say::{good, say};
use crate::secrets::hex;
use crate::trouble::Trouble;

/// An SSM parameter has at most 4 KB; an entry takes about 200 bytes.
const KEPT: usize = 10;
const HISTORY: &str = "code-history";

/// Both functions' code, as the stack's parameters name it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Code {
    pub ingress: String,
    pub worker: String,
    pub architecture: String,
}

impl Code {
    /// What the stack runs.
    pub fn of(stack: &Stack) -> Self {
        let parameter = |name: &str| stack.parameters.get(name).cloned().unwrap_or_default();
        Self {
            ingress: parameter("IngressCodeKey"),
            worker: parameter("WorkerCodeKey"),
            architecture: parameter("Architecture"),
        }
    }

    pub fn parameters(&self) -> Vec<(String, String)> {
        let pair = |name: &str, value: &String| (name.to_owned(), value.clone());
        vec![
            pair("IngressCodeKey", &self.ingress),
            pair("WorkerCodeKey", &self.worker),
            pair("Architecture", &self.architecture),
        ]
    }

    /// Short enough for a line.
    pub fn short(&self) -> String {
        let hash = |key: &str| key.rsplit('/').next().unwrap_or_default().chars().take(8).collect::<String>();
        format!("ingress {}, worker {}, {}", hash(&self.ingress), hash(&self.worker), self.architecture)
    }
}

/// Uploads what was built; the same code goes up once.
///
/// # Errors
/// When nothing was built, or S3 refuses.
pub async fn upload(place: &Place, bucket: &str) -> Result<Code> {
    let (ingress, worker) =
        tokio::try_join!(upload_one(place, bucket, "ingress"), upload_one(place, bucket, "worker"))?;
    Ok(Code { ingress, worker, architecture: architecture()? })
}

async fn upload_one(place: &Place, bucket: &str, name: &str) -> Result<String> {
    let zip = built(name);
    let bytes = std::fs::read(&zip).with_context(|| format!("{} is missing: make build makes it", zip.display()))?;
    let key = format!("{name}/{}.zip", hex(&Sha256::digest(&bytes)));
    match place.aws.call(&["s3api", "head-object", "--bucket", bucket, "--key", &key]).await {
        Ok(_) => good(&format!("{name}: unchanged")),
        Err(error) if Trouble::is(&error, "404") || Trouble::is(&error, "NoSuchKey") => {
            let body = zip.to_str().context("a path that is no UTF-8")?;
            place.aws.call(&["s3api", "put-object", "--bucket", bucket, "--key", &key, "--body", body]).await?;
            good(&format!("{name}: s3://{bucket}/{key}"));
        }
        Err(error) => return Err(error),
    }
    Ok(key)
}

/// As `deploy/build.sh` packs it: what is built for ARCH, or what is built for this machine.
fn built(name: &str) -> PathBuf {
    let target = given("CARGO_TARGET_DIR").unwrap_or_else(|| "target".to_owned());
    let zips = if given("ARCH").is_some() { "lambda" } else { "lambda/local" };
    Path::new(&target).join(zips).join(format!("{name}.zip"))
}

/// Lambda's name for what the zips are built for: ARCH, or this machine's.
fn architecture() -> Result<String> {
    match given("ARCH").as_deref().unwrap_or(std::env::consts::ARCH) {
        "arm64" | "aarch64" => Ok("arm64".to_owned()),
        "x86_64" | "amd64" => Ok("x86_64".to_owned()),
        other => bail!("ARCH={other}: it is arm64 or x86_64"),
    }
}

/// What to build for: ARCH, else what the stack runs on already, else arm64. The scripts ask before they build.
///
/// # Errors
/// As a call of the AWS CLI.
pub async fn show_architecture(place: &Place) -> Result<()> {
    let deployed = match given("ARCH") {
        Some(_) => None,
        None => Stack::find(&place.aws, &place.stack).await?,
    };
    let runs_on = deployed.and_then(|stack| stack.parameters.get("Architecture").cloned());
    say(&given("ARCH").or(runs_on).unwrap_or_else(|| "arm64".to_owned()));
    Ok(())
}

/// The way back: what ran before each deployment, the latest last. Before a deployment changes the stack, what runs goes
/// on top; after a rollback, its top goes away. So the top is where a rollback leads, whatever was cut off where.
///
/// # Errors
/// As a call of the AWS CLI.
pub async fn way_back(place: &Place) -> Result<Vec<Code>> {
    match place.aws.call(&["ssm", "get-parameter", "--name", &place.parameter(HISTORY)]).await {
        Ok(answer) => Ok(serde_json::from_str(answer["Parameter"]["Value"].as_str().unwrap_or("[]"))?),
        Err(error) if Trouble::is(&error, "ParameterNotFound") => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Before the stack goes from one code to the next.
///
/// # Errors
/// As a call of the AWS CLI.
pub async fn keep_way_back(place: &Place, current: &Code, next: &Code) -> Result<()> {
    if current == next {
        return Ok(());
    }
    let before = way_back(place).await?;
    let after = with(before.clone(), current);
    if before == after { Ok(()) } else { write_way_back(place, &after).await }
}

/// # Errors
/// As a call of the AWS CLI.
pub async fn forget_history(place: &Place) -> Result<()> {
    crate::secrets::forget(place, &[HISTORY]).await
}

/// # Errors
/// As a call of the AWS CLI.
pub async fn write_way_back(place: &Place, way_back: &[Code]) -> Result<()> {
    let parameter = place.parameter(HISTORY);
    let args = ["ssm", "put-parameter", "--type", "String", "--overwrite", "--name", &parameter, "--value", STDIN];
    place.aws.call_with(&args, &serde_json::to_string(way_back)?).await?;
    Ok(())
}

fn with(mut way_back: Vec<Code>, code: &Code) -> Vec<Code> {
    if way_back.last() != Some(code) {
        way_back.push(code.clone());
    }
    way_back.drain(..way_back.len().saturating_sub(KEPT));
    way_back
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(name: &str) -> Code {
        Code { ingress: "ingress/0.zip".into(), worker: format!("worker/{name}.zip"), architecture: "arm64".into() }
    }

    fn names(codes: &[Code]) -> Vec<&str> {
        codes.iter().map(|code| code.worker.as_str()).collect()
    }

    #[test]
    fn the_way_back_has_what_ran_and_the_same_twice_only_when_another_was_between() {
        let kept = ["a", "b", "b", "a"].into_iter().fold(Vec::new(), |kept, name| with(kept, &code(name)));
        assert_eq!(names(&kept), ["worker/a.zip", "worker/b.zip", "worker/a.zip"]);
    }

    #[test]
    fn the_way_back_stays_short_enough_for_its_parameter() {
        let hash = "0".repeat(64);
        let history = (0..30).fold(Vec::new(), |history, n| {
            with(
                history,
                &Code {
                    ingress: format!("ingress/{hash}.zip"),
                    worker: format!("worker/{hash}{n}.zip"),
                    architecture: "x86_64".into(),
                },
            )
        });
        assert!(serde_json::to_string(&history).unwrap().len() < 4096);
    }
}
