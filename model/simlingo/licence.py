"""The terms of the SimLingo weights: shown, and accepted by a flag, before any of them is used. Pure."""

from __future__ import annotations

FLAG = "--accept-simlingo-license"
NOTICE = f"""\
The SimLingo weights are not part of this program and come with terms of their own.
  Weights   https://huggingface.co/RenzKa/simlingo        as that page states; its data set is offered under a
            non-commercial licence of Wayve, so take non-commercial use as the limit unless you know better
  Code      https://github.com/RenzKa/simlingo            LICENSE; nothing of it is in this program
  Words     https://huggingface.co/OpenGVLab/InternVL2-1B MIT, with Qwen2's tokenizer files under Apache 2.0
Read them there. By starting with {FLAG} you say that you have, and that you keep to them."""


class LicenceNotAccepted(RuntimeError):
    """The weights' terms were shown and not accepted."""


def demand(is_accepted: bool) -> str:
    """The notice to print. Raises LicenceNotAccepted, with the notice and the way on, unless `is_accepted`."""
    if not is_accepted:
        raise LicenceNotAccepted(
            f"{NOTICE}\nTo go on, start again with {FLAG}; to drive without, use `--model pocket`."
        )
    return NOTICE
