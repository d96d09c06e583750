"""What README.md says works when it is copied."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def blocks(path: Path, language: str) -> "list[str]":
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)


def test_the_examples_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configuration = blocks(ROOT / "python" / "README.md", "yaml")
    assert len(configuration) == 2
    first, expired = (yaml.safe_load(block)["online_store"] for block in configuration)
    assert expired == {**first, "serve_expired": True}
    head = "project: readme\nprovider: local\nregistry: registry.db\n"
    (tmp_path / "feature_store.yaml").write_text(
        head + "entity_key_serialization_version: 3\n" + configuration[0]
    )
    examples = blocks(ROOT / "python" / "README.md", "python")
    assert len(examples) == 3
    names: dict = {}
    for number, example in enumerate(examples):
        exec(compile(example, f"example {number + 1} of README.md", "exec"), names)
        if number == 0:
            assert names["training"]["trips"].tolist() == [10, 12, 7]
            assert names["latest"].column("trips").to_pylist() == [12, 7]
    assert names["frame"]["trips"].tolist() == [10, 12, 7]


def test_both_readmes_change_the_same_two_lines():
    mine = yaml.safe_load(blocks(ROOT / "python" / "README.md", "yaml")[0])
    theirs = yaml.safe_load(blocks(ROOT / "README.md", "yaml")[0])
    assert theirs == {name: mine[name] for name in ("offline_store", "online_store")}


def test_what_is_installed_is_named_as_it_is():
    for path in [ROOT / "README.md", ROOT / "python" / "README.md"]:
        text = path.read_text()
        assert "pip install './python[feast]'" in text
        for script in re.findall(r"python/(build_library|test|universal_tests|compare)\b", text):
            assert (ROOT / "python" / script).stat().st_mode & 0o111
