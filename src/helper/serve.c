#include "helper/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/password.h"
#include "helper/wire.h"
#include "os/crypto.h"

#define STATUS_DONE 0
#define STATUS_BROKEN 1
#define STATUS_FRAMING 2

static int answer_verify(struct buf *out, struct span payload)
{
	struct rd r = rd_of(payload);
	struct span text = rd_bytes(&r, rd_u16(&r)), password = rd_bytes(&r, rd_left(&r));
	bool same;
	if (!r.ok)
		return MO_EINVAL;
	int err = password_verify(&same, text, password);
	if (!err)
		buf_addc(out, same);
	return err;
}

void serve_answer(struct buf *out, struct span request)
{
	size_t begin = out->n;
	uint8_t op = request.n ? request.p[0] : HELPER_ERROR;
	struct span payload = span_sub(request, 1, request.n);
	int err = MO_EINVAL;
	buf_u32(out, 0); /* the length, once it is known */
	buf_addc(out, op);
	switch (op) {
	case HELPER_HASH:
		err = password_hash(out, payload);
		break;
	case HELPER_VERIFY:
		err = answer_verify(out, payload);
		break;
	default:
		break;
	}
	if (out->err)
		return;
	if (err) {
		out->n = begin + 4;
		buf_addc(out, HELPER_ERROR);
		buf_addc(out, (uint8_t)-err);
		if (out->err)
			return;
	}
	size_t n = out->n - begin - 4;
	for (unsigned i = 0; i < 4; i++)
		out->p[begin + i] = (uint8_t)(n >> 8 * i);
}

/* 1: all n bytes; 0: the stream ended before the first; -1: it ended or broke within. */
static int read_all(int fd, uint8_t *p, size_t n)
{
	size_t have = 0;
	while (have < n) {
		ssize_t k = read(fd, p + have, n - have);
		if (k > 0)
			have += (size_t)k;
		else if (k == 0 && have == 0)
			return 0;
		else if (k == 0 || errno != EINTR)
			return -1;
	}
	return 1;
}

static bool write_all(int fd, struct span s)
{
	while (s.n) {
		ssize_t k = write(fd, s.p, s.n);
		if (k < 0 && errno != EINTR)
			return false;
		s = span_sub(s, k > 0 ? (size_t)k : 0, s.n);
	}
	return true;
}

/* One request: -1 to go on, else the exit status. */
static int serve_one(int fd_in, int fd_out, uint8_t *request, struct buf *out)
{
	uint8_t head[4];
	int got = read_all(fd_in, head, sizeof head);
	if (got <= 0)
		return got == 0 ? STATUS_DONE : STATUS_FRAMING;
	uint32_t n = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
	if (n == 0 || n > HELPER_FRAME_MAX || read_all(fd_in, request, n) != 1)
		return STATUS_FRAMING;
	buf_reset(out);
	serve_answer(out, span_of(request, n));
	crypto_wipe(request, n);
	return !out->err && write_all(fd_out, buf_span(out)) ? -1 : STATUS_BROKEN;
}

int serve_run(int fd_in, int fd_out)
{
	struct buf out;
	uint8_t *request = malloc(HELPER_FRAME_MAX);
	int status = request ? -1 : STATUS_BROKEN;
	buf_init(&out, HELPER_FRAME_MAX + 4);
	while (status < 0)
		status = serve_one(fd_in, fd_out, request, &out);
	buf_free(&out);
	free(request);
	return status;
}
