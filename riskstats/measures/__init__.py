"""Risk measures: one number for the law of the losses."""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.measures.atkinson import Atkinson as Atkinson
    from riskstats.measures.atkinson import atkinson as atkinson
    from riskstats.measures.base import RiskMeasure as RiskMeasure
    from riskstats.measures.base import SpectralMeasure as SpectralMeasure
    from riskstats.measures.by_group import measure_by_group as measure_by_group
    from riskstats.measures.cvar import CVaR as CVaR
    from riskstats.measures.cvar import cvar as cvar
    from riskstats.measures.cvar import expected_shortfall as expected_shortfall
    from riskstats.measures.distortion import Distortion as Distortion
    from riskstats.measures.distortion import DistortionMeasure as DistortionMeasure
    from riskstats.measures.distortion import distortion_risk as distortion_risk
    from riskstats.measures.dual_power import DualPower as DualPower
    from riskstats.measures.entropic import Entropic as Entropic
    from riskstats.measures.entropic import entropic_risk as entropic_risk
    from riskstats.measures.evar import EVaR as EVaR
    from riskstats.measures.evar import evar as evar
    from riskstats.measures.expectile import Expectile as Expectile
    from riskstats.measures.expectile import expectile as expectile
    from riskstats.measures.exponential_distortion import ExponentialDistortion as ExponentialDistortion
    from riskstats.measures.gini import Gini as Gini
    from riskstats.measures.gini import gini as gini
    from riskstats.measures.group_difference import GroupDifference as GroupDifference
    from riskstats.measures.group_difference import group_difference as group_difference
    from riskstats.measures.group_ratio import GroupRatio as GroupRatio
    from riskstats.measures.group_ratio import group_ratio as group_ratio
    from riskstats.measures.mean import Mean as Mean
    from riskstats.measures.mean import mean as mean
    from riskstats.measures.parse import known_measures as known_measures
    from riskstats.measures.parse import parse_measure as parse_measure
    from riskstats.measures.proportional_hazard import ProportionalHazard as ProportionalHazard
    from riskstats.measures.spectral import Spectral as Spectral
    from riskstats.measures.spectral import spectral_risk as spectral_risk
    from riskstats.measures.value_at_risk import ValueAtRisk as ValueAtRisk
    from riskstats.measures.value_at_risk import value_at_risk as value_at_risk
    from riskstats.measures.var_interval import VaRInterval as VaRInterval
    from riskstats.measures.var_interval import var_interval as var_interval
    from riskstats.measures.wang import Wang as Wang

_NAMES = {
    "Atkinson": "riskstats.measures.atkinson",
    "CVaR": "riskstats.measures.cvar",
    "Distortion": "riskstats.measures.distortion",
    "DistortionMeasure": "riskstats.measures.distortion",
    "DualPower": "riskstats.measures.dual_power",
    "EVaR": "riskstats.measures.evar",
    "Entropic": "riskstats.measures.entropic",
    "Expectile": "riskstats.measures.expectile",
    "ExponentialDistortion": "riskstats.measures.exponential_distortion",
    "Gini": "riskstats.measures.gini",
    "GroupDifference": "riskstats.measures.group_difference",
    "GroupRatio": "riskstats.measures.group_ratio",
    "Mean": "riskstats.measures.mean",
    "ProportionalHazard": "riskstats.measures.proportional_hazard",
    "RiskMeasure": "riskstats.measures.base",
    "Spectral": "riskstats.measures.spectral",
    "SpectralMeasure": "riskstats.measures.base",
    "VaRInterval": "riskstats.measures.var_interval",
    "ValueAtRisk": "riskstats.measures.value_at_risk",
    "Wang": "riskstats.measures.wang",
    "atkinson": "riskstats.measures.atkinson",
    "cvar": "riskstats.measures.cvar",
    "distortion_risk": "riskstats.measures.distortion",
    "entropic_risk": "riskstats.measures.entropic",
    "evar": "riskstats.measures.evar",
    "expected_shortfall": "riskstats.measures.cvar",
    "expectile": "riskstats.measures.expectile",
    "gini": "riskstats.measures.gini",
    "group_difference": "riskstats.measures.group_difference",
    "group_ratio": "riskstats.measures.group_ratio",
    "known_measures": "riskstats.measures.parse",
    "mean": "riskstats.measures.mean",
    "measure_by_group": "riskstats.measures.by_group",
    "parse_measure": "riskstats.measures.parse",
    "spectral_risk": "riskstats.measures.spectral",
    "value_at_risk": "riskstats.measures.value_at_risk",
    "var_interval": "riskstats.measures.var_interval",
}

__getattr__, __dir__, __all__ = attach(__name__, _NAMES)
