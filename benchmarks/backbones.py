"""Build every model of timm's as a backbone, without weights, and run it in a network on the meta device.

    python benchmarks/backbones.py [PATTERN] [EVERY]

Each runs at 224 x 224 and at 160 x 192, with an encoder, a fusion and a decoder around it, as many at once as there
are cores. Those that fail are listed with the reason, and the exit status says whether there are more than allowed.
"""

import concurrent.futures
import os
import sys
import warnings

import timm
import torch
from torch import nn
from tqdm import tqdm

from colorfuse.network import build_network

SIZES = ((224, 224), (160, 192))
MAY_FAIL = 21


def main(pattern: str = "*", every: str = "1") -> int:
    """Try the models and print what fails."""
    names = timm.list_models(pattern)[:: int(every)]
    processes = os.cpu_count()
    with concurrent.futures.ProcessPoolExecutor(processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        reasons = list(tqdm(pool.map(reason_to_fail, names), total=len(names)))
    failed = {name: reason for name, reason in zip(names, reasons, strict=True) if reason}
    print(f"{len(names) - len(failed)} of {len(names)} models pass")
    for name, reason in failed.items():
        print(f"{name}: {reason}")
    return int(len(failed) > MAY_FAIL)


def reason_to_fail(name: str) -> str:
    """Why a network with this backbone cannot be, or an empty string."""
    warnings.simplefilter("ignore")
    try:
        with torch.device("meta"), torch.no_grad():
            network = build_network(
                encoder="conv",
                backbone=name,
                fusion="concat",
                decoder="light",
                planes=2,
                activation=nn.Tanh(),
                pretrained=False,
            ).eval()
            for size in SIZES:
                planes = network(torch.empty(1, 1, *size))
                if planes.shape != (1, 2, *size):
                    return f"planes of {tuple(planes.shape)} for {size}"
    except Exception as error:  # which is what is looked for
        return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    return ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
