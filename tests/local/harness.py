"""Where the tests of the local commands find what they test."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "local"))
# A command has no ending, and what is compiled of it would lie beside it under a name of its own.
sys.dont_write_bytecode = True


def script(name: str):
    """A local command, as a module."""
    loader = SourceFileLoader(name, str(ROOT / "local" / name))
    module = module_from_spec(spec_from_loader(name, loader))
    loader.exec_module(module)
    return module
