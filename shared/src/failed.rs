//! Why an update lies in the dead-letter queue. SQS cannot write it on the message, so the worker leaves it in the
//! conversation's object, under `failed`, and `replay` reads it there. No words of people, no secrets.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Failed {
    pub update_id: u64,
    /// The failure's class, such as `transient` or `configuration`.
    pub class: String,
    /// The last error, as it stands in the log.
    pub error: String,
    /// How often it was tried; 0 in a record of before this was counted.
    #[serde(default)]
    pub attempts: u32,
    /// When the last attempt failed, in ms since 1970 (UTC).
    pub at_ms: u64,
}
