//! A small model of what Telegram does with `text` and `entities`, written from its sources and not from our code:
//! whatever Markdown comes in, Telegram takes each part and changes nothing in it.

use crate::reply::{Entity, Kind, Part, markdown, render, render_caption};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What a reader gets: the text, the entities that hold no others of their kind, and the units each style covers.
type Shown = (String, Vec<Entity>, BTreeSet<(u32, Kind)>);

fn is_style(kind: Kind) -> bool {
    matches!(kind, Kind::Bold | Kind::Italic | Kind::Strikethrough)
}

fn is_mono(kind: Kind) -> bool {
    matches!(kind, Kind::Code | Kind::Pre)
}

fn end(entity: &Entity) -> u32 {
    entity.offset + entity.length
}

fn overlap(a: &Entity, b: &Entity) -> bool {
    a.offset < end(b) && b.offset < end(a)
}

fn covered<'a>(entities: impl Iterator<Item = &'a Entity>) -> BTreeSet<(u32, Kind)> {
    entities.flat_map(|entity| (entity.offset..end(entity)).map(|unit| (unit, entity.kind))).collect()
}

/// The Bot API server and TDLib, in their order; an error is a refusal, or entities that would vanish by the limit.
fn accept(part: &Part, longest: usize) -> Result<Shown, String> {
    if part.text.is_empty() {
        return Err("Message text is empty".into());
    }
    if part.text.len() > 32_768 {
        return Err("Text is too long".into());
    }
    for entity in &part.entities {
        match (&entity.url, entity.kind) {
            (Some(url), Kind::TextLink) => check_link(url)?,
            (None, Kind::TextLink) => return Err("no url".into()),
            _ => {}
        }
    }
    let entities = fix_entities(&part.entities);
    check_bounds(&part.text, &entities)?;
    // Text that cleaning would change has offsets that it would change too.
    if clean(&part.text) != part.text {
        return Err("cleaning changes the text".into());
    }
    if part
        .text
        .chars()
        .all(|c| " \n\u{A0}\u{200B}\u{200C}\u{200D}\u{200E}\u{200F}\u{2800}\u{3000}\u{FEFF}".contains(c))
    {
        return Err("Text must be non-empty".into());
    }
    let blanks = part.text.len() - part.text.trim_start_matches([' ', '\n']).len();
    let first = entities.iter().map(|entity| entity.offset as usize).min().unwrap_or(usize::MAX);
    let text = part.text[blanks.min(first)..].trim_end_matches([' ', '\n']).to_owned();
    if text.chars().count() > longest {
        return Err("Message is too long".into());
    }
    let mono: BTreeSet<u32> = covered(entities.iter().filter(|e| is_mono(e.kind))).iter().map(|&(at, _)| at).collect();
    let mut styles = covered(entities.iter().filter(|entity| is_style(entity.kind)));
    styles.retain(|(unit, _)| !mono.contains(unit));
    let solid: Vec<Entity> = entities.into_iter().filter(|entity| !is_style(entity.kind)).collect();
    if solid.len() + pieces(&styles, &solid) > 100 {
        return Err("more than 100 entities".into());
    }
    Ok((text, solid, styles))
}

fn check_link(url: &str) -> Result<(), String> {
    let refused = || Err(format!("Entity URL '{url}' is invalid"));
    let lower = url.to_lowercase();
    let (scheme, rest) = lower.split_once("://").unwrap_or(("http", &lower));
    let host_and_port = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if scheme == "tg" {
        return if host_and_port == "user" { refused() } else { Ok(()) };
    }
    let (host, port) = host_and_port.rsplit_once(':').unwrap_or((host_and_port, "80"));
    let bad_host = !host.contains('.') || host.contains(|c: char| c.is_whitespace() || "\\<>\"`{}|^[]@".contains(c));
    if !["http", "https"].contains(&scheme) || bad_host || !(1..=65_535).contains(&port.parse::<i64>().unwrap_or(0)) {
        return refused();
    }
    Ok(())
}

/// Drops what stands in or across another, as `fix_entities` does.
fn fix_entities(entities: &[Entity]) -> Vec<Entity> {
    let mut sorted: Vec<Entity> = entities.iter().filter(|entity| entity.length > 0).cloned().collect();
    sorted.sort_by_key(|entity| (entity.offset, std::cmp::Reverse(entity.length), entity.kind));
    let quotes = first_of_each_overlap(sorted.iter().filter(|entity| entity.kind == Kind::Blockquote));
    let solid = |entity: &&Entity| is_mono(entity.kind) || entity.kind == Kind::TextLink;
    let mut solids = first_of_each_overlap(sorted.iter().filter(solid));
    let within = |inner: &Entity, outer: &Entity| outer.offset <= inner.offset && end(inner) <= end(outer);
    solids.retain(|solid| quotes.iter().all(|quote| !overlap(solid, quote) || within(solid, quote)));
    sorted.retain(|entity| is_style(entity.kind) || quotes.contains(entity) || solids.contains(entity));
    sorted
}

fn first_of_each_overlap<'a>(entities: impl Iterator<Item = &'a Entity>) -> Vec<Entity> {
    let mut kept: Vec<Entity> = Vec::new();
    for entity in entities {
        if !kept.iter().any(|earlier| overlap(earlier, entity)) {
            kept.push(entity.clone());
        }
    }
    kept
}

fn check_bounds(text: &str, entities: &[Entity]) -> Result<(), String> {
    let mut starts = BTreeSet::from([0]);
    let mut units = 0;
    for c in text.chars() {
        units += c.len_utf16() as u32;
        starts.insert(units);
    }
    let good = |entity: &Entity| starts.contains(&entity.offset) && starts.contains(&end(entity));
    if entities.iter().all(good) { Ok(()) } else { Err("entity beyond the text or within a surrogate pair".into()) }
}

fn clean(text: &str) -> String {
    let mut clean = String::new();
    for c in text.chars() {
        match c {
            '\n' => clean.push(c),
            '\r' | '\u{2028}'..='\u{202E}' | '\u{30A}' | '\u{333}' | '\u{33F}' => {}
            '\0'..=' ' => clean.push(' '),
            '\u{200E}' | '\u{200F}' => {
                if clean.ends_with(['\u{200E}', '\u{200F}']) {
                    clean.pop();
                    clean.push('\u{200C}');
                }
                clean.push(c);
            }
            _ => clean.push(c),
        }
    }
    clean
}

/// How often styles count: anew wherever anything else begins or ends.
fn pieces(styles: &BTreeSet<(u32, Kind)>, solid: &[Entity]) -> usize {
    let begins = |&&(unit, kind): &&(u32, Kind)| unit == 0 || !styles.contains(&(unit - 1, kind));
    let mut edges: BTreeSet<u32> = styles.iter().filter(begins).map(|&(unit, _)| unit).collect();
    edges.extend(solid.iter().flat_map(|entity| [entity.offset, end(entity)]));
    styles.iter().filter(|entry| begins(entry) || edges.contains(&entry.0)).count()
}

fn taken_unchanged(part: &Part, longest: usize) -> Result<(), TestCaseError> {
    let units = part.text.encode_utf16().count();
    prop_assert!(units <= longest, "{units} units");
    prop_assert!(part.entities.is_sorted_by_key(|entity| (entity.offset, std::cmp::Reverse(entity.length))));
    let shown = accept(part, longest).map_err(|refusal| TestCaseError::fail(format!("{refusal}: {part:?}")))?;
    let solid: Vec<Entity> = part.entities.iter().filter(|entity| !is_style(entity.kind)).cloned().collect();
    let styles = covered(part.entities.iter().filter(|entity| is_style(entity.kind)));
    prop_assert_eq!(shown, (part.text.clone(), solid, styles));
    Ok(())
}

/// What can be seen, without blanks: cuts may swallow these.
fn ink(text: &str) -> String {
    text.chars().filter(|c| super::super::text::is_visible(c.encode_utf8(&mut [0; 4]))).collect()
}

fn holds_for(markdown: &str) -> Result<(), TestCaseError> {
    let parts = render(markdown);
    for part in &parts {
        taken_unchanged(part, 4096)?;
    }
    let all: String = parts.iter().map(|part| part.text.as_str()).collect();
    prop_assert_eq!(ink(&all), ink(&markdown::read(markdown).text));
    let (caption, rest) = render_caption(markdown);
    if let Some(part) = &caption {
        taken_unchanged(part, 1024)?;
    }
    prop_assert!(caption.is_none() || rest.is_empty());
    prop_assert_eq!(caption.is_some() || !rest.is_empty(), !parts.is_empty());
    Ok(())
}

/// Pieces of Markdown; each `@` becomes a word of its own, which must be found again.
const FRAGMENTS: &[&str] = &[
    "@",
    " ",
    "\n",
    "\n\n",
    "\r\n",
    "  \n",
    "**@**",
    "*@ @*",
    "***@***",
    "**@ *@* @**",
    "~~@~~",
    "~@~",
    "`@`",
    "**`@`**",
    "**@ `@` @**",
    "`` @ ` @ ``",
    "# @\n",
    "## **@** @\n",
    "- @\n",
    "* **@**: @\n",
    "  - @\n",
    "    - `@`\n",
    "1. @\n",
    "7) @\n\n",
    "- [ ] @\n",
    "- [x] @\n",
    "> @\n",
    "> **@\n> @**\n",
    "> > @\n",
    "> - @\n",
    ">\n> ```\n> @\n> ```\n",
    "```rust\n\tlet @;\n```\n",
    "```\n  @\n\n@",
    "~~~\n@\n~~~\n",
    "    @\n",
    "[@](https://a.example/b_c)",
    "[**@** `@`](https://a.example?q=ä b)",
    "[`@`](http://b.example)",
    "[@](http://localhost:3000)",
    "[@](javascript:x)",
    "[@](#@)",
    "[@](mailto:a@b.example)",
    "[@](README.md)",
    "[@](tg://user?id=7)",
    "[](https://c.example)",
    "a[\u{30A}@](https://c.example)",
    "![@](https://d.example/p.png)",
    "[![@](https://d.example/p.png)](https://e.example)",
    "<https://f.example/@>",
    "[@][r]\n\n[r]: https://g.example\n",
    "\n\n[unused]: https://h.example/@\n\n",
    "| @ | @ |\n|---|--:|\n| @ | **@** |\n\n",
    "| @ | @ |\n|---|---|\n| [@](https://i.example) | @ @ @ @ @ @ @ | @ |\n\n",
    "---\n",
    "<b>@</b>",
    "<div>\n@\n</div>\n\n",
    "@[^1]",
    "[^1]: @\n",
    "$@_1 * @^2$",
    "\\(@_{i}\\)",
    "$$\n@ &= \\frac{1}{2} \\\\\n$$",
    "\\*@\\*",
    "@_@_@",
    "2*@*4",
    "* ",
    "_",
    "**",
    "`",
    "||",
    "&amp;@",
    "&#x202E;",
    "&#8232;@",
    "👩‍👩‍👧‍👦",
    "🇩🇪🇫🇷",
    "👍🏽",
    "é",
    "a\u{30A}",
    "**a**\u{30A}",
    "ש\u{200F}\u{200F}@",
    "\u{200E}*\u{200F}*",
    "مرحبا",
    "\t@",
    "` `",
    "`\t@`",
    "\u{0}",
    "\u{7}",
    "\u{2029}",
    "\u{200B}",
    "\u{A0}",
    "\u{FE0F}",
    "**\u{200B}**",
    "** @**",
    "日本語の**強調**です",
];

fn fragments() -> impl Strategy<Value = String> {
    let long = (0usize..5, 0usize..9000)
        .prop_map(|(kind, length)| ["x", "word ", "🦊", "line\n", "**b** "][kind].repeat(length / 2));
    let piece = prop_oneof![40 => prop::sample::select(FRAGMENTS).prop_map(str::to_owned), 1 => long];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn telegram_takes_whatever_gemini_may_write(markdown in fragments()) {
        holds_for(&markdown)?;
    }

    #[test]
    fn telegram_takes_whatever_comes(markdown in "\\PC{0,200}|[ -~\n]{0,200}|(?s:.){0,100}|[*_~`\\[\\]()<>|>#$\\\\ \na]{0,80}") {
        holds_for(&markdown)?;
    }

    #[test]
    fn no_word_is_lost(markdown in fragments()) {
        let mut words = 0;
        let markdown: String = markdown.split('@').map(|piece| { words += 1; format!("{piece}word{words}x") }).collect();
        let parts = render(&markdown);
        let texts = parts.iter().map(|part| part.text.clone());
        let asides = parts.iter().flat_map(|part| &part.entities).flat_map(|e| [e.url.clone(), e.language.clone()]).flatten();
        let shown: String = texts.chain(asides).collect();
        for word in 1..=words {
            prop_assert!(shown.contains(&format!("word{word}x")), "word{}x of {:?} in {:?}", word, markdown, shown);
        }
    }
}
