/* See qr.h. */
#include "codec/qr.h"

#include <errno.h>
#include <qrencode.h>

int qr_path(struct buf *out, unsigned *ret_size, struct span text)
{
	if (text.n == 0)
		return MO_EINVAL;
	if (text.n > QR_TEXT_MAX)
		return MO_ELIMIT;
	QRcode *q = QRcode_encodeData((int)text.n, text.p, 0, QR_ECLEVEL_M);
	if (!q)
		return errno == ENOMEM ? MO_ENOMEM : MO_ELIMIT;
	unsigned n = (unsigned)q->width;
	for (unsigned y = 0; y < n; y++)
		for (unsigned x = 0, run; x < n; x += run + 1) {
			for (run = 0; x + run < n && (q->data[(size_t)y * n + x + run] & 1); run++)
				;
			if (run)
				buf_printf(out, "M%u %uh%uv1h-%uz", x + QR_QUIET, y + QR_QUIET, run, run);
		}
	QRcode_free(q);
	if (out->err)
		return out->err;
	*ret_size = n + 2 * QR_QUIET;
	return 0;
}
