/tmp/sw-small/examples/firmware/sizes/target/debug/deps/cortex_m_rt-9c7ec2794da52cc3.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/cortex-m-rt-0.7.7/src/lib.rs

/tmp/sw-small/examples/firmware/sizes/target/debug/deps/libcortex_m_rt-9c7ec2794da52cc3.rmeta: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/cortex-m-rt-0.7.7/src/lib.rs

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/cortex-m-rt-0.7.7/src/lib.rs:
