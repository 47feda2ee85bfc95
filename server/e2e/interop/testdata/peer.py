"""Opens WebSockets with websockets as it is told by lines of JSON on the
standard input, and says in lines of JSON what happens on them."""

import asyncio
import json
import sys

from websockets.exceptions import ConnectionClosed, InvalidStatusCode
from websockets.legacy.client import WebSocketClientProtocol, connect


class Mute(WebSocketClientProtocol):
    """Answers no ping."""

    async def pong(self, data=b""):
        pass


def say(socket, **event):
    print(json.dumps({"socket": socket, **event}), flush=True)


async def follow(c, sockets):
    socket = c["socket"]
    try:
        sockets[socket] = s = await connect(
            c["url"],
            origin=c.get("origin") or None,
            extra_headers={"Authorization": "Bearer " + c["bearer"]} if c.get("bearer") else {},
            create_protocol=Mute if c.get("mute") else WebSocketClientProtocol,
        )
    except InvalidStatusCode as refused:
        say(socket, kind="closed", code=1006, status=refused.status_code, text=str(refused))
        return
    except OSError as error:
        say(socket, kind="closed", code=1006, text=str(error))
        return
    say(socket, kind="opened")
    try:
        while True:
            say(socket, kind="text", text=await s.recv())
    except ConnectionClosed as closed:
        say(socket, kind="closed", code=s.close_code, reason=s.close_reason, text=str(closed))


async def main():
    lines = asyncio.StreamReader(limit=1 << 22)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    sockets, tasks = {}, set()
    while line := await lines.readline():
        c = json.loads(line)
        if c["do"] == "open":
            tasks.add(asyncio.create_task(follow(c, sockets)))
        elif c["do"] == "send":
            await sockets[c["socket"]].send(c["text"])
        elif c["do"] == "close":
            tasks.add(asyncio.create_task(sockets[c["socket"]].close()))


asyncio.run(main())
