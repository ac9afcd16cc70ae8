#include "second_ranges.h"

#include <math.h>
#include <string.h>

#include "base/civil.h"
#include "base/prng.h"

#define DAY 1440u
#define HOURS 60u
#define DAYS 7u
#define WARM_UP 45u /* minutes: a planted change of a clock signal begins in full run */
#define RUNS_ON 60u /* cycles of the same item after a planted change's begin, minutes of run */
#define TAU 6.283185307179586

/* Figures are those of usual practice. Standards name where a limit or a way of measuring comes from; the levels and spreads are
 * those of decent machines in daily work, not of a laboratory. */
const struct second_machine second_machines[SECOND_MACHINES] = {
        {"DC-1", "die casting, cold chamber, 6,300 kN", SECOND_TWO, 62, 4, 250, 700, 3,
                {{"biscuit", "mm", SECOND_STEADY, .level = 24, .item = {1, 1.15, 0.9, 1.05}, .sigma = 1.1, .quantum = 0.1, .warm = -3, .warm_tau = 6,
                         .why = "20 to 30 mm are aimed at; ladles dose to 1.5 to 3 % of the shot; first shots after a stop are short"},
                        {"fast_shot", "m/s", SECOND_STEADY, .level = 2.6, .item = {1, 1.1, 0.92, 1.04}, .sigma = 0.025, .quantum = 0.001,
                                .why = "aluminium: 2 to 4 m/s at the plunger; a servo valve holds 1 %"},
                        {"intensification", "bar", SECOND_STEADY, .level = 820, .item = {1, 1.08, 0.95, 1}, .sigma = 9, .tau = 8, .quantum = 1,
                                .why = "600 to 1,000 bar on the metal; follows oil temperature and accumulator, so shots resemble their neighbours"},
                        {"rise_time", "ms", SECOND_SKEWED, .level = 38, .item = {1, 0.9, 1.2, 1.1}, .log_sigma = 0.16, .quantum = 1,
                                .why = "pressure rise 20 to 60 ms, bounded below by the valve: skewed"},
                        {"vacuum", "mbar", SECOND_WANDER, .level = 65, .log_sigma = 0.22, .tau = 3, .drift = 14, .quantum = 1,
                                .why = "50 to 100 mbar in the cavity; the valve's filter clogs through the week and is washed at the weekend"},
                        {"cycle_time", "s", SECOND_STEADY, .level = 62, .item = {1, 1.12, 0.95, 1.2}, .sigma = 0.7, .quantum = 0.1, .outlier_p = 0.02,
                                .outlier = 9, .why = "a robot keeps 1 %; one cycle in fifty waits for somebody"},
                        {"die_temp", "°C", SECOND_PRODUCT, true, .level = 212, .item = {1, 1.12, 0.93, 1.04}, .sigma = 2.5, .tau = 10, .warm = -45,
                                .warm_tau = 20, .quantum = 0.1, .why = "180 to 250 °C, each die its own; cools at each stop"},
                        {"metal_temp", "°C", SECOND_COURSE, true, .level = 665, .sigma = 1, .tau = 4, .hunt = 3.5, .hunt_min = 18, .batch = -7,
                                .batch_min = 95, .quantum = 1, .why = "holding furnace 650 to 690 °C, on-off burner; drops as it is refilled; whole degrees"},
                        {"oil_temp", "°C", SECOND_COURSE, true, .level = 46, .sigma = 0.5, .tau = 12, .ambient = 0.45, .lag_min = 60, .warm = -9,
                                .warm_tau = 30, .quantum = 0.1, .why = "40 to 55 °C, cooler on tower water"}}},
        {"HT-1", "solution, quench and ageing line (T6), baskets", SECOND_ROUND, 24 * 60, 2, 80, 140, 0.7,
                {{"quench_delay", "s", SECOND_SKEWED, .level = 11.5, .log_sigma = 0.14, .crew = 0.5, .quantum = 0.1,
                         .why = "seconds count, 15 is a usual limit for thin walls; a person opens the door"},
                        {"hardness", "HBW", SECOND_STEADY, .level = 88, .item = {1, 1.06}, .sigma = 1.9, .quantum = 1,
                                .why = "AlSi alloys in T6: 80 to 100 HBW (EN 1706); ISO 6506 read to whole numbers"},
                        {"conductivity", "%IACS", SECOND_STEADY, .level = 36.5, .item = {1, 1.04}, .sigma = 0.35, .quantum = 0.1,
                                .why = "eddy current, 1 % repeatability"},
                        {"zone1", "°C", SECOND_COURSE, true, .level = 535, .sigma = 1.2, .tau = 4, .hunt = 2, .hunt_min = 11, .batch = -9,
                                .batch_min = 24, .quantum = 0.1, .why = "AMS 2750 class 2: within 6 K; dips as a cold basket comes"},
                        {"ageing", "°C", SECOND_COURSE, true, .level = 172, .sigma = 0.5, .tau = 6, .hunt = 1.2, .hunt_min = 22, .quantum = 0.1,
                                .why = "165 to 180 °C; a slow PID that hunts a little"},
                        {"quench_bath", "°C", SECOND_COURSE, true, .level = 62, .sigma = 0.4, .tau = 8, .batch = 4, .batch_min = 24, .ambient = 0.1,
                                .lag_min = 180, .quantum = 0.1, .why = "60 to 70 °C against distortion; each basket heats it, a cooler brings it back"},
                        {"fan_vibration", "mm/s", SECOND_WANDER, true, .level = 2.3, .log_sigma = 0.09, .tau = 15, .drift = 0.3, .quantum = 0.01,
                                .why = "ISO 20816-3 zone B; a bearing that slowly gives out"},
                        {"burner_gas", "m³/h", SECOND_COURSE, true, .level = 41, .sigma = 1.2, .tau = 3, .batch = 9, .batch_min = 24, .ambient = -0.25,
                                .lag_min = 30, .quantum = 0.1, .why = "450 kW burners; more with each cold basket and on cold nights"}}},
        {"PR-1", "deep-drawing press, 2,500 kN, tinplate", SECOND_TWO, 75, 2, 800, 1500, 4,
                {{"force", "kN", SECOND_WANDER, .level = 1180, .item = {1, 0.82}, .sigma = 14, .lot = 9, .lot_len = 320, .wear = 25, .life = 2600,
                         .quantum = 1, .why = "1 % from stroke to stroke; each coil draws a little differently; the tool wears and is polished"},
                        {"reverse_force", "kN", SECOND_SKEWED, .level = 145, .item = {1, 0.85}, .log_sigma = 0.13, .quantum = 1,
                                .why = "snap-through; a peak, hence skewed"},
                        {"thickness", "mm", SECOND_WANDER, .level = 0.25, .sigma = 0.0018, .lot = 0.002, .lot_len = 320, .quantum = 0.001,
                                .why = "EN 10202: within 5 to 8 %, a coil much less; gauge of 1 µm"},
                        {"feed_error", "mm", SECOND_STEADY, .level = 0, .sigma = 0.03, .quantum = 0.01, .why = "servo feed; its level is zero"},
                        {"lube_flow", "l/min", SECOND_WANDER, true, .level = 6.4, .sigma = 0.09, .tau = 5, .drift = -0.6, .quantum = 0.01,
                                .why = "spray lubrication, its filter clogs by the week"},
                        {"main_motor", "A", SECOND_PRODUCT, true, .level = 182, .item = {1, 0.86}, .sigma = 4, .tau = 3, .quantum = 1,
                                .why = "follows the draw: each product its own"}}},
        {"WD-1", "side-seam welder, wire electrode", SECOND_TWO, 90, 2, 600, 1200, 5,
                {{"current", "kA", SECOND_STEADY, .level = 4.35, .item = {1, 1.03}, .sigma = 0.02, .quantum = 0.01,
                         .why = "0.5 % held; shown to 10 A, so few different values"},
                        {"resistance", "µΩ", SECOND_SKEWED, .level = 96, .item = {1, 1.08}, .log_sigma = 0.11, .tau = 3, .quantum = 0.1,
                                .why = "contact resistance: log-normal, neighbours alike"},
                        {"weld_force", "N", SECOND_WANDER, .level = 520, .sigma = 5, .wear = -28, .life = 700, .quantum = 1,
                                .why = "roll profile wears and is dressed every second shift: saw-tooth of 5 %"},
                        {"seam_temp", "°C", SECOND_STEADY, .level = 1230, .item = {1, 1.01}, .sigma = 14, .tau = 10, .outlier_p = 0.01, .outlier = -120,
                                .missing_p = 0.02, .quantum = 1, .why = "pyrometer on a moving seam: some readings low, some none"},
                        {"cooling_flow", "l/min", SECOND_STEADY, true, .level = 12.2, .sigma = 0.1, .tau = 6, .quantum = 0.1,
                                .why = "pump curve; its noise is one step of the gauge"},
                        {"cooling_out", "°C", SECOND_COURSE, true, .level = 18.5, .sigma = 0.1, .tau = 3, .hunt = 0.9, .hunt_min = 9, .ambient = 0.08,
                                .lag_min = 45, .quantum = 0.1, .why = "chiller on and off within 2 K"}}},
        {"RB-1", "rubber press, O-rings of NBR", SECOND_TWO, 330, 2, 120, 260, 2,
                {{"cure_time", "s", SECOND_STEADY, .level = 185, .item = {1, 1.3}, .sigma = 0.6, .quantum = 0.1,
                         .why = "a timer with closing and opening; only the recipe changes it"},
                        {"shot_weight", "g", SECOND_STEADY, .level = 64, .item = {1, 0.7}, .sigma = 0.55, .quantum = 0.1,
                                .why = "1 % of volume; balance of 0.1 g"},
                        {"injection", "bar", SECOND_WANDER, .level = 1150, .item = {1, 1.09}, .sigma = 22, .tau = 6, .lot = 14, .lot_len = 90, .quantum = 1,
                                .why = "follows the mixture's viscosity; a mixture lasts half a day"},
                        {"hardness", "Shore A", SECOND_STEADY, .level = 70, .item = {1, 1.07}, .sigma = 1, .quantum = 1,
                                .why = "ISO 48-4, tolerance 5; whole numbers, so one in five equals the last"},
                        {"flash", "g", SECOND_SKEWED, .level = 1.9, .item = {1, 0.75}, .log_sigma = 0.28, .quantum = 0.01,
                                .why = "what is left over: widely skewed"},
                        {"platen_top", "°C", SECOND_COURSE, true, .level = 178, .sigma = 0.4, .tau = 3, .hunt = 1.6, .hunt_min = 7, .quantum = 1,
                                .why = "old two-point controller, whole degrees"},
                        {"platen_bottom", "°C", SECOND_COURSE, true, .level = 178, .sigma = 0.2, .tau = 5, .hunt = 0.8, .hunt_min = 16, .quantum = 0.1,
                                .why = "PID, hunts slowly"}}},
        {"FL-1", "filling and crimping of gas cartridges", SECOND_TWO, 60, 2, 1000, 2000, 4,
                {{"fill_weight", "g", SECOND_STEADY, .level = 221.5, .item = {1, 0.5}, .sigma = 0.62, .quantum = 0.1,
                         .why = "220 g nominal; OIML R 87 would allow 9 g short, fillers keep 0.3 %"},
                        {"crimp_diameter", "mm", SECOND_STEADY, .level = 27.1, .sigma = 0.025, .quantum = 0.01,
                                .why = "one-inch valve: 27.0 mm within 0.2; read to 0.01"},
                        {"crimp_depth", "mm", SECOND_WANDER, .level = 5.6, .sigma = 0.03, .wear = 0.05, .life = 2400, .quantum = 0.01,
                                .why = "5.4 to 5.8 mm; the collet wears and is set anew every third day"},
                        {"gas_temp", "°C", SECOND_COURSE, .level = 15.5, .sigma = 0.25, .tau = 15, .ambient = 0.25, .lag_min = 45, .quantum = 0.1,
                                .why = "liquid gas from an outdoor tank through a cooler"},
                        {"tank_level", "%", SECOND_COURSE, true, .level = 62, .sigma = 0.15, .tank = 14, .tank_min = 420, .quantum = 0.1,
                                .why = "day tank: emptied in half a day, refilled at a third"},
                        {"pump_vibration", "mm/s", SECOND_SKEWED, true, .level = 1.6, .log_sigma = 0.1, .tau = 20, .quantum = 0.01,
                                .why = "ISO 20816 zone A; slow beating with the other pump"}}},
        {"LT-1", "hot water bath, leak test", SECOND_TWO, 120, 2, 600, 1200, 3,
                {{"leak_rate", "g/a", SECOND_SKEWED, .level = 0.9, .item = {1, 0.8}, .log_sigma = 0.5, .outlier_p = 0.004, .outlier = 6, .quantum = 0.01,
                         .why = "valve seats: spread over a decade, single leakers"},
                        {"sensor_zero", "ppm", SECOND_WANDER, .level = 0.12, .sigma = 0.03, .drift = 0.06, .missing_p = 0.05, .quantum = 0.01,
                                .why = "zero of the gas detector creeps until the weekend's calibration; steps of 0.01"},
                        {"bath_temp", "°C", SECOND_COURSE, true, .level = 52, .sigma = 0.15, .tau = 5, .hunt = 0.7, .hunt_min = 25, .quantum = 0.1,
                                .why = "ADR 6.2.6.3: so warm that the content has the pressure of 55 °C; steam valve on and off"},
                        {"bath_level", "mm", SECOND_COURSE, true, .level = 640, .sigma = 1.5, .tank = 22, .tank_min = 190, .quantum = 1,
                                .why = "cans carry water out, a float valve fills up"}}},
        {"PO-1", "powder paint line", SECOND_TWO, 300, 3, 100, 250, 2,
                {{"film", "µm", SECOND_SKEWED, .level = 72, .item = {1, 1.1, 0.95}, .log_sigma = 0.11, .crew = 1.5, .quantum = 1,
                         .why = "ISO 2178, 60 to 90 µm; skewed, and by who holds the gun"},
                        {"gloss", "GU", SECOND_WANDER, .level = 82, .sigma = 1.6, .lot = 1.1, .lot_len = 140, .quantum = 0.1,
                                .why = "ISO 2813 at 60°; each box of powder a little different"},
                        {"part_temp", "°C", SECOND_STEADY, .level = 192, .item = {1, 0.97, 1.02}, .sigma = 2.2, .tau = 4, .quantum = 0.1,
                                .why = "185 to 200 °C at the metal; heavy parts stay cooler"},
                        {"oven_temp", "°C", SECOND_COURSE, true, .level = 205, .sigma = 0.6, .tau = 3, .hunt = 1.8, .hunt_min = 12, .quantum = 0.1,
                                .why = "gas burner with PID"},
                        {"gas_flow", "m³/h", SECOND_COURSE, true, .level = 27, .sigma = 0.7, .tau = 6, .ambient = -0.22, .lag_min = 40, .warm = 5,
                                .warm_tau = 15, .quantum = 0.1, .why = "270 kW; hall air is drawn in, so less in the warm afternoon"},
                        {"filter_dp", "Pa", SECOND_WANDER, true, .level = 480, .sigma = 8, .tau = 4, .tank = -60, .tank_min = 35, .drift = 130, .quantum = 1,
                                .why = "cartridges: rises, pulsed clean, never quite"}}},
        {"AC-1", "screw compressor, 90 kW, and dryer", SECOND_UTIL, 0, 1, 0, 0, 0,
                {{"power", "kW", SECOND_COURSE, true, .level = 29, .sigma = 1, .tau = 3, .duty = 62, .duty_min = 6, .quantum = 0.1,
                         .why = "idles at a third; loaded for a third of the time at night, for four fifths by day"},
                        {"oil_temp", "°C", SECOND_COURSE, true, .level = 82, .sigma = 0.8, .tau = 12, .ambient = 0.7, .lag_min = 30, .load = 3, .quantum = 0.1,
                                .why = "air-cooled: the weather and the work"},
                        {"dew_point", "°C", SECOND_COURSE, true, .level = -42, .sigma = 0.8, .tau = 30, .hunt = 2, .hunt_min = 20, .ambient = 0.5,
                                .lag_min = 120, .quantum = 0.1, .why = "ISO 8573-1 class 2 (-40 °C); two towers in turn, ten minutes each"},
                        {"filter_dp", "mbar", SECOND_WANDER, true, .level = 95, .sigma = 2.5, .tau = 10, .drift = 70, .load = 12, .quantum = 1,
                                .why = "changed at 350 mbar; rises by the week, and with the flow"}}},
        {"CT-1", "cooling tower", SECOND_UTIL, 0, 1, 0, 0, 0,
                {{"supply", "°C", SECOND_COURSE, true, .level = 22, .sigma = 0.25, .tau = 15, .ambient = 0.55, .lag_min = 40, .load = 1.5, .quantum = 0.1,
                         .why = "4 K above wet bulb: the weather and the load"},
                        {"pump_current", "A", SECOND_STEADY, true, .level = 41, .sigma = 0.35, .tau = 10, .quantum = 0.1,
                                .why = "22 kW at fixed speed: a level if there is one"},
                        {"conductivity", "µS/cm", SECOND_COURSE, true, .level = 1250, .sigma = 6, .tau = 5, .tank = -130, .tank_min = 260, .quantum = 1,
                                .why = "thickens by evaporation, blown down at 1,380"},
                        {"flow", "m³/h", SECOND_WANDER, true, .level = 118, .sigma = 1.1, .tau = 8, .load = 2, .drift = -3.5, .quantum = 0.1,
                                .why = "the strainer fills with the week's leaves"}}},
};

const struct second_change second_changes[SECOND_CHANGES] = {
        {"DC-1", "biscuit", 3.5, 0, 14.6, 3.2, 400, 150, 10, true, "ladle overfills after its probe was shifted; set back"},
        {"DC-1", "fast_shot", -0.1, 0, 3.8, 4.0, 0, 150, 5, true, "the accumulator loses nitrogen at once: a seal"},
        {"DC-1", "intensification", -27, 0, 3.3, 3.0, 600, 150, 20, true, "multiplier valve sticks; freed"},
        {"HT-1", "hardness", -5, 0, 5.7, 2.6, 60, 30, 10, false, "a melt low in magnesium; a day's baskets only"},
        {"HT-1", "ageing", 4.5, 0, 2.6, 5.0, 900, 0, 60, true, "thermocouple replaced by one that reads low; replaced again"},
        {"PR-1", "force", 47, 0, 4.0, 2.8, 0, 300, 15, true, "wrong lubricant in the tank"},
        {"WD-1", "resistance", 0, 1.35, 35, 3.2, 250, 200, 8, true, "tin coating too thin on some pallets"},
        {"RB-1", "cure_time", 5, 0, 2.7, 8.3, 0, 60, 3, true, "somebody corrected the recipe"},
        {"RB-1", "hardness", -2.6, 0, 3.7, 2.5, 120, 60, 15, true, "a mixture with too much plasticiser"},
        {"FL-1", "fill_weight", -1.4, 0, 0.63, 2.3, 500, 300, 15, true, "a filling head's seal is worn through; replaced"},
        {"LT-1", "leak_rate", 0, 2, 100, 2.0, 400, 200, 20, false, "a lot of valves with a burr"},
        {"PO-1", "gas_flow", 4, 0, 14.8, 4.0, 0, 0, 60, true, "an exhaust damper stays open"},
        {"AC-1", "dew_point", 10, 0, 0, 4.6, 0, 0, 60, true, "one tower's desiccant is wet"},
        {"CT-1", "pump_current", -2.6, 0, 6.3, 8.1, 1200, 0, 15, true, "impeller half clogged; cleaned"},
};

size_t second_n_signals(const struct second_machine *m)
{
	size_t n = 0;
	while (n < SECOND_SIGNALS_MAX && m->signals[n].name)
		n++;
	return n;
}

/* ---- when machines run ---- */
static bool open_hours(enum second_calendar c, unsigned minute)
{
	unsigned day = minute / DAY, m = minute % DAY;
	static const unsigned breaks[][2] = {{600, 610}, {720, 760}, {900, 910}, {1080, 1110}};
	if (c == SECOND_ROUND)
		return minute >= 6 * HOURS && minute < 5 * DAY + 6 * HOURS;
	if (c == SECOND_UTIL)
		return minute >= 5 * HOURS && minute < 5 * DAY + 7 * HOURS;
	for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++)
		if (m >= breaks[i][0] && m < breaks[i][1])
			return false;
	return day < 5 && m >= 6 * HOURS && m < 22 * HOURS;
}

static double between(struct prng *r, double low, double high) { return low + (high - low) * prng_unit(r); }

static void make_run(struct second_line *l, const struct second_machine *m, struct prng *r)
{
	unsigned down = 0, since = 0;
	for (unsigned t = 0; t < SECOND_MINUTES; t++) {
		if (down == 0 && prng_unit(r) < m->stops_day / DAY)
			down = (unsigned)(1 + 8 * exp(0.8 * prng_normal(r)));
		bool runs = open_hours(m->calendar, t) && down == 0;
		if (down)
			down--;
		since = runs ? since + 1 : 0;
		l->ran[t] = (uint16_t)since;
	}
}

static void make_cycles(struct second_line *l, const struct second_machine *m, int64_t begin_ns, struct prng *r)
{
	unsigned item = 0, since = 0;
	double left = between(r, m->lot_low, m->lot_high), done = 0; /* done: share of the running cycle */
	l->n_cycles = 0;
	memset(l->item, 0, sizeof l->item);
	for (unsigned t = 0; t < SECOND_MINUTES; t++) {
		l->item[t] = (uint8_t)item;
		if (l->ran[t] == 0 || m->cycle_s == 0) {
			since = 0;
			done = 0;
			continue;
		}
		/* ends of cycles within this minute */
		double at = (1 - done) * m->cycle_s;
		while (at < 60 && l->n_cycles < SECOND_CYCLES_MAX) {
			l->cycles[l->n_cycles++] = (struct second_cycle){begin_ns + (t * 60 + (int64_t)at) * NS_PER_S, (uint16_t)t, (uint16_t)since++, (uint8_t)item};
			if (--left <= 0) {
				item = (item + 1) % m->n_items;
				left = between(r, m->lot_low, m->lot_high);
			}
			at += m->cycle_s * between(r, 0.985, 1.015);
		}
		done = 1 - (at - 60) / m->cycle_s;
	}
}

/* Outside air about a mean of 24 °C: coolest at three, warmest at three; cloudy days, warm days, passing clouds. */
static void make_weather(struct second_week *w, struct prng *r)
{
	double amp = 4.5, base = 0, cloud = 0, load = 0;
	double amp_to = 4.5, base_to = 1.5 * prng_normal(r);
	for (unsigned t = 0; t < SECOND_MINUTES; t++) {
		if (t % DAY == 0) {
			amp_to = between(r, 3, 6);
			base_to = 0.6 * base_to + 1.2 * prng_normal(r);
		}
		amp += (amp_to - amp) / 300;
		base += (base_to - base) / 300;
		cloud += -cloud / 90 + 0.4 * sqrt(2.0 / 90) * prng_normal(r);
		w->air[t] = base + cloud + amp * sin(TAU * ((double)t / DAY - 9.0 / 24));
		double n = 0, of = 0;
		for (size_t m = 0; m < SECOND_MACHINES; m++) {
			if (second_machines[m].calendar == SECOND_TWO) {
				of++;
				n += w->lines[m].ran[t] > 0;
			}
		}
		load += (n / of - load) / 15;
		w->load[t] = load;
	}
}

/* ---- where changes begin ---- */
#define FIRST (DAY + 6 * HOURS)           /* Tuesday 06:00 */
#define LAST (4 * DAY + 6 * HOURS)        /* Friday 06:00 */
#define LAST_CLOCK (3 * DAY + 16 * HOURS) /* Thursday 16:00 */

static bool begin_cycle(const struct second_line *l, const struct second_change *c, struct prng *r, size_t *ret)
{
	size_t seen[SECOND_ITEMS_MAX] = {0}, n = 0;
	for (size_t k = 0; k + RUNS_ON < l->n_cycles; k++) {
		const struct second_cycle *x = &l->cycles[k];
		bool fits = seen[x->item]++ >= c->earlier && x->minute >= FIRST && x->minute < LAST;
		for (size_t i = 1; fits && i < RUNS_ON; i++)
			fits = l->cycles[k + i].item == x->item;
		if (fits && prng_below(r, ++n) == 0)
			*ret = k;
	}
	return n > 0;
}

static bool begin_minute(const struct second_line *l, struct prng *r, size_t *ret)
{
	size_t n = 0;
	for (size_t t = FIRST; t < LAST_CLOCK; t++)
		if (l->ran[t] > WARM_UP && l->ran[t + RUNS_ON] == l->ran[t] + RUNS_ON && prng_below(r, ++n) == 0)
			*ret = t;
	return n > 0;
}

static bool plant(struct second_week *w, size_t i, struct prng *r)
{
	const struct second_change *c = &second_changes[i];
	size_t m = 0, s = 0, from = 0, to;
	while (m < SECOND_MACHINES && strcmp(second_machines[m].code, c->machine) != 0)
		m++;
	if (m == SECOND_MACHINES)
		return false;
	size_t n = second_n_signals(&second_machines[m]);
	while (s < n && strcmp(second_machines[m].signals[s].name, c->signal) != 0)
		s++;
	if (s == n)
		return false;
	const struct second_line *l = &w->lines[m];
	bool clock = second_machines[m].signals[s].clock;
	if (!(clock ? begin_minute(l, r, &from) : begin_cycle(l, c, r, &from)))
		return false;
	size_t end = clock ? SECOND_MINUTES : l->n_cycles;
	to = end;
	if (c->lasts && !clock)
		to = from + c->lasts;
	if (c->lasts && clock) {
		size_t left = c->lasts;
		for (to = from; to < end && left; to++)
			left -= l->ran[to] > 0;
	}
	w->begun[i].machine = m;
	w->begun[i].signal = s;
	w->begun[i].from = from;
	w->begun[i].to = to < end ? to : end;
	return true;
}

bool second_week_make(struct second_week *ret, uint64_t seed)
{
	struct prng r;
	int64_t monday;
	ret->seed = seed;
	if (civil_days(&monday, 2026, 6, 1) != 0)
		return false;
	ret->begin_ns = monday * NS_PER_DAY;
	prng_seed(&r, seed ^ UINT64_C(0x5ec09d));
	for (size_t m = 0; m < SECOND_MACHINES; m++) {
		make_run(&ret->lines[m], &second_machines[m], &r);
		make_cycles(&ret->lines[m], &second_machines[m], ret->begin_ns, &r);
	}
	make_weather(ret, &r);
	for (size_t i = 0; i < SECOND_CHANGES; i++)
		if (!plant(ret, i, &r))
			return false;
	return true;
}

/* ---- values ---- */
struct course {
	const struct second_signal *s;
	struct prng r;
	double ar, air, phase, swing, tooth, tooth_of, batch, batch_of, duty, worn, life, lot, lot_left;
	unsigned air_to; /* minutes of weather that have passed */
	bool started;
};

static double jitter(struct prng *r, double x, double by) { return x * between(r, 1 - by, 1 + by); }

/* Correlated noise of sigma 1. */
static double noise(struct course *c)
{
	double z = prng_normal(&c->r), phi = c->s->tau > 0 ? exp(-1 / c->s->tau) : 0;
	c->ar = c->started ? phi * c->ar + sqrt(1 - phi * phi) * z : z;
	return c->ar;
}

/* The weather goes on while nothing runs. */
static double weather(struct course *c, const struct second_week *w, unsigned minute)
{
	if (c->s->lag_min <= 0)
		return w->air[minute];
	for (; c->air_to <= minute; c->air_to++)
		c->air += (w->air[c->air_to] - c->air) / c->s->lag_min;
	return c->air;
}

static double hunting(struct course *c)
{
	c->phase += TAU / c->s->hunt_min * (1 + 0.1 * prng_normal(&c->r));
	c->swing += (1 - c->swing) / 60 + 0.02 * prng_normal(&c->r);
	return c->s->hunt * c->swing * sin(c->phase);
}

static double loading(struct course *c)
{
	if ((c->batch += 1) >= c->batch_of) {
		c->batch = 0;
		c->batch_of = jitter(&c->r, c->s->batch_min, 0.1);
	}
	return c->s->batch * exp(-5 * c->batch / c->batch_of);
}

/* From +1 down to -1 over 95 % of its time, back over the rest. */
static double emptying(struct course *c)
{
	if ((c->tooth += 1) >= c->tooth_of) {
		c->tooth = 0;
		c->tooth_of = jitter(&c->r, c->s->tank_min, 0.15);
	}
	double u = c->tooth / c->tooth_of;
	return c->s->tank * (u < 0.95 ? 1 - 2 * u / 0.95 : -1 + 2 * (u - 0.95) / 0.05);
}

static double loaded(struct course *c, double load)
{
	c->duty += jitter(&c->r, 1 / c->s->duty_min, 0.2);
	c->duty -= floor(c->duty);
	return c->duty < 0.35 + 0.45 * load ? c->s->duty : 0;
}

static double wearing(struct course *c)
{
	if ((c->worn += 1) >= c->life) {
		c->worn = 0;
		c->life = jitter(&c->r, c->s->life, 0.15);
	}
	double u = c->worn / c->life;
	return c->s->wear * (u + 0.25 * u * u) / 1.25;
}

static double coil(struct course *c)
{
	if ((c->lot_left -= 1) <= 0) {
		c->lot_left = jitter(&c->r, c->s->lot_len, 0.2);
		c->lot = c->s->lot * prng_normal(&c->r);
	}
	return c->lot;
}

static void course_begin(struct course *c, const struct second_week *w, size_t machine, size_t signal)
{
	memset(c, 0, sizeof *c);
	c->s = &second_machines[machine].signals[signal];
	prng_seed(&c->r, w->seed * 1000003u + machine * 1009u + signal * 31u + 7u);
	c->phase = between(&c->r, 0, TAU);
	c->swing = 1;
	c->tooth_of = c->s->tank_min;
	c->tooth = between(&c->r, 0, c->tooth_of);
	c->batch_of = c->s->batch_min;
	c->batch = between(&c->r, 0, c->batch_of);
	c->life = c->s->life;
	c->worn = between(&c->r, 0, c->life);
	c->duty = prng_unit(&c->r);
}

struct point {
	unsigned minute, since, item;
	double week; /* share of the week's points gone by */
	double add, times;
};

/* One value. Draws the same numbers whether something is planted or not. */
static double value(struct course *c, const struct second_week *w, const struct point *p)
{
	const struct second_signal *s = c->s;
	double z = noise(c), level = s->level * (s->item[p->item] > 0 ? s->item[p->item] : 1), v;
	c->started = true;
	v = s->log_sigma > 0 ? level * exp(s->log_sigma * z) : level + s->sigma * z;
	v *= p->times;
	v += p->add + s->ambient * weather(c, w, p->minute) + s->load * (w->load[p->minute] - 0.5);
	if (s->hunt > 0)
		v += hunting(c);
	if (s->batch_min > 0)
		v += loading(c);
	if (s->tank_min > 0)
		v += emptying(c);
	if (s->duty_min > 0)
		v += loaded(c, w->load[p->minute]);
	if (s->life > 0)
		v += wearing(c);
	if (s->lot_len > 0)
		v += coil(c);
	v += s->drift * expm1(2 * p->week) / expm1(2);
	v += p->minute % DAY < 14 * HOURS ? s->crew : -s->crew;
	if (s->warm_tau > 0)
		v += s->warm * exp(-(double)p->since / s->warm_tau);
	double out = prng_unit(&c->r), size = between(&c->r, 0.7, 1.3), hole = prng_unit(&c->r);
	if (out < s->outlier_p)
		v += s->outlier * size;
	if (hole < s->missing_p)
		return NAN;
	return s->quantum > 0 ? round(v / s->quantum) * s->quantum : v;
}

void second_values(const struct second_week *w, size_t machine, size_t signal, bool plain, double *ret)
{
	const struct second_line *l = &w->lines[machine];
	const struct second_change *x = NULL;
	size_t from = 0, to = 0, n;
	struct course c;
	course_begin(&c, w, machine, signal);
	for (size_t i = 0; i < SECOND_CHANGES && !plain; i++) {
		if (w->begun[i].machine == machine && w->begun[i].signal == signal) {
			x = &second_changes[i];
			from = w->begun[i].from;
			to = w->begun[i].to;
		}
	}
	n = c.s->clock ? SECOND_MINUTES : l->n_cycles;
	for (size_t k = 0; k < n; k++) {
		bool there = x && k >= from && k < to;
		struct point p = {.add = there ? x->by : 0, .times = there && x->times > 0 ? x->times : 1};
		if (c.s->clock) {
			p.minute = (unsigned)k;
			p.since = l->ran[k];
			p.item = l->item[k];
		} else {
			p.minute = l->cycles[k].minute;
			p.since = l->cycles[k].since;
			p.item = l->cycles[k].item;
		}
		p.week = (double)k / (double)n;
		ret[k] = c.s->clock && l->ran[k] == 0 ? NAN : value(&c, w, &p);
	}
}
