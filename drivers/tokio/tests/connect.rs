//! How a client connects: TLS, a proxy, and what goes wrong.
#![cfg(feature = "tokio")]

use sansws_tokio::sansws::handshake::Request;
use sansws_tokio::sansws::timers::TimersConfig;
use sansws_tokio::sansws::{ClientRequest, Config};
use sansws_tokio::{Answer, CloseCode, Connector, Error, Message, accept, accept_with, client, connect};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Answers one message over any transport.
async fn echo_once<T>(io: T) -> Result<(), Error>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut socket = accept(io).await?;
    while let Some((message, tx)) = socket.recv_with_sender().await? {
        tx.message(message)?;
    }
    Ok(())
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A proxy that answers one CONNECT with `answer`, and then forwards. Returns the head of the request.
fn proxy(listener: TcpListener, answer: &'static str) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut near = listener.accept().await.unwrap().0;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(near.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        near.write_all(answer.as_bytes()).await.unwrap();
        if answer.contains(" 200 ") {
            let target = head.split(' ').nth(1).unwrap();
            let mut far = TcpStream::connect(target).await.unwrap();
            let _ = copy_bidirectional(&mut near, &mut far).await;
        }
        head
    })
}

// WS-4.1-11
#[tokio::test]
async fn a_client_connects_through_a_proxy() {
    let (listener, port) = listen().await;
    let (proxy_listener, proxy_port) = listen().await;
    let tunnel = proxy(proxy_listener, "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n");
    let serving = tokio::spawn(async move { echo_once(listener.accept().await.unwrap().0).await });
    let uri = format!("ws://127.0.0.1:{port}/");
    let connector = Connector::new().proxy(format!("http://Aladdin:open%20sesame@127.0.0.1:{proxy_port}/"));
    let mut socket = connector.connect(&ClientRequest::new(&uri).unwrap()).await.unwrap();
    socket.send("through the tunnel").await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("through the tunnel")));
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    serving.await.unwrap().unwrap();
    drop(socket);
    let head = tunnel.await.unwrap();
    // RFC 9110 section 9.3.6 and RFC 7617 section 2, whose example this is.
    assert_eq!(
        head,
        format!(
            "CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
             Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
        )
    );
}

/// An IPv6 address has brackets in the target of CONNECT (RFC 9110 section 9.3.6, RFC 3986 section 3.2.2).
#[tokio::test]
async fn a_proxy_gets_an_ipv6_address_in_brackets() {
    for (uri, target) in [
        ("ws://[::1]:9000/", "[::1]:9000"),
        ("ws://[2001:db8::7]/", "[2001:db8::7]:80"),
        ("ws://server.example/", "server.example:80"),
    ] {
        let (listener, port) = listen().await;
        let tunnel = proxy(listener, "HTTP/1.1 403 Forbidden\r\n\r\n");
        let connector = Connector::new().proxy(format!("http://127.0.0.1:{port}"));
        connector.connect(&ClientRequest::new(uri).unwrap()).await.unwrap_err();
        let head = tunnel.await.unwrap();
        assert_eq!(head, format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"));
    }
}

// WS-4.1-14
#[tokio::test]
async fn a_proxy_that_refuses_is_an_error_with_its_status() {
    for (answer, kind) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", ErrorKind::ConnectionRefused),
        ("SSH-2.0-OpenSSH\r\n\r\n", ErrorKind::InvalidData),
        ("", ErrorKind::UnexpectedEof),
    ] {
        let (listener, port) = listen().await;
        let tunnel = proxy(listener, answer);
        let connector = Connector::new().proxy(format!("http://127.0.0.1:{port}"));
        let error = connector.connect(&ClientRequest::new("ws://example/").unwrap()).await.unwrap_err();
        assert!(matches!(&error, Error::Io(error) if error.kind() == kind), "{error:?}");
        assert!(error.to_string().contains("proxy"), "{error}");
        tunnel.await.unwrap();
    }
}

/// A URL that is not valid is an error before any connection is made.
#[tokio::test]
async fn the_url_of_a_proxy_is_checked() {
    let (listener, port) = listen().await;
    for url in [
        format!("socks5://127.0.0.1:{port}"),
        format!("127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/path"),
        format!("http://a%zz@127.0.0.1:{port}"),
        format!("http://a%+1@127.0.0.1:{port}"),
        format!("http://a%4@127.0.0.1:{port}"),
    ] {
        let connector = Connector::new().proxy(&*url).connect_timeout(Duration::from_secs(5));
        let error = connector.connect(&ClientRequest::new("ws://example/").unwrap()).await.unwrap_err();
        let is_invalid = |error: &std::io::Error| error.kind() == ErrorKind::InvalidInput;
        assert!(matches!(&error, Error::Io(error) if is_invalid(error)), "{url}: {error:?}");
    }
    drop(listener);
}

// WS-4.1-14
#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let (listener, port) = listen().await;
    drop(listener);
    let error = connect(&format!("ws://127.0.0.1:{port}/")).await.unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused), "{error:?}");
    assert!(matches!(connect("http://example/").await.unwrap_err(), Error::Uri(_)));
}

/// A server that gives each connection the next of these answers, and echoes if there is none left.
fn answering(listener: TcpListener, answers: Vec<String>) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let mut stream = listener.accept().await.unwrap().0;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            requests.push(String::from_utf8(head).unwrap().lines().next().unwrap().to_owned());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        let _ = echo_once(listener.accept().await.unwrap().0).await;
        requests
    })
}

#[tokio::test]
async fn a_refusal_shows_the_answer_of_the_server() {
    let (listener, port) = listen().await;
    let answer =
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 4\r\n\r\nwho?";
    let _serving = answering(listener, vec![answer.to_owned()]);
    let error = connect(&format!("ws://127.0.0.1:{port}/")).await.unwrap_err();
    let Error::Refused(refusal) = &error else { panic!("{error:?}") };
    assert_eq!((refusal.status(), refusal.body()), (401, &b"who?"[..]));
    assert_eq!(refusal.header("www-authenticate"), Some("Basic realm=x"));
    assert_eq!(refusal.headers().count(), 2);
    // Logs do not show what can be secret.
    assert!(!format!("{error:?}").contains("realm") && error.to_string().contains("401"), "{error:?}");
}

// WS-4.1-67
/// A server may also end the body of its answer with the transport. The client learns the same then, and
/// follows a redirect.
#[tokio::test]
async fn a_refusal_that_ends_with_the_transport_shows_the_answer_of_the_server() {
    let (listener, port) = listen().await;
    let refusal = "HTTP/1.1 400 Bad Request\r\nX-Reason: mood\r\n\r\nnot today";
    let redirect = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /b\r\n\r\n";
    let serving = answering(listener, [refusal, redirect].map(str::to_owned).to_vec());
    let uri = format!("ws://127.0.0.1:{port}/a");
    let error = connect(&uri).await.unwrap_err();
    let Error::Refused(refusal) = &error else { panic!("{error:?}") };
    assert_eq!((refusal.status(), refusal.body()), (400, &b"not today"[..]));
    assert_eq!(refusal.header("x-reason"), Some("mood"));
    let request = ClientRequest::new(&uri).unwrap();
    let mut socket = Connector::new().max_redirects(1).connect(&request).await.unwrap();
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    assert_eq!(serving.await.unwrap(), ["GET /a HTTP/1.1", "GET /a HTTP/1.1"]);
}

/// The opening handshake of a server that sets a cookie.
#[tokio::test]
async fn the_answer_of_a_server_that_accepts_shows_its_headers() {
    let (listener, port) = listen().await;
    let serving = tokio::spawn(async move {
        let stream = listener.accept().await.unwrap().0;
        let decide =
            async |_: &Request<'_>| Answer::accept().header("Set-Cookie", "a=1").header("X-Two", "2");
        accept_with(stream, Config::new(), TimersConfig::new(), decide).await
    });
    let uri = format!("ws://127.0.0.1:{port}/");
    let request = ClientRequest::new(&uri).unwrap();
    let (socket, response) = Connector::new().connect_with_response(&request).await.unwrap();
    assert_eq!((response.status(), response.body()), (101, &b""[..]));
    assert_eq!((response.header("set-cookie"), response.header("X-Two")), (Some("a=1"), Some("2")));
    assert!(!format!("{response:?}").contains("a=1"), "logs do not show what can be secret");
    drop((socket, serving.await.unwrap().unwrap()));
}

// WS-4.1-50
#[tokio::test]
async fn redirects_are_followed_only_if_asked_and_only_to_the_same_server() {
    let redirect = |location: &str| {
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
    };
    let (listener, port) = listen().await;
    let answers = vec![redirect("../b?x=1#fragment"), redirect(&format!("http://127.0.0.1:{port}/c"))];
    let serving = answering(listener, answers);
    let uri = format!("ws://127.0.0.1:{port}/a/");
    let request = ClientRequest::new(&uri).unwrap();
    let mut socket = Connector::new().max_redirects(2).connect(&request).await.unwrap();
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    assert_eq!(serving.await.unwrap(), ["GET /a/ HTTP/1.1", "GET /b?x=1 HTTP/1.1"]);

    let (_other, other_port) = listen().await;
    let other_port = format!("http://127.0.0.1:{other_port}/");
    for (location, max) in [
        ("/b", 0),
        ("http://localhost/", 5),
        ("https://other.example/", 5),
        (&*other_port, 5),
        // No WebSocket URIs.
        ("mailto:admin@127.0.0.1", 5),
        ("/sign in", 5),
        ("http://user@127.0.0.1/", 5),
    ] {
        let (listener, port) = listen().await;
        let _serving = answering(listener, vec![redirect(location)]);
        let uri = format!("ws://127.0.0.1:{port}/");
        let request = ClientRequest::new(&uri).unwrap();
        let error = Connector::new().max_redirects(max).connect(&request).await.unwrap_err();
        assert!(matches!(&error, Error::Refused(refusal) if refusal.status() == 307), "{error:?}");
    }
    // A circle ends.
    let (listener, port) = listen().await;
    let _serving = answering(listener, vec![redirect("/"); 4]);
    let uri = format!("ws://127.0.0.1:{port}/");
    let error =
        Connector::new().max_redirects(3).connect(&ClientRequest::new(&uri).unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
}

/// A listener that never takes the connection over: TCP connects, and TLS never begins.
#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_server_that_never_speaks_tls_is_given_up() {
    let (_listener, port) = listen().await;
    let uri = format!("wss://127.0.0.1:{port}/");
    let connector = Connector::new().connect_timeout(Duration::from_millis(100)).tls(trusting(&[]));
    let error = connector.connect(&ClientRequest::new(&uri).unwrap()).await.unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::TimedOut), "{error:?}");
}

#[cfg(not(feature = "rustls"))]
#[tokio::test]
async fn without_its_feature_tls_is_an_error_that_says_so() {
    let (_listener, port) = listen().await;
    let uri = format!("wss://127.0.0.1:{port}/");
    let connector = Connector::new().connect_timeout(Duration::from_secs(10));
    let error = connector.connect(&ClientRequest::new(&uri).unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("feature `rustls`"), "{error}");
}

#[cfg(feature = "rustls")]
use sansws_tokio::rustls;
#[cfg(feature = "rustls")]
use std::sync::Arc;

#[cfg(feature = "rustls")]
fn trusting(certificates: &[rustls::pki_types::CertificateDer<'static>]) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).unwrap();
    }
    Arc::new(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

// WS-4.1-15 · WS-4.1-16 · WS-4.1-17
#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_client_speaks_tls_and_checks_the_certificate() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = own.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let (listener, port) = listen().await;
    let serving = tokio::spawn(async move {
        let refused = acceptor.accept(listener.accept().await.unwrap().0).await;
        assert!(refused.is_err());
        let stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        echo_once(stream).await
    });
    let uri = format!("wss://localhost:{port}/");
    let request = ClientRequest::new(&uri).unwrap();
    // A certificate that no one vouches for.
    let error = Connector::new().tls(trusting(&[])).connect(&request).await.unwrap_err();
    assert!(matches!(error, Error::Io(_)), "{error:?}");

    let mut socket = Connector::new().tls(trusting(&[certificate])).connect(&request).await.unwrap();
    for size in [1, 1000, 300_000] {
        let bytes = vec![1; size];
        socket.send(&bytes[..]).await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some(Message::Binary(&bytes)));
    }
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    serving.await.unwrap().unwrap();
}

/// RFC 7617 section 2: the credentials are the name, a colon and the password, which may be empty.
#[tokio::test]
async fn a_proxy_gets_a_colon_behind_a_name_without_a_password() {
    for (credentials, sent) in [("Aladdin", "QWxhZGRpbjo="), ("Aladdin:", "QWxhZGRpbjo=")] {
        let (listener, port) = listen().await;
        let tunnel = proxy(listener, "HTTP/1.1 403 Forbidden\r\n\r\n");
        let connector = Connector::new().proxy(format!("http://{credentials}@127.0.0.1:{port}"));
        connector.connect(&ClientRequest::new("ws://example/").unwrap()).await.unwrap_err();
        let head = tunnel.await.unwrap();
        assert!(head.contains(&format!("\r\nProxy-Authorization: Basic {sent}\r\n")), "{head}");
    }
}

/// RFC 9110 section 15.2: a client parses answers with 1xx, even if it does not expect them.
#[tokio::test]
async fn a_proxy_may_send_interim_answers() {
    let (listener, port) = listen().await;
    let answer =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 407 No\r\n\r\n";
    let tunnel = proxy(listener, answer);
    let connector = Connector::new().proxy(format!("http://127.0.0.1:{port}"));
    let error = connector.connect(&ClientRequest::new("ws://example/").unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("407"), "{error}");
    tunnel.await.unwrap();
    // Interim answers without end are too long.
    let (listener, port) = listen().await;
    let _tunnel = proxy(listener, Box::leak("HTTP/1.1 102 Processing\r\n\r\n".repeat(1000).into_boxed_str()));
    let connector = Connector::new().proxy(format!("http://127.0.0.1:{port}"));
    let error = connector.connect(&ClientRequest::new("ws://example/").unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}

/// A port that is not valid is not part of a name that the system looks up.
#[tokio::test]
async fn the_port_of_a_proxy_is_checked() {
    for address in ["127.0.0.1:65536", "127.0.0.1:http", "127.0.0.1:+80", "[::1]:99999", "[::1", "", ":80"] {
        let connector = Connector::new().proxy(format!("http://{address}"));
        let error = connector.connect(&ClientRequest::new("ws://example/").unwrap()).await.unwrap_err();
        let is_invalid = |error: &std::io::Error| error.kind() == ErrorKind::InvalidInput;
        assert!(matches!(&error, Error::Io(error) if is_invalid(error)), "{address}: {error:?}");
    }
}

/// The body of a refusal is not worth more than its status: a reset or a deadline may cut it.
#[tokio::test(start_paused = true)]
async fn a_refusal_whose_body_is_cut_is_still_a_refusal() {
    struct Reset;
    impl tokio::io::AsyncRead for Reset {
        fn poll_read(
            self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>, _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Err(ErrorKind::ConnectionReset.into()))
        }
    }
    let refusal = &b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nbegin"[..];
    let request = ClientRequest::new("ws://example/").unwrap();
    let reset = tokio::io::join(refusal.chain(Reset), tokio::io::sink());
    let (waiting, _peer) = tokio::io::duplex(10);
    let silent = tokio::io::join(refusal.chain(waiting), tokio::io::sink());
    let errors = [
        client(reset, &request, Config::new(), TimersConfig::new()).await.unwrap_err(),
        client(silent, &request, Config::new(), TimersConfig::new()).await.unwrap_err(),
    ];
    for error in errors {
        let Error::Refused(refusal) = error else { panic!("{error:?}") };
        assert_eq!((refusal.status(), refusal.body()), (403, &b"begin"[..]));
    }
}
