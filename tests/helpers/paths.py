"""The folders and files of the repository that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
FIXTURES = ROOT / "tests" / "fixtures"
CHECKPOINT = FIXTURES / "bgpt-official-b" / "weights.pth"
"""A small checkpoint as the authors of bGPT publish theirs."""
