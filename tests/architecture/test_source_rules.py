"""Rules about the program's text: size, names, where SQL stands, who commits, what must not be named."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("api", "ledger", "settlement")

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40

# What may be longer, as "path" or "path:function", each with its reason in a comment.
LONG_BUT_ALLOWED: frozenset[str] = frozenset(
    {
        # One option for each term of a programme, each with its help.
        "api/cli/programmes.py:add",
        # The same for a contract.
        "api/cli/terms.py:set_terms",
    }
)

# Folders (with / at the end) and files that may hold SQL.
HOMES_OF_SQL = (
    "ledger/store/",
    "ledger/reading/",
    "ledger/audit/",
    "settlement/store/",
    # Roles and databases of the embedded server, before there is a ledger.
    "ledger/embedded/cluster.py",
    "ledger/embedded/questions.py",
    "ledger/embedded/server.py",
)
UNIT_OF_WORK = "ledger/store/unit_of_work.py"

SQL = re.compile(
    r"\bselect\s.+?\sfrom\s|\binsert\s+into\s|\bupdate\s+\w+\s+set\s|\bdelete\s+from\s|^\s*select\s+[\w(]+\s*[(),1]"
    r"|\b(create|alter|drop)\s+(table|index|role|database|schema|view|function|sequence)\s"
    r"|^\s*(truncate|lock\s+table|copy\s+\w+\s*\([\w\s,]*\)\s*from|listen|notify|grant|revoke|set\s+local)\s",
    re.IGNORECASE | re.DOTALL,
)
UNIT_OF_WORK_STATEMENT = re.compile(r"^\s*(begin|commit|rollback|start\s+transaction|savepoint)\b[^.]*$", re.IGNORECASE)
UNIT_OF_WORK_CALLS = {"begin", "begin_nested", "commit", "rollback"}

EMPTY_NAMES = re.compile(r"(^|_)(util|utils|helper|helpers|common|manager|managers|misc)(_|$)")
EMPTY_CLASS_NAMES = re.compile(r"(Utils?|Helpers?|Common|Managers?|Misc)$")

# A machine's own folders and the addresses of package registries; written so that this file does not name them.
NOT_TO_BE_NAMED = re.compile(
    r"(^|[^a-z.])/(work|farm)/|bash_job[s]|[.]library/|pythonhoste[d]|npmjs[.]org|deb[.]debian|pypi[.]org"
)


def sources() -> list[Path]:
    return sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Every text or bytes in the code that is no docstring."""
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in documentation:
            yield node


def as_text(constant: ast.Constant) -> str:
    return constant.value.decode("utf-8", "replace") if isinstance(constant.value, bytes) else str(constant.value)


def too_long(file_name: str, source: str) -> list[str]:
    found = []
    if (lines := source.count("\n")) > MAX_FILE_LINES:
        found.append(f"{file_name}: {lines} lines")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                found.append(f"{file_name}:{node.name}: {lines} lines")
    return found


def sql_in(tree: ast.Module) -> list[tuple[int, str]]:
    return [(text.lineno, as_text(text)[:60]) for text in texts(tree) if SQL.search(as_text(text))]


def commits_in(tree: ast.Module) -> list[tuple[int, str]]:
    calls = [
        (node.lineno, f".{node.func.attr}(")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in UNIT_OF_WORK_CALLS
    ]
    statements = [(text.lineno, as_text(text)) for text in texts(tree) if UNIT_OF_WORK_STATEMENT.match(as_text(text))]
    return calls + statements


def test_files_and_functions_are_short_enough_to_read() -> None:
    found = [line for file in sources() for line in too_long(name_of(file), file.read_text(encoding="utf-8"))]
    long = {line.rpartition(":")[0] for line in found}
    assert not [line for line in found if line.rpartition(":")[0] not in LONG_BUT_ALLOWED]
    assert long >= LONG_BUT_ALLOWED, "take what is short by now off the list"


def test_nothing_is_named_for_nothing() -> None:
    found = [name_of(file) for file in sources() if any(EMPTY_NAMES.search(part) for part in steps_of(file))]
    found += [
        f"{name_of(file)}:{node.name}"
        for file in sources()
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ClassDef) and EMPTY_CLASS_NAMES.search(node.name)
    ]
    assert not found, "name it after its subject"


def steps_of(file: Path) -> tuple[str, ...]:
    return file.relative_to(ROOT).with_suffix("").parts


def test_sql_stands_only_where_it_belongs() -> None:
    found = [
        f"{name_of(file)}:{line}: {text}"
        for file in sources()
        if not name_of(file).startswith(HOMES_OF_SQL)
        for line, text in sql_in(parsed(file))
    ]
    assert not found


def test_only_the_unit_of_work_begins_and_commits() -> None:
    found = [
        f"{name_of(file)}:{line}: {text}"
        for file in sources()
        if name_of(file) != UNIT_OF_WORK
        for line, text in commits_in(parsed(file))
    ]
    assert not found


def test_rules_read_no_clock() -> None:
    found = [
        f"{name_of(file)}:{node.lineno}: .{node.func.attr}("
        for file in (ROOT / "ledger" / "rules").rglob("*.py")
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "utcnow", "today"}
    ]
    assert not found, "the time is an argument"


def test_no_file_names_the_machine_it_was_written_on_or_a_package_registry() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout, so nothing says which files belong to the project")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    assert ROOT / "pyproject.toml" in files
    found = [
        f"{name_of(file)}:{number}: {line.strip()[:120]}"
        for file in files
        if file.is_file()
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if NOT_TO_BE_NAMED.search(line)
    ]
    assert not found


def test_imports_point_one_way() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("module", ["api.cli.http_process", "api.worker.process", "ledger.posting.engine"])
def test_what_serves_and_posts_does_not_load_what_only_migrations_need(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{'alembic', 'sqlalchemy'}} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert loaded.stdout == "\n"


@pytest.mark.parametrize(
    "text",
    [
        "select 1 from lanes",
        "SELECT pg_advisory_lock(1)",
        "insert into postings values (1)",
        "\n  update lanes set head = %s",
        "delete from lots",
        "with due as (select id from lots) select id from due",
        "create table lots (id uuid)",
        "truncate lanes",
        "copy postings (lane) from stdin",
    ],
)
def test_sql_is_recognised(text: str) -> None:
    assert sql_in(ast.parse(f"query = {text!r}"))
    assert sql_in(ast.parse(f"query = {text.encode()!r}"))


@pytest.mark.parametrize(
    "text",
    ["Select the member you mean.", "Update the address of a partner.", "a key from the operator", "Create a key."],
)
def test_english_is_not_taken_for_sql(text: str) -> None:
    assert not sql_in(ast.parse(f"text = {text!r}"))


def test_sql_in_a_docstring_is_allowed() -> None:
    assert not sql_in(ast.parse('"""Like select 1 from lanes."""'))


@pytest.mark.parametrize("code", ["c.commit()", "await c.rollback()", "run('BEGIN')", "run('begin isolation level x')"])
def test_a_commit_is_recognised(code: str) -> None:
    assert commits_in(ast.parse(code, mode="exec") if "await" not in code else ast.parse(f"async def f(): {code}"))


def test_long_functions_and_files_are_recognised() -> None:
    body = "\n".join("    x = 1" for _ in range(MAX_FUNCTION_LINES))
    assert too_long("a.py", f"def f():\n{body}\n") == [f"a.py:f: {MAX_FUNCTION_LINES + 1} lines"]
    assert too_long("a.py", "x = 1\n" * (MAX_FILE_LINES + 1)) == [f"a.py: {MAX_FILE_LINES + 1} lines"]
    assert too_long("a.py", "x = 1\n" * MAX_FILE_LINES) == []
