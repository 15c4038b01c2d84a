#!/usr/bin/env bash
# The working tree's code into the deployed functions, and nothing else. ARCH=arm64 (the default) or x86_64.
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"
[[ ${AWS_ENDPOINT_URL:-} ]] || export ARCH=${ARCH:-arm64}

step "▸ Build${ARCH:+ for $ARCH}"
deploy/build.sh
deploy/operate.sh update
deploy/operate.sh smoke
