//! Passes the linker scripts to the linker, so that no flags have to be set outside of the package.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let is_riscv = env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "riscv32");
    // `cortex-m-rt` includes its script by name. That of `riscv-rt` has to stand in front of `link.x`.
    let memory = if is_riscv { "memory-riscv32.x" } else { "memory.x" };
    fs::copy(memory, out.join(memory)).expect("the script can be copied to OUT_DIR");
    println!("cargo:rustc-link-search={}", out.display());
    if is_riscv {
        println!("cargo:rustc-link-arg-bins=-T{memory}");
    }
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rerun-if-changed={memory}");
}
