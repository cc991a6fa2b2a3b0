//! What can take the place of an operator, of a method, or of a function's result.

use syn::{BinOp, ReturnType, Type};

/// The operators that can take the place of `op`.
pub fn others(op: &BinOp) -> &'static [&'static str] {
    match op {
        BinOp::Lt(_) => &["<=", ">="],
        BinOp::Le(_) => &["<", ">"],
        BinOp::Gt(_) => &[">=", "<="],
        BinOp::Ge(_) => &[">", "<"],
        BinOp::Eq(_) => &["!="],
        BinOp::Ne(_) => &["=="],
        BinOp::And(_) => &["||"],
        BinOp::Or(_) => &["&&"],
        BinOp::Add(_) => &["-"],
        BinOp::Sub(_) => &["+"],
        BinOp::Mul(_) => &["/"],
        BinOp::Div(_) | BinOp::Rem(_) => &["*"],
        BinOp::BitAnd(_) | BinOp::BitXor(_) => &["|"],
        BinOp::BitOr(_) => &["&"],
        BinOp::Shl(_) => &[">>"],
        BinOp::Shr(_) => &["<<"],
        BinOp::AddAssign(_) => &["-="],
        BinOp::SubAssign(_) => &["+="],
        BinOp::MulAssign(_) => &["/="],
        BinOp::DivAssign(_) | BinOp::RemAssign(_) => &["*="],
        BinOp::BitAndAssign(_) | BinOp::BitXorAssign(_) => &["|="],
        BinOp::BitOrAssign(_) => &["&="],
        BinOp::ShlAssign(_) => &[">>="],
        BinOp::ShrAssign(_) => &["<<="],
        _ => &[],
    }
}

const METHODS: [(&str, &str); 15] = [
    ("min", "max"),
    ("saturating_add", "saturating_sub"),
    ("wrapping_add", "wrapping_sub"),
    ("checked_add", "checked_sub"),
    ("is_some", "is_none"),
    ("is_some_and", "is_none_or"),
    ("is_ok", "is_err"),
    ("any", "all"),
    ("first", "last"),
    ("starts_with", "ends_with"),
    ("leading_zeros", "trailing_zeros"),
    ("rotate_left", "rotate_right"),
    ("to_be_bytes", "to_le_bytes"),
    ("position", "rposition"),
    ("find", "rfind"),
];

pub fn other_method(name: &str) -> Option<&'static str> {
    METHODS.iter().find_map(
        |(one, other)| {
            if *one == name { Some(*other) } else { (*other == name).then_some(*one) }
        },
    )
}

/// The values that a function can return instead of its result. The compiler decides whether the type has
/// such a value.
pub fn defaults(output: &ReturnType) -> &'static [&'static str] {
    let ReturnType::Type(_, result) = output else { return &["()"] };
    match &**result {
        Type::Never(_) | Type::ImplTrait(_) => &[],
        Type::Reference(reference) => match (&*reference.elem, reference.mutability) {
            (Type::Slice(_), None) => &["&[]"],
            (Type::Slice(_), Some(_)) => &["&mut []"],
            (Type::Path(path), None) if path.path.is_ident("str") => &["\"\""],
            _ => &[],
        },
        Type::Path(path) => match path.path.segments.last().map(|last| last.ident.to_string()).as_deref() {
            Some("bool") => &["true", "false"],
            Some("u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64") => &["0", "1"],
            Some("Option") => &["None"],
            Some("Result") => &["Ok(Default::default())"],
            _ => &["Default::default()"],
        },
        _ => &["Default::default()"],
    }
}
