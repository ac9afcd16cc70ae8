/* moru-sim: the three firms of the demo, from a seed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "sim/drive.h"
#include "sim/records.h"
#include "sim/truth.h"

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void say(const char *line) { fprintf(stderr, "moru-sim: %s\n", line); }

static int usage(FILE *to)
{
	fputs("usage: moru-sim --nodes MLD=URL,MCH=URL,MOT=URL [options]\n"
	      "Simulates the machines of three firms: loads a week of history on the nodes' stepped clocks, then lives on.\n\n"
	      "  --nodes MLD=URL,...      the three nodes, each made by `moru init --demo --start T0-HOURS`\n"
	      "  --inbox MLD=DIR,...      watched folders into which papers are put\n"
	      "  --seed N                 everything is drawn from it (default 1)\n"
	      "  --t0 TIME                end of the history, RFC 3339 (default: the nodes' clock + history)\n"
	      "  --history-hours N        1 to 168 (default 168)\n"
	      "  --life-minutes N         scenario minutes to live after it; 0: none (default: until SIGTERM)\n"
	      "  --scale N                scenario seconds in a second of life, 1 to 120 (default 60)\n"
	      "  --truth FILE             what was planted, written before the first step\n"
	      "  --acks FILE              what the doors acknowledged, written at the end\n"
	      "  --without EVENT          leave a planted event out (1 bad resin lot, 3 stops, 6 network night)\n"
	      "  --shift EVENT HOURS      move it, at most 2.5 hours either way, later with a positive number\n"
	      "  --halve EVENT            make it half as large\n"
	      "  --print-truth            only write the truth for --seed and --t0 to standard output\n",
		to);
	return to == stdout ? 0 : 2;
}

static int wrong(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "moru-sim: %s %s: expected %s\n", option, value ? value : "(nothing)", expected);
	return 2;
}

/* "MLD=a,MCH=b" into one pointer per firm; cuts `text` up. */
static bool firms(const char *ret[SIM_FIRMS], char *text)
{
	for (char *save = NULL, *part = strtok_r(text, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
		bool known = false;
		for (unsigned f = 0; f < SIM_FIRMS; f++)
			if (strncmp(part, firm_code(f), 3) == 0 && part[3] == '=' && part[4]) {
				ret[f] = part + 4;
				known = true;
			}
		if (!known)
			return false;
	}
	return true;
}

static bool event(size_t *ret, const char *text)
{
	if (!text || (strcmp(text, "1") != 0 && strcmp(text, "3") != 0 && strcmp(text, "6") != 0))
		return false;
	*ret = (size_t)(text[0] - '0');
	return true;
}

static bool number(double *ret, const char *text, double least, double most)
{
	return text && num_f64(ret, span_str(text)) == 0 && *ret >= least && *ret <= most;
}

int main(int argc, char **argv)
{
	struct drive_opts o = {.plan = {.seed = 1}, .history_h = 168, .life_min = -1, .scale = 60, .stop = &stop, .say = say};
	bool print_truth = false;
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		char *v = i + 1 < argc ? argv[i + 1] : NULL;
		size_t e;
		double x;
		if (strcmp(a, "--help") == 0)
			return usage(stdout);
		if (strcmp(a, "--print-truth") == 0) {
			print_truth = true;
			continue;
		}
		i++; /* all others have a value */
		if (strcmp(a, "--nodes") == 0) {
			if (!v || !firms(o.node, v))
				return wrong(a, NULL, "MLD=URL,MCH=URL,MOT=URL");
		} else if (strcmp(a, "--inbox") == 0) {
			if (!v || !firms(o.inbox, v))
				return wrong(a, NULL, "MLD=DIR,...");
		} else if (strcmp(a, "--seed") == 0) {
			if (!v || num_u64(&o.plan.seed, span_str(v)) < 0)
				return wrong(a, v, "a whole number");
		} else if (strcmp(a, "--t0") == 0) {
			if (!v || rfc3339_parse(&o.t0_ns, span_str(v)) < 0)
				return wrong(a, v, "a time such as 2026-11-22T08:00:00+09:00");
			o.has_t0 = true;
		} else if (strcmp(a, "--history-hours") == 0) {
			if (!number(&x, v, 1, PLAN_HISTORY_H_MAX))
				return wrong(a, v, "1 to 168");
			o.history_h = (int)x;
		} else if (strcmp(a, "--life-minutes") == 0) {
			if (!number(&o.life_min, v, 0, 60 * (PLAN_LIFE_H_MAX - 1)))
				return wrong(a, v, "minutes, 0 or more");
		} else if (strcmp(a, "--scale") == 0) {
			if (!number(&o.scale, v, 1, 120))
				return wrong(a, v, "1 to 120");
		} else if (strcmp(a, "--truth") == 0) {
			o.truth = v;
		} else if (strcmp(a, "--acks") == 0) {
			o.acks = v;
		} else if (strcmp(a, "--without") == 0 || strcmp(a, "--halve") == 0) {
			if (!event(&e, v))
				return wrong(a, v, "1, 3 or 6");
			(a[2] == 'w' ? o.plan.without : o.plan.halve)[e] = true;
		} else if (strcmp(a, "--shift") == 0) {
			const char *hours = i + 1 < argc ? argv[++i] : NULL;
			if (!event(&e, v) || !number(&o.plan.shift_h[e], hours, -PLAN_SHIFT_H_MAX, PLAN_SHIFT_H_MAX))
				return wrong(a, v, "1, 3 or 6, then hours from -2.5 to 2.5");
		} else {
			fprintf(stderr, "moru-sim: %s is no option\n", a);
			return usage(stderr);
		}
	}
	o.plan.life_h = o.life_min < 0 ? 240 : (int)(o.life_min / 60) + 2;
	if (print_truth) {
		struct plan *p = NULL;
		struct buf b;
		buf_init(&b, 0);
		int err = plan_new(&p, &o.plan);
		if (err == 0) {
			truth_write(&b, p, o.t0_ns, (int64_t)o.history_h * 3600 * NS_PER_S);
			err = b.err;
		}
		if (err == 0)
			fwrite(b.p, 1, b.n, stdout);
		buf_free(&b);
		plan_free(p);
		return err < 0;
	}
	for (unsigned f = 0; f < SIM_FIRMS; f++)
		if (!o.node[f])
			return usage(stderr);
	struct sigaction sa = {.sa_handler = on_signal};
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	char error[DRIVE_ERROR_MAX];
	if (drive_run(&o, error) < 0) {
		say(error);
		return 1;
	}
	return 0;
}
