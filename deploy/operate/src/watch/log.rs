//! What the functions have logged: both groups together, in the order of time.

use anyhow::Result;
use serde_json::Value;

use crate::aws::Aws;
use crate::cloudformation::Stack;
use crate::place::Place;
use crate::watch::clock;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    Ingress,
    Worker,
}

impl Function {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Worker => "worker",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) function: Function,
    /// When it was written: by the line itself, else by CloudWatch.
    pub(crate) at_ms: u64,
    /// When CloudWatch says that it was written; its queries go by this.
    pub(crate) event_ms: u64,
    /// The same in every answer that has the line.
    pub(crate) id: String,
    /// `Null` when it is no JSON.
    pub(crate) fields: Value,
    pub(crate) text: String,
}

impl Line {
    /// From an event of `FilterLogEvents`.
    pub(crate) fn read(function: Function, event: &Value) -> Self {
        let text = event["message"].as_str().unwrap_or_default().trim_end().to_owned();
        let fields: Value = serde_json::from_str(&text).ok().filter(Value::is_object).unwrap_or_default();
        let event_ms = event["timestamp"].as_u64().unwrap_or_default();
        let at_ms =
            clock::read_ms(&fields["timestamp"]).or_else(|| clock::read_ms(&fields["time"])).unwrap_or(event_ms);
        // The emulated AWS gives no ids.
        let id = match event["eventId"].as_str() {
            Some(id) => id.to_owned(),
            None => format!("{} {event_ms} {text}", event["logStreamName"]),
        };
        Self { function, at_ms, event_ms, id, fields, text }
    }

    /// The update that it is about.
    pub(crate) fn update_id(&self) -> Option<u64> {
        self.fields["span"]["update_id"].as_u64().or_else(|| self.fields["update_id"].as_u64())
    }
}

/// The log groups of a bot.
pub(crate) struct Log<'a> {
    aws: &'a Aws,
    groups: [(Function, String); 2],
}

impl<'a> Log<'a> {
    /// # Errors
    /// When the stack has none yet.
    pub(crate) fn of(place: &'a Place, stack: &Stack) -> Result<Self> {
        let ingress = (Function::Ingress, stack.output("IngressLogGroup")?.to_owned());
        let worker = (Function::Worker, stack.output("WorkerLogGroup")?.to_owned());
        Ok(Self { aws: &place.aws, groups: [ingress, worker] })
    }

    /// Everything since then that fits CloudWatch's filter pattern; an empty one fits all.
    ///
    /// # Errors
    /// As a call of the AWS CLI, which goes through all pages by itself.
    pub(crate) async fn read(&self, since_ms: u64, pattern: &str) -> Result<Vec<Line>> {
        let [ingress, worker] = &self.groups;
        let (mut lines, more) =
            tokio::try_join!(self.group(ingress, since_ms, pattern), self.group(worker, since_ms, pattern))?;
        lines.extend(more);
        lines.sort_by_key(|line| line.at_ms);
        Ok(lines)
    }

    async fn group(&self, (function, group): &(Function, String), since_ms: u64, pattern: &str) -> Result<Vec<Line>> {
        let since = since_ms.to_string();
        let mut args = vec!["logs", "filter-log-events", "--log-group-name", group, "--start-time", &since];
        if !pattern.is_empty() {
            args.extend(["--filter-pattern", pattern]);
        }
        let answer = self.aws.call(&args).await?;
        let events = answer["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(events.iter().map(|event| Line::read(*function, event)).collect())
    }
}
