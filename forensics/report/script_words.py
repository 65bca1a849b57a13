"""Script words: what the page's script says, handed to it as data so that it holds no sentence.

One script, and so one digest in the page's policy, serves every language.
"""

from __future__ import annotations

from markupsafe import Markup

from forensics.report.language import _, signs
from forensics.report.viewer import script_safe


def script_words() -> Markup:
    """JSON for the script: messages with ``{name}`` for what it knows, and the signs of numbers."""
    decimal, group = signs()
    return script_safe(
        {
            "decimal": decimal,
            "group": group,
            "noFlagAfter": _("No flag after this frame."),
            "noFlagBefore": _("No flag before this frame."),
            "pause": _("Pause"),
            "play": _("Play"),
            "frame": _("Frame {number}"),
            "noTime": _("no time stamp"),
            "flags": _("flags: {flags}"),
            "noFlag": _("no flag"),
            "compare": _("compare the number in the picture's margin"),
            "unlike": _("The clip does not show frame {number}: it shows frame {shown}."),
            "unreadable": _(
                "The clip does not show frame {number}: it shows an unreadable number."
            ),
            "shown": _("{shown} of {count} faces"),
            "copied": _("Copied."),
            "selected": _("Selected; copy it with the keyboard."),
        }
    )
