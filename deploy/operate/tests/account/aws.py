#!/usr/bin/env python3
"""An AWS CLI that answers from a script: aws.json beside it has, for each call ("sts get-caller-identity"), its answers in
turn, the last one again and again. An answer is what is printed, or {"error": what stands on standard error}."""

import json
import os
import pathlib
import sys

place = pathlib.Path(__file__).parent
script = json.loads((place / "aws.json").read_text())
call = " ".join(sys.argv[1:3])
if call == "configure get":
    print(script.get(f"{call} {sys.argv[3]}", ""))
    sys.exit(0)
with (place / "calls").open("a+") as calls:
    calls.seek(0)
    before = calls.read().split("\n").count(call)
    calls.write(call + "\n")
if call == "s3api delete-objects" and len(json.load(sys.stdin)["Objects"]) > 1000:
    sys.exit("\nAn error occurred (MalformedXML) when calling the DeleteObjects operation: The XML you provided was not well-formed")
if any(word.endswith("-budget") for word in sys.argv) and os.environ["AWS_REGION"] != "us-east-1":
    sys.exit("\nAn error occurred (ValidationError): Unrecognized resource types: [AWS::Budgets::Budget]")
answers = script.get(call, [{"error": f"An error occurred (Unscripted): {call}"}])
answer = answers[min(before, len(answers) - 1)]
if isinstance(answer, dict) and "error" in answer:
    sys.stderr.write(f"\n{answer['error']}\n")
    sys.exit(254)
print(json.dumps(answer) if answer is not None else "")
