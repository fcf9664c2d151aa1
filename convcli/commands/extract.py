"""`convcli extract`: what do layers of random filters see in this picture?"""

import click

from convcli.options import SEED, force_option, format_option


@click.command("extract")
@click.argument("picture")
@click.option("--seed", type=SEED, default=0, help="Seed of the random weights.  [default: 0]")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to draw the grid of feature maps.  [default: NAME.maps.png here]",
)
@click.option("--save", metavar="FILE", help="Save maps, weights and seed to this .npz file.")
@force_option
@format_option
@click.option("-q", "--quiet", is_flag=True, help="Print the path of the grid alone.")
def extract_command(
    picture: str,
    seed: int,
    output: str | None,
    save: str | None,
    force: bool,
    format_: str | None,
    quiet: bool,
) -> None:
    """Run layers of seeded random filters on PICTURE and draw what they see. PICTURE - is stdin.

    \b
    convcli extract cat.jpg
    convcli extract cat.jpg --seed 7 -o maps.png --save maps.npz

    Three convolutions of three 3x3 filters (padding 1, stride 1, standard-normal weights, each
    filter over all channels), leaky ReLU 0.1 between them, on samples scaled to 0..1. The grid
    shows every convolution's maps, each stretched to black..white; maps of more than 512 pixels
    are drawn smaller. The table gives the mean, spread (standard deviation) and share of negative
    values of each layer.
    """
    from convcli.errors import SpecError, safe
    from convcli.features import default_recipe, extract
    from convcli.pictures.files import (
        check_free,
        format_of,
        open_picture,
        planes,
        save_arrays,
        write_picture,
    )
    from convcli.pictures.montage import grid, grid_name
    from convcli.report import note, path, show

    target = grid_name(picture) if output is None else output
    if save == "-":
        raise SpecError("--save takes the name of a file; stdout holds the table")
    check_free([target, save], force, picture)
    if target != "-":
        format_of(target)
    run = extract(default_recipe(), planes(open_picture(picture)), seed)
    if save:
        save_arrays(run.arrays(), save, force)
    write_picture(grid(run.shown()), target, force)
    if target == "-":
        return
    if quiet:
        path(target)
    else:
        show(run, format_)
        note(f"seed {seed}; the maps are drawn in {safe(target)}")
