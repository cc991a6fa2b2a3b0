//! What `wss` needs besides the crate `embedded-tls`.
//!
//! A future of a TLS connection must not be dropped in the middle of a record. So the TLS connection runs
//! behind a [`Bridge`](crate::Bridge), and a [`Shared`] transport below lets it read and write at the same
//! time. This is a whole client:
//!
//! ```
//! use core::cell::RefCell;
//! use embassy_futures::join::join;
//! use embedded_tls::{CryptoProvider, TlsConfig, TlsConnection, TlsContext, TlsError};
//! use sansws_embassy::sansws::rand_core::CryptoRng;
//! use sansws_embassy::sansws::{ClientRequest, Config, Connection, Fixed, Message};
//! use sansws_embassy::{Bridge, TimersConfig, Transport, WebSocket, tls};
//!
//! async fn ask<T, P>(tcp: T, provider: P, rng: impl CryptoRng) -> Result<(), TlsError>
//! where
//!     T: Transport,
//!     P: CryptoProvider<CipherSuite = embedded_tls::Aes128GcmSha256>,
//! {
//!     let tcp = RefCell::new(tcp);
//!     let (mut read_record, mut write_record) = ([0; 16_640], [0; 2048]);
//!     let mut tls = TlsConnection::new(tls::Shared::new(&tcp), &mut read_record, &mut write_record);
//!     let config = TlsConfig::new().with_server_name("sensors.example");
//!     tls.open(TlsContext::new(&config, provider)).await?;
//!
//!     let mut bridge = Bridge::<256>::new();
//!     let (transport, runner) = bridge.split();
//!     let talk = async {
//!         let request = ClientRequest::new("wss://sensors.example/").unwrap();
//!         let connection = Connection::client_in(&request, Config::new(), rng, Fixed::<1024, 1024>)?;
//!         let mut socket = WebSocket::new(transport, connection, [0; 256], TimersConfig::new());
//!         socket.open().await?;
//!         socket.send("hello").await?;
//!         if let Some(Message::Text(answer)) = socket.recv().await? {
//!             // Use the answer.
//! #           let _ = answer;
//!         }
//!         socket.close(sansws_embassy::sansws::CloseCode::NORMAL, "").await
//!     };
//!     let (reader, writer) = tls.split();
//!     let (_running, talked) = join(runner.run(reader, writer), talk).await;
//!     if talked.is_ok() {
//!         // Tells the server that this is the end. After an error, a record may be cut.
//!         tls.close().await.map_err(|(_tcp, error)| error)?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! The `provider` decides who is trusted. `embedded_tls::UnsecureProvider` trusts everyone, so it is for
//! tests only. With the feature `rustpki`, `embedded_tls::pki::CertVerifier` verifies the chain of
//! certificates and the host name. It needs a random source of an older version of `rand_core`; [`OlderRng`]
//! makes one from a current one.
//!
//! # Limits of embedded-tls 0.19
//!
//! It is a client only, for TLS 1.3. The buffer for reading needs 16,640 bytes, unless the server keeps to
//! smaller records (`TlsConfig::with_max_fragment_length`, RFC 6066 section 4, which OpenSSL supports). A
//! server that updates its keys (RFC 8446 section 4.6.3) makes it panic; servers do so only on connections
//! that carry a great deal of data, or if an operator asks for it.

use crate::Transport;
use crate::transport::poll_once;
use core::cell::RefCell;
use core::fmt;
use core::future::poll_fn;
use core::task::Poll;
use embedded_io_async::{ErrorType, Read, Write};
use sansws::rand_core::CryptoRng;

/// A transport that the two halves of a TLS connection share.
pub struct Shared<'a, T>(&'a RefCell<T>);

impl<'a, T> Shared<'a, T> {
    /// Shares this transport.
    pub const fn new(transport: &'a RefCell<T>) -> Self {
        Self(transport)
    }
}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<T> fmt::Debug for Shared<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl<T: ErrorType> ErrorType for Shared<'_, T> {
    type Error = T::Error;
}

// A half borrows the transport for one poll only, so the other half never finds it borrowed.
impl<T: Transport> Read for Shared<'_, T> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, T::Error> {
        poll_fn(|cx| match self.0.try_borrow_mut() {
            Ok(mut transport) => poll_once(transport.read(buffer), cx),
            Err(_) => Poll::Pending,
        })
        .await
    }
}

impl<T: Transport> Write for Shared<'_, T> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, T::Error> {
        poll_fn(|cx| match self.0.try_borrow_mut() {
            Ok(mut transport) => poll_once(transport.write(bytes), cx),
            Err(_) => Poll::Pending,
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), T::Error> {
        poll_fn(|cx| match self.0.try_borrow_mut() {
            Ok(mut transport) => poll_once(transport.flush(), cx),
            Err(_) => Poll::Pending,
        })
        .await
    }
}

/// A random source of `rand_core` 0.10, for `embedded-tls`, which uses `rand_core` 0.6.
#[derive(Clone, Debug)]
pub struct OlderRng<G>(pub G);

impl<G: CryptoRng> rand_core_06::RngCore for OlderRng<G> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl<G: CryptoRng> rand_core_06::CryptoRng for OlderRng<G> {}
