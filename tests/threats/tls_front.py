"""Ends TLS in front of an HTTP upstream: tls_front.py CERTIFICATE KEY UPSTREAM_PORT.

Prints its own port. A connection is opened to the upstream only after the handshake, so that an
upstream without connections has seen no client that trusts the certificate.
"""

import socket
import ssl
import sys
import threading


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(plain, context, port):
    try:
        client = context.wrap_socket(plain, server_side=True)
    except OSError:
        plain.close()
        return
    with client, socket.create_connection(("127.0.0.1", port)) as upstream:
        back = threading.Thread(target=copy, args=(upstream, client), daemon=True)
        back.start()
        copy(client, upstream)
        back.join()


def main():
    certificate, key, port = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    # The end of standard input is the end of the test.
    threading.Thread(target=lambda: (sys.stdin.read(), listener.shutdown(socket.SHUT_RDWR)), daemon=True).start()
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(plain, context, int(port)), daemon=True).start()


main()
