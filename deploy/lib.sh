# shellcheck shell=bash
# What the scripts share: the bot's name, and the way to the one that `make run` runs. Sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export STACK=${STACK:-lambdagram}
# With binaries that are there already (inside `cargo test`), FUNCTIONS_DIR names their folder.
# shellcheck disable=SC2034 # whoever sources this uses it
binaries=${FUNCTIONS_DIR:-${CARGO_TARGET_DIR:-target}/debug}

step() { printf '%s\n' "$*"; }
fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Version 1's `aws sqs` ignores AWS_ENDPOINT_URL and would go to the real service; version 2 would wait for a key.
export AWS_PAGER=""
aws() {
    command aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"
}

# From here on the bot that `make run` runs is meant, never an account: nobody's keys, and no way out.
local_run() {
    unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN "${!AWS_ENDPOINT_URL_@}"
    export AWS_ENDPOINT_URL=http://127.0.0.1:${LOCAL_AWS_PORT:-4566} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true
    export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
    export HTTPS_PROXY=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9 NO_PROXY=127.0.0.1,localhost
}
[[ ! ${LOCAL:-} ]] || local_run
# Version 1 knows only the second name.
[[ ! ${AWS_REGION:-} ]] || export AWS_DEFAULT_REGION=$AWS_REGION

# output STACK KEY
output() {
    aws cloudformation describe-stacks --stack-name "$1" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue"
}

# outputs STACK: its outputs, one a line: key, tab, value
outputs() {
    aws cloudformation describe-stacks --stack-name "$1" --output text \
        --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]'
}

# secret NAME: its value on stdout, nothing if there is none. Callers keep it out of every argv.
secret() {
    local found
    if found=$(aws ssm get-parameter --name "/$STACK/$1" --with-decryption --output text --query Parameter.Value 2>&1); then
        printf '%s' "$found"
    else
        [[ $found == *ParameterNotFound* ]] || fail "reading /$STACK/$1: $found"
    fi
}
