/* QR codes as paths: the frame that every code has, the bounds, no memory. What a code says is read by another program (tests/e2e/test_phone.py). */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/qr.h"
#include "faultalloc.h"

#define SIDE_MAX 185u

static bool dark[SIDE_MAX][SIDE_MAX];

/* Draws the path; -1 when it is anything but runs inside the picture. */
static int draw(const char *p, unsigned size)
{
	int all = 0;
	memset(dark, 0, sizeof dark);
	while (*p) {
		unsigned x, y, n, back;
		int used = 0;
		if (sscanf(p, "M%u %uh%uv1h-%uz%n", &x, &y, &n, &back, &used) != 4 || used == 0 || n == 0 || n != back || x + n > size || y >= size)
			return -1;
		for (unsigned i = 0; i < n; i++)
			dark[y][x + i] = true;
		all += (int)n;
		p += used;
	}
	return all;
}

static unsigned make(const char *text)
{
	struct buf b;
	unsigned size = 0;
	buf_init(&b, 0);
	assert_int_equal(qr_path(&b, &size, span_str(text)), 0);
	buf_addc(&b, 0);
	assert_true(size <= SIDE_MAX && draw((const char *)b.p, size) > 0);
	buf_free(&b);
	return size;
}

/* ISO/IEC 18004, 6.3: finder patterns in three corners, timing between them, the one module that is always dark, the quiet zone. */
static void the_frame(void **state)
{
	static const char *const texts[] = {"https://10.0.0.7:8470/ca", "https://moru.factory.example:65535/ca", "a"};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		unsigned size = make(texts[i]), n = size - 2 * QR_QUIET, q = QR_QUIET;
		assert_true(n >= 21 && (n - 17) % 4 == 0);
		const unsigned corners[3][2] = {{q, q}, {q + n - 7, q}, {q, q + n - 7}};
		for (unsigned c = 0; c < 3; c++)
			for (unsigned y = 0; y < 7; y++)
				for (unsigned x = 0; x < 7; x++) {
					bool ring = x == 0 || y == 0 || x == 6 || y == 6, core = x >= 2 && x <= 4 && y >= 2 && y <= 4;
					assert_int_equal(dark[corners[c][1] + y][corners[c][0] + x], ring || core);
				}
		for (unsigned k = 8; k < n - 8; k++) {
			assert_int_equal(dark[q + 6][q + k], k % 2 == 0);
			assert_int_equal(dark[q + k][q + 6], k % 2 == 0);
		}
		assert_true(dark[q + n - 8][q + 8]);
		for (unsigned k = 0; k < size; k++)
			for (unsigned z = 0; z < q; z++)
				assert_false(dark[z][k] || dark[k][z] || dark[size - 1 - z][k] || dark[k][size - 1 - z]);
	}
	/* 24 bytes at level M are version 2, 25 modules (table 7). */
	assert_int_equal(make("https://10.0.0.7:8470/ca"), 25 + 2 * QR_QUIET);
}

static void bounds(void **state)
{
	char text[QR_TEXT_MAX + 2];
	struct buf b;
	unsigned size;
	(void)state;
	memset(text, 'x', sizeof text);
	text[QR_TEXT_MAX] = 0;
	make(text);
	buf_init(&b, 0);
	assert_int_equal(qr_path(&b, &size, span_of((const uint8_t *)text, QR_TEXT_MAX + 1)), MO_ELIMIT);
	assert_int_equal(qr_path(&b, &size, SPAN_LIT("")), MO_EINVAL);
	assert_int_equal(b.n, 0);
	buf_free(&b);
	buf_init(&b, 100);
	assert_int_equal(qr_path(&b, &size, SPAN_LIT("https://10.0.0.7:8470/ca")), MO_ELIMIT);
	buf_free(&b);
}

static void memory(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		struct buf b;
		unsigned size = 0;
		buf_init(&b, 0);
		faultalloc_arm(n);
		int err = qr_path(&b, &size, SPAN_LIT("https://10.0.0.7:8470/ca"));
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		buf_free(&b);
		if (!fired) {
			assert_int_equal(err, 0);
			break;
		}
		assert_int_equal(err, MO_ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_frame), cmocka_unit_test(bounds), cmocka_unit_test(memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
