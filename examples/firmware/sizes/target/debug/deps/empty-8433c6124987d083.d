/tmp/sw-small/examples/firmware/sizes/target/debug/deps/empty-8433c6124987d083.d: src/bin/empty.rs Cargo.toml

/tmp/sw-small/examples/firmware/sizes/target/debug/deps/libempty-8433c6124987d083.rmeta: src/bin/empty.rs Cargo.toml

src/bin/empty.rs:
Cargo.toml:

# env-dep:CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
# env-dep:CLIPPY_CONF_DIR
