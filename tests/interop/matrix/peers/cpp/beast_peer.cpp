// Boost.Beast. See ../README.md for what a peer has to do.
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/version.hpp>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using Socket = websocket::stream<asio::ip::tcp::socket>;

static void configure(Socket &socket, bool deflate) {
    websocket::permessage_deflate option;
    option.client_enable = option.server_enable = deflate;
    socket.set_option(option);
    socket.read_message_max(4 << 20);
    socket.auto_fragment(false);
}

static void echo(Socket &socket) {
    for (;;) {
        beast::flat_buffer buffer;
        socket.read(buffer);
        const std::string message = beast::buffers_to_string(buffer.data());
        if (message == "!ping") {
            socket.ping("from the peer");
        } else if (message == "!close") {
            socket.close({static_cast<websocket::close_code>(4001), "bye from the peer"});
            return;
        } else if (message == "!fragments") {
            socket.text(true);
            for (const std::string part : {"one ", "two ", "three"})
                socket.write_some(part == "three", asio::buffer(part));
        } else {
            socket.text(socket.got_text());
            socket.write(buffer.data());
        }
    }
}

static void serve(asio::ip::tcp::socket transport, bool deflate) {
    try {
        Socket socket(std::move(transport));
        configure(socket, deflate);
        beast::flat_buffer buffer;
        http::request<http::empty_body> request;
        http::read(socket.next_layer(), buffer, request);
        socket.set_option(websocket::stream_base::decorator([&](websocket::response_type &response) {
            if (request.count(http::field::sec_websocket_protocol))
                response.set(http::field::sec_websocket_protocol, "matrix");
        }));
        socket.accept(request);
        echo(socket);
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
    }
}

static void visit(asio::io_context &context, const std::string &url, bool deflate) {
    const auto colon = url.rfind(':');
    const auto slash = url.find('/', colon);
    const auto host = url.substr(5, slash - 5), path = url.substr(slash);
    const auto port = static_cast<unsigned short>(std::stoi(url.substr(colon + 1, slash - colon - 1)));
    Socket socket(context);
    socket.next_layer().connect({asio::ip::address_v4::loopback(), port});
    configure(socket, deflate);
    socket.set_option(websocket::stream_base::decorator([&](websocket::request_type &request) {
        if (path == "/subprotocol")
            request.set(http::field::sec_websocket_protocol, "other, matrix");
    }));
    socket.handshake(host, path);
    echo(socket);
}

int main(int argc, char **argv) {
    std::vector<std::string> args(argv + 1, argv + argc);
    const bool deflate = args.size() > 1 && args[1] == "--deflate";
    asio::io_context context;
    if (args[0] == "version") {
        std::cout << "Boost.Beast " << BOOST_BEAST_VERSION << ", Boost " << BOOST_LIB_VERSION << '\n';
    } else if (args[0] == "server") {
        asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
        std::cout << "listening on " << acceptor.local_endpoint().port() << std::endl;
        for (;;)
            std::thread(serve, acceptor.accept(), deflate).detach();
    } else {
        for (std::size_t at = deflate ? 2 : 1; at < args.size(); ++at) {
            try {
                visit(context, args[at], deflate);
            } catch (const std::exception &error) {
                std::cerr << args[at] << ": " << error.what() << '\n';
            }
        }
    }
}
