//! The mapping from the queue to the worker: paused, updates are accepted and wait.
//! Neither pausing nor resuming loses or repeats anything, and both may be repeated.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::aws::Aws;
use crate::cloudformation::Stack;
use crate::place::Place;
use crate::queue;
use crate::say::{good, note};
use crate::trouble::Trouble;

const PATIENCE: Duration = Duration::from_secs(120);
/// The worker's time-out (`deploy/template.yaml`), and until the queue's figures show it.
pub const LONGEST_TURN: Duration = Duration::from_secs(125);
const LOOK: Duration = Duration::from_secs(2);

/// The worker stops; what is under way ends by itself.
///
/// # Errors
/// When it does not come to that within two minutes.
pub async fn pause(place: &Place) -> Result<()> {
    let stack = place.without_secrets().await?;
    Trigger::of(place, &stack)?.pause().await?;
    let depth = queue::depth(&place.aws, stack.output("QueueUrl")?).await?;
    note(&format!("{} waiting, for up to 14 days; make resume has them answered, in order", depth.waiting));
    Ok(())
}

/// The worker goes on, with what has waited first.
///
/// # Errors
/// When it does not come to that within two minutes.
pub async fn resume(place: &Place) -> Result<()> {
    let stack = place.without_secrets().await?;
    let depth = queue::depth(&place.aws, stack.output("QueueUrl")?).await?;
    Trigger::of(place, &stack)?.resume().await?;
    note(&format!("{} have waited", depth.waiting));
    Ok(())
}

/// Waits until the paused worker has ended what was under way. The queue counts what waits for its next attempt as well:
/// after the longest that a turn may take, only such messages are left.
///
/// # Errors
/// As a call of the AWS CLI.
pub async fn drained(place: &Place, stack: &Stack) -> Result<()> {
    let (queue, began) = (stack.output("QueueUrl")?, Instant::now());
    loop {
        let left = queue::depth(&place.aws, queue).await?.in_flight;
        if left == 0 {
            good("what was under way has ended");
            return Ok(());
        }
        if began.elapsed() > LONGEST_TURN {
            note(&format!(
                "{left} are still out of the queue's sight after {} s, longer than a turn lasts: they wait for their next \
                 attempt, and go on after the pause",
                LONGEST_TURN.as_secs()
            ));
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

pub struct Trigger<'a> {
    aws: &'a Aws,
    uuid: String,
}

impl<'a> Trigger<'a> {
    /// # Errors
    /// When the stack has none yet.
    pub fn of(place: &'a Place, stack: &Stack) -> Result<Self> {
        Ok(Self { aws: &place.aws, uuid: stack.output("TriggerUuid")?.to_owned() })
    }

    /// Nothing when the stack has none yet.
    pub fn of_stack(place: &'a Place, stack: &Stack) -> Option<Self> {
        Some(Self { aws: &place.aws, uuid: stack.outputs.get("TriggerUuid")?.clone() })
    }

    /// # Errors
    /// As a call of the AWS CLI.
    pub async fn is_paused(&self) -> Result<bool> {
        Ok(matches!(self.state().await?.as_str(), "Disabled" | "Disabling"))
    }

    /// # Errors
    /// As a call of the AWS CLI.
    pub async fn state(&self) -> Result<String> {
        let mapping = self.aws.call(&["lambda", "get-event-source-mapping", "--uuid", &self.uuid]).await?;
        Ok(mapping["State"].as_str().unwrap_or_default().to_owned())
    }

    /// # Errors
    /// When it does not come to that within two minutes.
    pub async fn pause(&self) -> Result<()> {
        self.bring("--no-enabled", "Disabled").await?;
        good("paused: updates are accepted, and wait on the queue");
        Ok(())
    }

    /// # Errors
    /// When it does not come to that within two minutes.
    pub async fn resume(&self) -> Result<()> {
        self.bring("--enabled", "Enabled").await?;
        good("running: what has waited is answered, in order");
        Ok(())
    }

    async fn bring(&self, flag: &str, wanted: &str) -> Result<()> {
        let began = Instant::now();
        let mut asked = false;
        loop {
            let state = self.state().await?;
            if state == wanted {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                bail!("the mapping to the worker is still {state} after two minutes\n    ▸ the same again goes on");
            }
            if !asked {
                let args = ["lambda", "update-event-source-mapping", "--uuid", &self.uuid, flag];
                match self.aws.call(&args).await {
                    Ok(_) => {
                        asked = true;
                        continue;
                    }
                    // On its way somewhere, it refuses another change.
                    Err(error) if Trouble::is(&error, "ResourceInUseException") => {}
                    Err(error) => return Err(error),
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
