#!/usr/bin/env bash
# Stops the worker (pause) or lets it go on (resume); the ingress accepts updates all the time. Safe to repeat.
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"
[[ ${LOCAL:-} ]] && local_run

case ${1:-} in
    pause) flag=--no-enabled state=Disabled ;;
    resume) flag=--enabled state=Enabled ;;
    *) fail "use: deploy/pause.sh pause|resume" ;;
esac

mapping=$(output "$STACK" TriggerUuid) || fail "stack $STACK cannot be read: is it deployed?"
queue=$(output "$STACK" QueueUrl)
now() { aws lambda get-event-source-mapping --uuid "$mapping" --query State --output text; }
waiting() {
    aws sqs get-queue-attributes --queue-url "$queue" --attribute-names ApproximateNumberOfMessages \
        --query Attributes.ApproximateNumberOfMessages --output text
}

waited=$(waiting)
if [[ $(now) != "$state" ]]; then
    # It may be on its way: while it is, the service refuses another change.
    for ((tries = 1; ; tries++)); do
        refused=$(aws lambda update-event-source-mapping --uuid "$mapping" "$flag" 2>&1 >/dev/null) && break
        [[ $refused == *ResourceInUseException* && $tries -lt 30 ]] || fail "${1}: $refused"
        sleep 2
    done
    for ((tries = 1; ; tries++)); do
        found=$(now)
        [[ $found == "$state" ]] && break
        ((tries < 60)) || fail "${1}: still $found after two minutes"
        ((tries > 1)) || step "$found …"
        sleep 2
    done
fi

if [[ $1 == pause ]]; then
    step "Paused, $(waiting) waiting. Updates are still accepted and wait in the queue, for up to 14 days;"
    step "make resume has them answered, in order. What was under way ends by itself."
else
    step "Running. $waited waited; they are answered in order from now on."
fi
