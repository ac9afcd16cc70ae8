/* Shared by all tabs of a browser: one stream for all of them. */
import { Hub, type ToHub } from "./hub";

const hub = new Hub();
(self as unknown as { onconnect: (e: MessageEvent) => void }).onconnect = (e) => {
	const port = e.ports[0]!;
	const seat = hub.join((m) => port.postMessage(m));
	port.onmessage = (m: MessageEvent<ToHub>) => seat.tell(m.data);
};
