#!/usr/bin/env bash
# From an AWS account to a bot that answers. Each step finds out what is done already: after whatever interrupted it,
# the same command goes on. ARCH=arm64 or x86_64; else what the bot runs on already, at first arm64.
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"

deploy/operate.sh doctor
if [[ ! ${AWS_ENDPOINT_URL:-} ]]; then
    ARCH=$(deploy/operate.sh architecture)
    export ARCH
fi
step "▸ Build${ARCH:+ for $ARCH}"
deploy/build.sh
deploy/operate.sh deploy
deploy/operate.sh webhook
deploy/operate.sh smoke
