//! The home pages of all sites: what `index.php` prints, or 500 if PHP fails.

use std::{io, net::Ipv4Addr, path::PathBuf};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

pub(super) async fn listen(homes: PathBuf) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let homes = homes.clone();
            tokio::spawn(async move {
                let _ = answer(stream, homes).await;
            });
        }
    });
    Ok(port)
}

async fn answer(mut stream: TcpStream, homes: PathBuf) -> io::Result<()> {
    let mut head = [0; 4096];
    let mut used = 0;
    while !head[..used].windows(4).any(|end| end == b"\r\n\r\n") && used < head.len() {
        let read = stream.read(&mut head[used..]).await?;
        if read == 0 {
            return Ok(());
        }
        used += read;
    }
    // The first part of the path is the name of the install.
    let head = String::from_utf8_lossy(&head[..used]).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let install = path.split('/').nth(1).unwrap_or_default();
    let site = homes.join(install).join("sites").join(install);
    let php = tokio::process::Command::new("php")
        .arg(site.join("index.php"))
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let (status, body) = match php.status.success() {
        true => ("200 OK", php.stdout),
        false => (
            "500 Internal Server Error",
            b"There has been a critical error on this website.\n".to_vec(),
        ),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}
