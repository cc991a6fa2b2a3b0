//! Tells each peer the version of its crate in `Cargo.lock`.

use std::{env, fs};

fn main() {
    let lock = fs::read_to_string(format!("{}/Cargo.lock", env::var("CARGO_MANIFEST_DIR").unwrap())).unwrap();
    for name in ["tokio-tungstenite", "tokio-websockets", "fastwebsockets"] {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap();
        let version = rest.split('"').next().unwrap();
        println!("cargo::rustc-env={}={name} {version}", name.to_uppercase().replace('-', "_"));
    }
    println!("cargo::rerun-if-changed=Cargo.lock");
}
