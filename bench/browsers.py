"""What open pages ask of a node, as src/ui does it (parts/frame.tsx, pages/today.tsx, hub.ts, api.ts): one stream of changes and devices each; Today
every 10 s and 2 s after a change of a case, a state or an asset; open cases 2 s after a change of a case; the node every 60 s. Their requests go over one
keep-alive connection each. One thread, sockets without TLS.

    browsers.py URL COUNT SECONDS      prints what was asked and how long Today took"""
import heapq
import json
import selectors
import socket
import sys
import time

TODAY, CASES, NODE, SESSION = "/api/v1/today", "/api/v1/cases?state=open&limit=100", "/api/v1/node", "/api/v1/session"
EVERY = {TODAY: 10, NODE: 60}
SOON_S = 2
NOUNS = {TODAY: {"case", "state", "asset"}, CASES: {"case"}}


class Page:
    """A browser that shows Today."""

    def __init__(self, to, most):
        self.to, self.most = to, most
        self.wanted, self.asked, self.got, self.soon = [], None, b"", {}
        self.news = b""
        self.etags = {}


class Browsers:
    def __init__(self, host, port, count):
        self.host, self.port = host, port
        self.sel, self.due, self.n = selectors.DefaultSelector(), [], 0
        self.took_ms, self.events, self.answers, self.fresh = {}, {}, 0, 0
        self.pages = [Page((host, port), 1) for _ in range(count)]
        for i, p in enumerate(self.pages):
            p.stream, p.ask = self.connect(), self.connect()
            self.send(p.stream, "/api/v1/live?topics=changes%3Bdevices", "Accept: text/event-stream\r\n")
            self.sel.register(p.stream, selectors.EVENT_READ, (self.on_news, p))
            self.sel.register(p.ask, selectors.EVENT_READ, (self.on_answer, p))
            for path in (NODE, SESSION, TODAY, CASES):
                self.want(p, path)
            # People come one after the other.
            for path, s in EVERY.items():
                self.later(time.monotonic() + s * (i + 1) / count, p, path, s)

    def connect(self):
        s = socket.create_connection((self.host, self.port), timeout=30)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def send(self, s, path, more=""):
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAccept-Encoding: gzip, deflate\r\n{more}\r\n".encode())

    def later(self, at, p, path, every):
        self.n += 1
        heapq.heappush(self.due, (at, self.n, p, path, every))

    def want(self, p, path):
        if path not in p.wanted:
            p.wanted.append(path)
        self.next(p)

    def next(self, p):
        if p.asked or not p.wanted:
            return
        p.asked, p.at = p.wanted.pop(0), time.monotonic()
        tag = p.etags.get(p.asked)
        self.send(p.ask, p.asked, f"If-None-Match: {tag}\r\n" if tag else "")

    def on_answer(self, p):
        p.got += self.must(p.ask.recv(1 << 18))
        head, blank, body = p.got.partition(b"\r\n\r\n")
        if not blank:
            return
        status = int(head[9:12])
        fields = {k.lower(): v.strip() for k, _, v in (l.partition(":") for l in head.decode("latin-1").split("\r\n")[1:])}
        if status not in (200, 304):
            raise RuntimeError(f"{p.asked}: {head[:60]!r}")
        length = 0 if status == 304 else int(fields["content-length"])
        if len(body) < length:
            return
        if "etag" in fields:
            p.etags[p.asked] = fields["etag"]
        self.took_ms.setdefault(p.asked, []).append((time.monotonic() - p.at) * 1e3)
        self.answers += 1
        self.fresh += status == 200
        p.got, p.asked = b"", None
        self.next(p)

    def on_news(self, p):
        p.news += self.must(p.stream.recv(1 << 18))
        # Chunked, but events are found by their own lines.
        *whole, p.news = p.news.split(b"\n\n")
        for e in whole:
            kind = e.partition(b"event: ")[2].split(b"\n")[0].decode()
            self.events[kind] = self.events.get(kind, 0) + 1
            if kind == "change":
                for path, nouns in NOUNS.items():
                    if path not in p.soon and any(f'"noun":"{n}"'.encode() in e for n in nouns):
                        p.soon[path] = True
                        self.later(time.monotonic() + SOON_S, p, path, 0)

    def must(self, got):
        if not got:
            raise RuntimeError("the node ended a connection")
        return got

    def run(self, seconds):
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            while self.due and self.due[0][0] <= now:
                _, _, p, path, every = heapq.heappop(self.due)
                p.soon.pop(path, None) if not every else None
                self.want(p, path)
                if every:
                    self.later(now + every, p, path, every)
            wait = min(until, self.due[0][0] if self.due else until) - now
            for key, _ in self.sel.select(max(0, min(wait, 0.5))):
                fn, p = key.data
                fn(p)

    def close(self):
        for p in self.pages:
            p.stream.close()
            p.ask.close()


def main():
    host, port = sys.argv[1].removeprefix("http://").split(":")
    b = Browsers(host, int(port), int(sys.argv[2]))
    b.run(float(sys.argv[3]))
    b.close()
    took = sorted(b.took_ms.get(TODAY, [0]))
    print(json.dumps({"answers": b.answers, "fresh": b.fresh, "events": b.events, "today": len(took), "today_p50_ms": round(took[len(took) // 2], 2),
                      "today_p99_ms": round(took[len(took) * 99 // 100], 2)}))


if __name__ == "__main__":
    main()
