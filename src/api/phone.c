/* A phone comes to believe the node: the QR codes for the page, and what they
 * lead to. /ca and the profile are for devices on which nobody is logged in
 * yet: they say the node's name, the CA's fingerprint and what to do. */
#include "api/priv/api.h"

#include <stdio.h>

#include "codec/qr.h"
#include "os/address.h"
#include "os/crypto.h"
#include "os/pki.h"

#define PHONE_PLACES_MAX 8u
#define FINGERPRINT_TEXT 96u /* "AB:CD:…" of 32 bytes, with NUL */

static void fingerprint(char out[FINGERPRINT_TEXT], const uint8_t sha256[32])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(out + 3 * i, 4, i < 31 ? "%02X:" : "%02X", sha256[i]);
}

static int read_ca(struct api_call *c, struct pki_info *ret)
{
	struct span pem = node_ca(c->node);
	if (pem.n == 0)
		return diag_set(c->d, MO_ENOENT, MSG_API_NO_CA);
	return pki_cert_info(ret, pem, 0, "tls/ca.crt", c->d);
}

/* ---- for the page ---- */

/* Whether others come to the node by this name of its certificate. */
static bool leads_here(struct api_call *c, const char *name)
{
	enum address_kind kind = address_read(name, NULL, 0), at = address_read(node_address(c->node), NULL, 0);
	if (kind == ADDRESS_NONE)
		return strcmp(name, "localhost") != 0;
	if (kind != ADDRESS_ONE)
		return false;
	return at == ADDRESS_ANY || strcmp(name, node_address(c->node)) == 0;
}

static int write_place(struct api_call *c, const char *name)
{
	struct buf url, path;
	unsigned size = 0;
	bool six = strchr(name, ':') != NULL;
	buf_init(&url, QR_TEXT_MAX);
	buf_init(&path, 0);
	buf_printf(&url, "https://%s%s%s:%u/ca", six ? "[" : "", name, six ? "]" : "", (unsigned)node_port(c->node));
	int err = url.err ? url.err : qr_path(&path, &size, buf_span(&url));
	if (err == 0) {
		jw_object(&c->w);
		jw_key(&c->w, "host");
		jw_cstr(&c->w, name);
		jw_key(&c->w, "url");
		jw_str(&c->w, buf_span(&url));
		jw_key(&c->w, "size");
		jw_u64(&c->w, size);
		jw_key(&c->w, "path");
		jw_str(&c->w, buf_span(&path));
		jw_object_end(&c->w);
	}
	buf_free(&url);
	buf_free(&path);
	return err;
}

/* Addresses first: every phone understands them; names only where the network knows them. */
static int write_places(struct api_call *c, const struct pki_names *names)
{
	unsigned n = 0;
	int err = 0;
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < names->n && err == 0 && n < PHONE_PLACES_MAX; i++)
			if ((address_read(names->name[i], NULL, 0) == ADDRESS_NONE) == (pass == 1) && leads_here(c, names->name[i])) {
				err = write_place(c, names->name[i]);
				n++;
			}
	return err;
}

int get_phone(struct api_call *c)
{
	struct pki_info *info = arena_alloc(&c->arena, sizeof *info);
	struct pki_names *names = arena_alloc(&c->arena, sizeof *names);
	bool tls = node_tls_on(c->node), ca = node_ca(c->node).n > 0;
	bool others = address_read(node_address(c->node), NULL, 0) != ADDRESS_LOOPBACK;
	char text[FINGERPRINT_TEXT];
	int err = info && names ? 0 : diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0 && ca)
		err = read_ca(c, info);
	if (err != 0)
		return err;
	node_names(c->node, names);
	jw_object(&c->w);
	jw_key(&c->w, "tls");
	jw_bool(&c->w, tls);
	jw_key(&c->w, "others");
	jw_bool(&c->w, others);
	jw_key(&c->w, "ca");
	if (ca) {
		fingerprint(text, info->sha256);
		jw_object(&c->w);
		jw_key(&c->w, "subject");
		jw_cstr(&c->w, info->subject);
		jw_key(&c->w, "sha256");
		jw_cstr(&c->w, text);
		jw_key(&c->w, "to");
		jw_time(&c->w, info->not_after_ns);
		jw_object_end(&c->w);
	} else {
		jw_null(&c->w);
	}
	jw_key(&c->w, "places");
	jw_array(&c->w);
	if (tls && ca && others)
		err = write_places(c, names);
	jw_array_end(&c->w);
	jw_object_end(&c->w);
	return err != 0 ? diag_set(c->d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_API_FAILED) : 0;
}

/* ---- for the phone ---- */

/* For HTML and XML alike; "'" does not stand in attributes here. */
static void escaped(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t b = text.p[i];
		if (b == '<')
			buf_adds(out, "&lt;");
		else if (b == '>')
			buf_adds(out, "&gt;");
		else if (b == '&')
			buf_adds(out, "&amp;");
		else if (b == '"')
			buf_adds(out, "&quot;");
		else if (b >= 0x20)
			buf_addc(out, b);
	}
}

/* The sentence, its {0} the node's name. */
static void word(struct api_call *c, enum words_lang lang, enum mo_msg msg, const char *name)
{
	struct buf text;
	buf_init(&text, 0);
	diag_set(c->d, 0, msg);
	diag_text(c->d, 0, span_str(name));
	words_render(&text, lang, c->d);
	escaped(&c->out, buf_span(&text));
	if (text.err)
		c->out.err = text.err;
	buf_free(&text);
}

static enum words_lang language(struct api_call *c, const struct settings *s)
{
	struct span asked = api_param(c, "lang"), accepts = span_trim(api_header(c, "Accept-Language"));
	if (asked.n)
		return span_is(asked, "en") ? WORDS_EN : WORDS_KO;
	if (span_starts(accepts, "ko"))
		return WORDS_KO;
	return accepts.n || strcmp(s->lang, "en") == 0 ? WORDS_EN : WORDS_KO;
}

static void steps(struct api_call *c, enum words_lang lang, const char *name, const enum mo_msg *m, size_t n)
{
	buf_adds(&c->out, "<h2>");
	word(c, lang, m[0], name);
	buf_adds(&c->out, "</h2><ol>");
	for (size_t i = 1; i < n; i++) {
		buf_adds(&c->out, "<li>");
		word(c, lang, m[i], name);
		buf_adds(&c->out, "</li>");
	}
	buf_adds(&c->out, "</ol>\n");
}

static void tagged(struct api_call *c, enum words_lang lang, enum mo_msg msg, const char *name, const char *before, const char *after)
{
	buf_adds(&c->out, before);
	word(c, lang, msg, name);
	buf_adds(&c->out, after);
}

static const char style[] = "body{font:17px/1.5 system-ui,sans-serif;margin:0;color:#1b1f24;background:#fff}main{max-width:40rem;margin:0 auto;padding:20px}"
			    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}.b{display:inline-block;padding:10px 16px;margin:4px 8px 4px 0;border-radius:6px;"
			    "background:#0b5cad;color:#fff;text-decoration:none}.f{font:15px/1.7 ui-monospace,monospace;word-break:break-all;padding:10px;"
			    "background:#f1f3f5;border-radius:6px}li{margin:6px 0}.r{text-align:right}"
			    "@media(prefers-color-scheme:dark){body{color:#e6e8ea;background:#16191d}.f{background:#23272d}a{color:#7db7ff}.b{color:#fff}}";

static void write_page(struct api_call *c, enum words_lang lang, const char *name, const char *print)
{
	static const enum mo_msg android[] = {MSG_PHONE_ANDROID, MSG_PHONE_ANDROID_1, MSG_PHONE_ANDROID_2, MSG_PHONE_ANDROID_3, MSG_PHONE_ANDROID_4};
	static const enum mo_msg ios[] = {MSG_PHONE_IOS, MSG_PHONE_IOS_1, MSG_PHONE_IOS_2, MSG_PHONE_IOS_3};
	static const enum mo_msg windows[] = {MSG_PHONE_WINDOWS, MSG_PHONE_WINDOWS_1, MSG_PHONE_WINDOWS_2, MSG_PHONE_WINDOWS_3, MSG_PHONE_WINDOWS_4};
	struct buf *b = &c->out;
	buf_printf(b, "<!doctype html><html lang=\"%s\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
		lang == WORDS_KO ? "ko" : "en");
	tagged(c, lang, MSG_PHONE_TITLE, name, "<title>", "</title>");
	buf_printf(b, "<style>%s</style></head><body><main>\n<p class=\"r\">%s</p>", style,
		lang == WORDS_KO ? "<a href=\"/ca?lang=en\" lang=\"en\">English</a>" : "<a href=\"/ca?lang=ko\" lang=\"ko\">한국어</a>");
	tagged(c, lang, MSG_PHONE_TITLE, name, "<h1>", "</h1>\n");
	tagged(c, lang, MSG_PHONE_INTRO, name, "<p>", " ");
	tagged(c, lang, MSG_PHONE_WARNING, name, "", "</p>\n");
	tagged(c, lang, MSG_PHONE_DOWNLOAD, name, "<p><a class=\"b\" href=\"/ca.crt\">", "</a>");
	tagged(c, lang, MSG_PHONE_PROFILE, name, "<a class=\"b\" href=\"/ca.mobileconfig\">", "</a></p>\n");
	tagged(c, lang, MSG_PHONE_FINGERPRINT, name, "<h2>", "</h2>");
	buf_printf(b, "<p class=\"f\">%s</p>\n", print);
	tagged(c, lang, MSG_PHONE_COMPARE, name, "<p><strong>", "</strong></p>\n");
	steps(c, lang, name, android, sizeof android / sizeof *android);
	steps(c, lang, name, ios, sizeof ios / sizeof *ios);
	steps(c, lang, name, windows, sizeof windows / sizeof *windows);
	tagged(c, lang, MSG_PHONE_OPEN, name, "<p><a href=\"/\">", "</a></p>\n</main></body></html>\n");
}

int get_ca_page(struct api_call *c)
{
	static const char policy[] = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
	struct settings *s = arena_alloc(&c->arena, sizeof *s);
	struct pki_info *info = arena_alloc(&c->arena, sizeof *info);
	char text[FINGERPRINT_TEXT];
	int err = s && info ? read_ca(c, info) : diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err != 0)
		return err;
	node_settings(c->node, s);
	fingerprint(text, info->sha256);
	write_page(c, language(c, s), s->name, text);
	diag_clear(c->d);
	if (c->out.err)
		return diag_set(c->d, c->out.err, MSG_OUT_OF_MEMORY);
	const struct gate_field f[] = {{"Content-Type", SPAN_LIT("text/html; charset=utf-8")}, {"Cache-Control", SPAN_LIT("no-store")},
		{"Content-Security-Policy", span_str(policy)}, {"X-Content-Type-Options", SPAN_LIT("nosniff")}, {"Referrer-Policy", SPAN_LIT("no-referrer")}};
	c->answered = true;
	if (gate_reply_ref(&c->pass, 200, f, sizeof f / sizeof *f, buf_span(&c->out)) != 0)
		gate_abort(&c->pass);
	return 0;
}

/* An id that the same certificate always has, so that a profile that is installed again takes the place of the first (RFC 9562, version 8). */
static void profile_id(char out[UUID_TEXT], const uint8_t sha256[32], uint8_t which)
{
	struct uuid u;
	memcpy(u.b, sha256, 16);
	u.b[0] ^= which;
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x80);
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
	uuid_format(out, &u);
}

/* Apple's "Configuration Profile Reference", com.apple.security.root: the certificate's DER in base64, which is what PEM holds between its lines. */
int get_ca_profile(struct api_call *c)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
	struct settings *s = arena_alloc(&c->arena, sizeof *s);
	struct pki_info *info = arena_alloc(&c->arena, sizeof *info);
	int err = s && info ? read_ca(c, info) : diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err != 0)
		return err;
	struct span pem = node_ca(c->node);
	const uint8_t *from = memmem(pem.p, pem.n, begin, sizeof begin - 1), *to = memmem(pem.p, pem.n, end, sizeof end - 1);
	if (!from || !to || to < from)
		return diag_set(c->d, MO_ECORRUPT, MSG_API_FAILED);
	from += sizeof begin - 1;
	node_settings(c->node, s);
	enum words_lang lang = language(c, s);
	char inner[UUID_TEXT], outer[UUID_TEXT];
	struct buf *b = &c->out;
	profile_id(inner, info->sha256, 0);
	profile_id(outer, info->sha256, 1);
	buf_adds(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
		    "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\"><dict>\n<key>PayloadContent</key><array><dict>\n"
		    "<key>PayloadCertificateFileName</key><string>moru-ca.crt</string>\n<key>PayloadContent</key><data>");
	buf_add(b, span_of(from, (size_t)(to - from)));
	buf_printf(b, "</data>\n<key>PayloadIdentifier</key><string>moru.%s</string>\n<key>PayloadUUID</key><string>%s</string>\n"
		      "<key>PayloadType</key><string>com.apple.security.root</string>\n<key>PayloadVersion</key><integer>1</integer>\n<key>PayloadDisplayName</key><string>",
		inner, inner);
	escaped(b, span_str(s->name));
	buf_adds(b, "</string>\n</dict></array>\n<key>PayloadDisplayName</key><string>Moru: ");
	escaped(b, span_str(s->name));
	tagged(c, lang, MSG_PHONE_PROFILE_ABOUT, s->name, "</string>\n<key>PayloadDescription</key><string>", "</string>\n");
	buf_printf(b, "<key>PayloadIdentifier</key><string>moru.%s</string>\n<key>PayloadUUID</key><string>%s</string>\n<key>PayloadType</key>"
		      "<string>Configuration</string>\n<key>PayloadVersion</key><integer>1</integer>\n</dict></plist>\n", outer, outer);
	diag_clear(c->d);
	c->content = "application/x-apple-aspen-config";
	c->disposition = "attachment; filename=\"moru.mobileconfig\"";
	return 0;
}
