// Qt 5 and Qt 6. See ../README.md for what a peer has to do.
#include <QCoreApplication>
#include <QNetworkRequest>
#include <QWebSocket>
#include <QWebSocketServer>
#if QT_VERSION >= QT_VERSION_CHECK(6, 4, 0)
#include <QWebSocketHandshakeOptions>
#endif
#include <cstdio>

static void echo(QWebSocket *socket) {
    QObject::connect(socket, &QWebSocket::textMessageReceived, socket, [socket](const QString &text) {
        if (text == "!ping")
            socket->ping("from the peer");
        else if (text == "!close")
            socket->close(static_cast<QWebSocketProtocol::CloseCode>(4001), "bye from the peer");
        else
            socket->sendTextMessage(text);
    });
    QObject::connect(socket, &QWebSocket::binaryMessageReceived, socket, &QWebSocket::sendBinaryMessage);
}

static void visit(const QStringList &urls, int at) {
    if (at == urls.size())
        return QCoreApplication::quit();
    auto *socket = new QWebSocket;
    echo(socket);
    QObject::connect(socket, &QWebSocket::disconnected, socket, [=] {
        socket->deleteLater();
        visit(urls, at + 1);
    }, Qt::QueuedConnection);
    QNetworkRequest request{QUrl(urls[at])};
#if QT_VERSION >= QT_VERSION_CHECK(6, 4, 0)
    QWebSocketHandshakeOptions options;
    if (urls[at].endsWith("/subprotocol"))
        options.setSubprotocols({"other", "matrix"});
    socket->open(request, options);
#else
    if (urls[at].endsWith("/subprotocol"))
        request.setRawHeader("Sec-WebSocket-Protocol", "other, matrix");
    socket->open(request);
#endif
}

int main(int argc, char **argv) {
    QCoreApplication app(argc, argv);
    const QStringList args = app.arguments().mid(1);
    QWebSocketServer server("matrix", QWebSocketServer::NonSecureMode);
    if (args[0] == "version") {
        std::printf("Qt %s\n", qVersion());
        return 0;
    }
    if (args[0] == "server") {
#if QT_VERSION >= QT_VERSION_CHECK(6, 4, 0)
        server.setSupportedSubprotocols({"matrix"});
#endif
        server.listen(QHostAddress::LocalHost, 0);
        QObject::connect(&server, &QWebSocketServer::newConnection, &server, [&server] {
            QWebSocket *socket = server.nextPendingConnection();
            echo(socket);
            QObject::connect(socket, &QWebSocket::disconnected, socket, &QObject::deleteLater);
        });
        std::printf("listening on %d\n", server.serverPort());
        std::fflush(stdout);
    } else {
        visit(args.mid(1), 0);
    }
    return app.exec();
}
