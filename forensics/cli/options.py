"""Options that several commands take, declared once so that they cannot drift apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

Text = str | None
Number = int | None
Value = str | int | float | bool | None

Models = Annotated[
    Text,
    typer.Option(
        "-m", "--models", help="Model profile, see 'forensics models list'. [default: embedded]"
    ),
]
Upscale = Annotated[
    Number, typer.Option("-s", "--upscale", help="Size of the result, 1 to 4. [default: 2]")
]
Background = Annotated[
    Text,
    typer.Option(
        help="Outside the faces: auto, lanczos, realesrgan-x2plus, realesrgan-x4plus or "
        "realesr-general-x4v3. [default: auto]"
    ),
]
Engine = Annotated[
    Text,
    typer.Option(help="native, or reference: the official packages as they run. [default: native]"),
]
Precision = Annotated[
    Text, typer.Option(help="exact (fp32, repeatable) or fast (bf16). [default: exact]")
]
Noise = Annotated[
    Text,
    typer.Option(help="Noise of the restorer: stored, zero or seed:N. [default: stored]"),
]
UpstreamCompat = Annotated[
    bool,
    typer.Option(
        "--upstream-compat", help="Align and paste as the official code does, half a pixel off."
    ),
]
Device = Annotated[Text, typer.Option(help="auto, cpu or cuda[:N]. [default: auto]")]
Every = Annotated[Number, typer.Option(help="Score each Nth frame; all are restored. [default: 1]")]
Formats = Annotated[Text, typer.Option("--format", help="Reports: html,pdf. [default: html,pdf]")]
Lang = Annotated[Text, typer.Option(help="Language of the reports: en or de. [default: en]")]
Save = Annotated[Text, typer.Option(help="Also keep full frames: source,frames.")]
NoOriginal = Annotated[
    bool, typer.Option("--no-original", help="Keep only the hash of the source.")
]
NoLabel = Annotated[
    bool,
    typer.Option("--no-label", help="Burn no 'AI-restored' into comparisons and figures."),
]
Private = Annotated[
    bool, typer.Option("--private", help="Keep host, user and paths out of the record.")
]
Case = Annotated[Text, typer.Option(help="Case id, for the record.")]
Operator = Annotated[Text, typer.Option(help="Who runs this, for the record.")]
Purpose = Annotated[Text, typer.Option(help="Why, for the record.")]
Sign = Annotated[
    list[Path] | None,
    typer.Option(metavar="<path>", help="Sign the bundle with this key (.key.pem). Repeatable."),
]
PassphraseFile = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="<path>",
        help="File with the passphrase: one for all keys or one each. [asked for]",
    ),
]
Timestamp = Annotated[
    Text, typer.Option(help="Address of an RFC 3161 authority: time-stamp the signature.")
]
Calibration = Annotated[
    Text,
    typer.Option(
        metavar="<path>",
        help="Calibration of the restorer: auto, none or a file of 'forensics calibrate'. "
        "[default: auto]",
    ),
]
Measure = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Also take a plugin's measure, by name. Repeatable."),
]
FailOn = Annotated[
    Text, typer.Option("--fail-on", help="Exit 1 when a person's band is high or caution.")
]
LogFile = Annotated[
    Path | None,
    typer.Option("--log-file", metavar="<path>", help="Append what is logged, as JSON lines."),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only results and errors.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")]

_OFF = {"no_original": "original", "no_label": "label"}
_AS_GIVEN = (
    "models",
    "upscale",
    "background",
    "engine",
    "precision",
    "noise",
    "device",
    "every",
    "lang",
    "save",
    "calibration",
    "case",
    "operator",
    "purpose",
    "fail_on",
)
_ON = {"upstream_compat": "upstream_compat", "private": "private", "as_zip": "zip"}


def given(parameters: Mapping[str, Any]) -> dict[str, Value]:
    """The settings that a command line gave, by name: what `forensics.config.resolve` takes.

    ``parameters`` are those of a command, by name; what is no setting is passed over.
    """
    found: dict[str, Value] = {name: parameters[name] for name in _AS_GIVEN}
    found["format"] = parameters["formats"]
    found["measure"] = ",".join(parameters["measure"] or ()) or None
    found |= {setting: True for name, setting in _ON.items() if parameters.get(name)}
    found |= {setting: False for name, setting in _OFF.items() if parameters[name]}
    return {name: value for name, value in found.items() if value is not None}
