# SPDX-License-Identifier: Apache-2.0
"""A collector with certificates, users and a web configuration."""
import json
import ssl
import subprocess
import warnings

from box import Box

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import crypt


def bcrypt(password, rounds=16):
    return crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH,
                                              rounds=rounds))


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True,
                   capture_output=True, timeout=60)


def certificate(base, name, subject, issuer=None, usage="serverAuth"):
    """base/name.crt and .key; its own issuer unless one is given."""
    key, crt = base / f"{name}.key", base / f"{name}.crt"
    signed = ("-CA", base / f"{issuer}.crt", "-CAkey",
              base / f"{issuer}.key") if issuer else ()
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-keyout", key, "-out", crt, "-subj", f"/CN={subject}", "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext",
            f"extendedKeyUsage={usage}", *signed)
    return crt


def authority(base, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-keyout", base / f"{name}.key", "-out", base / f"{name}.crt",
            "-subj", f"/CN={name}")


class Web(Box):
    """A box with certificates and a web configuration."""

    TLS = {"cert_file": "server.crt", "key_file": "server.key"}

    def __init__(self, **config):
        super().__init__(start=False)
        authority(self.base, "ca")
        certificate(self.base, "server", "localhost", "ca")
        self.config = self.base / "web.yml"
        self.flags = (f"--web.config.file={self.config}",)
        self.write(**config)
        if "tls_server_config" in config:
            self.trust("ca.crt")

    def trust(self, name):
        self.tls = ssl.create_default_context(cafile=self.base / name)

    def write(self, **config):
        """JSON is YAML; a new file in place of the old one."""
        self.write_text(json.dumps(config))

    def write_text(self, text):
        new = self.base / "web.new"
        new.write_text(text)
        new.rename(self.config)

    def curl(self, *flags, path="/-/healthy", plain=False):
        """(exit status, HTTP status, output) of the real thing."""
        done = subprocess.run(
            ["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", *flags,
             f"http{'' if plain or not self.tls else 's'}://"
             f"localhost:{self.port}{path}"],
            capture_output=True, text=True, timeout=30, check=False,
            cwd=self.base)
        return (done.returncode, int(done.stdout.rsplit("\n", 1)[-1]),
                done.stdout)
