"""Bytes that change after the registration: a disk's rotten sector, or a hand that meant well."""

from include.errors import Refused
from include.rollout.bundle import Bundle
from include.store.objects import Store, object_key

VARIABLES = "variables/variables.data-00000-of-00001"


def corrupt(store: Store, bundle: Bundle) -> str:
    """Flip one bit in the middle of a registered bundle's variables. Returns the object's digest.

    Raises:
        Refused: it is no drill's bundle, so other bundles may have the same file; or it has no such file.
    """
    found = {file.path: file.sha256 for file in bundle.manifest.files}
    if not bundle.drill or VARIABLES not in found:
        raise Refused(f"Bundle {bundle.name} is not one to be damaged", "Damage only what a drill has made")
    sha256 = found[VARIABLES]
    data = bytearray(store.fetch(sha256).read_bytes())
    data[len(data) // 2] ^= 1
    store.write(object_key(sha256), bytes(data))
    return sha256
