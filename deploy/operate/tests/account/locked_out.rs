//! Before anything is built or changed, the doctor says what is wrong and what to do.

use serde_json::json;

use crate::fake::{Account, TOKEN, absent, stack};

#[tokio::test]
async fn a_healthy_account_is_told_so_line_by_line() {
    let account = Account::start().await;
    let ended = account.run("doctor", &[("AWS_PROFILE", "work")]).await;
    assert_eq!(ended.code, 0, "{}", ended.out);
    for line in [
        "account 123456789012 as arn:aws:iam::123456789012:user/ada (profile work)",
        "region us-east-1",
        "stack lambdagram: not there yet",
        "10 functions may run at once in this account: enough to begin with",
        "@lambdagram_bot takes the token",
        "no webhook yet",
        "Gemini takes the key",
        "ALLOWED_CHATS is empty",
    ] {
        assert!(ended.out.contains(line), "no {line}:\n{}", ended.out);
    }
    assert!(!ended.out.contains(TOKEN), "{}", ended.out);

    // Not to be told of the concurrency is no reason to stop.
    let mut account = account;
    account.fails(
        "lambda get-account-settings",
        "An error occurred (AccessDeniedException) when calling GetAccountSettings",
    );
    let ended = account.run("doctor", &[]).await;
    assert!(ended.code == 0 && ended.out.contains("taken as 10"), "{}", ended.out);
}

#[tokio::test]
async fn each_way_to_be_locked_out_of_aws_has_its_remedy_and_the_rest_is_looked_at_all_the_same() {
    let mut account = Account::start().await;
    for (words, remedy) in [
        (
            "Unable to locate credentials. You can configure credentials by running \"aws configure\".",
            "aws configure sso",
        ),
        ("Error when retrieving token from sso: Token has expired and refresh failed", "aws sso login --profile work"),
        (
            "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security token included \
             in the request is expired",
            "export fresh ones",
        ),
        ("Could not connect to the endpoint URL: \"https://sts.us-eest-1.amazonaws.com/\"", "region's spelling"),
        ("The config profile (work) could not be found", "AWS_PROFILE"),
    ] {
        account.fails("sts get-caller-identity", words);
        let ended = account.run("doctor", &[("AWS_PROFILE", "work")]).await;
        assert_eq!(ended.code, 1, "{}", ended.out);
        assert!(ended.out.contains(words) && ended.out.contains(remedy), "{}", ended.out);
        assert!(ended.out.contains("Gemini takes the key") && ended.out.contains("one thing"), "{}", ended.out);
        assert_eq!(account.calls(), ["sts get-caller-identity"]);
    }
}

#[tokio::test]
async fn the_worker_leaves_something_of_the_accounts_concurrency_to_the_ingress() {
    let account = Account::start().await;
    for (workers, code, told) in [
        ("5", 0, ""),
        ("6", 0, "WORKER_MAX_CONCURRENCY=6 takes more than half of the 10"),
        ("9", 0, "WORKER_MAX_CONCURRENCY=9 takes more than half of the 10"),
        ("10", 1, "WORKER_MAX_CONCURRENCY=10 leaves nothing of the 10"),
    ] {
        let ended = account.run("doctor", &[("WORKER_MAX_CONCURRENCY", workers)]).await;
        assert_eq!(ended.code, code, "{workers}: {}", ended.out);
        assert!(ended.out.contains(told) && (told.is_empty() != ended.out.contains("WORKER_MAX")), "{}", ended.out);
    }
}

#[tokio::test]
async fn no_secret_is_read_while_the_cli_keeps_a_history() {
    let mut account = Account::start().await;
    account.is_configured("cli_history", "enabled");
    let told = account.refuses("doctor").await;
    assert!(told.contains("aws configure set cli_history disabled") && told.contains("one thing"), "{told}");
    assert_eq!(account.calls(), ["sts get-caller-identity"]);
    account.is_configured("cli_history", "disabled");
    assert_eq!(account.run("doctor", &[]).await.code, 0);
}

#[tokio::test]
async fn a_lost_session_is_not_taken_for_a_missing_stack() {
    let mut account = Account::start().await;
    account.fails("cloudformation describe-stacks", "Error loading SSO Token: Token for work does not exist");
    let told = account.refuses("info").await;
    assert!(told.contains("aws sso login") && !told.contains("there is no stack"), "{told}");
}

#[tokio::test]
async fn a_stack_that_is_stuck_has_its_remedy_and_one_that_never_came_up_is_no_problem() {
    let mut account = Account::start().await;
    let call = "cloudformation describe-stacks";
    for (status, remedy) in
        [("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"), ("UPDATE_FAILED", "rollback-stack")]
    {
        account.answers(call, &[stack(status), absent()]);
        let told = account.refuses("doctor").await;
        assert!(told.contains(status) && told.contains(remedy) && told.contains("one thing"), "{told}");
    }
    account.answers(call, &[stack("ROLLBACK_COMPLETE"), absent()]);
    let ended = account.run("doctor", &[]).await;
    assert!(ended.code == 0 && ended.out.contains("ROLLBACK_COMPLETE, with nothing in it"), "{}", ended.out);
}

/// Of what is typed there, only a prompt has such signs in it.
#[tokio::test]
async fn make_hands_a_prompt_on_as_it_was_typed() {
    let mut make = tokio::process::Command::new("make");
    make.args(["-s", "--eval", "show:;@printf %s \"$$SYSTEM_PROMPT\"", "show", "SYSTEM_PROMPT=You cost $5, \"$HOME\""]);
    let output = make.current_dir(crate::world::root()).output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "You cost $5, \"$HOME\"", "{output:?}");
}

#[tokio::test]
async fn no_region_no_permission_and_no_cli_are_told() {
    let mut account = Account::start().await;
    let ended = account.run("doctor", &[("AWS_REGION", "")]).await;
    assert!(ended.code == 1 && ended.out.contains("export AWS_REGION"), "{}", ended.out);

    account.fails(
        "cloudformation describe-stacks",
        "An error occurred (AccessDenied) when calling the DescribeStacks operation: User: \
         arn:aws:iam::123456789012:user/ada is not authorized to perform: cloudformation:DescribeStacks",
    );
    let told = account.refuses("doctor").await;
    assert!(told.contains("cloudformation:DescribeStacks") && told.contains("administrator"), "{told}");

    let ended = account.run("doctor", &[("PATH", "/nonexistent")]).await;
    assert!(ended.code == 1 && ended.out.contains("the AWS CLI is missing"), "{}", ended.out);
}

#[tokio::test]
async fn a_token_or_key_that_is_refused_is_told_and_not_shown() {
    let account = Account::start().await;
    let (token, key) = ("123456789:AAHwrong-canary", "wrong-canary");
    let ended = account.run("doctor", &[("TELEGRAM_TOKEN", token), ("GEMINI_API_KEY", key)]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("Telegram refuses the token") && ended.out.contains("@BotFather"), "{}", ended.out);
    assert!(ended.out.contains("Gemini refuses the key") && ended.out.contains("2 things"), "{}", ended.out);
    let dead = "http://127.0.0.1:9";
    let ended = account.run("doctor", &[("TELEGRAM_TOKEN", token), ("TELEGRAM_API_URL", dead)]).await;
    assert!(ended.out.contains("Telegram is not reached at http://127.0.0.1:9"), "{}", ended.out);
    assert!(!ended.out.contains("canary"), "{}", ended.out);
}

#[tokio::test]
async fn a_webhook_that_another_program_has_is_not_taken_over_unasked() {
    let account = Account::start().await;
    let elsewhere = "https://abc.lambda-url.eu-west-1.on.aws/";
    let http = local::http::loopback().build().unwrap();
    let set = http.post(format!("{}/bot{TOKEN}/setWebhook", account.telegram.url()));
    assert!(set.json(&json!({ "url": elsewhere })).send().await.unwrap().status().is_success());

    let told = account.refuses("doctor").await;
    assert!(
        told.contains(elsewhere) && told.contains("AWS_REGION=eu-west-1") && told.contains("TAKE_OVER=1"),
        "{told}"
    );
    let ended = account.run("doctor", &[("TAKE_OVER", "1")]).await;
    assert_eq!(ended.code, 0, "{}", ended.out);
}

#[tokio::test]
async fn another_bots_token_and_a_stack_name_that_cannot_be_are_refused() {
    let mut account = Account::start().await;
    let stored =
        json!({ "Parameters": [{ "Name": "/lambdagram/telegram-token", "Value": "42:AAHstored", "Version": 1 }] });
    account.answers("ssm get-parameters", &[stored]);
    let told = account.refuses("doctor").await;
    assert!(
        told.contains("another bot")
            && told.contains("make destroy-data")
            && told.contains("STACK=")
            && !told.contains("AAHstored"),
        "{told}"
    );

    let ended = account.run("info", &[("STACK", "fox bot")]).await;
    assert!(ended.code == 2 && ended.out.contains("fox bot") && ended.out.contains("a letter first"), "{}", ended.out);
}
