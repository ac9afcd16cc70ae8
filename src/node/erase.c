/* See erase.h. */
#include "node/erase.h"

#include <stdlib.h>

#include "os/crypto.h"

#define TRIES 8u /* an erasure while a backup ends is rare; more than a few in a row are none */

struct keys_text {
	uint8_t *p;
	size_t n;
};

static void text_free(struct keys_text *t)
{
	if (t->p)
		crypto_wipe(t->p, t->n);
	free(t->p);
	*t = (struct keys_text){NULL, 0};
}

static int damaged(struct diag *d, const char *path)
{
	diag_set(d, MO_ECORRUPT, MSG_BACKUP_KEYS_DAMAGED);
	diag_file(d, path);
	return MO_ECORRUPT;
}

/* MO_ECORRUPT unless it is whole: what is damaged is not spread. */
static int read_keys(struct erase_target *ret, struct span text, const char *path, struct diag *d)
{
	bool hurt = false;
	int err = people_keys_read(&ret->keys, &ret->n, &hurt, text);
	if (err == 0 && hurt) {
		erase_target_free(ret);
		err = MO_ECORRUPT;
	}
	if (err == MO_ECORRUPT)
		return damaged(d, path);
	if (err != 0) {
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_STORE_PEOPLE_NEWER);
		diag_file(d, path);
	}
	return err;
}

void erase_target_free(struct erase_target *t)
{
	people_keys_free(t->keys, t->n);
	*t = (struct erase_target){NULL, 0};
}

/* MO_ENOENT: there is none that may go out. */
static int slurp_own(struct keys_text *ret, struct vfs *vfs, const struct folder *f, struct diag *d)
{
	struct vfs_stat st;
	struct erase_target look = {NULL, 0};
	char *path = folder_path(f, PEOPLE_FILE), *bad = folder_path(f, PEOPLE_BAD);
	int err = path && bad ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0) {
		err = vfs_stat(vfs, bad, &st);
		err = err == MO_ENOENT ? 0 : err == 0 ? MO_ENOENT : err;
		if (err != 0 && err != MO_ENOENT)
			diag_set(d, err, MSG_FOLDER_READ);
	}
	if (err == 0) {
		err = vfs_stat(vfs, path, &st);
		if (err == 0)
			err = vfs_slurp(vfs, &ret->p, &ret->n, path, PEOPLE_FILE_MAX, d);
		else if (err != MO_ENOENT)
			diag_set(d, err, MSG_FOLDER_READ);
	}
	if (err == 0)
		err = read_keys(&look, span_of(ret->p, ret->n), path, d);
	if (err != 0 && err != MO_ENOENT)
		diag_file(d, path ? path : f->path);
	if (err != 0)
		text_free(ret);
	erase_target_free(&look);
	free(path);
	free(bad);
	return err;
}

int erase_put_keys(struct archive *a, struct vfs *vfs, const struct folder *f, struct diag *d)
{
	struct keys_text last = {NULL, 0}, now = {NULL, 0};
	int err = slurp_own(&last, vfs, f, d);
	for (unsigned i = 0; err == 0; i++) {
		if ((err = archive_put_keys(a, span_of(last.p, last.n), d)) != 0 || (err = slurp_own(&now, vfs, f, d)) != 0)
			break;
		if (span_eq(span_of(last.p, last.n), span_of(now.p, now.n)))
			break;
		text_free(&last);
		last = now;
		now = (struct keys_text){NULL, 0};
		if (i == TRIES)
			err = damaged(d, PEOPLE_FILE);
	}
	text_free(&last);
	text_free(&now);
	return err == MO_ENOENT ? 0 : err;
}

int erase_read_keys(struct erase_target *ret, struct archive *a, struct diag *d)
{
	struct keys_text text = {NULL, 0};
	struct erase_target got = {NULL, 0};
	int err = archive_get_keys(a, &text.p, &text.n, d);
	if (err == 0)
		err = read_keys(&got, span_of(text.p, text.n), archive_path(a), d);
	else if (err == MO_ENOENT)
		err = 0;
	text_free(&text);
	if (err == 0)
		*ret = got;
	return err;
}

int erase_reach(struct erase_target *ret, struct vfs *vfs, const struct folder *f, const char *target, struct diag *d)
{
	struct archive *a = NULL;
	int err = archive_open(&a, vfs, target, ARCHIVE_WRITE, &f->id, d);
	if (err == 0)
		err = erase_put_keys(a, vfs, f, d);
	if (err == 0)
		err = erase_read_keys(ret, a, d);
	archive_close(a);
	return err;
}

int erase_restore_keys(struct archive *a, struct vfs *vfs, const char *dir, struct diag *d)
{
	struct keys_text text = {NULL, 0};
	struct erase_target look = {NULL, 0};
	char *path = vfs_join(dir, PEOPLE_FILE);
	int err = path ? archive_get_keys(a, &text.p, &text.n, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0)
		err = read_keys(&look, span_of(text.p, text.n), archive_path(a), d);
	if (err == 0)
		err = vfs_replace(vfs, path, span_of(text.p, text.n), true, d);
	erase_target_free(&look);
	text_free(&text);
	free(path);
	return err == MO_ENOENT ? 0 : err;
}
