# SPDX-License-Identifier: Apache-2.0
"""What `meson install` lays down, in a folder of its own, and an environment
in which a compiler, a shell and a program find it."""
import os
import pathlib
import subprocess


class Prefix:
    def __init__(self, build, folder):
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild",
                        "--quiet", "--destdir", folder], check=True,
                       stdout=subprocess.DEVNULL)
        self.destdir = pathlib.Path(folder)
        self.lib = next(self.destdir.glob("**/libsmx.so")).parent
        self.root = next(p for p in self.lib.parents
                         if (p / "include/smx").is_dir())

    def env(self):
        return {**os.environ,
                "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
                "LD_LIBRARY_PATH": str(self.lib),
                "PKG_CONFIG_PATH": str(self.lib / "pkgconfig"),
                "PKG_CONFIG_SYSROOT_DIR": str(self.destdir)}

    def flags(self, *words):
        return subprocess.run(
            ["pkg-config", *words], env=self.env(), text=True, check=True,
            stdout=subprocess.PIPE).stdout.split()
