"""Makes the sound and the pictures of this folder out of nothing: `python examples/make_media.py`.

    bell.wav     a struck bell, 8000 Hz mono 8-bit unsigned, one second: the form the audio models read
    sunset.png   a sun over water, 96x64 pixels, to try `bytesim normalize` on
    sunset.bmp   its middle square in 32x32 pixels: the form the image models read

Made again, on any machine, they are the same but for the compression of the PNG and the last rounding.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from bytesim.formats import bmp, wav

PARTIALS = [(0.5, 0.6, 0.9), (1.0, 1.0, 1.3), (1.2, 0.5, 2.0), (1.5, 0.3, 2.6), (2.0, 0.7, 3.0), (2.7, 0.3, 4.5)]
"""A church bell's partials: frequency over the strike note, loudness, how fast it dies away (1/s)."""
STRIKE_HZ = 660.0


def bell() -> wav.Recording:
    """One second of a bell struck after 20 ms."""
    time_s = np.arange(wav.MODEL_FRAMES) / wav.MODEL_RATE_HZ - 0.02
    sound = sum(level * np.exp(-2 * fade * time_s) * np.sin(2 * np.pi * STRIKE_HZ * ratio * time_s)
                for ratio, level, fade in PARTIALS)  # fmt: skip
    sound = np.where(time_s < 0, 0, sound * np.minimum(1, time_s / 0.002))
    samples = np.rint(wav.SILENCE + 120 * sound / np.abs(sound).max())
    return wav.model_recording(samples.astype(np.uint8).tobytes())


def sunset(width: int, height: int, span: float) -> np.ndarray:
    """(height, width, 3) colours; `span` is how much of the scene is seen across, 1.5 being all of it."""
    across = ((np.arange(width) + 0.5) / width - 0.5)[None, :] * span
    down = ((np.arange(height) + 0.5) / height - 0.5)[:, None]
    sky = np.array([250, 150, 60]) + (down[..., None] + 0.5) * np.array([-30, -70, 60])
    sea = np.array([60, 50, 110]) - down[..., None] * np.array([60, 50, 90])
    scene = np.where((down < 0.15)[..., None], sky, sea) + 0 * across[..., None]
    scene[across**2 + (down - 0.02) ** 2 < 0.035] = (255, 235, 140)
    glitter = (down > 0.15) & (np.abs(across) < 0.1 + 0.05 * np.sin(40 * down)) & (np.sin(90 * down) > 0)
    scene[glitter] = (240, 170, 90)
    scene[(down > 0.15) & (across**2 + (down - 0.02) ** 2 < 0.035) & ~glitter] = (110, 80, 110)
    return np.clip(scene, 0, 255).astype(np.uint8)


def main(folder: Path = Path(__file__).parent) -> None:
    """Write the three files into `folder`."""
    (folder / "bell.wav").write_bytes(wav.serialize(bell()))
    Image.fromarray(sunset(96, 64, 1.5)).save(folder / "sunset.png", optimize=True)
    square = bmp.Picture(width=32, height=32, pixels=sunset(32, 32, 1.0).tobytes())
    (folder / "sunset.bmp").write_bytes(bmp.serialize(square))


if __name__ == "__main__":
    main()
