export { fill, finalSound } from "../src/i18n";
export { clockText, duration, isoLocal, number, reading, setZone, timeText } from "../src/format";
export { levels } from "../src/parts/seen";
export { timeTicks } from "../src/parts/ticks";
export { points, yRange } from "../src/parts/series";
export { draw, pathOf } from "../src/parts/layers";
export { sentence } from "../src/pages/sentence";
