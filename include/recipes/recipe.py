"""A recipe is the frozen description of one surface's model: data window, model, losses, gates."""

from pydantic import BaseModel, ConfigDict, Field

from include.canonical import digest
from include.recipes.columns import Columns


class Gates(BaseModel):
    """What a candidate must show before it may be registered, and what compression may cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beats: tuple[str, ...] = ("popularity", "item_knn")
    champion_margin: float = Field(default=0.02, gt=0, lt=1, description="relative NDCG@10 that may be lost to the champion")
    flat_share: float = Field(default=0.01, ge=0, le=1, description="answers that may give every product the same score")
    unknown_share: float = Field(default=0.2, ge=0, le=1, description="purchases of products that the model has no row for")
    too_good: float = Field(default=1.0, gt=0, description="relative lead over the best simple ranker that means a leak")
    megabytes: float = Field(default=500, gt=0, description="upper bound of a bundle's size")
    cpu_ms: float = Field(default=100, gt=0, description="upper bound of CPU an answer, in milliseconds")
    compression_ndcg_loss: float = Field(default=0.005, ge=0, description="relative NDCG@10 that int8 may lose")
    compression_latency_ratio: float = Field(default=1.05, gt=0, description="upper bound of int8 latency over fp32")


class Release(BaseModel):
    """How a candidate earns its traffic."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin: float = Field(default=0.02, gt=0, lt=1, description="relative NDCG@10 that still counts as non-inferior")
    steps: tuple[int, ...] = (5, 25, 50, 100)
    replay_days: int = Field(default=7, ge=1)
    budget_ms: float = Field(default=150, ge=0, description="an answer within this is never slow, whatever stable takes")


class Recipe(BaseModel):
    """One surface's model, frozen. `model` names a builder in include/models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    surface: str = Field(pattern="^[a-z][a-z0-9_]{0,30}$")
    name: str = Field(pattern="^[a-z][a-z0-9_]{0,30}$")
    model: str
    train_weeks: int = Field(default=8, ge=1)
    gate_weeks: int = Field(default=4, ge=1)
    columns: Columns = Field(default=Columns(), description="features that the model reads")
    history_slots: int = Field(default=384, ge=8, description="products of a household's past that training reads")
    hot_products: int = Field(default=512, ge=16, description="popular products that every household is also ranked on")
    embedding: int = Field(default=32, ge=1)
    factors: int = Field(default=0, ge=0, multiple_of=2, description="directions of the product factors; 0: none")
    shortlist: int = Field(default=128, ge=1, description="hot products that the network looks at, of a model of two stages")
    query: bool = Field(default=False, description="whether the surface is asked with a query")
    train_queries: int = Field(default=4, ge=1, description="types that a household-week asks for in an epoch of training")
    gate_queries: int = Field(default=2, ge=1, description="types that a household-week asks for in the gates")
    text: int = Field(default=64, ge=2, multiple_of=2, description="width of the text embedding")
    text_steps: int = Field(default=1200, ge=1, description="steps in which the text learns; fewer in a large catalogue")
    hidden: tuple[int, ...] = (64, 32)
    epochs: int = Field(default=6, ge=1)
    batch: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    embedding_rate: float = Field(default=0.05, gt=0, le=1, description="learning rate of embedding rows over the others'")
    seed: int = 20171022
    top_k: int = Field(default=20, ge=10)
    cadence: int = Field(default=14, ge=0, description="nights from one training to the next; 0: only by hand")
    full_every: int = Field(default=28, ge=1, description="nights from one full training to the next")
    warm_weeks: int = Field(default=0, ge=0, description="newest weeks that a training in between reads; 0: all are full")
    warm_epochs: int = Field(default=1, ge=1, description="how often it reads them")
    stale: float = Field(default=0.1, ge=0, le=1, description="share of products that the last model may not know")
    gates: Gates = Gates()
    release: Release = Release()

    @property
    def digest(self) -> str:
        """Of all that a model is made of; when it is made is not."""
        return digest(self.model_dump(mode="json", exclude={"cadence", "full_every"}))
