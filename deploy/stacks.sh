#!/usr/bin/env bash
# Brings both stacks to what the templates and zips say; safe to repeat, a no-op when nothing changed.
# Settings come from the variables below; an unset one keeps the stack's value, at first the template's default.
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"

deploy() { # STACK TEMPLATE [PARAMETER=VALUE …]
    local stack=$1 template=$2
    shift 2
    step "stack $stack"
    aws cloudformation deploy --stack-name "$stack" --template-file "$template" \
        --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset ${1+--parameter-overrides "$@"} >/dev/null ||
        fail "stack $stack failed: $(aws cloudformation describe-stack-events --stack-name "$stack" --output text \
            --query "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]")"
}

# The key holds the hash: the same code is uploaded once, and a new key tells CloudFormation that it is new.
upload() { # NAME; the key on stdout
    local zip=${CARGO_TARGET_DIR:-target}/lambda/$1.zip key
    [[ -f $zip ]] || fail "$zip is missing: deploy/build.sh makes it"
    key=$1/$(sha256 <"$zip").zip
    aws s3api head-object --bucket "$artifacts" --key "$key" >/dev/null 2>&1 ||
        aws s3api put-object --bucket "$artifacts" --key "$key" --body "$zip" >/dev/null
    printf '%s' "$key"
}

deploy "$STACK-foundation" deploy/foundation.yaml
artifacts=$(output "$STACK-foundation" ArtifactsBucketName)

step "code to s3://$artifacts"
ingress=$(upload ingress)
worker=$(upload worker)

webhook_secret=$(secret webhook-secret)
[[ -n $webhook_secret ]] || fail "/$STACK/webhook-secret is missing: deploy/secrets.sh makes it"
parameters=(
    "ArtifactsBucket=$artifacts"
    "ConversationsBucket=$(output "$STACK-foundation" ConversationsBucketName)"
    "IngressCodeKey=$ingress"
    "WorkerCodeKey=$worker"
    "Architecture=$(architecture)"
    "WebhookSecretSha256=$(printf '%s' "$webhook_secret" | sha256)"
)
for setting in TelegramApiUrl:TELEGRAM_API_URL GeminiApiUrl:GEMINI_API_URL ChatModel:CHAT_MODEL ImageModel:IMAGE_MODEL \
    SystemPrompt:SYSTEM_PROMPT AllowedChats:ALLOWED_CHATS AlarmEmail:ALARM_EMAIL; do
    variable=${setting#*:}
    [[ -z ${!variable+set} ]] || parameters+=("${setting%:*}=${!variable}")
done
deploy "$STACK" deploy/template.yaml "${parameters[@]}"
