export { fill, finalSound } from "../../../src/ui/src/i18n";
export { clockText, duration, isoLocal, number, reading, setZone, timeText } from "../../../src/ui/src/format";
export { sentences } from "../../../src/ui/src/parts/basic";
export { levels } from "../../../src/ui/src/parts/seen";
export { timeTicks } from "../../../src/ui/src/parts/ticks";
export { extentOf, isRows, points, yRange } from "../../../src/ui/src/parts/series";
export { ends } from "../../../src/ui/src/parts/ends";
export { draw, pathOf } from "../../../src/ui/src/parts/layers";
export { sentence, tellsState } from "../../../src/ui/src/pages/sentence";
