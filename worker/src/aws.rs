//! What an AWS service said, fit for a log.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

/// The error's code. The SDK's own description prints whole answers, and those hold keys of objects, which are chat ids,
/// or even what was asked for.
pub(crate) fn said<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    match error {
        SdkError::ConstructionFailure(_) => "the request could not be made (credentials, region?)".to_owned(),
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(_) => "no connection".to_owned(),
        SdkError::ResponseError(_) => "an answer that cannot be read".to_owned(),
        other => {
            let status = other.raw_response().map_or(0, |response| response.status().as_u16());
            format!("{status} {}", other.code().unwrap_or("without a code"))
        }
    }
}
