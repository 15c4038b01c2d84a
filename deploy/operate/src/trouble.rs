//! What the AWS CLI says when a call fails, and what one can do about it.

use std::fmt;

/// A failed call: the service's error code where it named one, its words, and the remedy where one is known.
#[derive(Debug)]
pub struct Trouble {
    /// `AccessDenied`, `ValidationError`, …; a bare status such as `404` where S3 says no more.
    pub code: Option<String>,
    pub words: String,
    pub remedy: Option<String>,
    call: Option<String>,
}

/// Words in the CLI's error, and what helps. The first that fits is taken, so the special ones come first.
/// From botocore's and the CLI's own exception texts (1.46, 2.9, 2.31).
const REMEDIES: [(&[&str], &str); 13] = [
    (&["endpoint URL: \"http://127.0.0.1"], "the bot of make run is meant (LOCAL=1), and it is not running: make run"),
    (
        &["SSO session", "SSO Token", "sso login", "from sso", "SSOTokenLoadError", "UnauthorizedSSOToken"],
        "the SSO session is over: aws sso login{profile}",
    ),
    (
        &[
            "ExpiredToken",
            "TokenRefreshRequired",
            "security token included in the request is expired",
            "RequestExpired",
        ],
        "the credentials have expired: log in again (aws sso login{profile}), or export fresh ones",
    ),
    (
        &["Unable to locate credentials", "NoCredentials", "Partial credentials", "Missing Authentication Token"],
        "no credentials: aws configure sso (an organisation's account) or aws configure (keys of your own), \
         or set AWS_PROFILE",
    ),
    (&["could not be found", "ProfileNotFound"], "AWS_PROFILE names none of these: aws configure list-profiles"),
    (
        &["InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"],
        "AWS does not know this access key: aws configure; a region that the account has not enabled says the same",
    ),
    (
        &["SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"],
        "the secret access key is wrong, or this machine's clock is: aws configure; date",
    ),
    (&["specify a region", "NoRegion"], "no region: export AWS_REGION=eu-central-1, or aws configure"),
    (
        &["Could not connect to the endpoint URL", "Connect timeout", "Invalid endpoint", "EndpointConnectionError"],
        "AWS is not reached there: check the region's spelling (AWS_REGION) and the network",
    ),
    (
        &["Failed to connect to proxy", "SSL validation failed"],
        "this network's way out is in between: check HTTPS_PROXY, and AWS_CA_BUNDLE where its certificate is its own",
    ),
    (
        &["AccessDenied", "UnauthorizedOperation", "not authorized to perform", "(403)"],
        "a permission is missing: ask the account's administrator for the action named above, or use another profile",
    ),
    (&["Throttling", "TooManyRequests", "Rate exceeded"], "AWS asks to go slower: run the same again in a minute"),
    (
        &["Unknown options", "Invalid choice", "invalid choice"],
        "this AWS CLI is too old: version 2.9 or 1.32 is needed",
    ),
];

impl Trouble {
    /// From what a failed call printed on standard error.
    pub fn read(stderr: &str) -> Self {
        let words = stderr.trim().lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let code = words.split_once("An error occurred (").and_then(|(_, rest)| rest.split_once(')'));
        let code = code.map(|(code, _)| code.to_owned());
        let fits = |marks: &[&str]| marks.iter().any(|mark| words.contains(mark));
        let remedy = REMEDIES.iter().find(|(marks, _)| fits(marks)).map(|(_, remedy)| {
            let profile = std::env::var("AWS_PROFILE").map(|profile| format!(" --profile {profile}"));
            remedy.replace("{profile}", &profile.unwrap_or_default())
        });
        Self { code, words, remedy, call: None }
    }

    pub fn during(mut self, call: &str) -> Self {
        self.call = Some(call.to_owned());
        self
    }

    /// Whether an error of [`crate::aws::Aws`] is the service's, with this code.
    pub fn is(error: &anyhow::Error, code: &str) -> bool {
        error.downcast_ref::<Self>().is_some_and(|trouble| trouble.code.as_deref() == Some(code))
    }

    /// Whether an error of [`crate::aws::Aws`] has these words in it.
    pub fn says(error: &anyhow::Error, words: &str) -> bool {
        error.downcast_ref::<Self>().is_some_and(|trouble| trouble.words.contains(words))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(call) = &self.call {
            write!(f, "{call}: ")?;
        }
        f.write_str(&self.words)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n    ▸ {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Trouble {}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is printed, by the CLI's version, and a word of what one is told to do.
    #[test]
    fn each_way_to_be_locked_out_has_its_remedy() {
        for (stderr, remedy) in [
            (
                "\nUnable to locate credentials. You can configure credentials by running \"aws configure\".\n",
                "aws configure sso",
            ),
            ("\nError loading SSO Token: Token for my-sso does not exist\n", "aws sso login"),
            (
                "\nThe SSO session associated with this profile has expired or is otherwise invalid. To refresh this SSO \
                 session run aws sso login with the corresponding profile.\n",
                "aws sso login",
            ),
            ("\nError when retrieving token from sso: Token has expired and refresh failed\n", "aws sso login"),
            (
                "\nAn error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security token \
                 included in the request is expired\n",
                "expired",
            ),
            ("\nThe config profile (nobody) could not be found\n", "AWS_PROFILE"),
            (
                "\nAn error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The security \
                 token included in the request is invalid.\n",
                "access key",
            ),
            (
                "\nYou must specify a region. You can also configure your region by running \"aws configure\".\n",
                "AWS_REGION",
            ),
            ("\nCould not connect to the endpoint URL: \"http://127.0.0.1:4566/\"\n", "make run"),
            ("\nCould not connect to the endpoint URL: \"https://sts.eu-cental-1.amazonaws.com/\"\n", "spelling"),
            ("\nFailed to connect to proxy URL: \"http://127.0.0.1:9\"\n", "HTTPS_PROXY"),
            (
                "\nAn error occurred (AccessDeniedException) when calling the PutParameter operation: User: \
                 arn:aws:iam::123456789012:user/ada is not authorized to perform: ssm:PutParameter on resource: \
                 arn:aws:ssm:us-east-1:123456789012:parameter/lambdagram/telegram-token because no identity-based policy \
                 allows the ssm:PutParameter action\n",
                "administrator",
            ),
        ] {
            let trouble = Trouble::read(stderr);
            let told = trouble.remedy.as_deref().unwrap_or("nothing");
            assert!(told.contains(remedy), "{stderr}{told}");
        }
    }

    #[test]
    fn the_services_code_and_words_are_kept() {
        let stderr = "\nAn error occurred (404) when calling the HeadObject operation: Not Found\n";
        let error = anyhow::Error::from(Trouble::read(stderr));
        assert!(Trouble::is(&error, "404") && Trouble::says(&error, "Not Found"));
        assert_eq!(error.to_string(), stderr.trim());
    }
}
