#!/usr/bin/env bash
# Builds both functions and packs target/lambda/{ingress,worker}.zip; the same binary gives the same zip.
# ARCH=arm64|x86_64 builds a release with cargo-lambda; without it, a debug build for this machine (the local run's).
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"
target=${CARGO_TARGET_DIR:-target}

pack() { # NAME BINARY
    python3 - "$2" "$target/lambda/$1.zip" <<'PYTHON'
import sys, zipfile
binary, archive = sys.argv[1:]
entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
entry.compress_type = zipfile.ZIP_DEFLATED
entry.create_system = 3  # Unix, so that the mode counts
entry.external_attr = 0o100755 << 16
with open(binary, "rb") as file, zipfile.ZipFile(archive, "w") as pack:
    pack.writestr(entry, file.read(), compresslevel=6)
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
    cargo build --quiet --workspace
    for name in ingress worker; do
        [[ $target/lambda/$name.zip -nt $target/debug/$name ]] && continue
        # Symbols are most of a debug binary; without binutils it is merely larger.
        strip -o "$target/lambda/$name.stripped" "$target/debug/$name" 2>/dev/null ||
            cp "$target/debug/$name" "$target/lambda/$name.stripped"
        pack "$name" "$target/lambda/$name.stripped"
        rm "$target/lambda/$name.stripped"
    done
fi
