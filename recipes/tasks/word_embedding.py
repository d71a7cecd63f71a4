"""Word embedding: vectors of words, by the words that they are among."""

from .task import Task


class WordEmbedding(Task):
    """Models that learn from sequences of words which of them occur near each other."""

    def select(self, examples):
        """Sequences without the word that follows them, which begins the next one."""
        text, feature = examples.columns["text"], examples.features["text"]
        return examples.replaced(
            columns={"text": text[:, : feature.length]}, features={"text": feature}
        )


WORD_EMBEDDING = WordEmbedding("word embedding", inputs=("text",))
