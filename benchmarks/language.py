"""Models of text beside the same nets in plain Keras and in PyTorch, and beside counts of n-grams.

All carry their states from batch to batch, of streams of the same text, and learn by the published
optimizers and step sizes; each runs on one thread in a process of its own. Texts come from Debian's
package `bible-kjv`, or, without it, from Python's own help.
"""

import functools
import json
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from report import in_turn, parsed, publish_parts, ratio, run, spread, table, versions

from amalthea import data
from amalthea.data import texts

HERE = Path(__file__).parent
# What each net is, its rows of a batch and steps of a sequence, and what it reads.
NETS = {
    "char_rnn": ("2 LSTM of 128, characters", 50, 50, ""),
    "word_lm": ("2 LSTM of 200, 10,000 words", 20, 20, "words:"),
}
STEPS, EPOCHS = 100, 2
# Of the text for bits: its first characters, the rest being held out, and epochs of the net.
CHARACTERS, BIT_EPOCHS, ORDERS = 2_000_000, 20, 5


def corpus() -> str:
    """The name of a text that there is."""
    return "kjv" if shutil.which(texts.KJV[0]) else "python_docs"


def steps() -> str:
    """Milliseconds of CPU time a step, epochs without the first, in which TensorFlow traces."""
    rows = []
    for net, (title, batch, length, prefix) in NETS.items():
        examples = data.read(f"{prefix}{corpus()}", sequence_length=length)
        column = examples.first(batch * options.size(STEPS, 20)).columns["text"]
        tokens = examples.features["text"].tokens if net == "char_rnn" else 10_000
        with tempfile.NamedTemporaryFile(suffix=".npz") as file:
            np.savez(file, text=column)
            words = [net, file.name, str(batch), str(tokens), str(options.size(EPOCHS, 1))]
            contenders = {
                "recipe": [sys.executable, HERE / "language_contenders.py", "recipe"],
                "plain Keras": [sys.executable, HERE / "language_contenders.py", "plain"],
            }
            if options.torch:
                contenders["PyTorch"] = [options.torch, HERE / "language_torch.py", "train"]
            found = {}

            def measure(command, who, found=found, words=words):
                found[who] = json.loads(run([*command, *words]))
                return [1000 * statistics.median(found[who]["step"])]

            measured = in_turn(
                {who: functools.partial(measure, c, who) for who, c in contenders.items()},
                options.rounds,
            )
        ours, a_step = measured.pop("recipe"), batch * length
        row = [title, f"{found['recipe']['parameters']:,}", spread(ours)]
        row.append(f"{1000 * a_step / statistics.median(ours):,.0f}")
        for who, theirs in measured.items():
            row += [spread(theirs), ratio(ours, theirs)]
            row.append(f"{np.mean(found[who]['loss']) - np.mean(found['recipe']['loss']):+.3f}")
        rows.append(row)
    header = ["net", "parameters", "recipe, ms a step", "tokens a CPU second"]
    for who in ("plain Keras", *([TORCH] if options.torch else [])):
        header += [who, "recipe to it, paired", "its loss, less the recipe's"]
    return table(header, rows)


def sampling() -> str:
    """Milliseconds of CPU time a character, of texts that two layers of 128 go on with."""
    rows = []
    for length in options.size((200, 1000), (20,)):
        words = ["char_rnn", str(length)]
        contenders = {
            "recipe": [sys.executable, HERE / "language_contenders.py", "sample"],
            "all that is written, again": [
                sys.executable, HERE / "language_contenders.py", "naive",
            ],
        }  # fmt: skip
        if options.torch:
            contenders[TORCH] = [options.torch, HERE / "language_torch.py", "sample"]

        def measure(command, words=words, length=length):
            seconds = statistics.median(json.loads(run([*command, *words])))
            return [1000 * seconds / length]

        measured = in_turn(
            {who: functools.partial(measure, c) for who, c in contenders.items()}, options.rounds
        )
        ours = measured.pop("recipe")
        row = [f"{length} characters", spread(ours)]
        for theirs in measured.values():
            row += [spread(theirs), ratio(ours, theirs)]
        rows.append(row)
    header = ["text", "recipe, ms a character", "naive loop", "recipe to it, paired"]
    return table(header + ([TORCH, "recipe to it, paired"] if options.torch else []), rows)


def bits() -> str:
    """Bits of a held-out character, by counts of n-grams and by `char_rnn`."""
    text = data.texts.kjv() if corpus() == "kjv" else data.texts.python_docs()
    text = text[: options.size(CHARACTERS, 50_000)]
    known, held_out = (texts.part_of(text, part) for part in ("train+validation", "test"))
    rows = [
        [f"counts of {order} characters", f"{ngram_bits(known, held_out, order - 1):.3f}", ""]
        for order in range(1, ORDERS + 1)
    ]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "text.txt").write_text(text, "utf-8")
        command = [sys.executable, HERE / "language_contenders.py", "bits"]
        found = json.loads(run([*command, folder, str(options.size(BIT_EPOCHS, 1))]))
    for epoch, value, minutes in found:
        rows.append([f"`char_rnn`, epoch {epoch}", f"{value:.3f}", f"{minutes:.1f}"])
    header = [f"first {len(text):,} characters of {corpus()}", "bits", "CPU minutes"]
    return table(header, rows)


def ngram_bits(known: str, held_out: str, order: int) -> float:
    """Bits of a character by those before it, by interpolated counts (Witten & Bell 1991)."""
    size = len(set(known)) + 1
    counts, contexts, kinds = Counter(), Counter(), Counter()
    for n in range(order + 1):
        grams = Counter(known[i : i + n + 1] for i in range(len(known) - n))
        counts.update(grams)
        for gram, count in grams.items():
            contexts[gram[:-1]] += count
            kinds[gram[:-1]] += 1
    total = 0.0
    for i, character in enumerate(held_out):
        share = 1 / size
        for n in range(min(order, i) + 1):
            context = held_out[i - n : i]
            if there := contexts[context]:
                new = kinds[context]
                share = (counts[context + character] + new * share) / (there + new)
        total -= np.log2(share)
    return total / len(held_out)


PARTS = {"steps": steps, "sampling": sampling, "bits": bits}

if __name__ == "__main__":
    options = parsed(__doc__, PARTS, rounds=5)
    TORCH = versions(options.torch, "torch").get("torch", "")
    publish_parts("language", PARTS, options, timed=("steps", "sampling"))
