//! What the README promises: how short an application is, and which features there are. With all features,
//! `cargo test --doc` compiles its code.

const README: &str = include_str!("../README.md");

/// The first Rust code below this headline.
fn code(headline: &str) -> impl Iterator<Item = &'static str> {
    let (_, section) = README.split_once(&format!("\n## {headline}\n")).expect(headline);
    let section = section.split("\n## ").next().unwrap_or_default();
    let (_, code) = section.split_once("```rust,no_run\n").expect("the code is compiled");
    let (code, _) = code.split_once("\n```").expect(headline);
    code.lines().filter(|line| !line.trim().is_empty())
}

#[test]
fn an_application_is_short() {
    for (headline, limit, call) in [
        ("A server", 30, "accept(stream)"),
        ("A client", 12, "connect(\"ws:"),
        ("Behind axum, or any other server on hyper", 25, "WebSocketUpgrade"),
    ] {
        let count = code(headline).count();
        assert!(count <= limit, "{headline}: {count} lines");
        // The code is complete.
        for needed in [call, "fn main()", "recv()", "send("] {
            assert!(code(headline).any(|line| line.contains(needed)), "{headline}: {needed}");
        }
    }
}

#[test]
fn the_readme_lists_all_features() {
    let manifest = include_str!("../Cargo.toml");
    let (_, features) = manifest.split_once("[features]\n").unwrap();
    let (features, _) = features.split_once("\n[").unwrap();
    let names = features.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<_> = names.filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "default") {
        assert!(README.contains(&format!("\n| `{name}` | ")), "{name}");
    }
}
