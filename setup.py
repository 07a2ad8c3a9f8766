"""What pyproject.toml cannot say: the shipped models travel in the wheel as the folder bytesim/shipped."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["bytesim", "bytesim.*"]), "bytesim.shipped"],
    package_dir={"bytesim.shipped": "models"},
    package_data={
        "bytesim": ["py.typed"],
        "bytesim.datasets.filetype": ["drawn.txt"],
        "bytesim.shipped": ["*/config.json", "*/card.json", "*/recipe.toml", "*/model.safetensors"],
    },
)
