"""Turned heads: a portrait on a head's shape, rotated, with box and points moved by the same turn.

The face is MediaPipe's mesh (``mesh_teacher``). Beyond its rim the depth goes on as an ellipsoid to
the silhouette of the person mask, and a second, rounded sheet closes the head behind it, coloured
from the hair. Lengths are px of the photo as worked on; x right, y down, z away from the camera.
A positive yaw turns the face to the viewer's right, a positive pitch down.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
SIDES = (234, 454)  # before the ears
CHIN = 152
EYES_MAX_PX = 64.0  # a larger photo is shrunk to this eye distance first
TURNS = 360  # directions around the face
STEP = 0.7  # distance of the points of a sheet
DEEPER = 1.15  # the mesh is flatter than heads are: its profiles looked pressed


@dataclass(frozen=True)
class Head:
    """A photo with its shape: two sheets of points with colours, and what is to be labelled.

    ``front``, ``back`` (N, 3); their colours (N, 3) and normals (N, 3) outward; ``rim`` (468, 3)
    mesh whose frontal bounding box is the face box; ``points`` (5, 3); ``pivot`` (3,);
    ``body`` (H, W, 4) RGBA below the chin; ``width`` of the face; ``yaw_deg`` of the photo itself.
    """

    front: np.ndarray
    front_rgb: np.ndarray
    front_normal: np.ndarray
    back: np.ndarray
    back_rgb: np.ndarray
    back_normal: np.ndarray
    rim: np.ndarray
    points: np.ndarray
    pivot: np.ndarray
    body: np.ndarray
    width: float
    eyes_px: float
    yaw_deg: float


@dataclass(frozen=True)
class Turned:
    """A rendered head: rgba (H, W, 4) uint8, box x0 y0 x1 y1, points (5, 2), ``seen`` (5,) bool."""

    rgba: np.ndarray
    box_px: np.ndarray
    points_px: np.ndarray
    seen: np.ndarray
    eyes_px: float  # eye distance were the head not turned
    yaw_deg: float


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> np.ndarray:
    """Rotation (3, 3) of column vectors (x, y, z): first yaw, then pitch, then roll."""
    y, p, r = np.radians((yaw_deg, pitch_deg, roll_deg))
    turn = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return tilt @ nod @ turn


def project(points: np.ndarray, turn: np.ndarray, pivot: np.ndarray, far: float) -> np.ndarray:
    """Points (N, 3) turned about ``pivot``, seen from ``far`` in front of it: (N, 3) px, depth."""
    moved = (points - pivot) @ turn.T
    grow = far / (far + moved[:, 2:])
    return np.concatenate((moved[:, :2] * grow + pivot[:2], moved[:, 2:]), axis=1)


def build(
    rgb: np.ndarray, mesh: np.ndarray, person: np.ndarray, box: np.ndarray, five: np.ndarray
) -> Head:
    """Shape of one portrait. ``box`` x0 y0 x1 y1 and ``five`` (5, 2) are its frontal labels."""
    native = float(np.linalg.norm(five[0] - five[1]))
    scale = min(1.0, EYES_MAX_PX / native)
    if scale < 1:
        rgb = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    mesh, box, five = (np.asarray(a, np.float64) * scale for a in (mesh, box, five))
    high, wide = rgb.shape[:2]
    mask = cv2.resize(person, (wide, high), interpolation=cv2.INTER_LINEAR)
    width = float(np.ptp(mesh[:, 0]))
    mesh = mesh * (1.0, 1.0, DEEPER)
    skin = _spread(rgb, mask, 0.035 * width)
    centre = (mesh[:, :2].min(axis=0) + mesh[:, :2].max(axis=0)) / 2
    left, right = mesh[SIDES[0]], mesh[SIDES[1]]
    lean = (right[2] - left[2]) / max(1.0, right[0] - left[0])
    middle = float(left[2] + right[2]) / 2
    pivot = np.array([centre[0], centre[1] + 0.25 * width, middle + 0.1 * width])
    outline = _outline(mesh, mask, centre, width)
    edge = outline[2]
    outer, long = _silhouette(outline, middle, lean, width)
    x0, y0 = np.maximum(0, centre - edge.max() - 1)
    x1, y1 = np.minimum((wide - 1, high - 1), centre + edge.max() + 1)
    xs, ys = np.meshgrid(np.arange(x0, x1, STEP), np.arange(y0, y1, STEP))
    radius = np.hypot(xs - centre[0], ys - centre[1])
    at = (np.degrees(np.arctan2(ys - centre[1], xs - centre[0])) % 360) / 360 * TURNS
    rim_r, rim_z, end, outer_z, long_here = (_round(a, at) for a in (*outline, outer, long))
    up = np.clip((centre[1] - ys) / np.maximum(radius, 1e-6), 0, 1)
    part = np.clip((radius - rim_r) / np.maximum(end - rim_r, 1e-6), 0, 1)
    depth = LinearNDInterpolator(mesh[:, :2], mesh[:, 2])(xs, ys)
    beyond = rim_z + (outer_z - rim_z) * (up * (1 - np.sqrt(1 - part**2)) + (1 - up) * part)
    inside = np.isfinite(depth) & (radius <= rim_r)
    front_z = cv2.GaussianBlur(np.where(inside, depth, beyond), (0, 0), 1.5)
    keep = radius <= end
    back_z = outer_z + long_here * np.sqrt(np.clip(1 - (radius / end) ** 2, 0, 1))
    hair = _hair(skin, mesh, centre, edge, at, radius / end, ys - centre[1], width)
    ring, ring_normal = _seam(outline, (outer, long), centre)
    ring_rgb = _sample(skin, ring[None, :, 0], ring[None, :, 1])[0]
    lifted = _fit_rim(mesh, box, five)
    five_z = LinearNDInterpolator(mesh[:, :2], mesh[:, 2])(five)
    five_z = np.where(np.isfinite(five_z), five_z, middle)
    return Head(
        np.stack((xs, ys, front_z), axis=-1)[keep],
        _sample(skin, xs, ys)[keep],
        _normals(front_z, STEP, -1.0)[keep],
        np.concatenate((np.stack((xs, ys, back_z), axis=-1)[keep], ring)),
        np.concatenate((hair[keep], ring_rgb)),
        np.concatenate((_normals(back_z, STEP, 1.0)[keep], ring_normal)),
        lifted,
        np.concatenate((five, five_z[:, None]), axis=1),
        pivot,
        _body(rgb, mask, mesh, centre, width),
        width,
        float(np.linalg.norm(five[0] - five[1])),
        float(np.degrees(np.arctan(lean))),
    )


def render(
    head: Head,
    yaw_deg: float,
    pitch_deg: float,
    roll_deg: float,
    *,
    far: float = 8.0,
    light: np.ndarray | None = None,
) -> Turned:
    """The head turned by these angles on top of the photo's own; ``far`` in face widths.

    ``light``: vector of the light, its length is its strength (0.3 is a lot).
    """
    turn = rotation(yaw_deg, pitch_deg, roll_deg)
    reach = far * head.width
    spots, colours = [], []
    sheets = (
        (head.front, head.front_rgb, head.front_normal),
        (head.back, head.back_rgb, head.back_normal),
    )
    for points, rgb, normals in sheets:
        facing = normals @ turn.T
        front = facing[:, 2] < 0.03
        spots.append(project(points[front], turn, head.pivot, reach))
        gain = 1.0 if light is None else 1 + (facing[front] @ light)[:, None]
        colours.append(rgb[front] * gain)
    spot, colour = np.concatenate(spots), np.concatenate(colours)
    margin = int(0.5 * head.width)
    high, wide = head.body.shape[:2]
    shape = (high + margin, wide + 2 * margin)
    shift = np.array([margin, margin])
    canvas = np.zeros((*shape, 4), np.float32)
    _lay_body(canvas, head, yaw_deg, margin)
    cover, near = _splat(canvas, spot + np.array([margin, margin, 0]), np.clip(colour, 0, 255))
    rim = project(head.rim, turn, head.pivot, reach)[:, :2] + shift
    five = project(head.points, turn, head.pivot, reach)
    at = np.clip((five[:, :2] + shift).round().astype(int), 0, (shape[1] - 1, shape[0] - 1))
    seen = five[:, 2] <= near[at[:, 1], at[:, 0]] + 0.08 * head.width
    rgba = np.clip(cover, 0, 255).astype(np.uint8)
    return Turned(
        rgba,
        np.concatenate((rim.min(axis=0), rim.max(axis=0))),
        five[:, :2] + shift,
        seen,
        head.eyes_px,
        head.yaw_deg + yaw_deg,
    )


def _outline(
    mesh: np.ndarray, mask: np.ndarray, centre: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By direction: radius and depth of the face's rim, radius of the head's silhouette."""
    rim = mesh[list(OVAL)]
    away = rim[:, :2] - centre
    angle = np.degrees(np.arctan2(away[:, 1], away[:, 0])) % 360
    order = np.argsort(angle)
    turns = np.arange(TURNS) * 360 / TURNS
    oval = np.interp(turns, angle[order], np.hypot(*away.T)[order], period=360)
    depth = np.interp(turns, angle[order], rim[order, 2], period=360)
    way = np.stack((np.cos(np.radians(turns)), np.sin(np.radians(turns))), axis=1)
    up, down = np.clip(-way[:, 1], 0, 1), np.clip(way[:, 1], 0, 1)
    most = oval * (1.32 + 0.45 * up**2 - 0.1 * down)
    steps = np.linspace(0, 1, 60)
    radii = oval[:, None] + (most - oval)[:, None] * steps
    x = (centre[0] + way[:, :1] * radii).astype(np.float32)
    y = (centre[1] + way[:, 1:] * radii).astype(np.float32)
    inside = cv2.remap(mask, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT) > 127
    reached = np.where(inside.all(axis=1), 59, np.argmin(inside, axis=1))
    edge = np.maximum(radii[np.arange(TURNS), reached], oval + 0.04 * width)
    wrapped = np.concatenate((edge[-20:], edge, edge[:20]))[None].astype(np.float32)
    smooth = cv2.GaussianBlur(wrapped, (0, 0), 4)[0, 20:-20]
    return oval, depth, np.maximum(smooth, oval + 0.02 * width)


def _silhouette(
    outline: tuple[np.ndarray, np.ndarray, np.ndarray], middle: float, lean: float, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """By direction: depth at the silhouette, and how far the head reaches back behind it."""
    _, rim_z, edge = outline
    turns = np.radians(np.arange(TURNS) * 360 / TURNS)
    down = np.clip(np.sin(turns), 0, 1)
    outer = middle + lean * np.cos(turns) * edge + width * (0.16 - 0.1 * down)
    return np.maximum(outer, rim_z + 0.1 * width), width * (0.55 - 0.25 * down)


def _spread(rgb: np.ndarray, mask: np.ndarray, rim: float) -> np.ndarray:
    """The person's colours drawn out over the background, so that no wall sticks to an ear."""
    kernel = np.ones((3, 3), np.uint8)
    inner = cv2.erode((mask > 150).astype(np.uint8), kernel, iterations=max(1, round(rim)))
    weight = inner.astype(np.float32)
    size = (max(8, rgb.shape[1] // 4), max(8, rgb.shape[0] // 4))
    known = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    colour = cv2.resize(rgb * weight[..., None], size, interpolation=cv2.INTER_AREA)
    total, amount = np.zeros_like(colour), np.zeros_like(known)
    for sigma in (0.7, 2.0, 6.0, 18.0):  # the nearest colours count most
        share = cv2.GaussianBlur(known, (0, 0), sigma)
        trust = (1 - np.minimum(amount, 1)) * np.minimum(share * 4, 1)
        mean = cv2.GaussianBlur(colour, (0, 0), sigma)
        total += mean / np.maximum(share, 1e-6)[..., None] * trust[..., None]
        amount += trust
    outside = total / np.maximum(amount, 1e-6)[..., None]
    outside = cv2.resize(outside, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(weight, (0, 0), 1.0)[..., None]
    return np.clip(rgb * soft + outside * (1 - soft), 0, 255).astype(np.uint8)


def _seam(
    rim: tuple[np.ndarray, np.ndarray, np.ndarray],
    outer: tuple[np.ndarray, np.ndarray],
    centre: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Rings where both sheets stand upright and a grid would tear: points and outward normals.

    ``rim``: radius and depth of the face's rim, radius of the silhouette, by direction; ``outer``:
    depth of the silhouette and length of the back.
    """
    turns = np.radians(np.arange(0, TURNS, 0.5) * 360 / TURNS)
    at = np.arange(0, TURNS, 0.5)
    (oval, depth, edge), (outer_z, long) = ([_round(a, at) for a in g] for g in (rim, outer))
    way = np.stack((np.cos(turns), np.sin(turns), np.zeros_like(turns)), axis=1)
    above = way[:, 1] < -0.3
    points, normals = [], []
    for c in np.linspace(0.4, 1, 16):
        radius = oval + (edge - oval) * np.sqrt(1 - (1 - c) ** 2)
        ring = np.column_stack(
            (centre + way[:, :2] * radius[:, None], depth + (outer_z - depth) * c)
        )
        points.append(ring[above])
        normals.append(way[above])
    for q in np.linspace(0, 0.45, 22):
        radius = edge * np.sqrt(1 - q**2)
        points.append(np.column_stack((centre + way[:, :2] * radius[:, None], outer_z + long * q)))
        normals.append(way)
    return np.concatenate(points), np.concatenate(normals)


def _round(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.interp(at, np.arange(TURNS + 1), np.append(values, values[0]))


def _sample(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear samples as float32; beyond the rim the nearest pixel."""
    found = cv2.remap(
        image,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return found.astype(np.float32)


def _hair(
    rgb: np.ndarray,
    mesh: np.ndarray,
    centre: np.ndarray,
    edge: np.ndarray,
    at: np.ndarray,
    part: np.ndarray,
    dy: np.ndarray,
    width: float,
) -> np.ndarray:
    """Colours of the back sheet: the hair band above the face, skin of the cheek at the neck."""
    angle = at * 360 / TURNS
    from_top = (angle - 270 + 180) % 360 - 180
    squeezed = np.radians(270 + 0.4 * from_top)
    radius = _round(edge, (np.degrees(squeezed) % 360) / 360 * TURNS) * (0.80 + 0.13 * part)
    x, y = centre[0] + np.cos(squeezed) * radius, centre[1] + np.sin(squeezed) * radius
    hair = _sample(rgb, x, y)
    usual = np.median(hair[part < 1], axis=0)
    hair += (usual - hair) * np.clip(1 - part, 0, 1)[..., None] ** 0.5 * 0.8
    cheek = mesh[[50, 280, 152], :2].mean(axis=0)
    skin = _sample(cv2.GaussianBlur(rgb, (0, 0), 2), *(np.full((1, 1), v) for v in cheek))[0, 0]
    low = np.clip((dy / width - 0.42) / 0.12, 0, 1)[..., None]
    return hair * (1 - low) + 0.65 * skin * low


def _normals(depth: np.ndarray, step: float, side: float) -> np.ndarray:
    """Unit normals of a sheet; ``side`` -1 points to the camera, 1 away from it."""
    zy, zx = np.gradient(depth, step)
    normal = np.stack((-zx, -zy, np.ones_like(depth)), axis=-1) * side
    return normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def _fit_rim(mesh: np.ndarray, box: np.ndarray, five: np.ndarray) -> np.ndarray:
    """The mesh stretched so that its frontal bounding box is ``box``; y in two pieces."""
    rim = mesh.copy()
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    rim[:, 0] = np.interp(mesh[:, 0], (low[0], high[0]), (box[0], box[2]))
    eyes = float(five[:2, 1].mean())
    rim[:, 1] = np.interp(mesh[:, 1], (low[1], eyes, high[1]), (box[1], eyes, box[3]))
    return rim


def _body(
    rgb: np.ndarray, mask: np.ndarray, mesh: np.ndarray, centre: np.ndarray, width: float
) -> np.ndarray:
    """Shoulders of the photo, and a neck drawn up behind the head: RGBA of the photo's size."""
    rgba = np.dstack((rgb, np.zeros_like(mask)))
    start = int(mesh[CHIN, 1] + 0.05 * width)
    if start >= rgb.shape[0] - 1:
        return rgba
    rgba[start:, :, 3] = mask[start:]
    row = min(start + max(1, int(0.04 * width)), rgb.shape[0] - 1)
    left, right = (int(centre[0] + s * 0.34 * width) for s in (-1, 1))
    left, right = max(0, left), min(rgb.shape[1], right)
    top = max(0, int(centre[1]))
    rgba[top:start, left:right, :3] = (rgb[row, left:right] * 0.75).astype(np.uint8)
    rgba[top:start, left:right, 3] = mask[row, left:right]
    return rgba


def _lay_body(canvas: np.ndarray, head: Head, yaw_deg: float, margin: int) -> None:
    """The body on the canvas, narrower as it turns half as far as the head."""
    squeeze = float(np.cos(np.radians(np.clip(abs(yaw_deg), 0, 100) * 0.5)))
    shift = margin + head.pivot[0] * (1 - squeeze)
    affine = np.array([[squeeze, 0, shift], [0, 1, margin]])
    size = (canvas.shape[1], canvas.shape[0])
    canvas[:] = cv2.warpAffine(head.body, affine, size, flags=cv2.INTER_LINEAR)


def _splat(
    canvas: np.ndarray, spot: np.ndarray, colour: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points on ``canvas``, near ones over far ones; the canvas and the depth map it shows."""
    high, wide = canvas.shape[:2]
    order = np.argsort(-spot[:, 2], kind="stable")
    spot, colour = spot[order], colour[order]
    layer = np.zeros((high, wide, 3), np.float32)
    near = np.full((high, wide), np.inf)
    filled = np.zeros((high, wide), np.uint8)
    x, y = np.floor(spot[:, 0]).astype(int), np.floor(spot[:, 1]).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < wide - 1) & (y < high - 1)
    x, y, colour, depth = x[inside], y[inside], colour[inside], spot[inside, 2]
    # each point covers 2x2 px; all four writes of a point come before those of a nearer one
    flat = np.stack([(y + j) * wide + x + i for j in (0, 1) for i in (0, 1)], axis=1).ravel()
    layer.reshape(-1, 3)[flat] = np.repeat(colour, 4, axis=0)
    near.ravel()[flat] = np.repeat(depth, 4)
    filled.ravel()[flat] = 255
    closed = cv2.morphologyEx(filled, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    weight = (filled > 0).astype(np.float32)
    spread = cv2.GaussianBlur(layer * weight[..., None], (0, 0), 2)
    spread /= np.maximum(cv2.GaussianBlur(weight, (0, 0), 2), 1e-3)[..., None]
    layer = np.where(filled[..., None] > 0, layer, spread)
    layer = 0.5 * layer + 0.5 * cv2.medianBlur(np.clip(layer, 0, 255).astype(np.uint8), 3)
    soft = cv2.GaussianBlur(cv2.erode(closed, np.ones((3, 3), np.uint8)), (0, 0), 1)
    alpha = soft.astype(np.float32)[..., None] / 255
    over = canvas[..., 3:] / 255
    out_alpha = alpha + over * (1 - alpha)
    mixed = layer * alpha + canvas[..., :3] * over * (1 - alpha)
    rgb = mixed / np.maximum(out_alpha, 1e-3)
    return np.concatenate((rgb, out_alpha * 255), axis=2), near
