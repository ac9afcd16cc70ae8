"""A year at 1 Hz as a chart, through a real node's API."""
import json
import os
import time

from measure import Row, ask, ask_json, cool_files, cpu_s, new_folder, run, serve

POINTS = 31_500_000
PIXELS = 2000
ROUNDS = 20


def timed(n, url):
    cpu, wall = cpu_s(n.pid), time.monotonic()
    body = ask(url)
    wall = (time.monotonic() - wall) * 1e3
    return wall, (cpu_s(n.pid) - cpu) * 1e3, body


def rows(place, say):
    warm = Row(f"a year of noisy 1 Hz data ({POINTS / 1e6:.1f} M points), {PIXELS:,}-pixel min-max chart, warm", "ms", "less", 50)
    cold = Row("the same, cold (files out of the page cache, node just started)", "ms", "less", None)
    folder = new_folder(place, "year")
    say("a year of values")
    with serve(place, folder) as n:
        ask(n.url + "/query?q=CREATE+DATABASE+bench", b"")
        run(place.tool("lineload", n.port, "/write?db=bench&precision=ns", "year", POINTS))
        signal = ask_json(n.url + "/api/v1/signals?limit=1")["items"][0]["id"]
    path = f"/api/v1/series/{signal}/chart?width={PIXELS}"
    for _ in range(3):
        say("chart, cold")
        cool_files(folder)
        with serve(place, folder) as n:
            cold.ours.append(timed(n, n.url + path)[0])
    say("chart, warm")
    cpu = []
    with serve(place, folder) as n:
        timed(n, n.url + path)
        for _ in range(ROUNDS):
            wall, spent, body = timed(n, n.url + path)
            warm.ours.append(wall)
            cpu.append(spent)
        chart = json.loads(body)
        if sum(chart["n"]) != POINTS or len(chart["min"]) != PIXELS:
            raise RuntimeError(f"the chart holds {sum(chart['n'])} points in {len(chart['min'])} bins")
    cpu.sort()
    size = sum(os.path.getsize(os.path.join(folder, "series", x)) for x in os.listdir(os.path.join(folder, "series")) if x.startswith("seg"))
    warm.notes.append(f"Taken in by `/write`, asked over HTTP, {len(body) / 1e3:.0f} kB of JSON; {ROUNDS} requests after one that is not counted; node CPU "
                      f"{cpu[0]:.1f} / {cpu[len(cpu) // 2]:.1f} / {cpu[-1]:.1f} ms. {size / POINTS:.2f} bytes a point on disk.")
    return [warm, cold]
