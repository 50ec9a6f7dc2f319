"""What the HTTP API answers, as its description tells it: a module for each of its chapters. Times are ms since the
epoch; unknown members may be added.

The handlers build their answers from what is at hand; the tests hold every one of them to these shapes.
"""
