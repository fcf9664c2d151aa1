"""`convcli extract`: what do layers of random filters see in these pictures?"""

from typing import Any

import click

from convcli.options import (
    COUNT,
    INIT,
    METRIC,
    NORMALIZATION,
    PAIR,
    RECIPE,
    RESIZE,
    SEED,
    batch_options,
    force_option,
    limit_options,
    vector_format_option,
)


@click.command("extract")
@click.argument("words", nargs=-1, metavar="PICTURE... [LAYER...]")
@click.option("--net", metavar="NETWORK", help="A zoo name, .net or .py file, - for stdin.")
@click.option("--recipe", type=RECIPE, help="default, digits or texture.  [default]")
@click.option("--like", metavar="FILE", help="As this saved run, or set of vectors.")
@click.option("--until", metavar="LAYER", help="Run no further than this layer.")
@click.option("--layers", metavar="NAMES", help="Layers to draw, or to make the vector of.")
@click.option(
    "--init",
    type=INIT,
    help="he, normal, lecun, glorot, orthogonal, gabor, dct, …  [he]",
)
@click.option("--zero-mean", is_flag=True, help="Take each filter's mean away.")
@click.option("--unit-norm", is_flag=True, help="Scale each filter to a norm of 1.")
@click.option("--seed", type=SEED, help="Of the random weights.  [0]")
@click.option("--weights", metavar="FILE", help="Weights by name: .npz, .safetensors.")
@click.option("--resize", type=RESIZE, help="Shorter side, height x width, or keep.")
@click.option("--crop", type=PAIR, help="Around the centre.")
@click.option("--gray", is_flag=True, help="Grey instead of colour.")
@click.option("--normalize", type=NORMALIZATION, help="unit (0..1), standard, imagenet or none.")
@click.option("-o", "--output", metavar="FILE", help="A sheet, a folder/ of grids, or vectors.")
@click.option("--signed", is_flag=True, help="Draw from blue over white at 0 to red.")
@click.option("--filters", metavar="FILE", help="Draw the filters themselves.")
@click.option("--preview", is_flag=True, help="Show some maps of each layer in the terminal.")
@click.option("--save", metavar="FILE", help="Save maps, weights and network (.npz).")
@click.option("--vector", metavar="PARTS", help="mean,std,max,ppv,l2,flatten,grid:4x4.")
@click.option("--distances", type=METRIC, help="cosine or euclidean, between the pictures.")
@click.option("--nearest", type=COUNT, help="So many look-alikes of each picture.")
@click.option("--among", metavar="SET", help="Where to look: a folder, or vectors (.npz).")
@force_option
@limit_options
@batch_options
@vector_format_option
@click.option("-q", "--quiet", is_flag=True, help="Print paths or values alone.")
def extract_command(words: tuple[str, ...], **options: Any) -> None:
    """Run layers of random filters on PICTUREs: draw what they see, or make vectors of it.

    \b
    convcli extract cat.jpg                                    (draws cat.maps.png)
    convcli extract cat.jpg conv:16,5,padding=2 relu maxpool:2 conv:32,3
    convcli extract cat.jpg --net vgg16 --until conv3_1 --signed
    convcli extract *.jpg --recipe texture --vector mean,std > features.jsonl
    convcli extract new.jpg --nearest 5 --among features.npz
    """
    from convcli.errors import safe
    from convcli.features.task import wants_vectors
    from convcli.report import note, path, show

    if wants_vectors(options):
        from convcli.commands.batching import vectors

        result, refusal = vectors(words, options)
        if result is not None:
            show(result, options["format_"], options["quiet"])
        if refusal:
            raise refusal
        return
    from convcli.commands.batching import refuse_many
    from convcli.features.look import look_task

    refuse_many(options)
    report, made = look_task(words, options, note)
    if options["output"] == "-":
        return
    if not options["quiet"]:
        show(report, options["format_"])
    for name in made:
        path(name) if options["quiet"] else note(f"drawn in {safe(name)}")
