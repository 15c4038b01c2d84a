#!/usr/bin/env bash
# The AWS CLI that comes after this one in PATH. It kills the program that calls it, as a power cut would, before or after
# one call: CUT="after ssm put-parameter"; of a stack that is named: CUT="after cloudformation update-stack lambdagram".
real=$(type -aP aws | sed -n 2p)
read -r when service operation name <<<"$CUT"
[[ "$service $operation" == "$1 $2" && " $* " == *"${name:+ $name }"* ]] || exec "$real" "$@"
[[ $when == before ]] || "$real" "$@"
kill -KILL "$PPID"
