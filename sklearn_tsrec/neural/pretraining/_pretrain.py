"""Pretraining on synthetic series that are made while it runs; it can stop and go on."""

import os
import tempfile
from pathlib import Path

import torch

from sklearn_tsrec.neural.forecasting._checkpoint import load_checkpoint
from sklearn_tsrec.neural.pretraining._processes import AcceleratedProcesses, Processes
from sklearn_tsrec.neural.pretraining._recipe import PretrainRecipe
from sklearn_tsrec.neural.pretraining._trainer import Trainer


def pretrain(
    recipe=None,
    out="pretrained",
    *,
    minutes=None,
    resume=False,
    anneal=False,
    device="auto",
    n_processes=None,
    n_workers=0,
    on_log=None,
    verbose=1,
):
    """Pretrain a net on synthetic series.

    Each process takes its own steps on its own series, and the weights are averaged now and then.
    On CPUs a process has one thread.

    Parameters
    ----------
    recipe : PretrainRecipe, default=None
        What to train; None is the default recipe, or with ``resume`` the one in ``out``.
    out : str or Path, default="pretrained"
        Folder of ``recipe.yaml``, ``state.pt`` and ``log.jsonl`` (written every five minutes), and
        ``model.safetensors``.
    minutes : float, default=None
        Time after which this session ends; the schedule is by windows, so that ``resume`` goes on
        as if nothing had been. None goes on to the last window.
    resume : bool, default=False
        Whether to go on from ``out``.
    anneal : bool, default=False
        Whether to bring the learning rate from where it is to zero within ``minutes``. It makes a
        good net of a copy of a run that is not finished.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, or ``"auto"``: all GPUs if there are any, else the CPU. GPUs
        compute in bfloat16. ``"accelerate"``, in what ``accelerate launch`` begins: processes,
        devices (also of several machines) and precision are what it was told.
    n_processes : int, default=None
        Processes that train; None is the number of GPUs or of CPU cores.
    n_workers : int, default=0
        Processes that make series for each of them; with 0 it makes its own.
    on_log : callable, default=None
        Is given each row of ``log.jsonl`` as a dict: ``windows``, ``cpu_seconds``, ``rate``,
        ``loss``, ``validation``, ``time``. It is called in the first process, so with several it
        must be picklable: a function of a module.
    verbose : int, default=1
        Whether to show a progress bar.

    Returns
    -------
    model : PatchTransformer
        The net as saved: the running mean of the weights, or the last weights if these do better on
        synthetic validation series.

    Raises
    ------
    ValueError
        If there is nothing to resume or it is a net of other sizes, ``anneal`` has no
        ``minutes`` or no ``resume``, the device is not there, or ``n_processes`` is given
        beside ``device="accelerate"``.

    Examples
    --------
    >>> from sklearn_tsrec.neural import PatchTransformerConfig, PretrainRecipe, pretrain
    >>> tiny = PatchTransformerConfig(context=32, patch=8, block=8, width=16, depth=1)
    >>> recipe = PretrainRecipe(
    ...     tiny, {"trend": 1}, n_windows=64, batch_size=16, lengths={32: 1}, n_series=20,
    ...     series_length=48,
    ... )
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net = pretrain(recipe, folder, n_processes=1, verbose=0)
    >>> net.config.width
    16
    """
    out = Path(out)
    if resume:
        if not (out / "state.pt").is_file():
            raise ValueError(f"out={str(out)!r} has no state.pt to resume from.")
        begun = PretrainRecipe.read(out / "recipe.yaml")
        recipe = recipe or begun
        if recipe.config != begun.config:
            raise ValueError(
                f"recipe has a net of other sizes than the one in out={str(out)!r}: "
                f"{recipe.config}, {begun.config}."
            )
    recipe = recipe or PretrainRecipe()
    if anneal and not (resume and minutes):
        raise ValueError(
            "anneal=True needs resume=True, a run whose rate falls to zero, and minutes for it."
        )
    if device not in ("auto", "cpu", "cuda", "accelerate"):
        raise ValueError(f"device must be 'auto', 'cpu', 'cuda' or 'accelerate', got {device!r}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device='cuda' is not there; use 'cpu', or 'auto' for what there is.")
    settings = (recipe, out, minutes, resume, anneal, n_workers, on_log, verbose)
    out.mkdir(parents=True, exist_ok=True)
    if device == "accelerate":
        if n_processes is not None:
            raise ValueError(
                f"n_processes={n_processes} is for accelerate launch to say: leave it out here."
            )
        _train(AcceleratedProcesses(), *settings)
        return load_checkpoint(out)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if n_processes is None:
        n_processes = torch.cuda.device_count() if device == "cuda" else os.cpu_count()
    with tempfile.TemporaryDirectory() as folder:
        where = (n_processes, device, f"file://{folder}/meeting")
        if n_processes == 1:
            _train(Processes(0, *where), *settings)
        else:
            torch.multiprocessing.spawn(_run_process, (where, settings), nprocs=n_processes)
    return load_checkpoint(out)


def _train(processes, recipe, out, *settings):
    """Train as one of some processes; the first keeps the recipe."""
    trainer = Trainer(processes, recipe, out, *settings)
    if processes.rank == 0:
        recipe.write(out / "recipe.yaml")
    trainer.run()


def _run_process(rank, where, settings):
    """Train in a process of its own."""
    _train(Processes(rank, *where), *settings)
