//! `public-api-tests JSON`: prints the public API that rustdoc describes in this file, one item a line.
//!
//! Not printed are implementations that every type has (`impl<T> From<T> for T`), and the auto traits except
//! `Send` and `Sync`: the standard library may add such a trait at any time.

use std::env;
use std::error::Error;

/// Not printed: the auto traits except `Send` and `Sync`, and what `derive(PartialEq)` adds for the compiler.
const LEFT_OUT: [&str; 6] =
    ["Freeze", "RefUnwindSafe", "StructuralPartialEq", "Unpin", "UnsafeUnpin", "UnwindSafe"];

fn main() -> Result<(), Box<dyn Error>> {
    let json = env::args().nth(1).ok_or("usage: public-api-tests JSON")?;
    let api = public_api::Builder::from_rustdoc_json(json).omit_blanket_impls(true).build()?;
    for item in api.items() {
        let item = item.to_string();
        if !LEFT_OUT.iter().any(|name| is_implementation_of(&item, name)) {
            println!("{item}");
        }
    }
    Ok(())
}

/// Whether the item is the line `impl<...> path::NAME for Type`.
fn is_implementation_of(item: &str, name: &str) -> bool {
    item.starts_with("impl")
        && item.split_once(" for ").is_some_and(|(head, _)| head.ends_with(&format!("::{name}")))
}
