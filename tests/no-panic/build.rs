//! Writes the linker script of the firmware. On the host the C library starts the program.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        println!("cargo:rustc-link-arg-bins=-lc");
        return;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    // The memory is large, because the check is about the contents of the image and not about its size. The
    // flash does not begin at 0: the debugging information gives that address to functions that were not
    // linked.
    let memory =
        "MEMORY { FLASH : ORIGIN = 0x08000000, LENGTH = 1M\n RAM : ORIGIN = 0x20000000, LENGTH = 1M }\n";
    fs::write(out.join("memory.x"), memory).expect("OUT_DIR can be written to");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
}
