#!/usr/bin/python3
"""Checks exported files by the checker of Debian's python3-onnx (1.12): structure, types and shapes of every operation.

    /usr/bin/python3 tests/Fixtures/onnx/check.py FILE.onnx ...

Prints one line a file; ends with 1 where one is wrong. That release knows opsets up to 17: export with --opset 17.
"""
import sys

import onnx


def main(paths):
    wrong = False
    for path in paths:
        try:
            onnx.checker.check_model(path, full_check=True)
            model = onnx.load(path, load_external_data=False)
            named = {entry.key for entry in model.metadata_props}
            missing = {"tessera.classes", "tessera.config_sha256", "tessera.task"} - named
            if missing:
                raise ValueError("its metadata lacks " + ", ".join(sorted(missing)))
            print(f"{path}: {len(model.graph.node)} operations, opset {model.opset_import[0].version}")
        except Exception as error:  # whatever the checker finds
            print(f"{path}: {error}")
            wrong = True
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
