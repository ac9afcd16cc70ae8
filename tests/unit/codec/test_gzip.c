#include "cm.h"
#include "faultalloc.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/prng.h"
#include "codec/gzip.h"

/* "hello\n" as one stored member, by hand from RFC 1952 and RFC 1951: header
 * with a file name, one stored block, CRC-32, length. */
static const uint8_t hello[] = {0x1f, 0x8b, 8, 0x08, 0, 0, 0, 0, 0, 3, 'h', '.', 't', 0, 1, 6, 0, 0xf9, 0xff, 'h', 'e', 'l', 'l', 'o', '\n',
        0x20, 0x30, 0x3a, 0x36, 6, 0, 0, 0};

static void gzip(struct buf *out, struct span in)
{
	z_stream z = {0};
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
	uLong most = deflateBound(&z, (uLong)in.n);
	uint8_t *p = buf_reserve(out, most);
	assert_non_null(p);
	z.next_in = (Bytef *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = p;
	z.avail_out = (uInt)most;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->n += most - z.avail_out;
	deflateEnd(&z);
}

/* Unpacks s fed in pieces. MO_ENOENT becomes 0. */
static int unpack(struct buf *out, struct span s, size_t piece, uint64_t limit, unsigned ratio, struct diag *d)
{
	struct gunzip *g = NULL;
	size_t at = 0;
	int e = gunzip_new(&g, limit, ratio);
	while (e == 0) {
		struct span got;
		e = gunzip_next(g, &got, d);
		if (e == 0) {
			assert_true(got.n > 0 && got.n <= GUNZIP_PIECE_BYTES);
			buf_add(out, got);
		} else if (e == MO_EAGAIN) {
			if (at < s.n) {
				struct span next = span_sub(s, at, piece);
				gunzip_feed(g, next);
				at += next.n;
			} else {
				gunzip_end(g);
			}
			e = 0;
		}
	}
	if (e != MO_ENOENT && e != MO_ENOMEM) {
		struct span got;
		assert_int_equal(gunzip_next(g, &got, NULL), e); /* for good */
	}
	gunzip_free(g);
	return e == MO_ENOENT ? out->err : e;
}

static void test_literal(void **state)
{
	(void)state;
	struct buf out;
	struct diag d;
	buf_init(&out, 0);
	for (size_t piece = 1; piece <= sizeof(hello); piece++) {
		buf_reset(&out);
		assert_int_equal(unpack(&out, span_of(hello, sizeof(hello)), piece, 0, 0, &d), 0);
		assert_true(span_is(buf_span(&out), "hello\n"));
	}
	/* Cut anywhere it is cut off. */
	for (size_t n = 0; n < sizeof(hello); n++) {
		buf_reset(&out);
		assert_int_equal(unpack(&out, span_of(hello, n), 7, 0, 0, &d), MO_EINVAL);
		assert_int_equal(d.msg, MSG_GZIP_CUT_OFF);
		assert_int_equal(d.arg[0].i, n);
	}
	/* Every byte that matters, changed: header, block, text, checksum, length. */
	static const uint8_t matters[] = {0, 1, 2, 15, 17, 19, 24, 25, 28, 29, 32};
	for (size_t i = 0; i < sizeof(matters); i++) {
		uint8_t copy[sizeof(hello)];
		memcpy(copy, hello, sizeof(hello));
		copy[matters[i]] ^= 0x10;
		buf_reset(&out);
		assert_int_equal(unpack(&out, span_of(copy, sizeof(copy)), 100, 0, 0, &d), MO_EINVAL);
	}
	/* zlib's own format and raw deflate are not gzip. */
	buf_reset(&out);
	assert_int_equal(unpack(&out, SPAN_LIT("\x78\x9c\x03\0\0\0\0\x01"), 100, 0, 0, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_GZIP_DAMAGED);
	assert_int_equal(unpack(&out, SPAN_LIT(""), 100, 0, 0, &d), MO_EINVAL);
	buf_free(&out);
}

static void test_members(void **state)
{
	(void)state;
	struct buf in, out;
	struct diag d;
	buf_init(&in, 0);
	buf_init(&out, 0);
	gzip(&in, SPAN_LIT(""));
	gzip(&in, SPAN_LIT("a"));
	gzip(&in, SPAN_LIT(""));
	buf_add(&in, span_of(hello, sizeof(hello)));
	for (size_t piece = 1; piece <= in.n; piece++) {
		buf_reset(&out);
		assert_int_equal(unpack(&out, buf_span(&in), piece, 0, 0, &d), 0);
		assert_true(span_is(buf_span(&out), "ahello\n"));
	}
	buf_addc(&in, 0); /* anything behind the last member */
	buf_reset(&out);
	assert_int_equal(unpack(&out, buf_span(&in), in.n, 0, 0, &d), MO_EINVAL);
	buf_free(&in);
	buf_free(&out);
}

static void test_large(void **state)
{
	(void)state;
	struct prng r;
	struct buf text, in, out;
	prng_seed(&r, 1952);
	buf_init(&text, 0);
	buf_init(&in, 0);
	buf_init(&out, 0);
	while (text.n < 1000000)
		buf_printf(&text, "m,host=a v=%d.%d\n", (int)prng_below(&r, 100), (int)prng_below(&r, 10));
	gzip(&in, buf_span(&text));
	static const size_t pieces[] = {1, 1000, 65536, 10000000};
	for (size_t i = 0; i < 4; i++) {
		buf_reset(&out);
		assert_int_equal(unpack(&out, buf_span(&in), pieces[i], 0, 100, NULL), 0);
		assert_true(span_eq(buf_span(&out), buf_span(&text)));
	}
	buf_free(&text);
	buf_free(&in);
	buf_free(&out);
}

/* All that can be said from the input so far is given before more is asked for: a sender may pause there. */
static void test_prompt(void **state)
{
	(void)state;
	enum { SIZE = 1 << 20 };
	struct buf zeros, in;
	buf_init(&zeros, 0);
	buf_init(&in, 0);
	uint8_t *p = buf_reserve(&zeros, SIZE), *all = malloc(SIZE);
	assert_true(p && all);
	memset(p, 0, SIZE);
	zeros.n = SIZE;
	gzip(&in, buf_span(&zeros));
	/* The first `cut` bytes at once: the last pieces are full, and zlib has eaten more than it has given. */
	for (size_t cut = 1; cut <= in.n; cut += cut + 40 < in.n ? 37 : 1) {
		struct gunzip *g;
		struct span s;
		z_stream z = {0};
		size_t got = 0;
		int e;
		assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
		z.next_in = in.p;
		z.avail_in = (uInt)cut;
		z.next_out = all;
		z.avail_out = SIZE;
		assert_int_equal(inflate(&z, Z_NO_FLUSH), cut == in.n ? Z_STREAM_END : Z_OK);
		assert_int_equal(gunzip_new(&g, 0, 0), 0);
		gunzip_feed(g, span_of(in.p, cut));
		while ((e = gunzip_next(g, &s, NULL)) == 0)
			got += s.n;
		assert_int_equal(e, MO_EAGAIN);
		assert_int_equal(got, SIZE - z.avail_out);
		inflateEnd(&z);
		gunzip_free(g);
	}
	free(all);
	buf_free(&zeros);
	buf_free(&in);
}

static void test_limits(void **state)
{
	(void)state;
	struct buf zeros, in, out;
	struct diag d;
	buf_init(&zeros, 0);
	buf_init(&in, 0);
	buf_init(&out, 0);
	uint8_t *p = buf_reserve(&zeros, 8u << 20);
	assert_non_null(p);
	memset(p, 0, 8u << 20);
	zeros.n = 8u << 20;
	gzip(&in, buf_span(&zeros));
	/* The limit is the last size allowed. */
	for (uint64_t limit = zeros.n - 1; limit <= zeros.n + 1; limit++) {
		buf_reset(&out);
		int e = unpack(&out, buf_span(&in), 4096, limit, 0, &d);
		assert_int_equal(e, limit < zeros.n ? MO_ELIMIT : 0);
		if (e) {
			assert_int_equal(d.msg, MSG_GZIP_TOO_LARGE);
			assert_int_equal(d.arg[0].i, limit);
			assert_true(out.n <= limit);
		}
	}
	/* A bomb stops shortly after what is free. */
	buf_reset(&out);
	assert_int_equal(unpack(&out, buf_span(&in), 4096, 0, 200, &d), MO_ELIMIT);
	assert_int_equal(d.msg, MSG_GZIP_RATIO);
	assert_true(out.n <= GUNZIP_RATIO_FREE + 2 * GUNZIP_PIECE_BYTES);
	buf_reset(&out);
	assert_int_equal(unpack(&out, buf_span(&in), 4096, 0, 1100, &d), 0);
	/* Small bodies of blanks pass. */
	buf_reset(&in);
	gzip(&in, span_sub(buf_span(&zeros), 0, GUNZIP_RATIO_FREE));
	buf_reset(&out);
	assert_int_equal(unpack(&out, buf_span(&in), 4096, 0, 20, &d), 0);
	buf_free(&zeros);
	buf_free(&in);
	buf_free(&out);
}

static void test_allocations(void **state)
{
	(void)state;
	struct buf in;
	buf_init(&in, 0);
	gzip(&in, SPAN_LIT("abcabcabcabcabcabcabcabcabcabcabcabcabcabc0123456789"));
	for (uint64_t nth = 1;; nth++) {
		struct buf out;
		buf_init(&out, 0);
		faultalloc_arm(nth);
		int e = unpack(&out, buf_span(&in), 10, 0, 0, NULL);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		buf_free(&out);
		if (!fired) {
			assert_int_equal(e, 0);
			assert_in_range(nth, 4, 50); /* zlib's allocations are among them */
			break;
		}
		assert_int_equal(e, MO_ENOMEM);
	}
	buf_free(&in);
	gunzip_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_literal),
	        cmocka_unit_test(test_members),
	        cmocka_unit_test(test_large),
	        cmocka_unit_test(test_prompt),
	        cmocka_unit_test(test_limits),
	        cmocka_unit_test(test_allocations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
