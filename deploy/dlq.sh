#!/usr/bin/env bash
# The dead-letter queue's command with the stack's queues and bucket: deploy/dlq.sh list|show|replay|drop …
# Against AWS as the AWS CLI is set up; with LOCAL=1 against `make run`, as nobody.
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"
replay() { exec "$binaries/replay" "$@"; }
[[ " $* " == *" --help "* ]] && replay "$@" # which needs no stack

# The CLI knows every way to log in (SSO, roles, profiles); the program takes what comes out of it, by environment.
# Older CLIs cannot export: then it finds the profile's own keys.
if [[ ! ${AWS_ACCESS_KEY_ID:-} ]] && keys=$(aws configure export-credentials --format env 2>/dev/null); then
    eval "$keys"
fi
unset keys

queues=$(outputs "$STACK") || fail "stack $STACK cannot be read: is it deployed?${LOCAL:+ LOCAL=1 needs make run.}"
value() { awk -F '\t' -v key="$1" '$1 == key { print $2 }' <<<"$queues"; }
QUEUE_URL=$(value QueueUrl)
DLQ_URL=$(value DlqUrl)
S3_BUCKET=$(output "$STACK-foundation" ConversationsBucketName)
export QUEUE_URL DLQ_URL S3_BUCKET
replay "$@"
