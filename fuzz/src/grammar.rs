//! Heads of HTTP that are made from a grammar. Most of their pieces are valid, so that a fault in one place
//! is not hidden by another one.

use arbitrary::{Result, Unstructured};

/// A header: its name, the value that is usual, and other values, which are valid or not.
pub struct Line {
    pub name: &'static str,
    pub usual: &'static str,
    pub others: &'static [&'static str],
}

/// Nearly always the usual text.
pub fn pick(u: &mut Unstructured<'_>, usual: &'static str, others: &[&'static str]) -> Result<&'static str> {
    if others.is_empty() || u.ratio(9, 10)? { Ok(usual) } else { Ok(u.choose(others)?) }
}

/// A head with this first line, the necessary headers in most cases, and some of the optional ones, in any
/// order.
pub fn head(u: &mut Unstructured<'_>, first: &str, necessary: &[Line], optional: &[Line]) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for line in necessary {
        let count = if u.ratio(19, 20)? { 1 } else { *u.choose(&[0, 2])? };
        for _ in 0..count {
            let value = pick(u, line.usual, line.others)?;
            lines.push(header(u, line.name, value)?);
        }
    }
    for _ in 0..u.int_in_range(0..=3)? {
        let line = u.choose(optional)?;
        let value =
            if line.others.is_empty() || u.arbitrary()? { line.usual } else { u.choose(line.others)? };
        let line = header(u, line.name, value)?;
        lines.insert(u.choose_index(lines.len() + 1)?, line);
    }
    let end = pick(u, "\r\n", &["\n"])?;
    let mut head = [first, end].concat();
    for line in lines {
        head.push_str(&line);
        head.push_str(pick(u, end, &["\r\n", "\n"])?);
    }
    head.push_str(pick(u, "\r\n", &["\n", "\r", ""])?);
    Ok(head.into_bytes())
}

/// A line without its end.
fn header(u: &mut Unstructured<'_>, name: &str, value: &str) -> Result<String> {
    let name = match u.int_in_range(0..=5)? {
        0 => name.to_ascii_lowercase(),
        1 => name.to_ascii_uppercase(),
        _ => name.to_owned(),
    };
    let colon = pick(u, ": ", &[":", ":\t", ":   ", " :"])?;
    Ok([&name, colon, value, pick(u, "", &[" ", "\t "])?].concat())
}
