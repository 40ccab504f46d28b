#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages of library calls: each public call has one, found by its
name once installed; prototypes, fields and errors are those of the headers;
cross references lead somewhere, and the examples compile and run.

usage: calls.py SOURCE BUILD
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(1, str(pathlib.Path(__file__).parents[1] / "install"))
from commands import COMPILE  # noqa: E402
from installed import Prefix  # noqa: E402

SOURCE, BUILD = map(pathlib.Path, sys.argv[1:3])
HEADERS = SOURCE / "libshm/include/smx"
PAGES = {p.stem: p.read_text("utf-8")
         for p in sorted((SOURCE / "docs/man").glob("*.3"))}
CALL = re.compile(r"^(?:SMX__API |static inline )?"
                  r"(?P<type>[a-z][\w ]*?[ *]+)(?P<name>smx_[a-z]\w*)"
                  r"\((?P<args>[^)]*)\)\s*[;{]", re.M)
FIELDS = ("smx_options", "smx_desc", "smx_view_options")


def one_line(text):
    return re.sub(r"\s*(\*)\s*", r" \1", " ".join(text.split())).strip()


def header(name):
    """Without comments; a return type stands beside its name."""
    text = (HEADERS / name).read_text("utf-8")
    text = re.sub(r"/\*.*?\*/|^#.*?(?<!\\)$", "", text, flags=re.M | re.S)
    return re.sub(r"(?<=[\w*])\n(?=smx_)", " ", text)


def declared():
    """name: (header, type, arguments) of each public call."""
    calls = {}
    for file in ("hot.h", "writer.h", "view.h", "snapshot.h"):
        for call in CALL.finditer(header(file)):
            args = [one_line(a) for a in call["args"].split(",")]
            calls[call["name"]] = (file, one_line(call["type"]), args)
    return calls


def documented():
    """name: (page, header, type, arguments) of each synopsis."""
    calls = {}
    for page, text in PAGES.items():
        synopsis = re.search(r"^\.Sh SYNOPSIS\n(.*?)^\.Sh", text,
                             re.M | re.S)[1]
        file = re.search(r"^\.In smx/(\S+)", synopsis, re.M)[1]
        for kind, call in re.findall(
                r"^\.Ft (.*)\n((?:\.Fn .*|\.Fo (?:.*\n)*?\.Fc)$)", synopsis,
                re.M):
            name = re.match(r"\.F[no] (\S+)", call)[1]
            args = re.findall(r'^\.Fa "(.*)"', call, re.M) or ["void"]
            calls[name] = (page, file, one_line(kind),
                           [one_line(a) for a in args])
    return calls


def names(text):
    """Those of the section NAME."""
    section = re.search(r"^\.Sh NAME\n(.*?)^\.Nd", text, re.M | re.S)[1]
    return re.findall(r"^\.Nm (\S+)", section, re.M)


def prototypes_are_those_of_the_headers():
    theirs, ours = documented(), declared()
    if len(ours) < 40:
        yield f"only {len(ours)} calls are found in the headers"
    for name in sorted(theirs.keys() | ours.keys()):
        there = theirs.get(name, (None, None))
        if there[2:] != ours.get(name, (None,))[1:]:
            yield f"{name}: page {there[2:]}, header {ours.get(name)}"
        elif there[1] != ours[name][0] and name not in names(PAGES[there[0]]):
            yield f"{name}: is in {ours[name][0]}"


def pages_name_what_they_describe():
    for name, (page, *_) in documented().items():
        if name not in names(PAGES[page]):
            yield f"{page}: {name} is not in NAME"
        if f".Fn {name}\n" not in PAGES[page] and \
                f".Fn {name} " not in PAGES[page]:
            yield f"{page}: nothing is said of {name}"


def fields_of_the_structs_are_explained():
    text = header("writer.h") + header("view.h")
    pages = "\n".join(PAGES.values())
    explained = set(" ".join(re.findall(r"^\.It Va (.*)", pages, re.M))
                    .replace(",", " ").split())
    for struct in FIELDS:
        body = re.search(rf"^struct {struct} {{(.*?)^}}", text,
                         re.M | re.S)[1]
        for field in re.findall(r"(\w+)(?=[,;])", body):
            if field not in explained:
                yield f"struct {struct}: {field}"


def errors_of_the_headers_are_explained():
    for file, pages in (
            ("writer.h", ("smx_attach", "smx_counter")),
            ("view.h", ("smx_view_open", "smx_snapshot_take"))):
        raw = (HEADERS / file).read_text("utf-8")
        told = "".join(PAGES[p] for p in pages)
        for code in sorted(set(re.findall(r"-(E[A-Z0-9]+)\b", raw))):
            if f".It Er {code}\n" not in told:
                yield f"{file}: {code}"


def cross_references_lead_somewhere():
    known = {f"{n} 3" for text in PAGES.values() for n in names(text)}
    known |= {f"{p.stem} {p.suffix[1:]}"
              for p in (SOURCE / "docs/man").glob("*.[15]")}
    for page in sorted((SOURCE / "docs/man").glob("*.[1-9]")):
        for ref in re.findall(r"^\.Xr (smx\S*) (\d)", page.read_text(), re.M):
            if " ".join(ref) not in known:
                yield f"{page.name}: {ref}"


def installed_pages_are_found_by_every_name():
    with tempfile.TemporaryDirectory(prefix="smx-man-") as folder:
        man3 = Prefix(BUILD, folder).root / "share/man/man3"
        for page, text in PAGES.items():
            for name in names(text):
                at = man3 / f"{name}.3"
                if not at.exists() or at.read_text("utf-8") != text:
                    yield f"{name}(3) is not {page}.3"


def programs():
    for page, text in PAGES.items():
        part = re.search(r"^\.Sh EXAMPLES\n(.*?)^\.Sh", text, re.M | re.S)
        found = re.findall(r"^\.Bd -literal\n(.*?)^\.Ed",
                           part[1] if part else "", re.M | re.S)
        yield page, [b.replace(r"\&", "").replace(r"\e", "\\")
                     for b in found]


def examples_compile_and_run():
    compiler = COMPILE.replace("--libs smx", "--libs smx smx-reader")
    with tempfile.TemporaryDirectory(prefix="smx-man-") as folder:
        prefix = Prefix(BUILD, pathlib.Path(folder) / "installed")
        smx_dir = tempfile.mkdtemp(prefix="smx-man-", dir="/dev/shm")
        try:
            for page, blocks in programs():
                if not blocks:
                    yield f"{page}: there is none"
                for block in blocks:
                    done = subprocess.run(
                        ["bash", "-e"], text=True, check=False, cwd=folder,
                        input=f"{compiler}{block}PROGRAM\n./program\n",
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                        env={**prefix.env(), "SMX_DIR": smx_dir},
                        timeout=120)
                    if done.returncode:
                        yield f"{page}: {done.stdout}"
        finally:
            shutil.rmtree(smx_dir)


def main():
    failed = 0
    for check in (prototypes_are_those_of_the_headers,
                  pages_name_what_they_describe,
                  fields_of_the_structs_are_explained,
                  errors_of_the_headers_are_explained,
                  cross_references_lead_somewhere,
                  installed_pages_are_found_by_every_name,
                  examples_compile_and_run):
        faults = list(check())
        print("".join(f"# {fault}\n" for fault in faults), end="")
        print(f"{'not ok' if faults else 'ok'} - {check.__name__}")
        failed += bool(faults)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
