"""Known answers: the judge reads what the scorer reads."""

from __future__ import annotations

import pytest

from forensics.models.load import load_embedded
from forensics.scoring.facts import P99
from forensics.scoring.scorer import Scorer
from tests.known_answers import paint
from tests.known_answers.footage import film
from tests.known_answers.judge import ALL_MEASURES, shipped_judge
from tests.known_answers.truths import public_truths


def test_judge_and_scorer_agree_on_measures_and_limits() -> None:
    truth = public_truths()[1]
    filmed = film(truth, 40.0, 2, 31)
    face = filmed.restored(paint.beard(truth.rgb_u8, truth.points_px, 0.6, 1))
    scorer = Scorer.load(load_embedded("perceptual"), load_embedded("identity"), None, "cpu")
    scored = scorer.score([face])[0]
    judge = shipped_judge()
    looked = judge.look(face, ALL_MEASURES, judge.facts(face))
    assert len(looked.measures) >= 5
    for name, value in looked.measures.items():
        assert value == pytest.approx(scored.measures[name], rel=1e-5, abs=1e-6), name
    for name, limit in looked.limits.items():
        assert limit == pytest.approx(scored.references[name + P99], rel=1e-6), name
    assert "contradicts_footage" in looked.flags
