#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows an answer as it comes and stops it after some seconds, or at Ctrl-C:
stream_and_cancel.py MODEL QUESTION SECONDS"""
import sys
import threading

import phial


def main(path, question, seconds):
    messages = [{"role": "user", "content": question}]
    with phial.Model(path) as model, model.session() as session:
        timer = threading.Timer(float(seconds), session.cancel)
        timer.start()
        try:
            for piece in session.generate(messages):
                print(piece, end="", flush=True)
        except (KeyboardInterrupt, phial.CancelledError):
            print(" ...")
        else:
            print()
        finally:
            timer.cancel()


if __name__ == "__main__":
    main(*sys.argv[1:])
