/* Manifests of snapshots: one JSON object whose last member is the SHA-256 of
 * all bytes before the comma in front of it (docs/formats/backup.md). The
 * digest is checked before anything is read; what is read is checked all the
 * same, as a path decides where a restore writes. */
#include <stdlib.h>

#include "base/civil.h"
#include "base/num.h"
#include "codec/json.h"
#include "codec/text.h"
#include "node/archive.h"
#include "os/crypto.h"

#define HEX 64u
#define TAIL_HEAD ",\"sha256\":\""
#define TAIL_BYTES (sizeof TAIL_HEAD - 1 + HEX + 3) /* and "} and a line end */
#define NAME_MAX_BYTES 32u

void archive_snapshot_init(struct archive_snapshot *s)
{
	*s = (struct archive_snapshot){.folder_version = 0};
	map_init(&s->by_path);
}

void archive_snapshot_free(struct archive_snapshot *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->file[i].path);
		free(s->file[i].key);
	}
	free(s->file);
	map_free(&s->by_path);
	archive_snapshot_init(s);
}

static bool is_name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool archive_is_path(struct span path)
{
	size_t names = 1, length = 0;
	if (path.n == 0 || path.n > ARCHIVE_PATH_MAX)
		return false;
	for (size_t i = 0; i < path.n; i++) {
		uint8_t c = path.p[i];
		if (c == '/') {
			if (length == 0 || ++names > 3)
				return false;
			length = 0;
			continue;
		}
		if (!is_name_byte(c) || (length == 0 && c == '.'))
			return false;
		length++;
	}
	return length > 0;
}

int archive_id_time(int64_t *ret_ns, struct span id)
{
	static const uint8_t at[] = {0, 4, 6, 8, 10, 12, 14};
	int64_t v[6];
	for (size_t i = 0; i < 6; i++)
		if (num_i64(&v[i], span_sub(id, at[i], (size_t)(at[i + 1] - at[i]))) != 0)
			return MO_EINVAL;
	struct civil c = {.year = (int32_t)v[0], .month = (uint8_t)v[1], .day = (uint8_t)v[2], .hour = (uint8_t)v[3], .minute = (uint8_t)v[4],
		.second = (uint8_t)v[5]};
	return civil_to_ns(ret_ns, &c);
}

bool archive_is_id(struct span id)
{
	int64_t t;
	if (id.n != ARCHIVE_ID - 1)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		uint8_t c = id.p[i];
		bool digit = c >= '0' && c <= '9', hex = digit || (c >= 'a' && c <= 'f');
		if (i == 14 ? c != '-' : i < 14 ? !digit : !hex)
			return false;
	}
	return archive_id_time(&t, id) == 0;
}

static char *copy_text(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = malloc(n);
	if (p)
		memcpy(p, s, n);
	return p;
}

int archive_add(struct archive_snapshot *s, const struct archive_file *f)
{
	struct span path = span_str(f->path);
	if (!archive_is_path(path) || strlen(f->key) > ARCHIVE_KEY_MAX || f->chunk_bytes < ARCHIVE_CHUNK_MIN || f->chunk_bytes > ARCHIVE_CHUNK_MAX)
		return MO_EINVAL;
	if (f->size_bytes > INT64_MAX || archive_pieces(f) > ARCHIVE_PIECE_MAX / 32 || s->n >= ARCHIVE_FILES_MAX)
		return MO_ELIMIT;
	if (map_get(&s->by_path, path))
		return MO_EEXIST;
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct archive_file *p = realloc(s->file, cap * sizeof *p);
		if (!p)
			return MO_ENOMEM;
		s->file = p;
		s->cap = cap;
	}
	struct archive_file *to = &s->file[s->n];
	*to = *f;
	to->path = copy_text(f->path);
	to->key = copy_text(f->key);
	int err = to->path && to->key ? map_put(&s->by_path, path, s->n) : MO_ENOMEM;
	if (err != 0) {
		free(to->path);
		free(to->key);
		return err;
	}
	s->n++;
	return 0;
}

const struct archive_file *archive_find(const struct archive_snapshot *s, const char *path)
{
	const uint64_t *at = map_get(&s->by_path, span_str(path));
	return at ? &s->file[*at] : NULL;
}

/* ---- writing ---- */

static void write_hex(struct json_writer *w, const uint8_t digest[32])
{
	struct buf b;
	buf_init(&b, 0);
	hex_encode(&b, span_of(digest, 32));
	if (b.err)
		w->out->err = b.err;
	jw_str(w, buf_span(&b));
	buf_free(&b);
}

static void write_file(struct json_writer *w, const struct archive_file *f)
{
	jw_object(w);
	jw_key(w, "path");
	jw_cstr(w, f->path);
	jw_key(w, "size");
	jw_u64(w, f->size_bytes);
	jw_key(w, "mode");
	jw_cstr(w, f->secret ? "0600" : "0640");
	jw_key(w, "sha256");
	write_hex(w, f->sha256);
	jw_key(w, "chunk");
	jw_u64(w, f->chunk_bytes);
	jw_key(w, "list");
	if (f->size_bytes > f->chunk_bytes)
		write_hex(w, f->list);
	else
		jw_null(w);
	jw_key(w, "key");
	jw_cstr(w, f->key);
	jw_object_end(w);
}

int archive_manifest_write(const struct archive_snapshot *s, struct buf *out)
{
	struct json_writer w;
	char node[UUID_TEXT];
	uint8_t digest[32];
	buf_reset(out);
	json_writer_init(&w, out);
	uuid_format(node, &s->node);
	jw_object(&w);
	jw_key(&w, "moru_snapshot");
	jw_u64(&w, ARCHIVE_VERSION);
	jw_key(&w, "id");
	jw_cstr(&w, s->id);
	jw_key(&w, "node");
	jw_cstr(&w, node);
	jw_key(&w, "folder_version");
	jw_i64(&w, s->folder_version);
	jw_key(&w, "program");
	jw_cstr(&w, s->program);
	jw_key(&w, "time");
	jw_time(&w, s->t_ns);
	jw_key(&w, "keys");
	jw_bool(&w, s->keys);
	jw_key(&w, "files");
	jw_array(&w);
	for (size_t i = 0; i < s->n; i++) {
		buf_addc(out, '\n'); /* white space, for people */
		write_file(&w, &s->file[i]);
	}
	jw_array_end(&w);
	int err = out->err ? out->err : sha256_of(digest, buf_span(out));
	if (err != 0)
		return err;
	jw_key(&w, "sha256");
	write_hex(&w, digest);
	jw_object_end(&w);
	buf_addc(out, '\n');
	return out->err;
}

/* ---- reading ---- */

struct reading {
	struct json_reader *r;
	struct archive_snapshot *s;
	enum json_token t;
	struct span text; /* of the last token */
	struct buf path, key;
	unsigned seen; /* members, a bit each */
};

static int token(struct reading *q)
{
	int err = json_next(q->r, &q->t, &q->text, NULL);
	return err == MO_ENOMEM ? err : err != 0 || q->t == JSON_MORE || q->t == JSON_DONE ? MO_ECORRUPT : 0;
}

/* The value that the last token begins is passed over. */
static int skip(struct reading *q)
{
	unsigned depth = 0;
	int err = 0;
	for (;;) {
		if (q->t == JSON_OBJECT || q->t == JSON_ARRAY)
			depth++;
		else if (q->t == JSON_OBJECT_END || q->t == JSON_ARRAY_END)
			depth--;
		if (depth == 0)
			return 0;
		if ((err = token(q)) != 0)
			return err;
	}
}

static int get_u64(const struct reading *q, uint64_t *ret) { return q->t == JSON_NUMBER && num_u64(ret, q->text) == 0 ? 0 : MO_ECORRUPT; }

static int get_digest(const struct reading *q, uint8_t out[32])
{
	struct buf b;
	int err = MO_ECORRUPT;
	buf_init(&b, 0);
	if (q->t == JSON_STRING && q->text.n == HEX) {
		err = hex_decode(&b, q->text);
		if (err == 0 && b.n == 32)
			memcpy(out, b.p, 32);
		else
			err = err == MO_ENOMEM ? err : MO_ECORRUPT;
	}
	buf_free(&b);
	return err;
}

static int get_text(const struct reading *q, struct buf *out, size_t max)
{
	if (q->t != JSON_STRING || q->text.n > max || memchr(q->text.p, 0, q->text.n))
		return MO_ECORRUPT;
	buf_reset(out);
	buf_add(out, q->text);
	buf_addc(out, 0);
	return out->err;
}

static int once(struct reading *q, unsigned bit)
{
	bool again = q->seen & bit;
	q->seen |= bit;
	return again ? MO_ECORRUPT : 0;
}

enum { F_PATH = 1, F_SIZE = 2, F_MODE = 4, F_SHA = 8, F_CHUNK = 16, F_LIST = 32, F_KEY = 64, F_ALL = 127 };

static int file_member(struct reading *q, const char *name, struct archive_file *f, bool *has_list)
{
	uint64_t v = 0;
	int err = 0;
	if (strcmp(name, "path") == 0) {
		if ((err = once(q, F_PATH)) == 0)
			err = get_text(q, &q->path, ARCHIVE_PATH_MAX);
	} else if (strcmp(name, "size") == 0) {
		if ((err = once(q, F_SIZE)) == 0)
			err = get_u64(q, &f->size_bytes);
	} else if (strcmp(name, "mode") == 0) {
		err = once(q, F_MODE);
		f->secret = q->t == JSON_STRING && span_is(q->text, "0600");
		if (err == 0 && !f->secret && !(q->t == JSON_STRING && span_is(q->text, "0640")))
			err = MO_ECORRUPT;
	} else if (strcmp(name, "sha256") == 0) {
		if ((err = once(q, F_SHA)) == 0)
			err = get_digest(q, f->sha256);
	} else if (strcmp(name, "chunk") == 0) {
		err = once(q, F_CHUNK);
		if (err == 0 && (err = get_u64(q, &v)) == 0 && (v < ARCHIVE_CHUNK_MIN || v > ARCHIVE_CHUNK_MAX))
			err = MO_ECORRUPT;
		f->chunk_bytes = (uint32_t)v;
	} else if (strcmp(name, "list") == 0) {
		err = once(q, F_LIST);
		*has_list = q->t != JSON_NULL;
		if (err == 0 && *has_list)
			err = get_digest(q, f->list);
	} else if (strcmp(name, "key") == 0) {
		if ((err = once(q, F_KEY)) == 0)
			err = get_text(q, &q->key, ARCHIVE_KEY_MAX);
	} else {
		err = skip(q);
	}
	return err;
}

/* Members of the object that has begun; each() takes one whose value has begun. */
static int members(struct reading *q, int (*each)(struct reading *q, const char *name, void *arg), void *arg)
{
	int err;
	while ((err = token(q)) == 0 && q->t == JSON_KEY) {
		char name[NAME_MAX_BYTES] = "";
		if (q->text.n < sizeof name && !memchr(q->text.p, 0, q->text.n)) /* longer than any that is known */
			memcpy(name, q->text.p, q->text.n);
		if ((err = token(q)) == 0)
			err = each(q, name, arg);
		if (err != 0)
			return err;
	}
	return err != 0 ? err : q->t == JSON_OBJECT_END ? 0 : MO_ECORRUPT;
}

struct file_reading {
	struct archive_file f;
	bool has_list;
};

static int on_file_member(struct reading *q, const char *name, void *arg)
{
	struct file_reading *k = arg;
	return file_member(q, name, &k->f, &k->has_list);
}

static int read_file(struct reading *q)
{
	struct file_reading k = {.has_list = false};
	unsigned outer = q->seen;
	q->seen = 0;
	int err = q->t == JSON_OBJECT ? members(q, on_file_member, &k) : MO_ECORRUPT;
	if (err == 0 && (q->seen != F_ALL || k.has_list != (k.f.size_bytes > k.f.chunk_bytes)))
		err = MO_ECORRUPT;
	q->seen = outer;
	if (err != 0)
		return err;
	k.f.path = (char *)q->path.p;
	k.f.key = (char *)q->key.p;
	err = archive_add(q->s, &k.f);
	return err == MO_ENOMEM || err == 0 ? err : MO_ECORRUPT;
}

enum { S_VERSION = 1, S_ID = 2, S_NODE = 4, S_FOLDER = 8, S_PROGRAM = 16, S_TIME = 32, S_KEYS = 64, S_FILES = 128, S_SHA = 256, S_ALL = 511 };

static int read_files(struct reading *q)
{
	int err = q->t == JSON_ARRAY ? token(q) : MO_ECORRUPT;
	while (err == 0 && q->t != JSON_ARRAY_END)
		if ((err = read_file(q)) == 0)
			err = token(q);
	return err;
}

static int on_member(struct reading *q, const char *name, void *arg)
{
	struct archive_snapshot *s = q->s;
	uint64_t v = 0;
	int err;
	(void)arg;
	if (strcmp(name, "moru_snapshot") == 0) {
		err = once(q, S_VERSION);
		if (err == 0 && (err = get_u64(q, &v)) == 0 && v != ARCHIVE_VERSION)
			err = v > ARCHIVE_VERSION ? MO_EVERSION : MO_ECORRUPT;
	} else if (strcmp(name, "id") == 0) {
		err = once(q, S_ID);
		if (err == 0 && q->t == JSON_STRING && archive_is_id(q->text))
			memcpy(s->id, q->text.p, ARCHIVE_ID - 1);
		else
			err = MO_ECORRUPT;
	} else if (strcmp(name, "node") == 0) {
		err = once(q, S_NODE);
		if (err == 0)
			err = q->t == JSON_STRING && uuid_parse(&s->node, q->text) == 0 ? 0 : MO_ECORRUPT;
	} else if (strcmp(name, "folder_version") == 0) {
		err = once(q, S_FOLDER);
		if (err == 0 && (err = get_u64(q, &v)) == 0 && (v < 1 || v > INT32_MAX))
			err = MO_ECORRUPT;
		s->folder_version = (int64_t)v;
	} else if (strcmp(name, "program") == 0) {
		err = once(q, S_PROGRAM);
		if (err == 0 && q->t != JSON_STRING)
			err = MO_ECORRUPT;
		if (err == 0)
			diag_copy(s->program, sizeof s->program, q->text);
	} else if (strcmp(name, "time") == 0) {
		err = once(q, S_TIME);
		if (err == 0)
			err = q->t == JSON_STRING && rfc3339_parse(&s->t_ns, q->text) == 0 ? 0 : MO_ECORRUPT;
	} else if (strcmp(name, "keys") == 0) {
		err = once(q, S_KEYS);
		if (err == 0 && q->t != JSON_TRUE && q->t != JSON_FALSE)
			err = MO_ECORRUPT;
		s->keys = q->t == JSON_TRUE;
	} else if (strcmp(name, "files") == 0) {
		if ((err = once(q, S_FILES)) == 0)
			err = read_files(q);
	} else if (strcmp(name, "sha256") == 0) {
		err = once(q, S_SHA);
	} else {
		err = skip(q);
	}
	return err;
}

/* The digest at the end is that of what stands before it. */
static int check_tail(struct span text)
{
	uint8_t digest[32];
	struct buf b;
	if (text.n < TAIL_BYTES)
		return MO_ECORRUPT;
	struct span tail = span_sub(text, text.n - TAIL_BYTES, TAIL_BYTES), hex = span_sub(tail, sizeof TAIL_HEAD - 1, HEX);
	if (!span_starts(tail, TAIL_HEAD) || !span_is(span_sub(tail, sizeof TAIL_HEAD - 1 + HEX, 3), "\"}\n"))
		return MO_ECORRUPT;
	int err = sha256_of(digest, span_sub(text, 0, text.n - TAIL_BYTES));
	buf_init(&b, 0);
	hex_encode(&b, span_of(digest, 32));
	if (err == 0)
		err = b.err ? b.err : span_eq(buf_span(&b), hex) ? 0 : MO_ECORRUPT;
	buf_free(&b);
	return err;
}

int archive_manifest_read(struct archive_snapshot *ret, struct span text, const char *name, struct diag *d)
{
	struct archive_snapshot s;
	struct reading q = {.s = &s};
	archive_snapshot_init(&s);
	buf_init(&q.path, 0);
	buf_init(&q.key, 0);
	int err = check_tail(text);
	if (err == 0)
		err = json_reader_new(&q.r, false);
	if (err == 0) {
		json_feed(q.r, text);
		json_end(q.r);
		err = token(&q);
	}
	if (err == 0)
		err = q.t == JSON_OBJECT ? members(&q, on_member, NULL) : MO_ECORRUPT;
	if (err == 0 && q.seen != S_ALL)
		err = MO_ECORRUPT;
	if (err == 0 && (json_next(q.r, &q.t, &q.text, NULL) != 0 || q.t != JSON_DONE))
		err = MO_ECORRUPT;
	json_reader_free(q.r);
	buf_free(&q.path);
	buf_free(&q.key);
	if (err == 0) {
		*ret = s;
		return 0;
	}
	archive_snapshot_free(&s);
	if (err == MO_ENOMEM)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	diag_set(d, err, err == MO_EVERSION ? MSG_BACKUP_NEWER : MSG_BACKUP_SNAPSHOT_DAMAGED);
	diag_file(d, name);
	return err;
}
