#include "prop.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"

#define SHRINK_RUNS_MAX 4000u

/* Draws come from `given` while it lasts; then from the generator on the first run, and are 0 while shrinking. */
struct prop {
	struct prng r;
	bool fresh, loud;
	const uint64_t *given;
	size_t n_given;
	uint64_t *taken;
	size_t n_taken;
};

/* Static, so that allocation sweeps count only what is under test. */
static uint64_t tape_now[PROP_DRAWS_MAX], tape_best[PROP_DRAWS_MAX], tape_try[PROP_DRAWS_MAX];

static uint64_t draw(struct prop *p, uint64_t n)
{
	uint64_t v = 0;
	if (p->n_taken >= PROP_DRAWS_MAX)
		return 0;
	if (p->fresh)
		v = n ? prng_below(&p->r, n) : prng_u64(&p->r);
	else if (p->n_taken < p->n_given)
		v = p->given[p->n_taken];
	if (n)
		v %= n;
	p->taken[p->n_taken++] = v;
	return v;
}

uint64_t prop_u64(struct prop *p) { return draw(p, 0); }
uint64_t prop_below(struct prop *p, uint64_t n) { return draw(p, n); }
bool prop_bool(struct prop *p) { return draw(p, 2) != 0; }

int64_t prop_range(struct prop *p, int64_t low, int64_t high)
{
	uint64_t width = (uint64_t)high - (uint64_t)low + 1; /* 0: all 2^64 */
	return (int64_t)((uint64_t)low + draw(p, width));
}

size_t prop_size(struct prop *p, size_t max)
{
	size_t bits = 0;
	while (bits < 63 && (max >> bits) != 0)
		bits++;
	size_t limit = (size_t)1 << draw(p, bits + 1);
	if (limit > max)
		limit = max;
	return (size_t)draw(p, (uint64_t)limit + 1);
}

double prop_f64(struct prop *p)
{
	uint64_t kind = draw(p, 4), bits;
	double v;
	switch (kind) {
	case 0:
		return (double)prop_range(p, -1000, 1000);
	case 1: {
		static const double scale[] = {10, 100, 1000, 1e6};
		uint64_t by = draw(p, 4);
		return (double)prop_range(p, -1000000000, 1000000000) / scale[by];
	}
	case 2:
		bits = draw(p, UINT64_C(1) << 52); /* subnormal, 0 */
		break;
	default:
		bits = draw(p, 0);
		break;
	}
	memcpy(&v, &bits, sizeof v);
	return isfinite(v) ? v : 0;
}

void prop_bytes(struct prop *p, void *out, size_t n)
{
	uint8_t *b = out;
	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)draw(p, 256);
}

void prop_text(struct prop *p, char *out, size_t n, const char *alphabet)
{
	size_t letters = strlen(alphabet);
	for (size_t i = 0; i < n; i++)
		out[i] = alphabet[draw(p, letters)];
}

void prop_note(struct prop *p, const char *fmt, ...)
{
	if (!p->loud)
		return;
	va_list ap;
	va_start(ap, fmt);
	fputs("  ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

/* Whether the property fails on these draws; what it really drew becomes the new best. */
static bool fails_on(prop_fn *fn, void *arg, const uint64_t *given, size_t n, size_t *best_n)
{
	struct prop p = {.given = given, .n_given = n, .taken = tape_now};
	if (fn(&p, arg))
		return false;
	size_t kept = p.n_taken;
	while (kept && tape_now[kept - 1] == 0)
		kept--;
	memcpy(tape_best, tape_now, kept * sizeof *tape_now);
	*best_n = kept;
	return true;
}

/* tape_best holds n failing draws; gives the number left. */
static size_t shrink(prop_fn *fn, void *arg, size_t n)
{
	unsigned budget = SHRINK_RUNS_MAX;
	bool better = true;
	while (better && budget) {
		better = false;
		for (size_t len = n; len > 0 && budget; len /= 2) {
			for (size_t at = 0; at + len <= n && budget;) {
				memcpy(tape_try, tape_best, at * sizeof *tape_try);
				memcpy(tape_try + at, tape_best + at + len, (n - at - len) * sizeof *tape_try);
				budget--;
				size_t before = n;
				if (fails_on(fn, arg, tape_try, n - len, &n) && n < before)
					better = true;
				else
					at += len;
			}
		}
		for (size_t i = 0; i < n && budget; i++) {
			uint64_t step = tape_best[i];
			/* Down by all, then by half, a quarter …: a binary search for the least that fails. */
			for (; step && budget; step /= 2) {
				while (i < n && tape_best[i] >= step && budget) {
					memcpy(tape_try, tape_best, n * sizeof *tape_try);
					tape_try[i] -= step;
					budget--;
					if (!fails_on(fn, arg, tape_try, n, &n))
						break;
					better = true;
				}
			}
		}
	}
	return n;
}

static uint64_t env_u64(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);
	return s && *s ? strtoull(s, NULL, 0) : otherwise;
}

int prop_check(const char *name, prop_fn *fn, void *arg, unsigned runs)
{
	uint64_t seed = env_u64("MORU_PROP_SEED", 20260101);
	uint64_t n_runs = env_u64("MORU_PROP_RUNS", runs);
	struct prng seeds;
	prng_seed(&seeds, seed);
	for (uint64_t run = 0; run < n_runs; run++) {
		struct prop p = {.fresh = true, .taken = tape_best};
		prng_seed(&p.r, prng_u64(&seeds));
		if (fn(&p, arg))
			continue;
		size_t drawn = p.n_taken, n = shrink(fn, arg, drawn);
		fprintf(stderr, "property %s failed: MORU_PROP_SEED=%llu, run %llu, %zu draws shrunk to %zu\n", name, (unsigned long long)seed,
			(unsigned long long)run, drawn, n);
		memcpy(tape_try, tape_best, n * sizeof *tape_try);
		struct prop last = {.loud = true, .given = tape_try, .n_given = n, .taken = tape_now};
		if (fn(&last, arg))
			fprintf(stderr, "  but held when repeated: it depends on more than its draws\n");
		return 1;
	}
	return 0;
}
