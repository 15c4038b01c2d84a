//! A stack in whatever state: a deployment goes on from there, or says what has to be done first.

use serde_json::{Value, json};

use crate::fake::{Account, KEY, TOKEN, absent, error, stack};

const CREATE: &str = "cloudformation create-stack";
const UPDATE: &str = "cloudformation update-stack";
const DELETE: &str = "cloudformation delete-stack";
const DESCRIBE: &str = "cloudformation describe-stacks";
const EVENTS: &str = "cloudformation describe-stack-events";

/// An account in which everything after the foundation is refused: what is tested is over by then.
async fn account() -> Account {
    let mut account = Account::start().await;
    account.answers(CREATE, &[json!({ "StackId": "stack-id" })]);
    account.answers(DELETE, &[Value::Null]);
    account.answers(EVENTS, &[json!({ "StackEvents": [] })]);
    account.fails("s3api head-object", "An error occurred (403) when calling the HeadObject operation: Forbidden");
    account
        .fails("ssm get-parameter", "An error occurred (ParameterNotFound) when calling the GetParameter operation: ");
    account
}

fn stacks(calls: &[String]) -> Vec<&str> {
    calls.iter().map(String::as_str).filter(|call| [CREATE, UPDATE, DELETE].contains(call)).collect()
}

#[tokio::test]
async fn a_stack_that_never_came_to_be_is_removed_and_made_anew() {
    let mut account = account().await;
    account.answers(
        DESCRIBE,
        &[
            absent(),
            stack("ROLLBACK_COMPLETE"),
            stack("ROLLBACK_COMPLETE"),
            absent(),
            absent(),
            stack("CREATE_COMPLETE"),
        ],
    );
    account.answers(
        EVENTS,
        &[failure("ConversationsBucket", "Access Denied. User is not authorized to perform: s3:CreateBucket")],
    );
    let told = account.refuses("deploy").await;
    assert_eq!(stacks(&account.calls()), [DELETE, CREATE], "{told}");
    assert!(told.contains("is ROLLBACK_COMPLETE: ConversationsBucket: Access Denied"), "{told}");
    assert!(told.contains("stack lambdagram-foundation made"), "{told}");
}

#[tokio::test]
async fn what_an_interrupted_run_began_is_waited_for() {
    let mut account = account().await;
    let (busy, made) = (stack("CREATE_IN_PROGRESS"), stack("CREATE_COMPLETE"));
    account.answers(DESCRIBE, &[absent(), busy.clone(), busy, made]);
    account.answers(UPDATE, &[error("ValidationError", "UpdateStack", "No updates are to be performed.")]);
    let told = account.refuses("deploy").await;
    assert_eq!(stacks(&account.calls()), [UPDATE]);
    assert!(told.contains("stack lambdagram-foundation: nothing changed"), "{told}");
}

#[tokio::test]
async fn a_stack_that_fails_tells_its_reason_and_the_remedy() {
    let mut account = account().await;
    account.answers(DESCRIBE, &[absent(), absent(), stack("ROLLBACK_COMPLETE")]);
    let taken =
        "lambdagram-foundation-conversations already exists (Service: S3, Status Code: 409, BucketAlreadyExists)";
    account.answers(EVENTS, &[failure("ConversationsBucket", taken)]);
    let told = account.refuses("deploy").await;
    assert!(told.contains(taken) && told.contains("STACK="), "{told}");
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let mut account = account().await;
    let words = "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: cloudformation:CreateStack on \
        resource: arn:aws:cloudformation:us-east-1:123456789012:stack/lambdagram-foundation/*";
    account.answers(CREATE, &[error("AccessDenied", "CreateStack", words)]);
    let told = account.refuses("deploy").await;
    assert!(told.contains("cloudformation:CreateStack") && told.contains("administrator"), "{told}");
}

#[tokio::test]
async fn at_a_terminal_token_and_key_are_asked_for_tried_and_never_shown() {
    let mut account = account().await;
    account.answers(DESCRIBE, &[stack("UPDATE_ROLLBACK_FAILED")]);
    let typed = [("TELEGRAM_TOKEN: ", TOKEN), ("GEMINI_API_KEY: ", KEY)];
    let seen = account.run_on_a_terminal("deploy", &typed).await;
    assert!(seen.contains("@lambdagram_bot takes the token") && seen.contains("Gemini takes the key"), "{seen}");
    assert!(!seen.contains(TOKEN) && !seen.contains(KEY), "{seen}");
    assert_eq!(account.calls().iter().filter(|call| *call == "ssm put-parameter").count(), 3);

    let seen = account.run_on_a_terminal("deploy", &[("TELEGRAM_TOKEN: ", "123456789:AAHwrong-canary")]).await;
    assert!(seen.contains("Telegram refuses the token") && !seen.contains("canary"), "{seen}");
    assert!(!account.calls().contains(&"ssm put-parameter".to_owned()));
}

#[tokio::test]
async fn nobody_is_asked_for_a_secret_before_the_templates_are_read() {
    let mut account = account().await;
    account
        .answers("cloudformation get-template-summary", &[error("Throttling", "GetTemplateSummary", "Rate exceeded")]);
    let seen = account.run_on_a_terminal("deploy", &[]).await;
    assert!(seen.contains("Rate exceeded") && !seen.contains("TELEGRAM_TOKEN"), "{seen}");
}

#[tokio::test]
async fn a_stack_that_is_stuck_is_left_alone() {
    let mut account = account().await;
    account.answers(DESCRIBE, &[stack("UPDATE_ROLLBACK_FAILED")]);
    let told = account.refuses("deploy").await;
    assert!(told.contains("continue-update-rollback --stack-name lambdagram-foundation"), "{told}");
    assert!(stacks(&account.calls()).is_empty());
}

/// Its buckets may be full of conversations.
#[tokio::test]
async fn a_foundation_whose_deletion_failed_is_not_made_anew() {
    let mut account = account().await;
    account.answers(DESCRIBE, &[absent(), stack("DELETE_FAILED")]);
    let told = account.refuses("deploy").await;
    assert!(told.contains("is DELETE_FAILED") && told.contains("make destroy-data CONFIRM=lambdagram"), "{told}");
    assert!(told.contains("deletes the conversations"), "{told}");
    assert!(stacks(&account.calls()).is_empty());
}

#[tokio::test]
async fn only_a_whole_deployment_removes_a_stack_that_never_came_to_be() {
    let mut account = account().await;
    let mut still_born = application(&account);
    still_born["Stacks"][0]["StackStatus"] = json!("ROLLBACK_COMPLETE");
    still_born["Stacks"][0]["Outputs"] = json!([]);
    account.answers(DESCRIBE, &[still_born]);
    let ended = account.run("update-env", &[("WORKER_MAX_CONCURRENCY", "3")]).await;
    assert!(ended.code == 1 && ended.out.contains("make deploy-all makes it anew"), "{}", ended.out);
    assert!(stacks(&account.calls()).is_empty());
}

#[tokio::test]
async fn the_architecture_stays_unless_another_is_asked_for() {
    let mut account = account().await;
    assert_eq!(account.run("architecture", &[]).await.out, "arm64\n");
    let mut deployed = application(&account);
    let parameters = deployed["Stacks"][0]["Parameters"].as_array_mut().unwrap();
    parameters.push(json!({ "ParameterKey": "Architecture", "ParameterValue": "x86_64" }));
    account.answers(DESCRIBE, &[deployed]);
    assert_eq!(account.run("architecture", &[]).await.out, "x86_64\n");
    assert_eq!(account.run("architecture", &[("ARCH", "arm64")]).await.out, "arm64\n");
}

#[tokio::test]
async fn an_update_says_that_the_template_has_changed_as_well() {
    let mut account = account().await;
    let mut deployed = application(&account);
    let parameters = deployed["Stacks"][0]["Parameters"].as_array_mut().unwrap();
    parameters.push(json!({ "ParameterKey": "ArtifactsBucket", "ParameterValue": "artifacts" }));
    account.answers(DESCRIBE, &[deployed]);
    account.answers(UPDATE, &[json!({ "StackId": "stack-id" })]);
    account.answers("s3api head-object", &[json!({})]);
    account.answers("lambda get-event-source-mapping", &[json!({ "State": "Enabled" })]);
    let template = std::fs::read_to_string(crate::world::root().join("deploy/template.yaml")).unwrap();
    for (deployed, told) in [(template.clone(), false), (format!("{template}\n# older"), true)] {
        account.answers("cloudformation get-template", &[json!({ "TemplateBody": deployed })]);
        let ended = account.run("update", &[]).await;
        assert_eq!(ended.code, 0, "{}", ended.out);
        assert_eq!(ended.out.contains("the template has changed too"), told, "{}", ended.out);
    }
}

#[tokio::test]
async fn a_build_for_this_machine_and_one_for_an_account_are_never_taken_for_each_other() {
    let mut account = account().await;
    account.answers(DESCRIBE, &[stack("CREATE_COMPLETE")]);
    account.answers(UPDATE, &[error("ValidationError", "UpdateStack", "No updates are to be performed.")]);
    let ended = account.run("deploy", &[("ARCH", "arm64")]).await;
    assert!(ended.code == 1 && ended.out.contains("ingress.zip is missing: make build"), "{}", ended.out);
    let told = account.refuses("deploy").await;
    assert!(told.contains("HeadObject"), "{told}");
}

/// The emulated AWS leaves it alone; of the real one nobody knows.
#[tokio::test]
async fn a_paused_worker_stays_paused_whatever_becomes_of_its_mapping() {
    let mut account = account().await;
    account.answers(DESCRIBE, &[application(&account)]);
    account.answers(UPDATE, &[json!({ "StackId": "stack-id" })]);
    let mapping = |state: &str| json!({ "State": state });
    let states = ["Disabled", "Enabled", "Enabled", "Disabled"].map(mapping);
    account.answers("lambda get-event-source-mapping", &states);
    account.answers("lambda update-event-source-mapping", &[mapping("Disabling")]);
    let ended = account.run("update-env", &[("WORKER_MAX_CONCURRENCY", "3")]).await;
    assert!(ended.code == 0 && ended.out.contains("paused: updates are accepted"), "{}", ended.out);
    assert!(account.calls().contains(&"lambda update-event-source-mapping".to_owned()));

    account.answers("lambda get-event-source-mapping", &[mapping("Enabled")]);
    let ended = account.run("update-env", &[("WORKER_MAX_CONCURRENCY", "3")]).await;
    assert!(ended.code == 0 && !ended.out.contains("paused"), "{}", ended.out);
}

#[tokio::test]
async fn what_needs_no_secret_asks_for_none() {
    let mut account = account().await;
    let mut stack = application(&account);
    let names =
        ["QueueUrl", "DlqUrl", "IngressFunctionName", "WorkerFunctionName", "IngressLogGroup", "WorkerLogGroup"];
    let outputs = stack["Stacks"][0]["Outputs"].as_array_mut().unwrap();
    outputs.extend(names.map(|name| json!({ "OutputKey": name, "OutputValue": "name" })));
    account.answers(DESCRIBE, &[stack]);
    account.answers("lambda get-event-source-mapping", &[json!({ "State": "Disabled" })]);
    account.answers("lambda get-function-configuration", &[json!({ "MemorySize": 512 })]);
    account.answers("sqs get-queue-attributes", &[json!({ "Attributes": {} })]);
    account.answers("cloudwatch list-metrics", &[json!({ "Metrics": [] })]);
    account.answers("cloudwatch get-metric-data", &[json!({ "MetricDataResults": [] })]);
    account.answers("logs filter-log-events", &[json!({ "events": [] })]);
    for command in ["pause", "logs", "metrics", "cost"] {
        let ended = account.run(command, &[]).await;
        assert_eq!(ended.code, 0, "{command}: {}", ended.out);
        assert!(!account.calls().iter().any(|call| call.starts_with("ssm")), "{command}: {:?}", account.calls());
    }
}

/// Ctrl-C at the prompt ends the program before it can say anything.
#[tokio::test]
async fn whoever_is_asked_for_a_new_token_knows_by_then_that_the_worker_is_paused() {
    let mut account = account().await;
    let mut stack = application(&account);
    let queue = json!({ "OutputKey": "QueueUrl", "OutputValue": "name" });
    stack["Stacks"][0]["Outputs"].as_array_mut().unwrap().push(queue);
    account.answers(DESCRIBE, &[stack]);
    account.answers("lambda get-event-source-mapping", &[json!({ "State": "Disabled" })]);
    account.answers("sqs get-queue-attributes", &[json!({ "Attributes": {} })]);
    let typed = [("TELEGRAM_TOKEN: ", "123456789:AAHwrong")];
    let seen = account.run_on_a_terminal("rotate telegram-token", &typed).await;
    let (before, _) = seen.split_once("TELEGRAM_TOKEN: ").unwrap();
    assert!(before.contains("Ctrl-C leaves it so") && before.contains("make resume"), "{seen}");
}

#[tokio::test]
async fn token_and_key_are_tried_where_the_stack_has_its_services() {
    let mut account = account().await;
    account.answers(DESCRIBE, &[application(&account)]);
    account.answers(UPDATE, &[error("ValidationError", "UpdateStack", "No updates are to be performed.")]);
    let nowhere = [("TELEGRAM_API_URL", ""), ("GEMINI_API_URL", ""), ("HTTPS_PROXY", "http://127.0.0.1:9")];
    let ended = account.run("deploy", &nowhere).await;
    assert!(ended.out.contains("@lambdagram_bot takes the token"), "{}", ended.out);
    assert!(ended.out.contains("Gemini takes the key"), "{}", ended.out);
}

#[tokio::test]
async fn settings_that_a_function_cannot_hold_are_refused_before_anything_is_changed() {
    let mut account = account().await;
    account.answers(DESCRIBE, &[application(&account)]);
    let prompt = "лис".repeat(600);
    for command in ["doctor", "deploy", "update-env"] {
        let ended = account.run(command, &[("SYSTEM_PROMPT", &prompt)]).await;
        assert_eq!(ended.code, 1, "{}", ended.out);
        assert!(ended.out.contains("SYSTEM_PROMPT 3600 of them") && ended.out.contains("shorter by"), "{}", ended.out);
        assert!(!account.calls().iter().any(|call| call == "ssm put-parameter" || call == UPDATE), "{command}");
    }
}

/// A deployed bot, of these services.
/// Its type is missing in many regions, and people without the right to it shall have a bot all the same.
#[tokio::test]
async fn the_budget_is_made_where_there_are_budgets_and_the_bot_needs_none() {
    let mut account = account().await;
    let mut with_mail = application(&account);
    let more = [("AlarmEmail", "ada@example.org"), ("MonthlyBudgetUsd", "10")];
    with_mail["Stacks"][0]["Parameters"]
        .as_array_mut()
        .unwrap()
        .extend(more.map(|(key, value)| json!({ "ParameterKey": key, "ParameterValue": value })));
    let topic = json!({ "OutputKey": "AlarmTopicArn", "OutputValue": "arn:aws:sns:eu-north-1:1:alarms" });
    with_mail["Stacks"][0]["Outputs"].as_array_mut().unwrap().push(topic);
    let describe = [with_mail.clone(), with_mail, absent(), stack("CREATE_COMPLETE")];
    account.answers(DESCRIBE, &describe);
    account.answers(UPDATE, &[error("ValidationError", "UpdateStack", "No updates are to be performed.")]);
    account.answers("lambda get-event-source-mapping", &[json!({ "State": "Enabled" })]);
    let pending = json!({ "SubscriptionArn": "PendingConfirmation", "Endpoint": "ada@example.org" });
    account.answers("sns list-subscriptions-by-topic", &[json!({ "Subscriptions": [pending] })]);
    let env = [("WORKER_MAX_CONCURRENCY", "5"), ("AWS_REGION", "eu-north-1")];
    let ended = account.run("update-env", &env).await;
    assert_eq!(stacks(&account.calls()), [UPDATE, CREATE], "{}", ended.out);
    assert!(ended.code == 0 && ended.out.contains("AWS has asked ada@example.org"), "{}", ended.out);

    account.fails(CREATE, "An error occurred (AccessDenied) when calling the CreateStack operation: not authorized");
    let ended = account.run("update-env", &env).await;
    assert!(ended.code == 0 && ended.out.contains("MONTHLY_BUDGET_USD=0 does without one"), "{}", ended.out);
}

fn application(account: &Account) -> Value {
    let parameter = |key: &str, value: &str| json!({ "ParameterKey": key, "ParameterValue": value });
    let mut stack = stack("UPDATE_COMPLETE");
    stack["Stacks"][0]["Parameters"] = json!([
        parameter("TelegramApiUrl", &account.telegram.url()),
        parameter("GeminiApiUrl", &format!("{}/v1beta", account.gemini.url())),
        parameter("WorkerMaxConcurrency", "5"),
        parameter("SystemPrompt", ""),
    ]);
    stack["Stacks"][0]["Outputs"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "OutputKey": "TriggerUuid", "OutputValue": "uuid" }));
    stack
}

fn failure(resource: &str, reason: &str) -> Value {
    json!({ "StackEvents": [
        { "EventId": "2", "LogicalResourceId": resource, "PhysicalResourceId": "", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": reason },
        { "EventId": "1", "LogicalResourceId": "lambdagram-foundation", "PhysicalResourceId": "stack-id", "ResourceStatus": "CREATE_IN_PROGRESS" },
    ]})
}
