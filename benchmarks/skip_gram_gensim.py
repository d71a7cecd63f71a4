"""Vectors of words for skip_gram.py, by gensim; run by a Python that has it. Prints JSON."""

import json
import sys
import time

import numpy as np
from gensim.models import Word2Vec

given, out, cbow, epochs, seed = sys.argv[1:]
with np.load(given) as arrays:
    rows, vocabulary = arrays["rows"], arrays["vocabulary"].tolist()
# Unknown words are left out, as the recipe does.
sentences = [[vocabulary[number] for number in row if number] for row in rows]
model = Word2Vec(
    vector_size=100,
    window=5,
    negative=5,
    sample=1e-3,
    sg=1 - int(cbow),
    alpha=0.05 if int(cbow) else 0.025,
    min_count=1,
    workers=1,
    seed=int(seed) + 1,
)
model.build_vocab(sentences)
begin = time.process_time()
model.train(sentences, total_examples=len(sentences), epochs=int(epochs))
seconds = (time.process_time() - begin) / int(epochs)
vectors = np.zeros((len(vocabulary), 100), "float32")
for number, word in enumerate(vocabulary):
    if word in model.wv:
        vectors[number] = model.wv[word]
np.save(out, vectors)
print(json.dumps({"seconds": seconds}))
