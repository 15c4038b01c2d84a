//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::age;

const EXAMPLES: &str = "\
Examples:
  replay list                                  what lies there, and why
  replay show 812345                           all about one update, without what people wrote
  replay replay --dry-run --class transient    what would be sent back
  replay replay --newer-than 2h --rate 5       the last two hours, five a second
  replay replay --conversation -1001234:7      one topic of a group, in order
  replay drop --older-than 7d                  asks before it deletes

Exit codes:
  0    done, or there was nothing to do
  1    a service refused, or something could not be sent or deleted: run it again
  2    the command line is wrong, or drop had nobody to ask
  3    an id that was asked for was not found
  4    drop was answered with no
  130  interrupted: what was not finished lies where it was; run it again";

const WHAT: &str = "\
Lists, shows, replays and drops what lies in the dead-letter queue: updates that failed every time.

Nothing is lost at any interruption: a message is sent to the updates queue first and deleted here after. What is \
replayed twice is answered once.

SQS hands out at most ten messages of a conversation at a time and holds back the others until these are gone: \
what lies behind messages that stay is counted, not shown.";

#[derive(Debug, Parser)]
#[command(name = "replay", version, about = "The operator's command for the dead-letter queue", long_about = WHAT)]
#[command(after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Prints one JSON object to standard output; progress and errors stay on standard error
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Where (make dlq and make replay fill these in)")]
pub struct Place {
    /// The dead-letter queue
    #[arg(long, env = "DLQ_URL", global = true, value_name = "URL")]
    pub dlq_url: Option<String>,
    /// The updates queue, where replayed messages go
    #[arg(long, env = "QUEUE_URL", global = true, value_name = "URL")]
    pub queue_url: Option<String>,
    /// The bucket with the conversations, which remember why an update failed
    #[arg(long, env = "S3_BUCKET", global = true, value_name = "NAME")]
    pub s3_bucket: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// What lies in the queue: conversation, update, age, attempts, class and last error
    List {
        #[command(flatten)]
        selection: Selection,
    },
    /// Everything about one message; what people wrote only with --with-text
    Show {
        /// Update id, or SQS's id of the message
        id: String,
        /// Also the update itself, with people's words
        #[arg(long)]
        with_text: bool,
    },
    /// Sends messages back to the updates queue, in order within each conversation
    Replay {
        #[command(flatten)]
        selection: Selection,
        /// Says what would be sent, and changes nothing
        #[arg(long)]
        dry_run: bool,
        /// At most so many messages a second
        #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=1000))]
        rate: Option<u32>,
    },
    /// Deletes messages for good; asks first
    Drop {
        #[command(flatten)]
        selection: Selection,
        /// Does not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// What is meant: everything, or what fits each kind of option that is given.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Selection (none: every update)")]
pub struct Selection {
    /// Update ids, or SQS's ids of messages
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub id: Vec<String>,
    /// Conversations, `chat_id[:thread_id]`
    #[arg(long, value_name = "CONVERSATION", value_delimiter = ',', allow_hyphen_values = true)]
    pub conversation: Vec<String>,
    /// Error classes, as `list` shows them
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    pub class: Vec<String>,
    /// Received by the bot longer ago than this: 90s, 15m, 2h, 3d
    #[arg(long, value_name = "AGE", value_parser = age::parse)]
    pub older_than: Option<Duration>,
    /// Received by the bot less long ago than this
    #[arg(long, value_name = "AGE", value_parser = age::parse)]
    pub newer_than: Option<Duration>,
    /// Messages that are no update of ours; without it they are only touched by --id
    #[arg(long, conflicts_with_all = ["class"])]
    pub foreign: bool,
    /// A list leaves nothing out by itself.
    #[arg(skip)]
    pub foreign_too: bool,
}
