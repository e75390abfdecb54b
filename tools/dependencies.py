"""Holds to deny.toml what all that is locked for Cargo is made of, with cargo-deny."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.environment import ROOT, STATE, run
from tools.exceptions import Exceptions

# The function's, that of the fuzz targets, and that of the benchmark's peer.
LOCKS = ("Cargo.toml", "fuzz/Cargo.toml", "crates/explain-page/Cargo.toml", "bench/defaults/Cargo.toml")
# It is what the SDK's defaults bring, such as the older HTTP stack: it is measured, and nobody deploys it.
PEER = "bench/defaults/Cargo.toml"
# The folder that cargo-deny gives the database, by its URL.
DATABASE = "advisory-db-3157b0e258782691"
NO_ADVISORY = """```toml
[advisory]
id = "RUSTSEC-2000-0001"
package = "none"
date = "2000-01-01"

[versions]
patched = []
```

# None
"""


def check_licenses_sources_and_bans() -> None:
    for manifest in LOCKS:
        print(manifest)
        bans = () if manifest == PEER else ("bans",)
        command = deny("deny.toml", manifest, "licenses", "sources", *bans)
        run("The dependencies are not as deny.toml asks for", "Look at cargo-deny's error above.", *command)


def check_yanked_and_advisories(exceptions: Exceptions) -> None:
    # Whether a version is yanked is in the registry's index, of which cargo keeps what it has unless it is told to look.
    update = ("cargo", "update", "--dry-run", "--quiet", "--manifest-path")
    if all([succeeds(*update, manifest) for manifest in LOCKS]):
        exceptions.checked("yanked")
    else:
        exceptions.not_checked("yanked", "the registry's index could not be fetched; the versions are held to what is known of it here")
    config = "deny.toml"
    if succeeds("cargo", "deny", "fetch", "db", quiet=True):
        print(f"The advisory database of {date_of_database()}:")
        exceptions.checked("advisories")
    else:
        exceptions.not_checked("advisories", "RustSec's database could not be fetched, and no package registry has a snapshot of it")
        config = configure_without_advisories()
        print("The yanked versions alone:")
    for manifest in LOCKS:
        # The crates and the database have just been fetched.
        command = deny(config, manifest, "advisories", offline=True)
        done = subprocess.run(command, check=False, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        if done.returncode:
            sys.exit(f"{done.stdout}\nerror: cargo-deny found something in {manifest}")
        print(f"{manifest} ok")


def deny(config: str, manifest: str, *checks: str, offline: bool = False) -> list:
    options = ["--locked", *(["--offline"] if offline else []), "--config", config, "--manifest-path", manifest]
    return ["cargo", "deny", *options, "check", *checks]


def succeeds(*command: str, quiet: bool = False) -> bool:
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, check=False, cwd=ROOT, stdout=output, stderr=output).returncode == 0


def date_of_database() -> str:
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    command = ["git", "-C", str(home / "advisory-dbs" / DATABASE), "log", "-1", "--format=%cs"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()


def configure_without_advisories() -> str:
    """A configuration whose database has one advisory, of a crate that no lock has.

    What cargo-deny calls advisories has the yanked versions, too, and wants a database that is not empty.
    """
    none = STATE / "no-advisories"
    shutil.rmtree(none, ignore_errors=True)
    crate = none / DATABASE / "crates" / "none"
    crate.mkdir(parents=True)
    (crate / "RUSTSEC-2000-0001.md").write_text(NO_ADVISORY)
    git = ("git", "-C", str(none / DATABASE), "-c", "user.name=none", "-c", "user.email=none")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "None")):
        subprocess.run([*git, *words], check=True)
    config = STATE / "deny-without-advisories.toml"
    text = (ROOT / "deny.toml").read_text()
    config.write_text(text.replace("\n[advisories]\n", f'\n[advisories]\ndb-path = "{none}"\n'))
    return str(config.relative_to(ROOT))
