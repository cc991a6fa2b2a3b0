/tmp/sw-small/examples/firmware/sizes/target/debug/deps/server-fd7100aa95ff79b5.d: src/bin/server.rs Cargo.toml

/tmp/sw-small/examples/firmware/sizes/target/debug/deps/libserver-fd7100aa95ff79b5.rmeta: src/bin/server.rs Cargo.toml

src/bin/server.rs:
Cargo.toml:

# env-dep:CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
# env-dep:CLIPPY_CONF_DIR
