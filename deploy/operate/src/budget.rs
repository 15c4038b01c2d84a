//! The mails about money and about alarms: a budget in a stack of its own, and whether the alarms' mail is confirmed.

use anyhow::Result;
use serde_json::Value;

use crate::aws::Aws;
use crate::cloudformation::{self, Stack, Template};
use crate::deploy::tell;
use crate::place::Place;
use crate::say::note;
use crate::settings;

const TEMPLATE: &str = "deploy/budget.yaml";
/// Where the type is, whatever region the bot is in.
const REGION: &str = "us-east-1";

/// Makes, changes or removes the budget as the deployed application says. A bot without one answers all the same, so
/// what is refused is told and no more.
pub async fn follow(place: &Place, application: &Stack) {
    let value = |name: &str| application.parameters.get(name).map(String::as_str).unwrap_or_default();
    let (email, usd) = (value("AlarmEmail"), value("MonthlyBudgetUsd"));
    // The emulated AWS knows no budgets.
    let made = match place.aws.endpoint() {
        Some(_) => Ok(()),
        None if email.is_empty() || usd == "0" => remove(place).await,
        None => make(place, &[("AlarmEmail", email), ("MonthlyBudgetUsd", usd)]).await,
    };
    if let Err(error) = made {
        note(&format!("the budget is not as it should be: {error:#}\n    ▸ MONTHLY_BUDGET_USD=0 does without one"));
    }
    match unconfirmed(&place.aws, application).await {
        Ok(Some(address)) => note(&unconfirmed_words(&address)),
        Ok(None) => {}
        Err(error) => note(&format!("whether the alarms' mail is confirmed could not be found out: {error:#}")),
    }
}

/// # Errors
/// As a call of the AWS CLI.
pub async fn remove(place: &Place) -> Result<()> {
    if place.aws.endpoint().is_some() {
        return Ok(());
    }
    cloudformation::delete(&place.aws.in_region(REGION), &name(place).await).await
}

async fn make(place: &Place, parameters: &[(&str, &str)]) -> Result<()> {
    let aws = place.aws.in_region(REGION);
    let names = settings::names(&aws, TEMPLATE).await?;
    let given: Vec<_> = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    tell(cloudformation::deploy(&aws, &name(place).await, Template::File(TEMPLATE, &names), &given).await?);
    Ok(())
}

/// The same stack name in two regions means two bots.
async fn name(place: &Place) -> String {
    format!("{}-{}-budget", place.stack, place.aws.region().await.unwrap_or_default())
}

/// Who has not confirmed yet that the alarms may mail there: until then none does.
///
/// # Errors
/// As a call of the AWS CLI.
pub async fn unconfirmed(aws: &Aws, application: &Stack) -> Result<Option<String>> {
    let Some(topic) = application.outputs.get("AlarmTopicArn") else { return Ok(None) };
    let listed = aws.call(&["sns", "list-subscriptions-by-topic", "--topic-arn", topic]).await?;
    let pending = |subscription: &&Value| subscription["SubscriptionArn"] == "PendingConfirmation";
    let found = listed["Subscriptions"].as_array().and_then(|all| all.iter().find(pending));
    Ok(found.and_then(|subscription| subscription["Endpoint"].as_str()).map(str::to_owned))
}

pub fn unconfirmed_words(address: &str) -> String {
    format!("AWS has asked {address} by mail whether alarms may come there: until that is confirmed none does")
}
