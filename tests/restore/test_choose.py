"""The choice of a restorer by its weights: the digest in use is the one reported."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from spandrel.architectures.Compact import Compact

from forensics.errors import IntegrityError, UsageError
from forensics.models.load import load_embedded
from forensics.restore import official, third_party
from forensics.restore.choose import load_restorer
from forensics.restore.embedded import EmbeddedRestorer
from forensics.restore.restorer import face_seed
from tests.networks import (
    CPU,
    SMALL,
    SMALL_FORMER,
    crops_rgb_u8,
    gfpgan,
    loaded,
    restoreformer,
    state_of,
)

TINY = SMALL | {"out_size": 512, "num_style_feat": 8}


def compact(upscale: int) -> Compact:
    """A small network of a kind that is neither GFPGAN nor RestoreFormer."""
    torch.manual_seed(0)
    return Compact(num_feat=8, num_conv=2, upscale=upscale).eval()


@pytest.fixture
def small_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """GFPGAN weights are those of a small network; everything else is as it is."""

    def published(state: dict[str, torch.Tensor]) -> torch.nn.Module:
        net = gfpgan(0, **TINY)
        net.load_state_dict(state, strict=True)
        return net

    monkeypatch.setattr(official.gfpgan, "published", published)


@pytest.mark.usefixtures("small_published")
def test_profiles_swapped_in_one_process_report_the_weights_that_drew() -> None:
    models = {
        "a": loaded(state_of(gfpgan(1, **TINY)), "gfpgan-a"),
        "b": loaded(state_of(gfpgan(2, **TINY)), "gfpgan-b"),
        "former": loaded(state_of(restoreformer(3, **SMALL_FORMER)), "former"),
    }
    crop = crops_rgb_u8(1)
    drawn: dict[str, bytes] = {}
    for name in ("a", "former", "b", "a"):
        restorer = load_restorer(models[name], CPU)
        facts = restorer.facts
        assert (facts.name, facts.sha256) == (models[name].card["name"], models[name].sha256)
        assert facts.noise_mode == ("none" if name == "former" else "stored")
        (result,) = restorer.restore(crop)
        assert isinstance(result, np.ndarray)
        assert drawn.setdefault(name, result.tobytes()) == result.tobytes()
    assert len(set(drawn.values())) == 3


@pytest.mark.usefixtures("small_published")
def test_loading_and_drawing_leave_the_loaded_weights_alone() -> None:
    model = loaded(state_of(gfpgan(1, **TINY)))
    before = {k: v.clone() for k, v in model.state.items()}
    load_restorer(model, CPU, precision="fast").restore(crops_rgb_u8(1))
    assert all(torch.equal(before[k], v) for k, v in model.state.items())


def test_the_embedded_restorer_exact_and_fast() -> None:
    model = load_embedded("restorer")
    exact = load_restorer(model, CPU)
    fast = load_restorer(model, CPU, precision="fast")
    assert isinstance(exact, EmbeddedRestorer)
    assert (exact.facts.dtype, exact.facts.precision) == ("float32", "exact")
    assert (fast.facts.dtype, fast.facts.precision) == ("bfloat16", "fast")
    crop = crops_rgb_u8(1)
    (a,), (b,) = exact.restore(crop), fast.restore(crop)
    assert isinstance(a, np.ndarray)
    assert isinstance(b, np.ndarray)
    apart = np.abs(a.astype(int) - b)
    assert 0 < apart.mean() <= 1, "real weights: at most one grey level in the mean"
    assert apart.max() <= 8


@pytest.mark.parametrize("which", ["embedded", "former"])
def test_a_seed_is_refused_where_it_would_change_nothing(which: str) -> None:
    former = loaded(state_of(restoreformer(3, **SMALL_FORMER)), "former")
    model = load_embedded("restorer") if which == "embedded" else former
    with pytest.raises(UsageError, match="a seed changes nothing"):
        load_restorer(model, CPU, noise="seed:4")


@pytest.mark.parametrize("noise", ["", "fresh", "seed", "seed:", "seed:-1", "seed:x"])
def test_unknown_noise_is_refused(noise: str) -> None:
    with pytest.raises(UsageError, match="no noise mode"):
        load_restorer(load_embedded("restorer"), CPU, noise=noise)


def test_weights_that_do_not_fit_are_an_integrity_error() -> None:
    state = state_of(gfpgan(1))  # not the full size
    with pytest.raises(IntegrityError, match="do not fit GFPGANv1Clean"):
        load_restorer(loaded(state), CPU)
    former = state_of(restoreformer(3, **SMALL_FORMER))
    former["encoder.surplus"] = torch.zeros(1)
    with pytest.raises(IntegrityError, match="do not fit RestoreFormer"):
        load_restorer(loaded(former), CPU)


def test_weights_of_no_known_network_are_refused() -> None:
    with pytest.raises(UsageError, match="no network that spandrel's core knows"):
        load_restorer(loaded({"a.weight": torch.zeros(3)}), CPU)


def test_a_third_party_net_of_another_kind_works_in_its_own_range() -> None:
    net = compact(upscale=1)
    model = loaded(state_of(net), "some-net")
    restorer = load_restorer(model, CPU)
    assert (restorer.facts.name, restorer.facts.sha256) == ("some-net", model.sha256)
    assert restorer.facts.deterministic
    crop = crops_rgb_u8(1)
    (result,) = restorer.restore(crop)
    assert isinstance(result, np.ndarray)
    x_01 = torch.from_numpy(crop).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        wanted = (net.eval()(x_01).clamp(0, 1) * 255).round().permute(0, 2, 3, 1).numpy()[0]
    assert np.abs(result.astype(int) - wanted).max() <= 1


def test_infinity_of_a_third_party_net_is_a_failure_not_black() -> None:
    net = compact(upscale=1)
    state = state_of(net)
    last = [name for name in state if name.endswith("bias")][-1]
    state[last] = torch.full_like(state[last], float("-inf"))
    (result,) = load_restorer(loaded(state), CPU).restore(crops_rgb_u8(1))
    assert not isinstance(result, np.ndarray)


def test_an_enlarger_is_no_face_restorer() -> None:
    net = compact(upscale=2)
    with pytest.raises(UsageError, match="enlarges pictures"):
        load_restorer(loaded(state_of(net)), CPU)


def test_architectures_by_their_keys() -> None:
    assert third_party.architecture_of(state_of(gfpgan(1))) == "GFPGAN"
    former = state_of(restoreformer(3, **SMALL_FORMER))
    assert third_party.architecture_of(former) == "RestoreFormer"


def test_the_seed_of_a_face_is_its_own_and_pinned() -> None:
    seeds = {face_seed(n, f, p) for n in (0, 1) for f in (1, 2, 11) for p in (0, 1, 12)}
    assert len(seeds) == 18
    assert all(0 <= seed < 2**48 for seed in seeds)
    assert face_seed(7, 1, 0) == face_seed(7, 1, 0)
