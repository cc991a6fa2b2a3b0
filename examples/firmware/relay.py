#!/usr/bin/env python3
"""relay.py PORT: connects standard input and output with 127.0.0.1:PORT.

QEMU starts one relay for each connection that the board makes. QEMU can also connect by itself. But then it
connects before the board asks, and the board never learns that the server has closed the connection."""
import os, socket, sys, threading

try:
    server = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
except OSError:
    # The board learns this as the end of its connection. A traceback would reach it as bytes of the server.
    sys.exit(1)
server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def upwards():
    while data := os.read(0, 65536):
        server.sendall(data)
    server.shutdown(socket.SHUT_WR)


threading.Thread(target=upwards, daemon=True).start()
while data := server.recv(65536):
    while data:
        data = data[os.write(1, data):]
