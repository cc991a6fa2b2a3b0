/* libwebsockets. See ../README.md for what a peer has to do. */
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What waits to be written. */
struct message {
    struct message *next;
    size_t len;
    enum lws_write_protocol kind;
    unsigned char bytes[]; /* LWS_PRE bytes, then the payload */
};

struct session {
    struct message *first, **end;
    unsigned char *received;
    size_t len;
    int closes;
};

static char **urls;
static struct lws_context *context;
static int deflate, done;

static void queue(struct session *session, const void *payload, size_t len, enum lws_write_protocol kind) {
    struct message *message = malloc(sizeof *message + LWS_PRE + len);
    message->next = NULL;
    message->len = len;
    message->kind = kind;
    memcpy(message->bytes + LWS_PRE, payload, len);
    *session->end = message;
    session->end = &message->next;
}

static int is(const struct session *session, const char *command) {
    return session->len == strlen(command) && !memcmp(session->received, command, session->len);
}

static void visit_next(void) {
    static char host[64], path[128];
    if (!*urls) {
        done = 1;
        return;
    }
    int port = 0;
    if (sscanf(*urls++, "ws://%63[^:]:%d%127s", host, &port, path) != 3)
        exit(1);
    struct lws_client_connect_info info = {0};
    info.context = context;
    info.address = info.host = info.origin = host;
    info.port = port;
    info.path = path;
    info.protocol = strcmp(path, "/subprotocol") ? NULL : "other, matrix";
    info.local_protocol_name = "matrix";
    info.ietf_version_or_minus_one = -1;
    if (!lws_client_connect_via_info(&info))
        exit(1);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
    struct session *session = user;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        memset(session, 0, sizeof *session);
        session->end = &session->first;
        break;
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
        session->received = realloc(session->received, session->len + len + 1);
        if (len)
            memcpy(session->received + session->len, in, len);
        session->len += len;
        if (!lws_is_final_fragment(wsi))
            break;
        if (!lws_frame_is_binary(wsi) && is(session, "!ping"))
            queue(session, "from the peer", 13, LWS_WRITE_PING);
        else if (!lws_frame_is_binary(wsi) && is(session, "!close"))
            session->closes = 1;
        else if (!lws_frame_is_binary(wsi) && is(session, "!fragments")) {
            queue(session, "one ", 4, LWS_WRITE_TEXT | LWS_WRITE_NO_FIN);
            queue(session, "two ", 4, LWS_WRITE_CONTINUATION | LWS_WRITE_NO_FIN);
            queue(session, "three", 5, LWS_WRITE_CONTINUATION);
        } else
            queue(session, session->received, session->len, lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
        session->len = 0;
        lws_callback_on_writable(wsi);
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE: {
        struct message *message = session->first;
        if (message) {
            session->first = message->next;
            if (!session->first)
                session->end = &session->first;
            int written = lws_write(wsi, message->bytes + LWS_PRE, message->len, message->kind);
            free(message);
            if (written < 0)
                return -1;
            lws_callback_on_writable(wsi);
        } else if (session->closes) {
            lws_close_reason(wsi, 4001, (unsigned char *)"bye from the peer", 17);
            return -1;
        }
        break;
    }
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLIENT_CLOSED:
        for (struct message *message = session->first, *next; message; message = next) {
            next = message->next;
            free(message);
        }
        free(session->received);
        if (reason == LWS_CALLBACK_CLIENT_CLOSED)
            visit_next();
        break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        fprintf(stderr, "%s: %s\n", urls[-1], in ? (char *)in : "?");
        visit_next();
        break;
    default:
        break;
    }
    return 0;
}

static const struct lws_protocols protocols[] = {
    {"matrix", callback, sizeof(struct session), 65536, 0, NULL, 0},
    {0},
};
static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate; client_max_window_bits"},
    {0},
};

int main(int argc, char **argv) {
    (void)argc;
    urls = argv + 2;
    if (*urls && !strcmp(*urls, "--deflate")) {
        deflate = 1;
        ++urls;
    }
    if (!strcmp(argv[1], "version")) {
        printf("libwebsockets %s\n", lws_get_library_version());
        return 0;
    }
    int is_server = !strcmp(argv[1], "server");
    struct lws_context_creation_info info = {0};
    lws_set_log_level(LLL_ERR, NULL);
    info.protocols = protocols;
    info.extensions = deflate ? extensions : NULL;
    info.port = is_server ? 0 : CONTEXT_PORT_NO_LISTEN;
    info.iface = is_server ? "lo" : NULL;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_VALIDATE_UTF8;
    context = lws_create_context(&info);
    struct lws_vhost *vhost = context ? lws_create_vhost(context, &info) : NULL;
    if (!vhost)
        return 1;
    if (is_server) {
        printf("listening on %d\n", lws_get_vhost_listen_port(vhost));
        fflush(stdout);
    } else {
        visit_next();
    }
    while (!done && lws_service(context, 0) >= 0) {
    }
    return 0;
}
