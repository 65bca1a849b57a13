"""Settings of the detector's recipe: every number that the result depends on."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Config:
    """Sizes in px, learning rates per step, weights of the losses."""

    seed: int = 20261122
    scene_px: int = 320
    shards: int = 2
    scenes_per_shard: int = 2000
    # The shard after the plain ones holds crowds: many small people, faces of wide pixels.
    crowd_shards: int = 1
    # Then come shards with turned heads, hands, flames and heads that show no face.
    busy_shards: int = 3
    # Then shards of dark halls, heads out of focus, rows of people, heads that the rim cuts off.
    hall_shards: int = 3
    turned_each: int = 2  # turned renderings of a portrait
    steps: int = 30700
    batch: int = 8
    # a step sees its scenes at one of these sizes; small ones are cheap and hold the small faces
    sizes_px: tuple[int, ...] = (192, 256, 320)
    size_odds: tuple[float, ...] = (0.25, 0.4, 0.35)
    face_min_px: float = 9.0  # narrower boxes are ignored, neither face nor background
    bf16_until: float = 0.85  # part of a cycle in bfloat16; the rest is float32
    # The first cycle ends here: the teacher saw clean scenes. In the second it sees what the
    # student sees, because early maps of a dark frame cannot equal those of a bright one.
    first_cycle: int = 3200
    # The third cycle begins here: crowds join, scenes are put together into busier ones.
    second_cycle: int = 6200
    # The fifth begins here, from the moving mean of the fourth: busy and hall shards.
    fourth_cycle: int = 22700
    lr: float = 3e-3
    lr_second: float = 2e-3
    # The fourth begins here: the busy shards and the shards 1 and 2; shard 0 is left out.
    third_cycle: int = 16200
    lr_third: float = 2e-3
    lr_fourth: float = 2e-3
    lr_fifth: float = 1.5e-3
    lr_last: float = 1e-5
    collage: float = 0.35  # from the third cycle: share of samples made of four scenes at half size
    darker: float = 0.25  # from the third cycle: share of samples darkened further before the rest
    darker_fifth: float = 0.4
    warmup_steps: int = 150
    weight_decay: float = 1e-4
    ema: float = 0.998
    match_iou: float = 0.35
    negatives_per_positive: int = 7
    box_weight: float = 2.0
    point_weight: float = 2.0
    point_weight_third: float = 5.0
    # from the fourth cycle: a head that the teacher scores lower, as the student sees it, is no
    # example of a face; like all doubtful ones it follows the teacher
    teacher_sees: float = 0.5
    distil_class_weight: float = 4.0
    distil_box_weight: float = 1.0
    # feature distillation falls linearly to zero at this part of the first cycle
    feature_weight: float = 6.0
    feature_until: float = 0.6
    feature_weight_second: float = 4.0
    checkpoint_seconds: float = 60.0
    log_every: int = 20

    def as_dict(self) -> dict[str, object]:
        return asdict(self)
