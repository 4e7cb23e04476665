"""`nightfill lineage` from an answer back to the purchases, and from a partition or a source forward to the answers."""

import datetime as dt
import json

import pytest

from include.canonical import digest
from include.cli import lineage
from include.cli.__main__ import parser
from include.errors import Refused, TryAgain
from include.rollout import record, registry
from include.rollout.verdict import Kind
from include.serving.answer_log import Answer, AnswerLog
from include.settings import Settings
from include.store import s3
from include.store.objects import object_key, open_store
from include.store.partitions import drop, manifest_key, publish, read_manifest
from include.store.s3_client import IMPATIENT
from tests.features.plain_etl import Purchase, publish_shop

START = dt.date(2017, 3, 6)
DAYS = [START + dt.timedelta(days=i) for i in range(4)]
LINES = [Purchase("anna", "soup", 0, 1, 100, 0), Purchase("anna", "tea", 2, 1, 250, 0), Purchase("bert", "soup", 3, 1, 100, 0)]
NAME = "0123456789abcdef"


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.slow)])
def settings(request, tmp_path, monkeypatch):
    """Four nights; a model of night 2 that was released and answered on nights 2 and 3."""
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path))
    where = f"s3://{request.getfixturevalue('bucket')}/shop" if request.param == "s3" else ""
    settings = Settings(var=tmp_path, store=where)
    store = open_store(settings.store_uri)
    publish_shop(store, tmp_path, LINES, START, 3)
    events = read_manifest(store, "events", START)
    landed = events.model_copy(update={"inputs": {"source": digest("the file")}})
    store.write(manifest_key("events", START), landed.to_bytes())
    (tmp_path / "plan").write_text("a plan")
    how = {"rows": 5, "columns": {}, "spec": "s", "transform": "1"}
    plan, _ = publish(store, "promotions", DAYS[1], {"p": tmp_path / "plan"}, inputs={"source": digest("plans")}, **how)
    read = {"promotions": {plan.name: plan.digest}}
    inputs = {"features": read_manifest(store, "features", DAYS[2]).digest, "promotions": digest(read["promotions"])}
    publish(store, "examples_home_quick", DAYS[2], {"p": tmp_path / "plan"}, inputs=inputs, meta={"read": read}, **how)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "saved_model.pb").write_bytes(b"model")
    meta = {"night": str(DAYS[2]), "recipe": "quick", "assembled": inputs}
    registry.register(store, "home", tmp_path / "bundle", NAME, meta, {})
    begun = record.begin(
        store, "home", "r1", candidate=0, night=DAYS[2], first=DAYS[3], last=DAYS[3], margin=0.02, weights=(100,)
    )
    record.save(store, begun.model_copy(update={"verdict": Kind.PROMOTE}))
    for night in DAYS[2:]:
        with AnswerLog(settings.answers, "home", night, "run") as log:
            for household in ("anna", "bert"):
                log.write(answer(f"{household}-{night}", household, night))
    return settings


def answer(request, household, night):
    return Answer(
        request=request, night=str(night), surface="home", household=household, arm="stable", model=NAME, products=["soup"],
        scores=[1.0], ms=5.0, code="OK", day=str(night + dt.timedelta(days=1)), run="run",
    )  # fmt: skip


def ask(settings, capsys, *words, code=0):
    assert lineage.run(settings, parser().parse_args(["lineage", *words, "--json"])) == code
    return json.loads(capsys.readouterr().out)


def kinds(found):
    return {group["kind"]: group["said"] for group in found["groups"]}


def test_an_answer_is_traced_back_to_the_purchases_of_its_household(settings, capsys):
    found = ask(settings, capsys, f"answers/home/{DAYS[3]}", "--household", "anna")
    assert found["purchases"] == {"lines": 2, "baskets": 2, "days": 2, "first": "2017-03-06", "last": "2017-03-08"}
    assert kinds(found) | {"source": ""} == {
        "answers home": "2017-03-09",
        "features": "2017-03-06 to 2017-03-09",
        "models home": f"version 0 ({NAME})",
        "releases home": "r1 (PROMOTE)",
        "examples_home_quick": "2017-03-08",
        "promotions": "2017-03-07",
        "events": "2017-03-06 to 2017-03-09",
        "products": "2017-03-06",
        "household_product": "2017-03-06 to 2017-03-09",
        "household": "2017-03-06 to 2017-03-09",
        "product": "2017-03-06 to 2017-03-09",
        "product_index": "2017-03-06 to 2017-03-09",
        "source": "",
    }
    assert found["faults"] == [] and [one["model"] for one in found["answers"]] == [NAME]


def test_whose_answer_it_was_is_told_only_on_request(settings, capsys):
    words = (f"answers/home/{DAYS[3]}", "--request", f"anna-{DAYS[3]}")
    plain = ask(settings, capsys, *words)
    assert "anna" not in json.dumps(plain | {"of": ""}) and "soup" not in json.dumps(plain)
    told = ask(settings, capsys, *words, "--ids")
    assert told["answers"][0]["household"] == "anna"
    assert [line["product"] for line in told["purchases"]["ids"]] == ["soup", "tea"]


def test_a_night_is_followed_to_the_features_models_releases_and_answers_that_used_it(settings, capsys):
    found = kinds(ask(settings, capsys, f"events/{DAYS[2]}", "--forward"))
    assert found["features"] == "2017-03-08 to 2017-03-09" and found["household"] == "2017-03-08 to 2017-03-09"
    assert found["models home"].startswith("version 0") and found["releases home"] == "r1 (PROMOTE)"
    assert found["answers home"] == "2017-03-08 to 2017-03-09"
    late = kinds(ask(settings, capsys, f"events/{DAYS[3]}", "--forward"))
    assert late["answers home"] == "2017-03-09" and "models home" not in late


def test_a_source_file_is_followed_by_its_digest(settings, capsys):
    found = kinds(ask(settings, capsys, f"digest/{digest('the file')[:10]}", "--forward"))
    assert found["events"] == "2017-03-06" and found["features"] == "2017-03-06 to 2017-03-09"
    assert set(kinds(ask(settings, capsys, "models/home/0", "--forward"))) == {"models home", "releases home", "answers home"}
    assert kinds(ask(settings, capsys, f"models/home/{NAME}"))["events"] == "2017-03-06 to 2017-03-08"


def test_the_words_and_the_picture(settings, capsys):
    assert lineage.run(settings, parser().parse_args(["lineage", f"answers/home/{DAYS[3]}", "--household", "anna"])) == 0
    said = capsys.readouterr().out
    assert "household: 2 lines in 2 baskets on 2 days, 2017-03-06 to 2017-03-08" in said and "anna" not in said
    assert lineage.run(settings, parser().parse_args(["lineage", f"answers/home/{DAYS[3]}", "--dot"])) == 0
    said = capsys.readouterr().out
    assert said.startswith("digraph") and '"events" -> "features"' in said and '"releases home" -> "answers home"' in said


def test_a_damaged_manifest_in_the_middle_is_named_and_the_rest_is_told(settings, capsys):
    store = open_store(settings.store_uri)
    store.write(manifest_key("features", DAYS[1]), b"{")
    found = ask(settings, capsys, f"answers/home/{DAYS[3]}", code=65)
    assert kinds(found)["features"] == "2017-03-08 to 2017-03-09"
    assert any("features/2017-03-07/manifest.json is not a manifest. Run the step" in said for said in found["faults"])
    assert any("features/2017-03-08 was made from previous" in said for said in found["faults"])


def test_a_manifest_of_a_newer_version_is_named(settings, capsys):
    open_store(settings.store_uri).write(manifest_key("events", DAYS[1]), b'{"format": 99}')
    found = ask(settings, capsys, f"features/{DAYS[3]}", code=65)
    assert any("has format 99" in said and "Upgrade Nightfill" in said for said in found["faults"])


def test_a_night_that_was_built_anew_since_is_told(settings, capsys):
    store = open_store(settings.store_uri)
    drop(store, "promotions", DAYS[1])
    found = ask(settings, capsys, "models/home/0", code=65)
    assert found["faults"] == [
        f"examples_home_quick/2017-03-08 was made from promotions/2017-03-07 {_digest(settings)}, "
        "which the store does not have (any more)"
    ]


def _digest(settings):
    examples = read_manifest(open_store(settings.store_uri), "examples_home_quick", DAYS[2])
    return examples.meta["read"]["promotions"]["promotions/2017-03-07"][:12]


def test_bytes_are_checked_when_that_is_wanted(settings, capsys):
    store = open_store(settings.store_uri)
    sha256 = read_manifest(store, "household", DAYS[1]).files[0].sha256
    assert ask(settings, capsys, f"features/{DAYS[3]}", "--bytes")["faults"] == []
    store.delete(object_key(sha256))
    (settings.cache_folder / sha256[:2] / sha256).unlink(missing_ok=True)
    found = ask(settings, capsys, f"features/{DAYS[3]}", "--bytes", code=65)
    assert found["faults"] == [f"Object {sha256[:12]} is gone from the store. Run the step that wrote it again."]


BAD = [
    (("events/2017-04-01",), "no partition events/2017-04-01.*It has 4 from 2017-03-06 to 2017-03-09"),
    (("events/soon",), "'soon' is not a date"),
    (("events/../../etc/passwd",), "is not a date"),
    (("../events/2017-03-06",), "is not a date"),
    (("nothing/2017-03-06",), "no partition nothing/2017-03-06"),
    (("models/home/7",), "no models/home/7.*It has the versions 0"),
    (("models/../x/0",), "cannot be a surface"),
    (("releases/home/../../x",), "cannot be a release"),
    (("releases/home/r9",), "no releases/home/r9. The newest is releases/home/r1"),
    (("digest/xyz",), "'xyz' is not the beginning of a digest"),
    (("digest/ABCDEF0123",), "not the beginning of a digest"),
    (("digest/" + "0" * 65,), "not the beginning of a digest"),
    (("digest/00000000",), "Nothing in the store has the digest 00000000"),
    (("answers/home/2017-03-06",), "no answers/home/2017-03-06"),
    (("answers/home/2017-03-06", "--household", "anna"), "tidy. has deleted them. It holds 2 nights from 2017-03-08 to"),
    (("answers/home/2031-01-01", "--household", "anna"), "no answer of home for 2031-01-01"),
    (("answers/home/2017-03-09", "--household", "carl"), "no answer to this household"),
    (("answers/home/2017-03-09", "--request", "x"), "no answer to this request"),
    (("answers/Home!/2017-03-09", "--request", "x"), "cannot be a surface"),
    (("events/2017-03-06", "--household", "anna"), "Only answers are given to a household"),
    (("answers/home/2017-03-09", "--household", "anna", "--forward"), "Only answers are given to a household"),
    (("",), "is not a date"),
]


@pytest.mark.parametrize("settings", ["folder"], indirect=True)
def test_what_is_not_there_or_hostile_is_refused_with_a_sentence(settings):
    for words, sentence in BAD:
        with pytest.raises(Refused, match=sentence):
            lineage.run(settings, parser().parse_args(["lineage", *words]))


def test_a_bucket_that_cannot_be_reached_is_a_sentence(tmp_path, monkeypatch):
    names = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "a-secret"}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3, "Limits", lambda: IMPATIENT)
    with pytest.raises(TryAgain, match="nothing answers there"):
        lineage.run(Settings(var=tmp_path, store="s3://shelves/one"), parser().parse_args(["lineage", "events/2017-03-06"]))
