//! With which credentials a bucket is reached: what the environment says, in the words of the clouds' own tools.

use super::Address;
use super::address::Scheme;
use super::failure::failed;
use super::transport::Transport;
use crate::error::{Error, Result};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{ObjectStore, RetryConfig};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What a variable says, if it says something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variables of a cloud that say something, their names in lower case; the crate passes over those that it does not know.
fn said(cloud: &str) -> Vec<(String, String)> {
    let all =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let ours = all.filter(|(name, value)| name.starts_with(cloud) && !value.is_empty());
    ours.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

/// How often a request is sent again, with growing pauses, in at most three minutes.
fn patience() -> RetryConfig {
    let attempts: Option<usize> = variable("AWS_MAX_ATTEMPTS").and_then(|text| text.parse().ok());
    let standard = RetryConfig::default();
    RetryConfig { max_retries: attempts.map_or(standard.max_retries, |all| all.saturating_sub(1)), ..standard }
}

/// Prepares requests to a bucket; nothing is sent yet.
pub(super) fn store(address: &Address) -> Result<Arc<dyn ObjectStore>> {
    let bucket = &*address.bucket;
    let authorities = if address.scheme == Scheme::S3 { variable("AWS_CA_BUNDLE") } else { None };
    let transport = Transport::new(authorities.map(PathBuf::from))?;
    let built: object_store::Result<Arc<dyn ObjectStore>> = match address.scheme {
        Scheme::S3 => {
            let said = said("AWS_").into_iter();
            let mut builder = said
                .filter_map(|(name, value)| Some((name.parse().ok()?, value)))
                .fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
                .with_bucket_name(bucket)
                .with_retry(patience())
                // Not every store that speaks S3 knows how to remove several objects at once.
                .with_disable_bulk_delete(true)
                .with_http_connector(transport);
            if ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]
                .iter()
                .any(|name| variable(name).is_some_and(|url| url.starts_with("http://")))
            {
                builder = builder.with_allow_http(true);
            }
            let has_role = [
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            ]
            .iter()
            .any(|name| variable(name).is_some());
            if variable("AWS_ACCESS_KEY_ID").is_none() && !has_role {
                if let Some(profile) = profile()? {
                    let get = |name: &str| profile.get(name).cloned();
                    if let (Some(id), Some(secret)) = (get("aws_access_key_id"), get("aws_secret_access_key")) {
                        builder = builder.with_access_key_id(id).with_secret_access_key(secret);
                        if let Some(token) = get("aws_session_token") {
                            builder = builder.with_token(token);
                        }
                    }
                } else if variable("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
                {
                    return Err(Error::unreachable(format!("there are no credentials for {address}"))
                        .hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"));
                }
            }
            builder.build().map(|store| Arc::new(store) as _)
        }
        Scheme::Gs => {
            let said = said("GOOGLE_").into_iter();
            let mut builder = said
                .filter_map(|(name, value)| Some((name.parse().ok()?, value)))
                .fold(GoogleCloudStorageBuilder::new(), |builder, (key, value)| builder.with_config(key, value))
                .with_bucket_name(bucket)
                .with_retry(patience())
                .with_http_connector(transport);
            if let Some(host) = variable("STORAGE_EMULATOR_HOST") {
                let url = if host.contains("://") { host } else { format!("http://{host}") };
                // No emulator looks at who asks; without a token the metadata service of a machine of Google's would be asked for one.
                builder = builder.with_base_url(url.trim_end_matches('/')).with_bearer_token("emulator");
            }
            builder.build().map(|store| Arc::new(store) as _)
        }
        Scheme::Az => {
            let said = said("AZURE_").into_iter();
            let mut builder = said
                .filter_map(|(name, value)| Some((name.parse().ok()?, value)))
                .fold(MicrosoftAzureBuilder::new(), |builder, (key, value)| builder.with_config(key, value))
                .with_container_name(bucket)
                .with_retry(patience())
                .with_http_connector(transport);
            let string = connection(&variable("AZURE_STORAGE_CONNECTION_STRING").unwrap_or_default());
            let field = |name: &str| string.get(name).cloned();
            if let Some(account) = variable("AZURE_STORAGE_ACCOUNT").or(field("AccountName")) {
                builder = builder.with_account(account);
            }
            if let Some(key) = variable("AZURE_STORAGE_KEY").or(field("AccountKey")) {
                builder = builder.with_access_key(key);
            }
            if let Some(endpoint) = field("BlobEndpoint") {
                let is_plain = endpoint.starts_with("http://");
                builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned()).with_allow_http(is_plain);
            }
            builder.build().map(|store| Arc::new(store) as _)
        }
    };
    built.map_err(|cause| failed("reaching", address, &cause))
}

/// The fields of `AccountName=…;AccountKey=…`.
fn connection(text: &str) -> BTreeMap<String, String> {
    let fields = text.split(';').filter_map(|field| field.split_once('='));
    fields.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

/// What the file of credentials of Amazon's tools says under the profile that is meant; `None` where there is neither.
fn profile() -> Result<Option<BTreeMap<String, String>>> {
    let home = || variable("HOME").map(|home| PathBuf::from(home).join(".aws/credentials"));
    let Some(path) = variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from).or_else(home) else { return Ok(None) };
    let wanted = variable("AWS_PROFILE");
    let name = wanted.clone().unwrap_or_else(|| "default".to_owned());
    let found = std::fs::read_to_string(&path).ok().and_then(|text| section(&text, &name));
    match (found, wanted) {
        (Some(found), _) => Ok(Some(found)),
        (None, None) => Ok(None),
        (None, Some(name)) => {
            Err(Error::unreachable(format!("{} has no profile {name}, which AWS_PROFILE asks for", path.display())))
        }
    }
}

/// The settings under `[name]`.
fn section(text: &str, name: &str) -> Option<BTreeMap<String, String>> {
    let head = |line: &str| line.trim().strip_prefix('[')?.strip_suffix(']').map(|name| name.trim().to_owned());
    let mut lines = text.lines().skip_while(|line| head(line).as_deref() != Some(name));
    lines.next()?;
    let settings = lines.take_while(|line| head(line).is_none()).filter_map(|line| line.split_once('='));
    Some(settings.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned())).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn profiles_are_found_in_the_file_of_credentials() {
        let text =
            "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=b=c\n\n[ other ]\nAWS_ACCESS_KEY_ID=B\n";
        let default = section(text, "default").unwrap();
        assert_eq!((&*default["aws_access_key_id"], &*default["aws_secret_access_key"]), ("A", "b=c"));
        assert_eq!(section(text, "other").unwrap()["aws_access_key_id"], "B");
        assert_eq!(section(text, "none"), None);
    }

    #[test]
    fn a_connection_string_is_taken_apart() {
        let said = connection(
            "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=Zm9v==;BlobEndpoint=http://127.0.0.1:1/a;",
        );
        assert_eq!((&*said["AccountKey"], &*said["BlobEndpoint"]), ("Zm9v==", "http://127.0.0.1:1/a"));
    }
}
