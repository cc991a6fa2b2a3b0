//! Finds ids of requirements in text.

/// RFC 6455, RFC 7692, RFC 8441, RFC 9220, RFC 8307.
const PREFIXES: [&str; 5] = ["WS", "PMD", "H2", "H3", "WK"];

#[derive(PartialEq, Debug)]
pub(crate) enum Mention {
    Id(String),
    /// Text that is meant as an id, but that no search for the id would find.
    NearMiss(String),
    /// Shorthand after an id for more ids of its section, such as ` to -27`, and the ids that it stands for.
    Short(String, Vec<String>),
}

impl Mention {
    /// The ids that the text names.
    pub(crate) fn into_ids(self) -> Vec<String> {
        match self {
            Mention::Id(id) => vec![id],
            Mention::Short(_, ids) => ids,
            Mention::NearMiss(_) => Vec::new(),
        }
    }
}

pub(crate) fn is_id(text: &str) -> bool {
    mentions(text) == [Mention::Id(text.to_string())]
}

/// Returns every id in the text, and everything that was probably meant as an id.
pub(crate) fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut previous = ' ';
    while let Some(next) = text[at..].chars().next() {
        let mention = if is_word(previous) { None } else { mention(&text[at..]) };
        previous = next;
        let Some((mention, len)) = mention else {
            at += next.len_utf8();
            continue;
        };
        at += len;
        // A list such as ` to -08, -15` continues after its last id.
        let mut last = if let Mention::Id(id) = &mention { Some(id.clone()) } else { None };
        found.push(mention);
        while let Some((ids, len)) = last.as_ref().and_then(|id| shorthand(id, &text[at..])) {
            last = ids.last().cloned();
            found.push(Mention::Short(text[at..at + len].to_string(), ids));
            at += len;
        }
    }
    found
}

/// The mention that the text starts with, and its length.
fn mention(text: &str) -> Option<(Mention, usize)> {
    PREFIXES.iter().find_map(|prefix| known(text, prefix)).or_else(|| unknown(text))
}

fn known(text: &str, prefix: &str) -> Option<(Mention, usize)> {
    let head = text.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix))?;
    let (first, rest) = separator(&text[head.len()..]);
    let section = section_len(rest);
    if section == 0 || (first.is_none() && !rest[..section].contains('.')) {
        return None;
    }
    let begins_well = head == prefix && first == Some('-');
    let (second, number) = separator(&rest[section..]);
    let digits = digits(number);
    if second.is_none() || digits == 0 {
        // `WS-5.1` is a near miss. Text in another form may be something else, for instance `h2-14`.
        let len = text.len() - rest.len() + section;
        return begins_well.then(|| (Mention::NearMiss(text[..len].to_string()), len));
    }
    if second == Some(' ') && !begins_well {
        return None;
    }
    let after = &number[digits..];
    let len = text.len() - after.len();
    let goes_on = after.starts_with(is_word)
        || after.starts_with("..")
        || separator(after).1.starts_with(|c: char| c.is_ascii_digit()) && !after.starts_with([' ', ',']);
    let named = text[..len].to_string();
    if begins_well && second == Some('-') && digits == 2 && !goes_on {
        Some((Mention::Id(named), len))
    } else {
        Some((Mention::NearMiss(named), len))
    }
}

/// An id with a mistyped prefix. Its section has to be a small number, so that `ISO-8859-15` is not taken for
/// an id.
fn unknown(text: &str) -> Option<(Mention, usize)> {
    let word = text.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit()).filter(|&len| len > 0)?;
    let rest =
        text[word..].strip_prefix('-').filter(|_| text.starts_with(|c: char| c.is_ascii_uppercase()))?;
    let section = section_len(rest);
    let number = rest[section..].strip_prefix('-').filter(|_| section > 0 && digits(rest) < 3)?;
    let len = text.len() - number.len() + 2;
    let is_whole = digits(number) == 2 && !text[len..].starts_with(is_word);
    is_whole.then(|| (Mention::Id(text[..len].to_string()), len))
}

/// Shorthand at the start of the text, right after `id`: the ids that it stands for, and its length.
fn shorthand(id: &str, text: &str) -> Option<(Vec<String>, usize)> {
    let (section, first) = id.rsplit_once('-')?;
    let link = [" to ", ", ", " and ", " · ", "/"].into_iter().find(|link| text.starts_with(link))?;
    let rest = &text[link.len()..];
    // The end of a range may be written out: `WS-4.1-19 to WS-4.1-40`.
    let rest = rest.strip_prefix(section).filter(|_| link == " to ").unwrap_or(rest);
    let number = rest.strip_prefix('-').filter(|number| digits(number) == 2)?;
    let last: u8 = number[..2].parse().ok()?;
    let first = if link == " to " { first.parse::<u8>().ok()?.saturating_add(1).min(last) } else { last };
    let ids = (first..=last).map(|number| format!("{section}-{number:02}")).collect();
    Some((ids, text.len() - number.len() + 2))
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

/// The length of a section number such as `4.2.2`.
fn section_len(text: &str) -> usize {
    let mut len = digits(text);
    while let Some(rest) = text[len..].strip_prefix('.').filter(|rest| len > 0 && digits(rest) > 0) {
        len += 1 + digits(rest);
    }
    len
}

/// A hyphen, or a character that is easily written in its place by mistake.
fn separator(text: &str) -> (Option<char>, &str) {
    let found =
        text.chars().next().filter(|c| ['-', ' ', '_', '\u{2010}', '\u{2011}', '\u{2013}'].contains(c));
    (found, &text[found.map_or(0, char::len_utf8)..])
}

fn id(id: &str) -> Mention {
    Mention::Id(id.to_string())
}

fn near_miss(text: &str) -> Mention {
    Mention::NearMiss(text.to_string())
}

fn short(text: &str, ids: &[&str]) -> Mention {
    Mention::Short(text.to_string(), ids.iter().map(ToString::to_string).collect())
}

#[test]
fn ids_are_found_in_any_text() {
    assert_eq!(
        mentions("(WS-5.1-03, PMD-3-01) H2-8-01: WK-1-01."),
        ["WS-5.1-03", "PMD-3-01", "H2-8-01", "WK-1-01"].map(id)
    );
    assert_eq!(mentions("WS-7.1.5-02 and WS-5.1-03"), ["WS-7.1.5-02", "WS-5.1-03"].map(id));
    // An id with a mistyped prefix is found too. There is no such requirement.
    assert_eq!(mentions("PDM-3-01"), [id("PDM-3-01")]);
}

#[test]
fn near_misses_are_found() {
    for text in [
        "WS-5.1-3", "WS-5.1-003", "WS 5.1-03", "ws-5.1-03", "Ws-5.1-03", "WS_5.1_03", "WS-5.1_03",
        "WS-5.1 03", "WS5.1-03", "WS-5.1", "WS-5.1.03", "pmd-3-01", "H2 8-01", "WS\u{2011}5.1\u{2011}03",
    ] {
        assert_eq!(mentions(text), [near_miss(text)]);
    }
    assert_eq!(mentions("WS-5.1-03a"), [near_miss("WS-5.1-03")]);
    assert_eq!(mentions("WS-5.1-03..08"), [near_miss("WS-5.1-03")]);
    assert_eq!(mentions("WS-5.1-03-08"), [near_miss("WS-5.1-03")]);
}

#[test]
fn other_text_is_not_taken_for_an_id() {
    for text in
        ["ws://h:80", "h2-14", "h3-29", "ISO-8859-15", "UTF-8", "2024-05-01", "ws 80 443", "AWS-5.1", "0xH2"]
    {
        assert_eq!(mentions(text), [], "{text}");
    }
}

#[test]
fn shorthand_is_expanded() {
    assert_eq!(
        mentions("WS-7.4.1-04 to -06, -15, -16 · WS-7.4.2-01"),
        [
            id("WS-7.4.1-04"),
            short(" to -06", &["WS-7.4.1-05", "WS-7.4.1-06"]),
            short(", -15", &["WS-7.4.1-15"]),
            short(", -16", &["WS-7.4.1-16"]),
            id("WS-7.4.2-01"),
        ]
    );
    assert_eq!(
        mentions("WS-4.1-19 to WS-4.1-21"),
        [id("WS-4.1-19"), short(" to WS-4.1-21", &["WS-4.1-20", "WS-4.1-21"])]
    );
}
