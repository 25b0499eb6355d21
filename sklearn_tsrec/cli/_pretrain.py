"""The command ``pretrain``."""

from sklearn_tsrec.cli._tables import say


def run(arguments):
    """Pretrain a net on synthetic series, or go on with one."""
    # The only command that needs torch.
    from sklearn_tsrec.neural import PretrainRecipe, load_card, pretrain

    recipe = PretrainRecipe.read(arguments.recipe) if arguments.recipe else None
    pretrain(
        recipe,
        arguments.out,
        minutes=arguments.minutes,
        resume=arguments.resume,
        anneal=arguments.anneal,
        device=arguments.device,
        n_processes=arguments.processes,
        n_workers=arguments.workers,
    )
    card = load_card(arguments.out)
    say(
        f"{card['windows']} windows, {card['cpu_seconds']} CPU seconds, loss on held-out series "
        f"{card['validation'][card['weights']]:.4f} → {arguments.out}"
    )
