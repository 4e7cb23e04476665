"""The working folder that a training run's jobs hand things over in: paths, product tables, weekly purchases, index.

assembled.json                windows, widths, counts, digest of the inputs
examples/<night>.parquet      training and gate nights
products/<night>.parquet      the product table of each of them and of the model's own night
weeks.parquet                 who bought what in which week, for the simple rankers
questions.parquet             some households as of the model's own night: warm-up, golden answers, latency
trained/, fp32/, int8/, bundle.json, gate.json
"""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from include.canonical import dumps
from include.errors import Refused
from include.evaluation.purchases import Purchases
from include.models.tables import ProductTable
from include.training.examples import ExampleFile, Examples, matrix, read_examples, read_matrix, signature_inputs


class Workspace:
    """One training run's folder."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def folder(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def examples_path(self, night: dt.date) -> Path:
        return self.folder("examples") / f"{night}.parquet"

    def examples(self, night: dt.date) -> Examples:
        return read_examples(self.examples_path(night))

    def parts(self, night: dt.date) -> ExampleFile:
        """The same, to be read a part at a time."""
        return ExampleFile(self.examples_path(night))

    def questions(self) -> dict[str, np.ndarray]:
        """Inputs of the signature for some households as of the model's night."""
        return signature_inputs(read_examples(self.root / "questions.parquet"))

    def products(self, night: dt.date) -> ProductTable:
        return read_products(self.root / "products" / f"{night}.parquet")

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        (self.folder(".") / name).write_bytes(dumps(value))

    def read_json(self, name: str, step: str) -> dict[str, Any]:
        """A hand-over of an earlier job. Raises Refused naming the step that writes it."""
        try:
            return json.loads((self.root / name).read_bytes())
        except FileNotFoundError:
            raise Refused(f"{self.root / name} is not there", f"Run {step} of this training run first") from None

    def write_weeks(self, purchases: Purchases, households: list[str]) -> None:
        names = pa.DictionaryArray.from_arrays(pa.array(purchases.household, pa.int32()), pa.array(households, pa.string()))
        columns = {"household": names, "product": pa.array(purchases.product, pa.int32()), "week": pa.array(purchases.week)}
        table = pa.table(columns).replace_schema_metadata({"products": str(purchases.shape[1])})
        pq.write_table(table, self.root / "weeks.parquet", compression="lz4")

    def weeks(self) -> tuple[Purchases, list[str]]:
        """Purchases by week (0 ends on the model's night) and the names of their households."""
        table = pq.read_table(self.root / "weeks.parquet").combine_chunks()
        names = table["household"].chunk(0).dictionary.to_pylist()
        household = table["household"].chunk(0).indices.to_numpy()
        shape = (len(names), int(table.schema.metadata[b"products"]))
        return Purchases(household, table["product"].to_numpy(), table["week"].to_numpy(), shape), names


def write_products(table: ProductTable, path: Path) -> None:
    columns = {
        "id": pa.array(list(table.ids), pa.string()),
        "universe": pa.array(table.universe),
        "type": pa.array(list(table.types), pa.string()),
        "category": pa.array(list(table.categories), pa.string()),
        "recent": pa.array(table.recent),
        "trend": pa.array(table.trend),
        "features": matrix(table.features),
        **({} if table.factors is None else {"factors": matrix(table.factors)}),
    }
    pq.write_table(pa.table(columns), path, compression="lz4")


def read_products(path: Path) -> ProductTable:
    """Raises Refused when the night was not assembled."""
    try:
        table = pq.read_table(path).combine_chunks()
    except (OSError, pa.ArrowException) as error:
        raise Refused(f"The product table {path} cannot be read: {error}", "Run assemble_examples again") from error
    strings = {name: np.array(table[name].to_pylist(), object) for name in ("id", "type", "category")}
    return ProductTable(
        ids=strings["id"],
        universe=table["universe"].to_numpy(zero_copy_only=False),
        features=read_matrix(table["features"]),
        types=strings["type"],
        categories=strings["category"],
        recent=table["recent"].to_numpy(),
        trend=table["trend"].to_numpy(),
        factors=read_matrix(table["factors"]) if "factors" in table.column_names else None,
    )
