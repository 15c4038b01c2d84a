#!/usr/bin/env bash
# Builds both functions and packs target/lambda/{ingress,worker}.zip; the same binary gives the same zip.
# ARCH=arm64|x86_64 builds a release with cargo-lambda; without it, a debug build for this machine (the local run's).
# FUNCTIONS_DIR names a folder with both binaries instead: nothing is built (inside `cargo test` they are there).
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"
target=${CARGO_TARGET_DIR:-target}

pack() { # NAME BINARY
    python3 - "$2" "$target/lambda/$1.zip" <<'PYTHON'
import os, sys, zipfile
binary, archive = sys.argv[1:]
new = f"{archive}.{os.getpid()}"
entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
entry.compress_type = zipfile.ZIP_DEFLATED
entry.create_system = 3  # Unix, so that the mode counts
entry.external_attr = 0o100755 << 16
with open(binary, "rb") as file, zipfile.ZipFile(new, "w") as pack:
    pack.writestr(entry, file.read(), compresslevel=6)
os.rename(new, archive)  # two runs may pack at once: neither uploads half a file
PYTHON
    step "$target/lambda/$1.zip ($(wc -c <"$target/lambda/$1.zip" | tr -d ' ') bytes)"
}

mkdir -p "$target/lambda"
if [[ -n ${ARCH:-} ]]; then
    command -v cargo-lambda >/dev/null || fail "cargo-lambda is missing: pip install cargo-lambda"
    flags=(--release -p ingress -p worker)
    [[ $(architecture) != arm64 ]] || flags+=(--arm64)
    cargo lambda build "${flags[@]}"
    for name in ingress worker; do pack "$name" "$target/lambda/$name/bootstrap"; done
else
    # The whole workspace: a part of it would unify features differently and build the dependencies once more.
    [[ -n ${FUNCTIONS_DIR:-} ]] || cargo build --quiet --workspace
    for name in ingress worker; do
        binary=${FUNCTIONS_DIR:-$target/debug}/$name stripped=$target/lambda/$name.stripped.$$
        [[ $target/lambda/$name.zip -nt $binary ]] && continue
        # Symbols are most of a debug binary; without binutils it is merely larger.
        strip -o "$stripped" "$binary" 2>/dev/null || cp "$binary" "$stripped"
        pack "$name" "$stripped"
        rm "$stripped"
    done
fi
