#!/usr/bin/env bash
# Which of the tools that a deployment needs are here, in which version; all that are missing at once.
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"
missing=0

tool() { # COMMAND REMEDY VERSION-COMMAND …
    local name=$1 remedy=$2 version
    shift 2
    if version=$("$@" 2>&1); then
        printf '  ✔ %s\n' "${version%%$'\n'*}"
    else
        printf '  ✘ %s is missing\n    ▸ %s\n' "$name" "$remedy"
        missing=$((missing + 1))
    fi
}

step "▸ Tools"
tool aws "https://docs.aws.amazon.com/cli, or on Debian and Ubuntu: apt install awscli" command aws --version
tool cargo "Rust, by https://rustup.rs" cargo --version
# The emulated AWS runs this machine's binaries: nothing is cross-compiled for it.
[[ ${AWS_ENDPOINT_URL:-} ]] || tool cargo-lambda "pip install cargo-lambda, or brew install cargo-lambda" cargo lambda --version
if [[ $(command aws --version 2>&1) =~ ^aws-cli/([0-9]+)\.([0-9]+) ]]; then
    major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
    ((major > 1)) || printf '  • version 1 of the AWS CLI deploys, but cannot log in by SSO: that needs version 2\n'
    ((major == 1 && minor >= 32 || major == 2 && minor >= 9 || major > 2)) ||
        printf '  • the oldest AWS CLIs that this was tried with are 1.32 and 2.9: if a call fails, get a newer one\n'
fi
((missing == 0)) || fail "✘ tools are missing: see above"
