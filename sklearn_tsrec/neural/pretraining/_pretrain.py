"""Pretraining on synthetic series that are made while it runs; it can stop and go on."""

import copy
import json
import math
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed
from torch.nn.utils import clip_grad_norm_, parameters_to_vector, vector_to_parameters
from torch.utils.data import DataLoader, IterableDataset
from tqdm import tqdm

from sklearn_tsrec._extras import require
from sklearn_tsrec.neural.forecasting._checkpoint import load_checkpoint, save_checkpoint
from sklearn_tsrec.neural.forecasting._model import PatchTransformer, quantile_loss
from sklearn_tsrec.neural.pretraining._recipe import PretrainRecipe
from sklearn_tsrec.neural.pretraining._synthetic._mixture import SyntheticMixture
from sklearn_tsrec.neural.pretraining._windows import BatchedWindowDataset

_SAVE_SECONDS = 300
_CHUNK = 800  # series that are made at a time
_VALIDATION_SEED = 20_240_229  # no seed of training series: those begin with (random_state, …)
_N_VALIDATION = 8  # batches


def pretrain(
    recipe: PretrainRecipe | None = None,
    out: str | Path = "pretrained",
    *,
    minutes: float | None = None,
    resume: bool = False,
    anneal: bool = False,
    device: str = "auto",
    n_processes: int | None = None,
    n_workers: int = 0,
    on_log: Callable[[dict[str, Any]], object] | None = None,
    verbose: int = 1,
) -> PatchTransformer:
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
        Time after which this session ends; the schedule is by windows, so that ``resume``
        continues as if there had been no break. None continues to the last window.
    resume : bool, default=False
        Whether to continue from ``out``.
    anneal : bool, default=False
        Whether to bring the learning rate from where it is to zero within ``minutes``. It makes a
        good net of a copy of a run that is not finished.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, or ``"auto"``: all GPUs if there are any, else the CPU. GPUs
        compute in bfloat16. ``"accelerate"``, in what ``accelerate launch`` begins: processes,
        devices (also of several machines) and precision are those that it was given.
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
        If there is nothing to resume, or it is a net of other sizes, ``anneal`` has no
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
                f"n_processes={n_processes} is set by accelerate launch: leave it out here."
            )
        _train(AcceleratedProcesses(), *settings)
        return load_checkpoint(out)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if n_processes is None:
        n_processes = torch.cuda.device_count() if device == "cuda" else os.cpu_count() or 1
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


class Trainer:
    """One of the processes that train together; the first saves and shows."""

    def __init__(self, processes, recipe, out, minutes, resume, anneal, n_workers, on_log, verbose):
        self.processes = processes
        self.rank, self.n_processes, self.device = processes.rank, processes.n, processes.device
        self.recipe, self.out = recipe, out
        self.minutes, self.anneal = minutes, anneal
        self.on_log, self.verbose = on_log, verbose
        torch.manual_seed(recipe.random_state)
        self.net = PatchTransformer(recipe.config).to(self.device)
        self.mean = copy.deepcopy(self.net)
        self.optimizer = processes.prepare(
            torch.optim.AdamW(
                self.net.parameters(), lr=0.0, weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
            )
        )
        # Over all processes and sessions.
        self.windows, self.cpu_seconds, self.sessions = 0, 0.0, 0
        if resume:
            self._load()
        seed = (recipe.random_state, self.rank, self.sessions)
        self.stream = iter(
            DataLoader(SeriesStream(recipe, seed), batch_size=None, num_workers=n_workers)
        )
        self.source = self._make_source(seed)
        self.waiting = 0

    def run(self):
        """Take steps until the windows or the minutes are used up, and save."""
        recipe = self.recipe
        self.begin, saved = time.monotonic(), time.monotonic()
        self.start_cpu, self.first_window = time.process_time(), self.windows
        # Where the last session ended: an annealing may itself be resumed.
        self.start_rate = self.optimizer.param_groups[0]["lr"]
        self.spent = 0.0  # share of the minutes
        step, running = 0, None
        bar = tqdm(
            total=recipe.n_windows, initial=self.windows, unit=" windows", smoothing=0.02,
            disable=not self.verbose or self.rank > 0,
        )  # fmt: skip
        while self.windows < recipe.n_windows and self.spent < 1:
            loss = self._step()
            running = loss if running is None else 0.98 * running + 0.02 * loss
            step += 1
            self.windows += recipe.batch_size * self.n_processes
            self._refresh()
            bar.update(recipe.batch_size * self.n_processes)
            if step % recipe.averaging == 0:
                self._average()
                bar.set_postfix_str(f"loss {running:.4f}")
                if self.rank == 0 and time.monotonic() - saved > _SAVE_SECONDS:
                    self._save(running)
                    saved = time.monotonic()
        self._average()
        bar.close()
        if self.rank == 0:
            self._save(running)
            self._save_net()
        self.processes.leave()

    def _step(self):
        """Take one step, and return the loss."""
        batch = self.source.draw()
        context, period, target, valid = (
            part.to(self.device)
            for part in (batch.context, batch.period, batch.target, batch.valid)
        )
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        self.net.train()
        n_future = target.shape[-1] // self.recipe.config.patch
        with self.processes.precision():
            output = self.net(context, period, n_future, batch.origins, valid)
        loss = quantile_loss(output, target, self.net.levels, valid)
        self.processes.step(loss, self.optimizer)
        return loss.item()

    def _cosine_rate(self, windows):
        """Return the learning rate of the schedule."""
        recipe = self.recipe
        rise = min(1.0, (windows + recipe.batch_size) / max(recipe.warm_up, 1))
        share = min(1.0, windows / recipe.n_windows)
        return recipe.learning_rate * rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))

    def _rate(self):
        """Return the learning rate of this step."""
        if self.anneal:
            return self.start_rate * 0.5 * (1 + math.cos(math.pi * min(self.spent, 1)))
        return self._cosine_rate(self.windows)

    def _average(self):
        """Average weights over processes, agree on the time, and move the running mean."""
        spent = 0.0
        if self.minutes:
            spent = (time.monotonic() - self.begin) / (60 * self.minutes)
        self.session_cpu = time.process_time() - self.start_cpu
        if self.n_processes > 1:
            vector = parameters_to_vector(self.net.parameters()).detach()
            message = torch.cat([vector, vector.new_tensor([spent, self.session_cpu])])
            message = self.processes.mean(message)
            vector_to_parameters(message[:-2], self.net.parameters())
            spent = float(message[-2])
            self.session_cpu = float(message[-1]) * self.n_processes
        self.spent = spent
        passed = self.windows / (self.recipe.batch_size * self.n_processes * self.recipe.averaging)
        keep = min(self.recipe.smoothing, passed / (passed + 10))
        with torch.no_grad():
            for mean, weight in zip(self.mean.parameters(), self.net.parameters()):
                mean.lerp_(weight, 1 - keep)

    def _make_source(self, seed):
        """Return windows of a first set of series."""
        recipe, config = self.recipe, self.recipe.config
        values, period = SyntheticMixture(recipe.weights).sample(
            recipe.n_series, recipe.series_length, np.random.default_rng((*seed, 1_000_000))
        )
        most = config.block // config.patch
        return BatchedWindowDataset(
            values, period, patch=config.patch,
            n_future_patches=sorted({1, max(most // 2, 1), most}), lengths=recipe.lengths,
            batch_size=recipe.batch_size, n_origins=recipe.n_origins, holes=recipe.holes,
            unknown=recipe.unknown, random_state=np.random.default_rng((*seed, 2_000_000)),
        )  # fmt: skip

    def _refresh(self):
        """Replace series by fresh ones, a chunk at a time."""
        self.waiting += self.recipe.refill
        if self.waiting >= _CHUNK:
            self.waiting -= _CHUNK
            values, period = next(self.stream)
            n = min(_CHUNK, self.recipe.n_series)
            rows = self.source.rng.choice(self.recipe.n_series, n, replace=False)
            self.source.replace(rows, values, period)

    def _validate(self, net):
        """Return the loss on synthetic series that are the same for all runs."""
        return validation_loss(net, self.recipe)

    def _save(self, loss):
        """Write the state that a later session resumes, and a line of the log."""
        cpu_seconds = self.cpu_seconds + self.session_cpu
        state = {
            "net": self.net.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "windows": self.windows,
            "cpu_seconds": cpu_seconds,
            "sessions": self.sessions + 1,
        }
        torch.save(state, self.out / "state.tmp")
        (self.out / "state.tmp").replace(self.out / "state.pt")
        line = {
            "windows": self.windows,
            "cpu_seconds": round(cpu_seconds),
            "rate": self._rate(),
            "loss": round(loss, 5) if loss is not None else None,
            "validation": round(self._validate(self.mean), 5),
            "time": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        with open(self.out / "log.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")
        if self.on_log is not None:
            self.on_log(line)

    def _load(self):
        """Take up what an earlier session saved."""
        state = torch.load(self.out / "state.pt", map_location=self.device, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.windows, self.cpu_seconds = state["windows"], state["cpu_seconds"]
        self.sessions = state["sessions"]

    def _save_net(self):
        """Write the running mean of the weights, or the last weights where these are better."""
        losses = {"mean": self._validate(self.mean), "last": self._validate(self.net)}
        best = min(losses, key=lambda name: losses[name])
        card = {
            "recipe": self.recipe.to_dict(),
            "windows": self.windows,
            "cpu_seconds": round(self.cpu_seconds + self.session_cpu),
            "validation": {name: round(loss, 5) for name, loss in losses.items()},
            "weights": best,
            "annealed": bool(self.anneal) or self.windows >= self.recipe.n_windows,
            "torch": torch.__version__,
        }
        save_checkpoint(self.mean if best == "mean" else self.net, self.out, card)


class SeriesStream(IterableDataset):
    """Chunks of fresh synthetic series without end; each worker has its own.

    Parameters
    ----------
    recipe : PretrainRecipe
        The mixture and the length of series.
    seed : tuple of int
        What the seeds of the chunks begin with.
    """

    def __init__(self, recipe, seed):
        super().__init__()
        self.recipe = recipe
        self.seed = seed

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        mixture = SyntheticMixture(self.recipe.weights)
        rng = np.random.default_rng((*self.seed, worker.id if worker else 0))
        while True:
            yield mixture.sample(_CHUNK, self.recipe.series_length, rng)


@torch.no_grad()
def validation_loss(net, recipe):
    """Return the quantile loss of a net on held-out synthetic series, the same for every net.

    Parameters
    ----------
    net : PatchTransformer
        The net.
    recipe : PretrainRecipe
        The mixture and the lengths of contexts.

    Returns
    -------
    loss : float
        Mean over forecasts from the ends of windows.
    """
    device = next(net.parameters()).device
    rng = np.random.default_rng(_VALIDATION_SEED)
    n = recipe.batch_size
    values, period = SyntheticMixture(recipe.weights).sample(
        _N_VALIDATION * n, recipe.series_length, rng
    )
    windows = BatchedWindowDataset(
        values, period, patch=recipe.config.patch,
        n_future_patches=recipe.config.block // recipe.config.patch, lengths=recipe.lengths,
        batch_size=n, n_batches=_N_VALIDATION, n_origins=1, holes=recipe.holes,
        unknown=recipe.unknown, random_state=rng,
    )  # fmt: skip
    net.eval()
    total = 0.0
    for batch in windows:
        output = net(batch.context.to(device), batch.period.to(device))
        total += float(quantile_loss(output, batch.target.to(device), net.levels))
    net.train()
    return total / _N_VALIDATION


class Processes:
    """Processes of this machine that average their weights; a GPU computes in bfloat16.

    Parameters
    ----------
    rank, n : int
        Which process this is, and how many there are.
    device : str
        ``"cpu"`` or ``"cuda"``.
    meeting : str
        Where they find each other.
    """

    def __init__(self, rank, n, device, meeting):
        self.rank, self.n = rank, n
        self.device = torch.device(device, rank) if device == "cuda" else torch.device(device)
        if n > 1:
            torch.set_num_threads(1)
            distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=n)

    def precision(self):
        """Return the context in which the net computes."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")

    def step(self, loss, optimizer):
        """Take a step down the gradient, unless that is not finite."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
        if torch.isfinite(norm):
            optimizer.step()

    def prepare(self, optimizer):
        """Return the optimizer that ``step`` takes."""
        return optimizer

    def mean(self, vector):
        """Return the mean of a vector over the processes."""
        if self.n > 1:
            vector = vector.cpu()
            distributed.all_reduce(vector)
            vector = vector / self.n
        return vector.to(self.device)

    def leave(self):
        """Wait for the others, and part."""
        if self.n > 1:
            distributed.barrier()
            distributed.destroy_process_group()


class AcceleratedProcesses:
    """The processes, devices and precision of ``accelerate launch``; methods as above."""

    def __init__(self):
        self.accelerator = require("accelerate", "accelerate").Accelerator()
        self.rank, self.n = self.accelerator.process_index, self.accelerator.num_processes
        self.device = self.accelerator.device

    def precision(self):
        """Return the context in which the net computes."""
        return self.accelerator.autocast()

    def step(self, loss, optimizer):
        """Take a step down the gradient, unless that is not finite."""
        optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
        # Half precision has a scaler, which skips such steps itself and must see them.
        if self.accelerator.scaler is not None or torch.isfinite(norm):
            optimizer.step()

    def prepare(self, optimizer):
        """Return the optimizer that ``step`` takes."""
        return self.accelerator.prepare(optimizer)

    def mean(self, vector):
        """Return the mean of a vector over the processes."""
        return self.accelerator.reduce(vector.to(self.device), "mean")

    def leave(self):
        """Wait for the others, and part."""
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()
