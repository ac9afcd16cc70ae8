/* QR codes (ISO/IEC 18004, by libqrencode) as the path of an SVG picture. */
#ifndef MO_CODEC_QR_H
#define MO_CODEC_QR_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define QR_TEXT_MAX 300u /* bytes; an address of a page is far shorter */
#define QR_QUIET 4u      /* light modules around it that a reader wants (ISO/IEC 18004, 6.3.8) */

/* Appends the path of the dark modules, "M4 4h7v1h-7z…", one unit a module; *ret_size is the side of the square picture, quiet zone included.
 * Error correction M. MO_EINVAL: empty text; MO_ELIMIT: over QR_TEXT_MAX; MO_ENOMEM. */
MO_MUST_USE int qr_path(struct buf *out, unsigned *ret_size, struct span text);

#endif
