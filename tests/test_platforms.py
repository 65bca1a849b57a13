"""What is shipped runs on Linux, macOS and Windows: no shell, no unguarded call of one system.

A call that only some systems have counts as guarded when it stands under a test of the platform
(`sys.platform`, `os.name`, `platform.system()`), under `hasattr`, in a `try` that catches
ImportError, AttributeError or OSError, or in a function that such a test keeps away.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "forensics").rglob("*.py"))

# Modules that Windows (or any system but one) lacks.
MODULES = frozenset(
    [
        "fcntl",
        "grp",
        "posix",
        "pty",
        "pwd",
        "resource",
        "spwd",
        "syslog",
        "termios",
        "tty",
        "crypt",
        "nis",
        "readline",
        "winreg",
        "msvcrt",
        "_winapi",
        "winsound",
    ]
)
# Names of `os` and `signal` that Windows lacks.
OS_NAMES = frozenset(
    [
        "fork",
        "forkpty",
        "getuid",
        "geteuid",
        "getgid",
        "getegid",
        "setuid",
        "setgid",
        "setsid",
        "setpgid",
        "getpgid",
        "killpg",
        "nice",
        "sched_getaffinity",
        "sched_setaffinity",
        "mkfifo",
        "mknod",
        "chown",
        "fchown",
        "lchown",
        "chroot",
        "statvfs",
        "fstatvfs",
        "uname",
        "getloadavg",
        "wait3",
        "wait4",
        "pipe2",
        "posix_fallocate",
        "posix_fadvise",
        "sendfile",
        "openpty",
        "ttyname",
        "O_NOFOLLOW",
        "O_DIRECTORY",
        "O_CLOEXEC",
        "O_NONBLOCK",
        "O_DIRECT",
        "getxattr",
        "setxattr",
        "sysconf",
        "confstr",
        "waitpid",
        "WIFSIGNALED",
        "WTERMSIG",
        "getpriority",
        "setpriority",
        "fchmod",
        "sync",
        "fdatasync",
    ]
)
SIGNAL_NAMES = frozenset(
    [
        "SIGKILL",
        "SIGHUP",
        "SIGALRM",
        "SIGUSR1",
        "SIGUSR2",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGCHLD",
        "SIGPIPE",
        "SIGSTOP",
        "SIGTSTP",
        "SIGCONT",
        "alarm",
        "setitimer",
        "pthread_sigmask",
        "pthread_kill",
        "sigwait",
    ]
)
MMAP_NAMES = frozenset({"MAP_SHARED", "MAP_PRIVATE", "PROT_READ", "PROT_WRITE"})
SHELLS = frozenset({"system", "popen", "getoutput", "getstatusoutput"})
GUARDS = ("sys.platform", "os.name", "platform.system", "hasattr", "getattr", "can_fork()")
CAUGHT = frozenset({"ImportError", "ModuleNotFoundError", "AttributeError", "OSError"})


def parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def guarded(node: ast.AST, up: dict[ast.AST, ast.AST]) -> bool:
    """Whether a test of the platform or a try keeps this place away from other systems."""
    below, here = node, up.get(node)
    while here is not None:
        if isinstance(here, ast.If | ast.IfExp) and below is not here.test and _asks(here.test):
            return True
        if isinstance(here, ast.BoolOp) and any(_asks(v) for v in here.values if v is not below):
            return True
        if isinstance(here, ast.Try) and below in here.body and _catches(here):
            return True
        if isinstance(here, ast.FunctionDef) and _leaves_at_once(here, below):
            return True
        below, here = here, up.get(here)
    return False


def _asks(test: ast.AST) -> bool:
    return any(guard in ast.unparse(test) for guard in GUARDS)


def _catches(node: ast.Try) -> bool:
    names = {
        ast.unparse(part).split(".")[-1]
        for handler in node.handlers
        if handler.type is not None
        for part in (handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type])
    }
    return bool(names & CAUGHT)


def _leaves_at_once(function: ast.FunctionDef, below: ast.AST) -> bool:
    """A test of the platform that returns or raises stands before this place in the function."""
    for statement in function.body:
        if statement is below:
            return False
        if isinstance(statement, ast.If) and _ends(statement.body) and _asks(statement.test):
            return True
    return False


def _ends(body: list[ast.stmt]) -> bool:
    last = body[-1]
    return (
        _ends(last.body) if isinstance(last, ast.With) else isinstance(last, ast.Return | ast.Raise)
    )


def faults(code: str, name: str = "code.py") -> Iterator[str]:
    """Every use of a shell and every unguarded name of one system, with its line."""
    tree = ast.parse(code)
    up = parents(tree)
    for node in ast.walk(tree):
        found = _named(node)
        if found and (found.startswith("shell") or not guarded(node, up)):
            yield f"{name}:{getattr(node, 'lineno', 0)}: {found}"


def _named(node: ast.AST) -> str | None:
    if isinstance(node, ast.Import):
        hit = [a.name for a in node.names if a.name.split(".")[0] in MODULES]
        return f"module {hit[0]}" if hit else None
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
        return f"module {node.module}"
    if isinstance(node, ast.ImportFrom) and node.module in {"os", "signal"}:
        hit = [a.name for a in node.names if a.name in OS_NAMES | SIGNAL_NAMES | SHELLS]
        return f"{node.module}.{hit[0]}" if hit else None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id == "os" and node.attr in SHELLS:
            return f"shell: os.{node.attr}"
        if node.value.id == "subprocess" and node.attr in SHELLS:
            return f"shell: subprocess.{node.attr}"
        if node.value.id == "os" and node.attr in OS_NAMES:
            return f"os.{node.attr}"
        if node.value.id == "mmap" and node.attr in MMAP_NAMES:
            return f"mmap.{node.attr}"
        if node.value.id == "signal" and node.attr in SIGNAL_NAMES:
            return f"signal.{node.attr}"
    if isinstance(node, ast.keyword) and node.arg == "shell":
        constant = isinstance(node.value, ast.Constant) and node.value.value is False
        return None if constant else "shell=True"
    if isinstance(node, ast.keyword) and node.arg in {"preexec_fn", "start_new_session"}:
        return node.arg
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_shell_and_no_unguarded_call_of_one_system(path: Path) -> None:
    assert list(faults(path.read_text("utf-8"), path.name)) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import fcntl", 1),
        ("try:\n    import fcntl\nexcept ImportError:\n    fcntl = None", 0),
        ("import os\nos.fork()", 1),
        ("import os\nif hasattr(os, 'fork'):\n    os.fork()", 0),
        ("import os, sys\nn = os.nice(1) if sys.platform != 'win32' else 0", 0),
        ("import os, sys\ndef f():\n  if sys.platform == 'win32':\n    return\n  os.nice(1)", 0),
        ("import os, sys\ndef f():\n  os.nice(1)\n  if sys.platform == 'win32':\n    return", 1),
        ("import os\nos.system('ls')", 1),
        ("import subprocess\nsubprocess.run('ls', shell=True)", 1),
        ("import os\nif hasattr(os, 'x'):\n    os.system('ls')", 1),
        ("import signal\nsignal.SIGKILL", 1),
        ("from resource import getrusage", 1),
        ("import subprocess\nsubprocess.Popen(['a'], start_new_session=True)", 1),
    ],
)  # fmt: skip
def test_the_rule_sees_what_it_should(code: str, expected: int) -> None:
    assert len(list(faults(code))) == expected, list(faults(code))
