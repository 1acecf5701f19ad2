"""Tails of graded harms: how large, what they are made of, how sure, which model, and whether they held."""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.tail.attribution import tail_attribution as tail_attribution
    from riskstats.tail.backtest import expected_shortfall_backtest as expected_shortfall_backtest
    from riskstats.tail.backtest_report import BacktestReport as BacktestReport
    from riskstats.tail.comparison import ModelComparison as ModelComparison
    from riskstats.tail.dependence import TailDependence as TailDependence
    from riskstats.tail.dependence import t_copula_tail_dependence as t_copula_tail_dependence
    from riskstats.tail.dependence import tail_dependence as tail_dependence
    from riskstats.tail.extremes import peaks_over_threshold as peaks_over_threshold
    from riskstats.tail.groups import GroupTails as GroupTails
    from riskstats.tail.interval import CVaRInterval as CVaRInterval
    from riskstats.tail.judge_noise import JudgeNoise as JudgeNoise
    from riskstats.tail.judge_noise import judge_noise_sensitivity as judge_noise_sensitivity
    from riskstats.tail.limit_methods import Asymptotic as Asymptotic
    from riskstats.tail.limit_methods import BootstrapT as BootstrapT
    from riskstats.tail.limit_methods import SplitBetting as SplitBetting
    from riskstats.tail.limits import cvar_interval as cvar_interval
    from riskstats.tail.models import profile_models as profile_models
    from riskstats.tail.models_report import ModelsReport as ModelsReport
    from riskstats.tail.pooling import pool_judges as pool_judges
    from riskstats.tail.profile import risk_profile as risk_profile
    from riskstats.tail.provenance import Provenance as Provenance
    from riskstats.tail.ranking import compare_models as compare_models
    from riskstats.tail.repeats import RepeatedTail as RepeatedTail
    from riskstats.tail.repeats import repeated_tail as repeated_tail
    from riskstats.tail.report import tail_report as tail_report
    from riskstats.tail.result import Contributions as Contributions
    from riskstats.tail.result import FrechetTails as FrechetTails
    from riskstats.tail.result import MarginalTails as MarginalTails
    from riskstats.tail.result import RiskProfile as RiskProfile
    from riskstats.tail.result import ScaleProfile as ScaleProfile
    from riskstats.tail.result import TailAttribution as TailAttribution
    from riskstats.tail.result import TailReport as TailReport
    from riskstats.tail.scoring import fissler_ziegel_score as fissler_ziegel_score
    from riskstats.tail.scoring import mean_fissler_ziegel_score as mean_fissler_ziegel_score
    from riskstats.tail.sketch import TailSketch as TailSketch
    from riskstats.tail.streaming import MergeableTail as MergeableTail
    from riskstats.tail.tail_fit import TailFit as TailFit
    from riskstats.tail.union import ClipAudit as ClipAudit
    from riskstats.tail.union import FrechetBounds as FrechetBounds
    from riskstats.tail.union import frechet_bounds as frechet_bounds
    from riskstats.tail.union import log_risk as log_risk
    from riskstats.tail.union import shapley_of_union as shapley_of_union
    from riskstats.tail.union import union_risk as union_risk
    from riskstats.tail.weights import TailWeights as TailWeights
    from riskstats.tail.weights import tail_weights as tail_weights

_NAMES = {
    "Asymptotic": "riskstats.tail.limit_methods",
    "BacktestReport": "riskstats.tail.backtest_report",
    "BootstrapT": "riskstats.tail.limit_methods",
    "CVaRInterval": "riskstats.tail.interval",
    "ClipAudit": "riskstats.tail.union",
    "Contributions": "riskstats.tail.result",
    "FrechetBounds": "riskstats.tail.union",
    "FrechetTails": "riskstats.tail.result",
    "GroupTails": "riskstats.tail.groups",
    "JudgeNoise": "riskstats.tail.judge_noise",
    "MarginalTails": "riskstats.tail.result",
    "MergeableTail": "riskstats.tail.streaming",
    "ModelComparison": "riskstats.tail.comparison",
    "ModelsReport": "riskstats.tail.models_report",
    "Provenance": "riskstats.tail.provenance",
    "RepeatedTail": "riskstats.tail.repeats",
    "RiskProfile": "riskstats.tail.result",
    "ScaleProfile": "riskstats.tail.result",
    "SplitBetting": "riskstats.tail.limit_methods",
    "TailAttribution": "riskstats.tail.result",
    "TailDependence": "riskstats.tail.dependence",
    "TailFit": "riskstats.tail.tail_fit",
    "TailReport": "riskstats.tail.result",
    "TailSketch": "riskstats.tail.sketch",
    "TailWeights": "riskstats.tail.weights",
    "compare_models": "riskstats.tail.ranking",
    "cvar_interval": "riskstats.tail.limits",
    "expected_shortfall_backtest": "riskstats.tail.backtest",
    "fissler_ziegel_score": "riskstats.tail.scoring",
    "frechet_bounds": "riskstats.tail.union",
    "judge_noise_sensitivity": "riskstats.tail.judge_noise",
    "log_risk": "riskstats.tail.union",
    "mean_fissler_ziegel_score": "riskstats.tail.scoring",
    "peaks_over_threshold": "riskstats.tail.extremes",
    "pool_judges": "riskstats.tail.pooling",
    "profile_models": "riskstats.tail.models",
    "repeated_tail": "riskstats.tail.repeats",
    "risk_profile": "riskstats.tail.profile",
    "shapley_of_union": "riskstats.tail.union",
    "t_copula_tail_dependence": "riskstats.tail.dependence",
    "tail_attribution": "riskstats.tail.attribution",
    "tail_dependence": "riskstats.tail.dependence",
    "tail_report": "riskstats.tail.report",
    "tail_weights": "riskstats.tail.weights",
    "union_risk": "riskstats.tail.union",
}

__getattr__, __dir__, __all__ = attach(__name__, _NAMES)
