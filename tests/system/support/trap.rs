//! A server that must receive no request, and one that never answers.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// Listens on a free port and records what it receives. Its response makes no client send another request.
pub(crate) struct Trap {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    task: AbortHandle,
}

impl Trap {
    /// Creates a server that answers every request with an empty page.
    pub(crate) async fn set() -> Self {
        Self::listening(Some(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 46\r\nconnection: close\r\n\r\n\
             {\"results\":[],\"next\":null,\"previous\":null}    ",
        ))
        .await
    }

    /// Creates a server that accepts connections and never answers.
    pub(crate) async fn silent() -> Self {
        Self::listening(None).await
    }

    async fn listening(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                match answer {
                    Some(answer) => {
                        let mut request = [0; 4096];
                        let read = stream.read(&mut request).await.unwrap_or(0);
                        let text = String::from_utf8_lossy(&request[..read]).into_owned();
                        ears.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(text);
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                    None => silent.push(stream),
                }
            }
        });
        Self {
            port,
            heard,
            task: task.abort_handle(),
        }
    }

    /// Returns the host and the port.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Returns the text of each connection so far. The method opens a connection itself, which is left out of the
    /// result. Connections are accepted in order, so all earlier ones are included.
    pub(crate) async fn heard(&self) -> Vec<String> {
        const KNOCK: &str = "GET /knock HTTP/1.1\r\n\r\n";
        let mut stream = TcpStream::connect(self.address())
            .await
            .expect("a connection");
        stream.write_all(KNOCK.as_bytes()).await.expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard
            .iter()
            .filter(|text| *text != KNOCK)
            .cloned()
            .collect()
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.task.abort();
    }
}
