"""A Modbus TCP device for tests, with faults: a server of threads, registers set by hand.

`mode` says how requests are met:
  ok        answered
  late      answered after `delay_s`
  mute      taken, never answered
  pieces    answered byte by byte
  half      half of the answer, then silence (the cable is pulled)
  tid, unit, function, length, long, noise, protocol   answered wrongly in that part
  twice     answered twice
  hang_up   the connection is closed instead of answering
`refuse` maps a register or bit address to the exception code that any request touching it gets."""
import socket
import struct
import threading
import time


class Plc:
    def __init__(self, port=0):
        self.holding, self.input, self.coils, self.discrete = {}, {}, {}, {}
        self.mode, self.delay_s, self.refuse = 'ok', 0.0, {}
        self.requests = self.connects = 0
        self.on_request = None  # called with (function, address, count) before an answer is made
        self.lock = threading.Lock()
        self.port, self.listener, self.conns, self.up = port, None, set(), False
        self.start()

    # power
    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('127.0.0.1', self.port))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(64)
        self.up = True
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        self.up = False
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for c in list(self.conns):
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    # registers
    def put(self, address, raw, table='holding'):
        """Bytes, two a register, as they go over the wire."""
        with self.lock:
            for i in range(0, len(raw), 2):
                getattr(self, table)[address + i // 2] = raw[i] << 8 | raw[i + 1]

    def set(self, address, value, table='holding'):
        with self.lock:
            getattr(self, table)[address] = value

    # the wire
    def _accept(self, listener):
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connects += 1
            self.conns.add(c)
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    @staticmethod
    def _exactly(c, n):
        got = b''
        while len(got) < n:
            piece = c.recv(n - len(got))
            if not piece:
                raise ConnectionError
            got += piece
        return got

    def _serve(self, c):
        try:
            while True:
                head = self._exactly(c, 7)
                tid, proto, length, unit = struct.unpack('>HHHB', head)
                pdu = self._exactly(c, length - 1)
                self.requests += 1
                mode = self.mode
                if mode == 'mute':
                    continue
                if mode == 'hang_up':
                    return
                if mode == 'late':
                    time.sleep(self.delay_s)
                answer = self._answer(pdu)
                self._send(c, mode, tid, unit, answer)
        except (OSError, ConnectionError):
            pass
        finally:
            self.conns.discard(c)
            c.close()

    def _answer(self, pdu):
        function, address, count = struct.unpack('>BHH', pdu)
        if self.on_request:
            self.on_request(function, address, count)
        with self.lock:
            for a in range(address, address + count):
                if a in self.refuse:
                    return bytes([function | 0x80, self.refuse[a]])
            if function in (3, 4):
                t = self.holding if function == 3 else self.input
                data = b''.join(struct.pack('>H', t.get(a, 0) & 0xffff) for a in range(address, address + count))
            elif function in (1, 2):
                t = self.coils if function == 1 else self.discrete
                bits = [1 if t.get(a) else 0 for a in range(address, address + count)]
                data = bytes(sum(b << i for i, b in enumerate(bits[k:k + 8])) for k in range(0, count, 8))
            else:
                return bytes([function | 0x80, 1])
        return bytes([function, len(data)]) + data

    @staticmethod
    def _send(c, mode, tid, unit, pdu):
        def frame(tid=tid, proto=0, length=None, unit=unit, pdu=pdu):
            return struct.pack('>HHHB', tid, proto, len(pdu) + 1 if length is None else length, unit) + pdu
        if mode == 'pieces':
            for b in frame():
                c.sendall(bytes([b]))
                time.sleep(0.002)
        elif mode == 'half':
            whole = frame()
            c.sendall(whole[:len(whole) // 2])
        elif mode == 'tid':
            c.sendall(frame(tid=tid ^ 0x5555))
        elif mode == 'unit':
            c.sendall(frame(unit=unit ^ 0x55))
        elif mode == 'function':
            c.sendall(frame(pdu=bytes([pdu[0] ^ 7]) + pdu[1:]))
        elif mode == 'length':
            c.sendall(frame(length=1))
        elif mode == 'long':
            c.sendall(frame(pdu=bytes([pdu[0], pdu[1] + 2 & 0xff]) + pdu[2:] + b'\0\0'))
        elif mode == 'protocol':
            c.sendall(frame(proto=7))
        elif mode == 'noise':
            c.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')
        elif mode == 'twice':
            c.sendall(frame() + frame())
        else:
            c.sendall(frame())


def device(port, signals, asset='PLC-01', **more):
    return {'driver': 'modbus', 'asset': asset, 'host': '127.0.0.1', 'port': port, 'unit': 1, 'poll_ms': 100, 'timeout_ms': 500, 'signals': signals, **more}


def wait_for(what, seconds=30, every=0.05):
    """Asks until what() is true, and gives that; how long it took does not matter but for the limit."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got or time.monotonic() > end:
            assert got, 'not in %s s' % seconds
            return got
        time.sleep(every)


def put_device(node, name, config, **headers):
    a = node.ask('PUT', '/api/v1/devices/' + name, body=config, headers={k.replace('_', '-'): v for k, v in headers.items()})
    assert a.status == 200, a
    if config.get('enabled', True):
        wait_for(lambda: status(node, name))  # the collector takes the document up a moment after it is stored
    return a.json()


def status(node, name):
    return next((d['status'] for d in node.items('/api/v1/devices') if d['name'] == name), None)


def last(node, asset):
    """{signal: last value object} of an asset."""
    return {s['name']: s['last'] for s in node.items('/api/v1/signals', asset=asset)}
