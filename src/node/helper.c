/*            call: start()                  fail(): died, silent, wrong
 *   STOPPED ---------------> RUNNING ----------------------------------> STOPPED
 *      ^                        |
 *      |   reap(): it has ended | helper_tick(): idle, stream closed
 *      +------------------- ENDING
 *
 * RUNNING: a child and our end of the stream. ENDING: the child reads the end of
 * its stream and goes; somebody has to wait for it, the next tick or call. */
#include "node/helper.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/civil.h"
#include "helper/wire.h"
#include "node/priv/helper_limit.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/net.h"
#include "os/proc.h"
#include "os/vfs.h"

#define PROGRAM "moru-helper"
#define LOCK_STEP_NS (2 * NS_PER_MS) /* how often a call that waits for another looks again */
#define REQUEST_BYTES (4 + 1 + 2 + HELPER_HASH_TEXT_MAX + HELPER_PASSWORD_MAX)

enum helper_state { HELPER_STOPPED, HELPER_RUNNING, HELPER_ENDING, HELPER_STATES };

struct helper {
	pthread_mutex_t mu; /* all below but path */
	char *path;
	enum helper_state state;
	_Atomic pid_t pid; /* 0: STOPPED; also read without the mutex */
	int fd;
	int64_t used_ns;  /* monotonic: end of the last call */
	struct buf frame; /* request, then answer */
};

static void set_state(struct helper *h, enum helper_state to)
{
	static const bool allowed[HELPER_STATES][HELPER_STATES] = {
	        [HELPER_STOPPED] = {[HELPER_RUNNING] = true},
	        [HELPER_RUNNING] = {[HELPER_STOPPED] = true, [HELPER_ENDING] = true},
	        [HELPER_ENDING] = {[HELPER_STOPPED] = true},
	};
	assert(allowed[h->state][to]);
	h->state = to;
}

int helper_new(struct helper **ret, const char *path)
{
	struct helper *h = calloc(1, sizeof *h);
	char *dir = path ? NULL : proc_self_dir();
	int err = MO_ENOMEM;
	if (!h)
		goto end;
	h->fd = -1;
	buf_init(&h->frame, HELPER_FRAME_MAX + 4);
	h->path = path ? strdup(path) : dir ? vfs_join(dir, PROGRAM) : NULL;
	if (!path && !dir)
		err = MO_EIO;
	if (!h->path || pthread_mutex_init(&h->mu, NULL) != 0) {
		free(h->path);
		free(h);
		goto end;
	}
	*ret = h;
	err = 0;
end:
	free(dir);
	return err;
}

static void close_stream(struct helper *h)
{
	net_close(h->fd);
	h->fd = -1;
}

/* RUNNING or ENDING -> STOPPED, whatever the child is doing. */
static void stop_now(struct helper *h)
{
	int status = 0;
	close_stream(h);
	int err = proc_kill(h->pid, SIGKILL);
	if (!err)
		err = proc_wait(h->pid, &status, true);
	assert(err == 0 || err == MO_ENOENT); /* not being there any more is what is wanted */
	h->pid = 0;
	set_state(h, HELPER_STOPPED);
}

/* -> STOPPED when the child is gone by itself. */
static void reap(struct helper *h)
{
	int status = 0;
	if (h->state == HELPER_STOPPED || proc_wait(h->pid, &status, false) == MO_EAGAIN)
		return;
	close_stream(h);
	h->pid = 0;
	set_state(h, HELPER_STOPPED);
}

void helper_free(struct helper *h)
{
	if (!h)
		return;
	if (h->state != HELPER_STOPPED)
		stop_now(h);
	buf_free(&h->frame);
	free(h->path);
	(void)pthread_mutex_destroy(&h->mu);
	free(h);
}

/* ---- one call ---- */
static int say(struct helper *h, struct diag *d, int err, enum mo_msg msg)
{
	(void)diag_set(d, err, msg);
	diag_file(d, h->path);
	return err;
}

/* STOPPED -> RUNNING */
static int start(struct helper *h, struct diag *d)
{
	const char *argv[] = {h->path, "serve", NULL};
	int theirs;
	/* One stream both ways: a write to a dead helper is an error, not a signal. */
	int err = net_pair(&h->fd, &theirs);
	if (err)
		return say(h, d, MO_EIO, MSG_HELPER_NOT_STARTED);
	pid_t pid;
	struct proc_spawn s = {.path = h->path,
	        .argv = argv,
	        .fd_in = theirs,
	        .fd_out = theirs,
	        .fd_err = -1,
	        .memory_limit_bytes = HELPER_LIMIT_BYTES,
	        .die_with_parent = true};
	err = proc_spawn(&pid, &s);
	net_close(theirs);
	if (err) {
		close_stream(h);
		return say(h, d, MO_EIO, MSG_HELPER_NOT_STARTED);
	}
	h->pid = pid;
	set_state(h, HELPER_RUNNING);
	return 0;
}

/* Until the stream is ready or the deadline passed. */
static int await(struct helper *h, bool write, int64_t deadline_ns)
{
	struct net_poll p = {.fd = h->fd, .want_read = !write, .want_write = write};
	int64_t left = deadline_ns - mono_now();
	size_t ready;
	return left <= 0 ? MO_ETIMEOUT : net_poll(&p, 1, left, &ready);
}

static int send_all(struct helper *h, struct span s, int64_t deadline_ns)
{
	int err = 0;
	while (s.n && !err) {
		size_t n;
		err = net_write(h->fd, s.p, s.n, &n);
		if (!err)
			s = span_sub(s, n, s.n);
		else if (err == MO_EAGAIN)
			err = await(h, true, deadline_ns);
	}
	return err;
}

/* Exactly n more bytes onto h->frame. */
static int receive(struct helper *h, size_t n, int64_t deadline_ns)
{
	int err = 0;
	while (n && !err) {
		uint8_t *p = buf_reserve(&h->frame, n);
		size_t k;
		if (!p)
			return MO_ENOMEM;
		err = net_read(h->fd, p, n, &k);
		if (!err && k == 0) {
			err = MO_EIO;
		} else if (!err) {
			h->frame.n += k;
			n -= k;
		} else if (err == MO_EAGAIN) {
			err = await(h, false, deadline_ns);
		}
	}
	return err;
}

/* The request in h->frame is sent; its answer's op and payload are *ret, which lives in h->frame. */
static int exchange(struct helper *h, struct span *ret, int64_t deadline_ns)
{
	int err = send_all(h, buf_span(&h->frame), deadline_ns);
	if (err)
		return err;
	crypto_wipe(h->frame.p, h->frame.n);
	buf_reset(&h->frame);
	err = receive(h, 4, deadline_ns);
	if (err)
		return err;
	struct rd r = rd_of(buf_span(&h->frame));
	uint32_t n = rd_u32(&r);
	if (n == 0 || n > HELPER_FRAME_MAX)
		return MO_EPROTO;
	err = receive(h, n, deadline_ns);
	if (!err)
		*ret = span_sub(buf_span(&h->frame), 4, n);
	return err;
}

/* What the caller hears of an exchange that failed; the helper is ended. */
static int fail(struct helper *h, int err, struct diag *d)
{
	stop_now(h);
	switch (err) {
	case MO_ETIMEOUT:
		return say(h, d, MO_ETIMEOUT, MSG_HELPER_SILENT);
	case MO_EPROTO:
		return say(h, d, MO_EPROTO, MSG_HELPER_CONFUSED);
	case MO_ENOMEM:
		return say(h, d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	default:
		return say(h, d, MO_EIO, MSG_HELPER_DIED);
	}
}

/* What the helper itself refused; it lives on. */
static int refused(struct helper *h, struct span payload, struct diag *d)
{
	int err = payload.n == 1 ? -(int)payload.p[0] : 0;
	switch (err) {
	case MO_ENOMEM:
		return say(h, d, err, MSG_HELPER_MEMORY);
	case MO_ELIMIT:
		return say(h, d, err, MSG_HELPER_TOO_LONG);
	case MO_EINVAL:
		return say(h, d, err, MSG_HELPER_NOT_A_HASH);
	case MO_EIO:
		return say(h, d, err, MSG_HELPER_FAILED);
	default:
		return fail(h, MO_EPROTO, d);
	}
}

/* The op and payload in h->frame (behind four bytes for the length) are asked. */
static int call(struct helper *h, uint8_t op, struct span *ret, int64_t deadline_ns, struct diag *d)
{
	struct span answer;
	if (h->frame.err)
		return say(h, d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	size_t n = h->frame.n - 4;
	for (unsigned i = 0; i < 4; i++)
		h->frame.p[i] = (uint8_t)(n >> 8 * i);
	/* One that died since, or is on its way out, is replaced without a word. */
	reap(h);
	if (h->state == HELPER_ENDING)
		stop_now(h);
	int err = h->state == HELPER_STOPPED ? start(h, d) : 0;
	if (err)
		return err;
	err = exchange(h, &answer, deadline_ns);
	if (err)
		return fail(h, err, d);
	*ret = span_sub(answer, 1, answer.n);
	if (answer.p[0] == HELPER_ERROR)
		return refused(h, *ret, d);
	return answer.p[0] == op ? 0 : fail(h, MO_EPROTO, d);
}

/* pthread_mutex_timedlock() goes by the wall clock, which may jump; calls are rare and long enough for looking again. */
static int lock_until(struct helper *h, int64_t deadline_ns, struct diag *d)
{
	while (pthread_mutex_trylock(&h->mu) != 0) {
		if (mono_now() >= deadline_ns)
			return say(h, d, MO_ETIMEOUT, MSG_HELPER_SILENT);
		mono_sleep(LOCK_STEP_NS);
	}
	return 0;
}

/* Waits for its turn and begins a request in h->frame: all its room at once, so that no password stays behind in memory that grew. */
static int begin(struct helper *h, enum helper_op op, struct span password, int64_t deadline_ns, struct diag *d)
{
	if (password.n > HELPER_PASSWORD_MAX)
		return say(h, d, MO_ELIMIT, MSG_HELPER_TOO_LONG);
	int err = lock_until(h, deadline_ns, d);
	if (err)
		return err;
	buf_reset(&h->frame);
	(void)buf_reserve(&h->frame, REQUEST_BYTES);
	buf_u32(&h->frame, 0);
	buf_addc(&h->frame, (uint8_t)op);
	return 0;
}

static int64_t deadline_after(int64_t timeout_ns)
{
	int64_t at;
	return __builtin_add_overflow(mono_now(), timeout_ns, &at) ? INT64_MAX : at;
}

static void finish(struct helper *h)
{
	if (h->frame.p)
		crypto_wipe(h->frame.p, h->frame.cap);
	h->used_ns = mono_now();
	(void)pthread_mutex_unlock(&h->mu);
}

int helper_hash(struct helper *h, struct buf *ret_text, struct span password, int64_t timeout_ns, struct diag *d)
{
	int64_t deadline_ns = deadline_after(timeout_ns);
	struct span answer;
	int err = begin(h, HELPER_HASH, password, deadline_ns, d);
	if (err)
		return err;
	buf_add(&h->frame, password);
	err = call(h, HELPER_HASH, &answer, deadline_ns, d);
	if (!err && (answer.n == 0 || answer.n > HELPER_HASH_TEXT_MAX))
		err = fail(h, MO_EPROTO, d);
	if (!err) {
		buf_add(ret_text, answer);
		err = ret_text->err ? say(h, d, ret_text->err, MSG_OUT_OF_MEMORY) : 0;
	}
	finish(h);
	return err;
}

int helper_verify(struct helper *h, bool *ret, struct span text, struct span password, int64_t timeout_ns, struct diag *d)
{
	int64_t deadline_ns = deadline_after(timeout_ns);
	struct span answer;
	if (text.n > HELPER_HASH_TEXT_MAX)
		return say(h, d, MO_EINVAL, MSG_HELPER_NOT_A_HASH);
	int err = begin(h, HELPER_VERIFY, password, deadline_ns, d);
	if (err)
		return err;
	buf_u16(&h->frame, (uint16_t)text.n);
	buf_add(&h->frame, text);
	buf_add(&h->frame, password);
	err = call(h, HELPER_VERIFY, &answer, deadline_ns, d);
	if (!err && (answer.n != 1 || answer.p[0] > 1))
		err = fail(h, MO_EPROTO, d);
	if (!err)
		*ret = answer.p[0] == 1;
	finish(h);
	return err;
}

void helper_tick(struct helper *h, int64_t mono_ns)
{
	if (pthread_mutex_trylock(&h->mu) != 0)
		return;
	reap(h);
	if (h->state == HELPER_RUNNING && mono_ns - h->used_ns >= HELPER_IDLE_NS) {
		close_stream(h);
		set_state(h, HELPER_ENDING);
	}
	(void)pthread_mutex_unlock(&h->mu);
}

pid_t helper_pid(const struct helper *h)
{
	return h->pid;
}
