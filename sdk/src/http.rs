//! The SDK's requests over hyper, HTTP/1.1 alone.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

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
/// A first request follows a start at once, unless the environment was started in advance and has waited, frozen. By
/// then the other side may have hung up: S3 is said to wait for 5 s.
const FRESH: Duration = Duration::from_secs(3);

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
    opened: Arc<Mutex<Option<Opened>>>,
}

struct Opened {
    authority: Authority,
    stream: Stream,
    /// By the wall's clock: the other one may stand still in what is frozen.
    at: SystemTime,
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
        // The connector's own time-out ends with TCP; a start must not wait for a handshake that never comes.
        if let Ok(Ok(stream)) = tokio::time::timeout(CONNECT_TIMEOUT, connector.call(uri)).await {
            let opened = Opened { authority, stream, at: SystemTime::now() };
            *self.ahead.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
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
        match opened.take_if(|opened| Some(&opened.authority) == uri.authority()) {
            Some(opened) if opened.at.elapsed().is_ok_and(|age| age < FRESH) => {
                Box::pin(std::future::ready(Ok(opened.stream)))
            }
            _ => Box::pin(self.connector.call(uri)),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// Longer than anything here takes.
    const PATIENCE: Duration = Duration::from_secs(5);

    async fn server() -> (TcpListener, String, Http) {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", server.local_addr().unwrap());
        (server, url, Http::new(crate::tls().unwrap()))
    }

    /// The status of the answer.
    async fn ask(http: &Http, url: &str) -> u16 {
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(url).unwrap();
        tokio::time::timeout(PATIENCE, http.call(request)).await.unwrap().unwrap().status().as_u16()
    }

    async fn answer(mut connection: TcpStream) {
        let mut head = [0; 1_024];
        assert!(connection.read(&mut head).await.unwrap() > 0);
        connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    }

    #[tokio::test]
    async fn the_first_request_takes_the_connection_that_was_opened_for_it() {
        let (server, url, http) = server().await;
        http.open(&url).await;
        // No other connection is accepted.
        tokio::spawn(async move { answer(server.accept().await.unwrap().0).await });
        assert_eq!(ask(&http, &url).await, 204);
    }

    #[tokio::test]
    async fn a_start_does_not_wait_for_a_handshake_that_never_comes() {
        let (_server, url, http) = server().await;
        tokio::time::timeout(PATIENCE, http.open(&url.replace("http:", "https:"))).await.unwrap();
        assert!(http.ahead.opened.lock().unwrap().is_none());
    }

    #[tokio::test]
    async fn a_connection_that_waited_long_is_not_trusted() {
        let (server, url, http) = server().await;
        http.open(&url).await;
        http.ahead.opened.lock().unwrap().as_mut().unwrap().at -= FRESH;
        tokio::spawn(async move {
            // The other side has hung up meanwhile, as services do.
            drop(server.accept().await.unwrap());
            answer(server.accept().await.unwrap().0).await;
        });
        assert_eq!(ask(&http, &url).await, 204);
    }
}
