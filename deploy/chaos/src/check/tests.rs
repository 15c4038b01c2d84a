//! Bad records, each of which the checker must see.

use super::*;
use crate::event::{Event, Kind, Outcome, Words};
use crate::mark::Mark;

fn log(events: Vec<Event>) -> Vec<Entry> {
    events.into_iter().map(|event| Entry { at_ms: 0, event }).collect()
}

fn accepted(update: u64, kind: Kind) -> Event {
    Event::Accepted { update, conversation: "7".to_owned(), kind }
}

fn mark(update: u64, call: u32, paragraph: u32, paragraphs: u32) -> Mark {
    Mark { update, call, paragraph, paragraphs }
}

fn sent(mark: Mark, outcome: Outcome) -> Event {
    Event::Sent { worker: "w".to_owned(), update: mark.update, words: Words::Answer(vec![mark]), outcome }
}

fn said(update: u64, words: Words) -> Event {
    Event::Sent { worker: "w".to_owned(), update, words, outcome: Outcome::Confirmed }
}

fn stored(answers: Vec<Mark>) -> Event {
    Event::Stored { worker: "w".to_owned(), conversation: "7".to_owned(), answers, failed: vec![] }
}

fn loaded() -> Event {
    Event::Loaded { worker: "w".to_owned(), conversation: "7".to_owned() }
}

fn asked(update: u64, roles: &[&str], seen: Vec<Mark>) -> Event {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    Event::Asked { worker: "w".to_owned(), update, call: 1, orders: false, roles, seen, heard: true }
}

fn killed() -> Event {
    Event::Killed { worker: "w".to_owned(), why: "after" }
}

fn broken(events: Vec<Event>) -> Vec<Rule> {
    check(&log(events)).broken.iter().map(|broken| broken.rule).collect()
}

const UNKNOWN: Outcome = Outcome::Unknown { effect: true };
const NEVER: Outcome = Outcome::Unknown { effect: false };

#[test]
fn a_good_run_breaks_nothing() {
    let one = mark(1, 1, 1, 1);
    let events = vec![
        accepted(1, Kind::Ask),
        loaded(),
        asked(1, &["user"], vec![]),
        stored(vec![one]),
        sent(one, Outcome::Refused),
        sent(one, UNKNOWN),
        sent(one, Outcome::Confirmed),
        stored(vec![one]),
        accepted(2, Kind::Notice),
        said(2, Words::Notice),
        accepted(3, Kind::Silent),
        accepted(4, Kind::Poison),
        said(4, Words::Apology),
        Event::LeftDead { update: 4 },
    ];
    let verdict = check(&log(events));
    assert_eq!(verdict.broken, []);
    let figures = Figures {
        sent: 4,
        answered: 1,
        declined: 2,
        dead: 1,
        repeated_unknown: 1,
        unknown: 1,
        charges: 1,
        ..Figures::default()
    };
    assert_eq!(verdict.figures, figures);
}

#[test]
fn an_update_without_an_end_is_lost() {
    assert_eq!(broken(vec![accepted(1, Kind::Ask)]), [Rule::Lost]);
    assert_eq!(broken(vec![accepted(1, Kind::Notice)]), [Rule::Lost]);
    assert_eq!(broken(vec![accepted(1, Kind::Poison)]), [Rule::Lost]);
    assert_eq!(broken(vec![accepted(1, Kind::Silent), Event::LeftWaiting { update: 1 }]), [Rule::Lost]);
    let never = sent(mark(1, 1, 1, 1), NEVER);
    assert_eq!(broken(vec![accepted(1, Kind::Ask), never.clone(), never]), [Rule::Lost]);
}

#[test]
fn half_an_answer_is_none() {
    let half = sent(mark(1, 1, 1, 2), Outcome::Confirmed);
    assert_eq!(broken(vec![accepted(1, Kind::Ask), half.clone()]), [Rule::Lost]);
    let other = sent(mark(1, 2, 2, 2), Outcome::Confirmed);
    assert_eq!(broken(vec![accepted(1, Kind::Ask), half, other]), [Rule::Lost, Rule::MixedAnswers]);
}

#[test]
fn an_update_has_one_end() {
    let whole = sent(mark(1, 1, 1, 1), Outcome::Confirmed);
    assert_eq!(broken(vec![accepted(1, Kind::Ask), whole, Event::LeftDead { update: 1 }]), [Rule::TwoEnds]);
    assert_eq!(broken(vec![accepted(1, Kind::Ask), Event::LeftDead { update: 1 }]), [Rule::Stuck]);
}

#[test]
fn a_confirmed_part_is_not_sent_again() {
    let part = mark(1, 1, 1, 1);
    let twice = |between: Event| {
        broken(vec![accepted(1, Kind::Ask), sent(part, Outcome::Confirmed), between, sent(part, Outcome::Confirmed)])
    };
    assert_eq!(twice(stored(vec![part])), [Rule::RepeatedConfirmed]);
    assert_eq!(twice(loaded()), [Rule::RepeatedConfirmed]);
    assert_eq!(twice(killed()), [], "it died before it could remember");
    let remembered = [accepted(1, Kind::Ask), sent(part, Outcome::Confirmed), stored(vec![part]), killed()];
    let again = remembered.into_iter().chain([sent(part, Outcome::Confirmed)]).collect();
    assert_eq!(broken(again), [Rule::RepeatedConfirmed]);
}

#[test]
fn a_second_answer_to_the_same_question_is_a_repetition() {
    let (first, second) = (mark(1, 1, 1, 1), mark(1, 2, 1, 1));
    let events = vec![accepted(1, Kind::Ask), sent(first, Outcome::Confirmed), sent(second, Outcome::Confirmed)];
    assert_eq!(broken(events), [Rule::RepeatedConfirmed, Rule::MixedAnswers]);
}

#[test]
fn a_replay_is_an_order_to_send_once_more() {
    let part = sent(mark(1, 1, 1, 1), UNKNOWN);
    let replay = Event::Replayed { update: 1 };
    let after = [accepted(1, Kind::Ask), part.clone(), part.clone(), replay.clone(), part.clone()];
    assert_eq!(broken(after.into()), []);
    let before = [accepted(1, Kind::Ask), part.clone(), part.clone(), part, replay];
    assert_eq!(broken(before.into()), [Rule::RepeatedTwice]);
}

#[test]
fn an_unknown_part_is_sent_again_once() {
    let part = sent(mark(1, 1, 1, 1), UNKNOWN);
    assert_eq!(broken(vec![accepted(1, Kind::Ask), part.clone(), part.clone(), part]), [Rule::RepeatedTwice]);
}

#[test]
fn gemini_is_not_asked_once_an_answer_is_stored() {
    let one = mark(1, 1, 1, 1);
    let events = |between: Vec<Event>| {
        let begin = vec![accepted(1, Kind::Ask), sent(one, Outcome::Confirmed), loaded(), stored(vec![one])];
        broken(begin.into_iter().chain(between).chain([asked(1, &["user"], vec![])]).collect())
    };
    assert_eq!(events(vec![loaded()]), [Rule::AskedAgain]);
    assert_eq!(events(vec![]), [], "it could not know");
}

#[test]
fn answers_come_in_the_order_of_their_questions() {
    let (one, two) = (mark(1, 1, 1, 1), mark(2, 1, 1, 1));
    let events = |given_up: Option<Event>| {
        let begin = vec![accepted(1, Kind::Ask), accepted(2, Kind::Ask)];
        let sends = [sent(two, Outcome::Confirmed), sent(one, Outcome::Confirmed)];
        broken(begin.into_iter().chain(given_up).chain(sends).collect())
    };
    assert_eq!(events(None), [Rule::OutOfOrder]);
    assert_eq!(events(Some(Event::GivenUp { update: 1 })), []);
    let parts = [mark(1, 1, 1, 2), two, mark(1, 1, 2, 2)].map(|mark| sent(mark, Outcome::Confirmed));
    let begin = [accepted(1, Kind::Ask), accepted(2, Kind::Ask)];
    assert_eq!(broken(begin.into_iter().chain(parts).collect()), [Rule::OutOfOrder], "in between");
}

#[test]
fn the_parts_of_an_answer_come_in_their_order() {
    let parts = [1, 2, 1].map(|paragraph| sent(mark(1, 1, paragraph, 2), UNKNOWN));
    assert_eq!(broken([vec![accepted(1, Kind::Ask)], parts.to_vec()].concat()), []);
    assert_eq!(broken([vec![accepted(1, Kind::Ask)], parts[1..].to_vec()].concat()), [Rule::OutOfOrder]);
}

#[test]
fn who_has_the_answer_hears_nothing_of_a_failure() {
    let received = || Event::Received { update: 1, worker: "w".to_owned(), count: 1 };
    let after = |outcome| {
        let answered = [accepted(1, Kind::Ask), sent(mark(1, 1, 1, 1), outcome), received()];
        broken(answered.into_iter().chain([said(1, Words::Apology)]).collect())
    };
    assert_eq!(after(Outcome::Confirmed), [Rule::SpokeUnasked]);
    assert_eq!(after(UNKNOWN), [], "nobody knew");
}

#[test]
fn what_was_answered_is_kept() {
    let left = |kept: u64, more: Option<Event>| {
        let object = Event::LeftObject {
            conversation: "7".to_owned(),
            json: format!(r#"{{"turns":["{}"]}}"#, mark(kept, 1, 1, 1)),
        };
        let answered = [accepted(1, Kind::Ask), sent(mark(1, 1, 1, 1), Outcome::Confirmed)];
        let rules = broken(answered.into_iter().chain(more).chain([object]).collect());
        rules.into_iter().filter(|rule| *rule != Rule::History).collect::<Vec<_>>()
    };
    assert_eq!(left(1, None), []);
    assert_eq!(left(2, None), [Rule::NotKept]);
    assert_eq!(left(2, Some(Event::Moved { from: "7".to_owned(), to: "8".to_owned() })), [Rule::NotMoved]);
}

#[test]
fn a_history_goes_by_turns_and_holds_each_answer_once() {
    let one = mark(1, 1, 1, 1);
    let shown = |roles: &[&str], seen| {
        broken(vec![accepted(2, Kind::Ask), sent(mark(2, 1, 1, 1), Outcome::Confirmed), asked(2, roles, seen)])
    };
    assert_eq!(shown(&["user", "model", "user"], vec![one]), []);
    assert_eq!(shown(&["user", "model", "user", "model", "user"], vec![one, mark(1, 2, 1, 1)]), [Rule::History]);
    assert_eq!(shown(&["model", "user"], vec![]), [Rule::History]);
    assert_eq!(shown(&["user", "user"], vec![]), [Rule::History]);
    let left = |json: &str| broken(vec![Event::LeftObject { conversation: "7".to_owned(), json: json.to_owned() }]);
    assert_eq!(left("{"), [Rule::History]);
    assert_eq!(left(r#"{"turns":[{"contents":[{"role":"user"},{"role":"model"}]}]}"#), []);
    assert_eq!(left(r#"{"turns":[{"contents":[{"role":"model"}]}]}"#), [Rule::History]);
}

#[test]
fn words_that_nobody_asked_for_are_seen() {
    assert_eq!(broken(vec![accepted(1, Kind::Silent), said(1, Words::Notice)]), [Rule::SpokeUnasked]);
}

#[test]
fn a_failure_that_is_remembered_is_told_once() {
    let received = || Event::Received { update: 1, worker: "w".to_owned(), count: 5 };
    let remembered =
        Event::Stored { worker: "w".to_owned(), conversation: "7".to_owned(), answers: vec![], failed: vec![1] };
    let sorry = || said(1, Words::Apology);
    let twice = |memory: Option<Event>| {
        let first = [accepted(1, Kind::Poison), received()].into_iter().chain(memory).chain([sorry()]);
        broken(first.chain([received(), sorry(), Event::LeftDead { update: 1 }]).collect())
    };
    assert_eq!(twice(Some(remembered)), [Rule::ApologisedTwice]);
    assert_eq!(twice(None), [], "the bucket did not take it");
}

#[test]
fn a_picture_belongs_to_its_words() {
    let whole = [mark(1, 1, 1, 2), mark(1, 1, 2, 2)];
    let photo = |marks: [Mark; 2]| Event::Sent {
        worker: "w".to_owned(),
        update: 1,
        words: Words::Answer(marks.into()),
        outcome: Outcome::Confirmed,
    };
    assert_eq!(broken(vec![accepted(1, Kind::Ask), photo(whole)]), []);
    let mixed = [mark(1, 1, 1, 2), mark(1, 2, 2, 2)];
    assert_eq!(broken(vec![accepted(1, Kind::Ask), photo(mixed)]), [Rule::Lost, Rule::MixedAnswers]);
    let again = broken(vec![accepted(1, Kind::Ask), photo(whole), stored(whole.into()), photo(whole)]);
    assert_eq!(again, [Rule::RepeatedConfirmed]);
}

#[test]
fn what_was_said_before_a_new_conversation_is_not_shown_again() {
    let one = mark(1, 1, 1, 1);
    let events = |again: Event| {
        let begin = [accepted(1, Kind::Ask), accepted(2, Kind::Forget), accepted(3, Kind::Ask), stored(vec![one])];
        let middle = [sent(one, Outcome::Confirmed), again, said(2, Words::Notice), loaded()];
        let end = [asked(3, &["user", "model", "user"], vec![one]), sent(mark(3, 1, 1, 1), Outcome::Confirmed)];
        broken(begin.into_iter().chain(middle).chain(end).collect())
    };
    assert_eq!(events(loaded()), [Rule::Remembered]);
}

#[test]
fn the_history_of_a_group_follows_it() {
    let object = |conversation: &str, answers: &[u64]| {
        let texts: Vec<_> = answers.iter().map(|update| mark(*update, 1, 1, 1).to_string()).collect();
        let contents = serde_json::json!([{"role": "user", "parts": []}, {"role": "model", "parts": texts}]);
        let json = serde_json::json!({"turns": [{"contents": contents}]}).to_string();
        Event::LeftObject { conversation: conversation.to_owned(), json }
    };
    let moved = || Event::Moved { from: "-7".to_owned(), to: "-100".to_owned() };
    assert_eq!(broken(vec![moved(), object("-7", &[1]), object("-100", &[1, 2])]), []);
    assert_eq!(broken(vec![moved(), object("-7", &[1]), object("-100", &[2])]), [Rule::NotMoved]);
}

#[test]
fn a_corrupt_object_is_set_aside_and_takes_what_was_known_with_it() {
    let (one, conversation) = (mark(1, 1, 1, 1), "7".to_owned());
    let received = Event::Received { update: 1, worker: "w".to_owned(), count: 1 };
    let begin = [accepted(1, Kind::Ask), received, sent(one, Outcome::Confirmed), stored(vec![one])];
    let again = |aside: Option<Event>| {
        let corrupted = Event::Corrupted { conversation: conversation.clone() };
        let end = [stored(vec![]), sent(mark(1, 2, 1, 1), Outcome::Confirmed)];
        broken(begin.clone().into_iter().chain([corrupted]).chain(aside).chain(end).collect())
    };
    assert_eq!(again(Some(Event::SetAside { conversation: conversation.clone() })), []);
    assert_eq!(again(None), [Rule::NotSetAside]);
}
