"""What pyproject.toml cannot say: the kernels of the native engine, and the shipped models as bytesim/shipped."""

import sys
import sysconfig

from setuptools import Extension, find_packages, setup

LIMITED = not sysconfig.get_config_var("Py_GIL_DISABLED")
"""Whether Python has the limited interface, with which one wheel serves all versions."""
KERNELS = "bytesim/native/kernels"

setup(
    ext_modules=[
        Extension(
            "bytesim.native._kernels",
            [
                f"{KERNELS}/{name}.c"
                for name in ("bags", "mixer", "module", "pool", "target_plain", "target_avx2", "target_avx512")
            ],
            depends=[f"{KERNELS}/{name}.h" for name in ("ops", "program", "simd")],
            define_macros=[("Py_LIMITED_API", "0x030A0000")] if LIMITED else [],
            extra_compile_args=["/O2", "/std:c11", "/experimental:c11atomics"] if sys.platform == "win32" else ["-O3"],
            libraries=[] if sys.platform == "win32" else ["m"],
            py_limited_api=LIMITED,
            optional=True,  # without a compiler bytesim is installed all the same, and decodes with torch
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if LIMITED else {},
    packages=[*find_packages(include=["bytesim", "bytesim.*"]), "bytesim.shipped"],
    package_dir={"bytesim.shipped": "models"},
    package_data={
        "bytesim": ["py.typed"],
        "bytesim.datasets.filetype": ["drawn.txt"],
        "bytesim.tasks.inspect": ["page.html"],
        "bytesim.shipped": [
            "*/config.json",
            "*/card.json",
            "*/recipe.toml",
            "*/model.safetensors",
            "*/distribution.npz",
        ],
    },
)
