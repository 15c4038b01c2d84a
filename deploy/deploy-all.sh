#!/usr/bin/env bash
# From an AWS account to a bot that answers. Each step finds out what is done already: after whatever interrupted it,
# the same command goes on. ARCH=arm64 (the default) or x86_64.
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"
[[ ${AWS_ENDPOINT_URL:-} ]] || export ARCH=${ARCH:-arm64}

deploy/operate.sh doctor
step "▸ Build${ARCH:+ for $ARCH}"
deploy/build.sh
deploy/operate.sh deploy
deploy/operate.sh webhook
deploy/operate.sh smoke
