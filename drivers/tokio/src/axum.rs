//! An extractor for axum.

use crate::upgrade::{Head, Rejection, Upgrade, UpgradedSocket};
use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use sansws::handshake::origin::Scheme;
use sansws::timers::TimersConfig;
use sansws::{Config, Misuse};
use std::future::Future;

/// An opening handshake, as the argument of a handler. A request that is not one is rejected with the HTTP
/// status that says why, and so is a request from a web page of another site, unless you call
/// [`any_origin`](Self::any_origin).
///
/// ```
/// use axum::{Router, response::Response, routing::any};
/// use sansws_tokio::axum::WebSocketUpgrade;
///
/// async fn echo(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.on_upgrade(|mut socket| async move {
///         while let Some(message) = socket.recv().await? {
///             let message = message.into_owned()?;
///             socket.send(&message).await?;
///         }
///         Ok(())
///     })
/// }
///
/// let app: Router = Router::new().route("/echo", any(echo));
/// ```
#[derive(Debug)]
pub struct WebSocketUpgrade {
    upgrade: Upgrade,
    origin: Origins,
}

/// Which web pages may connect.
#[derive(Debug)]
enum Origins {
    Same,
    SameOver(Scheme),
    Any,
}

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let head = Head {
            method: parts.method.clone(),
            version: parts.version,
            uri: parts.uri.clone(),
            protocol: parts.extensions.get().cloned(),
            headers: parts.headers.clone(),
        };
        let upgrade = Upgrade::of(head, &mut parts.extensions)?;
        Ok(Self { upgrade, origin: Origins::Same })
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.response(Body::from(self.to_string()))
    }
}

impl WebSocketUpgrade {
    /// Accepts requests from web pages of any site. Check [`Upgrade::origin`] yourself, unless the connection
    /// gives a page nothing that the page could not get without the user.
    ///
    /// ```
    /// # use axum::{http::StatusCode, response::{IntoResponse, Response}};
    /// # use sansws_tokio::axum::WebSocketUpgrade;
    /// async fn handler(upgrade: WebSocketUpgrade) -> Response {
    ///     // Only browsers send an origin, and they always do.
    ///     if upgrade.request().origin().is_some_and(|origin| origin != "https://app.example") {
    ///         return StatusCode::FORBIDDEN.into_response();
    ///     }
    ///     upgrade.any_origin().on_upgrade(async |_socket| Ok(()))
    /// }
    /// ```
    #[must_use]
    pub fn any_origin(mut self) -> Self {
        self.origin = Origins::Any;
        self
    }

    /// Accepts requests from web pages of the same host that come over this scheme, see
    /// [`Answer::same_origin_over`](crate::Answer::same_origin_over).
    #[must_use]
    pub fn same_origin_over(mut self, scheme: Scheme) -> Self {
        self.origin = Origins::SameOver(scheme);
        self
    }

    /// The request.
    #[must_use]
    pub const fn request(&self) -> &Upgrade {
        &self.upgrade
    }

    /// The limits and choices of the connection.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.upgrade = self.upgrade.config(config);
        self
    }

    /// The deadlines and keepalive of the connection.
    #[must_use]
    pub fn timers(mut self, timers: TimersConfig) -> Self {
        self.upgrade = self.upgrade.timers(timers);
        self
    }

    /// Chooses a subprotocol. [`Connection::subprotocol`](sansws::Connection::subprotocol) does not know it,
    /// because the handshake takes place in axum: so keep it in the handler.
    ///
    /// # Errors
    /// [`Misuse::SubprotocolNotOffered`]: the client did not offer it.
    pub fn subprotocol(mut self, name: &str) -> Result<Self, Misuse> {
        self.upgrade = self.upgrade.subprotocol(name)?;
        Ok(self)
    }

    /// Accepts the connection, and runs `serve` with it in a task of its own. An error of `serve` ends the
    /// task, and only the feature `tracing` shows it, at the level DEBUG: to count errors or to log them in
    /// another way, handle them in `serve`. If the peer broke the protocol, it has been told the reason
    /// already.
    pub fn on_upgrade<F, O>(self, serve: F) -> Response
    where
        F: FnOnce(UpgradedSocket) -> O + Send + 'static,
        O: Future<Output = Result<(), crate::Error>> + Send + 'static,
    {
        let upgrade = match self.origin {
            Origins::Same => self.upgrade.same_origin(),
            Origins::SameOver(scheme) => self.upgrade.same_origin_over(scheme),
            Origins::Any => Ok(self.upgrade),
        };
        let upgrade = match upgrade {
            Ok(upgrade) => upgrade,
            Err(rejection) => return rejection.into_response(),
        };
        let (response, socket) = upgrade.accept();
        tokio::spawn(async move {
            let result = match socket.await {
                Ok(socket) => serve(socket).await,
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                crate::trace::handler_ended(&error);
            }
        });
        response.map(|()| Body::empty())
    }
}
