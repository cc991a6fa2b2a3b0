/tmp/sw-small/examples/firmware/sizes/target/debug/deps/client-4bed559b43884175.d: src/bin/client.rs Cargo.toml

/tmp/sw-small/examples/firmware/sizes/target/debug/deps/libclient-4bed559b43884175.rmeta: src/bin/client.rs Cargo.toml

src/bin/client.rs:
Cargo.toml:

# env-dep:CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
# env-dep:CLIPPY_CONF_DIR
