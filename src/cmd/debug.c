/* moru debug: any of our own files in words. The series engine shows its own;
 * what stands beside it in a folder is told apart by content, never shown
 * where it is a secret. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/num.h"
#include "cmd/cmd.h"
#include "codec/json.h"
#include "codec/text.h"
#include "node/archive.h"
#include "store/people.h"
#include "node/folder.h"
#include "os/clock.h"
#include "os/crash.h"
#include "os/crypto.h"
#include "os/pki.h"
#include "series/series.h"

#define HEAD_BYTES (64u << 10)
#define FORMAT_BYTES 32u

struct look {
	const struct cmd *c;
	const char *path;
	struct vfs_file *f;
	uint64_t size_bytes;
	struct span head; /* its first bytes */
	struct buf *out;
	struct diag *d;
};

static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }
static bool begins(struct span s, const char *text, size_t n) { return s.n >= n && memcmp(s.p, text, n) == 0; }

/* The name behind the last slash. */
static const char *name_of(const char *path) { return strrchr(path, '/') ? strrchr(path, '/') + 1 : path; }

/* The SQLite database file format: https://sqlite.org/fileformat2.html, 1.3 (header) and 4.1 (write-ahead log). */
static bool show_sqlite(struct look *l)
{
	const uint8_t *p = l->head.p;
	if (!begins(l->head, "SQLite format 3", 16) || l->head.n < 100)
		return false;
	uint32_t page = (uint32_t)p[16] << 8 | p[17];
	buf_printf(l->out, cmd_text(l->c, "저장소 (SQLite 데이터베이스): %llu바이트\n", "store (SQLite database): %llu bytes\n"), (unsigned long long)l->size_bytes);
	buf_printf(l->out, cmd_text(l->c, "  쪽 크기 %u, 쪽 %u개, 변경 횟수 %u\n", "  page size %u, %u pages, change counter %u\n"), page == 1 ? 65536 : page, be32(p + 28), be32(p + 24));
	buf_printf(l->out, cmd_text(l->c, "  스키마 판 %u, 응용 번호 0x%08x\n  내용은 `moru sql`로 봅니다\n", "  schema version %u, application id 0x%08x\n  see its rows by `moru sql`\n"), be32(p + 60),
		be32(p + 68));
	return true;
}

static bool show_sqlite_wal(struct look *l)
{
	const uint8_t *p = l->head.p;
	if (l->head.n < 32 || (be32(p) & ~1u) != 0x377f0682u)
		return false;
	uint32_t page = be32(p + 8);
	uint64_t frames = page ? (l->size_bytes - 32) / (page + UINT64_C(24)) : 0;
	buf_printf(l->out, cmd_text(l->c, "저장소의 선기록 로그: 쪽 크기 %u, 프레임 %llu개까지, 체크포인트 %u번\n", "the store's write-ahead log: page size %u, up to %llu frames, checkpoint %u\n"), page,
		(unsigned long long)frames, be32(p + 12));
	buf_adds(l->out, cmd_text(l->c, "  다음 시작 때 저장소로 옮겨집니다\n", "  the next start takes it over into the store\n"));
	return true;
}

static bool show_format(struct look *l)
{
	int64_t version;
	struct span text = span_trim(l->head);
	if (text.n >= FORMAT_BYTES || !begins(text, "moru ", 5) || num_i64(&version, span_sub(text, 5, text.n)) != 0)
		return false;
	buf_printf(l->out, cmd_text(l->c, "노드 폴더의 형식: %d판\n  이 프로그램은 %d판까지 읽습니다\n", "format of a node's folder: version %d\n  this program reads up to version %d\n"), (int)version,
		FOLDER_FORMAT);
	return true;
}

static bool show_identity(struct look *l)
{
	struct arena a;
	struct json_value *root;
	struct span id, iri, made;
	bool demo = false, ours = false;
	arena_init(&a, 1u << 20);
	if (begins(l->head, "{", 1) && json_parse(&root, &a, l->head, NULL) == 0 && json_get_str(root, "id", &id, NULL) == 0 &&
		json_get_str(root, "iri_base", &iri, NULL) == 0 && json_get_str(root, "made", &made, NULL) == 0 && json_get_bool(root, "demo", &demo, NULL) == 0) {
		ours = true;
		buf_printf(l->out, cmd_text(l->c, "노드의 식별자: %.*s\n  IRI: %.*s\n  만든 때: %.*s\n", "identity of a node: %.*s\n  IRI: %.*s\n  made: %.*s\n"), SPAN_FMT(id), SPAN_FMT(iri),
			SPAN_FMT(made));
		if (demo)
			buf_adds(l->out, cmd_text(l->c, "  시연용 폴더\n", "  a demo folder\n"));
	}
	arena_free(&a);
	return ours;
}

static bool show_secret(struct look *l)
{
	static const char mark[] = "PRIVATE KEY-----";
	if (!begins(l->head, "-----BEGIN ", 11) || !memmem(l->head.p, l->head.n, mark, sizeof mark - 1))
		return false;
	const char *name = name_of(l->path);
	if (strcmp(name, "ca.key") == 0)
		buf_adds(l->out, cmd_text(l->c, "노드 인증기관(CA)의 개인키\n", "the private key of the node's CA\n"));
	else if (strcmp(name, "server.key") == 0 || strcmp(name, "server.next") == 0)
		buf_adds(l->out, cmd_text(l->c, "서버 인증서의 개인키\n", "the private key of the server's certificate\n"));
	else if (strcmp(name, "key.pem") == 0)
		buf_adds(l->out, cmd_text(l->c, "노드의 서명키\n", "the node's signing key\n"));
	else
		buf_adds(l->out, cmd_text(l->c, "개인키\n", "a private key\n"));
	buf_adds(l->out, cmd_text(l->c, "  비밀이므로 내용은 보여 주지 않습니다\n", "  a secret: its content is not shown\n"));
	return true;
}

static void show_one_certificate(struct look *l, const struct pki_info *i)
{
	char from[32], to[32];
	int64_t now = wall_now();
	from[rfc3339_format(from, i->not_before_ns)] = 0;
	to[rfc3339_format(to, i->not_after_ns)] = 0;
	buf_adds(l->out, i->ca ? cmd_text(l->c, "인증기관(CA)의 인증서\n", "certificate of an authority (CA)\n") : cmd_text(l->c, "서버 인증서\n", "certificate of a server\n"));
	buf_printf(l->out, cmd_text(l->c, "  주체 %s\n  발행자 %s\n", "  subject %s\n  issuer %s\n"), i->subject, i->issuer);
	for (size_t k = 0; k < i->names.n; k++)
		buf_printf(l->out, "%s%s%s", k ? ", " : cmd_text(l->c, "  이름 ", "  names "), i->names.name[k], k + 1 == i->names.n ? "\n" : "");
	buf_printf(l->out, cmd_text(l->c, "  유효 기간 %s ~ %s%s\n  SHA-256 ", "  valid %s to %s%s\n  SHA-256 "), from, to,
		now < i->not_before_ns || now > i->not_after_ns ? cmd_text(l->c, " (지금은 유효하지 않습니다)", " (not now)") : "");
	for (size_t k = 0; k < 32; k++)
		buf_printf(l->out, "%s%02X", k ? ":" : "", i->sha256[k]);
	buf_addc(l->out, '\n');
}

/* *ret: what is wrong with it. */
static bool show_certificates(struct look *l, int *ret)
{
	static const char mark[] = "-----BEGIN CERTIFICATE-----";
	if (!memmem(l->head.p, l->head.n, mark, sizeof mark - 1))
		return false;
	struct pki_info *i = calloc(1, sizeof *i);
	*ret = i ? 0 : diag_set(l->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	for (unsigned at = 0; *ret == 0; at++) {
		*ret = pki_cert_info(i, l->head, at, l->path, l->d);
		if (*ret == 0)
			show_one_certificate(l, i);
		else if (*ret == MO_ENOENT && at > 0) {
			diag_clear(l->d);
			*ret = 0;
			break;
		}
	}
	free(i);
	return true;
}

/* What a crash left, or would (os/crash.h). *ret: it cannot be read. */
static bool show_crash(struct look *l, int *ret)
{
	static const char magic[] = "moru-crash ";
	char t[32];
	if (!begins(l->head, magic, sizeof magic - 1))
		return false;
	struct crash_report *r = calloc(1, sizeof *r);
	*ret = r ? crash_read(r, l->head) : MO_ENOMEM;
	if (*ret != 0) {
		diag_set(l->d, *ret, MSG_CRASH_UNREAD);
		diag_file(l->d, l->path);
		diag_text(l->d, 0, span_str(mo_err_name(*ret)));
	} else if (r->signal == 0) {
		buf_printf(l->out, cmd_text(l->c, "돌고 있거나, 아무 말 없이 끝난 노드 (버전 %s, 빌드 %s, 프로세스 %lld)\n", "a node that runs, or ended without a word (version %s, build %s, process %lld)\n"),
			r->version, r->build, (long long)r->pid);
	} else {
		t[rfc3339_format(t, r->t_ns)] = 0;
		buf_printf(l->out, cmd_text(l->c, "비정상 종료의 자취: %s, %s 스레드, %s\n  버전 %s, 빌드 %s\n", "trace of a crash: %s in thread %s at %s\n  version %s, build %s\n"), crash_signal_name(r->signal),
			r->thread, t, r->version, r->build);
		for (unsigned i = 0; i < r->n_frames; i++)
			buf_printf(l->out, "  %s\n", r->frames[i]);
		if (!r->whole)
			buf_adds(l->out, cmd_text(l->c, "  여기서 끊겼습니다\n", "  cut off here\n"));
	}
	free(r);
	return true;
}

/* The settings as they are understood, each with its comment. *ret: what is wrong with them. */
static bool show_settings(struct look *l, int *ret)
{
	if (strcmp(name_of(l->path), "moru.yaml") != 0)
		return false;
	struct settings *s = calloc(1, sizeof *s);
	*ret = s ? settings_read(s, l->c->vfs, l->path, true, l->d) : diag_set(l->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (*ret == 0) {
		buf_adds(l->out, cmd_text(l->c, "# 노드의 설정, 이렇게 읽힙니다\n", "# settings of a node, as they are understood\n"));
		settings_write(l->out, s, l->c->lang == WORDS_KO ? "ko" : "en", true);
	}
	free(s);
	return true;
}

/* DIR/blobs/ab/cdef…: named by what it holds. */
static bool show_blob(struct look *l, int *ret)
{
	const char *name = name_of(l->path), *digits = "0123456789abcdef";
	char want[65], hex[65];
	uint8_t sha[32], *piece;
	struct sha256 *h = NULL;
	if (strlen(name) != 62 || strspn(name, digits) != 62 || name - l->path < 3 || strspn(name - 3, digits) != 2 || name[-1] != '/')
		return false;
	memcpy(want, name - 3, 2);
	memcpy(want + 2, name, 63);
	piece = malloc(HEAD_BYTES);
	*ret = piece ? sha256_new(&h) : MO_ENOMEM;
	size_t n = 1;
	for (uint64_t at = 0; *ret == 0 && n; at += n)
		if ((*ret = vfs_pread(l->f, piece, HEAD_BYTES, at, &n)) == 0)
			*ret = sha256_update(h, span_of(piece, n));
	if (*ret == 0)
		*ret = sha256_final(h, sha);
	for (size_t i = 0; *ret == 0 && i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", sha[i]);
	if (*ret == 0) {
		bool same = memcmp(hex, want, 64) == 0;
		buf_printf(l->out, cmd_text(l->c, "첨부: %llu바이트\n  SHA-256 %s\n", "blob: %llu bytes\n  SHA-256 %s\n"), (unsigned long long)l->size_bytes, hex);
		buf_adds(l->out, same ? cmd_text(l->c, "  이름과 같음: 온전합니다\n", "  as its name says: whole\n") : cmd_text(l->c, "  이름과 다름: 손상되었습니다\n", "  not what its name says: damaged\n"));
		if (!same) {
			*ret = diag_set(l->d, MO_ECORRUPT, MSG_STORE_CHECK_BLOB_DIFFERS);
			diag_file(l->d, l->path);
		}
	} else {
		diag_set(l->d, *ret, MSG_IMPORT_READ);
		diag_file(l->d, l->path);
	}
	sha256_free(h);
	free(piece);
	return true;
}

/* Of a backup folder: its line, and a manifest with its files. */
static bool show_backup_line(struct look *l)
{
	struct span line = span_sub(l->head, 0, span_find(l->head, 0, '\n')), rest = span_trim(span_sub(l->head, line.n, l->head.n));
	if (!begins(line, "moru backup ", 12) || !begins(rest, "node ", 5) || rest.n > 64)
		return false;
	buf_printf(l->out, cmd_text(l->c, "백업 폴더: 형식 %.*s판\n  노드 %.*s\n", "a backup folder: format %.*s\n  of node %.*s\n"), SPAN_FMT(span_sub(line, 12, line.n)),
		SPAN_FMT(span_sub(rest, 5, rest.n)));
	return true;
}

static bool show_snapshot(struct look *l, int *ret)
{
	struct archive_snapshot s;
	uint8_t *text = NULL;
	size_t n = 0;
	char node[UUID_TEXT], t[32];
	if (!begins(l->head, "{\"moru_snapshot\":", 17))
		return false;
	*ret = vfs_slurp(l->c->vfs, &text, &n, l->path, ARCHIVE_MANIFEST_MAX, l->d);
	if (*ret == 0)
		*ret = archive_manifest_read(&s, span_of(text, n), l->path, l->d);
	free(text);
	if (*ret != 0)
		return true;
	uuid_format(node, &s.node);
	int tn = (int)rfc3339_format(t, s.t_ns);
	buf_printf(l->out, cmd_text(l->c, "백업 목록 %s: 노드 %s\n  %.*s, 모루 %s, 폴더 형식 %lld판, %s\n", "snapshot %s of node %s\n  %.*s, by Moru %s, folder format %lld, %s\n"), s.id, node, tn, t, s.program,
		(long long)s.folder_version, s.keys ? cmd_text(l->c, "키 포함", "with keys") : cmd_text(l->c, "키 없음", "without keys"));
	for (size_t i = 0; i < s.n; i++) {
		const struct archive_file *f = &s.file[i];
		buf_printf(l->out, cmd_text(l->c, "  %s  %llu바이트, 조각 %llu개  SHA-256 ", "  %s  %llu bytes, %llu pieces  SHA-256 "), f->path, (unsigned long long)f->size_bytes, (unsigned long long)archive_pieces(f));
		hex_encode(l->out, span_of(f->sha256, 32));
		buf_adds(l->out, "\n");
	}
	archive_snapshot_free(&s);
	return true;
}

/* Keys to people's names: whose, and never the keys. */
static bool show_people_keys(struct look *l, int *ret)
{
	struct people_key *keys = NULL;
	uint8_t *text = NULL;
	size_t n = 0, n_keys = 0;
	bool damaged = false;
	if (!begins(l->head, "MoruKeys", 8))
		return false;
	*ret = vfs_slurp(l->c->vfs, &text, &n, l->path, PEOPLE_FILE_MAX, l->d);
	if (*ret == 0 && (*ret = people_keys_read(&keys, &n_keys, &damaged, span_of(text, n))) != 0) {
		diag_set(l->d, *ret, *ret == MO_EVERSION ? MSG_STORE_PEOPLE_NEWER : *ret == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_BACKUP_KEYS_DAMAGED);
		diag_file(l->d, l->path);
	}
	if (*ret == 0) {
		buf_printf(l->out, cmd_text(l->c, "이름 열쇠 파일: %zu명\n  비밀이므로 열쇠는 보여 주지 않습니다\n", "keys to the names of %zu people\n  secrets: the keys are not shown\n"), n_keys);
		if (damaged)
			buf_adds(l->out, cmd_text(l->c, "  손상되어 읽을 수 있는 것만 셌습니다\n", "  damaged: only what can be read was counted\n"));
	}
	for (size_t i = 0; *ret == 0 && i < n_keys; i++) {
		char id[UUID_TEXT];
		uuid_format(id, &keys[i].person);
		buf_printf(l->out, "  %s\n", id);
	}
	people_keys_free(keys, n_keys);
	if (text)
		crypto_wipe(text, n);
	free(text);
	return true;
}

/* The other files of a folder. MO_ENOENT: none of them. */
static int show_other(struct look *l)
{
	uint8_t *p = malloc(HEAD_BYTES);
	size_t n = 0;
	int err = p ? vfs_open(l->c->vfs, &l->f, l->path, VFS_READ, l->d) : diag_set(l->d, MO_ENOMEM, MSG_OUT_OF_MEMORY), ret = 0;
	if (err == 0 && ((err = vfs_size(l->f, &l->size_bytes)) != 0 || (err = vfs_pread(l->f, p, HEAD_BYTES, 0, &n)) != 0)) {
		diag_set(l->d, err, MSG_IMPORT_READ);
		diag_file(l->d, l->path);
	}
	if (err == 0) {
		l->head = span_of(p, n);
		if (!show_secret(l) && !show_people_keys(l, &ret) && !show_certificates(l, &ret) && !show_settings(l, &ret) && !show_crash(l, &ret) && !show_blob(l, &ret) && !show_snapshot(l, &ret) && !show_backup_line(l) && !show_format(l) && !show_identity(l) && !show_sqlite(l) && !show_sqlite_wal(l))
			ret = MO_ENOENT;
	}
	vfs_close(l->f);
	free(p);
	return err ? err : ret;
}

int cmd_debug(struct cmd *c)
{
	struct diag *d = calloc(1, sizeof *d), *other = calloc(1, sizeof *other);
	struct buf out;
	int status = 2;
	buf_init(&out, 0);
	struct vfs_stat st;
	if (!d || !other || cmd_options(c, NULL, 0) != 0 || !cmd_count(c, "debug", 1, 1))
		goto out;
	if (vfs_stat(c->vfs, c->argv[0], &st) == 0 && st.is_dir) {
		diag_set(d, MO_EINVAL, MSG_DEBUG_FOLDER);
		diag_file(d, c->argv[0]);
		status = cmd_fail(c, d, 1);
		goto out;
	}
	struct look l = {.c = c, .path = c->argv[0], .out = &out, .d = other};
	int err = show_other(&l);
	if (err == MO_ENOENT && other->msg == MSG_NONE) {
		buf_reset(&out);
		err = series_debug_file(c->vfs, c->argv[0], &out, d);
	} else if (err != 0) {
		*d = *other;
	}
	fwrite(out.p, 1, out.n, stdout);
	status = err == 0 ? 0 : cmd_fail(c, d, 1);
out:
	buf_free(&out);
	free(other);
	free(d);
	return status;
}
