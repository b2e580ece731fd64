"""`colorfuse evaluate`."""

from pathlib import Path
from typing import Annotated

import typer
from torch import distributed

from colorfuse.cli.options import DeviceOption, MethodOption, ModelOption, SaturationOption, create
from colorfuse.evaluation import evaluate as cf_evaluate
from colorfuse.evaluation.drawing import check_drawing
from colorfuse.evaluation.figures import DEFAULT
from colorfuse.evaluation.hinting import HINT_PROTOCOLS
from colorfuse.evaluation.protocols import PROTOCOLS
from colorfuse.files import check_folder


def evaluate(
    photos: Annotated[Path, typer.Argument(help="A folder of colour photos.")],
    model: ModelOption = None,
    method: MethodOption = "fusion",
    outputs: Annotated[
        Path | None, typer.Option(help="Evaluate these files instead, each named like its photo and of its size.")
    ] = None,
    protocol: Annotated[str, typer.Option(help=f"One of {', '.join(PROTOCOLS)}.")] = "center256",
    saturation: SaturationOption = 1.0,
    constant: Annotated[
        tuple[float, float] | None,
        typer.Option(help="a and b of the constant colour; by default the mean of the photos learnt from."),
    ] = None,
    figure: Annotated[
        list[str] | None,
        typer.Option(help="Only this figure, such as psnr, lpips or fid; may be given several times."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a web page, such as out.html.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the figures of each photo.")] = None,
    hints: Annotated[
        str, typer.Option(help="Numbers of points that reveal true colours, as in 0,1,2,5,10; each adds a row.")
    ] = "",
    hint_protocol: Annotated[
        str, typer.Option(help=f"How points are drawn: {', '.join(HINT_PROTOCOLS)}.")
    ] = "zhang2017",
    reference: Annotated[
        Path | None,
        typer.Option(help="A colour photo to take colours from, or a folder with one for each photo, of its name."),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Evaluate colours on photos whose true colours are known, against gray and one constant colour."""
    if outputs and (model or method != "fusion"):
        given = f"--model {model[0]}" if model else f"--method {method}"
        raise ValueError(f"give {given} or --outputs {outputs}, not both")
    if report:
        check_drawing()
        if report.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"--report {report} would be a web page; name it as in out.html")
    if csv and csv.is_dir():
        raise ValueError(f"--csv {csv} is a folder; name a file, as in {csv / 'figures.csv'}")
    for path in filter(None, (report, csv)):
        check_folder(path.parent)
    colors = outputs or create(method, model, device)
    result = cf_evaluate(
        colors,
        photos,
        protocol,
        saturation=saturation,
        constant=constant,
        figures=figure or DEFAULT,
        hints=_counts(hints),
        hint_protocol=hint_protocol,
        reference=reference,
    )
    # Under torchrun all processes have the result; only the first reports it.
    if distributed.is_initialized() and distributed.get_rank():
        return
    typer.echo(result)
    if result.left_out:
        typer.echo(f"colorfuse: {result.reasons()}", err=True)
    if csv:
        result.to_csv(csv)
    if report:
        result.report(report)


def _counts(hints: str) -> list[int]:
    try:
        return [int(count) for count in hints.replace(",", " ").split()]
    except ValueError as error:
        raise ValueError(f"--hints {hints} must be numbers of points, as in 0,1,2,5,10") from error
