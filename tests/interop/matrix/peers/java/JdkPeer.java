import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/** The client in the JDK, java.net.http.WebSocket. See ../README.md for what a peer has to do. */
final class JdkPeer {
    static final class Echo implements WebSocket.Listener {
        final CompletableFuture<Void> done = new CompletableFuture<>();
        private final StringBuilder text = new StringBuilder();
        private ByteBuffer binary = ByteBuffer.allocate(0);

        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            text.append(data);
            CompletableFuture<WebSocket> sent = CompletableFuture.completedFuture(socket);
            if (last) {
                String message = text.toString();
                text.setLength(0);
                sent = switch (message) {
                    case "!ping" -> socket.sendPing(ByteBuffer.wrap("from the peer".getBytes()));
                    case "!close" -> socket.sendClose(4001, "bye from the peer");
                    case "!fragments" -> socket.sendText("one ", false)
                        .thenCompose(it -> it.sendText("two ", false))
                        .thenCompose(it -> it.sendText("three", true));
                    default -> socket.sendText(message, true);
                };
            }
            return sent.thenRun(() -> socket.request(1));
        }

        public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            ByteBuffer joined = ByteBuffer.allocate(binary.remaining() + data.remaining());
            binary = joined.put(binary).put(data).flip();
            CompletableFuture<WebSocket> sent = CompletableFuture.completedFuture(socket);
            if (last) {
                ByteBuffer message = binary;
                binary = ByteBuffer.allocate(0);
                sent = socket.sendBinary(message, true);
            }
            return sent.thenRun(() -> socket.request(1));
        }

        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            done.complete(null);
            return null;
        }

        public void onError(WebSocket socket, Throwable error) {
            done.completeExceptionally(error);
        }
    }

    public static void main(String[] args) throws Exception {
        if (args[0].equals("version")) {
            System.out.println("JDK " + Runtime.version());
            return;
        }
        HttpClient client = HttpClient.newHttpClient();
        for (String url : List.of(args).subList(1, args.length)) {
            try {
                WebSocket.Builder builder = client.newWebSocketBuilder();
                if (url.endsWith("/subprotocol")) {
                    builder.subprotocols("other", "matrix");
                }
                Echo echo = new Echo();
                builder.buildAsync(URI.create(url), echo).get(10, TimeUnit.SECONDS);
                echo.done.get(20, TimeUnit.SECONDS);
            } catch (Exception error) {
                System.err.println(url + ": " + error);
            }
        }
        System.exit(0);
    }
}
