//! What the simulated services record, in one order for all of them. The checker sees nothing else.

use crate::mark::Mark;
use crate::plan::Fault;

#[derive(Clone, Debug)]
pub struct Entry {
    /// Since the run began.
    pub at_ms: u64,
    pub event: Event,
}

/// What a person's message asks for, known to whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Gemini answers.
    Ask,
    /// The bot answers by itself, or passes on that Gemini does not want to.
    Notice,
    /// `/new`: a notice, and nothing that was said before is shown to Gemini any more.
    Forget,
    /// Not for the bot: no word.
    Silent,
    /// Nothing can be made of it: the dead-letter queue is its place.
    Poison,
}

#[derive(Clone, Debug)]
pub enum Event {
    /// The ingress said 200.
    Accepted {
        update: u64,
        conversation: String,
        kind: Kind,
    },
    /// Telegram delivered it once more; late: after SQS has forgotten it.
    Duplicated {
        update: u64,
        late: bool,
    },
    /// The queue handed it to a worker for the nth time.
    Received {
        update: u64,
        worker: String,
        count: u32,
    },
    /// The worker's invocation is over, one way or another.
    Returned {
        worker: String,
    },
    /// Gemini answered, whether or not the answer arrived.
    Asked {
        worker: String,
        update: u64,
        /// Which of its answers; one that only orders a picture has the number of the one before.
        call: u32,
        orders: bool,
        roles: Vec<String>,
        seen: Vec<Mark>,
        heard: bool,
    },
    Loaded {
        worker: String,
        conversation: String,
    },
    /// The bucket took an object that holds these answers, and knows of these failed updates.
    Stored {
        worker: String,
        conversation: String,
        answers: Vec<Mark>,
        failed: Vec<u64>,
    },
    /// The bucket's object of this conversation is no JSON any more.
    Corrupted {
        conversation: String,
    },
    /// That object was copied to another key, as it was.
    SetAside {
        conversation: String,
    },
    /// The group has another id now, and whoever writes to the old one is refused.
    Moved {
        from: String,
        to: String,
    },
    /// A message to a person.
    Sent {
        worker: String,
        update: u64,
        words: Words,
        outcome: Outcome,
    },
    /// The queue was told when to show it again.
    Hidden {
        update: u64,
        wait_s: u32,
    },
    Deleted {
        update: u64,
    },
    /// Moved to the dead-letter queue.
    GivenUp {
        update: u64,
    },
    Replayed {
        update: u64,
    },
    Failed {
        worker: String,
        call: String,
        fault: Fault,
    },
    Killed {
        worker: String,
        why: &'static str,
    },
    /// At the end of the run: still on the queue, in the dead-letter queue, and each conversation's object.
    LeftWaiting {
        update: u64,
    },
    LeftDead {
        update: u64,
    },
    LeftObject {
        conversation: String,
        json: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Words {
    /// A part of what Gemini said, with the marks that are in it.
    Answer(Vec<Mark>),
    /// The bot's own words.
    Notice,
    /// That something went wrong: the words name the update.
    Apology,
}

impl Words {
    /// What the person asked for.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Answer(_) | Self::Notice)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// Carried out, and the answer went to a living worker.
    Confirmed,
    /// Refused; the worker knows that nothing happened.
    Refused,
    /// Carried out or not: the worker cannot know.
    Unknown { effect: bool },
}

impl Outcome {
    pub fn had_effect(self) -> bool {
        matches!(self, Self::Confirmed | Self::Unknown { effect: true })
    }
}

impl Event {
    /// The update that it is about.
    pub fn update(&self) -> Option<u64> {
        match self {
            Self::Accepted { update, .. }
            | Self::Duplicated { update, .. }
            | Self::Received { update, .. }
            | Self::Asked { update, .. }
            | Self::Sent { update, .. }
            | Self::Hidden { update, .. }
            | Self::Deleted { update }
            | Self::GivenUp { update }
            | Self::Replayed { update }
            | Self::LeftWaiting { update }
            | Self::LeftDead { update } => Some(*update),
            Self::Returned { .. }
            | Self::Loaded { .. }
            | Self::Stored { .. }
            | Self::Corrupted { .. }
            | Self::SetAside { .. }
            | Self::Moved { .. }
            | Self::Failed { .. }
            | Self::Killed { .. }
            | Self::LeftObject { .. } => None,
        }
    }
}
