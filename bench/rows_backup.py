"""Ingest while backups of the same node are made, one after another, beside ingest without."""
import subprocess
import threading

from measure import Row, ask, numbers, run, serve
from rows_node import demo_folders, stand_in

CONNECTIONS = 8
BATCHES = 160
ROUNDS = 5


def rate(place, n):
    r = numbers(run(place.tool("lineload", n.port, "/write?db=bench&precision=ns", "machines", CONNECTIONS, BATCHES)))
    return r["values"] / r["seconds"]


def rate_beside(place, n, folder, made):
    """Each backup goes into a target of its own: all of the folder is read, written and read back."""
    over, trouble = threading.Event(), []

    def back_up():
        while not over.is_set():
            target = place.path(f"target-{len(made)}")
            subprocess.run(["rm", "-rf", "--one-file-system", target], check=True)
            try:
                run(place.moru("backup", folder, target))
            except RuntimeError as e:
                trouble.append(e)
                return
            made.append(target)
            subprocess.run(["rm", "-rf", "--one-file-system", target], check=True)

    t = threading.Thread(target=back_up)
    t.start()
    try:
        return rate(place, n)
    finally:
        over.set()
        t.join()
        if trouble:
            raise trouble[0]


def rows(place, say):
    row = Row("values taken while backups are made, beside without", "1/s", "more", 0.9)
    row.peer_name = "the same node, no backup"
    folders, trouble = demo_folders(place)
    folder = folders[0] if folders else stand_in(place)[0]
    made = []
    with serve(place, folder) as n:
        ask(n.url + "/query?q=CREATE+DATABASE+bench", b"")
        rate(place, n)  # series are defined, heads are warm
        for k in range(2 if place.quick else ROUNDS):
            say(f"ingest beside a backup, round {k + 1}")
            row.ours.append(rate_beside(place, n, folder, made))
            row.peer.append(rate(place, n))
    what = "a demo firm's folder after its week" if folders else f"a stand-in folder (the demo did not run: {trouble})"
    row.notes.append(f"{what}; {BATCHES} batches of 1,000 lines of 10 values over {CONNECTIONS} connections a round; {len(made)} whole backups were made beside "
                     f"them, to the same disk, each into a new target.")
    return [row]
