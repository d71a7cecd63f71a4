"""Vectors of words beside those of gensim's Word2Vec: CPU time, analogies, similarities.

The King James Version in plain words, in rows of 100, its 10,000 most frequent words. Both have
vectors of 100, windows of 5, 5 negatives, the same words left out with the same probabilities, five
epochs, a step size that falls in a straight line from 0.025 a pair, 0.05 for CBOW; each runs on one
thread in a process of its own, gensim beside one more that hands on sentences.
"""

import functools
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from report import in_turn, parsed, publish_parts, ratio, run, spread, table, versions
from scipy.stats import spearmanr

from amalthea import data

HERE = Path(__file__).parent
KINDS = {"skip-gram": 0, "CBOW": 1}
EPOCHS, ASKED = 5, ("king", "bread", "jesus")


def unit(vectors):
    """Vectors of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


class Quality:
    """What vectors know, by questions of which all words are known.

    Args:
        questions: The file `questions-words.txt` of Mikolov et al. 2013.
        pairs: The file `wordsim353.tsv` of Finkelstein et al. 2002.
        vocabulary: The words.
    """

    def __init__(self, questions: Path, pairs: Path, vocabulary):
        self.vocabulary = list(vocabulary)
        self.number = {word: number for number, word in enumerate(vocabulary)}
        self.questions, section = [], ""
        for line in questions.read_text().lower().splitlines():
            if line.startswith(":"):
                section = line.split()[1]
            elif (numbers := self._known(line.split())) is not None:
                self.questions.append((section == "family", *numbers))
        self.questions = np.array(self.questions)
        self.pairs = []
        for line in pairs.read_text().lower().splitlines():
            *both, score = line.split("\t") if line[0] != "#" else ("", "", "")
            if (numbers := self._known(both)) is not None:
                self.pairs.append((*numbers, float(score)))

    def _known(self, asked):
        numbers = [self.number.get(word) for word in asked]
        return None if None in numbers else numbers

    def measure(self, vectors) -> dict[str, float]:
        """Analogies that are right, those among them of families, and the rank correlation."""
        vectors = unit(vectors)
        family, a, b, c, wanted = self.questions.T
        cosines = (vectors[b] - vectors[a] + vectors[c]) @ vectors.T
        every = np.arange(len(a))
        cosines[:, 0] = cosines[every, a] = cosines[every, b] = cosines[every, c] = -np.inf
        right = cosines.argmax(axis=1) == wanted
        first, second, said = map(np.array, zip(*self.pairs, strict=True))
        found = (vectors[first] * vectors[second]).sum(axis=1)
        return {
            "analogies": int(right.sum()),
            "family": int(right[family == 1].sum()),
            "similarity": float(spearmanr(found, said).statistic),
        }

    def nearest(self, vectors, word: str) -> str:
        """The words that are nearest to one."""
        vectors = unit(vectors)
        order = np.argsort(-(vectors @ vectors[self.number[word]]))
        near = [self.vocabulary[i] for i in order if i not in (0, self.number[word])]
        return ", ".join(near[:6])


def embedding() -> str:
    """Seconds of CPU time for a million words, and how good the vectors are."""
    examples = data.read("plain:kjv")
    feature, rows = examples.features["text"], examples.columns["text"][:, :-1]
    rows = rows[: options.size(len(rows), 500)]
    test_data = run(
        [options.gensim, "-c", "from gensim.test.utils import datapath; print(datapath('.'))"]
    )
    quality = Quality(
        Path(test_data, "questions-words.txt"),
        Path(test_data, "wordsim353.tsv"),
        feature.vocabulary,
    )
    lines, near = [], []
    with tempfile.TemporaryDirectory() as folder:
        given = f"{folder}/given.npz"
        # Of this split the words are counted, with those beyond its last row.
        np.savez(given, rows=rows, vocabulary=feature.vocabulary, counts=feature.counts)
        for kind, cbow in KINDS.items():
            contenders = {
                "recipe": [sys.executable, HERE / "skip_gram_contenders.py"],
                "gensim": [options.gensim, HERE / "skip_gram_gensim.py"],
            }
            found = {who: [] for who in contenders}

            def measure(command, name, found=found, cbow=cbow):
                out, seed = f"{folder}/{name}.npy", len(found[name])
                arguments = [given, out, str(cbow), str(options.size(EPOCHS, 2)), str(seed)]
                told = json.loads(run([*command, *arguments]))
                found[name].append(quality.measure(np.load(out)))
                return [told["seconds"] / rows.size * 1e6]

            measured = in_turn(
                {who: functools.partial(measure, c, who) for who, c in contenders.items()},
                options.rounds,
            )
            for who, seconds in measured.items():
                figures = {key: [one[key] for one in found[who]] for key in found[who][0]}
                lines.append(
                    [
                        f"{who}, {kind}",
                        spread(seconds),
                        ratio(seconds, measured["gensim"]),
                        *(spread(figures[key]) for key in ("analogies", "family", "similarity")),
                    ]
                )
                vectors = np.load(f"{folder}/{who}.npy")
                near += [[f"{who}, {kind}", *(quality.nearest(vectors, w) for w in ASKED)]]
    asked, family = len(quality.questions), int(quality.questions[:, 0].sum())
    header = [
        "by",
        "CPU s a million words",
        "of gensim's, paired",
        f"analogies right, of {asked:,}",
    ]
    header += [f"of families, of {family}", f"rank correlation, {len(quality.pairs)} pairs"]
    words = table(["by, in the last round", *(f"nearest to *{word}*" for word in ASKED)], near)
    return f"{table(header, lines)}\n\n{words}"


PARTS = {"embedding": embedding}

if __name__ == "__main__":
    options = parsed(__doc__, PARTS, rounds=5, peer="gensim")
    if not options.gensim:
        raise SystemExit("give --gensim PYTHON, a Python that has gensim")
    beside = f", {versions(options.gensim, 'gensim')['gensim']}"
    publish_parts("skip_gram", PARTS, options, timed=tuple(PARTS), beside=beside)
