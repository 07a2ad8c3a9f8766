"""Reading inputs and writing outputs, the same way for every command. No torch, no numpy."""

from bytesim.files.checks import check_output, check_output_folder, make_folder
from bytesim.files.listing import expand_inputs, stream_files
from bytesim.files.names import STDIO, Inputs, input_names, path_name
from bytesim.files.naming import Target, output_path, subfolder_of
from bytesim.files.outcomes import Outcome, Progress, run_each
from bytesim.files.reading import LIMIT_BYTES, open_input, read_input
from bytesim.files.writing import keep_mode, open_output, write_output

__all__ = [
    "LIMIT_BYTES",
    "STDIO",
    "Inputs",
    "Outcome",
    "Progress",
    "Target",
    "check_output",
    "check_output_folder",
    "expand_inputs",
    "input_names",
    "keep_mode",
    "make_folder",
    "open_input",
    "open_output",
    "output_path",
    "path_name",
    "read_input",
    "run_each",
    "stream_files",
    "subfolder_of",
    "write_output",
]
