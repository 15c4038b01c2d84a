#!/usr/bin/env bash
# Builds both functions and packs {ingress,worker}.zip; the same binary gives the same zip.
# ARCH=arm64|x86_64 builds a release with cargo-lambda, into target/lambda; without it, a debug build for this machine
# (the local run's), into target/lambda/local, so that neither is ever taken for the other.
# FUNCTIONS_DIR names a folder with the binaries instead: nothing is built (inside `cargo test` they are there).
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"
target=${CARGO_TARGET_DIR:-target}
zips=$target/lambda
[[ ${ARCH:-} ]] || zips=$target/lambda/local
mkdir -p "$zips"

if [[ ${ARCH:-} ]]; then
    command -v cargo-lambda >/dev/null || fail "cargo-lambda is missing: pip install cargo-lambda"
    flags=(--release -p ingress -p worker)
    case $ARCH in
        arm64) flags+=(--arm64) ;;
        x86_64) flags+=(--x86-64) ;;
        *) fail "ARCH=$ARCH: it is arm64 or x86_64" ;;
    esac
    cargo lambda build "${flags[@]}"
    for name in ingress worker; do
        "$binaries/operate" pack "$target/lambda/$name/bootstrap" "$zips/$name.zip"
    done
else
    # The whole workspace: a part of it would unify features differently and build the dependencies once more.
    [[ ${FUNCTIONS_DIR:-} ]] || cargo build --quiet --workspace
    for name in ingress worker; do
        binary=$binaries/$name stripped=$zips/$name.stripped.$$
        [[ $zips/$name.zip -nt $binary ]] && continue
        # Symbols are most of a debug binary; without binutils it is merely larger.
        strip -o "$stripped" "$binary" 2>/dev/null || cp "$binary" "$stripped"
        "$binaries/operate" pack "$stripped" "$zips/$name.zip"
        rm "$stripped"
    done
fi
