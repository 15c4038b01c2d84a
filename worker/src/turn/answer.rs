//! What the answer to a message is: a notice, Gemini's words, or a picture.

use std::time::{Duration, Instant};

use tracing::info;

use super::{Answer, Attempt, Change};
use crate::conversation::{Conversation, Piece, Turn};
use crate::failure::{self, Failure};
use crate::gemini::{self, Call, Outcome, Photo, Question};
use crate::reply::{self, Part};
use crate::router::Route;
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
        let Some(call) = Call::by_command(&prompt) else { return Ok(notice(words::NO_PICTURE)) };
        let asked = Question { text: prompt.clone(), photo };
        let change_photo = asked.photo.is_some();
        self.draw(conversation, asked, prompt, change_photo, call, 0).await
    }

    async fn ask(&self, conversation: &Conversation) -> Result<Answer, Failure> {
        let photo = match self.photo().await? {
            Ok(photo) => photo,
            Err(problem) => return Ok(notice(problem)),
        };
        let mut question = Question { text: self.question(), photo };
        if question.photo.is_some() && question.text.is_empty() {
            question.text = words::LOOK.to_owned();
        }
        let (history, history_tokens) = conversation.history();
        let mut answer = self.gemini("typing", || self.bot.gemini.ask(&history, history_tokens, &question)).await?;
        if let Outcome::Empty(_) = answer.outcome {
            answer = self.gemini("typing", || self.bot.gemini.ask(&history, history_tokens, &question)).await?;
        }
        match answer.outcome {
            Outcome::Text { markdown, content, cut_off } => {
                let shown = if cut_off { markdown + words::CUT_OFF } else { markdown };
                let contents = gemini::text_turn(&remembered(&question), content);
                let turn = Turn { update_id: self.update_id, tokens: answer.tokens, contents, picture: None };
                Ok(texts(&shown, Some(turn)))
            }
            Outcome::Draw { prompt, change_last, call } => {
                self.draw(conversation, question, prompt, change_last, call, answer.tokens).await
            }
            Outcome::Blocked(reason) => Ok(notice(words::blocked(&reason))),
            Outcome::Picture { .. } | Outcome::Empty(_) => Ok(notice(words::EMPTY)),
        }
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
            (true, None, Some(last)) => self.bot.conversations.load_picture(last).await?.and_then(Photo::sniffed),
        };
        let order = Question { text: prompt, photo };
        let answer = self.gemini("upload_photo", || self.bot.gemini.draw(&order)).await?;
        let (mime, bytes, markdown) = match answer.outcome {
            Outcome::Picture { mime, bytes, markdown } => (mime, bytes, markdown),
            // The model only talked about it: its words are the answer, and no picture for the history.
            Outcome::Text { markdown, .. } => return Ok(texts(&markdown, None)),
            Outcome::Blocked(reason) => return Ok(notice(words::blocked(&reason))),
            Outcome::Draw { .. } | Outcome::Empty(_) => return Ok(notice(words::NO_PICTURE)),
        };
        let saved = self.bot.conversations.save_picture(self.key, self.update_id, &mime, bytes.clone()).await?;
        let (caption, rest) = reply::render_caption(&markdown);
        let photo = Piece::Photo { picture: saved.clone(), caption };
        let turn = Turn {
            update_id: self.update_id,
            tokens: tokens + gemini::about_tokens(&markdown),
            contents: gemini::picture_turn(&remembered, call, &markdown),
            picture: Some(saved),
        };
        let pieces = [photo].into_iter().chain(rest.into_iter().map(Piece::Text)).collect();
        Ok(Answer { pieces, turn: Some(turn), change: Change::Nothing, picture: Some(bytes) })
    }

    /// Asks, and meanwhile shows that something is being done. A short wait that Gemini asks for is waited here.
    async fn gemini<F>(&self, action: &str, ask: impl Fn() -> F) -> Result<gemini::Answer, Failure>
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
        let showing = async {
            loop {
                // Only a courtesy: whatever comes of it, the answer is on its way.
                drop(self.bot.telegram.send_action(self.target(), action).await);
                tokio::time::sleep(ACTION_EVERY).await;
            }
        };
        let answer: gemini::Answer = tokio::select! {
            answer = asking => answer?,
            never = showing => never,
        };
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        info!(ms, model = answer.model_version, tokens = answer.charged_tokens, "gemini answered");
        Ok(answer)
    }

    /// The photo of the message, or of the one that it replies to; or why it cannot be read.
    async fn photo(&self) -> Result<Result<Option<Photo>, &'static str>, Failure> {
        let replied = self.message.reply_to_message.as_deref();
        let Some(with) = [Some(self.message), replied].into_iter().flatten().find(|m| !m.photo.is_empty()) else {
            return Ok(Ok(None));
        };
        let Some(size) = with.largest_photo() else { return Ok(Err(words::TOO_BIG)) };
        match self.bot.telegram.download(&size.file_id).await {
            Ok(bytes) => Ok(Ok(Photo::sniffed(bytes))),
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
