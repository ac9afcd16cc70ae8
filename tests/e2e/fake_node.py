#!/usr/bin/env python3
"""A node that only keeps what the simulator sends, to try the simulator alone (stdlib only).

usage: fake_node.py FILE [--start TIME] [--poll-all]
Prints its address. Follows the HTTP contract as far as the simulator uses it: node, clock, devices, records, write.
On SIGTERM it writes FILE: one JSON document with what came in."""
import argparse, datetime, json, signal, socket, struct, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

args = argparse.ArgumentParser()
args.add_argument('file')
args.add_argument('--start', default='2026-11-15T00:00:00Z')
args.add_argument('--poll-all', action='store_true', help='poll every register group at every step, whatever its poll_ms')
args = args.parse_args()


def parse(t):
    return int(datetime.datetime.fromisoformat(t.replace('Z', '+00:00')).timestamp() * 1000) * 1_000_000


def text(ns):
    return datetime.datetime.fromtimestamp(ns / 1e9, datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.%fZ')


WORDS = {'u16': 1, 'i16': 1, 'u32': 2, 'i32': 2, 'f32': 2}
ORDER = {'ABCD': (0, 1, 2, 3), 'CDAB': (2, 3, 0, 1), 'BADC': (1, 0, 3, 2), 'DCBA': (3, 2, 1, 0)}


class Device:
    def __init__(self, config):
        self.config, self.sock, self.values, self.cycle = config, None, 0, None
        self.due = {}

    def read(self, table, address, count):
        if not self.sock:
            self.sock = socket.create_connection((self.config['host'], self.config['port']), 1)
        most, out = self.config.get('max_registers', 125), b''
        while count > 0:
            n = min(count, most)
            self.sock.sendall(struct.pack('>HHHBBHH', 1, 0, 6, 1, 4 if table == 'input' else 3, address, n))
            got = b''
            while len(got) < 9 or len(got) < 6 + struct.unpack('>H', got[4:6])[0]:
                part = self.sock.recv(512)
                assert part, 'closed'
                got += part
            assert got[7] < 0x80, ('exception', got[8], address, n)
            out += got[9:]
            address, count = address + n, count - n
        return out

    @staticmethod
    def value(data, s):
        kind = s['type']
        if WORDS[kind] == 2:
            data = bytes(data[i] for i in ORDER[s.get('order', 'ABCD')])
        v = struct.unpack({'u16': '>H', 'i16': '>h', 'u32': '>I', 'i32': '>i', 'f32': '>f'}[kind], data)[0]
        return v * s['scale'] if 'scale' in s else v

    def poll(self, now, keep):
        c, n = self.config, 0
        due = [s for s in c['signals'] if args.poll_all or now - self.due.get(s['name'], -10**18) >= s.get('poll_ms', c['poll_ms']) * 1_000_000]
        if due:
            first, last = min(s['address'] for s in due), max(s['address'] + WORDS[s['type']] for s in due)
            data = self.read(due[0]['table'], first, last - first)
            for s in due:
                at = 2 * (s['address'] - first)
                keep.append((c['asset'], s['name'], now, None, self.value(data[at:at + 2 * WORDS[s['type']]], s)))
                self.due[s['name']] = now
            n += len(due)
        if 'cycle' in c:
            b = c['cycle']
            end = max(s['address'] + WORDS[s['type']] for s in b['signals'])
            first = b['counter']['address']
            data = self.read(b['table'], first, end - first)
            counter = struct.unpack('>I', data[:4])[0]
            if counter and counter != self.cycle:
                self.cycle = counter
                at = 2 * (b['lot']['address'] - first)
                lot = data[at:at + 2 * b['lot']['length']].rstrip(b'\0 ').decode('ascii')
                keep.append((c['asset'], 'lot', now, counter, lot))
                for s in b['signals']:
                    at = 2 * (s['address'] - first)
                    keep.append((c['asset'], s['name'], now, counter, self.value(data[at:at + 2 * WORDS[s['type']]], s)))
                n += 1 + len(b['signals'])
        self.values += n
        return n


class Node:
    now = parse(args.start)
    mode, scale, since = 'stepped', 0.0, 0.0
    devices, modbus, records, lines = {}, [], [], []
    lock = threading.Lock()

    @classmethod
    def clock(cls):
        if cls.mode == 'scaled':
            return cls.now + int((time.monotonic() - cls.since) * cls.scale * 1e9)
        return cls.now


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *a):
        pass

    def answer(self, status, doc=None):
        body = json.dumps(doc).encode() if doc is not None else b''
        self.send_response(status)
        if status != 204:
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def body(self):
        return self.rfile.read(int(self.headers.get('Content-Length', 0)))

    def do_GET(self):
        if self.path.startswith('/api/v1/node'):
            self.answer(200, {'id': 'x', 'clock': {'now': text(Node.clock()), 'mode': Node.mode, 'scale': Node.scale}})
        elif self.path.startswith('/api/v1/devices'):
            self.answer(200, {'items': [{'name': k, 'status': {'state': 'online', 'values': v.values if isinstance(v, Device) else 0}} for k, v in Node.devices.items()], 'next': None})
        else:
            self.answer(404, {})

    def do_PUT(self):
        config = json.loads(self.body())
        name = self.path.rsplit('/', 1)[1]
        Node.devices[name] = Device(config) if config['driver'] == 'modbus' else config
        self.answer(200, {'name': name})

    def do_POST(self):
        body = self.body()
        if self.path == '/api/v1/clock':
            ask = json.loads(body)
            n = 0
            if 'advance_to' in ask:
                Node.now = parse(ask['advance_to'])
                for d in Node.devices.values():
                    if isinstance(d, Device):
                        n += d.poll(Node.now, Node.modbus)
            elif ask.get('run') == 0:
                Node.now = Node.clock()
                Node.mode, Node.scale = 'stepped', 0.0
            elif 'run' in ask:
                Node.mode, Node.scale, Node.since = 'scaled', ask['run'], time.monotonic()
            self.answer(200, {'now': text(Node.clock()), 'values': n})
        elif self.path == '/api/v1/records':
            lines = [json.loads(x) for x in body.splitlines()]
            Node.records += [(Node.clock(), x) for x in lines]
            self.answer(200, {'taken': len(lines)})
        elif self.path.startswith('/write'):
            Node.lines += [(Node.clock(), x) for x in body.decode().splitlines()]
            self.answer(204)
        else:
            self.answer(404, {})


def end(*_):
    with open(args.file, 'w') as f:
        json.dump({'devices': {k: v.values for k, v in Node.devices.items() if isinstance(v, Device)}, 'modbus': Node.modbus, 'records': Node.records,
                   'lines': Node.lines, 'now': Node.clock()}, f)
    sys.stdout.flush()
    import os
    os._exit(0)


server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
signal.signal(signal.SIGTERM, end)
print(f'http://127.0.0.1:{server.server_port}', flush=True)
server.serve_forever()
