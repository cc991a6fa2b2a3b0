/tmp/sw-small/examples/firmware/sizes/target/debug/deps/sansws_sizes-febf59f6ce7ecb99.d: src/lib.rs Cargo.toml

/tmp/sw-small/examples/firmware/sizes/target/debug/deps/libsansws_sizes-febf59f6ce7ecb99.rmeta: src/lib.rs Cargo.toml

src/lib.rs:
Cargo.toml:

# env-dep:CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
# env-dep:CLIPPY_CONF_DIR
