/tmp/sw-small/examples/firmware/sizes/target/debug/deps/cortex_m_rt_macros-d4bfb076d3f9bac6.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/cortex-m-rt-macros-0.7.7/src/lib.rs

/tmp/sw-small/examples/firmware/sizes/target/debug/deps/libcortex_m_rt_macros-d4bfb076d3f9bac6.so: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/cortex-m-rt-macros-0.7.7/src/lib.rs

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/cortex-m-rt-macros-0.7.7/src/lib.rs:
