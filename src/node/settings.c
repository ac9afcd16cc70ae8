/* See settings.h. The table drives reading, writing and the docs. */
#include "node/settings.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/num.h"
#include "base/utf8.h"
#include "node/listen.h"
#include "os/pki.h"

#define SETTINGS_BYTES_MAX (256u << 10)
#define KEY_MAX 64u

#define AT(member) offsetof(struct settings, member), sizeof(((struct settings *)0)->member)
static const struct setting_key keys[] = {
	{"name", SET_TEXT, AT(name), "", false, false, "화면 맨 위에 보이는 공장 이름", "Name of the factory, shown on top of the page"},
	{"firm", SET_TEXT, AT(firm), "", true, false, "우리 회사 코드 (로트 번호를 발행하는 회사로 쓰입니다)",
		"Our firm code (the issuer of our lot numbers)"},
	{"lang", SET_LANG, AT(lang), "ko", false, false, "기본 언어: ko 또는 en", "Default language: ko or en"},
	{"zone", SET_ZONE, AT(zone), "Asia/Seoul", true, false, "시간대 (IANA 이름)", "Time zone (IANA name)"},
	{"production_day.begins", SET_HHMM, AT(day_begins), "08:00", false, false, "생산일이 시작하는 시각", "When the production day begins"},
	{"listen.address", SET_ADDRESS, AT(address), "127.0.0.1", true, false, "접속을 받을 주소 (127.0.0.1이 아니면 TLS와 계정이 있어야 합니다)",
		"Address to listen on (any but 127.0.0.1 needs TLS and an account)"},
	{"listen.port", SET_PORT, AT(port), "8470", true, false, "접속을 받을 포트", "Port to listen on"},
	{"listen.names", SET_NAMES, AT(names), "", false, false, "이 PC를 부르는 다른 이름과 주소, 쉼표로 나눔 (인증서에 들어갑니다)",
		"Other names and addresses of this PC, with commas (they go into its certificate)"},
	{"listen.connections", SET_CONNECTIONS, AT(connections), "10240", true, false, "동시에 받을 수 있는 접속 수 (접속 하나에 약 1 KB, https면 약 15 KB)",
		"How many connections at once (some 1 KB each, with https some 15 KB)"},
	{"listen.connections_of_address", SET_COUNT, AT(connections_of_address), "1024", true, false,
		"한 주소에서 동시에 받을 수 있는 접속 수 (0이면 제한 없음)", "How many of them from one address (0: no bound)"},
	{"tls.mode", SET_TLS, AT(tls_mode), "off", true, false, "암호화 접속(https): off 끔, own 노드가 만든 인증서, given 받은 인증서",
		"Encrypted access (https): off, own (the node's own certificate) or given"},
	{"tls.certificate", SET_TEXT, AT(tls_certificate), "", false, false, "given일 때 인증서 파일 (PEM, 서버 것이 먼저)",
		"With given: file of the certificate (PEM, the server's first)"},
	{"tls.key", SET_TEXT, AT(tls_key), "", false, false, "given일 때 개인키 파일 (PEM, 암호 없음)", "With given: file of its private key (PEM, not encrypted)"},
	{"inbox", SET_TEXT, AT(inbox), "", true, false, "파일을 넣으면 자동으로 가져오는 폴더 (비우면 노드 폴더의 inbox)",
		"Folder whose files are taken in by themselves (empty: inbox in the node's folder)"},
	{"watch", SET_FOLDERS, AT(watch), "", true, false, "파일을 가져올 다른 폴더들 (/로 시작하는 경로의 목록, 공유 폴더도 됩니다)",
		"Other folders whose files are taken in (a list of paths that begin with /; shares too)"},
	{"ingest.listen", SET_PLACE, AT(ingest_listen), "", true, false,
		"암호화를 못 하는 게이트웨이에서 측정값만 받을 주소와 포트, 예: 0.0.0.0:8086 (비우면 받지 않음)",
		"Address and port that take values from gateways without encryption, such as 0.0.0.0:8086 (empty: off)"},
	{"ingest.subnets", SET_SUBNETS, AT(ingest_subnets), "", true, false, "그 게이트웨이들이 있는 네트워크의 목록, 예: [192.168.0.0/24]",
		"The networks those gateways are in, such as [192.168.0.0/24]"},
	{"series.head_budget", SET_BYTES, AT(head_budget_bytes), "33554432", true, false, "아직 파일로 내리지 않은 측정값이 쓰는 메모리 (바이트)",
		"Memory for values not yet written to segments (bytes)"},
	{"stops.shortest", SET_SECONDS, AT(stop_min_s), "300", false, false, "이보다 짧은 비가동은 순간정지로 봅니다 (초)",
		"Stops shorter than this are micro-stops (seconds)"},
	{"backup.target", SET_FOLDER, AT(backup_target), "", false, false,
		"백업 폴더 (/로 시작하는 경로, 비우면 자동 백업 없음). `moru backup DIR TARGET` 명령으로 처음 한 번 만듭니다",
		"Folder for backups (a path that begins with /; empty: none by themselves). Made once by hand: `moru backup DIR TARGET`"},
	{"backup.every", SET_HOURS, AT(backup_every_h), "24", false, false, "백업 간격 (시간, 0이면 끔)", "Hours from one backup to the next (0: off)"},
	{"backup.keep", SET_COUNT, AT(backup_keep), "30", false, false, "남겨 둘 백업 수, 오래된 것부터 지웁니다 (0이면 모두 남김)",
		"How many of the newest backups stay (0: all)"},
	{"backup.drill", SET_HOURS, AT(backup_drill_h), "0", false, false, "백업을 스스로 복원해 보는 간격 (시간, 0이면 시킬 때만). 일주일은 168",
		"Hours from one restore drill to the next (0: only when asked for); a week is 168"},
	{"disk.warn", SET_PERCENT, AT(disk_warn), "85", false, false, "디스크가 이만큼 차면 알립니다 (%)", "Warn when so much of the disk is used (%)"},
	{"disk.spare", SET_PERCENT, AT(disk_spare), "90", false, false, "이만큼 차면 미뤄도 되는 일을 멈춥니다 (%)", "From here on no work that can wait (%)"},
	{"disk.no_blobs", SET_PERCENT, AT(disk_no_blobs), "93", false, false, "이만큼 차면 파일을 더 받지 않습니다 (%)", "From here on no more files are taken (%)"},
	{"disk.no_values", SET_PERCENT, AT(disk_no_values), "96", false, false, "이만큼 차면 측정값과 기록도 받지 않습니다 (%)",
		"From here on neither values nor records are taken (%)"},
	{"disk.reserve", SET_BYTES, AT(disk_reserve_bytes), "67108864", false, false,
		"노드가 켜지고 끝나고 지우는 데 쓰려고 늘 비워 두는 자리 (바이트). 빈자리가 이것의 4, 3, 2, 1배보다 적어도 위의 네 단계로 봅니다",
		"Kept free so that the node can start, end and delete (bytes). Less than 4, 3, 2, 1 times this free counts as the four marks above, too"},
	{"demo.sync_delay", SET_MS, AT(sync_delay_ms), "0", true, true, "디스크 동기화마다 더하는 지연 (밀리초, 시연용)",
		"Delay added to every disk sync (milliseconds, demo only)"},
};

_Static_assert(sizeof keys / sizeof *keys <= 64, "reading.seen has a bit for each key");

const struct setting_key *settings_keys(size_t *ret_n)
{
	*ret_n = sizeof keys / sizeof *keys;
	return keys;
}

static const char *expected(enum setting_type t)
{
	switch (t) {
	case SET_PORT: return "0..65535";
	case SET_BYTES: return "1048576..17179869184";
	case SET_SECONDS: return "1..86400";
	case SET_MS: return "0..1000";
	case SET_LANG: return "ko, en";
	case SET_HHMM: return "HH:MM";
	case SET_ZONE: return "Asia/Seoul, UTC, ...";
	case SET_ADDRESS: return "127.0.0.1, ::1, localhost";
	case SET_NAMES: return "moru.example.com, 192.168.0.10";
	case SET_TLS: return "off, own, given";
	case SET_FOLDER: return "/...";
	case SET_FOLDERS: return "[/..., /...]";
	case SET_PLACE: return "0.0.0.0:8086, [::]:8086";
	case SET_SUBNETS: return "[192.168.0.0/24, fd00:1::/64]";
	case SET_HOURS: return "0..8760";
	case SET_COUNT: return "0..10000";
	case SET_PERCENT: return "1..100";
	case SET_CONNECTIONS: return "64..100000";
	case SET_TEXT: break;
	}
	return "UTF-8";
}

static bool number_in(struct span v, int64_t lo, int64_t hi, int64_t *ret)
{
	return num_i64(ret, v) == 0 && *ret >= lo && *ret <= hi;
}

/* The name of a file below the system's zones, and no way out of there. */
static bool is_zone_name(struct span v)
{
	if (v.n == 0 || v.p[0] == '/' || v.p[v.n - 1] == '/')
		return false;
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+' || c == '/';
		if (!plain)
			return false;
	}
	return true;
}

/* Whether it may be listened on is not for this file to say (node/listen.h). */
static bool is_address(struct span v)
{
	char text[LISTEN_TEXT_MAX], canonical[LISTEN_TEXT_MAX];
	if (v.n >= sizeof text)
		return false;
	memcpy(text, v.p, v.n);
	text[v.n] = 0;
	return listen_address(canonical, text, NULL) == 0;
}

static bool are_names(struct span v)
{
	struct pki_names names = {0};
	return pki_names_add_list(&names, v) == 0;
}

static bool is_place(struct span v)
{
	char text[80], canonical[LISTEN_TEXT_MAX];
	uint16_t port;
	if (v.n >= sizeof text)
		return false;
	memcpy(text, v.p, v.n);
	text[v.n] = 0;
	return v.n == 0 || listen_place(canonical, &port, text) == 0;
}

static bool are_subnets(struct span v)
{
	struct subnets s;
	struct span bad;
	return subnet_read(&s, v, &bad) == 0;
}

/* Absolute paths with line ends between. */
static bool are_folders(struct span v)
{
	for (size_t i = 0; i < v.n;) {
		size_t end = span_find(v, i, '\n');
		if (v.p[i] != '/')
			return false;
		i = end + 1;
	}
	return utf8_valid(v);
}

/* Checks and stores one value; false when it is not what the key expects. */
static bool put(struct settings *s, const struct setting_key *k, struct span v)
{
	uint8_t *at = (uint8_t *)s + k->offset;
	int64_t n;
	switch (k->type) {
	case SET_PORT:
		if (!number_in(v, 0, 65535, &n))
			return false;
		*(uint16_t *)(void *)at = (uint16_t)n;
		return true;
	case SET_BYTES:
	case SET_SECONDS:
	case SET_MS:
		if (!number_in(v, k->type == SET_BYTES ? 1 << 20 : k->type == SET_SECONDS ? 1 : 0,
			    k->type == SET_BYTES ? INT64_C(1) << 34 : k->type == SET_SECONDS ? 86400 : 1000, &n))
			return false;
		*(int64_t *)(void *)at = n;
		return true;
	case SET_PERCENT:
		if (!number_in(v, 1, 100, &n))
			return false;
		*(int64_t *)(void *)at = n;
		return true;
	case SET_HOURS:
	case SET_COUNT:
		if (!number_in(v, 0, k->type == SET_HOURS ? 8760 : 10000, &n))
			return false;
		*(int64_t *)(void *)at = n;
		return true;
	case SET_CONNECTIONS:
		if (!number_in(v, 64, 100000, &n))
			return false;
		*(int64_t *)(void *)at = n;
		return true;
	case SET_FOLDER:
		if (!utf8_valid(v) || (v.n && v.p[0] != '/'))
			return false;
		break;
	case SET_LANG:
		if (!span_is(v, "ko") && !span_is(v, "en"))
			return false;
		break;
	case SET_HHMM:
		if (v.n != 5 || v.p[2] != ':' || !number_in(span_sub(v, 0, 2), 0, 23, &n) || !number_in(span_sub(v, 3, 2), 0, 59, &n))
			return false;
		break;
	case SET_TEXT:
		if (!utf8_valid(v))
			return false;
		break;
	case SET_ZONE:
		if (!is_zone_name(v))
			return false;
		break;
	case SET_ADDRESS:
		if (!is_address(v))
			return false;
		break;
	case SET_PLACE:
		if (!is_place(v))
			return false;
		break;
	case SET_SUBNETS:
		if (!are_subnets(v))
			return false;
		break;
	case SET_FOLDERS:
		if (!are_folders(v))
			return false;
		break;
	case SET_NAMES:
		if (!are_names(v))
			return false;
		break;
	case SET_TLS:
		if (!span_is(v, "off") && !span_is(v, "own") && !span_is(v, "given"))
			return false;
		break;
	}
	if (v.n >= k->size || memchr(v.p, 0, v.n))
		return false;
	memcpy(at, v.p, v.n);
	at[v.n] = 0;
	return true;
}

void settings_defaults(struct settings *s)
{
	memset(s, 0, sizeof *s);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		bool ok = put(s, &keys[i], span_str(keys[i].fallback));
		assert(ok); /* else the table contradicts itself */
		(void)ok;
	}
}

static const struct setting_key *find(const char *name)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(keys[i].key, name) == 0)
			return &keys[i];
	return NULL;
}

struct reading {
	struct settings *s;
	const char *file;
	bool demo;
	uint64_t seen; /* bit per key */
	struct diag *d;
};

static int refuse(struct reading *r, enum mo_msg msg, const yaml_node_t *at, const char *field, struct span value, const char *want)
{
	diag_set(r->d, MO_EINVAL, msg);
	diag_file(r->d, r->file);
	diag_line(r->d, at->start_mark.line + 1, at->start_mark.column + 1);
	diag_field(r->d, span_str(field));
	diag_value(r->d, value);
	diag_expected(r->d, want);
	return MO_EINVAL;
}

/* "name, firm, ...": what may stand directly below the prefix. */
static void known_below(char out[DIAG_TEXT_MAX], const char *prefix, bool demo)
{
	size_t skip = strlen(prefix), n = 0, last_n = 0;
	const char *last = "";
	out[0] = 0;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const char *k = keys[i].key;
		if ((keys[i].demo_only && !demo) || (skip && (strncmp(k, prefix, skip) != 0 || k[skip] != '.')))
			continue;
		k += skip ? skip + 1 : 0;
		size_t len = strcspn(k, ".");
		if (len == last_n && strncmp(k, last, len) == 0)
			continue; /* keys of one group stand together */
		last = k;
		last_n = len;
		if (n < DIAG_TEXT_MAX)
			n += (size_t)snprintf(out + n, DIAG_TEXT_MAX - n, "%s%.*s", n ? ", " : "", (int)len, k);
	}
}

static int unknown(struct reading *r, const yaml_node_t *at, const char *prefix, const char *name)
{
	char known[DIAG_TEXT_MAX];
	known_below(known, prefix, r->demo);
	return refuse(r, MSG_SETTING_UNKNOWN, at, name, SPAN_LIT(""), known);
}

static bool is_group(const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strncmp(keys[i].key, name, n) == 0 && keys[i].key[n] == '.')
			return true;
	return false;
}

static bool is_list(enum setting_type t) { return t == SET_SUBNETS || t == SET_FOLDERS; }

/* A YAML list of scalars as one text with line ends between. false: it is none, or too long. */
static bool join(struct buf *out, yaml_document_t *doc, const yaml_node_t *list)
{
	for (const yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top; i++) {
		const yaml_node_t *v = yaml_document_get_node(doc, *i);
		struct span text = v->type == YAML_SCALAR_NODE ? span_of(v->data.scalar.value, v->data.scalar.length) : span_of(NULL, 0);
		if (text.n == 0 || memchr(text.p, '\n', text.n))
			return false;
		if (out->n)
			buf_addc(out, '\n');
		buf_add(out, text);
	}
	return !out->err;
}

static int read_list(struct reading *r, yaml_document_t *doc, const yaml_node_t *at, const char *name, const struct setting_key *key)
{
	struct buf all;
	buf_init(&all, SETTINGS_BYTES_MAX);
	bool ok = join(&all, doc, at) && put(r->s, key, all.n ? buf_span(&all) : SPAN_LIT(""));
	int err = ok ? 0 : all.err == MO_ENOMEM ? diag_set(r->d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : refuse(r, MSG_SETTING_VALUE, at, name, SPAN_LIT("[…]"), expected(key->type));
	buf_free(&all);
	return err;
}

static int read_mapping(struct reading *r, yaml_document_t *doc, const yaml_node_t *map, const char *prefix, unsigned depth)
{
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *k = yaml_document_get_node(doc, p->key), *v = yaml_document_get_node(doc, p->value);
		char name[KEY_MAX];
		if (k->type != YAML_SCALAR_NODE ||
			snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", (const char *)k->data.scalar.value) >= (int)sizeof name)
			return unknown(r, k, prefix, prefix);
		if (v->type == YAML_MAPPING_NODE && depth < 3 && is_group(name)) {
			int err = read_mapping(r, doc, v, name, depth + 1);
			if (err != 0)
				return err;
			continue;
		}
		const struct setting_key *key = find(name);
		if (!key)
			return unknown(r, k, prefix, name);
		if (key->demo_only && !r->demo)
			return refuse(r, MSG_SETTING_DEMO_ONLY, k, name, SPAN_LIT(""), "");
		bool list = is_list(key->type) && v->type == YAML_SEQUENCE_NODE;
		if (v->type != YAML_SCALAR_NODE && !list)
			return refuse(r, MSG_SETTING_VALUE, v, name, SPAN_LIT("…"), expected(key->type));
		struct span text = list ? SPAN_LIT("[…]") : span_of(v->data.scalar.value, v->data.scalar.length);
		uint64_t bit = UINT64_C(1) << (key - keys);
		if (r->seen & bit)
			return refuse(r, MSG_SETTING_TWICE, k, name, text, "");
		r->seen |= bit;
		if (list) {
			int err = read_list(r, doc, v, name, key);
			if (err != 0)
				return err;
			continue;
		}
		if (!put(r->s, key, text))
			return refuse(r, MSG_SETTING_VALUE, v, name, text, expected(key->type));
		if (key->type == SET_ZONE)
			r->s->zone_line = v->start_mark.line + 1;
		if (key->type == SET_ADDRESS)
			r->s->address_line = v->start_mark.line + 1;
	}
	return 0;
}

int settings_read(struct settings *ret, struct vfs *vfs, const char *path, bool demo, struct diag *d)
{
	uint8_t *text = NULL;
	size_t n;
	int err = vfs_slurp(vfs, &text, &n, path, SETTINGS_BYTES_MAX, d);
	if (err != 0)
		return err;
	struct settings s;
	settings_defaults(&s);
	struct reading r = {.s = &s, .file = path, .demo = demo, .d = d};
	yaml_parser_t parser;
	yaml_document_t doc;
	if (!yaml_parser_initialize(&parser)) {
		free(text);
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	}
	yaml_parser_set_input_string(&parser, text, n);
	if (!yaml_parser_load(&parser, &doc)) {
		err = diag_set(d, MO_EINVAL, MSG_SETTING_YAML);
		diag_file(d, path);
		diag_line(d, parser.problem_mark.line + 1, parser.problem_mark.column + 1);
		diag_text(d, 0, span_str(parser.problem ? parser.problem : ""));
	} else {
		const yaml_node_t *root = yaml_document_get_root_node(&doc);
		if (root && root->type != YAML_MAPPING_NODE)
			err = refuse(&r, MSG_SETTING_VALUE, root, "", SPAN_LIT(""), "key: value");
		else if (root)
			err = read_mapping(&r, &doc, root, "", 0);
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	free(text);
	if (err == 0)
		*ret = s;
	return err;
}

/* A scalar that YAML reads back as the same text: always double-quoted. */
static void write_text(struct buf *out, struct span rest)
{
	uint32_t cp;
	buf_addc(out, '"');
	for (int n; (n = utf8_next(rest, &cp)) != 0; rest = span_sub(rest, n < 0 ? 1 : (size_t)n, rest.n)) {
		if (n > 0 && (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029 || cp == 0xfeff || cp == 0xfffe || cp == 0xffff)) {
			buf_printf(out, "\\u%04X", (unsigned)cp); /* YAML reads them no other way, or as a blank (YAML 1.1, 5.1, 5.4) */
			continue;
		}
		if (*rest.p == '"' || *rest.p == '\\')
			buf_addc(out, '\\');
		buf_add(out, span_of(rest.p, n < 0 ? 1 : (size_t)n));
	}
	buf_addc(out, '"');
}

static void write_list(struct buf *out, struct span all)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < all.n;) {
		size_t end = span_find(all, i, '\n');
		if (i)
			buf_adds(out, ", ");
		write_text(out, span_sub(all, i, end - i));
		i = end + 1;
	}
	buf_addc(out, ']');
}

static void write_scalar(struct buf *out, const struct settings *s, const struct setting_key *k)
{
	const uint8_t *at = (const uint8_t *)s + k->offset;
	switch (k->type) {
	case SET_PORT: buf_printf(out, "%u", *(const uint16_t *)(const void *)at); return;
	case SET_BYTES:
	case SET_SECONDS:
	case SET_HOURS:
	case SET_COUNT:
	case SET_PERCENT:
	case SET_CONNECTIONS:
	case SET_MS: buf_printf(out, "%lld", (long long)*(const int64_t *)(const void *)at); return;
	case SET_LANG:
	case SET_HHMM:
	case SET_ZONE:
	case SET_ADDRESS:
	case SET_NAMES:
	case SET_TLS:
	case SET_FOLDER:
	case SET_PLACE:
	case SET_SUBNETS:
	case SET_FOLDERS:
	case SET_TEXT: break;
	}
	if (is_list(k->type))
		write_list(out, span_str((const char *)at));
	else
		write_text(out, span_str((const char *)at));
}

void settings_write(struct buf *out, const struct settings *s, const char *lang, bool demo)
{
	bool ko = strcmp(lang, "ko") == 0;
	buf_adds(out, ko ? "# 모루 설정. 바꾼 뒤에는 노드에 SIGHUP을 보내거나 다시 시작합니다. 노드는 이 파일을 고치지 않습니다.\n"
			 : "# Settings of Moru. After a change send the node SIGHUP or restart it. The node never writes this file.\n");
	char group[KEY_MAX] = "";
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const struct setting_key *k = &keys[i];
		if (k->demo_only && !demo)
			continue;
		const char *dot = strchr(k->key, '.');
		const char *indent = dot ? "  " : "";
		size_t len = dot ? (size_t)(dot - k->key) : 0;
		buf_addc(out, '\n');
		if (dot && (strncmp(group, k->key, len) != 0 || group[len] != 0)) {
			snprintf(group, sizeof group, "%.*s", (int)len, k->key);
			buf_printf(out, "%s:\n", group);
		}
		buf_printf(out, "%s# %s%s\n%s%s: ", indent, ko ? k->ko : k->en,
			k->restart ? (ko ? " - 바꾸면 다시 시작해야 합니다" : " - a change needs a restart") : "", indent, dot ? dot + 1 : k->key);
		write_scalar(out, s, k);
		buf_addc(out, '\n');
	}
}
