"""Nets on disk: safetensors with their config, a card and a digest; never pickle."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from sklearn_tsrec.neural.forecasting._config import PatchTransformerConfig
from sklearn_tsrec.neural.forecasting._model import PatchTransformer

WEIGHTS = Path(__file__).parents[1] / "weights"
_FORMAT = "sklearn-tsrec patch-transformer 1"
_SUFFIX = ".safetensors"


def save_checkpoint(
    model: PatchTransformer, path: str | Path, card: dict[str, Any] | None = None
) -> Path:
    """Write a net, its config and a card to a safetensors file, in half precision.

    Parameters
    ----------
    model : PatchTransformer
        The net.
    path : str or Path
        A file that ends in ``.safetensors``, or a folder, in which the file is
        ``model.safetensors``.
    card : dict, default=None
        What is known about the net (data, recipe, cost, results, licence); kept as JSON.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    ValueError
        If a weight is not finite in half precision.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_tsrec.neural import PatchTransformer, PatchTransformerConfig
    >>> from sklearn_tsrec.neural import load_card, load_checkpoint, save_checkpoint
    >>> net = PatchTransformer(PatchTransformerConfig(width=32, depth=1))
    >>> folder = tempfile.mkdtemp()
    >>> save_checkpoint(net, folder, card={"data": "none"}).name
    'model.safetensors'
    >>> load_checkpoint(folder).config == net.config, load_card(folder)["data"]
    (True, 'none')
    """
    path = Path(path)
    if path.suffix != _SUFFIX:
        path = path / f"model{_SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.detach().to("cpu", torch.float16).contiguous()
        for name, tensor in model.state_dict().items()
    }
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(
                f"model has weights in {name!r} that are not finite in half precision."
            )
    metadata = {
        "format": _FORMAT,
        "config": json.dumps(model.config.to_dict()),
        "card": json.dumps(card or {}),
    }
    if any(model.calibration):
        metadata["calibration"] = json.dumps(model.calibration)
    metadata["sha256"] = _digest(metadata, tensors)
    save_file(tensors, path, metadata)
    return path


def load_checkpoint(name_or_path: str | Path) -> PatchTransformer:
    """Return the net of a checkpoint, in single precision on the CPU.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a checkpoint in the package (``"tsrec-small"``), a safetensors file, or a folder
        that :func:`save_checkpoint` wrote.

    Returns
    -------
    model : PatchTransformer
        The net, in evaluation mode.

    Raises
    ------
    ValueError
        If there is no such file, it is not a safetensors file of this package, its digest is not
        that of its contents, or its weights do not fit its config.
    """
    path = _find(name_or_path)
    metadata, tensors = _read(path)
    if metadata.get("sha256") != _digest(metadata, tensors):
        raise ValueError(f"checkpoint {path} is damaged: its sha256 is not that of its contents.")
    model = PatchTransformer(PatchTransformerConfig.from_dict(json.loads(metadata["config"])))
    try:
        model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise ValueError(
            f"checkpoint {path} has weights for a net of other shapes than its config: {error}"
        ) from error
    begin, slope = json.loads(metadata.get("calibration", "[0.0, 0.0]"))
    model.calibration = (begin, slope)
    return model.eval()


def load_card(name_or_path: str | Path) -> dict[str, Any]:
    """Return the card of a checkpoint: what its author wrote about it.

    Parameters
    ----------
    name_or_path : str or Path
        As in :func:`load_checkpoint`.

    Returns
    -------
    card : dict
        The card that it was saved with.
    """
    return json.loads(_read(_find(name_or_path))[0]["card"])


def _find(name_or_path):
    """Return the file of a name, a file or a folder."""
    path = Path(name_or_path)
    for candidate in (WEIGHTS / f"{name_or_path}{_SUFFIX}", path / f"model{_SUFFIX}", path):
        if candidate.is_file():
            return candidate
    shipped = sorted(file.stem for file in WEIGHTS.glob(f"*{_SUFFIX}"))
    raise ValueError(
        f"checkpoint={str(name_or_path)!r} is neither a checkpoint of the package ({shipped}) nor "
        f"a {_SUFFIX} file nor a folder with model{_SUFFIX}."
    )


def _read(path):
    """Return metadata and tensors of a safetensors file of this package."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except SafetensorError as error:
        raise ValueError(
            f"checkpoint {path} is not a safetensors file ({error}). Pickled weights (.pt, .bin) "
            "are never read: unpickling runs code."
        ) from error
    if metadata.get("format") != _FORMAT:
        raise ValueError(
            f"checkpoint {path} is a safetensors file of something else: its format is "
            f"{metadata.get('format')!r}, not {_FORMAT!r}."
        )
    return metadata, tensors


def _digest(metadata, tensors):
    """Return the sha256 of what decides forecasts: config, calibration and tensors."""
    digest = hashlib.sha256((metadata["config"] + metadata.get("calibration", "")).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
