"""What cfn-lint does not see and the emulated AWS does not enforce: promises that only the templates can keep."""

import pathlib
import re
import unittest

import yaml


class Tagged(yaml.SafeLoader):
    """CloudFormation's short forms: `!Ref X` is {"Ref": "X"}, `!GetAtt A.B` is {"Fn::GetAtt": "A.B"}."""


def tagged(loader, suffix, node):
    kinds = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: loader.construct_sequence}
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: kinds.get(type(node), loader.construct_mapping)(node)}


Tagged.add_multi_constructor("!", tagged)


def load(name):
    return yaml.load((pathlib.Path(__file__).parent / name).read_text(), Tagged)


FOUNDATION, TEMPLATE = load("foundation.yaml"), load("template.yaml")


def of_type(template, kind):
    return {name: r for name, r in template["Resources"].items() if r["Type"] == kind}


def properties(name):
    return TEMPLATE["Resources"][name]["Properties"]


def statements():
    for name, role in of_type(TEMPLATE, "AWS::IAM::Role").items():
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def listed(value):
    return value if isinstance(value, list) else [value]


class FunctionUrl(unittest.TestCase):
    def test_both_permissions_are_there_and_neither_opens_plain_invoke(self):
        grants = [p["Properties"] for p in of_type(TEMPLATE, "AWS::Lambda::Permission").values()]
        self.assertEqual({g["Action"] for g in grants}, {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"})
        for grant in grants:
            self.assertEqual(grant["FunctionName"], {"Ref": "IngressFunction"})
            if grant["Action"] == "lambda:InvokeFunction":
                self.assertIs(grant["InvokedViaFunctionUrl"], True)
            else:
                self.assertEqual(grant["FunctionUrlAuthType"], "NONE")


class Queues(unittest.TestCase):
    def test_the_visibility_outlasts_the_worker(self):
        visibility, timeout = properties("UpdatesQueue")["VisibilityTimeout"], properties("WorkerFunction")["Timeout"]
        self.assertGreater(visibility, timeout)
        self.assertLessEqual(visibility, 2 * timeout, "a conversation waits so long after a crash")

    def test_both_are_fifo_with_order_and_throughput_by_conversation(self):
        for name, queue in of_type(TEMPLATE, "AWS::SQS::Queue").items():
            with self.subTest(name):
                queue = queue["Properties"]
                self.assertIs(queue["FifoQueue"], True)
                self.assertTrue(queue["QueueName"]["Fn::Sub"].endswith(".fifo"))
                self.assertEqual(queue["DeduplicationScope"], "messageGroup")
                self.assertEqual(queue["FifoThroughputLimit"], "perMessageGroupId")
                self.assertIs(queue["SqsManagedSseEnabled"], True)
                self.assertEqual(queue["MessageRetentionPeriod"], 14 * 24 * 3600)

    def test_content_never_decides_what_is_a_duplicate(self):
        self.assertIs(properties("UpdatesQueue")["ContentBasedDeduplication"], False)

    def test_a_failed_message_goes_to_the_dlq_and_only_ours_may(self):
        redrive = properties("UpdatesQueue")["RedrivePolicy"]
        self.assertEqual(redrive["deadLetterTargetArn"], {"Fn::GetAtt": "DeadLetterQueue.Arn"})
        self.assertEqual(redrive["maxReceiveCount"], 12, "the README names it")
        self.assertGreater(redrive["maxReceiveCount"], properties("WorkerTrigger")["BatchSize"])
        allowed = properties("DeadLetterQueue")["RedriveAllowPolicy"]["sourceQueueArns"]
        self.assertEqual(len(allowed), 1)
        self.assertTrue(allowed[0]["Fn::Sub"].endswith(properties("UpdatesQueue")["QueueName"]["Fn::Sub"]))

    def test_one_failed_message_does_not_fail_its_batch(self):
        trigger = properties("WorkerTrigger")
        self.assertEqual(trigger["FunctionResponseTypes"], ["ReportBatchItemFailures"])
        self.assertLessEqual(trigger["BatchSize"], 10)
        self.assertIn("MaximumConcurrency", trigger["ScalingConfig"])


class Secrets(unittest.TestCase):
    NAMES = re.compile("secret|token|key|password", re.I)

    def test_no_parameter_or_output_holds_one(self):
        for template in (FOUNDATION, TEMPLATE):
            harmless = {"IngressCodeKey", "WorkerCodeKey", "WebhookSecretSha256"}
            names = [*template["Parameters"], *template["Outputs"]]
            self.assertEqual([n for n in names if self.NAMES.search(n) and n not in harmless], [])

    def test_what_is_called_a_secret_hash_can_be_nothing_else(self):
        pattern = TEMPLATE["Parameters"]["WebhookSecretSha256"]["AllowedPattern"]
        self.assertIsNone(re.fullmatch(pattern, "A1b2C3d4-a-secret-token"))
        self.assertIsNotNone(re.fullmatch(pattern, "0a" * 32))

    def test_the_functions_get_names_not_values(self):
        variables = properties("WorkerFunction")["Environment"]["Variables"]
        suspicious = [n for n in variables if self.NAMES.search(n)]
        self.assertEqual(sorted(suspicious), ["GEMINI_API_KEY_PARAM", "TELEGRAM_TOKEN_PARAM"])
        ingress = properties("IngressFunction")["Environment"]["Variables"]
        self.assertEqual(set(ingress), {"QUEUE_URL", "WEBHOOK_SECRET_SHA256", "RUST_BACKTRACE"})

    def test_the_worker_reads_two_parameters_and_nobody_else_any(self):
        reads = [(role, s) for role, s in statements() if any(a.startswith("ssm:") for a in listed(s["Action"]))]
        self.assertEqual([role for role, _ in reads], ["WorkerRole"])
        names = [r["Fn::Sub"].rsplit("/", 1)[1] for r in reads[0][1]["Resource"]]
        self.assertEqual(names, ["telegram-token", "gemini-key"])


class Rights(unittest.TestCase):
    def test_no_role_may_do_a_thing_to_everything(self):
        for role, statement in statements():
            with self.subTest(f"{role} {statement['Sid']}"):
                self.assertNotIn("*", listed(statement["Resource"]))
                self.assertFalse([a for a in listed(statement["Action"]) if "*" in a])

    def test_the_ingress_may_only_send_and_log(self):
        actions = {a for role, s in statements() if role == "IngressRole" for a in listed(s["Action"])}
        self.assertEqual(actions, {"sqs:SendMessage", "logs:CreateLogStream", "logs:PutLogEvents"})

    def test_a_missing_object_is_told_from_a_forbidden_one(self):
        self.assertIn("s3:ListBucket", {a for _, s in statements() for a in listed(s["Action"])})


class Buckets(unittest.TestCase):
    def test_they_outlive_their_stack_and_are_closed(self):
        buckets = of_type(FOUNDATION, "AWS::S3::Bucket")
        self.assertEqual(len(buckets), 2)
        for name, bucket in buckets.items():
            with self.subTest(name):
                self.assertEqual((bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]), ("Retain", "Retain"))
                self.assertTrue(all(bucket["Properties"]["PublicAccessBlockConfiguration"].values()))
                self.assertIn("BucketEncryption", bucket["Properties"])

    def test_the_bots_own_stack_keeps_no_state(self):
        self.assertEqual(of_type(TEMPLATE, "AWS::S3::Bucket"), {})


if __name__ == "__main__":
    unittest.main()
