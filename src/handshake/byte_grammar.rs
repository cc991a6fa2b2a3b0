//! The grammars of heads and of comma lists as tables, for code that reads byte by byte: each row maps a
//! position and a byte to the next position. A table takes less code than a function for each part of a
//! grammar, and it reads each byte once, no matter how the network cut the bytes.

use super::chars::is_token_byte;

/// Rows of a position, a byte, and the position after that byte. A pair without a row is malformed.
pub(crate) type Grammar = [(Position, u8, Position)];

/// The part of the grammar that the next byte belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
pub(crate) enum Position {
    // The positions in a list. The list may end at the positions up to `AfterParameterName`.
    /// In front of an element, which may be empty.
    ListStart,
    /// In the name of an element, or in the value of a parameter: the same bytes may follow both.
    Name,
    AfterName,
    ParameterName,
    AfterParameterName,
    BeforeParameter,
    BeforeValue,
    Quoted,
    Escaped,

    // The positions in a head.
    /// In front of the first line. Empty lines are skipped here (RFC 9112 section 2.2).
    BeforeFirst,
    BeforeFirstCr,
    /// After two CRs. No further byte can make this a valid head.
    BeforeFirstCrs,
    FirstLine,
    /// At the beginning of a header, or of the empty line that ends the head.
    LineStart,
    HeaderName,
    HeaderValue,
    HeaderCr,
    LastCr,
    HeadEnd,

    // The positions in a response head that the grammar does not allow and a client repairs.
    /// In a line that begins with white space, in front of the first header.
    IgnoredLine,
    /// In the white space at the beginning of a line that continues the line before it.
    Fold,
    /// In white space in front of the colon.
    NameEnd,

    Invalid,
}

impl Position {
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn after(self, grammar: &Grammar, byte: u8) -> Self {
        let kind = match byte {
            b'\t' => b' ',
            byte if is_token_byte(byte) => TOKEN,
            byte => byte,
        };
        let row = grammar.iter().find(|(from, known, _)| *from == self && (*known == kind || *known == ANY));
        row.map_or(Self::Invalid, |(_, _, to)| *to)
    }
}

/// Stands for every byte of a token, as the space stands for all white space.
const TOKEN: u8 = b'a';
/// Stands for every byte that has no row above it. The byte 0 itself occurs in no value.
const ANY: u8 = 0;

/// The grammar `extension = token *( ";" token [ "=" ( token / quoted-string ) ] )`. WS-4.3-06 · WS-4.3-07
///
/// Section 9.1 demands that the content of a quoted string is a token after its backslashes are removed. This
/// is a matter of the extension: permessage-deflate keeps to it, and `bbf-usp-protocol` (TR-369) does not. A
/// server has to ignore an extension that it does not know, so the content is not checked here. WS-4.3-01 ·
/// WS-9.1-02
pub(crate) static EXTENSIONS: &Grammar = &[
    (Position::Name, TOKEN, Position::Name),
    (Position::Name, b' ', Position::AfterName),
    (Position::Name, b',', Position::ListStart),
    (Position::ListStart, b' ', Position::ListStart),
    (Position::ListStart, b',', Position::ListStart),
    (Position::ListStart, TOKEN, Position::Name),
    (Position::AfterName, b' ', Position::AfterName),
    (Position::AfterName, b',', Position::ListStart),
    // The rows above are the grammar of a list of tokens.
    (Position::ParameterName, TOKEN, Position::ParameterName),
    (Position::Name, b';', Position::BeforeParameter),
    (Position::AfterName, b';', Position::BeforeParameter),
    (Position::BeforeParameter, b' ', Position::BeforeParameter),
    (Position::BeforeParameter, TOKEN, Position::ParameterName),
    (Position::ParameterName, b' ', Position::AfterParameterName),
    (Position::ParameterName, b'=', Position::BeforeValue),
    (Position::ParameterName, b';', Position::BeforeParameter),
    (Position::ParameterName, b',', Position::ListStart),
    (Position::AfterParameterName, b' ', Position::AfterParameterName),
    (Position::AfterParameterName, b'=', Position::BeforeValue),
    (Position::AfterParameterName, b';', Position::BeforeParameter),
    (Position::AfterParameterName, b',', Position::ListStart),
    (Position::BeforeValue, b' ', Position::BeforeValue),
    (Position::BeforeValue, TOKEN, Position::Name),
    (Position::BeforeValue, b'"', Position::Quoted),
    (Position::Quoted, b'\\', Position::Escaped),
    (Position::Quoted, b'"', Position::AfterName),
    (Position::Quoted, ANY, Position::Quoted),
    (Position::Escaped, ANY, Position::Quoted),
];

/// A list of tokens.
pub(crate) static TOKENS: &Grammar = EXTENSIONS.split_at(8).0;

/// A head (RFC 9112 sections 2 to 5), without the bytes of values. The first line is checked when it is
/// complete. The rows that are needed most come first.
pub(crate) static HEAD: &Grammar = &[
    (Position::HeaderValue, b'\r', Position::HeaderCr),
    (Position::HeaderCr, b'\n', Position::LineStart),
    (Position::HeaderName, b':', Position::HeaderValue),
    (Position::HeaderName, TOKEN, Position::HeaderName),
    (Position::LineStart, TOKEN, Position::HeaderName),
    (Position::HeaderValue, b'\n', Position::LineStart),
    (Position::LineStart, b'\r', Position::LastCr),
    (Position::LineStart, b'\n', Position::HeadEnd),
    (Position::LastCr, b'\n', Position::HeadEnd),
    (Position::FirstLine, b'\n', Position::LineStart),
    (Position::FirstLine, ANY, Position::FirstLine),
    (Position::BeforeFirst, TOKEN, Position::FirstLine),
    (Position::BeforeFirst, b'\r', Position::BeforeFirstCr),
    (Position::BeforeFirst, b'\n', Position::BeforeFirst),
    (Position::BeforeFirstCr, b'\r', Position::BeforeFirstCrs),
    (Position::BeforeFirstCr, b'\n', Position::BeforeFirst),
    (Position::BeforeFirstCrs, b'\r', Position::BeforeFirstCrs),
];
