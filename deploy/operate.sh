#!/usr/bin/env bash
# The operator's program (deploy/operate) for the bot that STACK names: deploy/operate.sh COMMAND …
# Against AWS as the AWS CLI is set up; with LOCAL=1 against `make run`, as nobody.
# shellcheck source=deploy/lib.sh
source "$(dirname "$0")/lib.sh"
exec "$binaries/operate" "$@"
