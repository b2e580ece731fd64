"""The one way to run anything: `nox -l` lists the sessions, `nox -s NAME` runs one, `nox` runs them all."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True

SIDE_BY_SIDE = ("-n", "auto", "--dist", "worksteal")
"""A process a core, which take tests from one another."""

PROJECT = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, *groups: str) -> None:
    """Install the project as it stands, with some of its dependency groups."""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests but for the slow ones, two side by side; or those that are named after `--`."""
    install(session, "test")
    session.run("pytest", *(session.posargs or [*SIDE_BY_SIDE, "-m", "not slow"]))


@nox.session(name="tests-all", default=False)
def tests_all(session: nox.Session) -> None:
    """Run all tests, as CI does."""
    install(session, "test")
    session.run("pytest", *SIDE_BY_SIDE, *session.posargs)


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Run the tests, and tell which branches of the library none of them takes; 95 % must be."""
    install(session, "test", "coverage")
    options = ["--cov", "--cov-report=term-missing:skip-covered", "--cov-fail-under=95"]
    session.run("pytest", *SIDE_BY_SIDE, *options, *session.posargs)


@nox.session(name="tests-minimum", venv_backend="uv", default=False)
def tests_minimum(session: nox.Session) -> None:
    """Run the tests with the lowest versions that are allowed of everything that is asked for by name."""
    groups = nox.project.dependency_groups(PROJECT, "test")
    session.install("--resolution=lowest-direct", "-e", ".[plots,tensorboard,metrics]", *groups)
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Change colours, figures, registry, splits, hints, propagation and cuts a little; tell what no test sees."""
    install(session, "test", "mutants")
    session.run("mutmut", "run", *session.posargs, env={"OMP_NUM_THREADS": "1", "NUMBA_DISABLE_JIT": "1"})
    session.run("mutmut", "results")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    install(session, "types")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into `docs/_build`, which runs every example."""
    install(session, "docs", "examples")
    session.run("sphinx-build", "-W", "-n", "-b", "html", "docs", "docs/_build/html")


@nox.session(default=False)
def backbones(session: nox.Session) -> None:
    """Build and run every model of timm's as a backbone; takes about 20 minutes on two cores."""
    session.install("-e", ".")
    session.run("python", "benchmarks/backbones.py", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel and the source distribution into `dist`, and check them."""
    session.install("build", "twine")
    session.run("python", "-m", "build")
    session.run("twine", "check", "--strict", "dist/*")


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """Install the wheel alone, and run the quickstart with it, away from the source."""
    folder = Path(session.create_tmp())
    session.install("build")
    session.run("python", "-m", "build", "--wheel", "--outdir", str(folder))
    session.install("--force-reinstall", *map(str, folder.glob("*.whl")))
    shutil.copy("examples/quickstart.py", folder)
    with session.chdir(folder):
        session.run("colorfuse", "backbones", "mobilenetv1*")
        session.run("python", "quickstart.py")
