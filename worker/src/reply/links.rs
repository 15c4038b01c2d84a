//! Which URLs may become a `text_link`. Telegram refuses the whole message for one URL that it does not take, and
//! mangles some that it does: so only what surely arrives intact is linked, and the rest is shown beside its text.

/// The URL as it is sent, or nothing if it must be shown instead.
pub(super) fn checked(url: &str) -> Option<String> {
    let url = encoded(url.trim());
    let lower = url.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://")) {
        return has_good_host(rest).then_some(url);
    }
    // tg://user?id=N would be a mention, which refuses the message if the bot has not met that user.
    let name = lower.strip_prefix("tg://")?.split(['?', '/', '#']).next()?;
    let known = !name.is_empty() && name != "user" && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    known.then_some(url)
}

/// What is shown of a URL that cannot be linked: Telegram itself makes addresses and phone numbers tappable.
pub(super) fn shown(url: &str) -> &str {
    url.strip_prefix("mailto:").or_else(|| url.strip_prefix("tel:")).unwrap_or(url)
}

/// Blanks and what Telegram removes from texts, percent-encoded, so that the URL is whole.
fn encoded(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for c in url.chars() {
        let unsafe_char = c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{30A}' | '\u{333}' | '\u{33F}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}');
        if unsafe_char {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// `host[:port]` with a dot in the host, and no user name: that is how one site poses as another.
fn has_good_host(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
    let good_port = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let good_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c.is_alphanumeric())
    };
    good_port && host.contains('.') && host.split('.').all(good_label)
}
