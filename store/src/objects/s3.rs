//! Objects in a bucket, through the S3 protocol. The only file that names the SDK.

use super::{Body, Error, Head, ObjectKey, Presigned, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, MetadataDirective};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use std::fmt::{self, Write as _};
use std::io;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::io::ReaderStream;

/// Size of the first parts of a multipart upload, in bytes; S3's lower bound is 5 MiB.
const PART_BYTES: usize = 8 << 20;

/// After this many parts they double in size, so that S3's bound of 10,000 parts is met at 5 TiB, its bound on objects.
const PARTS_PER_SIZE: i32 = 1000;

/// Bytes handed on at a time when reading.
const READ_BYTES: usize = 128 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest wait for the first byte of an answer, or between two reads.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest wait for a copy within the storage: minutes for gigabytes where it is slow.
const COPY_TIMEOUT: Duration = Duration::from_secs(600);

/// How to reach a bucket.
#[derive(Clone)]
pub struct S3Config {
    /// Address of the service, e.g. `https://ACCOUNT.r2.cloudflarestorage.com`. `None`: AWS itself.
    pub endpoint: Option<String>,
    /// Name of the bucket; it must exist.
    pub bucket: String,
    /// Region; `auto` for R2.
    pub region: String,
    /// Id of the access key.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: String,
    /// Name the bucket in the path and not in the host name; what most services beside AWS want.
    pub path_style: bool,
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the secret: configurations end up in logs.
        f.debug_struct("S3Config")
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("access_key_id", &self.access_key_id)
            .field("path_style", &self.path_style)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone)]
pub(super) struct S3 {
    client: Client,
    bucket: String,
}

impl S3 {
    pub(super) fn new(config: &S3Config) -> Self {
        let credentials =
            Credentials::new(&config.access_key_id, &config.secret_access_key, None, None, "configuration");
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
        let mut builder = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(config.region.clone()))
            .credentials_provider(credentials)
            .force_path_style(config.path_style)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard())
            // R2 and others do not know the SDK's newer checksums; TLS and our own SHA-256 stand in.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        builder.set_endpoint_url(config.endpoint.clone());
        Self { client: Client::from_conf(builder.build()), bucket: config.bucket.clone() }
    }

    pub(super) async fn put(
        &self,
        key: &ObjectKey,
        content_type: &str,
        stream: impl Stream<Item = io::Result<Bytes>> + Send + Unpin,
    ) -> Result<()> {
        let mut parts = Parts::new(stream);
        let first = parts.next(PART_BYTES).await?;
        if parts.ended {
            return self.put_whole(key, content_type, first).await;
        }
        let mut upload = Upload::begin(self, key, content_type).await?;
        let sent = upload.send(first, parts).await;
        if sent.is_err() {
            // Awaited here, not left to the drop: the runtime may end right after us.
            upload.abort().await;
        }
        sent
    }

    async fn put_whole(&self, key: &ObjectKey, content_type: &str, body: Bytes) -> Result<()> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key.as_str())
            .content_type(content_type)
            .body(ByteStream::from(body))
            .send()
            .await
            .map_err(|error| failure(key.as_str(), error))?;
        Ok(())
    }

    pub(super) async fn copy(&self, from: &ObjectKey, to: &ObjectKey, content_type: &str) -> Result<()> {
        // The answer begins when the copy is done.
        let patient = TimeoutConfig::builder().read_timeout(COPY_TIMEOUT).build();
        self.client
            .copy_object()
            .bucket(&self.bucket)
            .key(to.as_str())
            .copy_source(escape(&format!("{}/{from}", self.bucket)))
            .metadata_directive(MetadataDirective::Replace)
            .content_type(content_type)
            .customize()
            .config_override(aws_sdk_s3::Config::builder().timeout_config(patient))
            .send()
            .await
            .map_err(|error| failure(from.as_str(), error))?;
        Ok(())
    }

    pub(super) async fn get(&self, key: &ObjectKey, range: Option<(u64, u64)>) -> Result<Body> {
        if let Some((first, last)) = range
            && first > last
        {
            return Err(Error::RangeNotSatisfiable { size_bytes: self.head(key).await?.size_bytes });
        }
        let header = range.map(|(first, last)| format!("bytes={first}-{last}"));
        let request = self.client.get_object().bucket(&self.bucket).key(key.as_str()).set_range(header);
        let answer = match request.send().await {
            Err(error) if status(&error) == Some(416) => {
                return Err(Error::RangeNotSatisfiable { size_bytes: self.head(key).await?.size_bytes });
            }
            other => other.map_err(|error| failure(key.as_str(), error))?,
        };
        let length = length(key, answer.content_length())?;
        // `bytes 0-99/1234`: the whole size stands behind the slash.
        let whole = answer.content_range().and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        let offset = range.map_or(0, |(first, _)| first);
        let content_type = answer.content_type().map(str::to_owned);
        let stream = ReaderStream::with_capacity(answer.body.into_async_read(), READ_BYTES);
        let stream = super::exactly(stream, length).boxed();
        Ok(Body { size_bytes: whole.unwrap_or(length), offset, length, content_type, stream })
    }

    pub(super) async fn head(&self, key: &ObjectKey) -> Result<Head> {
        let answer = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(key.as_str())
            .send()
            .await
            .map_err(|error| failure(key.as_str(), error))?;
        Ok(Head {
            size_bytes: length(key, answer.content_length())?,
            content_type: answer.content_type().map(str::to_owned),
            etag: answer.e_tag().map(str::to_owned),
        })
    }

    pub(super) async fn delete(&self, key: &ObjectKey) -> Result<()> {
        let answer = self.client.delete_object().bucket(&self.bucket).key(key.as_str()).send().await;
        match answer.map_err(|error| failure(key.as_str(), error)) {
            // S3 answers 204 for what is not there; others answer 404.
            Err(Error::NotFound { .. }) | Ok(_) => {}
            Err(error) => return Err(error),
        }
        self.abort_uploads(key).await
    }

    /// Aborts the unfinished uploads under a key: their parts are in no listing of objects, and cost.
    async fn abort_uploads(&self, key: &ObjectKey) -> Result<()> {
        let listing = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(key.as_str());
        let listed = match listing.send().await {
            // Not every service has this, and not every key is allowed it.
            Err(error) if matches!(status(&error), Some(400..=499 | 501)) => {
                let error = failure(key.as_str(), error);
                tracing::debug!(%key, %error, "could not list unfinished uploads");
                return Ok(());
            }
            other => other.map_err(|error| failure(key.as_str(), error))?,
        };
        let ours = listed.uploads().iter().filter(|upload| upload.key() == Some(key.as_str()));
        for id in ours.filter_map(|upload| upload.upload_id()) {
            match self.abort_upload(key, id).await {
                Err(Error::NotFound { .. }) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn abort_upload(&self, key: &ObjectKey, id: &str) -> Result<()> {
        let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(key.as_str()).upload_id(id);
        abort.send().await.map_err(|error| failure(key.as_str(), error))?;
        Ok(())
    }

    pub(super) async fn probe(&self) -> Result<()> {
        let answer = self.client.head_bucket().bucket(&self.bucket).send().await;
        answer.map_err(|error| failure(&self.bucket, error))?;
        Ok(())
    }

    pub(super) async fn presign_put(
        &self,
        key: &ObjectKey,
        content_type: &str,
        size_bytes: u64,
        expires: Duration,
    ) -> Result<Presigned> {
        let window = PresigningConfig::expires_in(expires).map_err(|error| Error::transient(key, error))?;
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key.as_str())
            .content_type(content_type)
            .content_length(i64::try_from(size_bytes).unwrap_or(i64::MAX))
            .presigned(window)
            .await
            .map_err(|error| failure(key.as_str(), error))?;
        let headers = request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Presigned { method: "PUT", url: request.uri().to_owned(), headers })
    }
}

/// A multipart upload under way. Dropped before it is complete it is aborted, so that no parts stay behind and cost.
struct Upload<'a> {
    s3: &'a S3,
    key: &'a ObjectKey,
    id: Option<String>,
    /// The part on its way, in a task of its own: an upload aborted before its last part arrives keeps that part.
    sending: Option<JoinHandle<Result<CompletedPart>>>,
}

impl<'a> Upload<'a> {
    async fn begin(s3: &'a S3, key: &'a ObjectKey, content_type: &str) -> Result<Self> {
        let answer = s3
            .client
            .create_multipart_upload()
            .bucket(&s3.bucket)
            .key(key.as_str())
            .content_type(content_type)
            .send()
            .await
            .map_err(|error| failure(key.as_str(), error))?;
        let id = answer.upload_id().map(str::to_owned);
        if id.is_none() {
            return Err(Error::transient(key, "the storage gave no upload id"));
        }
        Ok(Self { s3, key, id, sending: None })
    }

    async fn part(&mut self, number: i32, body: Bytes) -> Result<CompletedPart> {
        let request = self
            .s3
            .client
            .upload_part()
            .bucket(&self.s3.bucket)
            .key(self.key.as_str())
            .set_upload_id(self.id.clone())
            .part_number(number)
            .body(ByteStream::from(body));
        let key = self.key.clone();
        let sending = async move {
            let answer = request.send().await.map_err(|error| failure(key.as_str(), error))?;
            let tag = answer.e_tag().map(str::to_owned);
            Ok(CompletedPart::builder().part_number(number).set_e_tag(tag).build())
        };
        let sent = self.sending.insert(tokio::spawn(sending)).await;
        self.sending = None;
        sent.map_err(|error| Error::transient(self.key, error))?
    }

    /// Sends a stream part by part, the first of which is read already.
    async fn send(
        &mut self,
        first: Bytes,
        mut parts: Parts<impl Stream<Item = io::Result<Bytes>> + Unpin>,
    ) -> Result<()> {
        let mut done = vec![self.part(1, first).await?];
        for number in 2.. {
            let doublings = u32::try_from((number - 1) / PARTS_PER_SIZE).unwrap_or(0);
            let part = parts.next(PART_BYTES << doublings.min(9)).await?;
            if !part.is_empty() {
                done.push(self.part(number, part).await?);
            }
            if parts.ended {
                break;
            }
        }
        self.complete(done).await
    }

    async fn complete(&mut self, parts: Vec<CompletedPart>) -> Result<()> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        self.s3
            .client
            .complete_multipart_upload()
            .bucket(&self.s3.bucket)
            .key(self.key.as_str())
            .set_upload_id(self.id.clone())
            .multipart_upload(parts)
            .send()
            .await
            .map_err(|error| failure(self.key.as_str(), error))?;
        self.id = None;
        Ok(())
    }

    async fn abort(mut self) {
        let Some(id) = self.id.take() else { return };
        if let Err(error) = self.s3.abort_upload(self.key, &id).await {
            unaborted(self.key, &error);
        }
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current()) else { return };
        let (s3, key, sending) = (self.s3.clone(), self.key.clone(), self.sending.take());
        runtime.spawn(async move {
            if let Some(part) = sending {
                // Whether it arrived or failed, nothing follows it.
                let _ = part.await;
            }
            if let Err(error) = s3.abort_upload(&key, &id).await {
                unaborted(&key, &error);
            }
        });
    }
}

fn unaborted(key: &ObjectKey, error: &Error) {
    tracing::warn!(%key, %error, "could not abort an upload; its parts stay until the object is deleted");
}

/// Cuts a stream into parts of a size.
struct Parts<S> {
    stream: S,
    left: Bytes,
    ended: bool,
}

impl<S: Stream<Item = io::Result<Bytes>> + Unpin> Parts<S> {
    fn new(stream: S) -> Self {
        Self { stream, left: Bytes::new(), ended: false }
    }

    /// The next `size` bytes; fewer when the stream ends, which `ended` then says.
    async fn next(&mut self, size: usize) -> Result<Bytes> {
        let mut part = BytesMut::new();
        while part.len() < size {
            if self.left.is_empty() {
                match self.stream.next().await {
                    Some(bytes) => self.left = bytes.map_err(Error::Source)?,
                    None => {
                        self.ended = true;
                        break;
                    }
                }
            }
            let take = self.left.len().min(size - part.len());
            part.extend_from_slice(&self.left.split_to(take));
        }
        Ok(part.freeze())
    }
}

/// Bucket and key as the header `x-amz-copy-source` wants them: escaped, but for slashes.
fn escape(path: &str) -> String {
    path.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}"); // writing to a String cannot fail
        }
        escaped
    })
}

fn length(key: &ObjectKey, given: Option<i64>) -> Result<u64> {
    given
        .and_then(|length| u64::try_from(length).ok())
        .ok_or_else(|| Error::transient(key, "the storage gave no length"))
}

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

fn failure<E>(what: &str, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let what = what.to_owned();
    match (error.code(), status(&error)) {
        // A missing bucket is no missing object: nothing in it would ever be found, until someone makes it.
        (Some("NoSuchBucket"), _) => Error::Denied { what, source: error.into() },
        (Some("NoSuchKey" | "NotFound"), _) | (_, Some(404)) => Error::NotFound { key: what },
        (_, Some(401 | 403)) => Error::Denied { what, source: error.into() },
        _ => Error::Transient { what, source: error.into() },
    }
}
