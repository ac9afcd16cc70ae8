#include "cm.h"
#include "prop.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/crc32c.h"
#include "base/map.h"

#define KEYS 64u

/* The map against an array indexed by the key, keys chosen close so that runs form and wrap. */
static bool map_is_a_map(struct prop *p, void *arg)
{
	(void)arg;
	struct map m;
	bool here[KEYS] = {false}, ok = true;
	uint64_t value[KEYS] = {0};
	size_t n = 0;
	map_init(&m);
	for (size_t ops = prop_size(p, 300); ops && ok; ops--) {
		uint8_t key[2] = {(uint8_t)prop_below(p, KEYS), 'k'};
		unsigned k = key[0];
		struct span s = span_of(key, 1 + (k & 1));
		if (prop_bool(p)) {
			value[k] = prop_below(p, 100);
			ok = map_put(&m, s, value[k]) == 0;
			n += !here[k];
			here[k] = true;
			prop_note(p, "put %u", k);
		} else {
			ok = map_remove(&m, s) == here[k];
			n -= here[k];
			here[k] = false;
			prop_note(p, "remove %u", k);
		}
		for (unsigned i = 0; i < KEYS; i++) {
			uint8_t other[2] = {(uint8_t)i, 'k'};
			const uint64_t *v = map_get(&m, span_of(other, 1 + (i & 1)));
			ok = ok && (v != NULL) == here[i] && (!v || *v == value[i]);
		}
		ok = ok && m.n == n;
	}
	size_t pos = 0, seen = 0;
	for (const struct map_slot *s; (s = map_next(&m, &pos));)
		seen += here[s->key[0]];
	ok = ok && seen == n;
	map_free(&m);
	return ok;
}

/* What a buffer was given in any order of kinds comes back from the cursor, which ends exactly there. */
static bool buf_reads_back(struct prop *p, void *arg)
{
	(void)arg;
	enum { MAX = 100 };
	struct buf b;
	unsigned kind[MAX];
	uint64_t v[MAX];
	size_t n = prop_size(p, MAX);
	bool ok = true;
	buf_init(&b, 0);
	for (size_t i = 0; i < n; i++) {
		kind[i] = (unsigned)prop_below(p, 6);
		v[i] = prop_u64(p) >> prop_below(p, 64);
		prop_note(p, "kind %u value %llx", kind[i], (unsigned long long)v[i]);
		switch (kind[i]) {
		case 0: buf_addc(&b, (uint8_t)v[i]); break;
		case 1: buf_u16(&b, (uint16_t)v[i]); break;
		case 2: buf_u32(&b, (uint32_t)v[i]); break;
		case 3: buf_u64(&b, v[i]); break;
		case 4: buf_varint(&b, v[i]); break;
		default: buf_svarint(&b, (int64_t)v[i]); break;
		}
	}
	struct rd r = rd_of(buf_span(&b));
	for (size_t i = 0; i < n; i++) {
		switch (kind[i]) {
		case 0: ok = ok && rd_u8(&r) == (uint8_t)v[i]; break;
		case 1: ok = ok && rd_u16(&r) == (uint16_t)v[i]; break;
		case 2: ok = ok && rd_u32(&r) == (uint32_t)v[i]; break;
		case 3: ok = ok && rd_u64(&r) == v[i]; break;
		case 4: ok = ok && rd_varint(&r) == v[i]; break;
		default: ok = ok && rd_svarint(&r) == (int64_t)v[i]; break;
		}
	}
	ok = ok && r.ok && rd_left(&r) == 0 && rd_u8(&r) == 0 && !r.ok;
	buf_free(&b);
	return ok;
}

/* Both variants agree on any cut of any bytes, chained or whole. */
static bool crc_variants_agree(struct prop *p, void *arg)
{
	(void)arg;
	static uint8_t bytes[8192];
	size_t n = prop_size(p, sizeof bytes);
	uint8_t step = (uint8_t)prop_below(p, 256);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * step + (i >> 8));
	size_t from = prop_size(p, n), cut = from + prop_size(p, n - from);
	prop_note(p, "n %zu from %zu cut %zu", n, from, cut);
	uint32_t whole = crc32c(0, span_of(bytes + from, n - from));
	uint32_t parts = crc32c(crc32c_table(0, span_of(bytes + from, cut - from)), span_of(bytes + cut, n - cut));
	return whole == parts && whole == crc32c_table(0, span_of(bytes + from, n - from));
}

/* Places of an arena are aligned, apart, and hold what was put there. */
static bool arena_keeps_apart(struct prop *p, void *arg)
{
	(void)arg;
	enum { MAX = 60 };
	struct arena a;
	uint8_t *at[MAX];
	size_t size[MAX], n = prop_size(p, MAX);
	bool ok = true;
	arena_init(&a, 0);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < n; i++) {
			size[i] = prop_size(p, 20000);
			at[i] = arena_alloc(&a, size[i]);
			ok = ok && at[i] && (uintptr_t)at[i] % 16 == 0;
			if (at[i])
				memset(at[i], (int)i, size[i]);
		}
		for (size_t i = 0; i < n && ok; i++)
			for (size_t k = 0; k < size[i]; k++)
				ok = ok && at[i][k] == (uint8_t)i;
		arena_reset(&a);
		ok = ok && a.used_bytes == 0;
	}
	arena_free(&a);
	return ok;
}

/* The harness itself: what it must find, and how small. */
static bool no_three_large(struct prop *p, void *arg)
{
	size_t n = prop_size(p, 200), large = 0;
	for (size_t i = 0; i < n; i++)
		large += prop_below(p, 1000) >= 500;
	*(size_t *)arg = n;
	return large < 3;
}

static void test_harness_finds_and_shrinks(void **state)
{
	(void)state;
	size_t last = 0;
	fprintf(stderr, "(a failure is expected here)\n");
	assert_int_equal(prop_check("no_three_large", no_three_large, &last, 1000), 1);
	assert_int_equal(last, 3);
}

static void test_map(void **state)
{
	(void)state;
	assert_int_equal(prop_check("map_is_a_map", map_is_a_map, NULL, 300), 0);
}

static void test_buf(void **state)
{
	(void)state;
	assert_int_equal(prop_check("buf_reads_back", buf_reads_back, NULL, 2000), 0);
}

static void test_crc(void **state)
{
	(void)state;
	assert_int_equal(prop_check("crc_variants_agree", crc_variants_agree, NULL, 2000), 0);
}

static void test_arena(void **state)
{
	(void)state;
	assert_int_equal(prop_check("arena_keeps_apart", arena_keeps_apart, NULL, 100), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_harness_finds_and_shrinks),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
