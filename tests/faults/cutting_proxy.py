"""A small TCP proxy in front of a service that cuts connections where it is told to."""

import socket
import threading
from typing import Literal, Self

Cut = Literal["before the request is whole", "before the answer"]

CHUNK_BYTES = 65_536
LONGEST_SECONDS = 30.0


class CuttingProxy:
    """Forwards one request on each connection; of every ``every``-th it cuts the connection, as ``cut`` says.

    Before the answer: the service has answered, so whatever it does is committed, and the client never hears of it.
    """

    def __init__(self, port: int, cut: Cut, every: int) -> None:
        self.cuts = 0
        self._target = ("127.0.0.1", port)
        self._cut = cut
        self._every = every
        self._accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def base_url(self) -> str:
        """Where clients reach it."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would leave the thread in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in [self._accepting, *self._threads]:
            thread.join(LONGEST_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._accepted += 1
            cuts = self._accepted % self._every == 0
            thread = threading.Thread(target=self._serve, args=(client, cuts), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, cuts: bool) -> None:
        with client, socket.create_connection(self._target, LONGEST_SECONDS) as service:
            client.settimeout(LONGEST_SECONDS)
            request = client.recv(CHUNK_BYTES)
            if cuts and self._cut == "before the request is whole":
                service.sendall(request[: len(request) // 2])
                self.cuts += 1
                return
            forwards = threading.Thread(target=_forward, args=(client, service), daemon=True)
            service.sendall(request)
            forwards.start()
            answer = service.recv(CHUNK_BYTES)
            if cuts:
                self.cuts += 1
                client.shutdown(socket.SHUT_RDWR)
            else:
                while answer:
                    client.sendall(answer)
                    answer = service.recv(CHUNK_BYTES)
            forwards.join(LONGEST_SECONDS)


def _forward(client: socket.socket, service: socket.socket) -> None:
    """Pass on what the client still sends, until it has nothing more to say."""
    try:
        while chunk := client.recv(CHUNK_BYTES):
            service.sendall(chunk)
        service.shutdown(socket.SHUT_WR)
    except OSError:
        # The other side was cut: there is nobody to pass it on to.
        return
