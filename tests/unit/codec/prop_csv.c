/* Random texts over the few characters that matter: csv.c, fed in random
 * pieces, reads what a slow reader written from csv.h reads. */
#include "cm.h"
#include "csv_dump.h"

#include "base/prng.h"

struct slow {
	struct span s;
	size_t reached;
	int line;
};

static size_t eol_at(const struct slow *m, size_t i)
{
	while (i < m->s.n && m->s.p[i] != '\n' && m->s.p[i] != '\r')
		i++;
	return i;
}

static size_t past_eol(const struct slow *m, size_t i)
{
	if (i < m->s.n)
		i += m->s.p[i] == '\r' && i + 1 < m->s.n && m->s.p[i + 1] == '\n' ? 2 : 1;
	return i;
}

static int count_lines(const struct slow *m, size_t from, size_t to)
{
	int n = 0;
	for (size_t i = eol_at(m, from); i < to; i = eol_at(m, past_eol(m, i)))
		n++;
	return n;
}

/* Reads the record at `at`, gives where the next begins. */
static size_t slow_record(struct slow *m, struct buf *out, size_t at)
{
	struct buf fields;
	size_t i = at, failed = 0, end;
	bool fail = false;
	buf_init(&fields, 0);
	for (;;) {
		if (i == m->s.n || m->s.p[i] != '"') {
			size_t k = i;
			while (k < m->s.n && m->s.p[k] != ',' && m->s.p[k] != '\n' && m->s.p[k] != '\r')
				k++;
			buf_addc(&fields, '<');
			buf_add(&fields, span_sub(m->s, i, k - i));
			buf_addc(&fields, '>');
			i = k;
		} else {
			size_t open = i++;
			size_t limit = open < m->reached ? eol_at(m, open) : m->s.n;
			buf_addc(&fields, '"');
			for (;; i++) {
				if (i >= limit) {
					fail = true;
					failed = limit < m->s.n ? limit + 1 : limit;
					break;
				}
				if (m->s.p[i] == '"') {
					if (i + 1 < m->s.n && m->s.p[i + 1] == '"')
						i++;
					else
						break;
				}
				buf_addc(&fields, m->s.p[i]);
			}
			if (fail)
				break;
			i++;
			if (i < m->s.n && m->s.p[i] != ',' && m->s.p[i] != '\n' && m->s.p[i] != '\r') {
				fail = true;
				failed = i - 1;
				break;
			}
			buf_addc(&fields, '"');
		}
		if (i == m->s.n || m->s.p[i] != ',')
			break;
		i++;
	}
	if (fail) {
		buf_printf(out, "!%d line %d\n", MO_EINVAL, m->line);
		size_t e = eol_at(m, at);
		if (e < failed && failed > m->reached)
			m->reached = failed;
		end = past_eol(m, e);
		m->line++;
	} else {
		buf_printf(out, "%d@%d:", m->line, (int)at);
		if (i > at)
			buf_add(out, buf_span(&fields));
		buf_addc(out, '\n');
		end = past_eol(m, i);
		m->line += count_lines(m, at, i) + 1;
	}
	buf_free(&fields);
	return end;
}

static void test_against_slow(void **state)
{
	(void)state;
	static const char alphabet[] = "\"\"\"a,,b\n\r\n";
	struct prng rng;
	struct buf text, fast, slow;
	prng_seed(&rng, 20261122);
	buf_init(&text, 0);
	buf_init(&fast, 0);
	buf_init(&slow, 0);
	for (int round = 0; round < 30000; round++) {
		buf_reset(&text);
		buf_reset(&fast);
		buf_reset(&slow);
		/* Short texts hit each rule, long ones the borders of the 64-byte blocks. */
		uint64_t n = prng_below(&rng, round % 8 ? 24 : 300), plain = prng_below(&rng, 4) * 4;
		for (uint64_t i = 0; i < n; i++)
			buf_addc(&text, prng_below(&rng, 16) < plain ? 'x' : (uint8_t)alphabet[prng_below(&rng, sizeof(alphabet) - 1)]);
		size_t cuts[8], n_cuts = (size_t)prng_below(&rng, 6), at = 0;
		for (size_t i = 0; i < n_cuts; i++)
			cuts[i] = at += (size_t)prng_below(&rng, text.n - at + 1);
		assert_int_equal(csv_dump(&fast, buf_span(&text), ',', cuts, n_cuts), 0);
		struct slow m = {buf_span(&text), 0, 1};
		for (size_t i = 0; i < text.n;)
			i = slow_record(&m, &slow, i);
		if (!span_eq(buf_span(&fast), buf_span(&slow)))
			print_message("round %d\n--- text\n%.*s\n--- fast\n%.*s\n--- slow\n%.*s\n", round, SPAN_FMT(buf_span(&text)),
			        SPAN_FMT(buf_span(&fast)), SPAN_FMT(buf_span(&slow)));
		assert_true(span_eq(buf_span(&fast), buf_span(&slow)));
	}
	buf_free(&text);
	buf_free(&fast);
	buf_free(&slow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_slow)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
