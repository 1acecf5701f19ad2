"""Harm-benefit trees aggregated to a probability of harm, by weights that can be read and are fitted.

The score is a signed sum over effects, so every prompt explains itself, and it never falls when a harm is
added or an extent or likelihood raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from riskstats._random import RandomState, generator
from riskstats._validation import (
    Floats,
    binary_target,
    choice,
    quoted,
    same_length,
    sample_weights,
    weighted_classes,
    whole_number,
)
from riskstats._validation import confidence_level as checked_confidence
from riskstats.exceptions import InvalidInput
from riskstats.harm.aggregation_fit import (
    AT_BOUND,
    AggregationFit,
    fit_parameters,
    inside_box,
    profile_interval,
)
from riskstats.harm.aggregation_kernels import (
    Layout,
    Tables,
    evaluator,
    kind_values,
    probability,
    scores,
    usage,
)
from riskstats.harm.aggregation_report import AggregationWeights, EffectTerm, HarmExplanation
from riskstats.harm.aggregation_tree import (
    ACTIONS,
    EFFECTS,
    EXTENTS,
    KINDS,
    LIKELIHOODS,
    Cells,
    Effect,
    cells_of,
    read_trees,
)

__all__ = ["ACTIONS", "EFFECTS", "AggregationWeights", "HarmBenefitModel", "HarmExplanation"]

_MOST_REFITS = 3


class HarmBenefitModel(ClassifierMixin, BaseEstimator):
    """Probability that a prompt is harmful, from a tree of its harms and benefits.

        H = sum_harms      w_action w_effect extent likelihood discount^(1 - immediacy)
            - b sum_benefits        w_effect extent likelihood discount^(1 - immediacy)
        P(harmful) = sigmoid(H);   harms alone 2 sigmoid(H) - 1;   benefits alone 2 sigmoid(H)

    Extents ascend, minor <= significant <= substantial <= major = 1, and likelihoods low <= medium <= high =
    1, as products of fitted ratios; harms and benefits have their own. Every weight lies in [0, 1]: 16
    actions, 6 of harms, 6 of benefits and b make 29, with 7 effects 36.

    Parameters
    ----------
    kind : "both", "harms" or "benefits": which side of the trees counts.
    effect_weights : True fits a weight per effect category; otherwise they are 1.
    scale, intercept : True fits a positive factor of H and an intercept (only with "both"). Without them a
        prompt with few effects has a probability near 0.5 ("both"), however sure the labels are.
    actions, effects : names of the categories.
    n_starts, max_iter, random_state : most starts of L-BFGS, its iterations, and the seed of the starts. The
        starts end once the best likelihood is found a second time.

    Attributes
    ----------
    classes_ : the two labels; the second is harmful. parameters_ : (p,). parameter_names_ : (p,).
    loss_ : negative log-likelihood. weights_ : an `AggregationWeights` with parameters at a bound.
    n_evaluations_ : of the likelihood.

    A tree is a list of stakeholders with `harms` and `benefits`, or its JSON text; the format is in
    `riskstats.harm.aggregation_tree`. `InvalidInput`: a node with a missing, unknown or misspelt field, with
    its path; labels of one class. Needs JAX.
    Source: Li et al. (2025), SafetyAnalyst: Interpretable, Transparent, and Steerable Safety Moderation for
    AI Behavior.
    """

    def __init__(
        self,
        *,
        kind: Literal["both", "harms", "benefits"] = "both",
        effect_weights: bool = False,
        scale: bool = False,
        intercept: bool = False,
        actions: Sequence[str] = ACTIONS,
        effects: Sequence[str] = EFFECTS,
        n_starts: int = 5,
        max_iter: int = 1000,
        random_state: RandomState = 0,
    ) -> None:
        self.kind = kind
        self.effect_weights = effect_weights
        self.scale = scale
        self.intercept = intercept
        self.actions = actions
        self.effects = effects
        self.n_starts = n_starts
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> HarmBenefitModel:
        """Fit the weights to labels of prompts by maximum likelihood.

        Parameters
        ----------
        X : list of n trees. y : (n,) labels of two classes, the larger one harmful.
        sample_weight : (n,) >= 0.
        """
        layout = self._layout()
        cells = self._cells(X)
        codes, classes = binary_target(y)
        same_length(X=cells.counts, y=codes)
        weight = sample_weights(sample_weight, len(codes))
        weighted_classes(codes, weight, classes)
        target = codes.astype(np.float64)
        fit = fit_parameters(
            layout,
            cells,
            target,
            weight,
            n_starts=whole_number(self.n_starts, "n_starts", low=1),
            max_iter=whole_number(self.max_iter, "max_iter", low=1),
            rng=generator(self.random_state),
        )
        self.classes_ = np.array(classes)
        self._data = cells, target, weight
        self._learn(layout, fit, None)
        return self

    def harm_score(self, X: Any) -> Floats:
        """H of every prompt, (n,), before scale and intercept."""
        check_is_fitted(self)
        return self._harm(self._cells(X))

    def decision_function(self, X: Any) -> Floats:
        """Scaled and shifted H, (n,)."""
        harm = self.harm_score(X)
        return np.asarray(self.layout_.logit(self.parameters_, harm))

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of `classes_`, (n, 2)."""
        logits = self.decision_function(X)
        harmful = probability(self.layout_.kind, logits)
        return np.stack([1.0 - harmful, harmful], axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """The class of every prompt whose probability is above 1/2."""
        harmful = self.predict_proba(X)[:, 1] > 0.5
        return np.asarray(self.classes_[harmful.astype(np.int64)])

    def explain(self, prompt: Any) -> HarmExplanation:
        """The signed effects of one tree; they sum to H."""
        check_is_fitted(self)
        effects = [effect for effect in self._read([prompt])[0] if self._counts(effect)]
        tables = self.layout_.tables(self.parameters_)
        kinds = np.array([effect[3:] for effect in effects], dtype=np.int64).reshape(-1, 6)
        values = np.asarray(kind_values(tables, kinds))
        terms = [
            _term(effect, float(value), self.effects) for effect, value in zip(effects, values, strict=True)
        ]
        harm = float(values.sum())
        logit = np.asarray(self.layout_.logit(self.parameters_, np.array([harm])))
        return HarmExplanation(
            harm=harm,
            logit=float(logit[0]),
            probability=float(probability(self.layout_.kind, logit)[0]),
            terms=tuple(sorted(terms, key=lambda term: -abs(term.value))),
        )

    def profile(
        self, names: Sequence[str] | None = None, *, confidence_level: float = 0.95
    ) -> AggregationWeights:
        """The weights with profile-likelihood limits, of all parameters or of those named.

        Each limit takes about ten fits with one parameter held. Where one of these is better than the fit,
        the fit is replaced by it and the limits are taken again.
        """
        check_is_fitted(self)
        sure = checked_confidence(confidence_level)
        chosen = list(self.parameter_names_) if names is None else [str(name) for name in names]
        unknown = [name for name in chosen if name not in self.parameter_names_]
        if unknown:
            raise InvalidInput(
                f"no parameter {quoted(unknown)}; they are {quoted(self.parameter_names_, 40)}."
            )
        boxed = evaluator(self.layout_, *self._data)
        for _ in range(_MOST_REFITS):
            limits, best = self._limits(boxed, chosen, sure)
            if best[1] >= self.loss_:
                break
            parameters, loss, _ = inside_box(self.layout_, boxed, best[0], self.max_iter)
            self._learn(self.layout_, self._fit._replace(parameters=parameters, loss=loss), None)
        self._learn(self.layout_, self._fit, (limits[0], limits[1], sure))
        return self.weights_

    def _limits(self, boxed: Any, chosen: Sequence[str], sure: float) -> tuple[Floats, tuple[Floats, float]]:
        """(2, p) limits, nan where not chosen, and the best point met."""
        ends, best = np.full((2, len(self.parameter_names_)), np.nan), (self.parameters_, self.loss_)
        for place, name in enumerate(self.parameter_names_):
            if name not in chosen:
                continue
            if self.weights_.effects[place] == 0:
                ends[:, place] = 0.0, 1.0
                continue
            low, high, met = profile_interval(self.layout_, boxed, self._fit, place, sure, self.max_iter)
            ends[:, place] = low, high
            best = met if met[1] < best[1] else best
        return ends, best

    def _learn(
        self, layout: Layout, fit: AggregationFit, limits: tuple[Floats, Floats, float] | None
    ) -> None:
        cells, target, weight = self._data
        informed = usage(layout, cells, weight)
        values = np.where(informed > 0, fit.parameters, 1.0)
        inner = np.arange(len(values)) < layout.bounded
        at_bound = inner & (informed > 0) & ((values <= AT_BOUND) | (values >= 1.0 - AT_BOUND))
        self._fit = fit._replace(parameters=values)
        self.layout_, self.parameters_, self.parameter_names_ = layout, values, layout.names
        self.loss_, self.n_evaluations_ = fit.loss, fit.n_evaluations
        self.weights_ = AggregationWeights(
            names=layout.names,
            values=values,
            lower=None if limits is None else limits[0],
            upper=None if limits is None else limits[1],
            at_bound=at_bound,
            effects=informed,
            loss=fit.loss,
            n=len(target),
            start_losses=fit.start_losses,
            confidence_level=None if limits is None else limits[2],
        )

    # ---- gates

    def _layout(self) -> Layout:
        kind = choice(self.kind, ("both", "harms", "benefits"), "kind")
        if self.intercept and kind != "both":
            raise InvalidInput(
                f"`intercept` needs kind='both'; with '{kind}' no effects have a fixed probability."
            )
        return Layout(
            kind,
            _names(self.actions, "actions"),
            _names(self.effects, "effects"),
            bool(self.effect_weights),
            bool(self.scale),
            bool(self.intercept),
        )

    def _read(self, X: Any) -> list[list[Effect]]:
        return read_trees(X, _names(self.actions, "actions"), _names(self.effects, "effects"))

    def _counts(self, effect: Effect) -> bool:
        """Whether an effect is on a side that counts."""
        return self.kind == "both" or KINDS[effect.benefit] == self.kind

    def _cells(self, X: Any) -> Cells:
        return cells_of(self._read(X), self._counts, by_effect=bool(self.effect_weights))

    def _harm(self, cells: Cells) -> Floats:
        return np.asarray(scores(self.layout_.tables(self.parameters_), *cells))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags


def _names(names: Any, what: str) -> tuple[str, ...]:
    given = tuple(map(str, names))
    if not given or len({name.casefold() for name in given}) < len(given):
        raise InvalidInput(f"`{what}` must be different names, at least one; got {quoted(given)}.")
    return given


def _term(effect: Effect, value: float, effects: Sequence[str]) -> EffectTerm:
    return EffectTerm(
        value=value,
        path=effect.path,
        stakeholder=effect.stakeholder,
        kind=KINDS[effect.benefit],
        action=effect.action_text,
        effect=effects[effect.effect],
        extent=EXTENTS[effect.extent],
        likelihood=LIKELIHOODS[effect.likelihood],
        immediate=bool(effect.immediate),
    )


def harm_scores(
    trees: Any, tables: Tables, *, actions: Sequence[str] = ACTIONS, effects: Sequence[str] = EFFECTS
) -> Floats:
    """H of every tree at given `Tables`, (n,), without a fit."""
    cells = cells_of(read_trees(trees, actions, effects), lambda _: True)
    return np.asarray(scores(tables, *cells))
