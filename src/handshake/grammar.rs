//! The grammars of heads and of lists, where they are read byte by byte: tables of what leads from where to where. It takes
//! less code than functions for each part, and each byte is looked at once, however the bytes were cut.

use super::fields::is_token_byte;

/// From where, which byte, to where. What is not there is malformed.
pub(crate) type Grammar = [(Place, u8, Place)];

/// Where the next byte belongs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
pub(crate) enum Place {
    // Of a list, first those where it may end.
    /// In front of an element, which may be empty.
    Start,
    /// In its name; in the value of a parameter, behind which may follow the same.
    Name,
    End,
    ParameterName,
    ParameterEnd,
    /// In front of a parameter.
    Parameter,
    /// In front of a value.
    Value,
    /// Behind an opening quote.
    Quote,
    Quoted,
    Escaped,

    // Of a head.
    /// In front of the first line, where empty ones are skipped (RFC 9112 section 2.2).
    BeforeFirst,
    BeforeFirstCr,
    /// Nothing good can follow.
    BeforeFirstCrs,
    FirstLine,
    /// In front of a field, or of the empty line at the end.
    Field,
    FieldName,
    FieldValue,
    FieldCr,
    LastCr,
    HeadEnd,

    Malformed,
}

impl Place {
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn after(self, grammar: &Grammar, byte: u8) -> Self {
        let kind = match byte {
            b'\t' => b' ',
            byte if is_token_byte(byte) => TOKEN,
            byte => byte,
        };
        let next = grammar.iter().find(|(from, known, _)| *from == self && *known == kind);
        next.map_or(Self::Malformed, |(_, _, to)| *to)
    }
}

/// Stands for any byte of a token, as the space does for white space.
const TOKEN: u8 = b'a';

/// `extension = token *( ";" token [ "=" ( token / quoted-string ) ] )`, where what is quoted has to be a token once the
/// backslashes are removed: from where a byte leads to where. What is not here is malformed. WS-4.3-01 · WS-4.3-06 ·
/// WS-4.3-07 · WS-9.1-02
pub(crate) static EXTENSIONS: &Grammar = &[
    (Place::Start, b' ', Place::Start),
    (Place::Start, b',', Place::Start),
    (Place::Start, TOKEN, Place::Name),
    (Place::Name, TOKEN, Place::Name),
    (Place::Name, b' ', Place::End),
    (Place::Name, b',', Place::Start),
    (Place::End, b' ', Place::End),
    (Place::End, b',', Place::Start),
    // So far it is a list of tokens.
    (Place::Name, b';', Place::Parameter),
    (Place::End, b';', Place::Parameter),
    (Place::Parameter, b' ', Place::Parameter),
    (Place::Parameter, TOKEN, Place::ParameterName),
    (Place::ParameterName, TOKEN, Place::ParameterName),
    (Place::ParameterName, b' ', Place::ParameterEnd),
    (Place::ParameterName, b'=', Place::Value),
    (Place::ParameterName, b';', Place::Parameter),
    (Place::ParameterName, b',', Place::Start),
    (Place::ParameterEnd, b' ', Place::ParameterEnd),
    (Place::ParameterEnd, b'=', Place::Value),
    (Place::ParameterEnd, b';', Place::Parameter),
    (Place::ParameterEnd, b',', Place::Start),
    (Place::Value, b' ', Place::Value),
    (Place::Value, TOKEN, Place::Name),
    (Place::Value, b'"', Place::Quote),
    (Place::Quote, TOKEN, Place::Quoted),
    (Place::Quote, b'\\', Place::Escaped),
    (Place::Quoted, TOKEN, Place::Quoted),
    (Place::Quoted, b'\\', Place::Escaped),
    (Place::Escaped, TOKEN, Place::Quoted),
    (Place::Quoted, b'"', Place::End),
];

/// A list of tokens.
pub(crate) static TOKENS: &Grammar = EXTENSIONS.split_at(8).0;

/// A head (RFC 9112 sections 2 to 5), but for the bytes of a first line, which is judged when it is whole, and those of
/// values.
pub(crate) static HEAD: &Grammar = &[
    (Place::BeforeFirst, TOKEN, Place::FirstLine),
    (Place::BeforeFirst, b'\r', Place::BeforeFirstCr),
    (Place::BeforeFirst, b'\n', Place::BeforeFirst),
    (Place::BeforeFirstCr, b'\r', Place::BeforeFirstCrs),
    (Place::BeforeFirstCr, b'\n', Place::BeforeFirst),
    (Place::BeforeFirstCrs, b'\r', Place::BeforeFirstCrs),
    (Place::FirstLine, b'\n', Place::Field),
    (Place::Field, TOKEN, Place::FieldName),
    (Place::FieldName, TOKEN, Place::FieldName),
    (Place::FieldName, b':', Place::FieldValue),
    (Place::FieldValue, b'\r', Place::FieldCr),
    (Place::FieldValue, b'\n', Place::Field),
    (Place::FieldCr, b'\n', Place::Field),
    (Place::Field, b'\r', Place::LastCr),
    (Place::Field, b'\n', Place::HeadEnd),
    (Place::LastCr, b'\n', Place::HeadEnd),
];
