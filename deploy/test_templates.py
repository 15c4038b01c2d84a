"""What cfn-lint does not see and the emulated AWS does not enforce: promises that only the templates can keep."""

import json
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


ROOT = pathlib.Path(__file__).parent.parent
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
    def test_every_queue_and_every_bucket_refuses_what_comes_without_tls(self):
        for kind, template, policies in (
            ("SQS::Queue", TEMPLATE, [p["Properties"] for p in of_type(TEMPLATE, "AWS::SQS::QueuePolicy").values()]),
            ("S3::Bucket", FOUNDATION, [p["Properties"] for p in of_type(FOUNDATION, "AWS::S3::BucketPolicy").values()]),
        ):
            covered = [name["Ref"] for p in policies for name in p.get("Queues", [p.get("Bucket")])]
            self.assertEqual(sorted(covered), sorted(of_type(template, f"AWS::{kind}")))
            for policy in policies:
                (statement,) = policy["PolicyDocument"]["Statement"]
                self.assertEqual((statement["Effect"], statement["Principal"]), ("Deny", "*"))
                self.assertEqual(statement["Condition"], {"Bool": {"aws:SecureTransport": "false"}})

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
        worker = (ROOT / "worker/src/queue.rs").read_text()
        self.assertIn("const MAX_ATTEMPTS: u32 = 12;", worker, "where the queue cannot be asked")

    def test_a_panic_is_caught_in_what_is_deployed(self):
        manifest = (ROOT / "Cargo.toml").read_text()
        self.assertIn('panic = "unwind"', manifest.split("[profile.release]")[1].split("\n[")[0])
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


class Settings(unittest.TestCase):
    def test_what_is_counted_before_a_deployment_is_what_lambda_counts(self):
        variables = properties("WorkerFunction")["Environment"]["Variables"]
        rust = (ROOT / "deploy/operate/src/settings.rs").read_text()
        counted = re.findall(r'"(\w+)"', re.search(r"const WORKERS: [^=]+=([^;]+);", rust)[1])
        room = int(re.search(r"const WORKERS_MAX: usize = (\d+);", rust)[1])
        settings = set(re.findall(r"'Ref': '(\w+)'", str(variables))) & set(TEMPLATE["Parameters"])
        self.assertEqual(settings - {"ConversationsBucket", "Generation"}, set(counted))
        stack = "s" * 40
        rest = [
            f"https://sqs.ap-southeast-1.amazonaws.com/123456789012/{stack}-updates.fifo",
            "b" * 63,
            f"/{stack}/telegram-token",
            f"/{stack}/gemini-key",
            "1000.1000",
            "0",
        ]
        self.assertLessEqual(len("".join(variables)) + len("".join(rest)) + room, 4096)
        self.assertEqual(TEMPLATE["Parameters"]["SystemPrompt"]["MaxLength"], room, "a letter is a byte at least")


class Rights(unittest.TestCase):
    def test_no_role_may_do_a_thing_to_everything(self):
        for role, statement in statements():
            with self.subTest(f"{role} {statement['Sid']}"):
                self.assertNotIn("*", listed(statement["Resource"]))
                self.assertFalse([a for a in listed(statement["Action"]) if "*" in a])

    # What a call of the SDK needs; without s3:ListBucket a missing object is a forbidden one.
    NEEDS = {
        "send_message": ["sqs:SendMessage"],
        "delete_message": ["sqs:DeleteMessage"],
        "change_message_visibility": ["sqs:ChangeMessageVisibility"],
        "get_queue_attributes": ["sqs:GetQueueAttributes"],
        "get_object": ["s3:GetObject", "s3:ListBucket"],
        "head_object": ["s3:GetObject", "s3:ListBucket"],
        "put_object": ["s3:PutObject"],
        "copy_object": ["s3:GetObject", "s3:PutObject"],
        "delete_object": ["s3:DeleteObject"],
        "list_objects_v2": ["s3:ListBucket"],
        "get_parameters": ["ssm:GetParameters"],
    }

    def test_each_function_may_do_what_its_code_calls_and_no_more(self):
        log = {"logs:CreateLogStream", "logs:PutLogEvents"}
        mapping = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
        for crate, role, others in (("ingress", "IngressRole", log), ("worker", "WorkerRole", log | mapping)):
            with self.subTest(crate):
                code = "".join(file.read_text() for file in (ROOT / crate / "src").rglob("*.rs"))
                called = set(re.findall(r"\.(\w+)\(\)", code)) & set(self.NEEDS)
                needed = {action for call in called for action in self.NEEDS[call]} | others
                allowed = {a for name, s in statements() if name == role for a in listed(s["Action"])}
                self.assertEqual(allowed, needed)


class Logs(unittest.TestCase):
    def test_each_function_logs_json_into_its_own_group_which_forgets(self):
        for name in ("Ingress", "Worker"):
            with self.subTest(name):
                logging = properties(f"{name}Function")["LoggingConfig"]
                self.assertEqual(logging["LogGroup"], {"Ref": f"{name}Logs"})
                self.assertEqual((logging["LogFormat"], logging["ApplicationLogLevel"]), ("JSON", "INFO"), "metrics are INFO")
                self.assertIn("RetentionInDays", properties(f"{name}Logs"))


class Alarms(unittest.TestCase):
    ALARMS = of_type(TEMPLATE, "AWS::CloudWatch::Alarm")

    def test_each_tells_when_it_begins_and_when_it_is_over(self):
        for name, alarm in self.ALARMS.items():
            with self.subTest(name):
                alarm = alarm["Properties"]
                self.assertEqual(alarm["AlarmActions"], [{"Ref": "AlarmTopic"}])
                self.assertEqual(alarm["OKActions"], [{"Ref": "AlarmTopic"}])
                self.assertEqual(alarm["TreatMissingData"], "notBreaching", "a quiet bot is no alarm")
                self.assertTrue(alarm["AlarmName"]["Fn::Sub"].startswith("${AWS::StackName}-"))

    def test_nothing_that_a_person_would_notice_is_without_one(self):
        watched = {(a["Properties"]["Namespace"], a["Properties"]["MetricName"]) for a in self.ALARMS.values()}
        self.assertEqual(
            watched,
            {
                ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
                ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
                ("AWS/Lambda", "Errors"),
                ("AWS/Lambda", "Url5xxCount"),
                ("AWS/Lambda", "Throttles"),
                ("Lambdagram", "WaitMs"),
                ("Lambdagram", "FailedAttempts"),
            },
        )
        self.assertEqual(properties("DlqNotEmptyAlarm")["Dimensions"][0]["Value"], {"Fn::GetAtt": "DeadLetterQueue.QueueName"})
        throttles = [a["Properties"]["Dimensions"][0]["Value"]["Ref"] for n, a in self.ALARMS.items() if "Throttles" in n]
        self.assertEqual(sorted(throttles), ["IngressFunction", "WorkerFunction"])
        self.assertLessEqual(len(self.ALARMS), 10, "ten are free")

    def test_both_alarms_about_waiting_begin_at_the_same_wait(self):
        seconds = properties("OldestMessageAlarm")["Threshold"]
        self.assertEqual(properties("LongWaitAlarm")["Threshold"], seconds * 1000)
        rust = (ROOT / "deploy/operate/src/watch/status.rs").read_text()
        self.assertIn(f"const LONG_S: f64 = {seconds}.0;", rust)

    def test_a_worker_that_cannot_start_raises_one_while_one_person_waits(self):
        alarm, visibility = properties("WorkerErrorsAlarm"), properties("UpdatesQueue")["VisibilityTimeout"]
        self.assertLessEqual(alarm["Threshold"] * visibility, alarm["Period"])

    def test_the_configuration_alarm_counts_a_class_that_the_worker_has(self):
        dimensions = {d["Name"]: d["Value"] for d in properties("ConfigurationAlarm")["Dimensions"]}
        self.assertEqual(dimensions, {"FunctionName": {"Ref": "WorkerFunction"}, "Class": "configuration"})
        self.assertIn('=> "configuration"', (ROOT / "worker/src/failure.rs").read_text())

    def test_the_mail_is_there_when_an_address_is(self):
        self.assertEqual(TEMPLATE["Resources"]["AlarmSubscription"]["Condition"], "HasEmail")

    def test_the_budget_mails_to_the_same_address_and_is_in_no_template_that_goes_to_other_regions(self):
        for notification in load("budget.yaml")["Resources"]["Budget"]["Properties"]["NotificationsWithSubscribers"]:
            self.assertEqual([s["Address"] for s in notification["Subscribers"]], [{"Ref": "AlarmEmail"}])
        for template in (FOUNDATION, TEMPLATE):
            self.assertEqual(of_type(template, "AWS::Budgets::Budget"), {})


class Dashboard(unittest.TestCase):
    """Names are `${…}` as in the template: CloudFormation puts the real ones in."""

    TEXT, VARIABLES = properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    WIDGETS = json.loads(TEXT)["widgets"]

    def metrics(self):
        """(namespace, name, dimensions) of every row, its dots and ellipses filled in."""
        for widget in (w["properties"] for w in self.WIDGETS if w["type"] == "metric"):
            row = []
            for given in widget["metrics"]:
                if isinstance(given[0], dict):
                    continue
                words = [part for part in given if isinstance(part, str)]
                if words[0] == "...":
                    words = row[: len(row) - len(words) + 1] + words[1:]
                row = [row[i] if part == "." else part for i, part in enumerate(words)]
                yield row[0], row[1], dict(zip(row[2::2], row[3::2]))

    def expressions(self):
        rows = [row[0] for w in self.WIDGETS if w["type"] == "metric" for row in w["properties"]["metrics"]]
        return {row["id"]: row["expression"] for row in rows if isinstance(row, dict)}

    def test_our_own_metrics_are_those_that_the_function_emits(self):
        shown = set()
        for namespace, name, dimensions in self.metrics():
            if namespace == "Lambdagram":
                self.assertEqual(set(dimensions), {"FunctionName"})
                shown.add((name, dimensions["FunctionName"]))
        found = re.search(r'MetricName="(\w+)" FunctionName="([^"]+)"', self.expressions()["failed"])
        shown.add(found.groups())
        known = set(re.findall(r"^    ([A-Z]\w+),$", (ROOT / "shared/src/metrics.rs").read_text(), re.M))
        emitted = set()
        for function, crate in (("${IngressFunction}", "ingress"), ("${WorkerFunction}", "worker")):
            code = "".join(file.read_text() for file in (ROOT / crate / "src").rglob("*.rs"))
            emitted |= {(name, function) for name in re.findall(r"\b(\w+) = ", code) if name in known}
        self.assertEqual(shown, emitted)

    def test_the_services_metrics_have_the_dimensions_that_these_services_give_them(self):
        keys = {"AWS/Lambda": "FunctionName", "AWS/SQS": "QueueName", "AWS/Logs": "LogGroupName"}
        for namespace, name, dimensions in self.metrics():
            if namespace != "Lambdagram":
                with self.subTest(name):
                    self.assertEqual(list(dimensions), [keys[namespace]])

    def test_all_alarms_are_on_it(self):
        (alarms,) = [w["properties"]["alarms"] for w in self.WIDGETS if w["type"] == "alarm"]
        self.assertEqual(sorted(alarms), sorted(f"${{{name}.Arn}}" for name in Alarms.ALARMS))

    def test_the_path_goes_from_left_to_right_and_nothing_overlaps(self):
        for y in {w["y"] for w in self.WIDGETS}:
            row = [w for w in self.WIDGETS if w["y"] == y]
            edges = [(w["x"], w["x"] + w["width"]) for w in row]
            self.assertEqual(edges[0][0], 0)
            self.assertEqual([start for start, _ in edges[1:]], [end for _, end in edges[:-1]])
            self.assertEqual(edges[-1][1], 24)
            steps = [int(w["properties"]["title"][0]) for w in row if w["properties"]["title"][0].isdigit()]
            self.assertEqual(steps, sorted(steps))

    def test_its_prices_and_memory_are_the_real_ones(self):
        rust = (ROOT / "deploy/operate/src/watch/prices.rs").read_text()
        price = {name: float(value) for name, value in re.findall(r"const (\w+): f64 = ([0-9.]+);", rust)}
        text, drawn, function, sqs, s3, logs = (
            [float(number) for number in re.findall(r"\d+\.\d+", self.expressions()[name])]
            for name in ("text", "drawn", "lambda", "sqs", "s3", "logs")
        )
        self.assertEqual(text, [price["PROMPT_MILLION_TOKENS"], price["OUTPUT_MILLION_TOKENS"]])
        self.assertEqual(drawn, [price["PICTURE"]])
        memory = [properties(name)["MemorySize"] / 1024 for name in ("WorkerFunction", "IngressFunction")]
        self.assertEqual(function, [*memory, price["LAMBDA_MILLION_REQUESTS"]])
        self.assertEqual(sqs, [price["SQS_MILLION_REQUESTS"]])
        self.assertEqual(s3, [price["S3_MILLION_READS"], price["S3_MILLION_WRITES"]])
        self.assertEqual(logs, [price["LOGS_GB"]])
        seconds = [float(price) for price in self.VARIABLES["GbSecond"]["Fn::If"][1:]]
        self.assertEqual(seconds, [price["LAMBDA_GB_S_ARM"], price["LAMBDA_GB_S_X86"]])


class Buckets(unittest.TestCase):
    def test_they_outlive_their_stack_and_are_closed(self):
        buckets = of_type(FOUNDATION, "AWS::S3::Bucket")
        self.assertEqual(len(buckets), 2)
        for name, bucket in buckets.items():
            with self.subTest(name):
                self.assertEqual(bucket["DeletionPolicy"], "RetainExceptOnCreate")
                self.assertEqual(bucket["UpdateReplacePolicy"], "Retain")
                self.assertTrue(all(bucket["Properties"]["PublicAccessBlockConfiguration"].values()))
                self.assertIn("BucketEncryption", bucket["Properties"])

    def test_the_bots_own_stack_keeps_no_state(self):
        self.assertEqual(of_type(TEMPLATE, "AWS::S3::Bucket"), {})


if __name__ == "__main__":
    unittest.main()
