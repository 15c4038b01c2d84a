#!/usr/bin/env bash
# Points the bot's webhook at the stack's function URL. What Telegram holds for the bot is kept and delivered there.
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"

token=$(secret telegram-token)
secret_token=$(secret webhook-secret)
url=$(output "$STACK" FunctionUrl)
[[ -n $token && -n $secret_token ]] || fail "no secrets under /$STACK/: deploy/secrets.sh makes them"

# Through stdin: the token is part of the address, and arguments stand in the process list.
# allowed_updates: only `message` is ever answered; every other kind would cost a call to be ignored.
# max_connections: how many ingress calls run at once; a new account may run 10 functions, 5 of them the worker's.
answer=$(
    {
        printf 'url = "%s/bot%s/setWebhook"\n' "${TELEGRAM_API_URL:-https://api.telegram.org}" "$token"
        printf 'data-urlencode = "%s"\n' "url=$url" "secret_token=$secret_token" \
            "max_connections=${MAX_CONNECTIONS:-5}" 'allowed_updates=[\"message\"]'
    } | curl --silent --show-error --max-time 30 --retry 3 --config -
)
[[ $answer == *'"ok":true'* ]] || fail "Telegram refuses the webhook: $answer"
step "webhook $url"
