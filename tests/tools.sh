#!/usr/bin/env bash
# tools.sh NAME...   installs the named tools, each in the version that is written below. Other scripts source this file.
#
# Some checks compare figures: bytes of flash and stack, instructions per message, the oldest compiler that builds the
# library. Every tool behind such a figure is pinned to one version here, so that a commit gives the same figures on
# every machine and in every year. All of these versions are in the main archive of Debian 12. That archive changes only
# with a point release, while Debian's security archive replaces its versions at any time.
#
# The other tools (python3, gcc, openssl, Node.js, npm, Chromium) answer only whether a check passes. The scripts take
# whatever version the machine has, because a correct answer does not depend on it, and Debian soon withdraws the
# versions of some of them.
#
# Other files pin the rest: rust-toolchain.toml the Rust of the host, each Cargo.lock its crates,
# tests/interop/python/requirements.txt and tests/interop/*/package-lock.json the peers of those suites, and
# tests/interop/autobahn/wstest-install the Autobahn testsuite with the Python that it runs on.

# debian_packages NAME: prints the packages of a tool, as PACKAGE=VERSION.
debian_packages() {
  case $1 in
    # The compiler of Cargo.toml's `rust-version`, which also builds every firmware. It comes with the source of `core`.
    # LLVM generates its code. apt chooses none of the others by itself while Debian offers newer ones.
    rust)
      local rust=1.85.0+dfsg3-1~deb12u3
      echo rustc-web=$rust cargo-web=$rust rust-web-src=$rust libstd-rust-web-dev=$rust libstd-rust-web-1.85=$rust \
        libllvm19=1:19.1.7-3~deb12u1
      ;;
    # The linker of every firmware.
    lld) echo lld-14=1:14.0.6-12 ;;
    # llvm-size, llvm-nm, llvm-objdump, llvm-symbolizer.
    llvm) echo llvm-14=1:14.0.6-12 ;;
    # A newer qemu-utils would keep this version of qemu-system-common out.
    qemu)
      local qemu=1:7.2+dfsg-7+deb12u18
      echo qemu-system-arm=$qemu+b3 qemu-system-common=$qemu+b3 qemu-system-data=$qemu qemu-utils=$qemu+b3
      ;;
    # Needs the packages of `qemu` in the same version.
    qemu_riscv) echo qemu-system-misc=1:7.2+dfsg-7+deb12u18+b3 ;;
    valgrind) echo valgrind=1:3.19.0-1 ;;
    *) echo "tools.sh: no tool is called $1" >&2; return 1 ;;
  esac
}

# The directory of the pinned llvm-size and so on, and the linker.
llvm=/usr/lib/llvm-14/bin
lld=/usr/bin/ld.lld-14

# The directory of llvm-cov and llvm-profdata. LLVM 22 reads what the compiler of rust-toolchain.toml writes. The compiler counts,
# and these programs only read, so every version of LLVM 22 gives the same answer. Debian's security archive has it.
llvm_22=/usr/lib/llvm-22/bin

# The subcommand `cargo fuzz`; `fuzz/run` installs it from crates.io.
cargo_fuzz=0.13.2

# The subcommand `cargo deny`; `tests/supply-chain/run` installs it from crates.io.
cargo_deny=0.20.2

# The spelling checker `typos`; `tests/prose/run` installs the crate `typos-cli` from crates.io. Another version knows
# other words.
typos_cli=1.52.0

# A machine without Chromium gets this version as long as Debian has it, and Debian's newest after that. Nothing else is
# safe to ask for: a security update replaces Chromium every week, and nobody should be given an older browser than
# they have. The suite has passed with versions 150 and 156.
chromium=150.0.7871.100-1~deb12u1

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# apt_install ARGUMENT...: updates apt's lists if they cannot serve the packages, or if the download fails.
apt_install() {
  command -v apt-get > /dev/null || { echo "there is no apt-get to install: $*" >&2; return 1; }
  local apt=(as_root apt-get -q -o DPkg::Lock::Timeout=300) install=(install -y --no-install-recommends "$@")
  {
    # This only simulates. Without it a list that is too old would cause errors that mean nothing.
    apt-get -s "${install[@]}" &> /dev/null || "${apt[@]}" -qq update || true
    "${apt[@]}" "${install[@]}" || { "${apt[@]}" -qq update && "${apt[@]}" "${install[@]}"; }
  } >&2
}

# need COMMAND PACKAGE...: installs the packages, in any version, if there is no such command.
need() { command -v "$1" > /dev/null || apt_install "${@:2}"; }

install_llvm_22() { need "$llvm_22/llvm-cov" llvm-22; }

# install_tools NAME...: installs each tool unless the machine has exactly its version; replaces newer versions, too.
install_tools() {
  local name packages package wanted=()
  for name; do
    packages=$(debian_packages "$name") || return 1
    for package in $packages; do
      # shellcheck disable=SC2016
      [ "$(dpkg-query -W -f='${db:Status-Status} ${Version}' "${package%%=*}" 2> /dev/null)" = "installed ${package#*=}" ] ||
        wanted+=("$package")
    done
  done
  [ ${#wanted[@]} -gt 0 ] || return 0
  echo "These packages of Debian 12 are being installed, in place of other versions: ${wanted[*]}" >&2
  # apt would remove what depends on another version; it should say so instead.
  apt_install --allow-downgrades --no-remove "${wanted[@]}" && return
  cat >&2 <<MESSAGE
These packages could not be installed: ${wanted[*]}
They are in the main archive of Debian 12 for amd64. On another system, run the checks in a container of Debian 12.
If the machine has packages that depend on another version (apt says so above), remove those first.
If Debian 12 no longer has a version, change it in tests/tools.sh and measure anew: examples/firmware/sizes/run for
sizes.md and the README, cargo bench -p benches --bench instructions -- --write for benches/instructions.tsv,
tests/firmware/instructions --write for tests/firmware/instructions.tsv.
MESSAGE
  return 1
}

# Whoever runs this file, rather than sourcing it, names the tools to install.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -euo pipefail
  [ $# -gt 0 ] || { echo 'usage: tools.sh NAME..., of: rust lld llvm qemu qemu_riscv valgrind' >&2; exit 2; }
  install_tools "$@"
fi
