# SPDX-License-Identifier: Apache-2.0
"""Stored segments as files, and processes that seem to live in them."""
import fcntl
import gzip
import os
import struct


def unpack(stored, path):
    """As writers make files: pages of zeros are holes."""
    data = gzip.decompress(stored.read_bytes())
    with open(path, "wb") as f:
        for at in range(0, len(data), 4096):
            page = data[at:at + 4096]
            if page.strip(b"\0"):
                f.seek(at)
                f.write(page)
        f.truncate(len(data))
    os.chmod(path, 0o640)


def lease(path, slot):
    """Until the descriptor that it returns is closed."""
    fd = os.open(path, os.O_RDWR)
    fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0,
                                    2**40 + slot, 1, 0))  # F_OFD_SETLK
    return fd
