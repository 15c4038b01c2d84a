//! What each construct becomes, as sentences; what holds for every answer is in `telegram`.

mod telegram;

use super::{Kind, Part, render, render_caption};

/// The text, and what each entity covers.
fn shown(markdown: &str) -> (String, Vec<(Kind, String)>) {
    let parts = render(markdown);
    assert_eq!(parts.len(), 1, "{parts:?}");
    (parts[0].text.clone(), marked(&parts[0]))
}

fn marked(part: &Part) -> Vec<(Kind, String)> {
    let units: Vec<u16> = part.text.encode_utf16().collect();
    let words =
        |offset: u32, length: u32| String::from_utf16(&units[offset as usize..(offset + length) as usize]).unwrap();
    part.entities.iter().map(|entity| (entity.kind, words(entity.offset, entity.length))).collect()
}

#[track_caller]
fn check(markdown: &str, text: &str, entities: &[(Kind, &str)]) {
    let expected = entities.iter().map(|&(kind, words)| (kind, words.to_owned())).collect();
    assert_eq!(shown(markdown), (text.to_owned(), expected));
}

#[track_caller]
fn check_plain(markdown: &str, text: &str) {
    check(markdown, text, &[]);
}

#[test]
fn styles_become_entities() {
    check(
        "**b** *i* _i_ ~~s~~ `c`",
        "b i i s c",
        &[(Kind::Bold, "b"), (Kind::Italic, "i"), (Kind::Italic, "i"), (Kind::Strikethrough, "s"), (Kind::Code, "c")],
    );
    check("**bold *both***", "bold both", &[(Kind::Bold, "bold both"), (Kind::Italic, "both")]);
}

#[test]
fn the_json_is_telegrams() {
    let part = &render("[a](https://b.example) **🦊c**")[0];
    let json = serde_json::to_string(part).unwrap();
    assert_eq!(
        json,
        r#"{"text":"a 🦊c","entities":[{"type":"text_link","offset":0,"length":1,"url":"https://b.example"},{"type":"bold","offset":2,"length":3}]}"#
    );
    assert_eq!(serde_json::from_str::<Part>(&json).unwrap(), *part);
    assert_eq!(serde_json::to_string(&part.plain()).unwrap(), r#"{"text":"a 🦊c"}"#);
    assert_eq!(serde_json::from_str::<Part>(r#"{"text":"a"}"#).unwrap(), render("a")[0]);
}

#[test]
fn what_only_looks_like_markup_stays() {
    for text in [
        "snake_case_name",
        "2*3*4 = 24",
        "5 * 3 * 2",
        "2**3**4",
        "~5 or ~6",
        "a || b || c",
        "__init__.py",
        "\"a\" & <b>c</b>",
    ] {
        check_plain(text, text);
    }
    check_plain("\\*no\\* &amp; 1\\. x", "*no* & 1. x");
}

#[test]
fn formulas_stay_as_written() {
    for text in
        ["$a_1 * b*c_2$", "\\(x_1\\) and \\(y_2\\)", "\\[ a_{i} = \\frac{1}{2} \\]", "$$\na_1 &= b \\\\\n- c_2\n$$"]
    {
        check_plain(text, text);
    }
    check("**$5** to **$10**", "$5 to $10", &[(Kind::Bold, "$5"), (Kind::Bold, "$10")]);
    check("`$a_1$` costs $3", "$a_1$ costs $3", &[(Kind::Code, "$a_1$")]);
}

#[test]
fn headings_are_bold_and_keep_their_distance() {
    check(
        "# One\ntext\n\n## *Two* `x`\n\nmore",
        "One\ntext\n\nTwo x\n\nmore",
        &[(Kind::Bold, "One"), (Kind::Bold, "Two"), (Kind::Italic, "Two"), (Kind::Code, "x")],
    );
    check_plain("a\n\n---\n\nb", "a\n\n———\n\nb");
}

#[test]
fn lists_keep_their_numbers_and_nesting() {
    check_plain("- a\n- b\n  - c\n    d\n- [ ] e\n- [x] f", "• a\n• b\n  • c\n    d\n☐ e\n☑ f");
    check_plain("3. a\n   - b\n4. c\n\ntext", "3. a\n   • b\n4. c\n\ntext");
    check_plain("1. a\n1. b\n\n7) c", "1. a\n1. b\n\n7) c");
    check("1.  **T**:\n    * a\n\n2.  b", "1. T:\n   • a\n\n2. b", &[(Kind::Bold, "T")]);
    check("* a\n\n  ```\n  x\n  ```", "• a\n\nx", &[(Kind::Pre, "x")]);
}

#[test]
fn code_keeps_language_and_indentation() {
    let part = &render("Look:\n```rust,ignore\n\tfn a() {}\n\n    b\n```\nEnd")[0];
    assert_eq!(part.text, "Look:\n    fn a() {}\n\n    b\nEnd");
    assert_eq!(marked(part), [(Kind::Pre, "    fn a() {}\n\n    b".to_owned())]);
    assert_eq!(part.entities[0].language.as_deref(), Some("rust"));
    check("```\n  never closed", "  never closed", &[(Kind::Pre, "  never closed")]);
}

#[test]
fn nothing_nests_in_code() {
    check("**a `b` c**", "a b c", &[(Kind::Bold, "a"), (Kind::Code, "b"), (Kind::Bold, "c")]);
    check("[a `b`](https://c.example)", "a b", &[(Kind::TextLink, "a b")]);
}

#[test]
fn quotes_hold_all_but_quotes() {
    check(
        "> a **b**\n> > c\n>\n> `d`\n\ne",
        "a b\nc\n\nd\n\ne",
        &[(Kind::Blockquote, "a b\nc\n\nd"), (Kind::Bold, "b"), (Kind::Code, "d")],
    );
    check("> a\n\n> b", "a\n\nb", &[(Kind::Blockquote, "a"), (Kind::Blockquote, "b")]);
}

#[test]
fn links_that_telegram_would_refuse_are_shown() {
    check_plain("[a](http://localhost:80/x) [b](README.md) [c](#d)", "a (http://localhost:80/x) b (README.md) c (#d)");
    check_plain("[me](mailto:a@b.example) [a@b.example](mailto:a@b.example)", "me (a@b.example) a@b.example");
    check(
        "[a][1] ![b](https://c.example)\n\n[1]: https://d.example",
        "a b",
        &[(Kind::TextLink, "a"), (Kind::TextLink, "b")],
    );
    check_plain("See:\n\n[2]: https://d.example \"e\"\n", "See:\n\n[2]: https://d.example \"e\"");
    assert_eq!(render("[a](<https://b.example/c d>)")[0].entities[0].url.as_deref(), Some("https://b.example/c%20d"));
}

#[test]
fn narrow_tables_are_aligned_and_wide_ones_listed() {
    let table = "a  |  b\n---+---\nxx |  1\ny  | 22";
    check(
        "T\n\n| a | b |\n|---|--:|\n| xx | 1 |\n| **y** | 22 |\n\nE",
        &format!("T\n\n{table}\n\nE"),
        &[(Kind::Pre, table)],
    );
    check(
        "| Name | Where |\n|---|---|\n| x | [y](https://z.example) | more |",
        "• Name: x\n  Where: y | more",
        &[(Kind::Bold, "Name: x"), (Kind::TextLink, "y")],
    );
}

#[test]
fn a_break_in_a_cell_is_a_line_of_its_own() {
    let table = "| A | B |\n|---|---|\n| c | one<br>two |";
    check(table, "• A: c\n  B: one\n    two", &[(Kind::Bold, "A: c")]);
}

#[test]
fn footnotes_are_shown_where_they_stand() {
    check("a[^1]\n\n[^1]: *b*\n    c", "a[^1]\n\n[^1]: b\nc", &[(Kind::Italic, "b")]);
}

#[test]
fn characters_that_telegram_would_change_are_changed_before() {
    check_plain("a\r\nb\tc\u{7}d a\u{30A} A\u{30A} e\u{202E}f g\u{2028}h", "a\nb c d å Å ef g\nh");
    check("a[\u{30A}](https://b.example)", "åhttps://b.example", &[(Kind::TextLink, "https://b.example")]);
    check("x\u{202E} **y**", "x y", &[(Kind::Bold, "y")]);
}

#[test]
fn nothing_to_be_seen_is_no_message() {
    for markdown in ["", " \n", "\u{200B}", "&nbsp;", "```\n```", "** **\u{FE0F}\u{2800}"] {
        let parts = render(markdown);
        assert!(parts.iter().all(|part| super::text::is_visible(&part.text)), "{parts:?}");
    }
    assert_eq!(render("\u{200B}\n\n&nbsp;"), []);
    assert_eq!(render_caption(" "), (None, vec![]));
}

#[test]
fn a_caption_is_whole_or_not_at_all() {
    let (caption, rest) = render_caption("**short**");
    assert_eq!((caption.unwrap().text.as_str(), rest.len()), ("short", 0));
    let (caption, rest) = render_caption(&"long ".repeat(300));
    assert!(caption.is_none());
    assert_eq!(rest.len(), 1);
}

#[test]
fn parts_end_where_a_reader_would_pause() {
    let paragraph = format!("{}\n\n", "Some words. ".repeat(100).trim());
    let parts = render(&paragraph.repeat(4));
    assert_eq!(parts.iter().map(|part| part.text.matches("\n\n").count()).collect::<Vec<_>>(), [2, 0]);
    let parts = render(&"A sentence of words. ".repeat(300));
    assert!(parts[0].text.ends_with("words.") && parts[1].text.starts_with("A sentence"));
}

#[test]
fn code_that_fits_into_the_next_part_is_not_cut() {
    let code = format!("```sh\n{}```", "  echo\n".repeat(400));
    let parts = render(&format!("{}\n\n{code}", "word ".repeat(400)));
    assert_eq!(parts.iter().map(|part| part.entities.len()).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn code_that_must_be_cut_goes_on_as_the_same_code() {
    let parts = render(&format!("```sh\n{}```", "    echo\n".repeat(1000)));
    assert_eq!(parts.len(), 3);
    for part in parts {
        assert!(part.text.starts_with("    echo\n") && part.text.ends_with("echo"));
        assert_eq!((part.entities[0].offset, part.entities[0].language.as_deref()), (0, Some("sh")));
        assert_eq!(part.entities[0].length as usize, part.text.len());
    }
}

#[test]
fn one_endless_line_is_cut_but_no_sign_in_it() {
    assert_eq!(render(&"x".repeat(100_000)).len(), 25);
    for sign in ["👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "e\u{301}"] {
        for part in render(&format!("x{}", sign.repeat(5000))) {
            assert!(part.text.starts_with(sign) || part.text.starts_with('x'), "{:?}", part.text.get(..30));
            assert!(part.text.ends_with(sign));
        }
    }
}

#[test]
fn beyond_a_hundred_entities_a_part_ends_early() {
    let parts = render(&"**a** `b`\n".repeat(120));
    assert_eq!(parts.iter().map(|part| part.entities.len()).collect::<Vec<_>>(), [100, 100, 40]);
}

#[test]
fn a_megabyte_takes_moments() {
    let started = std::time::Instant::now();
    let lines = [
        "word ",
        "**b** ",
        "> q\n",
        "- i\n",
        "`c` ",
        "$a_1$ ",
        "$",
        "\\[",
        "[",
        "| a |\n",
        "👩‍👩‍👧‍👦",
        "```\n",
        "[a](https://b.example) ",
        "[u]: v\n\n",
    ];
    let pieces = lines.map(|line| line.repeat(70_000 / line.len()));
    assert!(render(&pieces.join("\n\n")).len() > 200);
    render(&format!("{}x", "- ".repeat(500_000)));
    // Quadratic work on a megabyte would take an hour; this takes seconds on a slow machine.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
