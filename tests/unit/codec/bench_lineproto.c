/* How fast lineproto.c reads lines as a host agent sends them; prints values per CPU-second. Not a test. */
#include <stdio.h>
#include <time.h>

#include "codec/lineproto.h"

#define LINES 2000000u

int main(void)
{
	struct lineproto *p;
	struct lineproto_line l;
	struct timespec a, b;
	double sum = 0;
	uint64_t values = 0;
	if (lineproto_new(&p, 1))
		return 1;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (unsigned i = 0; i < LINES; i++) {
		char line[] = "cpu,host=a usage_user=1.5,usage_system=2.5 1700000000000000000";
		line[23] = (char)('0' + i % 10);
		if (lineproto_parse(p, span_of(line, sizeof(line) - 1), &l, NULL))
			return 1;
		values += l.n_fields;
		sum += l.fields[0].f64;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	double s = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
	printf("%.1f M values/s (%g)\n", (double)values / s / 1e6, sum);
	lineproto_free(p);
	return 0;
}
