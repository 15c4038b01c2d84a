//! Which URLs a `text_link` may have, by TDLib's rules, and what it makes of them.

/// The URL as it is kept, or why it is refused.
pub(super) fn check(link: &str) -> Result<String, &'static str> {
    for scheme in ["tg", "ton", "tonsite"] {
        let prefix = link.get(..=scheme.len()).unwrap_or_default().to_ascii_lowercase();
        if prefix.strip_suffix(':') == Some(scheme) {
            let rest = &link[scheme.len() + 1..];
            let rest = rest.strip_prefix("//").unwrap_or(rest);
            let url = parse(rest)?;
            if url.secure || url.port.is_some() || !url.user.is_empty() {
                return Err("Wrong URL");
            }
            let path = if url.path.starts_with("/?") { &url.path[1..] } else { &url.path };
            return Ok(format!("{scheme}://{}{path}", url.host));
        }
    }
    let url = parse(link)?;
    if !url.host.contains('.') && !url.host.starts_with('[') {
        return Err("Wrong HTTP URL");
    }
    let scheme = if url.secure { "https" } else { "http" };
    let user = if url.user.is_empty() { String::new() } else { format!("{}@", url.user) };
    let port = url.port.map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{scheme}://{user}{}{port}{}", url.host, url.path))
}

struct Url {
    secure: bool,
    user: String,
    host: String,
    port: Option<u16>,
    /// With query and fragment; begins with a slash.
    path: String,
}

fn parse(link: &str) -> Result<Url, &'static str> {
    let (secure, rest) = match link.split_once("://") {
        // What comes before is a scheme only if nothing else can be in it.
        Some((scheme, rest)) if !scheme.contains(['/', '?', '#', '@', ':', '[', ']']) => {
            match scheme.to_ascii_lowercase().as_str() {
                "http" => (false, rest),
                "https" => (true, rest),
                _ => return Err("Unsupported URL protocol"),
            }
        }
        _ => (false, link),
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (authority, port) = split_port(authority)?;
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if user.contains(['@', '[', ']', '\\', ' ']) {
        return Err("Disallowed character in URL userinfo");
    }
    let host = check_host(host)?;
    let slash = if tail.starts_with('/') { "" } else { "/" };
    Ok(Url { secure, user: user.to_owned(), host, port, path: format!("{slash}{}", escape(tail)) })
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    match authority.rfind([':', ']', '@']) {
        Some(at) if at > 0 && authority[at..].starts_with(':') => {
            let digits = &authority[at + 1..];
            let port = if digits.starts_with('+') { None } else { digits.parse().ok().filter(|port| *port != 0) };
            port.map(|port| (&authority[..at], Some(port))).ok_or("Wrong port number specified in the URL")
        }
        _ => Ok((authority, None)),
    }
}

fn check_host(host: &str) -> Result<String, &'static str> {
    if host.is_empty() {
        return Err("URL host is empty");
    }
    if host == "." {
        return Err("Host is invalid");
    }
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let parsed = address.parse::<std::net::Ipv6Addr>();
        return parsed.map(|_| host.to_ascii_lowercase()).map_err(|_| "Wrong IPv6 address specified in the URL");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || ".-_!$,~*'();&+=%".contains(c);
    if host.chars().all(allowed) { Ok(host.to_lowercase()) } else { Err("Disallowed character in URL host") }
}

/// Blanks and control characters are percent-encoded; other letters stay for people to read.
fn escape(tail: &str) -> String {
    let mut escaped = String::new();
    for c in tail.chars() {
        if c <= ' ' || c == '\u{7f}' {
            escaped.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_leads_nowhere_is_refused() {
        let refused = [
            "",
            "#anchor",
            "/path",
            "./path",
            "//host.org",
            "http://localhost:80/",
            "host",
            "javascript:alert(1)",
            "tel:+123456",
            "data:text/plain,x",
            "ftp://a.org/b",
            "file:///etc/hosts",
            "http://a b.org",
            "a\\b.org",
            "http://a.org:99999/",
            "http://a.org:/",
            "http://a@b@c.org/",
            "http://a.org:0/",
        ];
        for link in refused {
            assert!(check(link).is_err(), "{link} → {:?}", check(link));
        }
    }

    #[test]
    fn what_telegram_takes_is_kept_as_telegram_keeps_it() {
        let taken = [
            ("example.org", "http://example.org/"),
            ("README.md", "http://readme.md/"),
            ("mailto:a@b.c", "http://mailto:a@b.c/"),
            ("HTTPS://Example.org/a b?q=1#x", "https://example.org/a%20b?q=1#x"),
            ("https://пример.рф", "https://пример.рф/"),
            ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
            ("http://[::1]/", "http://[::1]/"),
            ("tg://resolve?domain=fox", "tg://resolve?domain=fox"),
            ("tg:abc", "tg://abc/"),
            ("https://a.org?q", "https://a.org/?q"),
        ];
        for (link, kept) in taken {
            assert_eq!(check(link).as_deref(), Ok(kept), "{link}");
        }
    }
}
