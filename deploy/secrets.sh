#!/usr/bin/env bash
# Keeps the secrets as SecureStrings under /$STACK/: telegram-token and gemini-key from TELEGRAM_TOKEN and
# GEMINI_API_KEY (unset: what is there stays), webhook-secret made once from 32 random bytes.
# Values travel by environment and stdin alone: an argument would stand in the process list.
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"

keep() { # NAME VALUE
    printf '%s' "$2" | aws ssm put-parameter --type SecureString --overwrite --name "/$STACK/$1" \
        --value file:///dev/stdin >/dev/null
    step "/$STACK/$1 stored"
}

given() { # NAME VARIABLE
    local value=${!2:-} stored
    stored=$(secret "$1")
    if [[ -n $value && $value != "$stored" ]]; then
        keep "$1" "$value"
    elif [[ -z $stored ]]; then
        fail "/$STACK/$1 is not there yet: set $2"
    fi
}

given telegram-token TELEGRAM_TOKEN
given gemini-key GEMINI_API_KEY
webhook_secret=$(secret webhook-secret)
if [[ -z $webhook_secret ]]; then
    keep webhook-secret "$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')"
fi
