// nhooyr_peer: nhooyr.io/websocket. See ../../README.md for what a peer has to do.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"nhooyr.io/websocket"
)

var version string // set by the linker

func echo(socket *websocket.Conn) {
	defer socket.Close(websocket.StatusInternalError, "")
	socket.SetReadLimit(4 << 20)
	for {
		kind, data, err := socket.Read(context.Background())
		if err != nil {
			return
		}
		if string(data) == "!close" {
			socket.Close(4001, "bye from the peer")
			return
		}
		if err = socket.Write(context.Background(), kind, data); err != nil {
			log.Print(err)
			return
		}
	}
}

func main() {
	args := os.Args[1:]
	mode := websocket.CompressionDisabled
	if len(args) > 1 && args[1] == "--deflate" {
		mode = websocket.CompressionContextTakeover
	}
	switch args[0] {
	case "version":
		fmt.Println("nhooyr.io/websocket", version)
	case "server":
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("listening on", listener.Addr().(*net.TCPAddr).Port)
		options := &websocket.AcceptOptions{CompressionMode: mode, Subprotocols: []string{"matrix"}}
		log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if socket, err := websocket.Accept(w, r, options); err == nil {
				echo(socket)
			}
		})))
	default:
		for _, url := range args[1:] {
			if url == "--deflate" {
				continue
			}
			options := &websocket.DialOptions{CompressionMode: mode}
			if strings.HasSuffix(url, "/subprotocol") {
				options.Subprotocols = []string{"other", "matrix"}
			}
			socket, _, err := websocket.Dial(context.Background(), url, options)
			if err != nil {
				log.Print(url, ": ", err)
				continue
			}
			echo(socket)
		}
	}
}
