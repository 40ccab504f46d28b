# SPDX-License-Identifier: Apache-2.0
"""Every command and every program that a page prints runs as printed, and
prints what it says.

A ```sh block runs in bash in a folder that looks like a checkout that has
been built, and finds what `meson install` lays down.  A block without a
language right behind it is its output: each of those lines must come, in
that order; numbers may differ, spaces count as one, and `…` stands for the
rest of the line.  A ```c block is a whole program.  One that begins with
`/* NAME.c` is there under that name for the commands, which must use it, and
is the example of this name if there is one; any other is compiled and run.  A block behind a line `<!-- not run: WHY -->` is
named and left out.

usage: commands.py SOURCE BUILD PAGE...
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(1, str(pathlib.Path(__file__).parents[1] / "install"))
from installed import Prefix  # noqa: E402

LIMIT_S = 600
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<why>.*?) -->\n+)?"
    r"```(?P<language>sh|c)\n(?P<script>.*?)```\n"
    r"(?:\n*```\n(?P<output>.*?)```\n)?", re.S)
NAMED = re.compile(r"/\* (\w+\.c)\b")
COMPILE = "cc -std=c11 -O2 -Wall -Wextra -Wconversion -Wshadow -Werror " \
    "-D_GNU_SOURCE -x c - -x none -o program " \
    "$(pkg-config --cflags --libs smx) <<'PROGRAM'\n"
# Commands that cannot run inside a test, and what runs them instead.
ELSEWHERE = {
    "./cdb test": "is what runs this",
    ".ci/run": "is what runs this",
}


def checkout(folder, source, build):
    """A folder that looks like a built checkout."""
    for entry in source.iterdir():
        if not entry.name.startswith("build"):
            (folder / entry.name).symlink_to(entry)
    (folder / "build").symlink_to(build)


def runnable(script):
    kept = []
    for line in script.splitlines():
        why = [w for c, w in ELSEWHERE.items() if line.startswith(c)]
        if why:
            print(f"skipped - {line.split('#')[0].strip()}: {why[0]}")
        else:
            kept.append(line)
    return "\n".join(kept) + "\n"


def bash():
    """A shell, where it may in a network of its own: the ports that a page
    names are free."""
    be_root = [] if os.geteuid() == 0 else ["-c", "--keep-caps"]
    drop = [] if os.geteuid() == 0 else [
        "setpriv", "--ambient-caps=-all", "--inh-caps=-all"]
    alone = ["unshare", "-n", *be_root, "sh", "-c",
             'ip link set lo up && exec "$@"', "sh", *drop, "bash", "-e"]
    tried = subprocess.run(alone, input="", text=True, check=False,
                           stderr=subprocess.DEVNULL)
    return alone if tried.returncode == 0 else ["bash", "-e"]


def run(script, folder, build, prefix):
    smx = pathlib.Path(tempfile.mkdtemp(prefix="smx-docs-", dir="/dev/shm"))
    smx.chmod(0o1777)
    env = {**prefix.env(), "SMX_DIR": str(smx), "CDB_BUILD": str(build),
           "CDB_NO_BUILD": "1", "CDB_RUN": f"docs-{os.getpid()}"}
    with tempfile.TemporaryFile("w+") as out:
        try:
            status = subprocess.run(
                bash(), input=script, text=True, cwd=folder,
                env=env, stdout=out, stderr=subprocess.STDOUT,
                timeout=LIMIT_S, check=False).returncode
        finally:
            subprocess.run([folder / "cdb", "down"], env=env, check=False,
                           stdout=subprocess.DEVNULL, timeout=120)
            shutil.rmtree(smx, ignore_errors=True)
        out.seek(0)
        return status, out.read()


def skeleton(line):
    return re.sub(r"[0-9a-f]{40,}|(?<=/smx-)[0-9a-f]{10}|[0-9]+(\.[0-9]+)?", "0",
                  " ".join(line.split()))


def missing(printed, output):
    """The first printed line that did not come; None if all did."""
    came = iter([skeleton(line) for line in output.splitlines()])
    for line in filter(str.strip, printed.splitlines()):
        head, rest, _ = skeleton(line).partition("…")
        head = head.strip()
        if not any(c.startswith(head) if rest else c == head for c in came):
            return line
    return None


def blocks(page):
    text = page.read_text("utf-8")
    for found in BLOCK.finditer(text):
        yield text.count("\n", 0, found.start("script")), found


def differs(example, program):
    """1 if there is an example of this name, and it says something else."""
    if not example.exists() or \
            example.read_text("utf-8").partition("\n")[2] == program:
        return 0
    print(f"not ok - {example.name} is not what examples/ has")
    return 1


def programs(page, folder):
    """Lay down those that have a name; print which no command uses."""
    text = page.read_text("utf-8")
    used = "".join(b["script"] for _, b in blocks(page)
                   if b["language"] == "sh")
    failed = 0
    for _, found in blocks(page):
        named = NAMED.match(found["script"])
        if found["language"] == "c" and named:
            (folder / named[1]).write_text(found["script"], "utf-8")
            if named[1] not in used:
                failed += 1
                print(f"not ok - {page.name}: no command uses {named[1]}")
            failed += differs(folder / "examples" / named[1], found["script"])
    if "```cpp" in text or "```c++" in text:
        failed += 1
        print(f"not ok - {page.name}: C++ is not compiled by this test")
    return failed


def script_of(found):
    """What the shell runs; nothing for a program that the commands use."""
    if found["language"] == "sh":
        return runnable(found["script"])
    if NAMED.match(found["script"]):
        return None
    return f"{COMPILE}{found['script']}PROGRAM\n./program\n"


def check(page, folder, build, prefix):
    failed = programs(page, folder)
    for line, found in blocks(page):
        where = f"{page.name}:{line}"
        script = script_of(found)
        if found["why"]:
            print(f"skipped - {where}: {found['why']}")
            continue
        if not script:
            continue
        status, output = run(script, folder, build, prefix)
        lost = missing(found["output"] or "", output)
        if status == 0 and not lost:
            print(f"ok - {where}", flush=True)
            continue
        failed += 1
        said = f"exit status {status}" if status else f"never came: {lost}"
        print(f"# {script}{output}".replace("\n", "\n# "))
        print(f"not ok - {where}: {said}", flush=True)
    return failed


def main():
    source, build = map(pathlib.Path, sys.argv[1:3])
    with tempfile.TemporaryDirectory(prefix="smx-docs-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        checkout(folder, source, build)
        prefix = Prefix(build, folder / "installed")
        failed = sum(check(source / page, folder, build, prefix)
                     for page in sys.argv[3:])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
