//! The command line.

pub const USAGE: &str = "usage: chat [--per-address COUNT] [ADDR]";
/// The most connections of one address, unless the command line has another number.
const PER_ADDRESS: usize = 64;

/// What the command line asks for.
pub struct Options {
    pub address: String,
    /// The most connections of one address.
    pub per_address: usize,
}

impl Options {
    pub fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, &'static str> {
        let mut options = Self { address: "127.0.0.1:8080".to_owned(), per_address: PER_ADDRESS };
        while let Some(arg) = args.next() {
            if arg == "--per-address" {
                options.per_address = args.next().and_then(|count| count.parse().ok()).ok_or(USAGE)?;
            } else if arg.starts_with('-') {
                return Err(USAGE);
            } else {
                options.address = arg;
            }
        }
        Ok(options)
    }
}
