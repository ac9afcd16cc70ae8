/* Line icons of the rail and the top bar, 24 × 24. */
import type { JSX } from "preact";

const draw = (d: string): JSX.Element => (
	<svg viewBox="0 0 24 24" aria-hidden="true">
		<path d={d} />
	</svg>
);
export const icons = {
	today: draw("M4 11l8-7 8 7v9h-5.5v-6h-5v6H4z"),
	assets: draw("M3.5 20.5v-15h4v7l5-4v4l5-4v12zM20.5 20.5h-17M7 16.5h1.5M12 16.5h1.5"),
	lots: draw("M9 3.5h6v5H9zM3 15.5h6v5H3zM15 15.5h6v5h-6zM12 8.5V12M6 15.5V12h12v3.5"),
	cases: draw("M12 4l9 16H3zM12 10v4.5M12 17.2v.1"),
	imports: draw("M12 3.5v11M7.5 10.5l4.5 4.5 4.5-4.5M4 16.5v4h16v-4"),
	settings: draw("M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5"),
	find: draw("M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5L20.5 20.5"),
	sun: draw("M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4"),
	moon: draw("M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z"),
	auto: draw("M3.5 5h17v11h-17zM9 20h6M12 16v4"),
};
export const Mark = () => (
	<svg viewBox="0 0 24 18" aria-hidden="true">
		<path d="M0 2h5V1h18v2.2c-3.8.5-7 2.4-8.5 5.4V11h3.8l1.7 5H5l1.7-5h3.8V8.6C5.300 8.300 1.200 6 0 2z" />
	</svg>
);
