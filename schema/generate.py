"""Makes `schema/generated/` from `schema/proto/`: messages, gRPC stubs and their types.

`python -m schema.generate` writes the files; with `--check` it writes nothing and exits 1 when any is stale.
"""

import re
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTO = Path("schema/proto")
GENERATED = Path("schema/generated")
PACKAGES = "|".join(sorted(folder.name for folder in PROTO.iterdir() if folder.is_dir()))
# protoc writes imports as if the proto root were on sys.path; ours live under schema.generated.
ABSOLUTE_IMPORT = re.compile(rf"^from ((?:{PACKAGES})\.[\w.]+) import", re.MULTILINE)


def generate(target: Path) -> None:
    """Writes everything below `target`; raises SystemExit when a contract does not compile."""
    protos = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    include = str(files("grpc_tools") / "_proto")
    outputs = [f"--{kind}_out={target}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    # protoc looks for plugins on PATH, where a virtual environment that nobody activated is not.
    plugins = [f"--plugin={Path(sys.executable).parent / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    if status := protoc.main(["protoc", f"-I{PROTO}", f"-I{include}", *plugins, *outputs, *protos]):
        raise SystemExit(status)
    for path in [*target.rglob("*.py"), *target.rglob("*.pyi")]:
        path.write_text(ABSOLUTE_IMPORT.sub(r"from schema.generated.\1 import", path.read_text()))
        drop_if_empty(path)
    for folder in {folder for path in target.rglob("*_pb2.py") for folder in path.relative_to(target).parents}:
        (target / folder / "__init__.py").touch()


def drop_if_empty(path: Path) -> None:
    """A contract without a service gets gRPC files that define nothing."""
    if "_pb2_grpc" in path.name and "Stub" not in path.read_text():
        path.unlink()


def stale(fresh: Path) -> list[str]:
    """Names of files that differ between `fresh` and the committed ones, or stand on one side only."""
    trees = [
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*.py*") if p.suffix in {".py", ".pyi"}}
        for root in (fresh, GENERATED)
    ]
    return sorted(str(name) for name in trees[0].keys() | trees[1].keys() if trees[0].get(name) != trees[1].get(name))


def main() -> None:
    """Writes or checks, as the command line says."""
    if "--check" in sys.argv[1:]:
        check()
    else:
        GENERATED.mkdir(exist_ok=True)
        generate(GENERATED)


def check() -> None:
    """Exits 1, naming them, when committed files are not what the contracts make."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        if names := stale(Path(folder)):
            raise SystemExit(f"stale, run `make generate`: {', '.join(names)}")


if __name__ == "__main__":
    main()
