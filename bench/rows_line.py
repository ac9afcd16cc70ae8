"""Line protocol beside InfluxDB: values per CPU second of the server, every 204 durable."""
import subprocess
import time

from measure import Row, Server, ask, cpu_s, free_port, new_folder, numbers, run, serve

CONNECTIONS = 8
BATCHES = 304
ROUNDS = 5
SETTLE_S = 2  # what a server does right after the last acknowledgement counts too
INFLUXD = "/usr/bin/influxd"

# Everything but places and wal-fsync-delay is InfluxDB's default, without its own statistics, request log and reports.
CONF = """reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{dir}/meta"
[data]
  dir = "{dir}/data"
  wal-dir = "{dir}/wal"
  wal-fsync-delay = "0s"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
"""


def influx(place):
    d, port = place.path("influx"), free_port()
    subprocess.run(["rm", "-rf", "--one-file-system", d], check=True)
    with open(place.path("influx.conf"), "w") as f:
        f.write(CONF.format(dir=d, rpc=free_port(), http=port))
    s = Server([INFLUXD, "-config", place.path("influx.conf")], place.path("influx.log"))
    s.port, s.url = port, f"http://127.0.0.1:{port}"
    try:
        s.wait_until(lambda: ask(s.url + "/ping") == b"")
    except BaseException:
        s.end()
        raise
    return s


def one(place, s, batches):
    ask(s.url + "/query?q=CREATE+DATABASE+bench", b"")
    before = cpu_s(s.pid)
    r = numbers(run(place.tool("lineload", s.port, "/write?db=bench&precision=ns", "machines", CONNECTIONS, batches)))
    time.sleep(SETTLE_S)
    return r["values"] / (cpu_s(s.pid) - before), r


def rows(place, say):
    row = Row("line protocol, values per server CPU second, every 204 durable", "1/s", "more", 2.0)
    p50 = {"ours": [], "peer": []}
    batches = BATCHES // 2 if place.quick else BATCHES
    for k in range(3 if place.quick else ROUNDS):
        say(f"line protocol, round {k + 1}")
        with serve(place, new_folder(place, "line")) as n:
            value, r = one(place, n, batches)
            row.ours.append(value)
            p50["ours"].append(r["p50_us"] / 1e3)
        with influx(place) as s:
            value, r = one(place, s, batches)
            row.peer.append(value)
            p50["peer"].append(r["p50_us"] / 1e3)
    version = run([INFLUXD, "version"]).split()[1].lstrip("v")
    row.peer_name = f"InfluxDB {version} (Debian)"
    row.notes.append(
        f"Both empty at first; {batches} batches of 1,000 lines of 10 values (7 floats, 2 integers, a boolean; 200 machines, 2,000 series) over {CONNECTIONS} "
        f"keep-alive connections from `lineload`; CPU from before the first byte to {SETTLE_S} s after the last 204. Ours: default settings, one shared sync "
        f"before each 204. The peer: `wal-fsync-delay = \"0s\"` (its default too: each write is synced before its 204), its own statistics, query and "
        f"request logs off, all else default. Median time to a 204: {min(p50['ours']):.0f} ms and {min(p50['peer']):.0f} ms in the best round.")
    return [row]
