// gorilla_peer: github.com/gorilla/websocket. See ../../README.md for what a peer has to do.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

var version string // set by the linker

func echo(socket *websocket.Conn) {
	defer socket.Close()
	for {
		kind, data, err := socket.ReadMessage()
		if err != nil {
			return
		}
		deadline := time.Now().Add(time.Second)
		switch string(data) {
		case "!ping":
			err = socket.WriteControl(websocket.PingMessage, []byte("from the peer"), deadline)
		case "!close":
			err = socket.WriteControl(websocket.CloseMessage,
				websocket.FormatCloseMessage(4001, "bye from the peer"), deadline)
		default:
			err = socket.WriteMessage(kind, data)
		}
		if err != nil {
			log.Print(err)
			return
		}
	}
}

func main() {
	args := os.Args[1:]
	deflate := len(args) > 1 && args[1] == "--deflate"
	switch args[0] {
	case "version":
		fmt.Println("gorilla/websocket", version)
	case "server":
		upgrader := websocket.Upgrader{EnableCompression: deflate, Subprotocols: []string{"matrix"}}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("listening on", listener.Addr().(*net.TCPAddr).Port)
		log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if socket, err := upgrader.Upgrade(w, r, nil); err == nil {
				echo(socket)
			}
		})))
	default:
		for _, url := range args[1:] {
			if url == "--deflate" {
				continue
			}
			dialer := websocket.Dialer{EnableCompression: deflate}
			if strings.HasSuffix(url, "/subprotocol") {
				dialer.Subprotocols = []string{"other", "matrix"}
			}
			socket, _, err := dialer.Dial(url, nil)
			if err != nil {
				log.Print(url, ": ", err)
				continue
			}
			echo(socket)
		}
	}
}
