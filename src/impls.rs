//! Macros for trait implementations that many types need in the same form.

/// Implements `Debug` for a type that must not show all of its fields: payloads, keys and the values of
/// headers stay out of logs. Generic parameters come first, in brackets.
macro_rules! debug {
    ([$($generics:tt)*] $type:ty, |$this:pat_param| $name:ident { $($field:ident: $value:expr),* $(,)? }) => {
        impl<$($generics)*> core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let $this = self;
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &$value))*
                    .finish_non_exhaustive()
            }
        }
    };
    ($type:ty, |$this:pat_param| $name:ident { $($fields:tt)* }) => {
        debug!([] $type, |$this| $name { $($fields)* });
    };
}

/// Implements `Debug` and `defmt::Format`, which show the same text. Like [`debug`], it is for types that
/// must not show everything.
macro_rules! shown {
    ([$($generics:tt)*] $type:ty { $($pattern:pat => $text:literal $(, $value:expr)*;)+ }) => {
        impl<$($generics)*> core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $($pattern => write!(f, $text $(, $value)*),)+
                }
            }
        }

        #[cfg(feature = "defmt")]
        impl<$($generics)*> defmt::Format for $type {
            fn format(&self, f: defmt::Formatter<'_>) {
                match self {
                    $($pattern => defmt::write!(f, $text $(, $value)*),)+
                }
            }
        }
    };
    ($type:ty { $($arms:tt)+ }) => {
        shown!([] $type { $($arms)+ });
    };
}

/// Defines error types. Each variant is followed by the text that `Display` shows, which can contain the
/// value that the variant holds. After `=` the text is the variant's documentation too; after `=>` the
/// variant has documentation of its own, and the text may have an argument in parentheses.
macro_rules! errors {
    ($(
        $(#[$attribute:meta])*
        pub enum $name:ident {$(
            $(#[$documentation:meta])* $variant:ident
            $(($inner:ident: $type:ty))? $(= $said:literal)? $(=> $text:literal $(($argument:expr))?)?,
        )+}
    )+) => {$(
        $(#[$attribute])*
        #[non_exhaustive]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum $name {
            $($(#[doc = concat!("`", $said, "`")])? $(#[$documentation])* $variant$(($type))?,)+
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $(Self::$variant$(($inner))? => write!(f, $($said)? $($text $(, $argument)?)?),)+
                }
            }
        }

        impl core::error::Error for $name {}
    )+};
}

/// Converts errors to `io::Error`, each with the kind that its function returns. The conversion must not
/// allocate, because the process may be out of memory; an `io::Error` that carries another error is boxed.
macro_rules! into_io_error {
    ($($name:ident: $kind:expr),+ $(,)?) => {$(
        #[cfg(feature = "std")]
        impl From<$name> for std::io::Error {
            fn from(error: $name) -> Self {
                let kind: fn($name) -> std::io::ErrorKind = $kind;
                Self::from(kind(error))
            }
        }
    )+};
}

/// Implements the setters of a configuration, each of which takes the configuration and returns it, and
/// `Default`, which calls `new`.
macro_rules! setters {
    ($configuration:ident: $(
        $(#[$attribute:meta])*
        $name:ident($this:ident, $argument:ident: $type:ty) => $field:ident = $value:expr;
    )+) => {
        impl $configuration {$(
            $(#[$attribute])*
            pub const fn $name(mut $this, $argument: $type) -> Self {
                $this.$field = $value;
                $this
            }
        )+}

        impl Default for $configuration {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}

/// Implements `From`: `[lifetime] source => target, |value| result;`
macro_rules! from {
    ($([$($lifetime:lifetime)?] $source:ty => $target:ty, |$value:pat_param| $result:expr;)+) => {$(
        impl$(<$lifetime>)? From<$source> for $target {
            fn from($value: $source) -> Self {
                $result
            }
        }
    )+};
}

/// Implements `TryFrom`: `[lifetime] source => target or error, |value| result;`
#[cfg(feature = "alloc")]
macro_rules! try_from {
    ($([$lifetime:lifetime] $source:ty => $target:ident or $error:ty, |$value:pat_param| $result:expr;)+) => {$(
        impl<$lifetime> TryFrom<$source> for $target {
            type Error = $error;

            fn try_from($value: $source) -> Result<Self, $error> {
                $result
            }
        }
    )+};
}
