/* Makes TZif bytes, so that tests need no files of the machine. */
#ifndef MO_TESTS_TZIF_H
#define MO_TESTS_TZIF_H

#include "base/buf.h"

struct tzif_time {
	int64_t at_s;
	uint8_t type;
};
struct tzif_spec {
	uint8_t version; /* 0 (version 1), '2', '3', '4' */
	const struct tzif_time *times;
	uint32_t n_times;
	const int32_t *offsets; /* of each type */
	uint32_t n_types;
	const char *footer; /* without its newlines */
};

static inline void tzif_be(struct buf *b, int64_t v, unsigned bytes)
{
	while (bytes-- > 0)
		buf_addc(b, (uint8_t)((uint64_t)v >> (8 * bytes)));
}

static inline void tzif_block(struct buf *b, const struct tzif_spec *s, unsigned width)
{
	static const uint8_t zeros[15];
	buf_adds(b, "TZif");
	buf_addc(b, s->version);
	buf_add(b, span_of(zeros, sizeof zeros));
	tzif_be(b, 0, 4); /* UT and standard indicators, leap seconds */
	tzif_be(b, 0, 4);
	tzif_be(b, 0, 4);
	tzif_be(b, s->n_times, 4);
	tzif_be(b, s->n_types, 4);
	tzif_be(b, 4, 4);
	for (uint32_t i = 0; i < s->n_times; i++)
		tzif_be(b, s->times[i].at_s, width);
	for (uint32_t i = 0; i < s->n_times; i++)
		buf_addc(b, s->times[i].type);
	for (uint32_t i = 0; i < s->n_types; i++) {
		tzif_be(b, s->offsets[i], 4);
		buf_addc(b, 0);
		buf_addc(b, 0);
	}
	buf_add(b, SPAN_LIT("XXX\0"));
}

static inline void tzif_make(struct buf *b, const struct tzif_spec *s)
{
	tzif_block(b, s, 4);
	if (s->version == 0)
		return;
	tzif_block(b, s, 8);
	buf_addc(b, '\n');
	buf_adds(b, s->footer);
	buf_addc(b, '\n');
}

#endif
