"""Optional decoding on the GPU by NVIDIA's nvImageCodec, through its own plugin for pydicom.

For JPEG Lossless, JPEG 2000 and HTJ2K, whose lossless forms have the same values from every codec. JPEG-LS, RLE and 12-bit
JPEG, which it does not support, stay on the CPU, and so does 8-bit JPEG, whose colors are libjpeg-turbo's.
"""

from __future__ import annotations

from importlib import import_module

from pydicom.pixels import get_decoder
from pydicom.uid import HTJ2K, JPEG2000Lossless, JPEGLosslessSV1

from medsearch_core.dicom.codestreams.codecs import DECODERS
from medsearch_core.errors import ConfigurationError

NAME = "nvimgcodec"
PLUGIN = "nvidia.nvimgcodec.tools.dicom.pydicom_plugin"
SYNTAXES = (JPEGLosslessSV1, JPEG2000Lossless, HTJ2K)


def decode_on_gpu() -> None:
    """Makes this process decode `SYNTAXES` on the GPU from now on. Idempotent.

    Raises:
        ConfigurationError: nvImageCodec is not installed, or finds no GPU.
    """
    if DECODERS[JPEG2000Lossless] == NAME:
        return
    fault = ""
    try:
        import_module(PLUGIN)._get_decoder_resources()
    except ImportError:
        fault = "is not installed: install nvidia-nvimgcodec-cu12[all], or -cu13, by the driver's CUDA version"
    except Exception as error:  # noqa: BLE001 - the codec raises exceptions of its own kinds
        fault = f"cannot be started ({type(error).__name__}): does this machine have a GPU and its driver?"
    if fault:
        raise ConfigurationError(f"MEDSEARCH_DECODER=nvimgcodec: it {fault} MEDSEARCH_DECODER=cpu needs neither")
    for syntax in SYNTAXES:
        decoder = get_decoder(syntax)
        if NAME not in decoder.available_plugins:
            decoder.add_plugin(NAME, (PLUGIN, "_decode_frame"))
    DECODERS.update(dict.fromkeys(SYNTAXES, NAME))
