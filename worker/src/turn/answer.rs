//! What the answer to a message is: a notice, Gemini's words, or a picture.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::{Answer, Attempt, Change};
use crate::conversation::{Conversation, Piece, Turn};
use crate::failure::{self, Class, Failure};
use crate::gemini::{self, Call, Outcome, Photo, Question};
use crate::reply::{self, Part};
use crate::router::Route;
use crate::update::FILE_MAX_BYTES;
use crate::words;

/// Telegram shows an action for up to 5 s.
const ACTION_EVERY: Duration = Duration::from_secs(4);
/// How long a reminder of another message may be, in characters.
const QUOTE_MAX_CHARS: usize = 1_000;

/// Plain words of the bot's own, which no history keeps.
pub(super) fn notice(text: &str) -> Answer {
    Answer { pieces: vec![Piece::Text(words(text))], turn: None, change: Change::Nothing, picture: None }
}

pub(super) fn words(text: &str) -> Part {
    Part { text: text.to_owned(), entities: Vec::new() }
}

impl Attempt<'_> {
    pub(super) async fn answer(&self, conversation: &Conversation, route: Route) -> Result<Answer, Failure> {
        Ok(match route {
            Route::Start => notice(words::START),
            Route::Help => notice(words::HELP),
            Route::New => Answer { change: Change::Forget, ..notice(words::NEW) },
            Route::Unknown => notice(words::UNKNOWN_COMMAND),
            Route::Unreadable(kind) => notice(&words::unreadable(kind)),
            Route::Image(prompt) if prompt.is_empty() => notice(words::IMAGE_USAGE),
            Route::Image(prompt) => self.image(conversation, prompt).await?,
            Route::Ask => self.ask(conversation).await?,
            // Both have ended the turn before.
            Route::Silent(_) | Route::Migrated(_) => notice(words::EMPTY),
        })
    }

    async fn image(&self, conversation: &Conversation, prompt: String) -> Result<Answer, Failure> {
        let photo = match self.photo().await? {
            Ok(photo) => photo,
            Err(problem) => return Ok(notice(problem)),
        };
        let asked = Question { text: prompt.clone(), photo };
        let change_photo = asked.photo.is_some();
        let call = Call::by_command(&prompt);
        self.draw(conversation, asked, prompt, change_photo, call, 0).await
    }

    async fn ask(&self, conversation: &Conversation) -> Result<Answer, Failure> {
        let photo = match self.photo().await? {
            Ok(photo) => photo,
            Err(problem) => return Ok(notice(problem)),
        };
        let mut question = Question { text: self.question(), photo };
        if question.photo.is_some() && self.message.words().0.is_empty() {
            question.text.push_str(words::LOOK);
        }
        let answer = self.ask_twice(conversation, &question).await?;
        match answer.outcome {
            Outcome::Text { markdown, content, cut_off } => {
                let contents = gemini::text_turn(&remembered(&question), content);
                let turn = Turn {
                    update_id: self.update_id,
                    at_ms: self.at_ms,
                    tokens: answer.tokens,
                    contents,
                    picture: None,
                };
                let mut answer = texts(&markdown, Some(turn));
                if cut_off {
                    answer.pieces.push(Piece::Text(words(words::CUT_OFF)));
                }
                Ok(answer)
            }
            Outcome::Draw { prompt, change_last, call } => {
                self.draw(conversation, question, prompt, change_last, call, answer.tokens).await
            }
            Outcome::Blocked(reason) => Ok(notice(words::blocked(&reason))),
            Outcome::BadPhoto => Ok(notice(words::BAD_PHOTO)),
            Outcome::Picture { .. } | Outcome::Empty(_) => Ok(notice(words::EMPTY)),
        }
    }

    /// An empty answer is an accident and often a single one. A refused request with a history may be refused for the
    /// history alone, as its signatures belong to another model: once without it, rather than never again.
    async fn ask_twice(&self, conversation: &Conversation, question: &Question) -> Result<gemini::Answer, Failure> {
        let (history, tokens) = conversation.history();
        match self.gemini("typing", || self.bot.gemini.ask(&history, tokens, question)).await {
            Ok(gemini::Answer { outcome: Outcome::Empty(_), .. }) => {}
            Err(failure) if failure.class == Class::Unexpected && !history.is_empty() => {
                warn!(error = failure.error, "refused with its history: asked without");
                return self.gemini("typing", || self.bot.gemini.ask(&[], 0, question)).await;
            }
            answered => return answered,
        }
        self.gemini("typing", || self.bot.gemini.ask(&history, tokens, question)).await
    }

    /// `change_last` gives the image model what is to be changed: the message's photo, else the last picture drawn.
    async fn draw(
        &self,
        conversation: &Conversation,
        asked: Question,
        prompt: String,
        change_last: bool,
        call: Call,
        tokens: u32,
    ) -> Result<Answer, Failure> {
        let remembered = remembered(&asked);
        let photo = match (change_last, asked.photo, conversation.last_picture()) {
            (false, ..) | (true, None, None) => None,
            (true, Some(photo), _) => Some(photo),
            (true, None, Some(last)) => {
                let bytes = self.bot.conversations.load_picture(last).await?;
                bytes.and_then(|bytes| Photo::sniffed(bytes, None))
            }
        };
        let order = Question { text: prompt, photo };
        let answer = self.gemini("upload_photo", || self.bot.gemini.draw(&order)).await?;
        let (mime, bytes, markdown) = match answer.outcome {
            Outcome::Picture { mime, bytes, markdown } => (mime, bytes, markdown),
            // The model only talked about it: its words are the answer, and no picture for the history.
            Outcome::Text { markdown, .. } => return Ok(texts(&markdown, None)),
            Outcome::Blocked(reason) => return Ok(notice(words::blocked(&reason))),
            Outcome::BadPhoto => return Ok(notice(words::BAD_PHOTO)),
            Outcome::Draw { .. } | Outcome::Empty(_) => return Ok(notice(words::NO_PICTURE)),
        };
        let name = format!("{}-{}", self.update_id, self.invocation.request_id);
        let saved = self.bot.conversations.save_picture(self.key, &name, &mime, bytes.clone()).await?;
        let (caption, rest) = reply::render_caption(&markdown);
        let photo = Piece::Photo { picture: saved.clone(), caption };
        let turn = Turn {
            update_id: self.update_id,
            at_ms: self.at_ms,
            tokens: tokens + gemini::about_tokens(&markdown),
            contents: gemini::picture_turn(&remembered, call, &markdown),
            picture: Some(saved),
        };
        let pieces = [photo].into_iter().chain(rest.into_iter().map(Piece::Text)).collect();
        Ok(Answer { pieces, turn: Some(turn), change: Change::Nothing, picture: Some(bytes) })
    }

    /// Asks, and meanwhile shows that something is being done. A short wait that Gemini asks for is waited here.
    async fn gemini<F>(&self, action: &'static str, ask: impl Fn() -> F) -> Result<gemini::Answer, Failure>
    where
        F: Future<Output = Result<gemini::Answer, gemini::Error>>,
    {
        let began = Instant::now();
        let asking = async {
            let failure = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => Failure::from(error),
            };
            let Some(wait) = failure.short_wait() else { return Err(failure) };
            tokio::time::sleep(wait).await;
            ask().await.map_err(Failure::from)
        };
        let answer = self.showing(action, asking).await?;
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (prompt, output) = (u64::from(answer.prompt_tokens), u64::from(answer.output_tokens));
        let model = answer.model_version.as_str();
        if matches!(answer.outcome, Outcome::Picture { .. }) {
            info!(model, tokens = prompt + output, GeminiMs = ms, Pictures = 1, "gemini answered");
        } else {
            info!(model, GeminiMs = ms, PromptTokens = prompt, OutputTokens = output, "gemini answered");
        }
        Ok(answer)
    }

    /// Meanwhile people see that something is being done.
    async fn showing<T>(&self, action: &'static str, work: impl Future<Output = T>) -> T {
        let showing = async {
            loop {
                // Only a courtesy: whatever comes of it, the answer is on its way. In a task of its own: broken off, it
                // would take along the connection that the answer needs next.
                let (telegram, target) = (self.bot.telegram.clone(), self.target());
                drop(tokio::spawn(async move { telegram.send_action(target, action).await }).await);
                tokio::time::sleep(ACTION_EVERY).await;
            }
        };
        tokio::select! {
            done = work => done,
            never = showing => never,
        }
    }

    /// The photo of the message, or of the one that it replies to; or why it cannot be read.
    async fn photo(&self) -> Result<Result<Option<Photo>, &'static str>, Failure> {
        let replied = self.message.reply_to_message.as_deref();
        let Some(with) = [Some(self.message), replied].into_iter().flatten().find(|m| !m.photo.is_empty()) else {
            return Ok(Ok(None));
        };
        let Some(size) = with.largest_photo() else { return Ok(Err(words::TOO_BIG)) };
        let mb = size.file_size.unwrap_or(FILE_MAX_BYTES).div_ceil(1024 * 1024);
        let room = Arc::clone(&self.bot.files).acquire_many_owned(u32::try_from(mb).unwrap_or(1)).await.ok();
        match self.showing("typing", self.bot.telegram.download(&size.file_id)).await {
            Ok(bytes) => Ok(Ok(Photo::sniffed(bytes, room))),
            Err(error) => failure::judge_download(error).map(Err),
        }
    }

    /// The words of the message, with what Gemini cannot know: who writes in a group, and what is replied to.
    fn question(&self) -> String {
        let message = self.message;
        let (words, _) = message.words();
        let replied = message.reply_to_message.as_deref();
        let quoted = message.quote.as_ref().map(|quote| quote.text.as_str());
        let quoted = quoted.or_else(|| {
            // The bot's own words are in the history already.
            replied.filter(|replied| replied.from.as_ref().is_none_or(|from| !from.is_bot)).map(|m| m.words().0)
        });
        let about = quoted.filter(|text| !text.is_empty()).map(|text| {
            let text: String = text.chars().take(QUOTE_MAX_CHARS).collect();
            format!("(In reply to this message: “{text}”)\n")
        });
        let name = message.from.as_ref().filter(|_| !message.is_private()).map(|from| format!("{}: ", from.first_name));
        format!("{}{}{words}", about.unwrap_or_default(), name.unwrap_or_default())
    }
}

fn remembered(question: &Question) -> String {
    let mark = if question.photo.is_some() { words::PHOTO_MARK } else { "" };
    format!("{mark}{}", question.text)
}

/// Gemini's Markdown as Telegram shows it.
fn texts(markdown: &str, turn: Option<Turn>) -> Answer {
    let pieces: Vec<_> = reply::render(markdown).into_iter().map(Piece::Text).collect();
    if pieces.is_empty() {
        return notice(words::EMPTY);
    }
    Answer { pieces, turn, change: Change::Nothing, picture: None }
}
