"""Train one recipe on the assembled examples, and export the float32 bundle. Uses a GPU when there is one."""

import sys
import time
from typing import Any

from include.jobs.frame import main
from include.models.build import serve
from include.models.export import write_bundle
from include.models.model import Model
from include.training.fit import devices, fit
from include.training.fit_search import fit_search
from include.training.job import TrainingJob


class TrainModel(TrainingJob):
    """Result: {surface, recipe, night, name, device, examples, losses, fit_seconds, seconds}; writes <work>/fp32."""

    def run(self) -> dict[str, Any]:
        started = time.time()
        space, recipe = self.space, self.get_recipe()
        about = space.read_json("assembled.json", "assemble_examples")
        nights = self.windows().train
        found = devices()
        examples = [space.examples(night) for night in nights]
        trained = (fit_search if recipe.query else fit)(recipe, examples, [space.products(night) for night in nights])
        model = Model(recipe, trained.vocabulary, trained.arrays, about["widths"], about["spec"])
        served = serve(model, space.products(self.night))
        write_bundle(model, served, str(self.night), self.questions(), self.bundle_path("fp32"))
        result = {
            "surface": self.surface,
            "recipe": self.recipe,
            "night": str(self.night),
            "name": served.model_name,
            "device": found[0] if found else "cpu",
            "examples": sum(len(part) for part in examples),
            "losses": [round(loss, 5) for loss in trained.losses],
            "fit_seconds": round(trained.seconds, 1),
            "seconds": round(time.time() - started, 1),
        }
        space.write_json("trained.json", result)
        return result


if __name__ == "__main__":
    sys.exit(main(TrainModel))
