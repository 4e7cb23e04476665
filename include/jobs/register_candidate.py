"""Put a judged bundle into the registry as a candidate, with its card. The same model again is the same version."""

import sys
from typing import Any

from include.errors import Refused
from include.jobs.frame import main
from include.rollout import registry
from include.rollout.verdict import Kind
from include.training.job import TrainingJob, chosen_bundle


class RegisterCandidate(TrainingJob):
    """Result: {surface, recipe, night, name, version, precision}. Refused when the gates refused."""

    def run(self) -> dict[str, Any]:
        space = self.space
        folder, about = chosen_bundle(space)
        gate = space.read_json("gate.json", "judge_candidate")
        if gate["verdict"] != Kind.ADVANCE or gate["name"] != about["name"]:
            why = gate["reason"] if gate["name"] == about["name"] else f"the gates judged {gate['name']}, not {about['name']}"
            raise Refused(f"The gates did not let {about['name']} through: {why}", "Look at the figures of judge_candidate")
        training = space.read_json("trained.json", "train_model")
        meta = {
            "recipe": self.recipe,
            "night": str(self.night),
            "spec": about["spec"],
            "precision": about["precision"],
            "export": about["export"],
            "full": training["full"],
            "assembled": space.read_json("assembled.json", "assemble_examples")["inputs"],
        }
        card = {
            "name": about["name"],
            "recipe": about["recipe"],
            "night": str(self.night),
            "gates": gate,
            "compression": space.read_json("bundle.json", "compress_model")["compression"],
            "training": training,
        }
        version = registry.register(self.open_store(), self.surface, folder, str(about["name"]), meta, card)
        return {
            "surface": self.surface,
            "recipe": self.recipe,
            "night": str(self.night),
            "name": about["name"],
            "version": version,
            "precision": about["precision"],
        }


if __name__ == "__main__":
    sys.exit(main(RegisterCandidate))
