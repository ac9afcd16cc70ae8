/* The one stream of live news per browser: values, changes, clock, devices.
 * Runs in a shared worker, or in the page itself where there is none (phones).
 *
 * States: CLOSED (nobody listens) -> OPENING (source made) -> LIVE (an event came)
 * -> LOST (5 s without an event or an error) -> OPENING (again, with back-off). */
export type FromHub =
	| { kind: "up"; again: boolean }
	| { kind: "lost"; at: number }
	| { kind: "value" | "change" | "clock" | "device"; data: unknown };
export type ToHub = { kind: "topics"; series: string[] } | { kind: "alive" } | { kind: "bye" } | { kind: "again" };

const SILENT_MS = 5000;
const PORT_SILENT_MS = 200_000; /* hidden tabs may run their timers once a minute */
const BACKOFF_MS = [500, 1000, 2000, 5000];
const SERIES_MAX = 512;

type Port = { send: (m: FromHub) => void; series: string[]; seen: number };

export class Hub {
	private ports = new Set<Port>();
	private source: EventSource | null = null;
	private asked = "";
	private heard = 0;
	private up = false;
	private wasUp = false;
	private tries = 0;
	private opening = 0;
	private lastClock: unknown = null;

	constructor() {
		setInterval(() => this.tick(), 1000);
	}

	join(send: (m: FromHub) => void): { tell: (m: ToHub) => void } {
		const port: Port = { send, series: [], seen: Date.now() };
		this.ports.add(port);
		if (this.up) send({ kind: "up", again: false });
		if (this.lastClock) send({ kind: "clock", data: this.lastClock });
		this.retopic();
		return {
			tell: (m) => {
				port.seen = Date.now();
				if (m.kind === "bye") this.ports.delete(port);
				else if (m.kind === "again") {
					this.tries = 0;
					if (!this.up) this.open();
				}
				else if (m.kind === "topics") {
					this.ports.add(port);
					port.series = m.series;
				}
				if (m.kind === "topics" || m.kind === "bye") this.retopic();
			},
		};
	}

	private topics(): string {
		if (!this.ports.size) return "";
		const ids = [...new Set([...this.ports].flatMap((p) => p.series))].sort().slice(0, SERIES_MAX);
		return (ids.length ? `values:${ids.join()};` : "") + "changes;devices";
	}

	private retopic(): void {
		clearTimeout(this.opening);
		this.opening = setTimeout(() => {
			if (this.topics() !== this.asked) this.open();
		}, 60) as unknown as number;
	}

	private open(): void {
		clearTimeout(this.opening);
		this.source?.close();
		this.source = null;
		this.asked = this.topics();
		if (!this.asked) return;
		const s = new EventSource(`/api/v1/live?topics=${encodeURIComponent(this.asked)}`);
		this.source = s;
		this.heard = Date.now();
		for (const kind of ["value", "change", "clock", "device"] as const)
			s.addEventListener(kind, (e) => {
				if (s !== this.source) return;
				this.alive();
				const data: unknown = JSON.parse((e as MessageEvent<string>).data);
				if (kind === "clock") this.lastClock = data;
				this.all({ kind, data });
			});
		s.onopen = () => s === this.source && this.alive();
		s.onerror = () => {
			if (s !== this.source) return;
			s.close();
			this.source = null;
			this.lose();
			this.later();
		};
	}

	private later(): void {
		clearTimeout(this.opening);
		this.opening = setTimeout(() => this.open(), BACKOFF_MS[Math.min(this.tries++, BACKOFF_MS.length - 1)]) as unknown as number;
	}

	private alive(): void {
		this.heard = Date.now();
		this.tries = 0;
		if (this.up) return;
		this.up = true;
		this.all({ kind: "up", again: this.wasUp });
		this.wasUp = true;
	}

	private lose(): void {
		if (!this.up && this.wasUp) return;
		this.up = false;
		this.wasUp = true;
		this.all({ kind: "lost", at: this.heard || Date.now() });
	}

	private tick(): void {
		const now = Date.now();
		for (const p of this.ports) if (now - p.seen > PORT_SILENT_MS) this.ports.delete(p);
		if (!this.ports.size) {
			if (this.source) this.retopic();
			return;
		}
		if (this.source && now - this.heard > SILENT_MS) {
			this.lose();
			this.source.close();
			this.source = null;
			this.later();
		}
	}

	private all(m: FromHub): void {
		this.ports.forEach((p) => p.send(m));
	}
}
