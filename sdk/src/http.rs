//! The SDK's requests over hyper, HTTP/1.1 alone.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper::Uri;
use hyper::http::uri::Authority;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::rt::TokioExecutor;
use tower_service::Service;

/// Within a region a connection takes milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

type BoxError = Box<dyn Error + Send + Sync>;
type Connector = HttpsConnector<TcpConnector>;
type Stream = <Connector as Service<Uri>>::Response;

/// One per process, for all services; its connections live as long as it.
#[derive(Clone)]
pub struct Http {
    client: Client<Ahead, SdkBody>,
    ahead: Ahead,
}

/// Connects, or gives away the connection that was opened ahead.
#[derive(Clone)]
struct Ahead {
    connector: Connector,
    opened: Arc<Mutex<Option<(Authority, Stream)>>>,
}

impl Http {
    pub fn new(tls: rustls::ClientConfig) -> Self {
        let mut tcp = TcpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let ahead = Ahead { connector: connector.wrap_connector(tcp), opened: Arc::default() };
        Self { client: Client::builder(TokioExecutor::new()).build(ahead.clone()), ahead }
    }

    /// Opens the connection that the first request to `url`'s host will take: during its start a function has a whole
    /// core, in a request of a small one a handshake waits for slices of one. A failure is left to that request.
    pub async fn open(&self, url: &str) {
        let Ok(uri) = url.parse::<Uri>() else { return };
        let Some(authority) = uri.authority().cloned() else { return };
        let mut connector = self.ahead.connector.clone();
        if std::future::poll_fn(|context| connector.poll_ready(context)).await.is_err() {
            return;
        }
        if let Ok(stream) = connector.call(uri).await {
            *self.ahead.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some((authority, stream));
        }
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl HttpClient for Http {
    /// The time-outs of the settings are the SDK's own, around each attempt.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let sent = self.client.request(request);
        HttpConnectorFuture::new(async move {
            let response = sent.await.map_err(|error| ConnectorError::io(error.into()))?;
            let response = HttpResponse::try_from(response.map(SdkBody::from_body_1_x));
            response.map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

impl Service<Uri> for Ahead {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        match opened.take_if(|(authority, _)| Some(&*authority) == uri.authority()) {
            Some((_, stream)) => Box::pin(std::future::ready(Ok(stream))),
            None => Box::pin(self.connector.call(uri)),
        }
    }
}
