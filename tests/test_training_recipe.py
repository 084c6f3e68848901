"""A recipe is data: what it may say, and what is refused in one sentence."""

from pathlib import Path

import pytest

from visavis.errors import DataError
from visavis.training.parts import build_loss, build_parts, doubts
from visavis.training.recipe import Recipe
from visavis.training.recipe_files import find_recipe, own_recipes

SMALL = {"name": "x", "net": {"backbone": "small"}, "loss": [{"kind": "triplet"}]}


@pytest.mark.parametrize("name", own_recipes())
def test_our_own_recipes_hold_together(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.name == name
    assert recipe.description


@pytest.mark.parametrize("network", ["alexnet", "resnet50", "resnet152", "facenet"])
def test_what_goes_on_from_a_distilled_network_is_the_same_network(network: str) -> None:
    student = find_recipe(f"lfw-distil-{network}")
    after = find_recipe(f"lfw-{network}-distilled")
    assert after.net.pretrained == f"runs/{student.name}/model"
    assert after.net.frozen == "embedding"
    assert after.crop == student.crop
    for key in ("backbone", "options", "embedding", "batchnorm", "normalise"):
        assert getattr(after.net, key) == getattr(student.net, key)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nett": {}}, "nett: is no key of a recipe"),
        ({"net": {"backbone": "small", "depth": 3}}, "net.depth: is no key"),
        ({"optimiser": {"rate": -1}}, "optimiser.rate"),
        ({"schedule": {"epochs": 3, "warmup": 3}}, "warmup must be shorter"),
        ({"data": {"pairs": "listed"}, "loss": [{"kind": "bce"}] * 2}, "one loss"),
        ({"crop": {"width": 1, "height": 1, "colour": "rgb", "template": "zzz"}}, "crop"),
    ],
)
def test_mistakes_name_their_key(change: dict, words: str) -> None:
    with pytest.raises(DataError, match=words):
        Recipe.from_dict({**SMALL, **change})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"net": {"backbone": "huge"}}, "no backbone 'huge'"),
        ({"net": {"backbone": "small", "options": {"wings": 2}}}, "wings"),
        ({"net": {"backbone": "small", "pretrained": "imagenet"}}, "imagenet"),
        ({"net": {"backbone": "small", "frozen": 99}}, "freeze"),
        ({"head": {"kind": "heart"}}, "heart"),
        ({"data": {"pairs": "listed"}}, "triplet"),
        ({"loss": [{"kind": "bce"}]}, "head"),
    ],
)
def test_what_the_networks_refuse_is_one_sentence(change: dict, words: str) -> None:
    recipe = Recipe.from_dict({**SMALL, **change})
    with pytest.raises(DataError, match=words) as refused:
        parts = build_parts(recipe)
        build_loss(recipe, parts.head, 10, parts.size)
    assert "recipe x" in str(refused.value)


@pytest.mark.parametrize(
    ("embedding", "batchnorm", "accumulate", "told"),
    [(8, True, 4, True), (8, True, 1, False), (8, False, 4, False), (None, True, 4, False)],
)
def test_batch_norm_under_accumulation_is_told(
    embedding: int | None, batchnorm: bool, accumulate: int, told: bool
) -> None:
    crop = {"width": 32, "height": 32, "colour": "grey", "template": "arcface"}
    net = {"backbone": "small", "embedding": embedding, "batchnorm": batchnorm}
    recipe = Recipe.from_dict(
        {**SMALL, "net": net, "crop": crop, "batch": {"accumulate": accumulate}}
    )
    said = doubts(recipe, build_parts(recipe))
    assert bool(said) == told
    assert not said or "the 4 whose gradients make a step" in said[0]


def test_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no recipe"):
        find_recipe(str(tmp_path / "gone.toml"))
    with pytest.raises(DataError, match="no recipe nonesuch"):
        find_recipe("nonesuch")
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(DataError, match="not TOML"):
        find_recipe(str(tmp_path / "bad.toml"))


class TestExtends:
    """A recipe that holds only what it changes of another."""

    def write(self, folder: Path, name: str, text: str) -> Path:
        path = folder / f"{name}.toml"
        path.write_text(text)
        return path

    def test_tables_are_merged_and_lists_replaced(self, tmp_path: Path) -> None:
        self.write(
            tmp_path,
            "base",
            'name = "base"\ndescription = "b"\npublished = { accuracy = 0.5 }\n'
            '[net]\nbackbone = "small"\noptions = { layers = 3, dropout = 0.1 }\n'
            '[[loss]]\nkind = "triplet"\n[[loss]]\nkind = "supcon"\n',
        )
        path = self.write(
            tmp_path,
            "mended",
            'extends = "base.toml"\nname = "mended"\n'
            '[net]\noptions = { dropout = 0.4 }\n[[loss]]\nkind = "infonce"\n',
        )
        mended = find_recipe(str(path))
        assert mended.name == "mended"
        assert (mended.description, mended.published) == ("", {})
        assert mended.net.backbone == "small"
        assert mended.net.options == {"layers": 3, "dropout": 0.4}
        assert [part.kind for part in mended.loss] == ["infonce"]
        other = self.write(
            tmp_path, "other", 'extends = "base.toml"\nname = "o"\n[net]\nbackbone = "koch"\n'
        )
        assert find_recipe(str(other)).net.options == {}
        named = self.write(
            tmp_path,
            "named",
            'extends = "base.toml"\nname = "n"\n'
            '[net]\nbackbone = "koch"\noptions = { units = 9 }\n',
        )
        assert find_recipe(str(named)).net.options == {"units": 9}

    def test_one_of_ours(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, "mine", 'extends = "att-triplet"\nname = "mine"\nseed = 7\n')
        ours = find_recipe("att-triplet")
        changed = {"name": "mine", "seed": 7, "description": "", "published": {}}
        assert find_recipe(str(path)) == ours.model_copy(update=changed)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('extends = "x.toml"\nname = "x"', "extends itself"),
            ('extends = "gone.toml"\nname = "x"', "there is no recipe .*gone.toml"),
            ('extends = "nonesuch"\nname = "x"', "there is no recipe nonesuch"),
            ('extends = 3\nname = "x"', "extends is the name of a recipe"),
            ('extends = "att-triplet"', "name: Field required"),
        ],
    )
    def test_mistakes(self, text: str, words: str, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=words):
            find_recipe(str(self.write(tmp_path, "x", text)))
