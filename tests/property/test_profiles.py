"""Whatever is done to a profile, it is a profile or has faults."""

from collections.abc import Callable
from importlib import resources

from hypothesis import given, settings
from hypothesis import strategies as st

from devices import catalog
from devices.preset import parse_preset
from devices.profile_check import parse_profile
from proto.errors import ProfileError

TEXTS = [
    file.read_text("utf-8")
    for industry in (resources.files("devices") / "profiles").iterdir()
    if industry.is_dir()
    for file in industry.iterdir()
]
PRESETS = [
    file.read_text("utf-8")
    for file in (resources.files("devices") / "presets").iterdir()
    if file.name.endswith(".toml")
]


@st.composite
def damaged(draw: st.DrawFn, texts: list[str]) -> str:
    """A good text of which a piece is lost, doubled or written over."""
    text = draw(st.sampled_from(texts))
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start, min(start + 40, len(text))))
    piece = draw(st.sampled_from(("", text[start:end] * 2, "9", "-1", '"', "[", "1e999", "\0")))
    return text[:start] + piece + text[end:]


def refusal(read: Callable[[], object]) -> ProfileError | None:
    """Return why a text is refused; None where it is read."""
    try:
        read()
    except ProfileError as refused:
        return refused
    return None


@settings(max_examples=200, deadline=None)
@given(damaged(TEXTS))
def test_a_damaged_profile_is_a_profile_or_has_faults(text: str) -> None:
    found = refusal(lambda: parse_profile(text, "p", catalog.parameter_units(), catalog.kinds()))
    assert found is None or found.faults


@settings(max_examples=200, deadline=None)
@given(damaged(PRESETS) | st.text(max_size=200))
def test_a_damaged_preset_is_a_preset_or_has_faults(text: str) -> None:
    found = refusal(lambda: parse_preset(text, "p"))
    assert found is None or found.faults
