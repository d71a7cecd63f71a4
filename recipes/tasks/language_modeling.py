"""Language modeling: the next character, or other token, of a text."""

import numpy as np
from keras import ops

from ...callbacks import SampleText
from ...checks import check_count, is_number, is_whole
from ...data.features.words import SPACED, first_number, is_known
from ...errors import UserError
from .task import Task

# Tokens that are written after a prompt.
LENGTH = 200


class LanguageModeling(Task):
    """Models that give, for each token of a sequence, what the next one may be."""

    def select(self, examples):
        """Sequences without their last token, and without their first."""
        if "next" in examples.columns:
            return examples
        text, feature = examples.columns["text"], examples.features["text"]
        columns = {"text": text[:, :-1], "next": text[:, 1:]}
        return examples.replaced(columns=columns, features=dict.fromkeys(columns, feature))

    def show(self, recipe, arguments, held_out, folder):
        def write(model):
            return self.sample(recipe, model, seed=0)

        return [SampleText(write, folder)]

    def sample(
        self,
        recipe,
        model,
        n=None,
        *,
        seed,
        prompt=None,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        length=LENGTH,
        **others,
    ) -> list[str]:
        """Texts that go on from a prompt, which they begin with.

        Args:
            recipe: The recipe.
            model: The model.
            n: How many; 1 if not given.
            seed: Seed of what is drawn.
            prompt: What they begin with; the end of a line, or else the first token that the model
                knows, if not given.
            temperature: 0 for the most probable token each time, 1 for all with their
                probabilities, more for the unlikely ones more often.
            top_k: Draw from so many of the most probable ones alone; 0 for all.
            top_p: Draw from the fewest of these whose probabilities add up to that, above 0; 1 for
                all.
            length: Tokens that are added: characters, words, sub-words or bytes.
            **others: What other tasks are asked for.
        """
        for name, value in others.items():
            raise UserError(f"{recipe.name} writes texts, got {name}={value!r}")
        if not is_number(temperature) or temperature < 0:
            raise UserError(f"temperature must be a number of at least 0, got {temperature!r}")
        if not is_whole(top_k) or top_k < 0:
            raise UserError(f"top_k must be a whole number of at least 0, got {top_k!r}")
        if not is_number(top_p) or not 0 < top_p <= 1:
            raise UserError(f"top_p must be a number above 0 and at most 1, got {top_p!r}")
        text = recipe.features(model.origin.arguments)["text"]
        if not is_known(text.vocabulary, text.rule):
            raise UserError(f"{recipe.name} writes no text here: its vocabulary is a number")
        if prompt is None:
            begun = np.array([first_number(text.vocabulary, text.rule)])
        elif not isinstance(prompt, str) or not prompt:
            raise UserError(f"prompt must be a text of one character or more, got {prompt!r}")
        else:
            begun = text.prompt(prompt)
        if not len(begun):
            raise UserError(f"prompt must be a text of one token or more, got {prompt!r}")
        length = check_count("length", length)
        write = recipe.endpoints["continue"].bind(model, n=length)
        prompts = np.tile(begun, (check_count("n", 1 if n is None else n), 1))
        inputs = {"numbers": prompts, "temperature": np.float32(temperature), "seed": seed}
        inputs |= {"top_k": top_k, "top_p": np.float32(top_p)}
        kinds = {name: spec.dtype for name, spec in write.input.items()}
        given = {name: ops.convert_to_tensor(inputs[name], kinds[name]) for name in kinds}
        written = [text.decode(row) for row in write.predict_on_batch(given)["numbers"]]
        return [each.removeprefix(" ") if text.rule in SPACED else each for each in written]


LANGUAGE_MODELING = LanguageModeling("language modeling", inputs=("text",), targets=("text",))
