"""Imports point only upward in the layout, nothing imports in a circle, functions and modules stay short."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import riskstats

ROOT = Path(riskstats.__file__).parent
LAYERS = [
    {
        "exceptions",
        "_atomic",
        "_frames",
        "_jit",
        "_lazy",
        "_optional",
        "_progress",
        "_random",
        "_record_files",
        "_records",
        "_samples",
        "_tables",
        "_validation",
        "results",
    },
    {"distribution", "envelope", "levelset", "losses"},
    {"bounds", "measures"},
    {"control", "evaluations", "harm", "multiplicity", "scores", "tail", "wasserstein"},
    {
        "__main__",
        "cli",
        "datasets",
        "plotting",
        "plotting_breakdown",
        "plotting_evaluations",
        "plotting_grades",
        "plotting_harm",
        "plotting_multiplicity",
        "plotting_ranges",
        "plotting_rows",
        "plotting_tail",
        "plotting_wasserstein",
        "report",
    },
]
LAYER = {name: level for level, names in enumerate(LAYERS) for name in names}
MODULES = {
    ".".join(["riskstats", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
DRAWN_LATE = {  # results may import these when they draw
    "riskstats.plotting",
    "riskstats.plotting_breakdown",
    "riskstats.plotting_evaluations",
    "riskstats.plotting_grades",
    "riskstats.plotting_harm",
    "riskstats.plotting_multiplicity",
    "riskstats.plotting_tail",
    "riskstats.plotting_wasserstein",
}
LONGEST_FUNCTION = 60
LONGEST_MODULE = 450


def imports(path: Path, module: str, *, everywhere: bool) -> Iterator[tuple[str, int]]:
    """Modules of the package that a file imports, and the line: at its import, or `everywhere` in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if everywhere else at_import(tree):
        if isinstance(node, ast.Import):
            yield from (
                (alias.name, node.lineno)
                for alias in node.names
                if alias.name.partition(".")[0] == "riskstats"
            )
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} relative import; write the full name"
            if (node.module or "").partition(".")[0] == "riskstats":
                yield from ((target(node.module, alias.name), node.lineno) for alias in node.names)


def at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Nodes that run when the module is imported: no function bodies, no `if TYPE_CHECKING`."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        yield node
        guarded = (
            isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        )
        if not guarded and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            stack.extend(ast.iter_child_nodes(node))


def target(module: str | None, name: str) -> str:
    """What `from module import name` loads: a submodule, or the module itself."""
    return full if (full := f"{module}.{name}") in MODULES else str(module)


def part(module: str) -> str:
    """The file or folder directly under the package."""
    return module.split(".")[1]


def test_every_module_has_its_layer():
    assert {part(module) for module in MODULES if module != "riskstats"} <= set(LAYER)


@pytest.mark.parametrize("module", [module for module in MODULES if module != "riskstats"])
def test_imports_point_upward(module):
    late = set(imports(MODULES[module], module, everywhere=True))
    late -= set(imports(MODULES[module], module, everywhere=False))
    for imported, line in imports(MODULES[module], module, everywhere=True):
        if imported in DRAWN_LATE and (imported, line) in late:
            continue
        if imported == "riskstats":
            source = MODULES[module].read_text(encoding="utf-8").splitlines()[line - 1]
            assert "__version__" in source, (
                f"{module}:{line} imports public names; import them where they are defined"
            )
        else:
            assert LAYER[part(imported)] <= LAYER[part(module)], (
                f"{module}:{line} imports {imported}, which lies below"
            )


def test_no_module_imports_itself_in_a_circle():
    edges = {m: {i for i, _ in imports(p, m, everywhere=False) if i != m} for m, p in MODULES.items()}
    while free := [module for module, needs in edges.items() if not needs & edges.keys()]:
        for module in free:
            del edges[module]
    assert not edges, f"these import each other: {sorted(edges)}"


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_are_short(module):
    text = MODULES[module].read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_MODULE, f"{module} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = body_length(node)
            assert length <= LONGEST_FUNCTION, (
                f"{module}:{node.lineno} {node.name} has a body of {length} lines"
            )


def body_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
