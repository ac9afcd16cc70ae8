"""Reads a QR code that stands as the path of an SVG picture, with ZBar (libzbar, zbar.h): another program than the one that made it."""
import ctypes
import ctypes.util
import re

MODULE = 4  # pixels


def pixels(size, path):
    """One byte a pixel, dark modules 0; the path is made of runs 'Mx yhNv1h-Nz' alone."""
    side = size * MODULE
    grey = bytearray(b'\xff' * side * side)
    runs = re.findall(r'M(\d+) (\d+)h(\d+)v1h-(\d+)z', path)
    assert ''.join('M%s %sh%sv1h-%sz' % r for r in runs) == path
    for x, y, n, back in (map(int, r) for r in runs):
        assert n == back > 0 and x + n <= size and y < size
        for row in range(y * MODULE, (y + 1) * MODULE):
            at = row * side + x * MODULE
            grey[at:at + n * MODULE] = bytes(n * MODULE)
    return side, bytes(grey)


def read(size, path):
    """The texts of the codes in the picture."""
    side, grey = pixels(size, path)
    z = ctypes.CDLL(ctypes.util.find_library('zbar') or 'libzbar.so.0')
    for name, result, *args in (('zbar_image_scanner_create', 'p'), ('zbar_image_create', 'p'), ('zbar_image_set_format', None, 'p', 'L'),
                                ('zbar_image_set_size', None, 'p', 'I', 'I'), ('zbar_image_set_data', None, 'p', 's', 'L', 'p'), ('zbar_scan_image', 'i', 'p', 'p'),
                                ('zbar_image_first_symbol', 'p', 'p'), ('zbar_symbol_next', 'p', 'p'), ('zbar_symbol_get_data', 's', 'p'),
                                ('zbar_image_destroy', None, 'p'), ('zbar_image_scanner_destroy', None, 'p')):
        kinds = {'p': ctypes.c_void_p, 'L': ctypes.c_ulong, 'I': ctypes.c_uint, 's': ctypes.c_char_p, 'i': ctypes.c_int, None: None}
        f = getattr(z, name)
        f.restype, f.argtypes = kinds[result], [kinds[a] for a in args]
    scanner, image = z.zbar_image_scanner_create(), z.zbar_image_create()
    try:
        z.zbar_image_set_format(image, int.from_bytes(b'Y800', 'little'))
        z.zbar_image_set_size(image, side, side)
        z.zbar_image_set_data(image, grey, len(grey), None)
        n, out = z.zbar_scan_image(scanner, image), []
        s = z.zbar_image_first_symbol(image)
        while s:
            out.append(z.zbar_symbol_get_data(s).decode())
            s = z.zbar_symbol_next(s)
        assert n == len(out)
        return out
    finally:
        z.zbar_image_destroy(image)
        z.zbar_image_scanner_destroy(scanner)
