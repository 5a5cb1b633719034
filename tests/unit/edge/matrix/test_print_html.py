"""A matrix on paper: a page an interlock, both hashes in every foot, no script."""

import re
from dataclasses import replace

import pytest

from edge.matrix.build import compile_matrix
from edge.matrix.print_html import model_hash, print_html
from proto.catalogue import hazards
from tests.unit.edge.plant import DUST, EDGE, plant
from tests.unit.edge.site import template


@pytest.mark.parametrize("name", ["bof.toml", "dust_dry.toml"])
def test_a_page_an_interlock_with_both_hashes_in_its_foot(name: str) -> None:
    found = compile_matrix(
        template(name).encode(), name, plant(EDGE + DUST).facts, hazards().clauses
    )
    assert found.file is not None
    assert found.model is not None
    text = print_html(found.file, found.model)
    pages = text.split("<section>")[1:]
    assert len(pages) == len(found.file.interlock)
    for page, interlock in zip(pages, found.file.interlock, strict=True):
        assert interlock in page
        assert found.model.matrix_hash in page
        assert model_hash(found.model) in page
        assert "<svg" in page
        for word in ("编制", "审核", "批准"):
            assert word in page
    assert not re.search(r"<script|javascript:|src=|href=|url\(", text)
    for cause in found.file.cause.values():
        for channel in cause.channels:
            assert channel.replace("<", "&lt;").replace(">", "&gt;") in text


def test_what_people_wrote_is_text_and_no_markup() -> None:
    data = template("dust_dry.toml").replace("1 号干式除尘器联锁", "<script>alert(1)</script>")
    found = compile_matrix(data.encode(), "x", plant(EDGE + DUST).facts, hazards().clauses)
    assert found.file is not None
    assert found.model is not None
    assert "<script" not in print_html(found.file, found.model)


def test_the_hash_of_the_model_changes_with_what_is_evaluated() -> None:
    found = compile_matrix(
        template("dust_dry.toml").encode(), "x", plant(EDGE + DUST).facts, hazards().clauses
    )
    assert found.model is not None
    assert model_hash(replace(found.model, version=99)) != model_hash(found.model)
    assert model_hash(replace(found.model, matrix_hash="f" * 64)) == model_hash(found.model)
