/* chunked-body = *( chunk-size [ chunk-ext ] CRLF data CRLF ) "0" [ chunk-ext ] CRLF *( trailer CRLF ) CRLF
 * (RFC 9112, 7.1).
 *
 *   SIZE_FIRST --hex--> SIZE --;--> EXT --CR--> SIZE_LF --LF--> DATA --all--> DATA_CR -> DATA_LF -> SIZE_FIRST
 *                         `--CR--> SIZE_LF
 *   SIZE_LF after size 0 --LF--> LINE --CR--> END_LF --LF--> DONE
 *                                 `--name--> TRAILER --CR--> TRAILER_LF --LF--> LINE */
#include "codec/http1.h"

enum { SIZE_FIRST, SIZE, SIZE_WS, EXT, SIZE_LF, DATA, DATA_CR, DATA_LF, LINE, TRAILER_NAME, TRAILER, TRAILER_LF, END_LF, DONE };

void http1_chunked_init(struct http1_chunked *c)
{
	*c = (struct http1_chunked){.state = SIZE_FIRST};
}

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_text(uint8_t c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool is_name(uint8_t c)
{
	return c > 0x20 && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

/* One byte outside data. */
static int step(struct http1_chunked *c, uint8_t b)
{
	int v;
	switch (c->state) {
	case SIZE_FIRST:
	case SIZE:
		v = hex(b);
		if (v >= 0) {
			if (c->left >> 60)
				return MO_EPROTO;
			c->left = c->left << 4 | (uint64_t)v;
			c->state = SIZE;
			return 0;
		}
		if (c->state == SIZE_FIRST)
			return MO_EPROTO;
		/* fall through */
	case SIZE_WS:
		c->state = b == ';' ? EXT : b == ' ' || b == '\t' ? SIZE_WS : b == '\r' && c->state == SIZE ? SIZE_LF : -1;
		return c->state < 0 ? MO_EPROTO : 0;
	case EXT:
		if (b == '\r')
			c->state = SIZE_LF;
		return b == '\r' || is_text(b) ? 0 : MO_EPROTO;
	case SIZE_LF:
		c->state = c->left ? DATA : LINE;
		return b == '\n' ? 0 : MO_EPROTO;
	case DATA_CR:
		c->state = DATA_LF;
		return b == '\r' ? 0 : MO_EPROTO;
	case DATA_LF:
		c->state = SIZE_FIRST;
		return b == '\n' ? 0 : MO_EPROTO;
	case LINE:
		c->state = b == '\r' ? END_LF : TRAILER_NAME;
		return b == '\r' || is_name(b) ? 0 : MO_EPROTO;
	case TRAILER_NAME:
		if (b == ':')
			c->state = TRAILER;
		return b == ':' || is_name(b) ? 0 : MO_EPROTO;
	case TRAILER:
		if (b == '\r')
			c->state = TRAILER_LF;
		return b == '\r' || is_text(b) ? 0 : MO_EPROTO;
	case TRAILER_LF:
		c->state = LINE;
		return b == '\n' ? 0 : MO_EPROTO;
	default: /* END_LF */
		c->state = DONE;
		return b == '\n' ? 0 : MO_EPROTO;
	}
}

int http1_chunked_next(struct http1_chunked *c, struct span in, size_t *ret_eaten, struct span *ret_data, bool *ret_done)
{
	struct span data = {NULL, 0};
	size_t i = 0;
	while (i < in.n && c->state != DONE) {
		if (c->state == DATA) {
			size_t left = c->left < SIZE_MAX ? (size_t)c->left : SIZE_MAX;
			data = span_sub(in, i, left);
			i += data.n;
			c->left -= data.n;
			if (c->left == 0)
				c->state = DATA_CR;
			break;
		}
		if (c->state < 0)
			return MO_EPROTO;
		bool new_line = c->state == SIZE_LF || c->state == DATA_LF;
		int e = step(c, in.p[i++]);
		c->line_bytes = new_line ? 0 : c->line_bytes + 1;
		if (e == 0 && c->line_bytes > (c->state < LINE ? HTTP1_CHUNK_LINE_MAX : HTTP1_HEAD_MAX))
			e = MO_ELIMIT;
		if (e) {
			c->state = -1; /* stays refused */
			return e;
		}
	}
	if (c->state < 0)
		return MO_EPROTO;
	*ret_eaten = i;
	*ret_data = data;
	*ret_done = c->state == DONE;
	return 0;
}
