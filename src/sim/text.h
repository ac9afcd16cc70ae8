/* The simulator's own small text encoders: JSON strings, numbers, times. */
#ifndef MO_SIM_TEXT_H
#define MO_SIM_TEXT_H

#include "base/buf.h"

/* A JSON string with quotes; the text is UTF-8. */
void text_json(struct buf *out, const char *s);
/* The shortest decimal that reads back. */
void text_real(struct buf *out, double v);
/* v with so many decimals, zeros at the end left out; v is a number that was rounded to them. */
void text_fixed(struct buf *out, double v, int decimals);
void text_integer(struct buf *out, int64_t v);
/* RFC 3339 in UTC, with quotes. */
void text_time(struct buf *out, int64_t t_ns);
/* "2026-11-22 08:03:10" nine hours east of UTC. */
void text_local(struct buf *out, int64_t t_ns);

#endif
