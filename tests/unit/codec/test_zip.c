/* The writer against literal bytes (APPNOTE.TXT 6.3.9, 4.3.7, 4.3.12, 4.3.16; CRC-32 of "123456789" is cbf43926, the check value of the
 * CRC catalogue), ZIP64 with a member that is said to be large, names, errors of sink and memory in turn. */
#include <stdlib.h>
#include <zlib.h>

#include "cm.h"
#include "faultalloc.h"

#include "base/buf.h"
#include "codec/priv/zip.h"
#include "codec/zip.h"

struct file {
	struct buf b;
	uint64_t calls, fail_at;
};

static int on_write(void *arg, struct span s, uint64_t at)
{
	struct file *f = arg;
	if (f->fail_at && ++f->calls == f->fail_at)
		return MO_EFULL;
	if (at == f->b.n) {
		buf_add(&f->b, s);
		return f->b.err;
	}
	assert_true(at + s.n <= f->b.n);
	memcpy(f->b.p + at, s.p, s.n);
	return 0;
}

static const uint8_t one[] = {
	/* local header: version 2.0, UTF-8, stored, 1980-01-01 00:00 */
	0x50, 0x4b, 3, 4, 20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0, 0x26, 0x39, 0xf4, 0xcb, 9, 0, 0, 0, 9, 0, 0, 0, 5, 0, 20, 0, 'a', '/', 'b', '.', 'c',
	0x35, 0xd9, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	'1', '2', '3', '4', '5', '6', '7', '8', '9',
	/* central directory */
	0x50, 0x4b, 1, 2, 20, 0, 20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0, 0x26, 0x39, 0xf4, 0xcb, 9, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	'a', '/', 'b', '.', 'c',
	/* end: one entry, 51 bytes of directory at 64 */
	0x50, 0x4b, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, 51, 0, 0, 0, 64, 0, 0, 0, 0, 0};

static void test_bytes(void **state)
{
	struct file f = {0};
	struct zip_sink sink = {on_write, &f};
	struct zip_writer *z = NULL;
	(void)state;
	assert_int_equal(zip_new(&z, &sink), 0);
	assert_int_equal(zip_begin(z, SPAN_LIT("a/b.c"), false), 0);
	assert_int_equal(zip_write(z, SPAN_LIT("1234")), 0);
	assert_int_equal(zip_write(z, SPAN_LIT("56789")), 0);
	assert_int_equal(zip_end(z), 0);
	assert_int_equal(zip_finish(z), 0);
	assert_int_equal(zip_bytes(z), sizeof one);
	zip_free(z);
	assert_int_equal(f.b.n, sizeof one);
	assert_memory_equal(f.b.p, one, sizeof one);
	buf_free(&f.b);
}

static void test_deflate(void **state)
{
	struct file f = {0};
	struct zip_sink sink = {on_write, &f};
	struct zip_writer *z = NULL;
	size_t n = 300000;
	char *text = malloc(n), *back = malloc(n);
	(void)state;
	assert_true(text && back);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + i * i % 23);
	assert_int_equal(zip_new(&z, &sink), 0);
	assert_int_equal(zip_begin(z, SPAN_LIT("x"), true), 0);
	for (size_t i = 0; i < n; i += 1000)
		assert_int_equal(zip_write(z, span_of(text + i, 1000)), 0);
	assert_int_equal(zip_end(z), 0);
	uint64_t end = zip_bytes(z);
	assert_int_equal(zip_finish(z), 0);
	zip_free(z);
	struct rd r = rd_of(span_of(f.b.p + 14, 12));
	assert_int_equal(rd_u32(&r), crc32(crc32(0, NULL, 0), (const Bytef *)text, (uInt)n));
	uint32_t packed = rd_u32(&r);
	assert_int_equal(rd_u32(&r), n);
	assert_int_equal(end, 30 + 1 + 20 + packed);
	z_stream s = {0};
	assert_int_equal(inflateInit2(&s, -MAX_WBITS), Z_OK);
	s.next_in = f.b.p + 51;
	s.avail_in = packed;
	s.next_out = (Bytef *)back;
	s.avail_out = (uInt)n;
	assert_int_equal(inflate(&s, Z_FINISH), Z_STREAM_END);
	inflateEnd(&s);
	assert_memory_equal(text, back, n);
	buf_free(&f.b);
	free(text);
	free(back);
}

/* What does not fit into 32 bits stands in the ZIP64 field (4.5.3), from the first such number on; the end has 4.3.14 and 4.3.15 before it. */
static void test_zip64(void **state)
{
	static const uint8_t local[] = {0x50, 0x4b, 3, 4, 45, 0, 0, 8, 8, 0, 0, 0, 0x21, 0, 4, 3, 2, 1, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 20, 0, 'b',
		1, 0, 16, 0, 255, 255, 255, 255, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t central[] = {0x50, 0x4b, 1, 2, 45, 0, 45, 0, 0, 8, 8, 0, 0, 0, 0x21, 0, 4, 3, 2, 1, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 28, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 'b', 1, 0, 24, 0, 255, 255, 255, 255, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0};
	static const uint8_t end[] = {0x50, 0x4b, 6, 6, 44, 0, 0, 0, 0, 0, 0, 0, 45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0,
		16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x50, 0x4b, 6, 7, 0, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0,
		0x50, 0x4b, 5, 6, 0, 0, 0, 0, 255, 255, 255, 255, 16, 0, 0, 0, 255, 255, 255, 255, 0, 0};
	struct zip_entry e = {.name = SPAN_LIT("b"), .deflate = true, .start = 0xFFFFFFFF, .raw = 0xFFFFFFFF, .packed = 7, .crc = 0x01020304};
	struct buf b;
	(void)state;
	buf_init(&b, 0);
	zip_local(&b, &e);
	assert_int_equal(b.n, sizeof local);
	assert_memory_equal(b.p, local, sizeof local);
	buf_reset(&b);
	zip_central(&b, &e);
	assert_int_equal(b.n, sizeof central);
	assert_memory_equal(b.p, central, sizeof central);
	/* One less fits. */
	e.start = e.raw = 0xFFFFFFFE;
	buf_reset(&b);
	zip_central(&b, &e);
	assert_int_equal(b.n, 46 + 1);
	buf_reset(&b);
	zip_end_records(&b, 0xFFFF, UINT64_C(1) << 32, 16);
	assert_int_equal(b.n, sizeof end);
	assert_memory_equal(b.p, end, sizeof end);
	buf_reset(&b);
	zip_end_records(&b, 0xFFFE, 0xFFFFFFFE, 16);
	assert_int_equal(b.n, 22);
	buf_free(&b);
}

static void test_names(void **state)
{
	static const char *const bad[] = {"", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\\b", "c:d", "a\nb", "\xff"};
	struct file f = {0};
	struct zip_sink sink = {on_write, &f};
	struct zip_writer *z = NULL;
	char longest[ZIP_NAME_MAX + 1];
	(void)state;
	assert_int_equal(zip_new(&z, &sink), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(zip_begin(z, span_str(bad[i]), false), MO_EINVAL);
	memset(longest, 'x', sizeof longest);
	assert_int_equal(zip_begin(z, span_of(longest, sizeof longest), false), MO_EINVAL);
	assert_int_equal(zip_begin(z, span_of(longest, ZIP_NAME_MAX), false), 0);
	assert_int_equal(zip_end(z), 0);
	assert_int_equal(zip_begin(z, span_str("값/금형.csv"), false), 0);
	assert_int_equal(zip_end(z), 0);
	assert_int_equal(zip_finish(z), 0);
	zip_free(z);
	zip_free(NULL);
	buf_free(&f.b);
}

static int scenario(struct file *f)
{
	struct zip_sink sink = {on_write, f};
	struct zip_writer *z = NULL;
	int err = zip_new(&z, &sink);
	for (int i = 0; err == 0 && i < 3; i++) {
		char name[] = {'n', (char)('0' + i), 0};
		err = zip_begin(z, span_str(name), i != 1);
		if (err == 0)
			err = zip_write(z, SPAN_LIT("some text, some text"));
		if (err == 0)
			err = zip_end(z);
	}
	if (err == 0)
		err = zip_finish(z);
	zip_free(z);
	return err;
}

static void test_errors(void **state)
{
	uint64_t calls = 0;
	(void)state;
	for (uint64_t n = 1;; n++) {
		struct file f = {.fail_at = n};
		int err = scenario(&f);
		calls = f.calls;
		buf_free(&f.b);
		if (calls < n) {
			assert_int_equal(err, 0);
			break;
		}
		assert_int_equal(err, MO_EFULL);
	}
	assert_true(calls >= 11); /* head, data, head again of each; directory and end */
	for (uint64_t n = 1;; n++) {
		struct file f = {0};
		faultalloc_arm(n);
		int err = scenario(&f);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		buf_free(&f.b);
		assert_int_equal(err, fired ? MO_ENOMEM : 0);
		if (!fired)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_deflate), cmocka_unit_test(test_zip64), cmocka_unit_test(test_names),
		cmocka_unit_test(test_errors)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
