#include "api/priv/upload.h"

#include <stdlib.h>

#include "os/crypto.h"

struct upload {
	struct work work; /* first */
	struct loop_post post;
	struct api_call *c;
	const struct upload_to *ops;
	struct span said; /* the arena's */
	void *to;
	struct buf gathering, piece;
	bool begun, busy, ended, last, paused, failed;
	int err;
};

static void upload_over(void *arg);

static void upload_work(struct work *w, struct store_reader *r)
{
	struct upload *u = (struct upload *)w;
	struct api_call *c = u->c;
	int err = u->begun ? 0 : u->ops->begin(c, u->said, &u->to);
	u->begun = true;
	if (err == 0 && u->piece.n)
		err = u->ops->piece(c, u->to, buf_span(&u->piece));
	if (err == 0 && u->last) {
		c->reader = r;
		err = u->ops->end(c, &u->to);
		c->reader = NULL;
	}
	/* Before the answer: what was refused has left nothing then, and the loop waits for no disk. */
	if (err != 0 || u->last) {
		u->ops->drop(u->to);
		u->to = NULL;
	}
	u->err = err;
	u->post.fn = upload_over;
	u->post.arg = u;
	loop_post(node_loop(c->node), &u->post);
}

static void upload_send(struct upload *u)
{
	struct buf t = u->piece;
	u->piece = u->gathering;
	u->gathering = t;
	u->last = u->ended;
	u->busy = true;
	u->c->away = true;
	u->work.fn = upload_work;
	if (node_work(u->c->node, &u->work) != 0) {
		u->err = diag_set(u->c->d, MO_EAGAIN, MSG_API_BUSY);
		upload_over(u);
	}
}

static void upload_over(void *arg)
{
	struct upload *u = arg;
	struct api_call *c = u->c;
	u->busy = false;
	c->away = false; /* until the next piece is handed over */
	buf_reset(&u->piece);
	u->failed |= u->err != 0;
	if (c->dead && !u->ended) {
		api_finish(c, 0);
		return;
	}
	if (u->failed && !u->ended) {
		/* The rest of the file is read and dropped; end() answers. */
		buf_reset(&u->gathering);
		if (u->paused)
			http_resume(c->pass.x);
		u->paused = false;
		return;
	}
	if (u->failed || (u->ended && u->last)) {
		if (u->failed)
			c->status = 0;
		api_finish(c, u->failed ? u->err ? u->err : MO_EIO : 0);
		return;
	}
	if (u->paused && u->gathering.n < UPLOAD_WAITING) {
		u->paused = false;
		if (!c->dead)
			http_resume(c->pass.x);
	}
	if (u->ended || u->gathering.n >= UPLOAD_PIECE)
		upload_send(u);
}

int upload_begin(struct api_call *c, const struct upload_to *to, struct span said)
{
	struct upload *u = calloc(1, sizeof *u);
	if (u)
		u->said = arena_dup(&c->arena, said);
	if (!u || (said.n && !u->said.p)) {
		free(u);
		return diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	}
	u->c = c;
	u->ops = to;
	c->own = u;
	return 0;
}

int upload_piece(struct api_call *c, struct span bytes)
{
	struct upload *u = c->own;
	if (u->failed)
		return 0;
	buf_add(&u->gathering, bytes);
	if (u->gathering.err) {
		u->failed = true;
		u->err = diag_set(c->d, u->gathering.err, MSG_OUT_OF_MEMORY);
		return 0;
	}
	if (!u->busy && u->gathering.n >= UPLOAD_PIECE)
		upload_send(u);
	if (u->gathering.n < UPLOAD_WAITING)
		return 0;
	u->paused = true;
	return MO_EAGAIN;
}

int upload_end(struct api_call *c)
{
	struct upload *u = c->own;
	u->ended = true;
	if (u->failed && !u->busy) {
		c->away = false;
		return u->err ? u->err : MO_EIO;
	}
	if (!u->busy)
		upload_send(u);
	return 0;
}

/* What came may be about a person. */
static void wipe(struct buf *b)
{
	if (b->p)
		crypto_wipe(b->p, b->cap);
	buf_free(b);
}

void upload_drop(struct api_call *c)
{
	struct upload *u = c->own;
	if (!u)
		return;
	u->ops->drop(u->to);
	wipe(&u->gathering);
	wipe(&u->piece);
	free(u);
	c->own = NULL;
}
