export { fill, finalSound } from "../../../src/ui/src/i18n";
export { clockText, duration, isoLocal, number, reading, setZone, timeText } from "../../../src/ui/src/format";
export { levels } from "../../../src/ui/src/parts/seen";
export { timeTicks } from "../../../src/ui/src/parts/ticks";
export { points, yRange } from "../../../src/ui/src/parts/series";
export { draw, pathOf } from "../../../src/ui/src/parts/layers";
export { sentence } from "../../../src/ui/src/pages/sentence";
