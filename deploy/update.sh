#!/usr/bin/env bash
# The working tree's code into the deployed functions, and nothing else. ARCH=arm64 or x86_64; else it stays as it is.
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"
if [[ ! ${AWS_ENDPOINT_URL:-} ]]; then
    ARCH=$(deploy/operate.sh architecture)
    export ARCH
fi

step "▸ Build${ARCH:+ for $ARCH}"
deploy/build.sh
deploy/operate.sh update
deploy/operate.sh smoke
